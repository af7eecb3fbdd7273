CREATE EXTENSION casesync;
SET client_min_messages = warning;
CREATE SCHEMA app;
SET search_path = app;
CREATE ROLE regress_owner LOGIN;
CREATE ROLE regress_victim LOGIN;
GRANT ALL ON SCHEMA app TO regress_owner;
SELECT casesync.grant_access('regress_owner', 'publisher');
CREATE TABLE secret (words text);
INSERT INTO secret VALUES ('top secret');
ALTER TABLE secret OWNER TO regress_victim;
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.set_partner('p', 'https://p.example');

-- a view whose owner tries everything: each try is an error of one subject, and nothing happens --------------------------
SET ROLE regress_owner;
CREATE TABLE trace (n integer);
CREATE TABLE try (id integer PRIMARY KEY, statement text);
CREATE FUNCTION do_it(statement text) RETURNS text LANGUAGE plpgsql STABLE AS $$ DECLARE r text; BEGIN
	IF statement ILIKE 'SELECT%' THEN EXECUTE statement INTO r; ELSE PERFORM app.run_it(statement); END IF; RETURN coalesce(r, 'done'); END $$;
CREATE FUNCTION run_it(statement text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$ BEGIN EXECUTE statement; END $$;
CREATE SEQUENCE counter;
CREATE FUNCTION raise_it() RETURNS text LANGUAGE plpgsql AS $$ BEGIN ASSERT false, 'asserted'; RETURN ''; END $$;
CREATE VIEW tries AS SELECT id AS subject_key, jsonb_build_object('v', app.do_it(statement)) AS record FROM app.try;
SELECT * FROM casesync.publish('tries', 'tries', 'Member');
SELECT casesync.track('try', '{tries}', 'id', on_insert => 'enrolment');
RESET ROLE;
SELECT casesync.set_agreement('A', 'p', registries => '{tries}', event_types => '{enrolment}', fields => '{v}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('A');
SELECT casesync.subscribe('p', 'enrolment', 'Member') <> '' AS subscribed;
SET casesync.render_timeout = '20s';
INSERT INTO try VALUES (1, 'SELECT current_user || '' by itself: '' || (session_user = current_user)'),
	(2, 'ALTER ROLE regress_owner SUPERUSER'), (3, 'SET ROLE regress_victim'), (4, 'RESET ROLE'), (5, 'SET SESSION AUTHORIZATION DEFAULT'),
	(6, 'SELECT words FROM app.secret'), (7, 'INSERT INTO app.trace VALUES (1)'), (8, 'CREATE TABLE app.made (n integer)'),
	(9, 'CREATE TEMP TABLE made (n integer)'), (10, 'SELECT nextval(''app.counter'')'), (11, 'SET LOCAL transaction_read_only = off'),
	(12, 'SELECT set_config(''transaction_read_only'', ''off'', false)'), (13, 'SELECT casesync_internal.set_origin(1)::text'), (14, 'SELECT count(*) FROM casesync_internal.change'),
	(15, 'SELECT casesync.activate(''A'')::text'), (16, 'SELECT set_config(''role'', ''regress_victim'', false)'), (17, 'LISTEN casesync'),
	(18, 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'), (19, 'PREPARE p AS SELECT 1'), (20, 'COMMIT'), (21, 'SET casesync.capture = off'),
	(22, 'SELECT app.raise_it()'), (23, 'GRANT regress_victim TO regress_owner'), (24, 'SELECT casesync_internal.owner_query(''regress_victim'', ''app.secret'', ''SELECT words, NULL::jsonb FROM app.secret'', 1)::text'),
	(25, 'SELECT hash_key::text FROM casesync_internal.node_secret'), (26, 'SELECT record::text FROM casesync_internal.notification LIMIT 1'),
	(27, 'SELECT set_config(''search_path'', ''app'', false) || set_config(''work_mem'', ''64MB'', false)'), (28, 'SET statement_timeout = ''1h'''),
	(29, 'DO $x$ BEGIN PERFORM 1; END $x$'), (30, 'SELECT current_setting(''search_path'')'), (31, 'SELECT casesync_internal.apply_call(''app'', ''raise_it'', ''regress_owner'', jsonb_populate_record(NULL::casesync.inbound, ''{}''))');
SELECT changes, notifications FROM casesync_internal.route();
SELECT try.statement, coalesce(n.record->>'v', q.error_code || ' ' || q.reason) AS what_came_of_it
	FROM try LEFT JOIN casesync_internal.notification n ON n.key = try.id::text LEFT JOIN casesync.quarantine q ON q.key = try.id::text ORDER BY try.id;
-- nothing is left behind
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_owner';
SELECT count(*) FROM trace;
SELECT to_regclass('app.made'), to_regclass('pg_temp.made');
SELECT is_called FROM counter;
SELECT current_user = session_user AS oneself, current_setting('search_path'), current_setting('work_mem') <> '64MB' AS work_mem, current_setting('statement_timeout'),
	current_setting('transaction_read_only'), current_setting('casesync.capture'), pg_has_role('regress_owner', 'regress_victim', 'MEMBER');
SELECT count(*) FROM pg_cursors WHERE name = 'c';
SELECT count(*) FROM pg_prepared_statements;
SELECT count(*) FROM pg_listening_channels();
DELETE FROM casesync_internal.quarantine_entry;

-- key expressions, subjects queries and conditions run as the owner too ----------------------------------------------------
SET ROLE regress_owner;
CREATE FUNCTION who(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN current_user; END $$;
CREATE FUNCTION writes(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.run_it('INSERT INTO app.trace VALUES (2)'); RETURN $1; END $$;
CREATE FUNCTION peeks(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT words FROM app.secret); END $$;
CREATE TABLE keyed (id text, v integer);
CREATE VIEW keyed_view AS SELECT 'regress_owner'::text AS subject_key, jsonb_build_object('v', max(v)) AS record FROM keyed HAVING count(*) > 0;
SELECT * FROM casesync.publish('keyed', 'keyed_view', 'Member');
SELECT casesync.track('keyed', '{keyed}', 'app.who(id)', on_insert => 'enrolment');
CREATE TABLE keyed_2 (id text);
SELECT casesync.track('keyed_2', '{keyed}', 'app.writes(id)', on_insert => 'enrolment');
CREATE TABLE keyed_3 (id text);
SELECT casesync.track('keyed_3', '{keyed}', 'id', on_insert => 'enrolment', subjects => 'SELECT app.peeks($1)');
SELECT key, subjects FROM casesync.tracked ORDER BY tracking DESC LIMIT 1;
RESET ROLE;
SELECT casesync.set_agreement('K', 'p', registries => '{keyed}', event_types => '{enrolment}', fields => '{v}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('K');
INSERT INTO keyed VALUES ('x', 42);
INSERT INTO keyed_2 VALUES ('x');
INSERT INTO keyed_3 VALUES ('x');
SELECT changes, notifications FROM casesync_internal.route();
SELECT registry, key, record FROM casesync_internal.notification WHERE registry = 'keyed';
SELECT registry, key, error_code, reason FROM casesync.quarantine ORDER BY id;
SELECT count(*) FROM trace;
-- a condition is planned as the view's owner: what it calls with constants must not run as the extension's
CREATE ROLE regress_admin LOGIN;
SELECT casesync.grant_access('regress_admin', 'admin');
SET SESSION AUTHORIZATION regress_admin;
SELECT casesync.set_agreement('C', 'p', registries => '{keyed}', subjects => $$app.who('a') = 'postgres'$$);
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA app TO regress_admin;
CREATE FUNCTION app.tells(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'planned as %', current_user; END $$;
SET SESSION AUTHORIZATION regress_admin;
SELECT casesync.set_agreement('C', 'p', registries => '{keyed}', subjects => $$app.tells('a')$$);
RESET SESSION AUTHORIZATION;

-- apply functions: one's own only, and as their owner ------------------------------------------------------------------------
SET ROLE regress_owner;
CREATE FUNCTION apply_it(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN
	INSERT INTO app.trace VALUES (3); RETURN 'applied'; END $$;
RESET ROLE;
CREATE FUNCTION not_theirs(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN 'applied'; END $$;
SET ROLE regress_owner;
SELECT casesync.on_notify('Member', 'enrolment', 'app.not_theirs(casesync.inbound)');
SELECT casesync.on_notify('Member', 'enrolment', 'app.apply_it(casesync.inbound)');
SELECT casesync_internal.apply_call('app', 'not_theirs', 'regress_owner', jsonb_populate_record(NULL::casesync.inbound, '{}'));
SELECT casesync_internal.owner_query('regress_victim', 'app.secret', 'SELECT 1', 1);
SELECT casesync_internal.lock_router();
RESET ROLE;

-- roles without any grant get nothing, and PUBLIC has nothing -------------------------------------------------------------------
SET SESSION AUTHORIZATION regress_victim;
SELECT casesync_internal.route();
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA casesync, casesync_internal TO regress_victim;
SELECT count(*) FILTER (WHERE has_function_privilege('regress_victim', p.oid, 'EXECUTE')) AS callable, count(*) > 100 AS of_many
	FROM pg_proc p WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace);
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
	AND (has_table_privilege('regress_victim', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'));
-- the bridge's role executes its functions and reads nothing
CREATE ROLE regress_bridge LOGIN;
SELECT casesync.grant_access('regress_bridge', 'bridge');
SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND has_function_privilege('regress_bridge', p.oid, 'EXECUTE') ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
	AND has_table_privilege('regress_bridge', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
SET SESSION AUTHORIZATION regress_bridge;
SELECT casesync_internal.lock_router(), casesync_internal.lock_lane(1), casesync_internal.lock_lane(1), casesync_internal.unlock_lane(1), casesync_internal.unlock_lane(1), casesync_internal.unlock_lane(7);
SELECT * FROM casesync_internal.route();
RESET SESSION AUTHORIZATION;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_owner, regress_victim, regress_admin, regress_bridge;
DROP ROLE regress_owner, regress_victim, regress_admin, regress_bridge;
