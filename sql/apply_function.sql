-- Apply functions: which function is called at all, with whose rights, and what it can leave behind in the bridge's session.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE FUNCTION app.hear(uin text) RETURNS text LANGUAGE sql AS $$
	SELECT s.ack FROM app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record($1, '1', '{}')))) s
$$;
CREATE ROLE regress_apply_bridge LOGIN;
SELECT casesync.grant_access('regress_apply_bridge', 'bridge');
CREATE ROLE regress_apply_owner LOGIN;
CREATE ROLE regress_apply_other LOGIN;
SELECT casesync.grant_access(r, 'publisher') FROM unnest(ARRAY['regress_apply_owner', 'regress_apply_other']::regrole[]) r;
GRANT USAGE, CREATE ON SCHEMA app TO regress_apply_owner, regress_apply_other;
CREATE VIEW app.items AS SELECT subject, state, error_code, reason, tries FROM casesync_internal.inbox_item ORDER BY id;

-- which function: one's own, by its exact name, and what an apply function must be ----------------------------------------
SET ROLE regress_apply_owner;
CREATE TABLE app.applied (who name, session name, what text);
CREATE FUNCTION app."apply it"(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	BEGIN INSERT INTO app.applied VALUES (current_user, session_user, e.record #>> '{member_identifier,0,identifier_value}'); RETURN 'applied'; END $$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app."apply it"(casesync.inbound)');
SET ROLE regress_apply_other;
SELECT app.try('SELECT FROM casesync_internal.handler');
CREATE FUNCTION app.mine(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
SELECT w AS row_of_another, split_part(app.try('INSERT INTO casesync_internal.handler (record_type, event_type, handler, schema_name, function_name, owner) VALUES ' || w), E'\n', 1) FROM unnest(ARRAY[
	$$('Loan', 'e', 'app."apply it"(casesync.inbound)', NULL, NULL, NULL)$$, $$('Loan', 'e', 'app."apply it"( casesync.inbound )', NULL, NULL, NULL)$$, $$('Loan', 'e', 'app.mine( casesync.inbound )', NULL, NULL, NULL)$$,
	$$('Loan', 'e', 'pg_catalog.int4um(integer)', NULL, NULL, NULL)$$, $$('Loan', 'e', 'pg_catalog.pg_relation_size(regclass)', NULL, NULL, NULL)$$, $$('Loan', 'e', 'app.nothing(casesync.inbound)', NULL, NULL, NULL)$$, $$('Loan', 'e', '', NULL, NULL, NULL)$$,
	$$('Loan', 'e', 'app.mine(casesync.inbound)', 'app', 'apply it', NULL)$$, $$('Loan', 'e', '', 'app', 'apply it', 'regress_apply_owner')$$, $$('Loan', 'e', '', 'app', 'apply it', 'regress_apply_other')$$,
	$$('Loan', 'e', '', 'app', 'mine', 'regress_apply_owner')$$, $$('Loan', 'e', '', 'app', 'nothing', 'regress_apply_other')$$, $$('Loan', 'e', '', 'pg_catalog', 'int4um', NULL)$$, $$('Loan', 'e', '', 'app', 'mine', NULL)$$]) w;
-- nor any other way into the table: who may write it may lock it, and with it keep everybody's items waiting
SELECT s, app.try(s) FROM unnest(ARRAY[$$UPDATE casesync_internal.handler SET owner = 'regress_apply_other'$$, 'DELETE FROM casesync_internal.handler', 'LOCK TABLE casesync_internal.handler IN ACCESS EXCLUSIVE MODE',
	'SELECT FROM casesync_internal.handler FOR UPDATE', 'TRUNCATE casesync_internal.handler']) s;
-- another spelling is the same: what the owner is told does not go to another
SELECT t, e, app.try(format('SELECT casesync.on_notify(%L, %L, ''app.mine(casesync.inbound)'')', t, e)) FROM (VALUES ('Member', 'enrolment_status_change'), ('MEMBER', 'enrolment_status_change'),
	('spdci:member', 'Enrolment_Status_Change'), ('member', 'ENROLMENT_STATUS_CHANGE')) v(t, e);
SELECT app.try($$SELECT casesync.on_notify('MEMBER', 'enrolment_status_change', NULL)$$);
SELECT app.try($$SELECT casesync_internal.handler_store_for('regress_apply_owner', 'Loan', 'e', 'app', 'mine')$$);
SELECT f, app.try(format('SELECT casesync_internal.handler_store(''Loan'', ''e'', %s)', f)) FROM unnest(ARRAY[$$'app', 'apply it'$$, $$'app', 'nothing'$$, $$'pg_catalog', 'int4um'$$, $$NULL, 'mine'$$, $$'app', 'mine'::text || repeat('x', 100)$$]) f;
-- one's own is named, named in another spelling, and taken away
SELECT casesync.on_notify('Loan', 'e', 'app.mine(casesync.inbound)');
SELECT casesync.on_notify('LOAN', 'e', 'app.mine(casesync.inbound)');
RESET ROLE;
SELECT record_type, event_type, handler FROM casesync_internal.handler WHERE owner = 'regress_apply_other';
SET ROLE regress_apply_other;
SELECT casesync.on_notify('loan', 'e', NULL);
RESET ROLE;
SELECT record_type, event_type, handler, schema_name, function_name, owner FROM casesync_internal.handler;
-- a row of an older version, as a dump has it
CREATE TABLE app.kept AS SELECT * FROM casesync_internal.handler;
DELETE FROM casesync_internal.handler;
INSERT INTO casesync_internal.handler (record_type, event_type, handler) SELECT record_type, event_type, handler FROM app.kept;
SELECT record_type, event_type, handler, schema_name, function_name, owner FROM casesync_internal.handler;
SELECT app.hear('U1');
SET SESSION AUTHORIZATION regress_apply_bridge;
SELECT items FROM casesync_internal.apply_inbox();
RESET SESSION AUTHORIZATION;
SELECT * FROM app.items;
SELECT * FROM app.applied;

-- rows that no policy kept out (a dump, a superuser), and functions that became others since: the item fails, nothing else
CREATE FUNCTION app.many(e casesync.inbound) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
CREATE FUNCTION app.number(e casesync.inbound) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
CREATE FUNCTION app.pathless(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ''applied''';
CREATE FUNCTION app.invoker(e casesync.inbound) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
CREATE PROCEDURE app.procedure(e casesync.inbound) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS '';
CREATE FUNCTION app.state(s text, e casesync.inbound) RETURNS text LANGUAGE sql AS 'SELECT ''applied''';
CREATE AGGREGATE app.aggregate(casesync.inbound) (SFUNC = app.state, STYPE = text);
CREATE FUNCTION app.two(e casesync.inbound, more text DEFAULT '') RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
CREATE FUNCTION app.whatever(e anyelement) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
CREATE FUNCTION app.theirs(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.theirs(casesync.inbound)');
CREATE FUNCTION app.call(function name, owner name DEFAULT 'regress_apply_owner') RETURNS TABLE (state text, code text, reason text) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE casesync_internal.handler h SET function_name = function, owner = call.owner;
	RETURN QUERY SELECT r.state, r.error_code, r.reason FROM casesync_internal.inbox_item i, casesync_internal.run_handler(i) r ORDER BY i.id LIMIT 1;
END $$;
SELECT f, c.* FROM unnest('{many,number,pathless,invoker,procedure,aggregate,two,whatever,nothing,theirs}'::name[]) f, app.call(f, session_user) c;
SELECT c.* FROM app.call('theirs') c;
SELECT c.* FROM app.call('apply it', session_user) c;
UPDATE casesync_internal.handler SET schema_name = 'pg_catalog', function_name = 'int4um';
SELECT c.* FROM app.call('int4um') c;
UPDATE casesync_internal.handler SET schema_name = 'app';
SELECT c.* FROM app.call('apply it') c;
-- the function becomes another's: its new owner, or a superuser, names it anew
ALTER FUNCTION app."apply it"(casesync.inbound) OWNER TO regress_apply_other;
SELECT r.state, r.reason FROM casesync_internal.inbox_item i, casesync_internal.run_handler(i) r ORDER BY i.id LIMIT 1;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app."apply it"(casesync.inbound)');
SELECT owner FROM casesync_internal.handler;
ALTER FUNCTION app."apply it"(casesync.inbound) OWNER TO regress_apply_owner;
-- two spellings, as a dump of 0.2.0 may have them: always the one that is written as the item is
UPDATE casesync_internal.handler SET function_name = 'apply it', owner = session_user;
INSERT INTO casesync_internal.handler (record_type, event_type, handler, schema_name, function_name) VALUES ('MEMBER', 'enrolment_status_change', '', 'app', 'invoker'), ('member', 'enrolment_status_change', '', 'app', 'invoker');
SELECT r.state, r.reason FROM casesync_internal.inbox_item i, casesync_internal.run_handler(i) r ORDER BY i.id LIMIT 1;
DELETE FROM casesync_internal.handler;

-- what a function can leave behind: nothing ---------------------------------------------------------------------------------
SET ROLE regress_apply_owner;
CREATE TABLE app.ran (who name, what text);
GRANT INSERT ON app.ran TO PUBLIC;
CREATE TABLE app.parent (id integer PRIMARY KEY);
CREATE TABLE app.child (id integer PRIMARY KEY, parent integer REFERENCES app.parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE app.unlike (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO app.unlike VALUES (1), (2);
CREATE TABLE app.late (x integer);
CREATE TABLE app.first (x integer);
CREATE FUNCTION app.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.ran VALUES (current_user, TG_ARGV[0]); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.late('late');
CREATE FUNCTION app.put_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.late VALUES (1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER put_off AFTER INSERT ON app.first DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.put_off();
CREATE FUNCTION app.nested() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
	BEGIN SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.late VALUES (2); EXCEPTION WHEN OTHERS THEN INSERT INTO app.ran VALUES (current_user, SQLERRM); END;
	SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.late VALUES (3); END $$;
CREATE FUNCTION app.swallow(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE statement; EXCEPTION WHEN OTHERS THEN INSERT INTO app.ran VALUES (current_user, SQLERRM); END $$;
CREATE TABLE app.tries (n integer PRIMARY KEY, statement text);
INSERT INTO app.tries VALUES (101, 'INSERT INTO app.parent VALUES (1); INSERT INTO app.child VALUES (1, 1)'), (102, 'INSERT INTO app.child VALUES (2, 2); INSERT INTO app.parent VALUES (2)'),
	(103, 'SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.child VALUES (3, 3); INSERT INTO app.parent VALUES (3)'), (104, 'UPDATE app.unlike SET id = id + 1'), (105, 'INSERT INTO app.late VALUES (0)'),
	(106, 'INSERT INTO app.first VALUES (1)'), (107, 'SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.late VALUES (1)'), (108, 'SELECT app.nested()'), (109, 'SELECT app.swallow(''INSERT INTO app.first VALUES (1)'')'),
	(110, 'SELECT app.swallow(''SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.late VALUES (1)'')'), (111, 'SELECT set_config(''search_path'', ''app'', false), set_config(''work_mem'', ''64MB'', false), set_config(''casesync.capture'', ''off'', false)'),
	(112, 'SET work_mem = ''65MB''; SET statement_timeout = ''1h'''), (113, 'SET ROLE regress_apply_other'), (114, 'SELECT set_config(''role'', ''regress_apply_other'', false)'), (115, 'RESET ROLE'), (116, 'SET SESSION AUTHORIZATION DEFAULT'),
	(117, 'LISTEN casesync'), (118, 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'), (119, 'PREPARE p AS SELECT 1'), (120, 'CREATE TEMP TABLE made (n integer)'), (121, 'DEALLOCATE ALL'), (122, 'DISCARD ALL'), (123, 'UNLISTEN *'),
	(124, 'CREATE SCHEMA pg_temp_x'), (125, 'SELECT casesync_internal.receive(''ess.test'', ''m'', ''x'', NULL, NULL)'), (126, 'SELECT hash_key FROM casesync_internal.node_secret'), (127, 'COMMIT'), (128, 'SELECT pg_terminate_backend(pg_backend_pid())');
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE (SELECT statement FROM app.tries WHERE n = substr(e.record #>> '{member_identifier,0,identifier_value}', 2)::integer);
	RETURN 'applied';
END $$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
RESET ROLE;
SELECT count(app.hear('U' || n)) FROM app.tries;
-- as the bridge does, each item in a transaction of its own
SET SESSION AUTHORIZATION regress_apply_bridge;
\set ECHO none
\o /dev/null
SELECT 'SELECT items FROM casesync_internal.apply_inbox()' FROM generate_series(1, 30) \gexec
\o
\set ECHO all
SELECT current_setting('search_path') <> 'app' AS path, current_setting('work_mem') AS work_mem, current_setting('casesync.capture') AS capture, current_setting('statement_timeout') AS timeout, current_user, count(*) AS listens FROM pg_listening_channels();
SELECT count(*) AS cursors FROM pg_cursors WHERE name = 'c';
SELECT count(*) AS prepared FROM pg_prepared_statements WHERE name = 'p';
RESET SESSION AUTHORIZATION;
-- PostgreSQL 15 has other words for the last one
SELECT t.statement, i.state, i.error_code, replace(i.reason, 'must be a superuser to terminate superuser process', 'permission denied to terminate process') AS reason FROM app.tries t LEFT JOIN app.items i ON i.subject = 'UIN:U' || t.n ORDER BY t.n;
SELECT * FROM app.ran ORDER BY what;
SELECT (SELECT array_agg(id ORDER BY id) FROM app.parent) AS parents, (SELECT array_agg(id ORDER BY id) FROM app.child) AS children, (SELECT array_agg(id ORDER BY id) FROM app.unlike) AS unlike, (SELECT array_agg(x ORDER BY x) FROM app.late) AS late;

-- who catches the cancel of his time goes on no longer than one block
SET ROLE regress_apply_owner;
CREATE FUNCTION app.stubborn(depth integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		BEGIN
			IF depth > 0 THEN PERFORM app.stubborn(depth - 1); END IF;
			LOOP
				BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled OR OTHERS THEN END;
			END LOOP;
		EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN PERFORM app.stubborn(depth);
		END;
	END LOOP;
END $$;
TRUNCATE app.tries;
INSERT INTO app.tries VALUES (201, 'SELECT app.stubborn(20)'), (202, 'SELECT 1');
RESET ROLE;
SELECT count(app.hear('U' || n)) FROM app.tries;
SET casesync.render_timeout = '200ms';
SET SESSION AUTHORIZATION regress_apply_bridge;
SELECT items FROM casesync_internal.apply_inbox();
SELECT items FROM casesync_internal.apply_inbox();
RESET SESSION AUTHORIZATION;
SELECT subject, state, error_code, reason FROM app.items WHERE subject ~ 'U20';

-- who gives back all advisory locks does not give back the bridge's
SET ROLE regress_apply_owner;
INSERT INTO app.tries VALUES (301, 'SELECT pg_advisory_unlock_all()'), (302, 'SELECT pg_advisory_unlock_all(), 1 / 0');
RESET ROLE;
SELECT count(app.hear('U' || n)) FROM app.tries WHERE n > 300;
SET SESSION AUTHORIZATION regress_apply_bridge;
SELECT casesync_internal.lock_router(), casesync_internal.lock_lane(7);
SELECT items FROM casesync_internal.apply_inbox();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT items FROM casesync_internal.apply_inbox();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT casesync_internal.unlock_lane(7), casesync_internal.unlock_lane(7);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
RESET SESSION AUTHORIZATION;
SELECT subject, state, error_code, reason FROM app.items WHERE subject ~ 'U30';

-- whose function asks to be tried again keeps what it applies waiting, and its subjects, but not what another's applies
DELETE FROM casesync_internal.inbox_item;
DELETE FROM casesync_internal.handler;
SET ROLE regress_apply_other;
CREATE FUNCTION app.busy(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE EXCEPTION USING errcode = '40001', message = 'not now'; END $$;
SELECT casesync.on_notify('Member', 'busy', 'app.busy(casesync.inbound)');
SET ROLE regress_apply_owner;
CREATE FUNCTION app.calm(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN 'applied'; END $$;
SELECT casesync.on_notify('Member', 'calm', 'app.calm(casesync.inbound)');
RESET ROLE;
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, record, subject, agreement, agreement_version, mode, state, tries)
SELECT 'ess.test', 'm', n, '', e, 'Member', '{}', s, 'IN', 1, 'auto', 'new', 10
  FROM (VALUES (1, 'busy', 'UIN:1'), (2, 'busy', 'UIN:2'), (3, 'calm', 'UIN:1'), (4, 'calm', 'UIN:3')) v(n, e, s);
SELECT items FROM casesync_internal.apply_inbox();
SELECT items FROM casesync_internal.apply_inbox();
SELECT item, event_type, subject, state, reason FROM casesync_internal.inbox_item ORDER BY 1;

-- no function of ours has the extension's rights and takes whatever type it is given: that would bring the caller's own casts, checks and operators along
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND (p.prosecdef OR p.prosrc = 'casesync_known_caller') AND EXISTS (
	SELECT FROM unnest(p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')) WITH ORDINALITY a(type, place) JOIN pg_type t ON t.oid = a.type
	 WHERE t.typname ~ '^(any|record$|_record$|internal$|cstring$|unknown$|regproc|regoper)' AND NOT (a.place > p.pronargs AND p.proargmodes[a.place - p.pronargs] IN ('o', 't')))
 ORDER BY 1;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_apply_owner, regress_apply_other, regress_apply_bridge;
DROP ROLE regress_apply_owner, regress_apply_other, regress_apply_bridge;
