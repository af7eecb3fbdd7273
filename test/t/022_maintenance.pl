# What DBAs run beside an application: pg_dump -j, whose workers never wait for a lock, while leaves of the log are emptied; VACUUM FULL
# of everything while applications write; triggers made anew and taken off.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION casesync;
CREATE TABLE person (id integer PRIMARY KEY, n integer NOT NULL);
CREATE VIEW people AS SELECT id AS subject_key, jsonb_build_object() AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment');
INSERT INTO person SELECT i, 0 FROM generate_series(1, 100) i;
SQL

# Runs statements again and again until told to stop; what psql says on stderr comes back then.
sub again
{
	my ($sql) = @_;
	my $run = {in => "\\set ON_ERROR_STOP 1\n", err => ''};

	$run->{handle} = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', '-'], '<', \$run->{in},
		'>', '/dev/null', '2>', \$run->{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$run->{sql} = $sql;
	return $run;
}

sub feed
{
	my ($run, $times) = @_;
	$run->{in} .= $run->{sql} x $times;
	$run->{handle}->pump_nb while length $run->{in};
	return;
}

sub stop
{
	my ($run) = @_;
	$run->{handle}->finish;
	return $run->{err};
}

# ---- leaves are emptied while others hold them and come to hold them ------------------------------------------------------------------------
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT count(*) FROM casesync_internal.change');
$node->safe_psql('postgres', 'SELECT casesync_internal.rotate_changes()');
my $tidy = again("SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);\n");
feed($tidy, 40);
is($node->safe_psql('postgres', <<'SQL'), '0', 'who holds a leaf and who does not wait for one are not in each other\'s way');
CREATE TEMPORARY TABLE refused (n integer);
DO $$
DECLARE
	refused integer := 0;
	until timestamptz := clock_timestamp() + interval '1 s';
BEGIN
	WHILE clock_timestamp() < until LOOP
		BEGIN
			LOCK TABLE casesync_internal.change_0 IN ACCESS SHARE MODE NOWAIT;
			RAISE SQLSTATE 'RLBCK';
		EXCEPTION WHEN lock_not_available THEN refused := refused + 1;
			WHEN SQLSTATE 'RLBCK' THEN NULL;
		END;
	END LOOP;
	INSERT INTO refused VALUES (refused);
END $$;
SELECT n FROM refused;
SQL
is($node->safe_psql('postgres', 'SELECT count(*) FROM casesync_internal.change_0'), '100', 'the leaf that is held is not emptied');
$holder->quit;
is(stop($tidy), '', 'emptying never fails');
$node->safe_psql('postgres', 'SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM casesync_internal.change_0'), '0', 'and is once nobody holds it');

my $turns = again(<<'SQL');
UPDATE person SET n = n + 1 WHERE id <= 20;
SELECT casesync_internal.rotate_changes();
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
SQL
for my $i (1 .. 3)
{
	feed($turns, 20);
	my $dump = $node->basedir . "/dump$i";
	my ($out, $err) = ('', '');
	my $done = IPC::Run::run(['pg_dump', '-Fd', '-j4', '-f', $dump, '-d', $node->connstr('postgres')], '>', \$out, '2>', \$err);
	ok($done, "pg_dump -j4 beside it ($i)") or diag $err;
}
is(stop($turns), '', 'nor does anything beside a dump');

# ---- VACUUM FULL of the database --------------------------------------------------------------------------------------------------------------
# An application's transaction is open and has written to the log: whoever wants the leaf alone waits, all others write on.
my $open = $node->background_psql('postgres');
$open->query_safe('BEGIN');
$open->query_safe('UPDATE person SET n = n + 1 WHERE id = 1');
my $leaf = $node->safe_psql('postgres', 'SELECT leaf FROM casesync_internal.change_ring');
for my $command ("VACUUM FULL casesync_internal.change_$leaf", "CLUSTER casesync_internal.change_$leaf USING change_${leaf}_pkey",
	"REINDEX TABLE casesync_internal.change_$leaf", "ALTER TABLE casesync_internal.change_$leaf SET (fillfactor = 90)",
	"CREATE INDEX ON casesync_internal.change_$leaf (at)", 'VACUUM FULL casesync_internal.node', 'VACUUM FULL casesync_internal.tracking',
	'VACUUM FULL casesync_internal.change_ring')
{
	my $maintenance = $node->background_psql('postgres', on_error_stop => 0);
	$maintenance->query_until(qr/begun/, "\\echo begun\n$command;\n");
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND wait_event_type IS NULL
		AND query LIKE '$command%' AND pid <> pg_backend_pid())");
	my ($code) = $node->psql('postgres', "SET lock_timeout = '2s'; UPDATE person SET n = n + 1 WHERE id = 2");
	is($code, 0, "a write beside $command");
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '$command%' AND pid <> pg_backend_pid() AND state = 'active'");
	$maintenance->quit;
}
$open->query_safe('COMMIT');
$open->quit;
$node->command_ok(['vacuumdb', '--full', '-d', $node->connstr('postgres')], 'vacuumdb --full');
is($node->safe_psql('postgres', q{UPDATE person SET n = 1000 WHERE id = 3;
	SELECT changed->'n'->>1 FROM casesync_internal.change ORDER BY id DESC LIMIT 1}), '1000', 'and captures on');

# ---- triggers are made anew under load ---------------------------------------------------------------------------------------------------------
# Transactions that write two tables in turns would be in a deadlock with whoever wants both.
$node->safe_psql('postgres', <<'SQL');
ALTER SYSTEM SET deadlock_timeout = '100ms';
SELECT pg_reload_conf();
CREATE TABLE visit (LIKE person INCLUDING ALL);
CREATE TABLE benefit (LIKE person INCLUDING ALL);
INSERT INTO visit SELECT i, 0 FROM generate_series(1, 100) i;
INSERT INTO benefit TABLE visit;
SELECT casesync.track(t, '{people}', 'id', on_update => 'enrolment') FROM unnest('{visit,benefit}'::regclass[]) t;
SQL
my $script = $node->basedir . '/write.sql';
append_to_file($script, <<'SQL');
\set id random(1, 100)
BEGIN;
UPDATE benefit SET n = n + 1 WHERE id = :id;
\sleep 3 ms
UPDATE visit SET n = n + 1 WHERE id = :id;
COMMIT;
SQL
my ($bench_out, $bench_err) = ('', '');
my $bench = IPC::Run::start(['pgbench', '-n', '-c', '16', '-j', '2', '-T', '6', '-f', $script, $node->connstr('postgres')],
	'>', \$bench_out, '2>', \$bench_err);
$node->poll_query_until('postgres', 'SELECT n > 5 FROM benefit ORDER BY n DESC LIMIT 1');
my $until = time + 4;
my $made = 0;
while (time < $until)
{
	$node->safe_psql('postgres', q{ALTER TABLE visit DISABLE TRIGGER casesync_2_update; ALTER TABLE benefit DISABLE TRIGGER casesync_3_update});
	$made += $node->safe_psql('postgres', 'SELECT casesync.retrack()') == 3;
	$node->safe_psql('postgres', q{SELECT casesync.stop_capture('by turns') AS gap});
	$node->safe_psql('postgres', 'SELECT count(*) FROM casesync.start_capture((SELECT max(gap) FROM casesync.gaps))');
}
$bench->finish;
is($bench_err, '', 'no write failed');
like($bench_out, qr/number of failed transactions: 0/, 'none at all');
cmp_ok($made, '>', 0, 'while triggers were made again and again');
is($node->safe_psql('postgres', q{SELECT count(*) FROM casesync.tracked WHERE drift <> '{}'}), '0', 'and are right');

# Taking them off keeps readers out, but is never waited for.
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN');
$reader->query_safe('SELECT count(*) FROM visit, benefit');
my $owner = $node->background_psql('postgres');
$owner->query_until(qr/begun/, "\\echo begun\nSELECT casesync.untrack('visit');\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%untrack%' AND state = 'active' AND pid <> pg_backend_pid()});
is($node->safe_psql('postgres', q{SET lock_timeout = '200ms'; SELECT count(*) FROM visit} . ";\nSELECT count(*) FROM visit" x 50), join("\n", (100) x 51),
	'others read on');
my ($code, $out, $err) = $node->psql('postgres', q{SET lock_timeout = '100ms'; SELECT casesync.untrack('benefit')});
like($err, qr/could not lock table "public.benefit" within 00:00:00.1\nDETAIL:  Held by process \d/, 'whoever does not want to wait is told for whom') or diag $err;
$reader->query_safe('COMMIT');
$reader->quit;
$owner->query_safe('SELECT 1');
$owner->quit;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'visit'::regclass}), '0', 'and off when nobody reads');

done_testing();
