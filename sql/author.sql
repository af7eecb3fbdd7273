-- Whose rights a stored text has: its author's, for as long as he has those of the owner; never those of whoever came after.
CREATE EXTENSION casesync;
SET client_min_messages = warning;
CREATE SCHEMA app;
SET search_path = app;
CREATE ROLE regress_author LOGIN;
CREATE ROLE regress_boss LOGIN;
CREATE ROLE regress_office;
SELECT casesync.grant_access(r, 'publisher') FROM unnest(ARRAY['regress_author', 'regress_boss']::regrole[]) r;
GRANT ALL ON SCHEMA app TO regress_author, regress_boss, regress_office;
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.set_partner('p', 'https://p.example');
SET ROLE regress_author;
CREATE TABLE person (id integer PRIMARY KEY, v text);
CREATE FUNCTION who(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE WARNING '% runs as %', $1, current_user; RETURN current_user; END $$;
CREATE FUNCTION planned() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'planned as %', current_user; RETURN 'x'; END $$;
CREATE FUNCTION one_of(text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT $1 WHERE app.who('subjects') IS NOT NULL $$;
CREATE VIEW people AS SELECT id::text AS subject_key, jsonb_build_object('who', app.who('view'), 'v', v) AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', subjects => 'SELECT app.one_of($1)');
SELECT casesync.grant_registry('people', 'regress_boss');
SELECT casesync.grant_registry('people', 'regress_office');
RESET ROLE;
SELECT author FROM casesync_internal.registry UNION ALL SELECT author FROM casesync_internal.tracking;
SELECT casesync.set_agreement('A', 'p', registries => '{people}', event_types => '{enrolment}', fields => '{who}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('A');
SELECT casesync.subscribe('p', 'enrolment', 'Member') <> '' AS subscribed;
INSERT INTO person VALUES (1, 'a');
SELECT changes, notifications FROM casesync_internal.route();

-- the table becomes another's: what was written before him does not run, until he takes it over
ALTER TABLE person OWNER TO regress_boss;
INSERT INTO person VALUES (2, 'a');
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT drift, hint FROM casesync.tracked;
-- a superuser who makes all triggers anew takes nothing over, and gives nothing
SELECT casesync.retrack();
SELECT casesync.retrack('person');
SELECT author FROM casesync_internal.tracking;
SELECT casesync.retry_quarantine();
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, error_code FROM casesync.quarantine;
SET ROLE regress_author;
SELECT casesync.retrack('person');
SET ROLE regress_boss;
SELECT casesync.retrack('person');
GRANT SELECT ON person TO regress_author;
RESET ROLE;
SELECT author FROM casesync_internal.tracking;
SELECT casesync.retry_quarantine();
SELECT changes, notifications FROM casesync_internal.route();
SELECT count(*) FROM casesync.quarantine;
-- an author who has the rights of the new owner goes on
ALTER TABLE person OWNER TO regress_author;
SET ROLE regress_author;
SELECT casesync.retrack('person');
RESET ROLE;
GRANT regress_office TO regress_author;
ALTER TABLE person OWNER TO regress_office;
INSERT INTO person VALUES (3, 'a');
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT drift FROM casesync.tracked;
REVOKE regress_office FROM regress_author;
SELECT drift FROM casesync.tracked;
ALTER TABLE person OWNER TO regress_author;

-- a number that became another's table, or that of no table
CREATE TABLE secret (id integer);
INSERT INTO person VALUES (4, 'a');
UPDATE casesync_internal.tracking SET relation = 'secret';
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT * FROM casesync_internal.owner_query('regress_author', 4000000000::oid::regclass, 'SELECT app.who(''gone''), NULL::jsonb', 1);
SELECT * FROM casesync_internal.owner_query('regress_author', 'secret', 'SELECT app.who(''table''), NULL::jsonb', 1);
SELECT * FROM casesync_internal.owner_query('regress_author', 'person_pkey', 'SELECT app.who(''index''), NULL::jsonb', 1);
SELECT * FROM casesync_internal.owner_query(NULL, 'person', 'SELECT app.who(''nobody''), NULL::jsonb', 1);
SELECT * FROM casesync_internal.owner_query('regress_nobody', 'person', 'SELECT app.who(''nobody''), NULL::jsonb', 1);
SELECT * FROM casesync_internal.owner_query('regress_author', 'person', 'SELECT app.who(''author''), NULL::jsonb', 1);
UPDATE casesync_internal.tracking SET relation = 'person';
SELECT casesync.retry_quarantine();
SELECT changes, notifications FROM casesync_internal.route();

-- the view becomes another's
ALTER VIEW people OWNER TO regress_boss;
GRANT SELECT ON person TO regress_boss;
SET ROLE regress_boss;
SELECT casesync.grant_registry('people', 'regress_author');
RESET ROLE;
SELECT severity, problem, mend FROM casesync_internal.capture_problems() WHERE problem ~ 'is not read';
INSERT INTO person VALUES (5, 'a');
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT subject_key, outcome, reason FROM casesync.preview('A', '5');
SET ROLE regress_boss;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
RESET ROLE;
SELECT author FROM casesync_internal.registry;
SELECT casesync.retry_quarantine();
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, record->>'who' AS who FROM casesync_internal.notification WHERE key = '5';
-- its name is another view's: what is asked of one is not told by another
SET ROLE regress_author;
CREATE VIEW people_2 AS SELECT '1' AS subject_key, jsonb_build_object('who', app.who('another view')) AS record;
GRANT SELECT ON people_2 TO PUBLIC;
RESET ROLE;
SELECT * FROM casesync_internal.owner_query('regress_boss', 'people', 'SELECT q.subject_key, q.record FROM app.people_2 q', 1);
SELECT * FROM casesync_internal.owner_query('regress_boss', 'people', 'SELECT q.subject_key, q.record FROM app.people q WHERE EXISTS (SELECT FROM app.people_2 WHERE record IS NULL)', 1);

-- what is run for a key is what is seen as the key, whatever its tracking was stored with: for whoever takes it over
RESET ROLE;
CREATE TABLE gift (id text PRIMARY KEY);
ALTER TABLE gift OWNER TO regress_author;
SET ROLE regress_author;
SELECT casesync.track('gift', '{people}', 'lower(id)', on_insert => 'enrolment');
SELECT casesync_internal.tracking_store(jsonb_populate_record(t, '{"key_query": "SELECT app.who(''hidden'')"}')) IS NOT NULL AS stored FROM casesync_internal.tracking t WHERE relation = 'gift'::regclass;
SELECT key, key_query FROM casesync_internal.tracking WHERE relation = 'gift'::regclass;
ALTER TABLE gift RENAME id TO word;
SELECT casesync.retrack('gift');
SELECT key, key_query, key_columns FROM casesync_internal.tracking WHERE relation = 'gift'::regclass;
SELECT casesync.untrack('gift');
RESET ROLE;

-- a superuser publishes and tracks what others made: planned and parsed as they
SET ROLE regress_author;
CREATE DOMAIN small AS integer CHECK (app.who('check') IS NOT NULL);
CREATE TYPE pair AS (a small);
CREATE TABLE other (id integer, p pair);
CREATE VIEW others AS SELECT id::text || app.planned() AS subject_key, '{}'::jsonb AS record FROM other;
RESET ROLE;
SELECT * FROM casesync.publish('others', 'others', 'Member');
SELECT author FROM casesync_internal.registry WHERE registry = 'others';
SELECT casesync.track('other', '{others}', 'id', on_insert => 'enrolment', subjects => $$SELECT id FROM app.other WHERE p = '(1)'::app.pair AND id = $1::integer$$);
SELECT author FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
SET ROLE regress_boss;
SELECT casesync_internal.owner_plan('other', 'SELECT app.planned()');
SELECT casesync_internal.subjects_query('other', 'SELECT app.planned()', 'app');
RESET ROLE;
-- rows of an older version, as a dump has them
CREATE TABLE kept AS SELECT registry, view, record_type, reg_type, key_column, key_type, record_column FROM casesync_internal.registry WHERE registry = 'others';
DELETE FROM casesync_internal.registry WHERE registry = 'others';
INSERT INTO casesync_internal.registry (registry, view, record_type, reg_type, key_column, key_type, record_column) SELECT * FROM kept;
SELECT author FROM casesync_internal.registry WHERE registry = 'others';

-- who leaves and gives his things to somebody without any access: what health says can be done as it stands there
CREATE ROLE regress_heir;
CREATE SCHEMA desk AUTHORIZATION regress_author;
SET ROLE regress_author;
CREATE TABLE desk.letter (id integer PRIMARY KEY);
CREATE VIEW desk.letters AS SELECT id AS subject_key, '{}'::jsonb AS record FROM desk.letter;
SELECT * FROM casesync.publish('letters', 'desk.letters', 'Member');
SELECT casesync.track('desk.letter', '{letters}', 'id', on_insert => 'enrolment') <> '' AS tracked;
RESET ROLE;
REASSIGN OWNED BY regress_author TO regress_heir;
SELECT mend FROM casesync.health WHERE problem ~ 'registry letters is not read|tracking .* of desk.letter: the table belongs' ORDER BY mend DESC;
SELECT mend FROM casesync.health WHERE problem ~ 'registry letters is not read' \gexec
RESET ROLE;
SELECT mend FROM casesync.health WHERE problem ~ 'tracking .* of desk.letter: the table belongs' \gexec
RESET ROLE;
SELECT problem FROM casesync.health WHERE problem ~ 'letter';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app, desk CASCADE;
DROP OWNED BY regress_author, regress_boss, regress_office, regress_heir;
DROP ROLE regress_author, regress_boss, regress_office, regress_heir;
