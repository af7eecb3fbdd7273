# Tracked tables survive dump and restore: trackings, gaps and unrouted changes come along, and
# what is written there is captured in the next era. With -Fc -j4, with plain SQL, with -t 'casesync_internal.*'.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('source');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nfsync = off\n");
$node->start;
my $dump = $node->basedir . '/dump';

my $changes = 'SELECT era, op, key, old_key, changed FROM casesync_internal.change ORDER BY era, xid, cid, id';

$node->safe_psql('postgres', q{CREATE DATABASE origin ENCODING 'UTF8' TEMPLATE template0});
$node->safe_psql('origin', <<'SQL');
CREATE EXTENSION casesync;
CREATE SCHEMA "Old App";
SET search_path = "Old App";
CREATE TABLE "Person" (gone integer, id integer PRIMARY KEY, "Full Name" varchar(40), remark text);
ALTER TABLE "Person" DROP COLUMN gone;
CREATE TABLE payment (id integer, person_id integer, region text, amount integer) PARTITION BY LIST (region);
CREATE TABLE payment_north PARTITION OF payment FOR VALUES IN ('north');
CREATE TABLE payment_south (dropped text, region text, amount integer, person_id integer, id integer);
ALTER TABLE payment_south DROP COLUMN dropped;
ALTER TABLE payment ATTACH PARTITION payment_south FOR VALUES IN ('south');
CREATE VIEW people AS SELECT id::text AS subject_key, casesync.member() AS record FROM "Person";
SELECT casesync.set_node('sp.example.org', 'https://dci.example.org');
INSERT INTO casesync_internal.registry (registry, view, record_type, reg_type, key_column, key_type, record_column)
	VALUES ('people', 'people', 'Member', 'ESS', 'subject_key', 'text', 'record');
SELECT casesync.track('"Person"', '{people}', 'id', on_update => 'enrolment_status_change');
SELECT casesync.track('payment', '{people}', 'person_id || ''/'' || region', on_update => 'enrolment_status_change',
	columns => '{amount}', condition => 'amount > 0', subjects => 'SELECT id FROM "Person" WHERE id::text = $1');
INSERT INTO "Person" VALUES (1, 'Ana', 'x');
INSERT INTO payment VALUES (1, 1, 'south', 10);
SELECT casesync_internal.rotate_changes();
UPDATE "Person" SET "Full Name" = 'Ana B.';
SELECT casesync.stop_capture('dump');
SQL
my $before = $node->safe_psql('origin', $changes);
is($before, join("\n", '1|I|1||', '1|I|{"region": "south", "person_id": "1"}||',
	'1|U|1||{"Full Name": ["Ana", "Ana B."]}'), 'changes before the dump');
my $trackings = 'SELECT id, relation, registries, key, columns, condition, subjects, enabled FROM casesync_internal.tracking ORDER BY id';
my $trackings_before = $node->safe_psql('origin', $trackings);

# What must be true of every restored copy.
sub check_copy
{
	my ($copy, $database) = @_;

	is($copy->safe_psql($database, $trackings), $trackings_before, "$database: trackings");
	is($copy->safe_psql($database, $changes), $before, "$database: unrouted changes");
	is($copy->safe_psql($database, 'SELECT leaf FROM casesync_internal.change_ring'), '1', "$database: the ring");
	is($copy->safe_psql($database, 'SELECT registry FROM casesync.start_capture(1)'), 'people', "$database: the gap");
	is($copy->safe_psql($database, q{SELECT tracking, drift FROM casesync.tracked ORDER BY 1}), "1|{}\n2|{}",
		"$database: no drift");
	$copy->safe_psql($database, <<'SQL');
SET search_path = "Old App";
UPDATE "Person" SET remark = 'y';
UPDATE payment SET amount = 11;
UPDATE payment SET amount = 0 WHERE amount = 11;
UPDATE payment SET amount = -1;
SQL
	is($copy->safe_psql($database, $changes), join("\n", $before, '2|U|1||{"remark": ["x", "y"]}',
		'2|U|{"region": "south", "person_id": "1"}||{"amount": ["10", "11"]}',
		'2|U|{"region": "south", "person_id": "1"}||{"amount": ["11", "0"]}'),
		"$database: captured in the next era");
	my ($code, $output, $errors) = $copy->psql($database, 'TRUNCATE "Old App".payment_south');
	like($errors, qr/tracked by casesync and cannot be truncated/, "$database: TRUNCATE is refused");
	$copy->safe_psql($database, q{SELECT casesync.track('"Old App".payment', '{people}', 'id', on_delete => 'x')});
	is($copy->safe_psql($database, 'SELECT max(tracking) FROM casesync.tracked'), '3',
		"$database: numbers of trackings go on");
	is($copy->safe_psql($database, q{SELECT casesync.stop_capture('again')}), '2', "$database: numbers of gaps go on");
	# a rename is followed again once the copy has looked where its columns are
	$copy->safe_psql($database, <<'SQL');
SELECT casesync.start_capture(2);
SELECT casesync.retrack();
ALTER TABLE "Old App"."Person" RENAME remark TO note;
UPDATE "Old App"."Person" SET note = 'z';
SQL
	is($copy->safe_psql($database, q{SELECT changed FROM casesync_internal.change WHERE era = 2 AND key = '1' ORDER BY id DESC LIMIT 1}),
		'{"remark": ["y", "z"]}', "$database: a renamed column");
}

# custom format, in parallel, into another (younger) cluster
my $young = PostgreSQL::Test::Cluster->new('young');
$young->init;
$young->append_conf('postgresql.conf', "fsync = off\n");
$young->start;
$node->command_ok(['pg_dump', '-Fc', '-f', "$dump.custom", '-d', $node->connstr('origin')], 'pg_dump -Fc');
$young->safe_psql('postgres', q{CREATE DATABASE parallel ENCODING 'UTF8' TEMPLATE template0});
$young->command_ok(['pg_restore', '-j4', '--exit-on-error', '-d', $young->connstr('parallel'), "$dump.custom"],
	'pg_restore -j4');
check_copy($young, 'parallel');

# plain SQL, into another database of the same cluster
$node->command_ok(['pg_dump', '-f', "$dump.sql", '-d', $node->connstr('origin')], 'pg_dump, plain');
$node->safe_psql('postgres', q{CREATE DATABASE plain ENCODING 'UTF8' TEMPLATE template0});
$node->command_ok(['psql', '-X', '-v', 'ON_ERROR_STOP=1', '-q', '-f', "$dump.sql", '-d', $node->connstr('plain')],
	'plain restore');
check_copy($node, 'plain');

# the state of casesync alone, into a database that has the application's tables and the extension
$node->command_ok(['pg_dump', '-t', 'casesync_internal.*', '--data-only', '-f', "$dump.state", '-d', $node->connstr('origin')],
	'pg_dump -t casesync_internal.*');
$node->command_ok(['pg_dump', '-N', 'casesync', '-N', 'casesync_internal', '--section=pre-data', '--section=data', '-f', "$dump.app", '-d', $node->connstr('origin')],
	'pg_dump of the application');
$young->safe_psql('postgres', q{CREATE DATABASE state ENCODING 'UTF8' TEMPLATE template0});
$young->safe_psql('state', 'CREATE EXTENSION casesync');
$young->command_ok(['psql', '-X', '-v', 'ON_ERROR_STOP=1', '-q', '-f', "$dump.app", '-d', $young->connstr('state')],
	'restore of the application');
$young->command_ok(['psql', '-X', '-v', 'ON_ERROR_STOP=1', '-q', '-f', "$dump.state", '-d', $young->connstr('state')],
	'restore of the state');
like($young->safe_psql('state', 'SELECT drift FROM casesync.tracked ORDER BY tracking LIMIT 1'),
	qr/lacks trigger casesync_1_delete/, 'without the triggers: drift');
is($young->safe_psql('state', 'SELECT casesync.retrack()'), '2', 'retrack() makes them');
check_copy($young, 'state');

# a restarted server: prepared transactions and caches
$node->safe_psql('origin', <<'SQL');
SELECT casesync.start_capture(1);
BEGIN;
UPDATE "Old App"."Person" SET remark = 'prepared';
PREPARE TRANSACTION 'capture';
SQL
$node->stop('immediate');
$node->start;
is($node->safe_psql('origin', $changes), $before, 'a prepared change is invisible, also after a crash');
is($node->safe_psql('origin', q{SELECT casesync_internal.rotate_changes();
	SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1)}), "2\n1", 'its leaf is not emptied');
$node->safe_psql('origin', q{COMMIT PREPARED 'capture'});
is($node->safe_psql('origin', q{SELECT era, op, key, changed FROM casesync_internal.change}),
	'1|U|1|{"Full Name": ["Ana", "Ana B."]}' . "\n" . '1|U|1|{"remark": ["x", "prepared"]}',
	'and is there when it is committed');

$node->stop;
$young->stop;
done_testing();
