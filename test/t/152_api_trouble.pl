# What partners get while the database is slow, the node is paused or the bridge dies: an answer in time,
# nothing that was acknowledged is lost, and slow questions do not keep others waiting.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->sql(<<"SQL");
SELECT casesync.set_partner('ess.example.org', 'http://127.0.0.1:$ess->{port}', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted');
SELECT casesync.set_agreement('out', 'ess.example.org', registries => '{person}', services => '{notify,search,check_enrollment}',
	event_types => '{enrolment_status_change}', identifier_types => '{NATIONAL_ID}', fields => '{enrollment_status}',
	subjects => 'true', subscribing => 'auto', valid_from => now() - interval '1 hour', legal_basis => 'test');
SELECT casesync.activate('out');
INSERT INTO person VALUES (1, 'ID-1', 'A', 1);
SQL
$sp->start_bridge(http_sessions => 2);
$sp->wait_ready;

my $serial = 0;

sub body
{
	my ($action, $message) = @_;
	return $sp->encode({ header => { message_id => 'm-' . ++$serial . "-$$", message_ts => '2026-11-22T10:00:00Z', action => $action,
		sender_id => 'ess.example.org', receiver_id => 'sp.example.org', total_count => 1 }, message => $message });
}

sub question
{
	return body('search', { transaction_id => 't-' . ++$serial, search_request => [ { reference_id => "r-$serial", timestamp => '2026-11-22T10:00:00Z',
		search_criteria => { query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] });
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
$closer->query_safe('BEGIN; LOCK TABLE casesync.client, casesync.partner IN ACCESS EXCLUSIVE MODE');
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
cmp_ok($seconds, '<', 2.5, 'within the time that partners wait');
$locker->query_safe('COMMIT; BEGIN; LOCK TABLE casesync.disclosure IN SHARE MODE');
($answer, $seconds) = timed('/registry/sync/search', question());
is($answer->{short}, '503 ERR err.request.timeout', 'an answer that cannot be put on record in time is none');
cmp_ok($seconds, '<', 2.5, 'within the same time');
my @asking;
for (1 .. 6)
{
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		$sp->post('/registry/sync/search', question());
		POSIX::_exit(0);
	}
	push @asking, $pid;
}
ok(BridgeTest::wait_for('questions that wait', sub { $sp->sql("SELECT count(*) FROM pg_stat_activity
	WHERE application_name = 'casesync-bridge answer' AND wait_event_type = 'Lock'") == 2 }), 'every session for answers is busy');
($answer, $seconds) = timed('/registry/search', question());
is($answer->{short}, '200 ACK', 'meanwhile a message is acknowledged');
cmp_ok($seconds, '<', 1, 'at once');
my $waiting = $answer->{json}{message}{correlation_id};
waitpid($_, 0) for @asking;

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
$sp->sql('SELECT casesync.start_as_copy()');
ok($sp->wait_log(qr/node_paused/), 'the node is paused');
is($sp->post('/registry/sync/search', question())->{short}, '503 ERR err.service.unavailable', 'it answers no question');
is($sp->post('/registry/sync/check-enrollment', body('enrollementstatus', { transaction_id => 't', enrolled_criteria => { query => { NATIONAL_ID => { eq => 'ID-1' } } } }))->{short},
	'503 ERR err.service.unavailable', 'of whatever kind');
is($sp->post('/registry/search', question())->{short}, '200 ACK', 'but stores what is sent');
is(scalar $ess->received, 4, 'and sends nothing');

unlike($sp->log_text, qr/ID-1|[mtr]-\d+-/, 'the log has nothing of what partners sent');
$sp->stop_ok;

done_testing();
