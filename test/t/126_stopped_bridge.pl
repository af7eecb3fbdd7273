# A bridge that is stopped and not killed keeps its connections: another takes over all the same, and
# soon, whatever the first was at. What the first had in hand comes under the same reference_id.
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
$sp->add_partner('ess.example.org', $ess->{port});
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 5) n");
# as it is by default, so that nothing here depends on quick looks
my %settings = (poll_interval => '5s', retry_base => '10s', retry_cap => '6h');
$sp->start_bridge(%settings);
ok($sp->wait_ready && $ess->wait_received(1), 'the first bridge sends');
my $second = $sp->beside;
$second->start_bridge(%settings);
ok($second->wait_ready, 'a second bridge stands beside it');

sub arrived
{
	my ($id, $seconds) = @_;
	return BridgeTest::wait_for("ID-$id", sub { (grep { BridgeTest->encode($_) =~ /"ID-$id"/ } $ess->items) > 0 }, $seconds);
}

# --- while it has nothing to do ---
kill 'STOP', $sp->{bridge};
my $begun = time;
$sp->sql("INSERT INTO person VALUES (10, 'ID-10', 'A')");
ok(arrived(10, 30), 'the second sends what came after the first was stopped');
cmp_ok(time - $begun, '<', 10, 'within ten seconds');
kill 'CONT', $sp->{bridge};
ok(BridgeTest::wait_for('readiness', sub { $sp->get('/readyz')->{status} == 200 }), 'the first is back, and waits');

# --- while a message is under way ---
$ess->order(mode => 'slow', ms => 1000, count => 1);
my $received = () = $ess->received;
$sp->sql("INSERT INTO person VALUES (11, 'ID-11', 'A')");
ok(BridgeTest::wait_for('the message', sub { (() = $ess->received) > $received }), 'the partner has a message that it has not answered');
kill 'STOP', $second->{bridge};
$begun = time;
$sp->sql("INSERT INTO person VALUES (12, 'ID-12', 'A')");
ok(arrived(12, 30), 'the first sends again');
cmp_ok(time - $begun, '<', 10, 'within ten seconds');
my %ids = map { $_->{reference_id} => 1 } grep { BridgeTest->encode($_) =~ /"ID-11"/ } $ess->items;
is(scalar(keys %ids), 1, 'what was under way came under one reference_id');
kill 'CONT', $second->{bridge};
ok($second->wait_ready, 'the second waits again');

# --- while the server is sending it something ---
# A session like a bridge's own of a client that does not read: the server does not call it idle.
my $client = open(my $unread, '-|', 'psql', '-Xq', $sp->connection,
	'-c', "SET idle_session_timeout = '7s'", '-c', 'SELECT casesync_internal.lock_lane(4711)',
	'-c', "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT") or die $!;
sub lane_is_held { return $sp->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND objid = 4711") == 1; }
ok(BridgeTest::wait_for('the lane', \&lane_is_held), 'a client has a lane and reads nothing');
$begun = time;
ok(BridgeTest::wait_for('its end', sub { !lane_is_held() }, 30), 'a bridge ends its session');
cmp_ok(time - $begun, '<', 10, 'within ten seconds');
like($sp->log_text . $second->log_text, qr/event=stopped_bridge_ended/, 'and says so');
kill 'KILL', $client;
close $unread;

$sp->stop_ok;
$second->stop_ok;
done_testing();
