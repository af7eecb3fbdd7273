-- A tracking is of a table that is there and its owner's; nobody else changes it, and no row makes it mean another.
\set ECHO none
\i test/scene/try.sql
CREATE EXTENSION casesync;
CREATE ROLE regress_a;
CREATE ROLE regress_b;
SELECT count(casesync.grant_access(r::regrole, 'publisher')) FROM unnest('{regress_a,regress_b}'::text[]) r;
CREATE SCHEMA a AUTHORIZATION regress_a;
CREATE SCHEMA b AUTHORIZATION regress_b;
GRANT USAGE ON SCHEMA app, a, b TO regress_a, regress_b;
SET ROLE regress_a;
CREATE TABLE a.person (id integer PRIMARY KEY, name text);
CREATE VIEW a.shared AS SELECT id AS subject_key, '{}'::jsonb AS record FROM a.person;
SELECT count(*) FROM casesync.publish('person', 'a.shared', 'Member');
SELECT casesync.track('a.person', '{person}', 'id', on_insert => 'enrolment');
SET ROLE regress_b;
CREATE TABLE b.own (id integer PRIMARY KEY, v integer);
CREATE VIEW b.shared AS SELECT id AS subject_key, '{}'::jsonb AS record FROM b.own;
SELECT count(*) FROM casesync.publish('own', 'b.shared', 'Member');
SELECT casesync.track('b.own', '{own}', 'id', on_insert => 'enrolment');
RESET ROLE;
CREATE TEMP TABLE before AS SELECT * FROM casesync_internal.tracking;
-- one's own row, with something else in it, handed over by hand
CREATE FUNCTION app.forge(change jsonb) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t casesync_internal.tracking;
BEGIN
	SELECT * INTO t FROM casesync_internal.tracking g WHERE g.relation = 'b.own'::regclass ORDER BY id LIMIT 1;
	RETURN app.try(format('SELECT casesync_internal.tracking_store(jsonb_populate_record(NULL::casesync_internal.tracking, %L))', to_jsonb(t) || change));
END $$;
SET ROLE regress_b;
-- tables: one that does not exist (yet), another's, the system's, what is no table
SELECT app.forge('{"relation": "4000000000", "subjects": "SELECT b.grab()"}');
SELECT app.forge('{"relation": "4000000000", "id": null}');
SELECT app.forge('{"relation": null}');
SELECT app.forge('{"relation": "a.person"}');
SELECT app.forge('{"relation": "pg_catalog.pg_authid"}');
SELECT app.forge('{"relation": "casesync_internal.node"}');
SELECT app.forge('{"relation": "b.shared"}');
-- numbers: another's, one that was not given
SELECT app.forge('{"id": 1}');
SELECT app.forge('{"id": 77}');
SELECT app.forge('{"id": -1}');
-- stopping needs no table, but it must be one's own
SELECT app.forge('{"id": 1, "removed": true}');
SELECT app.forge('{"id": 1, "enabled": false, "relation": "b.own"}');
SELECT app.forge('{"id": 77, "removed": true}');
-- what others rely on: columns and keys that are there, and are as many as it says
SELECT app.forge('{"key_columns": [], "key_labels": []}');
SELECT app.forge('{"key_columns": [null], "key_labels": [null]}');
SELECT app.forge('{"key_columns": ["id", "v"], "key_labels": ["id"]}');
SELECT app.forge('{"key_is_column": false}');
SELECT app.forge('{"key": "v"}');
SELECT app.forge('{"columns": []}');
SELECT app.forge('{"columns": ["nothing"]}');
SELECT app.forge('{"columns": [null]}');
SELECT app.forge('{"registries": []}');
SELECT app.forge('{"registries": [null]}');
SELECT app.forge('{"registries": ["own", "unpublished"]}');
SELECT app.forge('{"on_insert": null}');
SELECT app.try('SELECT casesync_internal.tracking_store(NULL)');
-- and what is made, whatever was said: place, name, author, numbers, the gap that it is stopped by
SELECT app.forge('{"place": "x", "relation_name": "a.person", "author": "regress_a", "stopped_gap": 1, "key_numbers": [99], "column_numbers": [98, 99]}');
RESET ROLE;
SELECT * FROM casesync_internal.tracking EXCEPT SELECT * FROM before;
SELECT id, relation, relation_name, author, stopped_gap, key_numbers, column_numbers FROM casesync_internal.tracking ORDER BY id;
SELECT count(*) FROM pg_proc WHERE proname IN ('tracking_write', 'tracking_id_next');
INSERT INTO b.own VALUES (1, 1);
SELECT tracking, key FROM casesync_internal.change;

-- stopping: nobody stops another's, leaves a gap of nothing or of what is not there, or hangs on to another's gap
SET ROLE regress_a;
SELECT casesync.stop_capture('load', 'a.person') AS gap;
SET ROLE regress_b;
SELECT app.try($$SELECT casesync_internal.gap_begin('{1}', NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin('{2,1}', NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin('{77}', NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin('{}', NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin(NULL, NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin('{NULL}', NULL, 'x')$$);
SELECT app.try($$SELECT casesync_internal.gap_begin('{2}', NULL, NULL)$$);
SELECT app.try($$SELECT casesync_internal.gap_end(1, '{1}')$$);
SELECT app.try($$SELECT casesync_internal.gap_end(1, '{2}')$$);
SELECT app.try($$SELECT casesync_internal.gap_end(1, '{}')$$);
SELECT app.try($$SELECT casesync.start_capture(1)$$);
SELECT casesync_internal.gap_begin('{2}', 'a.person', 'which table it is, is not the caller''s word') > 1 AS is_stopped;
SELECT relation, registries, reason, state FROM casesync.gaps ORDER BY gap;
SELECT count(s) FROM casesync.gaps g, LATERAL casesync.start_capture(g.gap) s WHERE g.registries = '{own}';
SET ROLE regress_a;
SELECT count(*) FROM casesync.start_capture(1);

-- a trigger of somebody else's, with the name of one's own, is in nobody's way
SET ROLE regress_b;
CREATE TRIGGER casesync_1_insert AFTER INSERT ON b.own FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change('1');
SELECT app.try('INSERT INTO b.own VALUES (2, 2)');
SET ROLE regress_a;
SELECT drift FROM casesync.tracked WHERE relation = 'a.person'::regclass;
SELECT casesync.retrack('a.person');
SELECT casesync.untrack('a.person', keep => true);
SELECT casesync.retrack('a.person');
SET ROLE regress_b;
DROP TRIGGER casesync_1_insert ON b.own;

-- a table that is gone stays its owner's: who makes another of that name gets nothing
SET ROLE regress_a;
DROP TABLE a.person CASCADE;
GRANT CREATE ON SCHEMA a TO regress_b;
SET ROLE regress_b;
CREATE TABLE a.person (id integer PRIMARY KEY, name text);
SELECT app.try($$SELECT casesync.retrack('a.person')$$);
SELECT app.try(format('SELECT casesync.untrack(%s)', relation::oid)) FROM casesync_internal.tracking WHERE id = 1;
SELECT app.try($$SELECT casesync_internal.gap_begin('{1}', NULL, 'x')$$);
RESET ROLE;
SELECT author, relation_name, removed FROM casesync_internal.tracking WHERE id = 1;
SET ROLE regress_a;
SELECT casesync.untrack(relation) FROM casesync_internal.tracking WHERE id = 1;
RESET ROLE;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA a CASCADE;
DROP SCHEMA b CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_a, regress_b;
DROP ROLE regress_a, regress_b;
