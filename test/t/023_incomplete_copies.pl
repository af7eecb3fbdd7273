# Copies that lack something of casesync, as developers and testers make them: the application writes on, and both the session and health
# say what is not recorded. Nothing is sent from a copy.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('source');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE origin ENCODING 'UTF8' TEMPLATE template0});
$node->safe_psql('origin', <<'SQL');
CREATE EXTENSION casesync;
CREATE TABLE person (id integer PRIMARY KEY, name text, note text);
CREATE TABLE visit (person_id integer, kind text, remark text);
CREATE TABLE benefit (person integer, sort text) PARTITION BY LIST (sort);
CREATE TABLE benefit_a PARTITION OF benefit FOR VALUES IN ('a');
CREATE TABLE benefit_b PARTITION OF benefit FOR VALUES IN ('b');
CREATE VIEW people AS SELECT id AS subject_key, casesync.member() AS record FROM person;
SELECT casesync.set_node('sp.example.org', 'https://dci.example.org', four_eyes => false);
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment', on_delete => 'enrolment');
SELECT casesync.track('visit', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment', condition => $$kind = 'x'$$, columns => '{kind}');
SELECT casesync.track('benefit', '{people}', 'person', on_insert => 'enrolment');
INSERT INTO person VALUES (1, 'a', 'n');
INSERT INTO visit VALUES (1, 'x', 'r');
INSERT INTO benefit VALUES (1, 'a'), (1, 'b');
SQL

sub copy
{
	my ($name, $may_fail, @options) = @_;
	my $dump = $node->basedir . "/$name.dump";

	$node->command_ok(['pg_dump', '-Fc', @options, '-f', $dump, '-d', $node->connstr('origin')], "pg_dump @options");
	$node->safe_psql('postgres', qq{CREATE DATABASE $name ENCODING 'UTF8' TEMPLATE template0});
	IPC::Run::run(['pg_restore', '-d', $node->connstr($name), $dump], '2>', \my $errors);
	is($errors eq '', !$may_fail, "$name is restored" . ($may_fail ? ', with an error' : '')) or diag $errors;
	return;
}

# What an application writes in one session, and the warnings that it gets.
sub write_in
{
	my ($database, $sql) = @_;
	my ($code, $out, $err) = $node->psql($database, $sql);

	is($code, 0, "$database: the application writes on") or diag $err;
	return $err =~ /WARNING: +([^\n]+)/g;
}

sub health_of
{
	my ($database) = @_;
	return $node->safe_psql($database, q{SELECT string_agg(problem, E'\n') FROM casesync.health});
}

my $work = <<'SQL';
UPDATE person SET name = 'b';
INSERT INTO person VALUES (2, 'b');
DELETE FROM person WHERE id = 2;
INSERT INTO benefit VALUES (2, 'a'), (2, 'b');
SQL

# ---- a schema without data ----------------------------------------------------------------------------------------------------------------------
copy('bare', 0, '-s');
is_deeply([write_in('bare', "INSERT INTO person VALUES (1, 'a');\n$work")], ['changes of table "person" are not recorded: there is no tracking 1',
	'changes of table "benefit_a" are not recorded: there is no tracking 3'], 'bare: each table is said once a session');
like(health_of('bare'), qr/changes of public\.person are not recorded: it has triggers of a tracking that this database does not have/, 'bare: health');
is($node->safe_psql('bare', 'SELECT count(*) FROM casesync_internal.change'), '0', 'bare: nothing is recorded');
my $mend = $node->safe_psql('bare', q{SELECT string_agg(mend, E'\n') FROM casesync.health WHERE problem LIKE '%triggers of a tracking%'});
$node->safe_psql('bare', $mend);
unlike(health_of('bare'), qr/triggers of a tracking/, 'bare: mended as health says');
is_deeply([write_in('bare', $work)], [], 'bare: and quiet');

# ---- without one of the tracked tables ----------------------------------------------------------------------------------------------------------
# The rows of trackings name it, so that they are not restored.
copy('partly', 1, '-T', 'visit');
is_deeply([write_in('partly', $work)], ['changes of table "person" are not recorded: there is no tracking 1',
	'changes of table "benefit_a" are not recorded: there is no tracking 3'], 'partly: said');
like(health_of('partly'), qr/changes of public\.person are not recorded/, 'partly: health');
like(health_of('partly'), qr/this database is a copy/, 'partly: and that it is a copy');

# ---- columns renamed or dropped since they were tracked ----------------------------------------------------------------------------------------
# As the minute's work has not been done since.
$node->safe_psql('origin', <<'SQL');
ALTER TABLE person RENAME note TO remark;
ALTER TABLE visit RENAME kind TO "Kind";
ALTER TABLE benefit RENAME person TO person_id;
SQL
copy('renamed', 0);
is_deeply([write_in('renamed', <<'SQL')], ['not all tracked columns of table "person" are found', 'not all tracked columns of table "visit" are found',
UPDATE person SET name = 'b';
UPDATE person SET remark = 'm';
UPDATE person SET name = 'b';
UPDATE visit SET remark = 's';
INSERT INTO visit VALUES (9, 'y', 'r');
INSERT INTO benefit VALUES (2, 'a');
SQL
	'changes of table "benefit_a" name no subject: its key column "person" is gone'], 'renamed: said');
is($node->safe_psql('renamed', 'SELECT op, key, changed FROM casesync_internal.change WHERE era > 1 ORDER BY id'), join("\n",
	'U|1|{"name": ["a", "b"]}', 'U|1|{}', 'U|1|{}', 'I|9|', 'G||{"reason": "its key column \"person\" is gone"}'),
	'renamed: what can be recorded is, and nothing is lost');
like(health_of('renamed'), qr/tracking 1 of public\.person: column "note" does not exist/, 'renamed: health');

# As a bridge leaves it behind: names follow.
my $tidy = 'SELECT count(*) FROM casesync_internal.tidy()';
$node->safe_psql('origin', $tidy);
$node->safe_psql('origin', 'ALTER TABLE person DROP COLUMN name');
$node->safe_psql('origin', $tidy);
is($node->safe_psql('origin', 'SELECT id, columns, key, key_columns, condition FROM casesync_internal.tracking ORDER BY id'), join("\n",
	'1|{id,remark}|id|{id}|', q{2|{person_id,Kind}|person_id|{person_id}|("Kind" = 'x'::text)}, '3|{person_id,sort}|person_id|{person_id}|'),
	'names follow the columns');
copy('followed', 0);
is_deeply([write_in('followed', <<'SQL')], [], 'followed: nothing to say');
UPDATE person SET remark = 'm';
UPDATE visit SET remark = 's';
UPDATE visit SET "Kind" = 'y';
INSERT INTO benefit VALUES (3, 'b');
SQL
is($node->safe_psql('followed', 'SELECT op, key, changed FROM casesync_internal.change WHERE era > 1 ORDER BY id'), join("\n",
	'U|1|{"remark": ["n", "m"]}', 'U|1|{"Kind": ["x", "y"]}', 'I|3|'), 'followed: all is recorded');
unlike(health_of('followed'), qr/tracking \d/, 'followed: health');

$node->stop;
done_testing();
