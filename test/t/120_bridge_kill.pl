# The bridge killed at every moment of a delivery, its sessions ended, the server restarted: afterwards
# nothing is lost, each person's states arrived in order, and what came twice had the same
# reference_id and the same content.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(usleep);

my $seed = $ENV{BRIDGE_KILL_SEED} // time;
srand $seed;
note "BRIDGE_KILL_SEED=$seed repeats this run";

my $people = 12;
my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, $people) n");
$sp->start_bridge;
ok($ess->wait_received(1), 'the first message arrives');

my $received = 1;

# Some transactions, some of which fail; every state differs from the one before by its note.
sub change_something
{
	for (1 .. 1 + int rand 3)
	{
		my $id = 1 + int rand $people;
		my $to = $id + int rand 4;
		my $end = rand() < 0.2 ? 'ROLLBACK' : 'COMMIT';
		my $status = qw(A S X I) [ int rand 4 ];
		$sp->sql("BEGIN; UPDATE person SET note = note + 1, status = '$status' WHERE id BETWEEN $id AND $to; $end");
	}
	return;
}

sub received_more
{
	my ($what) = @_;
	my $ok = BridgeTest::wait_for($what, sub { (() = $ess->received) > $received });
	$received = () = $ess->received;
	return $ok;
}

my %moments = (
	'right after the commit' => sub { change_something(); $sp->kill_bridge; },
	'some milliseconds after the commit' => sub { change_something(); usleep(rand 20_000); $sp->kill_bridge; },
	'while it starts' => sub { change_something(); $sp->kill_bridge; usleep(rand 15_000); $sp->kill_bridge; },
	'while the partner thinks' => sub {
		$ess->order(mode => 'slow', ms => 300, count => 1);
		$sp->sql("UPDATE person SET note = note + 1 WHERE id = 1");
		received_more('the message that is not answered yet');
		$sp->kill_bridge;
	},
	'when the partner has just answered' => sub {
		$sp->sql("UPDATE person SET note = note + 1 WHERE id = 2");
		received_more('the message before the kill');
		usleep(rand 3_000);
		$sp->kill_bridge;
	},
	'while it waits to try again' => sub {
		$ess->order(mode => 'status', status => 500, count => 1);
		$sp->sql("UPDATE person SET note = note + 1 WHERE id = 3");
		received_more('the message that fails');
		$sp->kill_bridge;
	},
);
my %troubles = (
	%moments,
	'every session of the bridge ended' => sub {
		change_something();
		usleep(rand 10_000);
		$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
		change_something();
	},
	'the delivery session ended while the partner thinks' => sub {
		$ess->order(mode => 'slow', ms => 100, count => 1);
		$sp->sql("UPDATE person SET note = note + 1 WHERE id = 4");
		received_more('the message that is not answered yet');
		$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge delivery'");
	},
	'the control session ended, so that no bell is heard' => sub {
		$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casesync-bridge control'");
		change_something();
	},
	'statements of the bridge cancelled' => sub {
		change_something();
		for (1 .. 5)
		{
			$sp->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
		}
	},
	'the server restarted fast' => sub { change_something(); $sp->{server}->restart; change_something(); },
	'the server crashed' => sub {
		change_something();
		$sp->{server}->stop('immediate');
		$sp->{server}->start;
		change_something();
	},
);

for my $round (1 .. 3)
{
	for my $trouble (sort keys %troubles)
	{
		$troubles{$trouble}->();
		ok($sp->is_running, "round $round: $trouble; the bridge runs");
	}
}

# Two bridges: the one that works is killed, the other takes over.
ok($sp->wait_ready, 'the bridge is ready once more');
my $first = delete $sp->{bridge};
$sp->{port} = BridgeTest::free_port();
$sp->{ops_port} = BridgeTest::free_port();
$sp->start_bridge;
ok($sp->wait_ready, 'a second bridge beside the first');
change_something();
kill 'KILL', $first;
waitpid $first, 0;
$sp->sql("UPDATE person SET note = note + 1");
ok(BridgeTest::wait_for('the second to route', sub { $sp->get('/readyz')->{content} =~ /"routes":true/ }), 'takes over routing');

ok(BridgeTest::wait_for('everything to be routed and delivered', sub {
	my %latest;
	$latest{ $_->[0] } = $_->[1] for map { [ state_of($_) ] } $ess->items;
	my $wrong = grep { my ($id, $note) = split /\|/; ($latest{"ID-$id"} // -1) != $note }
	  split /\n/, $sp->sql('SELECT id, note FROM person');
	$wrong == 0 && $sp->sql('SELECT sum(due) FROM casesync.queue') == 0 }, 90), 'nothing is lost: the last state of every person arrived');

# Person and note of an item: 'Cash N' is the programme's name.
sub state_of
{
	my ($item) = @_;
	my $record = BridgeTest->encode($item->{data}{reg_records});
	my ($id) = $record =~ /"(ID-\d+)"/;
	my ($note) = $record =~ /Cash (\d+)/;
	return ($id, $note);
}

my (%latest, %content, %times, %message_ids);
my ($disorder, $changed) = (0, 0);
for my $item ($ess->items)
{
	my ($id, $note) = state_of($item);
	my $text = BridgeTest->encode($item->{data});
	# a batch that comes once more begins with older states; the partner knows them by reference_id
	if (!$content{ $item->{reference_id} })
	{
		$disorder++ if $note < ($latest{$id} // 0);
		$latest{$id} = $note;
	}
	$changed++ if ($content{ $item->{reference_id} } // $text) ne $text;
	$content{ $item->{reference_id} } = $text;
	$times{"$id $note"}{ $item->{reference_id} } = 1;
}
is($disorder, 0, 'each person\'s states arrived in order');
is($changed, 0, 'what came twice with one reference_id had the same content');
is(scalar(grep { keys %$_ > 1 } values %times), 0, 'no state came under two reference_ids');

my (%seq, $gaps);
for my $record ($ess->received)
{
	my $items = $record->{message}{message}{notify_event} // [];
	my $meta = $record->{message}{header}{meta}{items};
	$seq{ $meta->[$_]{seq} }{ $items->[$_]{reference_id} } = 1 for 0 .. $#$items;
	$message_ids{ $record->{message}{header}{message_id} }{ $record->{body} } = 1;
}
my $last = (sort { $b <=> $a } keys %seq)[0];
$gaps = grep { !$seq{$_} } 1 .. $last;
is($gaps, 0, 'the sequence that the partner sees has no gap');
is(scalar(grep { keys %$_ > 1 } values %seq), 0, 'and no number twice');
is(scalar(grep { keys %$_ > 1 } values %message_ids), 0, 'one message_id is one message, byte by byte');
my @items = $ess->items;
cmp_ok(scalar @items, '>', scalar(keys %content), 'some did come twice') or diag 'no kill hit a delivery';
is($sp->sql('SELECT count(*) FROM casesync.dead_letter'), 0, 'no dead letter');
is($sp->sql('SELECT count(*) FROM casesync.quarantined'), 0, 'nothing in quarantine');
note scalar(@items), ' items, ', scalar(keys %content), ' notifications';
$sp->stop_ok;

done_testing();
