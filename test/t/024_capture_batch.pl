# The changes of one statement are written together: that they are, and that none is lost or made up by a crash, a killed session, or the
# place and time at which the library is loaded.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('batch');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION casesync;
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE VIEW people AS SELECT id::text AS subject_key, casesync.member() AS record FROM person;
SELECT casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
SQL
my $lasts = q{SELECT op, count(*), min(key::integer), max(key::integer) FROM casesync_internal.change WHERE changed->'name'->>1 = '%s'
	OR changed IS NULL AND key::integer > %d GROUP BY op};

# How many WAL records of the heap were written for the log's rows.
sub heap_records
{
	my ($statement) = @_;
	my $from = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
	$node->safe_psql('postgres', $statement);
	my $to = $node->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');
	my $leaf = $node->safe_psql('postgres', q{SELECT pg_relation_filenode('casesync_internal.change_0')});
	my ($told) = run_command(['pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $from, '-e', $to]);
	return scalar grep { m{rmgr: Heap2? .*desc: (MULTI_)?INSERT.* rel \d+/\d+/$leaf\b} } split /\n/, $told;
}
my $single = heap_records(join '', map { "INSERT INTO person VALUES ($_, 'x');" } 1 .. 20);
is($single, 20, 'one record for each statement of one row');
for my $statement ('INSERT INTO person SELECT i FROM generate_series(1001, 4000) i', q{UPDATE person SET name = 'many' WHERE id > 1000},
	q{COPY person (id) FROM PROGRAM 'seq 5001 8000'})
{
	my $many = heap_records($statement);
	cmp_ok($many, '<=', 3000 / 20, "a record for many rows: $statement");
	cmp_ok($many, '>=', 10, 'and there are some');
}
is($node->safe_psql('postgres', sprintf $lasts, 'many', 5000), "I|3000|5001|8000\nU|3000|1001|4000", 'each change is there once');

# prepared, then a crash
$node->safe_psql('postgres', q{BEGIN; UPDATE person SET name = 'prepared' WHERE id BETWEEN 1001 AND 3500; PREPARE TRANSACTION 'p'});
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', sprintf $lasts, 'prepared', 10000), '', 'not yet committed');
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is($node->safe_psql('postgres', sprintf $lasts, 'prepared', 10000), 'U|2500|1001|3500', 'committed after the crash');

# a crash right behind a commit: what was committed has its changes
$node->safe_psql('postgres', q{UPDATE person SET name = 'committed' WHERE id BETWEEN 1001 AND 2500});
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', sprintf $lasts, 'committed', 10000), 'U|1500|1001|2500', 'there after a crash');

# a session that ends while changes are collected
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END';
CREATE TRIGGER z_die AFTER UPDATE ON person FOR EACH ROW WHEN (NEW.id = 1500) EXECUTE FUNCTION die();
SQL
my (undef, undef, $said) = $node->psql('postgres', q{UPDATE person SET name = name; UPDATE person SET name = 'died'});
like($said, qr/terminating connection/, 'the session is ended in mid-statement');
$node->safe_psql('postgres', 'DROP TRIGGER z_die ON person');
is($node->safe_psql('postgres', sprintf $lasts, 'died', 10000), '', 'and has left nothing');

# loaded with the server, with the session, by hand in a transaction
for my $setting (q{shared_preload_libraries = 'casesync'}, q{session_preload_libraries = 'casesync'})
{
	$node->append_conf('postgresql.conf', "$setting\n");
	$node->restart;
	$node->safe_psql('postgres', qq{UPDATE person SET name = \$\$$setting\$\$ WHERE id BETWEEN 1001 AND 3500});
	(my $quoted = $setting) =~ s/'/''/g;
	is($node->safe_psql('postgres', sprintf $lasts, $quoted, 10000), 'U|2500|1001|3500', $setting);
	$node->append_conf('postgresql.conf', ($setting =~ s/ = .*/ = ''/r) . "\n");
}
$node->restart;
my $early = q{
BEGIN;
LOAD 'casesync';
UPDATE person SET name = 'loaded' WHERE id BETWEEN 1001 AND 1003;
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
COMMIT;};
is($node->safe_psql('postgres', $early), '3', 'loaded in a transaction');

# several commands in one message, the first of which loads the library
is($node->safe_psql('postgres', q{COPY person (id) FROM PROGRAM 'seq 9001 9003'; SELECT count(*) FROM casesync_internal.change WHERE key IN ('9001', '9002', '9003')}),
	'3', 'a command sees what the one before it has left');

$node->stop;
done_testing();
