# A bridge that has taken a message, and then loses its session or stands still, sends nothing once
# stop_sharing() has returned: not after the wait for a token, and not the rest of what has begun; nor of whom left meanwhile.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $partner = $sp->start_partner(name => 'careful');
my $other = $sp->start_partner(name => 'other');
my $secrets = "$sp->{folder}/secrets";
mkdir $secrets, 0700 or die $!;
open my $file, '>', "$secrets/ess" or die $!;
print $file 'secret';
close $file;
chmod 0600, "$secrets/ess" or die $!;
$sp->create_application;
$sp->add_partner('careful.example.org', $partner->{port});
$sp->sql("SELECT casesync.set_partner('careful.example.org', token_url => 'http://127.0.0.1:$partner->{port}/oauth2/client/token',
	client_id => 'we', secret_name => 'ess')");
$sp->add_partner('other.example.org', $other->{port});
$partner->order_tokens(required => 1, expires_in => 1);
my %settings = (secrets_directory => $secrets, connect_timeout => '1s', send_timeout => '1min');
$sp->start_bridge(%settings);
$sp->wait_ready;
my $person = 0;

sub change
{
	my ($note) = @_;
	$person++;
	$sp->sql("INSERT INTO person VALUES ($person, 'ID-$person', 'A', " . ($note // $person) . ')');
	return;
}

sub knows
{
	my ($of, $person_id) = @_;
	return BridgeTest::wait_for("person $person_id", sub { grep { BridgeTest->encode($_->{data}) =~ /"ID-$person_id"/ } $of->items });
}

# A change of which a message is taken; its bridge waits for a token that does not come yet.
sub taken
{
	# the last token ends, so that another is needed
	BridgeTest::wait_for('no token', sub { $partner->order_tokens(forget => 1, hold => 1); 1 });
	select undef, undef, undef, 1.1;
	my $before = () = $partner->token_requests;
	change();
	ok(BridgeTest::wait_for('the token to be asked for', sub { $partner->token_requests > $before }), 'a message is taken, and its token asked for');
	return;
}

sub end_session
{
	$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge delivery'");
	ok(BridgeTest::wait_for('the session to end', sub {
		$sp->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND classid = 5") == 0 }), 'the session that took it has ended');
	return;
}

sub stopped
{
	my ($whom) = @_;
	my $message = $sp->sql("SELECT s.message_id FROM casesync_internal.lane_state s JOIN casesync_internal.lane l USING (lane)
		WHERE l.partner = '$whom' AND s.message_id IS NOT NULL");
	is($sp->sql("SELECT count(*) FROM casesync.stop_sharing('a leak', '$whom') WHERE message_id = '$message'"), 1, 'stop_sharing() returns, and tells of the message');
	is($sp->sql("SELECT count(*) FROM casesync_internal.lane_state s JOIN casesync_internal.lane l USING (lane)
		WHERE l.partner = '$whom' AND greatest(s.begins_until, s.lost_until) > clock_timestamp()"), 0, 'not before its time was over');
	return;
}

sub nothing_left
{
	my ($before) = @_;
	$partner->order_tokens(hold => 0);
	change();
	ok(knows($other, $person), 'the other partner is told of the next change');
	is(scalar(() = $partner->received), $before, 'and this one of nothing');
	$sp->sql("SELECT casesync.resume_sharing('careful.example.org')");
	ok(knows($partner, $person), 'until sharing is resumed');
	return;
}

change();
ok(knows($partner, 1), 'a message arrives');

# --- the token comes late, and nothing else is wrong: taken anew, and it arrives ---
my $before;
taken();
my $taken = $sp->sql("SELECT message_id FROM casesync_internal.lane_state s JOIN casesync_internal.lane l USING (lane) WHERE l.partner = 'careful.example.org' AND message_id IS NOT NULL");
ok(BridgeTest::wait_for('its time to end', sub { $sp->sql("SELECT count(*) FROM casesync_internal.lane_state WHERE message_id = '$taken' AND begins_until < clock_timestamp()") == 1 }),
	'the token takes longer than the message may');
$partner->order_tokens(hold => 0);
ok(knows($partner, $person), 'it arrives');
is((grep { ($_->{message}{header}{message_id} // '') eq $taken } $partner->received), 0, 'as another message');
is($sp->sql("SELECT count(*) FROM casesync.attempts WHERE verdict <> 'delivered'"), 0, 'without a failed attempt');

# --- its session ends ---
$before = () = $partner->received;
taken();
end_session();
stopped('careful.example.org');
nothing_left($before);

# --- the server is restarted ---
$before = () = $partner->received;
taken();
$sp->{server}->restart;
stopped('careful.example.org');
nothing_left($before);

# --- the bridge stands still ---
$before = () = $partner->received;
taken();
kill 'STOP', $sp->{bridge};
end_session();
$partner->order_tokens(hold => 0);
stopped('careful.example.org');
kill 'CONT', $sp->{bridge};
nothing_left($before);

# --- it stands still for a moment only, and meanwhile the person leaves ---
taken();
kill 'STOP', $sp->{bridge};
my $left = $person;
$sp->sql("DELETE FROM person WHERE id = $left");
$partner->order_tokens(hold => 0);
my $until = time + 2;
select undef, undef, undef, 0.1 while time < $until;
kill 'CONT', $sp->{bridge};
change();
ok(knows($partner, $person), 'the next change arrives');
is((grep { BridgeTest->encode($_) =~ /"ID-$left"/ } $partner->received), 0, 'and nothing of whom was there when it was stopped');

# --- it stands still until the server ends its session; also in the middle of a long body ---
my $reader = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
setsockopt $reader, SOL_SOCKET, SO_RCVBUF, 4096 or die $!;
$sp->add_partner('reader.example.org', $reader->sockport);
$sp->sql(<<'SQL');
CREATE OR REPLACE VIEW shared_person AS
SELECT id::text AS subject_key, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id)],
	programmes => ARRAY(SELECT casesync.enrolment('Cash ' || note || CASE note WHEN -1 THEN n || repeat('long', 15000) ELSE '' END,
		casesync.to_code('app', status, NULL::casesync.enrolment_status))
		FROM generate_series(1, CASE note WHEN -1 THEN 70 ELSE 1 END) n)) AS record
  FROM person;
SQL
change(-1);
alarm 60;    # the connection is waited for no longer
my $connection = $reader->accept;
alarm 0;
my ($head, $length) = ('');
while ($head !~ /\r\n\r\n/) { sysread $connection, my $byte, 1 or die 'no head'; $head .= $byte; }
($length) = $head =~ /^Content-Length: (\d+)/mi;
cmp_ok($length, '>', 4_000_000, 'a long message has begun to leave');
kill 'STOP', $sp->{bridge};
end_session();
stopped('reader.example.org');
kill 'CONT', $sp->{bridge};
my $came = 0;
$came += length $_ while sysread $connection, $_, 65536;
cmp_ok($came, '<', $length, 'the rest of it never comes');
close $connection;
change();
ok(knows($other, $person), 'the bridge goes on');

unlike($sp->log_text, qr/ID-\d/, 'the log has no content');
$sp->stop_ok;
done_testing();
