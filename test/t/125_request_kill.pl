# Searches stored while the bridge is killed, its sessions ended and the server restarted: each is
# answered, by its own callback, and nobody's answer is another's.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;
use Time::HiRes qw(usleep);

my $seed = $ENV{REQUEST_KILL_SEED} // time;
srand $seed;
note "REQUEST_KILL_SEED=$seed repeats this run";

my $people = 12;
my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, $people) n");
$sp->sql("SELECT casesync.set_partner('ess.example.org', 'http://127.0.0.1:$ess->{port}', networks => '{127.0.0.0/8}')");
$sp->agree_out('OUT', 'ess.example.org', services => '{search}', fields => '{enrollment_status}');
$sp->start_bridge;
ok($sp->wait_ready, 'the bridge is ready');

# Stores searches as the bridge would have, had it just verified them.
my $asked = 0;

sub ask_something
{
	for (1 .. 1 + int rand 4)
	{
		my $reference = 'r' . ++$asked;
		my $id = 'ID-' . (1 + $asked % $people);
		my $ack = $sp->sql(<<"SQL");
SELECT ack_status FROM casesync_internal.receive('ess.example.org', 'm$asked', convert_to(jsonb_build_object(
	'header', '{"action": "search"}'::jsonb, 'message', jsonb_build_object('transaction_id', 't$asked', 'search_request',
	jsonb_build_array(jsonb_build_object('reference_id', '$reference', 'timestamp', '2026-01-01T00:00:00Z',
		'search_criteria', '{"query": {"type": "NATIONAL_ID", "value": "$id"}}'::jsonb))))::text, 'UTF8'), NULL, NULL)
SQL
		BAIL_OUT("not acknowledged: $ack") if $ack ne 'ACK';
	}
	return;
}

my %troubles = (
	'the bridge killed at once' => sub { ask_something(); $sp->kill_bridge; },
	'the bridge killed a little later' => sub { ask_something(); usleep(rand 30_000); $sp->kill_bridge; },
	'the session that works ended' => sub {
		ask_something();
		usleep(rand 20_000);
		$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge requests'");
		ask_something();
	},
	'its statements cancelled' => sub {
		ask_something();
		$sp->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge requests'") for 1 .. 5;
	},
	'the server crashed' => sub {
		ask_something();
		usleep(rand 20_000);
		$sp->{server}->stop('immediate');
		$sp->{server}->start;
		ask_something();
	},
);

for my $round (1 .. 4)
{
	for my $trouble (sort keys %troubles)
	{
		$troubles{$trouble}->();
		ok($sp->is_running, "round $round: $trouble; the bridge runs");
	}
}
ok(BridgeTest::wait_for('every answer to arrive', sub {
	$sp->sql("SELECT count(*) FROM casesync_internal.request_in WHERE state IN ('new', 'claimed')") == 0
	  && $sp->sql("SELECT sum(due) FROM casesync.queue") == 0 }, 120), 'everything is answered and delivered');

my (%answers, %content);
for my $record (grep { $_->{path} eq '/registry/on-search' } $ess->received)
{
	for my $item (@{ $record->{message}{message}{search_response} })
	{
		my ($number) = $item->{reference_id} =~ /(\d+)/;
		my $id = 'ID-' . (1 + $number % $people);
		push @{ $answers{$number} }, $item->{status};
		$content{wrong}++ if $record->{message}{message}{transaction_id} ne "t$number"
		  || BridgeTest->encode($item->{data}{reg_records}) !~ /"$id"/;
	}
}
is(scalar(grep { !$answers{$_} } 1 .. $asked), 0, "all of $asked searches were answered");
is(scalar(grep { $_ ne 'succ' } map { @$_ } values %answers), 0, 'none was refused');
is($content{wrong} // 0, 0, 'each with what was asked for');
is($sp->sql("SELECT count(*) FROM casesync_internal.request_in WHERE state <> 'answered'"), 0, 'none failed');
is($sp->sql('SELECT count(*) FROM casesync.dead_letter'), 0, 'no dead letter');
note 'tries: ', $sp->sql("SELECT string_agg(format('%s requests %s', n, t), ', ') FROM (SELECT tries AS t, count(*) AS n FROM casesync_internal.request_in GROUP BY 1 ORDER BY 1) x");
is($sp->sql("SELECT count(*) FROM casesync_internal.outgoing WHERE message ? 'search_response'"), 0, 'and no record is kept');
$sp->stop_ok;

done_testing();
