CREATE EXTENSION casesync;
SET client_min_messages = warning;
CREATE SCHEMA app;
\i test/scene/state.sql
CREATE ROLE regress_publisher;
CREATE ROLE regress_other;
GRANT ALL ON SCHEMA app TO regress_publisher, regress_other;
SELECT casesync.grant_access('regress_publisher', 'publisher');
SELECT casesync.grant_access('regress_other', 'publisher');
SET ROLE regress_publisher;
SET search_path = app;
\set SHOW_CONTEXT never
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE VIEW good AS SELECT id AS subject_key, jsonb_build_object('name', name) AS record FROM person;
CREATE VIEW other_names AS SELECT id::bigint AS person, jsonb_build_object('name', name) AS document FROM person;
CREATE VIEW no_key AS SELECT '{}'::jsonb AS record;
CREATE VIEW no_record AS SELECT 1 AS subject_key;
CREATE VIEW not_jsonb AS SELECT 1 AS subject_key, '{}'::json AS record;
CREATE MATERIALIZED VIEW stored AS SELECT 1 AS subject_key, '{}'::jsonb AS record;

-- what goes, and what is written --------------------------------------------------------------------------------
SELECT * FROM casesync.publish('people', 'good', 'Member');
SELECT * FROM casesync.publish('people_2', 'other_names', 'Person', 'ns:org:RegistryType:Social', key => 'person', record => 'document');
SELECT registry, view, record_type, reg_type, key_column, record_column, owner FROM casesync.registries ORDER BY registry;
-- again: changes how
SELECT * FROM casesync.publish('people', 'good', 'Person', 'Social');
SELECT registry, record_type, reg_type FROM casesync.registries ORDER BY registry;
-- names that nobody knows are taken, and said: most are typing errors
SET casesync.review = on;
SELECT * FROM casesync.publish('people', 'good', 'Persn', 'Socail');
RESET casesync.review;
SELECT * FROM casesync.publish('people', 'good', 'Person', 'Social');

-- every refusal ---------------------------------------------------------------------------------------------------
\x on
SELECT * FROM state_of($$SELECT casesync.publish('x', 'person', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'stored', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', NULL, 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'no_key', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'no_record', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'good', 'Member', record => 'nope')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'not_jsonb', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('a registry', 'good', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish(NULL, 'good', 'Member')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'good', 'Mem ber')$$);
SELECT * FROM state_of($$SELECT casesync.publish('x', 'good', NULL)$$);
SELECT * FROM state_of($$SELECT casesync.unpublish('x')$$);
-- another's view, another's registry
RESET ROLE;
SET ROLE regress_other;
CREATE VIEW app.mine AS SELECT 1 AS subject_key, '{}'::jsonb AS record;
RESET ROLE;
GRANT EXECUTE ON FUNCTION app.state_of(text) TO PUBLIC;
SET ROLE regress_other;
SELECT * FROM app.state_of($$SELECT casesync.publish('x', 'app.good', 'Member')$$);
SELECT * FROM app.state_of($$SELECT casesync.publish('people', 'app.mine', 'Member')$$);
SELECT * FROM app.state_of($$SELECT casesync.unpublish('people')$$);
SELECT * FROM app.state_of($$INSERT INTO casesync_internal.registry VALUES ('forged', 'app.good', 'Member', 'ESS', 'subject_key', 'integer', 'record')$$);
SELECT * FROM app.state_of($$INSERT INTO casesync_internal.registry VALUES ('mine', 'app.mine', 'Member', 'ESS', 'subject_key', 'integer', 'record'); UPDATE casesync_internal.registry SET view = 'app.good'$$);
\x off
SELECT * FROM casesync_internal.registry;
UPDATE casesync_internal.registry SET record_type = 'Stolen' WHERE registry = 'people';
DELETE FROM casesync_internal.registry WHERE registry = 'people';
RESET ROLE;
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
SELECT casesync.publish('x', 'app.good', 'Member');
RESET ROLE;
SELECT registry, record_type FROM casesync_internal.registry ORDER BY registry;

-- in use: refused, and by what -----------------------------------------------------------------------------------
SET search_path = app;
BEGIN;
SELECT casesync.track('person', '{people}', 'id', on_update => 'enrolment_chnage');
ROLLBACK;
SELECT casesync.track('person', '{people}', 'id', on_update => 'enrolment');
SELECT casesync.set_node('sp', 'https://sp.example');
SELECT casesync.set_partner('p', 'https://p.example');
SELECT casesync.set_agreement('A', 'p', registries => '{people}');
SET ROLE regress_publisher;
\x on
SELECT * FROM state_of($$SELECT casesync.unpublish('people')$$);
\x off
SELECT casesync.untrack('person');
RESET ROLE;
SELECT casesync.end_agreement('A', 'no more');
SET ROLE regress_publisher;
SELECT casesync.unpublish('people');
SELECT registry FROM casesync.registries;

-- warnings: what looking up one subject reads from end to end ------------------------------------------------------
INSERT INTO person SELECT i, 'name' FROM generate_series(1, 100000) i;
CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer, status text);
INSERT INTO enrolment SELECT i, i, 'a' FROM generate_series(1, 10000) i;
ANALYZE person, enrolment;
SELECT * FROM casesync.publish('people', 'good', 'Member');
CREATE VIEW by_text AS SELECT id::text AS subject_key, jsonb_build_object('name', name) AS record FROM person;
SELECT * FROM casesync.publish('by_text', 'by_text', 'Member');
CREATE VIEW joined AS SELECT p.id AS subject_key, jsonb_build_object('statuses', jsonb_agg(e.status)) AS record
	FROM person p JOIN enrolment e ON e.person_id = p.id GROUP BY p.id;
SELECT problem FROM casesync.publish('joined', 'joined', 'Member');
CREATE VIEW windowed AS SELECT id AS subject_key, jsonb_build_object('n', row_number() OVER ()) AS record FROM person;
SELECT problem FROM casesync.publish('windowed', 'windowed', 'Member');
-- mended as the hint says
CREATE INDEX ON person ((id::text));
CREATE INDEX ON enrolment (person_id);
SELECT problem FROM casesync.publish('by_text', 'by_text', 'Member');
SELECT problem FROM casesync.publish('joined', 'joined', 'Member');
-- a name that could be taken for another's, which people read and compare
SELECT problem FROM casesync.publish('Peo-ple', 'joined', 'Member');
SELECT problem FROM casesync.publish('JOINED', 'joined', 'Member');
-- a publisher's own settings are as they were
SHOW enable_seqscan;
RESET ROLE;
-- rendering one subject of 100 000 uses the index: rows read of the table, not the whole of it
CREATE FUNCTION rows_read(registry_name text, keys text[]) RETURNS TABLE (states text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	before bigint := pg_stat_get_xact_tuples_returned('app.person'::regclass);
BEGIN
	SELECT string_agg(s.state, ',' ORDER BY s.key) INTO states
	  FROM casesync_internal.registry r CROSS JOIN LATERAL casesync_internal.render(r, keys) s WHERE r.registry = registry_name;
	rows := pg_stat_get_xact_tuples_returned('app.person'::regclass) - before;
	RETURN NEXT;
END $$;
SELECT * FROM rows_read('people', '{500}');
SELECT * FROM rows_read('by_text', '{500}');
SELECT * FROM rows_read('joined', '{500,60000}');
SELECT * FROM rows_read('joined', '{500,not-there}');
-- (the counter does see a scan)
SELECT * FROM rows_read('windowed', '{500}');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_publisher, regress_other;
DROP ROLE regress_publisher, regress_other, regress_nobody;
