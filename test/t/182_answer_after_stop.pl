# An answer at once that the database has given, and the bridge has not sent: who stops sharing waits for it, and nothing
# of it leaves once that has returned, whatever the bridge went through. Nobody else waits, and no session keeps anything.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Socket qw(MSG_DONTWAIT);
use IPC::Run ();
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
$sp->create_application;
$sp->sql("SELECT casesync.set_partner('careful.example.org', 'http://127.0.0.1:$partner->{port}', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted')");
$sp->agree_out('out', 'careful.example.org', services => '{search}');
$sp->sql(<<'SQL');
CREATE FUNCTION gate() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_advisory_xact_lock_shared(42) IS NOT NULL';
CREATE OR REPLACE VIEW shared_person AS
SELECT id::text AS subject_key, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id)],
	programmes => ARRAY(SELECT casesync.enrolment('Cash ' || note || CASE note WHEN -1 THEN n || repeat('long', 15000) ELSE '' END,
		casesync.to_code('app', status, NULL::casesync.enrolment_status))
		FROM generate_series(1, CASE note WHEN -1 THEN 55 WHEN -2 THEN 1 / (note + 2) ELSE 1 END) n)) AS record
  FROM person WHERE gate();
INSERT INTO person VALUES (1, 'ID-1', 'A', 1), (2, 'ID-2', 'A', -1), (3, 'ID-3', 'A', -2);
SQL
my %settings = (request_timeout => '3s', max_notify_body => '16MB', http_sessions => 2);
$sp->start_bridge(%settings);
$sp->wait_ready;
my $serial = 0;

# A client that has asked and has not read anything yet.
sub ask
{
	my ($person, $path) = @_;
	my $id = 'q' . ++$serial . "-$$";
	my $body = $sp->encode({ header => { message_id => $id, message_ts => '2026-11-22T10:00:00Z', action => 'search', sender_id => 'careful.example.org',
			receiver_id => 'sp.example.org', total_count => 1 },
		message => { transaction_id => $id, search_request => [ { reference_id => $id, timestamp => '2026-11-22T10:00:00Z',
			search_criteria => { query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => $person } } } ] } })
	  =~ s/"total_count":"1"/"total_count":1/r;
	my $authorization = $sp->authorization($body);
	my $client = IO::Socket::INET->new(Proto => 'tcp') or die $!;
	setsockopt $client, SOL_SOCKET, SO_RCVBUF, 4096 or die $!;
	connect $client, pack_sockaddr_in($sp->{port}, inet_aton('127.0.0.1')) or die $!;
	$client->autoflush(1);
	print {$client} "POST /registry/sync/search HTTP/1.1\r\nHost: sp\r\nConnection: close\r\nContent-Type: application/json\r\n"
	  . "Authorization: $authorization\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
	return $client;
}

sub answer
{
	my ($client) = @_;
	my $answer = '';
	1 while sysread $client, $answer, 65536, length $answer;
	close $client;
	return $answer;
}

sub start
{
	my ($sql) = @_;
	my $run = { out => '', err => '', in => '' };
	$run->{harness} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $sp->{server}->connstr('app'), '-c', $sql ],
		'<', \$run->{in}, '>', \$run->{out}, '2>', \$run->{err});
	return $run;
}

sub finish
{
	my ($run) = @_;
	IPC::Run::finish($run->{harness});
	return $run->{out};
}

sub stop_later { return start("SELECT count(*) >= 0 FROM casesync.stop_sharing('a leak', 'careful.example.org')"); }

sub wait_for_officer
{
	return BridgeTest::wait_for('the officer to wait', sub {
		$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'stop_sharing' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()") == 1 });
}

sub resume { return $sp->sql("SELECT casesync.resume_sharing('careful.example.org')"); }

sub disclosed { return $sp->sql("SELECT count(*) FROM casesync_internal.disclosure WHERE way = 'search'"); }

# Answers under way, by the locks of the sessions that made them.
sub under_way
{
	return $sp->sql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.objsubid = 3 AND l.classid = 5 AND a.application_name = 'casesync-bridge answer'");
}

sub nothing_under_way { return BridgeTest::wait_for('nothing to be under way', sub { under_way() == 0 }); }

sub end_sessions { return $sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge answer'"); }

my $gate;
sub shut_gate
{
	$gate = start('SELECT pg_advisory_lock(42), pg_sleep(600)');
	return BridgeTest::wait_for('the gate', sub {
		$sp->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND objsubid = 1 AND mode = 'ExclusiveLock' AND granted") == 1 });
}

sub open_gate
{
	$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND objsubid = 1 AND mode = 'ExclusiveLock' AND granted");
	$gate->{harness}->finish;
	return;
}

sub waits_at_gate
{
	return BridgeTest::wait_for('somebody at the gate', sub {
		$sp->sql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = 42 AND l.objsubid = 1
			AND NOT l.granted AND a.application_name = 'casesync-bridge answer'") == 1 }, 2);
}

# A client whose answer the database has given to a bridge that stands still. Asked again where this machine is too slow for
# the time that an answer may take.
sub given
{
	for (1 .. 20)
	{
		my $before = disclosed();
		shut_gate();
		my $client = ask('ID-1');
		my $waited = waits_at_gate();
		kill 'STOP', $sp->{bridge};
		open_gate();
		BridgeTest::wait_for('the answer', sub {
			$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge answer' AND state = 'active'") == 0 });
		return $client if $waited && disclosed() == $before + 1;
		kill 'CONT', $sp->{bridge};
		answer($client);
	}
	fail('an answer is given in time');
	die 'this machine is too slow';
}

sub nothing_in
{
	my ($answer, $what) = @_;
	unlike($answer, qr/Cash|reg_records/, $what);
	like($answer, qr/^(?:HTTP\S* 503 |$)/, 'it is told to come again');
	return;
}

sub found_again
{
	resume();
	ok(BridgeTest::wait_for('somebody to be found', sub { (eval { answer(ask('ID-1')) } // '') =~ /^HTTP\S* 200 .*Cash 1/s }), 'when sharing is resumed he is found again');
	ok(nothing_under_way(), 'and nothing stays under way');
	return;
}

like(answer(ask('ID-1')), qr/^HTTP\S* 200 .*Cash 1/s, 'a search finds somebody');
ok(nothing_under_way(), 'his answer has left');

# --- the bridge stands still with an answer; its session lives ---
my $client = given();
my $officer = stop_later();
ok(wait_for_officer(), 'who stops sharing waits for an answer that the bridge has');
kill 'CONT', $sp->{bridge};
is(finish($officer), "t\n", 'until the bridge is awake');
recv $client, my $come, 65536, MSG_DONTWAIT;
like($come, qr/^HTTP/, 'by then the bridge has answered');
is(answer($client), '', 'and nothing comes after it');
found_again();

# --- who has no patience is told of whom he would have to wait for ---
$client = given();
$officer = start("SELECT count(*) >= 0 FROM casesync.stop_sharing('at once', 'careful.example.org', wait => '0')");
finish($officer);
like($officer->{err}, qr/still under way to "careful\.example\.org".*by process \d+ \(casesync-bridge answer/s, 'who cannot wait is told by whom something is under way');
kill 'CONT', $sp->{bridge};
like(answer($client), qr/^HTTP/, 'the bridge answers');
found_again();

# --- so long that the server ends its session ---
$client = given();
is(finish(stop_later()), "t\n", 'a bridge that stands still for ever keeps nobody waiting for ever');
kill 'CONT', $sp->{bridge};
nothing_in(answer($client), 'nothing of it leaves when it is awake after all');
found_again();

# --- in the middle of being given a long answer: the server waits for it, and calls that session busy ---
shut_gate();
$client = ask('ID-2');
ok(waits_at_gate(), 'a long answer is asked for');
kill 'STOP', $sp->{bridge};
open_gate();
ok(BridgeTest::wait_for('the server to wait', sub {
	$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge answer' AND wait_event = 'ClientWrite'") == 1 }),
	'and the bridge does not take all of it');
$officer = stop_later();
is(finish($officer) . $officer->{err}, "t\n", 'who stops sharing has the session ended');
kill 'CONT', $sp->{bridge};
nothing_in(answer($client), 'nothing of it leaves');
found_again();

# --- its session is ended ---
$client = given();
end_sessions();
is(finish(start("SELECT count(*) >= 0 FROM casesync.stop_sharing('a leak', 'careful.example.org')")), "t\n", 'the session has ended, the stop returns');
is($sp->sql("SELECT clock_timestamp() - max(at) >= '2 seconds' FROM casesync_internal.disclosure WHERE way = 'search'"), 't', 'not before a bridge would not begin any more');
kill 'CONT', $sp->{bridge};
nothing_in(answer($client), 'nothing of it leaves');
found_again();

# --- the server is restarted ---
$client = given();
$sp->{server}->restart;
is(finish(stop_later()), "t\n", 'after a restart of the server the stop returns');
kill 'CONT', $sp->{bridge};
nothing_in(answer($client), 'nothing of it leaves');
found_again();

# --- it stands still for a moment only: whom it is about may have left meanwhile ---
$client = given();
my $until = time + 2;
select undef, undef, undef, 0.1 while time < $until;
kill 'CONT', $sp->{bridge};
nothing_in(answer($client), 'what was given before a standstill is not sent after it');
found_again();

# --- in the middle of a long answer ---
sub begun
{
	my ($reader, $length);
	for (1 .. 20)
	{
		my $head = '';
		$reader = ask('ID-2');
		while ($head !~ /\r\n\r\n/) { sysread $reader, my $byte, 1 or die "no head: $head"; $head .= $byte; }
		($length) = $head =~ /^Content-Length: (\d+)/mi;
		last if $head =~ /^HTTP\S* 200 /;    # else this machine was too slow
	}
	cmp_ok($length, '>', 3_000_000, 'a long answer has begun to leave');
	sysread $reader, my $byte, 1 or die 'no body';
	return ($reader, $length);
}

my ($reader, $length) = begun();
is(under_way(), 1, 'it is under way as long as the client reads');
like(answer(ask('ID-1')), qr/^HTTP\S* 200 .*Cash 1/s, 'another one is answered meanwhile');
$officer = stop_later();
ok(wait_for_officer(), 'who stops sharing waits for a client that does not read');
is(finish($officer), "t\n", 'not longer than a client may take');
cmp_ok(length answer($reader), '<', $length - 1, 'the rest of it never comes');
found_again();
($reader, $length) = begun();
kill 'STOP', $sp->{bridge};
end_sessions();
is(finish(stop_later()), "t\n", 'the bridge stands still in the middle, and its session ends');
kill 'CONT', $sp->{bridge};
cmp_ok(length answer($reader), '<', $length - 1, 'the rest of it never comes');
found_again();

# --- no session keeps anything of what ends otherwise ---
my $before = disclosed();
shut_gate();
$client = ask('ID-1');
ok(waits_at_gate(), 'somebody asks');
close $client;
open_gate();
ok(BridgeTest::wait_for('the end of the question', sub {
	$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge answer' AND state = 'active'") == 0 }), 'and goes before there is an answer');
ok(nothing_under_way(), 'nothing is under way to a client that has gone');
like(answer(ask('ID-3')), qr/^HTTP\S* (?:200|503) /s, 'a question that fails');
ok(nothing_under_way(), 'leaves nothing under way');
like(answer(ask('')), qr/^HTTP\S* (?:200|400) /s, 'one that is refused');
ok(nothing_under_way(), 'leaves nothing under way either');
shut_gate();
$client = ask('ID-1');
answer($client);    # when the time is up
open_gate();
ok(BridgeTest::wait_for('the end of the question', sub {
	$sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge answer' AND state = 'active'") == 0 }), 'a question that takes too long');
ok(nothing_under_way(), 'leaves nothing under way');
my @clients = map { ask('ID-1') } 1 .. 30;
answer($_) for @clients;
ok(nothing_under_way(), 'nor do many at once');
is(finish(stop_later()), "t\n", 'so the stop has nothing to wait for');
like(answer(ask('ID-1')), qr/^HTTP\S* 200 (?!.*Cash)/s, 'and nothing is found any more');

unlike($sp->log_text, qr/ID-\d/, 'the log has no content');
$sp->stop_ok;
done_testing();
