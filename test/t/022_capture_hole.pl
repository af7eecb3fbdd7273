# Holes in capture as tools and plain roles make them: pg_restore --disable-triggers, DETACH … CONCURRENTLY, a crash of an unlogged
# table, an owner who has no access to casesync, DDL beside retrack() and beside the minute's look, a repeatable read.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_prepared_transactions = 5\n");
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE cases ENCODING 'UTF8' TEMPLATE template0});
sub sql { return $node->safe_psql('cases', join '; ', @_); }
# the holes that nobody has made up for: where, why, who, and whether it is over
sub holes { return sql(q{SELECT relation, reason, who, ended IS NOT NULL FROM casesync.gaps WHERE state <> 'filled' ORDER BY gap}); }
sub fill { sql(q{SELECT casesync.fill_gap(gap) FROM casesync.gaps WHERE state = 'to be filled'}); return; }

$node->safe_psql('cases', <<'SQL');
CREATE EXTENSION casesync;
CREATE ROLE clerk LOGIN;
GRANT CREATE ON SCHEMA public TO clerk;
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org', four_eyes => false);
CREATE TABLE job (id integer PRIMARY KEY, person_id integer, wage integer);
CREATE TABLE pay (person_id integer, y integer) PARTITION BY LIST (y);
CREATE TABLE pay_25 PARTITION OF pay FOR VALUES IN (2025);
CREATE TABLE pay_26 PARTITION OF pay FOR VALUES IN (2026);
CREATE VIEW people AS SELECT id AS subject_key, '{}'::jsonb AS record FROM job;
INSERT INTO job SELECT i, i, i FROM generate_series(1, 10) i;
INSERT INTO pay VALUES (1, 2025), (1, 2026);
ALTER TABLE job OWNER TO clerk;
ALTER TABLE pay OWNER TO clerk;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('job', '{people}', 'person_id', on_update => 'enrolment_status_change');
SELECT casesync.track('pay', '{people}', 'person_id', on_update => 'enrolment_status_change');
SQL
my $superuser = sql('SELECT current_user');

# ---- pg_restore --disable-triggers ----
my $dump = $node->backup_dir . '/job.dump';
$node->run_log([ 'pg_dump', '-Fc', '--data-only', '-t', 'job', '-f', $dump, '-d', $node->connstr('cases') ]);
sql('DELETE FROM job');
$node->command_ok([ 'pg_restore', '--data-only', '--disable-triggers', '-d', $node->connstr('cases'), $dump ], 'pg_restore --disable-triggers');
is(holes(), "job|triggers of \"public.job\" are disabled|$superuser|t", 'is a gap, which is over');
is(sql(q{SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname ~ 'casesync_1_unseen'}), 'R', 'and the role of a replica is noticed as before');
fill();

# ---- an owner who may nothing in casesync ----
is(sql('SET ROLE clerk', 'ALTER TABLE job DISABLE TRIGGER casesync_1_update', 'RESET ROLE', 'SELECT 1'), '1', 'an owner may disable');
like(holes(), qr/^job\|triggers of "public\.job" are disabled\|\Q$superuser\E\|f$/, 'it is noted for the login');
my ($code, $out, $err) = $node->psql('cases', 'ALTER TABLE job ENABLE TRIGGER casesync_1_update; ALTER TABLE job ADD COLUMN more integer; ALTER TABLE job DROP COLUMN more CASCADE',
	extra_params => [ '-U', 'clerk' ]);
is("$code $err", '0 ', 'nothing is said to an owner, and nothing fails');
like(holes(), qr/\|t$/, 'the gap is over');
fill();
($code, $out, $err) = $node->psql('cases', q{SELECT * FROM casesync_internal.gap}, extra_params => [ '-U', 'clerk' ]);
like($err, qr/permission denied/, 'who makes holes does not see them');
for my $call (q{capture_look(1)}, q{hole_end(1)}, q{ddl_seen('{}', '{}', true, true)}, q{capture_mended(1)}, q{event_triggers_make()}, q{capture_look_all()})
{
	($code, $out, $err) = $node->psql('cases', "SELECT casesync_internal.$call", extra_params => [ '-U', 'clerk' ]);
	like($err, qr/permission denied/, "nor may he call $call");
}

# ---- DETACH … CONCURRENTLY, which is two transactions ----
sql('ALTER TABLE pay DETACH PARTITION pay_26 CONCURRENTLY');
like(holes(), qr/^pay\|rows left with "public\.pay_26"\|\Q$superuser\E\|t$/, 'DETACH CONCURRENTLY is a gap');
fill();

# ---- a crash empties an unlogged table ----
sql('ALTER TABLE job SET UNLOGGED');
$node->stop('immediate');
$node->start;
is(sql('SELECT count(*) FROM job'), 0, 'a crash empties an unlogged table');
like(holes(), qr/^job\|table "public\.job" is unlogged: a crash empties it unseen\|\Q$superuser\E\|f$/, 'which is an open gap');
sql('ALTER TABLE job SET LOGGED');
like(holes(), qr/\|t$/, 'and over when it is logged again');
fill();
sql('INSERT INTO job SELECT i, i, i FROM generate_series(1, 10) i');

# ---- what is undone was none; what is prepared is one when it is committed ----
sql('BEGIN', 'ALTER TABLE job DISABLE TRIGGER ALL', 'ROLLBACK');
is(holes(), '', 'what is rolled back was no hole');
sql('BEGIN', 'SAVEPOINT s', 'ALTER TABLE job DISABLE TRIGGER ALL', 'UPDATE job SET wage = 0', 'ROLLBACK TO s', 'COMMIT');
is(holes(), '', 'nor what a savepoint undoes');
sql('BEGIN', 'ALTER TABLE job DISABLE TRIGGER ALL', 'UPDATE job SET wage = 1', 'ALTER TABLE job ENABLE TRIGGER ALL', q{PREPARE TRANSACTION 'x'});
is(holes(), '', 'what is prepared is none yet');
sql(q{COMMIT PREPARED 'x'});
like(holes(), qr/^job\|.*\|t$/, 'it is one when it is committed');
fill();
sql('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM job', 'ALTER TABLE job DISABLE TRIGGER ALL', 'COMMIT');
like(holes(), qr/^job\|triggers of "public\.job" are disabled\|\Q$superuser\E\|f$/, 'in a repeatable read too');
sql(q{SELECT casesync.retrack('job')});
fill();

# ---- beside the minute's look and beside retrack() ----
my $ddl = $node->background_psql('cases', on_error_stop => 1);
$ddl->query_safe('BEGIN; ALTER TABLE job DISABLE TRIGGER ALL; UPDATE job SET wage = 2');
my $begun = time;
sql('SELECT casesync_internal.tidy()');
cmp_ok(time - $begun, '<', 5, 'the minute\'s look does not wait for DDL that is not committed');
is(holes(), '', 'nor sees it');
my $other = $node->background_psql('cases', on_error_stop => 0);
$other->query_until(qr/begun/, "\\echo begun\nSELECT casesync.retrack('job');\n");
ok($node->poll_query_until('cases', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ 'retrack' AND pid <> pg_backend_pid()}), 'retrack() has begun');
$ddl->query_safe('COMMIT');
$ddl->quit;
ok($node->poll_query_until('cases', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE query ~ 'retrack' AND state = 'active' AND pid <> pg_backend_pid()}), 'and ends');
$other->quit;
sql(q{SELECT casesync.retrack('job')}) if holes() =~ /\|f$/;
like(holes(), qr/^job\|triggers of "public\.job" are disabled\|\Q$superuser\E\|t$/, 'what was written meanwhile is a gap');
is(sql('SELECT count(*) FROM casesync.tracked WHERE cardinality(drift) > 0'), 0, 'and all is well again');
sql('SELECT casesync_internal.route()');
is(holes(), '', 'which the router makes up for by itself');
unlike($node->logfile ? slurp_file($node->logfile) : '', qr/could not note what this changes/, 'nothing was left to the minute\'s look');

# ---- a dump restored over its own database: no trigger of ours is there before the one that is restored ----
sql(q{SELECT casesync.track('job', '{people}', 'id', on_update => 'enrolment_status_change')},
	'CREATE TABLE pay_27 PARTITION OF pay FOR VALUES IN (2027)');
my $whole = $node->backup_dir . '/whole.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $whole, '-d', $node->connstr('cases') ], 'a dump with a partitioned table and one that is tracked twice');
$node->command_ok([ 'pg_restore', '--clean', '--if-exists', '--single-transaction', '-d', $node->connstr('cases'), $whole ], 'is restored over itself');
is(sql('SELECT count(*) FROM casesync.tracked WHERE cardinality(drift) > 0'), 0, 'all triggers are there');
sql('CREATE TABLE pay_28 PARTITION OF pay FOR VALUES IN (2028)');
is(sql(q{SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'pay_28'::regclass AND tgname ~ 'unseen'}), 'R', 'and a new partition gets its own');

$node->stop;
done_testing();
