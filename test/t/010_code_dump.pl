# Dump and restore of everything that may hold a local code, and of event types: it must come back in every format,
# also where its definition is restored before any data. Knows nothing of tracking or the bridge.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

# What must be the same before and after: values, definitions, planner's use, labels, words.
my @questions = (
	'SELECT * FROM app.enrolment ORDER BY id',
	'SELECT tableoid::regclass, count(*) FROM app.enrolment_by_status GROUP BY 1 ORDER BY 1',
	'SELECT * FROM app.waiting ORDER BY id',
	"SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'app.enrolment'::regclass",
	"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'app.enrolment'::regclass ORDER BY 1",
	"SELECT pg_get_viewdef('app.waiting')",
	"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition ORDER BY oid::regclass::text",
	"SELECT indexdef FROM pg_indexes WHERE schemaname = 'app' ORDER BY indexname",
	"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = 'app.open_status'::regtype",
	'SELECT * FROM casesync.code_directory WHERE local ORDER BY directory, number',
	'SELECT * FROM casesync.crosswalk ORDER BY list, directory, word',
	'SELECT * FROM casesync.word_lists ORDER BY list',
	'SELECT directory, number, owner FROM casesync_internal.local_code ORDER BY 1, 2',
	"SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status)",
	"SELECT casesync.label('local:900'::casesync.enrolment_status)",
	'SELECT * FROM casesync.event_types ORDER BY reg_type, event_type',
	'SELECT * FROM casesync.registry_types ORDER BY reg_type',
	'SELECT count(*), count(*) FILTER (WHERE is_shipped) FROM casesync_internal.event_type');

my $application = q{
CREATE EXTENSION casesync;
CREATE SCHEMA app;
CREATE DOMAIN app.open_status AS casesync.enrolment_status CHECK (VALUE IN ('Active', 'local:901'));
CREATE TABLE app.enrolment (
	id integer PRIMARY KEY,
	status casesync.enrolment_status NOT NULL DEFAULT 'local:900' CHECK (status <> 'local:999'),
	history casesync.enrolment_status[] DEFAULT '{Active,local:900}',
	relation casesync.relationship_type,
	open app.open_status DEFAULT 'local:901',
	code text GENERATED ALWAYS AS (casesync.code(status)) STORED);
CREATE INDEX enrolment_waiting ON app.enrolment (id) WHERE status = 'local:900';
CREATE INDEX enrolment_status ON app.enrolment (status, (casesync.code(relation)));
CREATE VIEW app.waiting AS SELECT id, 'local:902'::casesync.enrolment_status AS next
	FROM app.enrolment WHERE status = 'local:900';
CREATE TABLE app.enrolment_by_status (id integer, status casesync.enrolment_status)
	PARTITION BY LIST (status);
CREATE TABLE app.enrolment_local PARTITION OF app.enrolment_by_status FOR VALUES IN ('local:900', 'Exited');
CREATE TABLE app.enrolment_rest PARTITION OF app.enrolment_by_status DEFAULT;
INSERT INTO app.enrolment (id, status, relation)
	SELECT i, (1 + i % 7)::casesync.enrolment_status, (1 + i % 107)::casesync.relationship_type
	FROM generate_series(1, 300) i;
INSERT INTO app.enrolment (id) VALUES (301), (302);
INSERT INTO app.enrolment_by_status SELECT id, status FROM app.enrolment;
SELECT casesync.add_local_code('enrolment_status', 900, 'Waiting', 'On the list of a full programme.');
SELECT casesync.map_code('sp', w, c::casesync.enrolment_status)
	FROM (VALUES ('EN ATTENTE', 'local:900'), ('SORTI', 'Exited'), ('RADIE', 'Exited')) m(w, c);
SELECT casesync.add_registry_type('Housing', '{habitat}');
SELECT casesync.add_event_type('moved', 'Housing', '{relocation}');
SELECT casesync.add_event_type('enrolment', 'ESS', '{inscription}', wire => 'Inscription');
};

sub answers
{
	my ($database) = @_;
	return join("\n---\n", map { $node->safe_psql($database, $_) } @questions);
}

sub is_restored
{
	my ($database, $expected, $how) = @_;

	is(answers($database), $expected, "everything is back after $how");
	like($node->safe_psql($database, q{ANALYZE app.enrolment; SET enable_seqscan = off; SET enable_sort = off;
		EXPLAIN (COSTS OFF) SELECT id FROM app.enrolment WHERE status = 'local:900' ORDER BY id}),
		qr/using enrolment_waiting/, "the partial index is used after $how");
	my $word = $node->safe_psql($database, q{
		SELECT casesync.map_code('sp', 'NOUVEAU', 'Active'::casesync.enrolment_status);
		SELECT casesync.map_code('sp', 'PARTI', 'Exited'::casesync.enrolment_status);
		SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status)});
	like($word, qr/^SORTI$/m, "a word mapped after $how comes after the restored ones");
}

$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', $application);
my $expected = answers('original');
like($expected, qr/301\|local:900/, 'the default of the original is a local code');
like($expected, qr/enrolment_local\|4[0-9]/, 'the list partition of the original holds rows');

# plain
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok(['pg_dump', '-f', "$directory/plain.sql", $node->connstr('original')], 'plain dump');
$node->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/plain.sql",
		$node->connstr('plain')], 'plain restore');
is_restored('plain', $expected, 'a plain dump');

# custom format, restored by four
$node->safe_psql('postgres', 'CREATE DATABASE custom');
$node->command_ok(['pg_dump', '-Fc', '-f', "$directory/custom.dump", $node->connstr('original')],
	'dump -Fc');
$node->command_ok(['pg_restore', '--exit-on-error', '-j4', '-d', $node->connstr('custom'),
		"$directory/custom.dump"], 'restore -j4');
is_restored('custom', $expected, 'dump -Fc and restore -j4');

# data only, into tables made by hand, in a database where no local code is registered
$node->safe_psql('postgres', 'CREATE DATABASE data_only');
$node->command_ok(['pg_dump', '--schema-only', '-f', "$directory/schema.sql", $node->connstr('original')],
	'dump of the schema');
$node->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/schema.sql",
		$node->connstr('data_only')], 'restore of the schema');
is($node->safe_psql('data_only', 'SELECT count(*) FROM casesync.code_directory WHERE local'), '0',
	'a schema without data has no local codes registered');
$node->safe_psql('data_only', 'INSERT INTO app.enrolment (id) VALUES (1000)');
is($node->safe_psql('data_only', 'DELETE FROM app.enrolment RETURNING status'), 'local:900',
	'a local code nobody registered works as a default');
foreach my $format ('plain', 'custom')
{
	$node->command_ok(['pg_dump', '--data-only', '-t', 'app.enrolment', "--format=$format",
			'-f', "$directory/data.$format", $node->connstr('original')], "data-only dump, $format");
	my @restore = $format eq 'plain'
	  ? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/data.$format", $node->connstr('data_only'))
	  : ('pg_restore', '--exit-on-error', '--data-only', '-d', $node->connstr('data_only'), "$directory/data.$format");
	$node->safe_psql('data_only', 'TRUNCATE app.enrolment');
	$node->command_ok(\@restore, "data-only restore, $format");
	is($node->safe_psql('data_only', $questions[0]), $node->safe_psql('original', $questions[0]),
		"the rows are back after a data-only dump, $format");
}

# INSERT statements spell codes as literals
$node->safe_psql('postgres', 'CREATE DATABASE inserts');
$node->command_ok(['pg_dump', '--column-inserts', '-f', "$directory/inserts.sql", $node->connstr('original')],
	'dump --column-inserts');
$node->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/inserts.sql",
		$node->connstr('inserts')], 'restore of INSERT statements');
is_restored('inserts', $expected, 'dump --column-inserts');

# A restored crosswalk shows as a change to whoever waits for one.
is($node->safe_psql('plain', 'SELECT casesync_internal.crosswalk_mark() > 0'), 't', 'a restore moves the mark');

$node->stop;
done_testing();
