# The disk of the database is full: applications get PostgreSQL's own error and nothing besides, what they could commit is kept;
# the bridge says why it cannot go on, and goes on by itself once there is room. The disk is a small tmpfs, in a namespace of the
# test's own.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Temp ();
use Test::More;

# The disk is there before anything else of the test is, and only for what it starts: as its own root it may mount, as itself
# run a server.
BEGIN
{
	if (!defined $ENV{SMALL_DISK})
	{
		my $disk = File::Temp::tempdir('casesync-disk-XXXXXX', TMPDIR => 1);
		my $mount = "mount -t tmpfs -o size=96m,mode=0777 none $disk";
		my $inside = "unshare --user --map-user=$< --map-group=@{[ $( + 0 ]}";
		if (system("unshare --user --map-root-user --mount sh -c '$mount && $inside test -w $disk' 2>/dev/null") != 0)
		{
			rmdir $disk;
			plan(skip_all => 'no tmpfs can be mounted here: user namespaces are off, or this is a container without them');
		}
		$ENV{SMALL_DISK} = $disk;
		my $status = system('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
			"$mount && exec $inside \"\$\@\"", 'sh', $^X, (map { "-I$_" } grep { !ref } @INC), $0);
		rmdir $disk;
		exit($status >> 8 || ($status ? 1 : 0));
	}
}
use BridgeTest;

my $disk = $ENV{SMALL_DISK};
my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
$sp->create_application;
mkdir "$disk/space" or die $!;
$sp->{server}->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk/space'");
$sp->{server}->safe_psql('postgres', 'ALTER DATABASE app SET TABLESPACE small');
$sp->add_partner('partner.example.org', $partner->{port});
$sp->start_bridge(poll_interval => '1s');
$sp->wait_ready;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
ok($partner->wait_received(1), 'with room it is sent');

# Without a bridge there is something left to route when the disk is full. Then all that is left is taken.
is($sp->end_bridge('TERM'), 0, 'the bridge ends');
$sp->sql("INSERT INTO person SELECT i, 'ID-' || i, 'A' FROM generate_series(2, 3000) i");
sub fill
{
	open my $file, '>>', "$disk/filler" or die $!;
	for my $bytes (1_000_000, 8192, 512)
	{
		1 while syswrite($file, "\0" x $bytes) // 0 == $bytes;
	}
	close $file;
	return;
}

# Writes until it cannot: what the server says then.
sub write_until_full
{
	my ($from) = @_;
	for my $id ($from .. $from + 100_000)
	{
		my ($code, $out, $err) = $sp->{server}->psql('app', "\\set VERBOSITY verbose\nINSERT INTO person SELECT i, 'ID-' || i, repeat('A', 1)
			FROM generate_series($id * 1000, $id * 1000 + 99) i");
		return $err if $code != 0;
	}
	return 'it never was full';
}
fill();
my $error = write_until_full(10);
like($error, qr/ERROR:  53100: could not extend file .*No space left on device/, 'a writer gets the server\'s own error');
unlike($error, qr/casesync/i, 'which says nothing of casesync');
my $persons = $sp->sql('SELECT count(*) FROM person');
is($sp->sql('SELECT count(*) FROM casesync_internal.change') + 1 >= $persons, 1, 'what was committed is captured');
is($sp->sql("SELECT count(*) > 0 FROM casesync.health"), 't', 'health can be asked');

# --- the bridge ---
$sp->start_bridge(poll_interval => '1s');
my $why = qr/SQLSTATE 53100: could not extend file [^\n]*No space left on device/;
ok($sp->wait_log(qr/event=route_failed [^\n]*$why/), 'the bridge says that it cannot route, and why');
my $ready = $sp->get('/readyz');
is($ready->{status}, 503, 'it is not ready');
like($ready->{content}, qr/routing fails: SQLSTATE 53100/, 'and says so');
# Where there is no room for a thousand changes there is none for one: it is no change's fault.
ok(BridgeTest::wait_for('a few turns to fail', sub { my @failed = $sp->log_text =~ /event=route_failed/g; @failed >= 6 }), 'it tries again');
unlike($sp->log_text, qr/event=(change_set_aside|route_aside)/, 'and blames no change for it');
ok($sp->is_running, 'it goes on');
is($sp->sql('SELECT count(*) FROM casesync.quarantine'), 0, 'nobody is set aside for it');
is($sp->sql('SELECT count(*) FROM person'), $persons, 'and applications can read');

# --- room again ---
unlink "$disk/filler" or die $!;
sub told
{
	return $sp->sql("SELECT count(DISTINCT key) FROM casesync_internal.notification WHERE state = 'delivered'");
}
ok(BridgeTest::wait_for('all to be told', sub { told() == $persons }, 180), "with room again all $persons are told of")
  or diag told(), $sp->sql('SELECT problem FROM casesync.health');
my %got = map { $_->{reference_id} => 1 } $partner->items;
is(scalar(keys %got), $persons, 'each once, by its own number');
is($sp->sql('SELECT count(*) FROM casesync.dead_letter') + $sp->sql('SELECT count(*) FROM casesync.quarantine'), 0, 'nothing was put aside');
$sp->sql("UPDATE person SET note = 1 WHERE id = 1");
ok(BridgeTest::wait_for('the next change', sub { $sp->sql("SELECT count(*) FROM casesync_internal.notification WHERE key = '1' AND state = 'delivered'") == 2 }),
	'and it goes on');
unlike(PostgreSQL::Test::Utils::slurp_file($sp->{server}->logfile), qr/PANIC|was terminated by signal/, 'the server never fell');
$sp->stop_ok;
done_testing();
