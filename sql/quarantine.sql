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
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
