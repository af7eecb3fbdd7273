-- Every way in which rows change unseen is a gap, said by health with the call that mends it; after that partners have what is true.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA app;
\i test/scene/delivery.sql
\set ECHO none
SET search_path = app, public;
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org', four_eyes => false) <> '' AS named;
CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE job (id integer, person_id integer, wage text, obsolete integer);
CREATE TABLE pay (person_id integer, y integer, amount integer) PARTITION BY LIST (y);
CREATE TABLE pay_25 PARTITION OF pay FOR VALUES IN (2025);
CREATE VIEW people AS
	SELECT p.id::text AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', 'U' || p.id)],
		additional_attributes => jsonb_build_object('alias', concat_ws(' ', p.name,
			(SELECT string_agg(wage, ',' ORDER BY j.id) FROM job j WHERE j.person_id = p.id),
			(SELECT sum(amount) FROM pay WHERE pay.person_id = p.id)))) AS record FROM person p;
DO $$ BEGIN
	PERFORM casesync.publish('people', 'people', 'Member');
	PERFORM casesync.track('person', '{people}', 'id', on_insert => 'enrolment_status_change',
		on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
	PERFORM casesync.track('job', '{people}', 'person_id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change');
	PERFORM casesync.track('pay', '{people}', 'person_id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change');
	PERFORM casesync.set_partner('ess.example.org', 'https://ess.example.org');
	PERFORM casesync.set_agreement('A', 'ess.example.org', registries => '{people}',
		event_types => '{enrolment_status_change}', identifier_types => '{UIN}', fields => '{additional_attributes.alias}',
		subjects => 'true', valid_from => '2026-01-01', legal_basis => 'Act', on_leave => 'identifier_only');
	PERFORM casesync.activate('A');
	PERFORM casesync.subscribe('ess.example.org', 'enrolment_status_change', 'Member');
END $$;
-- the holes that nobody has made up for
CREATE VIEW holes AS SELECT relation, reason, who = session_user AS mine, ended >= started AS ended FROM casesync.gaps WHERE state <> 'filled' ORDER BY gap;
-- what health says of them, without times and numbers; and what it says of triggers only once
CREATE VIEW health AS SELECT DISTINCT regexp_replace(regexp_replace(h.problem, '\d{4}-\d\d-\d\d \d\d:\d\d', '(time)', 'g'), 'trigger casesync_\d+_\w+', 'trigger …') AS problem,
	regexp_replace(regexp_replace(mend, 'fill_gap\(\d+', 'fill_gap(N'), 'untrack\(''\d+', 'untrack(''(oid)') AS mend FROM casesync.health h WHERE problem !~ 'four eyes|has no key' ORDER BY 1;
CREATE TABLE partner (key text PRIMARY KEY, alias text);
-- what the partner is told until nothing is left; what it then has that is not so, or has not
CREATE FUNCTION told() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	PERFORM app.route_all();
	SELECT string_agg(DISTINCT n.key, ',' ORDER BY n.key) INTO told FROM casesync_internal.notification n WHERE n.state = 'due';
	INSERT INTO app.partner SELECT DISTINCT ON (n.key) n.key, CASE WHEN NOT n.removal THEN n.record #>> '{additional_attributes,0,alias}' END
	  FROM casesync_internal.notification n WHERE n.state = 'due' ORDER BY n.key, n.id DESC
	ON CONFLICT (key) DO UPDATE SET alias = excluded.alias;
	PERFORM app.send('ess.example.org');
	RETURN concat_ws('; ', 'told of ' || told, 'differs: ' || (SELECT string_agg(coalesce(k.key, v.subject_key), ',') FROM app.people v
		FULL JOIN (SELECT * FROM app.partner WHERE alias IS NOT NULL) k ON k.key = v.subject_key
		WHERE k.alias IS DISTINCT FROM (v.record #>> '{additional_attributes,0,alias}')));
END
$$;
CREATE FUNCTION fill() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casesync.fill_gap(gap) FROM casesync.gaps WHERE state = 'to be filled';
	RETURN app.told();
END
$$;
INSERT INTO person VALUES (1, 'Ada'), (2, 'Bea'), (3, 'Cem');
INSERT INTO job VALUES (1, 1, '10'), (2, 2, '20');
INSERT INTO pay VALUES (3, 2025, 5);
\pset format unaligned
\pset tuples_only on
\pset null (null)
\set ECHO all
SELECT told();

-- DROP COLUMN … CASCADE, as ORMs write it, may take triggers with it -----------------------------------------
ALTER TABLE job DROP COLUMN obsolete CASCADE;
DROP TRIGGER IF EXISTS casesync_2_update ON job;
UPDATE job SET wage = '11' WHERE id = 1;
SELECT * FROM holes;
SELECT * FROM health;
SELECT told();
SELECT casesync.retrack('job');
SELECT * FROM holes;
SELECT told();
SELECT * FROM holes;
SELECT * FROM health;

-- triggers put off for a load: one, all, all of users --------------------------------------------------------------
ALTER TABLE job DISABLE TRIGGER casesync_2_update;
UPDATE job SET wage = '12' WHERE id = 1;
ALTER TABLE job ENABLE TRIGGER casesync_2_update;
SELECT * FROM holes;
SELECT * FROM health;
SELECT told();
SELECT fill();
BEGIN;
ALTER TABLE person DISABLE TRIGGER ALL;
DELETE FROM person WHERE id = 3;
ALTER TABLE person ENABLE TRIGGER ALL;
COMMIT;
SELECT * FROM holes;
SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'person'::regclass AND tgname ~ 'unseen';
SELECT fill();
INSERT INTO person VALUES (3, 'Cem');
SELECT told();
ALTER TABLE job DISABLE TRIGGER USER;
UPDATE job SET wage = '13' WHERE id = 1;
SELECT casesync.fill_gap(gap) FROM casesync.gaps WHERE state = 'open';
SELECT casesync.retrack('job');
SELECT told();
SELECT * FROM holes;
-- what nobody could use is no hole
BEGIN;
ALTER TABLE job DISABLE TRIGGER USER;
SELECT * FROM holes;
ALTER TABLE job ENABLE TRIGGER USER;
COMMIT;
BEGIN;
SELECT casesync.untrack('job', keep => true);
ALTER TABLE job ADD COLUMN added integer;
SELECT casesync.retrack('job');
COMMIT;
SELECT casesync.retrack('job');
SELECT * FROM holes;
SELECT * FROM health;

-- the role of a replica -------------------------------------------------------------------------------------------
SET session_replication_role = replica;
UPDATE job SET wage = '14' WHERE id = 1;
RESET session_replication_role;
SELECT told();
SELECT * FROM holes;
SELECT * FROM health;
SELECT fill();
BEGIN;
SET LOCAL session_replication_role = replica;
TRUNCATE job;
COMMIT;
SELECT told(), fill();
INSERT INTO job VALUES (1, 1, '15');
SELECT told();
-- and what such a session does to triggers is seen too
SET session_replication_role = replica;
DROP TRIGGER casesync_2_update ON job;
RESET session_replication_role;
SELECT * FROM holes;
SELECT casesync.retrack('job');
SELECT told();

-- retrack() after all triggers were disabled, also the one that notices this role
ALTER TABLE job DISABLE TRIGGER ALL;
SELECT problem, mend FROM health WHERE problem ~ 'replica';
SELECT casesync.retrack('job');
SELECT told();
SET session_replication_role = replica;
UPDATE job SET wage = '16' WHERE id = 1;
RESET session_replication_role;
SELECT told();
SELECT * FROM holes;
SELECT fill();
-- a table that the transaction has rewritten is emptied within its file, and counts no rows
BEGIN;
CREATE INDEX job_id ON job (id);
CLUSTER job USING job_id;
ALTER TABLE job DISABLE TRIGGER ALL;
TRUNCATE job;
ALTER TABLE job ENABLE TRIGGER ALL;
COMMIT;
SELECT * FROM holes;
SELECT fill();
INSERT INTO job VALUES (1, 1, '15');
SELECT told();

-- health and retrack() read their own texts alike whatever an application's database has set --------------------------
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT problem FROM casesync.health WHERE problem !~ 'four eyes|has no key';
SELECT casesync.retrack('job');
RESET standard_conforming_strings;
RESET escape_string_warning;
-- and by a plan of many workers
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET enable_seqscan = off;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM casesync.tracked WHERE drift <> '{}';
SELECT problem FROM casesync.health WHERE problem !~ 'four eyes|has no key';
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET enable_seqscan;
RESET enable_indexscan;
RESET enable_bitmapscan;
DROP INDEX job_id;

-- rows that come and go with whole tables -------------------------------------------------------------------------
CREATE TABLE pay_26 (LIKE pay);
INSERT INTO pay_26 VALUES (1, 2026, 7);
ALTER TABLE pay ATTACH PARTITION pay_26 FOR VALUES IN (2026);
SELECT * FROM holes;
SELECT * FROM health;
SELECT fill();
ALTER TABLE pay DETACH PARTITION pay_26;
SELECT * FROM holes;
SELECT fill();
SELECT casesync.retrack('pay');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'pay_26'::regclass AND tgname ~ 'casesync' AND NOT tgisinternal;
-- a new month's partition needs nobody, and is guarded as the others are
CREATE TABLE pay_27 PARTITION OF pay FOR VALUES IN (2027);
SELECT * FROM health;
TRUNCATE pay_27;
INSERT INTO pay_27 VALUES (2, 2027, 1);
SELECT told();
DROP TABLE pay_27;
SELECT * FROM holes;
SELECT fill();
CREATE TABLE pay_heir () INHERITS (job);
INSERT INTO pay_heir (id, person_id, wage) VALUES (9, 2, '99');
SELECT * FROM holes;
SELECT DISTINCT mend FROM health;
SELECT casesync.retrack('job');
SELECT told();
ALTER TABLE pay_heir NO INHERIT job;
SELECT * FROM holes;
SELECT fill();
SELECT casesync.retrack('job');

-- another table in its place --------------------------------------------------------------------------------------
BEGIN;
CREATE TABLE person_new (LIKE person INCLUDING ALL);
INSERT INTO person_new SELECT id, upper(name) FROM person;
ALTER TABLE person RENAME TO person_old;
ALTER TABLE person_new RENAME TO person;
COMMIT;
INSERT INTO person VALUES (4, 'DIA');
SELECT * FROM holes;
SELECT * FROM health;
CREATE OR REPLACE VIEW people AS
	SELECT p.id::text AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', 'U' || p.id)],
		additional_attributes => jsonb_build_object('alias', concat_ws(' ', p.name,
			(SELECT string_agg(wage, ',' ORDER BY j.id) FROM job j WHERE j.person_id = p.id),
			(SELECT sum(amount) FROM pay WHERE pay.person_id = p.id)))) AS record FROM person p;
SELECT casesync.retrack('person');
SELECT told();
SELECT * FROM health;
-- a rename alone is none: whoever writes it is seen, and so is another schema
ALTER TABLE job RENAME TO work;
CREATE SCHEMA elsewhere;
ALTER TABLE work SET SCHEMA elsewhere;
SELECT * FROM holes;
UPDATE elsewhere.work SET wage = '16';
SELECT told();
SELECT casesync.retrack('elsewhere.work');
ALTER TABLE elsewhere.work SET SCHEMA app;
ALTER TABLE work RENAME TO job;
SELECT casesync.retrack('job');
SELECT * FROM holes;
-- blue and green: a schema takes the name of another, with all its tables
CREATE SCHEMA blue;
CREATE SCHEMA green;
CREATE TABLE blue.visit (person_id integer);
CREATE TABLE green.visit (person_id integer);
SELECT casesync.track('blue.visit', '{people}', 'person_id', on_insert => 'enrolment_status_change') <> '' AS tracked;
ALTER SCHEMA blue RENAME TO red;
SELECT * FROM holes;
ALTER SCHEMA green RENAME TO blue;
SELECT * FROM holes;
SELECT casesync.retrack('blue.visit');
SELECT casesync.untrack('blue.visit');
SELECT fill();

-- dropped, and made anew ------------------------------------------------------------------------------------------
DROP TABLE person_old;
CREATE TABLE gone (id integer, person_id integer);
SELECT casesync.track('gone', '{people}', 'person_id', on_update => 'enrolment_status_change') <> '' AS tracked;
DROP TABLE gone;
SELECT * FROM holes;
SELECT * FROM health;
CREATE TABLE gone (id integer, person_id integer);
SELECT * FROM health;
SELECT casesync.retrack('gone');
SELECT told();
DROP TABLE gone;
SELECT casesync.untrack(relation) FROM casesync.tracked WHERE hint ~ 'untrack';
SELECT fill();
SELECT * FROM health;

-- other values without a trigger: a rewrite; rows that a crash would take --------------------------------------------
ALTER TABLE pay_26 ADD PRIMARY KEY (person_id);
SELECT casesync.track('pay_26', '{people}', 'person_id', on_update => 'enrolment_status_change', columns => '{y}') <> '' AS tracked;
ALTER TABLE pay_26 ALTER amount TYPE numeric USING amount * 100;
SELECT * FROM holes;
SELECT fill();
ALTER TABLE pay_26 SET UNLOGGED;
SELECT * FROM holes;
SELECT * FROM health;
SELECT casesync.retrack('pay_26');
ALTER TABLE pay_26 SET LOGGED;
SELECT * FROM holes;
SELECT fill();
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN moods AS mood[];
CREATE DOMAIN deep AS mood;
CREATE DOMAIN deeper AS deep;
CREATE TABLE felt (id integer, m deeper, ms moods);
SELECT casesync.track('felt', '{people}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
ALTER TYPE mood ADD VALUE 'mad';
ALTER TYPE mood RENAME TO feeling;
SELECT * FROM holes;
ALTER TYPE feeling RENAME VALUE 'sad' TO 'blue';
SELECT * FROM holes;
SELECT fill();
ALTER TABLE felt DROP COLUMN m, DROP COLUMN ms;
SELECT casesync.retrack('felt');
SELECT * FROM holes;
SELECT casesync.untrack('felt');
-- what lies elsewhere is written unseen
CREATE EXTENSION file_fdw SCHEMA app;
CREATE SERVER far FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE far_pay (person_id integer, y integer, amount integer) SERVER far OPTIONS (filename '/dev/null', format 'csv');
ALTER TABLE pay ATTACH PARTITION far_pay FOR VALUES IN (2030);
SELECT * FROM holes;
SELECT mend FROM health WHERE problem ~ 'far_pay' LIMIT 1 \gset
:mend
CREATE FOREIGN TABLE far_job () INHERITS (job) SERVER far OPTIONS (filename '/dev/null', format 'csv');
SELECT * FROM holes;
SELECT mend FROM health WHERE problem ~ '^tracking.*far_job" is not' \gset
:mend
SELECT * FROM holes;
SELECT fill();
-- a column that came later is not tracked until somebody says so
ALTER TABLE job ADD COLUMN later integer;
SELECT * FROM holes;
UPDATE job SET later = 1;
SELECT casesync.retrack('job');
SELECT told();
-- a definition that is kept, and nobody goes on with
SELECT casesync.untrack('job', keep => true);
UPDATE job SET wage = '17';
SELECT * FROM health;
SELECT casesync.retrack('job');
SELECT told();

-- what no event trigger saw, the minute's look does, since it was last seen well -------------------------------------
ALTER EVENT TRIGGER casesync_ddl DISABLE;
ALTER EVENT TRIGGER casesync_drop DISABLE;
SELECT emptied FROM casesync_internal.tidy();
ALTER TABLE job DISABLE TRIGGER USER;
UPDATE job SET wage = '18';
SELECT * FROM holes;
SELECT * FROM health;
SELECT emptied FROM casesync_internal.tidy();
SELECT relation, reason, mine, ended FROM holes;
ALTER TABLE job ENABLE TRIGGER USER;
SELECT emptied FROM casesync_internal.tidy();
SELECT relation, reason, mine, ended FROM holes;
SELECT fill();
SELECT * FROM health;
ALTER EVENT TRIGGER casesync_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER casesync_drop ENABLE ALWAYS;
SELECT casesync.retrack('job');
SELECT * FROM health;

-- a registry that cannot be read is left to fill_gap(), and others are routed -----------------------------------------
CREATE TABLE odd (id integer, n integer);
CREATE VIEW odd_people AS SELECT id AS subject_key, '{}'::jsonb AS record FROM odd WHERE 1 / n > 0;
DO $$ BEGIN PERFORM casesync.publish('odd', 'odd_people', 'Member'); END $$;
SELECT casesync.track('odd', '{odd}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
ALTER TABLE odd DISABLE TRIGGER USER;
INSERT INTO odd VALUES (1, 0);
SELECT casesync.retrack('odd');
UPDATE job SET wage = '19' WHERE id = 1;
SELECT told();
SELECT * FROM holes;
SELECT * FROM health;
DELETE FROM odd;
SELECT fill();
SELECT casesync.untrack('odd');

-- what nobody tracks cannot be retracked --------------------------------------------------------------------------
CREATE TABLE nobodys (id integer);
SELECT casesync.retrack('nobodys');
SELECT casesync.untrack('nobodys');
SELECT casesync.untrack('nobodys', keep => true);

SELECT casesync.untrack('job');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'job'::regclass AND tgname ~ 'casesync';
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
SELECT evtname FROM pg_event_trigger;
