# A partner that was away and is back gets what waits for it soon, however long its lane was to rest;
# one that answers and fails, or says when to come again, is left in peace.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
my $port = $ess->{port};
$sp->create_application;
$sp->add_partner('ess.example.org', $port);
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 5) n");
# as it is by default; nothing looks but when it is time to
my %settings = (poll_interval => '1h', retry_base => '10s', retry_cap => '6h');
$sp->start_bridge(%settings);
ok($sp->wait_ready && $ess->wait_received(1), 'the partner is there');

my $attempts = "SELECT count(*) FROM casesync.attempts WHERE verdict <> 'delivered'";
sub rest_until_tomorrow
{
	$sp->sql("UPDATE casesync_internal.lane_state SET next_attempt = now() + interval '1 day' WHERE attempt > 0");
	return;
}
sub restart_bridge
{
	$sp->end_bridge('KILL');
	$sp->start_bridge(%settings);
	return;
}
sub arrives
{
	my ($id, $what) = @_;
	my $begun = time;
	ok(BridgeTest::wait_for("ID-$id", sub { (grep { BridgeTest->encode($_) =~ /"ID-$id"/ } $ess->items) > 0 }, 40), $what);
	cmp_ok(time - $begun, '<', 10, 'within ten seconds');
	return;
}

# --- nobody listens ---
$ess->stop;
$sp->sql("INSERT INTO person VALUES (10, 'ID-10', 'A')");
ok(BridgeTest::wait_for('a failed attempt', sub { $sp->sql($attempts) > 0 }), 'nobody is there');
rest_until_tomorrow();
my $failed = $sp->sql($attempts);
$ess = $sp->start_partner(port => $port);
arrives(10, 'who is back gets what waited');
is($sp->sql($attempts), $failed, 'without an attempt in between');
like($sp->log_text, qr/event=partner_back lane=/, 'the log says so');

# --- after a restart of the bridge, which remembers nothing ---
$ess->stop;
$sp->sql("INSERT INTO person VALUES (11, 'ID-11', 'A')");
ok(BridgeTest::wait_for('a failed attempt', sub { $sp->sql($attempts) > $failed }), 'nobody is there once more');
rest_until_tomorrow();
restart_bridge();
$sp->wait_ready;
$ess = $sp->start_partner(port => $port);
arrives(11, 'another bridge notices it too');

# --- it says when to come again ---
$ess->order(mode => 'status', status => 503, retry_after => 3600);
$sp->sql("INSERT INTO person VALUES (12, 'ID-12', 'A')");
ok(BridgeTest::wait_for('its answer', sub { $sp->sql("SELECT count(*) FROM casesync.attempts WHERE http_status = 503") == 1 }), 'a partner asks for an hour');
my $lane = $sp->sql("SELECT DISTINCT lane FROM casesync_internal.lane_state WHERE attempt > 0");
is($sp->sql("SELECT count(*) FROM casesync_internal.probe_target($lane)"), 0, 'it is not asked whether it is there');
is($sp->sql("SELECT casesync_internal.lane_back($lane)"), 'f', 'and its rest cannot be ended');
$ess->order(mode => 'ack');
$sp->sql("UPDATE casesync_internal.lane_state SET next_attempt = now()");
restart_bridge();
arrives(12, 'then it is sent');

# --- it is there, but fails: each time it rests for longer ---
$ess->order(mode => 'status', status => 503);
$failed = $sp->sql($attempts);
$sp->sql("INSERT INTO person VALUES (13, 'ID-13', 'A')");
ok(BridgeTest::wait_for('it to be tried again', sub { $sp->sql($attempts) >= $failed + 2 }, 60), 'it is tried again');
my $begun = time;
my $before = $sp->sql($attempts);
BridgeTest::wait_for('some time to pass', sub { rest_until_tomorrow(); time - $begun > 20 });
cmp_ok($sp->sql($attempts) - $before, '<=', 2, 'but not at every look');

$sp->stop_ok;
done_testing();
