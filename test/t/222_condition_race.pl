# An administrator writes a condition; casesync reads it with the rights of the view's owner. While it is read again and
# again, its author lets the name of a type in it be now one type, now another whose values run a function of his.
# That function never runs as the owner.
use strict;
use warnings FATAL => 'all';

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('race');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf', "fsync = off\nsynchronous_commit = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION casesync;
CREATE ROLE administrator LOGIN;
SELECT casesync.grant_access('administrator', 'admin');
CREATE TABLE person (id text PRIMARY KEY);
INSERT INTO person VALUES ('1');
CREATE VIEW people AS SELECT id AS subject_key, jsonb_build_object('v', id) AS record FROM person;
SELECT casesync.set_node('sp', 'https://sp.example');
SELECT casesync.publish('people', 'people', 'Member');
CREATE SCHEMA author AUTHORIZATION administrator;
GRANT USAGE ON SCHEMA author TO PUBLIC;
SET SESSION AUTHORIZATION administrator;
CREATE FUNCTION author.run(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
CREATE DOMAIN author.trap AS text CHECK (author.run(VALUE));
CREATE TYPE author.kind AS ENUM ('(1)');
CREATE TYPE author.harmful AS (a author.trap);
SELECT casesync.set_partner('p', 'https://p.example');
SELECT casesync.set_agreement('A', 'p', registries => '{people}', event_types => '{enrolment}', fields => '{v}',
	identifier_types => '{UIN}', subjects => $$'(1)'::author.kind IS NOT NULL$$, valid_from => '2020-01-01', legal_basis => 'x');
SQL
my $as = $node->connstr('postgres') . ' user=administrator';

my ($changed, $looked, $error) = ('', '', '');
my $changing = IPC::Run::start([ 'psql', '-XAtq', '-d', $as, '-c', <<'SQL' ], '>', \$changed, '2>', \my $why);
DO $$ BEGIN
	LOOP
		ALTER TYPE author.kind RENAME TO harmless; ALTER TYPE author.harmful RENAME TO kind; COMMIT;
		ALTER TYPE author.kind RENAME TO harmful; ALTER TYPE author.harmless RENAME TO kind; COMMIT;
	END LOOP;
END $$
SQL
my $look = <<'SQL';
CREATE TEMP TABLE seen (said text);
DO $$ BEGIN
	FOR i IN 1 .. 1500 LOOP
		INSERT INTO seen SELECT coalesce(p.reason, p.outcome) FROM casesync.preview('A') p;
		COMMIT;
	END LOOP;
END $$;
SELECT DISTINCT said FROM seen;
SQL
IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $as ], '<', \$look, '>', \$looked, '2>', \$error) or die $error;
$changing->kill_kill;
like($looked, qr/^send$/m, 'while the condition is harmless it is read');
like($looked, qr/a condition cannot use type/, 'while it is not it is refused');
unlike($looked, qr/run as/, 'and nothing runs as the owner of the view');
$node->stop;
done_testing;
