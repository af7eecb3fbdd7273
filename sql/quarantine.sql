-- Very many subjects in quarantine: what is to be tried again is found, and the others cost a look of the router nothing.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) s;
INSERT INTO casesync_internal.quarantine_entry (registry, key, event_type, error_code, reason, mark)
	SELECT 'people', 'k' || i, 'enrolment_status_change', '22P02', 'no such word', m
	  FROM casesync_internal.mark_of('people') m, generate_series(1, 110000) i;
ANALYZE casesync_internal.quarantine_entry;
-- rows and index entries of the queue that a statement reads
CREATE FUNCTION app.rows_read() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
	  FROM pg_class c WHERE c.relname ^@ 'quarantine_entry'
$$;
CREATE FUNCTION app.is_cheap(statement text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	before constant bigint := app.rows_read();
BEGIN
	EXECUTE statement;
	RETURN app.rows_read() - before < 40;
END
$$;
-- a look that finds nothing, and one with a change
SELECT app.is_cheap('SELECT * FROM casesync_internal.route()');
INSERT INTO app.person VALUES (1, 'U1', '1');
SELECT app.is_cheap('SELECT * FROM casesync_internal.route()');
-- what somebody asked for, and what failed under another state of the view, a bounded number at a time
UPDATE casesync_internal.quarantine_entry SET mark = NULL WHERE key IN ('k70', 'k80');
UPDATE casesync_internal.quarantine_entry SET mark = ' ' WHERE key IN ('k50', 'k60');
UPDATE casesync_internal.quarantine_entry SET mark = 'z' WHERE key IN ('k30', 'k40');
SELECT key FROM casesync_internal.quarantine_next(4);
SELECT app.is_cheap('SELECT * FROM casesync_internal.quarantine_next(4)');
SELECT key FROM casesync_internal.quarantine_next(10);
SELECT changes, more FROM casesync_internal.route(4);
SELECT changes, more FROM casesync_internal.route(4);
SELECT changes, more FROM casesync_internal.route(4);
SELECT count(*) FROM casesync.quarantine;
-- by the clock: only what passes by itself, and the wait grows
SELECT code, tries, casesync_internal.quarantine_rest(code, tries) AS rest
  FROM unnest('{CS002,40001,CS003,22P02}'::text[]) code, unnest('{1,2,20}'::integer[]) tries;
SELECT count(*) FROM (SELECT casesync_internal.quarantine_add('people', 0, '{slow 1,slow 2,slow 3}', 'enrolment_status_change', 'CS002', 'too slow')) x;
SELECT count(*) FROM casesync_internal.quarantine_next(10);
UPDATE casesync_internal.quarantine_entry SET again_at = again_at - interval '21 s' WHERE error_code = 'CS002';
SELECT key FROM casesync_internal.quarantine_next(2);
SELECT app.is_cheap('SELECT * FROM casesync_internal.quarantine_next(2)');
-- many that fail at once, each for a reason of its own: the state of the view is looked up once for a slice
CREATE OR REPLACE VIEW app.people AS SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
	'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
	'employment_status', ('x' || p.id)::integer) AS record FROM app.person p;
SELECT casesync.retry_quarantine('nobody');
DELETE FROM casesync_internal.quarantine_entry;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(101, 140) i;
SET track_functions = 'all';
BEGIN;
SELECT changes FROM casesync_internal.route();
SELECT calls <= 3 AS is_cheap FROM pg_stat_xact_user_functions WHERE funcname = 'mark_of';
COMMIT;
RESET track_functions;
SELECT count(*), count(DISTINCT reason), min(tries), max(tries) FROM casesync.quarantine;

-- what is mended without a word to us is tried again: names of the view's columns, rights of one column or by membership, policies,
-- domains, enums, trackings; what changes nothing of it is not
CREATE FUNCTION app.is_noticed(statement text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	before constant text := casesync_internal.mark_of('people');
BEGIN
	EXECUTE statement;
	RETURN before <> casesync_internal.mark_of('people');
END
$$;
CREATE ROLE regress_group;
CREATE ROLE regress_owner;
CREATE DOMAIN app.short AS text CONSTRAINT is_short CHECK (length(VALUE) < 3);
CREATE TYPE app.level AS ENUM ('1');
CREATE OR REPLACE VIEW app.people AS SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
	'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
	'employment_status', p.status::app.short::app.level) AS record FROM app.person p;
SELECT changes FROM casesync_internal.route();
SELECT count(*) FROM casesync.quarantine;
SELECT statement, app.is_noticed(statement) FROM unnest(ARRAY['ANALYZE app.person', 'CREATE TABLE app.other (id integer)',
	'CREATE ROLE regress_other', 'CREATE DOMAIN app.long AS text CHECK (VALUE <> '''')']) statement;
SELECT app.is_noticed('ALTER DOMAIN app.short DROP CONSTRAINT is_short');
SELECT app.is_noticed('ALTER TYPE app.level ADD VALUE ''2''');
SELECT app.is_noticed('GRANT SELECT (uin) ON app.person TO regress_group');
SELECT app.is_noticed('REVOKE SELECT (uin) ON app.person FROM regress_group');
SELECT app.is_noticed('CREATE POLICY regress_all ON app.person USING (true)');
SELECT app.is_noticed('ALTER POLICY regress_all ON app.person USING (id > 0)');
SELECT app.is_noticed('DROP POLICY regress_all ON app.person');
SELECT app.is_noticed('ALTER VIEW app.people OWNER TO regress_owner');
SELECT app.is_noticed('GRANT regress_group TO regress_owner');
SELECT app.is_noticed('ALTER VIEW app.people OWNER TO CURRENT_USER');
SELECT app.is_noticed('SELECT casesync.track(''app.other'', ''{people}'', ''id'', on_delete => ''enrolment_status_change'')');
SELECT app.is_noticed('SELECT casesync.untrack(''app.other'')');
ALTER VIEW app.people RENAME COLUMN record TO content;
INSERT INTO app.person VALUES (201, 'U201', '1');
SELECT changes FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
ALTER VIEW app.people RENAME COLUMN content TO record;
SELECT changes FROM casesync_internal.route();
SELECT key, error_code, reason FROM casesync.quarantine;
-- what the body of a function reads, no mark knows: it is tried by the clock
SELECT code, casesync_internal.quarantine_rest(code, 1) AS rest FROM unnest('{42703,42P01,42501,3F000,23514}'::text[]) code;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP ROLE regress_owner, regress_group, regress_other;
