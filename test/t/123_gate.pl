# While the router is awake no commit rings, and nothing is missed for that: not when it falls asleep,
# not when it is killed. It never looks by the clock alone here, so that whatever nobody rang for and
# nobody looked for would be missing at the end.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IPC::Run ();
use Test::More;

my $sp = BridgeTest->new;
# Commits that others may join take long, and hold the gate all that time.
$sp->{server}->append_conf('postgresql.conf',
	"max_prepared_transactions = 0\ncommit_delay = 20000\ncommit_siblings = 1\n");
$sp->{server}->restart;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
my %settings = (poll_interval => '1h');
$sp->start_bridge(%settings);
ok($sp->wait_ready, 'a bridge is ready that does not look by the clock');

my %seen;
my $next = 0;

# Persons with these numbers, by one session each at the same time.
sub write_beside
{
	my (@ids) = @_;
	my @sessions = map {
		IPC::Run::start([ 'psql', '-Xqd', $sp->{server}->connstr('app'), '-c',
			"INSERT INTO person VALUES ($_, 'ID-$_', 'A')" ])
	} @ids;
	$_->finish or die "psql failed" for @sessions;
	return;
}

sub all_arrived
{
	my (@ids) = @_;
	return BridgeTest::wait_for("ID-$ids[0] to ID-$ids[-1]", sub {
		%seen = map { (BridgeTest->encode($_) =~ /"ID-([0-9]+)"/)[0] => 1 } $ess->items;
		return !grep { !$seen{$_} } @ids;
	});
}

sub fresh
{
	my ($count) = @_;
	my @ids = map { $next + $_ } 1 .. $count;
	$next += $count;
	return @ids;
}

# --- falling asleep: alone, in a small crowd, in a stream with pauses ---
my $missing = 0;
for my $round (1 .. 24)
{
	my @ids = fresh($round % 4 == 0 ? 6 : 1);
	write_beside(@ids);
	# half of the rounds begin when the last one has just been routed, the others after its delivery
	$missing ||= !all_arrived(@ids) if $round % 2;
}
ok(!$missing && all_arrived(1 .. $next), 'single changes and crowds arrive, whenever they come');

my $loop = "SELECT format('INSERT INTO person VALUES (%s, ''ID-%s'', ''A'')', n, n) FROM generate_series(%d, %d) n \\gexec\n";
my @writers;
for my $writer (1 .. 8)
{
	my @ids = fresh(40);
	my $script = $loop =~ s/%d, %d/$ids[0], $ids[-1]/r;
	push @writers, IPC::Run::start([ 'psql', '-Xqd', $sp->{server}->connstr('app') ], '<', \$script);
}
$_->finish for @writers;
ok(all_arrived(1 .. $next), 'all changes of eight sessions arrive');

# --- a transaction that stays open keeps nobody awake, and rings when it is committed ---
my $long = $sp->{server}->background_psql('app');
my ($first, $second) = fresh(2);
$long->query_safe("BEGIN; INSERT INTO person VALUES ($first, 'ID-$first', 'A')");
write_beside($second);
ok(all_arrived($second), 'others arrive beside a long transaction');
ok(BridgeTest::wait_for('sleep', sub { $sp->sql(
	"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND classid = 10 AND mode = 'ExclusiveLock'") }),
	'the router sleeps beside it');
$long->query_safe('COMMIT');
ok(all_arrived($first), 'and is woken by its commit');
$long->quit;

# --- the router is killed while it sleeps, and in a stream ---
my $other = $sp->beside;
$other->start_bridge(%settings);
ok($other->wait_ready, 'a second bridge stands beside it');
my @bridges = ($sp, $other);
for my $round (1 .. 2)
{
	my ($router, $waiting) = @bridges;
	my @ids = fresh(30);
	my $script = $loop =~ s/%d, %d/$ids[0], $ids[-1]/r;
	my $writer = $round == 1 ? undef : IPC::Run::start([ 'psql', '-Xqd', $sp->{server}->connstr('app') ], '<', \$script);
	kill 'KILL', $router->{bridge};
	waitpid $router->{bridge}, 0;
	delete $router->{bridge};
	$writer //= IPC::Run::start([ 'psql', '-Xqd', $sp->{server}->connstr('app') ], '<', \$script);
	$writer->finish;
	ok(all_arrived(@ids), 'killed ' . ($round == 1 ? 'asleep' : 'in a stream') . ': the other sends all');
	$router->start_bridge(%settings);
	ok($router->wait_ready, 'it is started again');
	@bridges = reverse @bridges;
}

# --- what was prepared is committed without a bell ---
$sp->{server}->append_conf('postgresql.conf', "max_prepared_transactions = 5\n");
$sp->{server}->restart;
my ($prepared) = fresh(1);
ok($sp->wait_ready && $other->wait_ready, 'both bridges are back after a restart of the server');
$sp->sql("BEGIN; INSERT INTO person VALUES ($prepared, 'ID-$prepared', 'A'); PREPARE TRANSACTION 'gate'");
$sp->sql("COMMIT PREPARED 'gate'");
ok(all_arrived($prepared), 'a prepared transaction arrives');

$sp->stop_ok;
$other->stop_ok;
done_testing();
