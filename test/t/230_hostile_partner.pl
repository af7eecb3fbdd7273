# Partners who are as costly as their quotas allow, beside one who asks for little: he is answered as if they were
# not there. Measured by what is done for them while he waits, not by time.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;

my @hostile = map { "evil$_.example.org" } 1 .. 3;
my $sp = BridgeTest->new;
my $good = $sp->start_partner;
$sp->create_application;
$sp->add_partner('good.example.org', $good->{port}, signature => 'unsigned_accepted');
$sp->sql("SELECT casesync.set_partner('$_', 'http://127.0.0.1:9', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted',
	callback_prefixes => '{http://127.0.0.1:*}')") for @hostile;
$sp->start_bridge(send_timeout => '120s');
$sp->wait_ready;

my $serial = 0;

sub body
{
	my ($sender, $action, $message, %more) = @_;
	return $sp->encode({ header => { message_id => 'm-' . ++$serial . "-$$", message_ts => '2026-11-26T10:00:00Z', action => $action,
		sender_id => $sender, receiver_id => 'sp.example.org', total_count => 1, %more }, message => $message });
}

sub status_question
{
	my ($sender, %more) = @_;
	return body($sender, 'txn-status', { transaction_id => 't', txnstatus_request => { reference_id => 'r', txn_type => 'search',
		attribute_type => 'transaction_id', attribute_value => 'unknown' } }, %more);
}

# --- what is sent: servers that take a message and never answer, at more addresses than there are places ---
my @silent = map { IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') // die "listen: $!" } 1 .. 31;
for my $partner (@hostile)
{
	for my $server (@silent)
	{
		my $answer = $sp->post('/registry/txn/status', status_question($partner,
			sender_uri => 'http://127.0.0.1:' . $server->sockport . '/registry/txn/on-status'));
		die "$answer->{short}" if $answer->{short} ne '200 ACK';
	}
}

sub in_flight
{
	my ($partners) = @_;
	return $sp->sql("SELECT count(*) FROM casesync.lane_status WHERE in_flight AND partner LIKE '$partners'");
}

sub hostile_attempts { return scalar(() = $sp->log_text =~ /event=sent .*partner=evil/g); }

ok(BridgeTest::wait_for('lanes', sub { $sp->sql("SELECT count(*) FROM casesync.lane_status
	WHERE partner LIKE 'evil%' AND address <> ''") == 93 }), 'hostile partners have 93 addresses');
ok(BridgeTest::wait_for('messages to them', sub { in_flight('evil%') >= 3 }), 'and messages under way');
for my $round (1 .. 10)
{
	$sp->sql("INSERT INTO person VALUES ($round, 'ID-$round', 'A')");
	ok($good->wait_received($round, 30), "news $round arrives at the good one") or last;
}
is(hostile_attempts(), 0, 'not one of theirs has ended meanwhile: nothing waited for them');
cmp_ok(in_flight('evil%'), '<=', 12, 'each has a few places of the 64');
@silent = ();
ok(BridgeTest::wait_for('the ends of those', sub { hostile_attempts() >= 93 }), 'when their servers go away, all 93 are tried in turn');

$sp->stop_ok;

done_testing();
