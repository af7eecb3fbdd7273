# What partners get while the database is slow, the node is paused or the bridge dies: an answer in time,
# nothing that was acknowledged is lost, and slow questions keep nobody waiting but who asks them.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->sql(<<"SQL");
SELECT casesync.set_partner(p, 'http://127.0.0.1:$ess->{port}', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted')
  FROM (VALUES ('ess.example.org'), ('far.example.org')) v (p);
INSERT INTO person VALUES (1, 'ID-1', 'A', 1);
SQL
$sp->agree_out('out', 'ess.example.org', services => '{notify,search,check_enrollment}', fields => '{enrollment_status}',
	subscribing => 'auto');
$sp->start_bridge(http_sessions => 2);
$sp->wait_ready;

my $serial = 0;

sub body
{
	my ($action, $message, $sender) = @_;
	return $sp->encode({ header => { message_id => 'm-' . ++$serial . "-$$", message_ts => '2026-11-22T10:00:00Z', action => $action,
		sender_id => $sender // 'ess.example.org', receiver_id => 'sp.example.org', total_count => 1 }, message => $message });
}

sub question
{
	return body('search', { transaction_id => 't-' . ++$serial, search_request => [ { reference_id => "r-$serial", timestamp => '2026-11-22T10:00:00Z',
		search_criteria => { query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] }, @_);
}

# Many questions at once, which nobody here waits for; wait_asked() does.
my @asking;

sub ask_many
{
	my ($path) = @_;
	for (1 .. 6)
	{
		my $body = question();
		my $pid = fork // die "fork: $!";
		if ($pid == 0)
		{
			$sp->post($path, $body);
			POSIX::_exit(0);
		}
		push @asking, $pid;
	}
	return;
}

sub wait_asked
{
	waitpid(shift @asking, 0) while @asking;
	return;
}

sub waiting_sessions
{
	my ($name) = @_;
	return $sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge $name' AND wait_event_type = 'Lock'");
}

sub timed
{
	my ($path, $body) = @_;
	my $begin = time;
	my $answer = $sp->post($path, $body);
	return ($answer, time - $begin);
}

# --- whoever has no token costs the database nothing ---
my $closer = $sp->{server}->background_psql('app');
$closer->query_safe('BEGIN; LOCK TABLE casesync_internal.client, casesync_internal.partner IN ACCESS EXCLUSIVE MODE');
for my $path (qw(subscribe notify search sync/search sync/check-enrollment))
{
	my $begin = time;
	is($sp->post("/registry/$path", 'no JSON', Authorization => 'Bearer nobody')->{status}, 401, "$path: refused without asking the database");
	cmp_ok(time - $begin, '<', 1, 'at once');
}
$closer->query_safe('COMMIT');
$closer->quit;

# --- a question that takes too long ---
is($sp->post('/registry/sync/search', question())->{status}, 200, 'a question is answered');
my $locker = $sp->{server}->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE person IN ACCESS EXCLUSIVE MODE');
my ($answer, $seconds) = timed('/registry/sync/search', question());
is($answer->{json}{message}{search_response}[0]{status}, 'rjct', 'an item that cannot be found in time is refused');
cmp_ok($seconds, '<', $BridgeTest::answer_seconds + 0.7, 'within the time that partners wait');
$locker->query_safe('COMMIT; BEGIN; LOCK TABLE casesync_internal.disclosure IN SHARE MODE');
($answer, $seconds) = timed('/registry/sync/search', question());
is($answer->{short}, '503 ERR err.request.timeout', 'an answer that cannot be put on record in time is none');
cmp_ok($seconds, '<', $BridgeTest::answer_seconds + 0.7, 'within the same time');
my $about_nothing = sub { body('txn-status', { transaction_id => 't', txnstatus_request => { reference_id => 'r', txn_type => 'search',
	attribute_type => 'transaction_id', attribute_value => 'unknown' } }, $_[0]) };
$sp->token('far.example.org');
ask_many('/registry/sync/search');
ok(BridgeTest::wait_for('a question that waits', sub { waiting_sessions('answer') == 1 }), 'a partner has its share of the sessions for answers');
($answer, $seconds) = timed('/registry/sync/txn/status', $about_nothing->('far.example.org'));
is($answer->{status}, 200, 'meanwhile another one is answered');
cmp_ok($seconds, '<', $BridgeTest::answer_seconds, 'at once');
ok(BridgeTest::wait_for('a question that waits', sub { waiting_sessions('answer') == 1 }), 'on the session that was left');
($answer, $seconds) = timed('/registry/search', question());
is($answer->{short}, '200 ACK', 'meanwhile a message is acknowledged');
cmp_ok($seconds, '<', $BridgeTest::answer_seconds, 'at once');
my $waiting = $answer->{json}{message}{correlation_id};
wait_asked();

# --- the bridge dies between acknowledgement and answer ---
ok(BridgeTest::wait_for('the request at work', sub { $sp->sql("SELECT count(*) FROM pg_stat_activity
	WHERE application_name = 'casesync-bridge requests' AND wait_event_type = 'Lock'") == 1 }), 'the stored request is being answered');
$sp->end_bridge('KILL');
is(scalar $ess->received, 0, 'nothing has been sent');
$locker->query_safe('COMMIT');
$locker->quit;
$sp->start_bridge(http_sessions => 2);
$sp->wait_ready;
ok($ess->wait_received(1), 'after a restart the answer comes');
my ($callback) = $ess->received;
is($callback->{message}{message}{correlation_id}, $waiting, 'to the request that was acknowledged');
is($callback->{message}{message}{search_response}[0]{status}, 'succ', 'and it succeeded');

# --- a partner that does not take the callback gets it again ---
$ess->order(mode => 'status', status => 503, count => 2);
is($sp->post('/registry/search', question())->{short}, '200 ACK', 'a request of a partner in trouble');
ok($ess->wait_received(4), 'its callback is sent until it is taken');
my @received = $ess->received;
is(join(' ', map { $_->{message}{message}{correlation_id} eq $received[1]{message}{message}{correlation_id} ? 'same' : 'other' } @received[ 1 .. 3 ]),
	'same same same', 'always the same answer');

# --- a node that may not speak ---
$sp->sql("SELECT casesync_internal.pause_node('for a test')");
ok($sp->wait_log(qr/node_paused/), 'the node is paused');
is($sp->post('/registry/sync/search', question())->{short}, '503 ERR err.service.unavailable', 'it answers no question');
is($sp->post('/registry/sync/check-enrollment', body('enrollementstatus', { transaction_id => 't', enrolled_criteria => { query => { NATIONAL_ID => { eq => 'ID-1' } } } }))->{short},
	'503 ERR err.service.unavailable', 'of whatever kind');
is($sp->post('/registry/search', question())->{short}, '200 ACK', 'but stores what is sent');
is(scalar $ess->received, 4, 'and sends nothing');

# --- messages that take too long ---
my $row = $sp->{server}->background_psql('app');
my $stored = sub { $sp->sql("SELECT count(*) FROM casesync_internal.message_in WHERE partner = 'ess.example.org'") };
my $before = $stored->();
$row->query_safe("BEGIN; SELECT FROM casesync_internal.partner WHERE partner = 'ess.example.org' FOR UPDATE");
ask_many('/registry/search');
ok(BridgeTest::wait_for('a message that waits', sub { waiting_sessions('http') == 1 }), 'a partner has one session for its messages');
($answer, $seconds) = timed('/registry/search', question('far.example.org'));
is($answer->{short}, '200 ACK', 'meanwhile another one\'s message is acknowledged');
cmp_ok($seconds, '<', $BridgeTest::answer_seconds, 'at once');
is(waiting_sessions('http'), 1, 'on the session that was left');
wait_asked();
$row->query_safe('COMMIT');
$row->quit;
ok(BridgeTest::wait_for('the message at work', sub { $sp->sql("SELECT count(*) FROM pg_stat_activity
	WHERE application_name = 'casesync-bridge http' AND state <> 'idle'") == 0 }), 'the one at work comes to its end');
is($sp->post('/registry/search', question())->{short}, '200 ACK', 'afterwards its messages are taken again');
is($stored->() - $before, 1, 'and nothing is stored of what was answered 503 or 429');

# --- the end of the bridge: a request at work, and one that came when nobody looked any more ---
$sp->stop_ok;
$sp->start_bridge(shutdown_timeout => '500ms');
$sp->wait_ready;
my $request = join "\r\n", 'POST /registry/search HTTP/1.1', 'Host: x', 'Content-Type: application/json',
  'Authorization: Bearer ' . $sp->token('ess.example.org'), '';
my ($at_work, $late) = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}, Timeout => 10) } 1 .. 2;
syswrite $late, "${request}Content-Length: 2\r\n\r\n[]";
sysread $late, my $first, 65536;
like($first, qr/^HTTP\/1.1 200 /, 'a connection that stays');
$row = $sp->{server}->background_psql('app');
$row->query_safe("BEGIN; SELECT FROM casesync_internal.partner WHERE partner = 'ess.example.org' FOR UPDATE");
syswrite $at_work, $request . 'Content-Length: ' . length($_) . "\r\n\r\n$_" for question();
ok(BridgeTest::wait_for('a message that waits', sub { waiting_sessions('http') == 1 }), 'a message is at work');
kill 'TERM', $sp->{bridge};
ok($sp->wait_log(qr/event=stopping /), 'the bridge waits for it');
# it wakes up when it has waited long enough, and looks at no connection before it ends
kill 'STOP', $sp->{bridge};
my $until = time + 0.6;
select undef, undef, undef, 0.1 while time < $until;
syswrite $late, $request . 'Content-Length: ' . length($_) . "\r\n\r\n$_" for question();
kill 'CONT', $sp->{bridge};
$sp->stop_ok;
for my $socket ($at_work, $late)
{
	local $/;
	like(<$socket>, qr/^HTTP\/1.1 503 .*err\.service\.unavailable/s, 'both are answered');
}
$row->query_safe('COMMIT');
$row->quit;
unlike($sp->log_text, qr/ID-1|[mtr]-\d+-/, 'the log has nothing of what partners sent');

done_testing();
