# From each released version to this one: a database that was upgraded is as one that was made anew, and what
# was there has owners and goes on.
use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

sub shape
{
	my ($database) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', "$tree/test/lib/extension_shape.sql" ],
		'>', \$out, '2>', \$err) or die $err;
	return { map { $_ => 1 } split /\n/, $out };
}

my @released = sort map { /casesync--([\d.]+)\.sql$/ ? $1 : () } glob("$tree/extension/released/*.sql");
ok(scalar @released, 'there are released versions');
$node->safe_psql('postgres', q{
CREATE DATABASE fresh;
CREATE ROLE app LOGIN;
CREATE ROLE share LOGIN;
CREATE ROLE plain LOGIN});
$node->safe_psql('fresh', "CREATE EXTENSION casesync; SELECT casesync.grant_access(r, 'publisher') FROM unnest('{app,share}'::regrole[]) r");
my $current = $node->safe_psql('fresh', "SELECT extversion FROM pg_extension WHERE extname = 'casesync'");
my $fresh = shape('fresh');

for my $version (grep { $_ ne $current } @released)
{
	my $database = "from_$version";
	$node->safe_psql('postgres', qq(CREATE DATABASE "$database"));
	$node->safe_psql($database, "CREATE EXTENSION casesync VERSION '$version'; SELECT casesync.grant_access(r, 'publisher') FROM unnest('{app,share}'::regrole[]) r");
	$node->safe_psql($database, q{
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org');
CREATE SCHEMA app AUTHORIZATION app;
CREATE SCHEMA share AUTHORIZATION share;
SET ROLE app;
SELECT casesync.map_code('sp', 'A', 'Active'::casesync.enrolment_status);
SELECT casesync.add_local_code('enrolment_status', 900, 'Waiting');
CREATE TABLE app.person (id integer PRIMARY KEY, status text);
GRANT ALL ON SCHEMA app TO share;
GRANT SELECT ON app.person TO share;
SET ROLE share;
CREATE VIEW share.person AS SELECT id AS subject_key, jsonb_build_object('status', casesync.to_code('sp', status, NULL::casesync.enrolment_status)) AS record
	FROM app.person;
SELECT * FROM casesync.publish('person', 'share.person', 'Member');
SET ROLE app;
SELECT casesync.track('app.person', '{person}', 'id', on_insert => 'enrolment');
CREATE TABLE app.other (id integer PRIMARY KEY);
INSERT INTO app.person VALUES (1, 'A');
RESET ROLE;
ALTER EXTENSION casesync UPDATE;
SET ROLE app;
INSERT INTO app.person VALUES (2, 'A');
});
	is($node->safe_psql($database, "SELECT extversion FROM pg_extension WHERE extname = 'casesync'"), $current, "from $version to $current");
	my $upgraded = shape($database);
	my @differences = ((map { "+ $_" } grep { !$fresh->{$_} } sort keys %$upgraded), (map { "- $_" } grep { !$upgraded->{$_} } sort keys %$fresh));
	cmp_ok(scalar keys %$fresh, '>', 1000, 'there is something to compare');
	ok(!@differences, "what came from $version is as what was made anew") or diag join "\n", map { substr $_, 0, 400 } @differences[0 .. ($#differences > 30 ? 30 : $#differences)];

	# what fed a registry goes on to, before and after; another table of the same role may too, as could be done before
	is($node->safe_psql($database, 'SELECT changes FROM casesync_internal.route()'), 2, 'what was captured before and after is routed');
	is($node->safe_psql($database, 'SELECT count(*) FROM casesync.gaps'), 0, 'nothing was refused');
	is($node->safe_psql($database, 'SELECT registry, owner, granted FROM casesync.registries'), 'person|share|{app}', 'the registry has an owner, who lets what fed it');
	is($node->safe_psql($database, 'SELECT author FROM casesync_internal.tracking'), 'app', 'the tracking has an author');
	is($node->safe_psql($database, q{SELECT count(*) FROM casesync.health WHERE problem ~ 'person'}), 0, 'nobody is asked to do anything about it');

	# words are the superuser's until he gives them away; they are read as before
	is($node->safe_psql($database, q{SELECT list, owner = current_user, words FROM casesync.word_lists}), 'sp|t|1', 'words have an owner');
	is($node->safe_psql($database, q{SELECT casesync.to_code('sp', 'A', NULL::casesync.enrolment_status)}), 'Active', 'words are read');
	my $map = q{SET ROLE app; SELECT casesync.map_code('sp', 'S', 'Suspended'::casesync.enrolment_status)};
	my ($code, $out, $err) = $node->psql($database, $map);
	like($err, qr/list of words "sp" is not yours\n.*belongs to role/, 'words of whom nobody knows are not open to all');
	$node->safe_psql($database, q{SELECT casesync.own_word_list('sp', 'app')});
	like($node->safe_psql($database, $map), qr/means Suspended/, 'they can be given away');
	is($node->safe_psql($database, q{SELECT label, owner = current_user FROM casesync_internal.local_code}), 'Waiting|t', 'local codes have an owner');

	# triggers of before have a WHEN: they go on, and are made anew by retrack()
	my $triggers = "triggers_$version";
	$node->safe_psql('postgres', qq(CREATE DATABASE "$triggers"));
	$node->safe_psql($triggers, <<"SQL");
CREATE EXTENSION casesync VERSION '$version';
CREATE VIEW people AS SELECT '1'::text AS subject_key, '{}'::jsonb AS record;
SELECT * FROM casesync.publish('people', 'people', 'Member');
CREATE SCHEMA plain AUTHORIZATION plain;
SET ROLE plain;
CREATE TABLE plain.visit (id integer, kind varchar(9), n integer) PARTITION BY LIST (kind);
CREATE TABLE plain.visit_a PARTITION OF plain.visit FOR VALUES IN ('a');
RESET ROLE;
SELECT casesync.track('plain.visit', '{people}', 'id', on_update => 'enrolment', condition => 'n > 1');
SQL
	my $work = q{SET ROLE plain; INSERT INTO plain.visit VALUES (1, 'a', 1), (2, 'a', 2);
		UPDATE plain.visit SET n = 3; UPDATE plain.visit SET id = id; UPDATE plain.visit SET n = 1 WHERE id = 1; DELETE FROM plain.visit;};
	my $captured = q{SELECT op, key, changed->'n' FROM casesync_internal.change ORDER BY xid, cid, id};
	my $whens = q{SELECT count(*) FROM pg_trigger WHERE tgqual IS NOT NULL AND tgname ~ '^casesync_'};
	$node->safe_psql($triggers, $work);
	my $before = $node->safe_psql($triggers, $captured);
	is($before, join("\n", 'I|2|', 'U|1|["1", "3"]', 'U|2|["2", "3"]', 'U|1|["3", "1"]', 'D|2|'), "$version: captured");
	$node->safe_psql($triggers, 'ALTER EXTENSION casesync UPDATE');
	cmp_ok($node->safe_psql($triggers, $whens), '>', 0, "$version: triggers are as they were");
	$node->safe_psql($triggers, $work);
	is($node->safe_psql($triggers, $captured), "$before\n$before", "$version: and capture the same");
	$node->safe_psql($triggers, q{SET ROLE plain; CREATE TABLE plain.visit_b PARTITION OF plain.visit FOR VALUES IN ('b')});
	($code, $out, $err) = $node->psql($triggers, 'ALTER TABLE plain.visit ALTER COLUMN n TYPE bigint');
	like($err, qr/used in a trigger definition/, "$version: they name columns");
	is($node->safe_psql($triggers, 'SELECT casesync.retrack()'), '1', "$version: retrack()");
	is($node->safe_psql($triggers, $whens), '0', "$version: they do not any more");
	$node->safe_psql($triggers, 'ALTER TABLE plain.visit ALTER COLUMN n TYPE bigint');
	$node->safe_psql($triggers, $work);
	is($node->safe_psql($triggers, $captured), "$before\n$before\n$before", "$version: and still capture the same");
}
$node->stop;
done_testing();
