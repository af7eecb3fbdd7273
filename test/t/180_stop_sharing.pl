# Sharing is stopped in the middle of a slow delivery and of a slow search: whoever stopped it gets
# the word only when nothing is under way any more, and from then on nothing leaves.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IPC::Run ();
use Test::More;

my $sp = BridgeTest->new;
my $slow = $sp->start_partner(name => 'slow');
my $well = $sp->start_partner(name => 'well');
$sp->create_application;
$sp->add_partner('slow.example.org', $slow->{port}, signature => 'unsigned_accepted');
$sp->add_partner('well.example.org', $well->{port});
$sp->start_bridge(send_timeout => '1min');
$sp->wait_ready;
my $person = 0;

# A change that both partners would be told of.
sub change
{
	$person++;
	$sp->sql("INSERT INTO person VALUES ($person, 'ID-$person', 'A')");
	return;
}

# What the slow partner has been told, once the other one knows of the last change.
sub told
{
	my ($of) = @_;
	ok(BridgeTest::wait_for("the other partner to know of person $of", sub { grep { BridgeTest->encode($_->{data}) =~ /"ID-$of"/ } $well->items }),
		"the other partner knows of person $of");
	return scalar(() = $slow->received);
}

# Statements that take their time: started here, finished by finish().
sub start
{
	my ($sql, $user) = @_;
	my $run = { out => '', err => '', in => '' };
	$run->{harness} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $sp->{server}->connstr('app') . ($user ? " user=$user" : ''), '-c', $sql ],
		'<', \$run->{in}, '>', \$run->{out}, '2>', \$run->{err});
	return $run;
}

sub finish
{
	my ($run) = @_;
	IPC::Run::finish($run->{harness});
	return $run->{out};
}

sub wait_for_officer
{
	return BridgeTest::wait_for('the officer to wait', sub {
		$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'stop_sharing' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()") == 1 });
}

# --- a message that the partner takes long to acknowledge ---
$slow->order(mode => 'slow', ms => 600_000);
change();
ok($slow->wait_received(1), 'a message is at the partner, not acknowledged yet');
my $officer = start("SELECT sent_to, message_id, subjects FROM casesync.stop_sharing('a leak', 'slow.example.org')");
ok(wait_for_officer(), 'who stops sharing waits');
change();
is(told(2), 1, 'meanwhile nothing else is sent, and the other partner is not kept waiting');
is($sp->sql("SELECT casesync_internal.sharing_begin('slow.example.org')"), 'f', 'and nobody may read for it');
$slow->order(mode => 'ack');
my $message = ($slow->received)[0]{message}{header}{message_id};
is(finish($officer), "slow.example.org|$message|1\n", 'when it is acknowledged the stop is through, and says what was sent');
is($sp->sql("SELECT verdict FROM casesync.attempts WHERE message_id = '$message'"), 'delivered', 'the outcome is on record');
change();
is(told(3), 1, 'from then on nothing leaves');
$sp->end_bridge('KILL');
change();
$sp->start_bridge(send_timeout => '1min');
is(told(4), 1, 'not from another bridge either');
like($sp->sql('SELECT problem FROM casesync.health'), qr/sharing with slow.example.org has been stopped/, 'health says so');
is($sp->sql("SELECT casesync.resume_sharing('slow.example.org')"), 1, 'resumed: its subscription goes on');
ok(BridgeTest::wait_for('all persons', sub { my %seen; $seen{$_}++ for map { BridgeTest->encode($_->{data}) =~ /"(ID-\d+)"/ } $slow->items; keys %seen == 4 }),
	'and what changed meanwhile arrives');

# --- no patience ---
my $before = () = $slow->received;
$slow->order(mode => 'slow', ms => 600_000);
change();
ok($slow->wait_received($before + 1), 'again a message that is not acknowledged');
$officer = start("SELECT count(*) FROM casesync.stop_sharing('at once', 'slow.example.org', wait => '0')");
finish($officer);
like($officer->{err}, qr/WARNING:  sharing is stopped, but something is still under way to "slow.example.org"/, 'who cannot wait is told that something is under way');
like($officer->{err}, qr/by process \d+ \(casesync-bridge/, 'and with whom');
change();
is(told(6), $before + 1, 'sharing is stopped all the same');
# the process that has it dies: then it is over
$officer = start("SELECT count(*) > 0 FROM casesync.stop_sharing('once more', 'slow.example.org')");
ok(wait_for_officer(), 'who asks once more waits');
$sp->end_bridge('KILL');
is(finish($officer), "t\n", 'until the bridge has died');
$sp->start_bridge;
change();
is(told(7), $before + 1, 'and nothing leaves from the next one');
$slow->order(mode => 'ack');
$sp->sql("SELECT casesync.resume_sharing('slow.example.org')");
ok(BridgeTest::wait_for('all persons', sub { my %seen; $seen{$_}++ for map { BridgeTest->encode($_->{data}) =~ /"(ID-\d+)"/ } $slow->items; keys %seen == 7 }),
	'after resume_sharing everything has arrived');

# --- a search that takes long: its records are read through a gate that this test shuts ---
$sp->sql(<<'SQL');
SELECT casesync.set_agreement('slow-example-org', 'slow.example.org', services => '{notify,search}');
SELECT casesync.activate('slow-example-org');
ALTER DATABASE app SET casesync.search_timeout = '1min';
ALTER DATABASE app SET casesync.render_timeout = '1min';
CREATE FUNCTION gate() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_advisory_xact_lock_shared(42) IS NOT NULL';
CREATE OR REPLACE VIEW shared_person AS
SELECT id::text AS subject_key, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id)],
	programmes => ARRAY[casesync.enrolment('Cash ' || note,
		casesync.to_code('app', status, NULL::casesync.enrolment_status))]) AS record
  FROM person WHERE gate();
SQL
$sp->end_bridge('TERM');
$sp->start_bridge;
$sp->wait_ready;
my $token = $sp->token('slow.example.org');
my $now = '2026-11-22T10:00:00.000Z';

sub question
{
	my ($id) = @_;
	return $sp->encode({ signature => '', header => { version => '1.0.0', message_id => $id, message_ts => $now, action => 'search',
			sender_id => 'slow.example.org', receiver_id => 'sp.example.org', total_count => 1 },
		message => { transaction_id => $id, search_request => [ { reference_id => $id, timestamp => $now, search_criteria => {
			reg_type => 'ns:org:RegistryType:ESS', reg_record_type => 'Beneficiary', query_type => 'idtype-value',
			query => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] } }) =~ s/"total_count":"1"/"total_count":1/r;
}

# What a search finds at once.
sub found
{
	my ($id) = @_;
	my $answer = $sp->post('/registry/sync/search', question($id), Authorization => "Bearer $token");
	return "$answer->{status} " . $sp->encode($answer->{json}{message}{search_response}[0]{data}{reg_records} // [ $answer->{content} ]);
}

# The same as the bridge asks for it, but as long as it takes.
sub found_later
{
	my ($id) = @_;
	my $body = unpack 'H*', question($id);
	return start("SELECT message::jsonb #>> '{search_response,0,data,reg_records}'
		FROM casesync_internal.answer_now('slow.example.org', '$id', decode('$body', 'hex'), 'client', NULL)", 'bridge');
}

sub waiting_at_gate
{
	my ($count) = @_;
	return BridgeTest::wait_for("$count at the gate", sub {
		$sp->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND objsubid = 1 AND NOT granted") >= $count });
}

like(found('q1'), qr/^200 .*"ID-1"/, 'a search finds somebody');
my $gate = start('SELECT pg_advisory_lock(42), pg_sleep(600)');
ok(BridgeTest::wait_for('the gate', sub {
	$sp->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND granted AND mode = 'ExclusiveLock'") == 1 }), 'the gate is shut');
my $search = found_later('q2');
ok(waiting_at_gate(1), 'a search is under way');
is($sp->post('/registry/search', question('q3'), Authorization => "Bearer $token")->{short}, '200 ACK', 'and one that is answered later');
ok(waiting_at_gate(2), 'it is worked already');
$before = () = $slow->received;
$officer = start("SELECT count(*) > 0 FROM casesync.stop_sharing('a leak', 'slow.example.org')");
ok(wait_for_officer(), 'who stops sharing waits for both');
like(found('q4'), qr/^200 \[\]$/, 'who searches meanwhile gets what somebody without an agreement gets, at once');
$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND granted AND mode = 'ExclusiveLock'");
$gate->{harness}->finish;
like(finish($search), qr/"ID-1"/, 'the search that was under way is answered');
is(finish($officer), "t\n", 'then the stop is through');
like(found('q5'), qr/^200 \[\]$/, 'and nothing is found any more');
is($sp->sql("SELECT count(*) FROM casesync.disclosures('person', '1') WHERE way = 'search'"), 3, 'what was given is on record, and nothing else');
change();
is(told($person), $before, 'the answer that was to come later does not come');
$sp->sql("DELETE FROM person WHERE id = 1");
$sp->sql("SELECT casesync.resume_sharing('slow.example.org')");
ok(BridgeTest::wait_for('the callback', sub { grep { $_->{path} =~ /on-search/ } $slow->received }), 'until sharing is resumed');
my ($callback) = grep { $_->{path} =~ /on-search/ } $slow->received;
unlike($callback->{body}, qr/"ID-1"/, 'and then it says what there is then');
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
like(found('q6'), qr/^200 .*"ID-1"/, 'and somebody is found again');

unlike($sp->log_text, qr/ID-\d/, 'the log has no content');
$sp->stop_ok;
done_testing();
