# Rows that logical replication brings are captured when the tracking says so, ring like any other,
# and it is told when they would not be.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = PostgreSQL::Test::Cluster->new('source');
$source->init(allows_streaming => 'logical');
$source->append_conf('postgresql.conf', "fsync = off\n");
$source->start;
my $target = PostgreSQL::Test::Cluster->new('target');
$target->init;
$target->append_conf('postgresql.conf', "fsync = off\n");
$target->start;

my $tables = 'CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer, status text);
	CREATE TABLE consent (id integer PRIMARY KEY, person_id integer)';
for my $node ($source, $target)
{
	$node->safe_psql('postgres', q{CREATE DATABASE cases ENCODING 'UTF8' TEMPLATE template0});
	$node->safe_psql('cases', $tables);
}
$source->safe_psql('cases', 'CREATE PUBLICATION cases FOR ALL TABLES; INSERT INTO enrolment VALUES (1, 1, \'Active\')');
my $connection = $source->connstr . ' dbname=cases';
$target->safe_psql('cases', "CREATE SUBSCRIPTION cases CONNECTION '$connection' PUBLICATION cases");
ok($target->poll_query_until('cases', 'SELECT count(*) = 2 AND bool_and(srsubstate = \'r\') FROM pg_subscription_rel'),
	'the tables are copied');

$target->safe_psql('cases', <<'SQL');
CREATE EXTENSION casesync;
CREATE VIEW people AS SELECT '1'::text AS subject_key, casesync.member() AS record;
INSERT INTO casesync_internal.registry (registry, view, record_type, reg_type, key_column, key_type, record_column)
	VALUES ('people', 'people', 'Member', 'ESS', 'subject_key', 'text', 'record');
SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'enrolment_status_change', replicated => true);
SELECT casesync.track('consent', '{people}', 'person_id', on_insert => 'enrolment_status_change');
SQL
is($target->safe_psql('cases', 'SELECT relation, unnest(drift) FROM casesync.tracked ORDER BY tracking'),
	'consent|trigger casesync_2_insert of table "public.consent" does not fire for rows that replication brings',
	'a tracking that would miss replicated rows is told');

$source->safe_psql('cases', <<'SQL');
INSERT INTO consent VALUES (1, 1);
UPDATE enrolment SET status = 'Suspended', person_id = 2;
UPDATE enrolment SET status = 'Suspended';
DELETE FROM enrolment;
SQL
$source->wait_for_catchup('cases');
is($target->safe_psql('cases', 'SELECT op, key, old_key, changed, "session_user" = current_user FROM casesync_internal.change ORDER BY xid, cid, id'),
	"U|2|1|{\"status\": [\"Active\", \"Suspended\"], \"person_id\": [\"1\", \"2\"]}|t\nD|2|||t",
	'replicated changes are captured, those of the other table are not');

is($target->safe_psql('cases', q{SELECT relation, reason, ended IS NOT NULL FROM casesync.gaps}),
	'consent|triggers of "public.consent" do not fire for rows that replication brings|f', 'it is a gap that lasts');
my $mend = $target->safe_psql('cases', q{SELECT mend FROM casesync.health WHERE problem ~ '^changes of public.consent'});
like($mend, qr/track\('public\.consent'.* replicated => true/, 'health has the call');
$target->safe_psql('cases', $mend);
is($target->safe_psql('cases', q{SELECT ended IS NOT NULL FROM casesync.gaps}), 't', 'after which the gap is over');
is($target->safe_psql('cases', 'SELECT count(*) FROM casesync.tracked WHERE cardinality(drift) > 0'), '0', 'mended');
$source->safe_psql('cases', 'INSERT INTO consent VALUES (2, 2)');
$source->wait_for_catchup('cases');
is($target->safe_psql('cases', q{SELECT op, key FROM casesync_internal.change WHERE relation = 'consent'::regclass}), 'I|2', 'captured');
is($target->safe_psql('cases', q{SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL}), '1',
	'the apply worker is alive');

# a tracked table that is copied anew by a subscription: its rows are captured as insertions
$target->safe_psql('cases', 'DROP SUBSCRIPTION cases; DELETE FROM consent');
$target->safe_psql('cases', "CREATE SUBSCRIPTION cases CONNECTION '$connection' PUBLICATION cases");
ok($target->poll_query_until('cases', q{SELECT count(*) = 3 FROM casesync_internal.change WHERE relation = 'consent'::regclass AND op = 'I'}),
	'the initial copy is captured too');

$target->stop;
$source->stop;
done_testing();
