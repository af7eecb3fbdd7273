CREATE EXTENSION casesync;
\i test/scene/capture.sql

-- track() refuses what it cannot do ---------------------------------------------------------------
CREATE TABLE enrolment (id serial PRIMARY KEY, person_id integer, programme_id integer, status text, note text);
CREATE TEMP TABLE passing (id integer);
CREATE UNLOGGED TABLE fleeting (id integer);
CREATE FUNCTION sqlstate_of(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; said text; detail text; hint text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ' ' || said, nullif(detail, ''), nullif(hint, ''));
END
$$;
\pset format unaligned
\t on
SELECT sqlstate_of($$SELECT casesync.track(NULL, '{people}', 'id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{}', 'person_id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{people}', 'person_id')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{people,nobody}', 'person_id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('people', '{people}', 'subject_key', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('passing', '{people}', 'id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('fleeting', '{people}', 'id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('casesync_internal.tracking', '{people}', 'id', on_insert => 'a')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'a', columns => '{status,nothing}')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'a', ignore => '{person_id}')$$);
SELECT sqlstate_of($$SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'a', ignore => '{note}', columns => '{status}')$$);
-- key and condition are one expression over the row, and nothing else
SELECT sqlstate_of(format($$SELECT casesync.track('enrolment', '{people}', %L, on_update => 'a')$$, k)) FROM (VALUES
	('nothing'), ('person_id, id'), ('person_id AS x'), ('person_id FROM enrolment'), ('person_id; DROP TABLE enrolment'),
	('(SELECT 1)'), ('42'), ('random()::text || person_id'), ('ctid'), ('enrolment'), ('count(person_id)'), ('$1'),
	('generate_series(1, person_id)'), ('')) v(k);
SELECT sqlstate_of(format($$SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'a', condition => %L)$$, c))
	FROM (VALUES ('status'), ('programme_id = 3) OR (true'), ('status = current_user'), ('now() > ''2026-01-01'''),
	('EXISTS (SELECT FROM enrolment)'), ('old.status = ''a'''), ('programme_id = 3 WHERE true'), ('tableoid = 1')) v(c);
SELECT sqlstate_of(format($$SELECT casesync.track('enrolment', '{people}', 'programme_id', on_update => 'a', subjects => %L)$$, s))
	FROM (VALUES ('DELETE FROM enrolment'), ('SELECT 1; SELECT 2'), ('SELECT id, id FROM enrolment'), (''),
	('SELECT id INTO x FROM enrolment'), ('WITH d AS (DELETE FROM enrolment RETURNING id) SELECT id FROM d'),
	('SELECT id FROM enrolment FOR UPDATE'), ('SELECT random()'), ('SELECT id FROM nothing'),
	('SELECT id FROM enrolment WHERE id = $1'), ('SELECT id FROM enrolment WHERE id = $2')) v(s);
-- where a parser's error points to
\set SHOW_CONTEXT always
SELECT casesync.track('enrolment', '{people}', 'person_id', on_update => 'a', condition => 'status = nothing');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT count(*) AS no_trigger_is_left FROM pg_trigger WHERE tgrelid = 'enrolment'::regclass AND tgname LIKE 'casesync%';

-- and says what it took ---------------------------------------------------------------------------
\t off
\pset format aligned
\x on
ALTER SEQUENCE casesync_internal.tracking_id RESTART;
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	columns => '{status}', condition => 'programme_id IN (3, 7) AND status <> ''draft''');
SELECT id, relation, registries, key, key_columns, key_is_column, on_insert, on_update, on_delete, columns, condition, subjects, enabled FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
SELECT casesync.track('enrolment', '{people}', 'lower(status) || person_id', on_delete => 'enrolment_status_change',
	ignore => '{note}', subjects => 'SELECT person_id FROM enrolment e WHERE programme_id = $1::integer');
SELECT id, key, key_columns, key_is_column, key_query, columns, subjects FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
SELECT casesync.track('enrolment', '{people}', '"person_id"', on_insert => 'enrolment');
SELECT id, key, key_is_column, columns FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
\x off
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'enrolment'::regclass AND tgname LIKE 'casesync%' ORDER BY 1;
SELECT tracking, drift, hint FROM casesync.tracked ORDER BY 1;

-- untrack, ALTER, retrack in one transaction --------------------------------------------------------
BEGIN;
SELECT casesync.untrack('enrolment', keep => true);
SELECT tracking, drift, hint FROM casesync.tracked ORDER BY 1;
ALTER TABLE enrolment ALTER COLUMN status TYPE varchar(20), ADD COLUMN added integer, DROP COLUMN note;
SELECT casesync.retrack('enrolment');
COMMIT;
SELECT tracking, columns, drift, hint FROM casesync.tracked ORDER BY 1;
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'enrolment'::regclass AND tgname LIKE 'casesync_1%' ORDER BY 1;
SELECT casesync.untrack('enrolment');
SELECT casesync.untrack('enrolment');
SELECT count(*) FROM casesync.tracked;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'enrolment'::regclass AND tgname LIKE 'casesync%';

-- drift -----------------------------------------------------------------------------------------
CREATE VIEW drift AS SELECT d.problem FROM casesync.tracked, unnest(drift) d(problem);
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment', replicated => true);
SELECT id FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'enrolment'::regclass AND tgname LIKE 'casesync%' ORDER BY 1;
SELECT * FROM drift;
ALTER TABLE enrolment DISABLE TRIGGER casesync_4_insert;
SELECT * FROM drift;
ALTER TABLE enrolment ENABLE REPLICA TRIGGER casesync_4_insert;
SELECT * FROM drift;
ALTER TABLE enrolment ENABLE TRIGGER casesync_4_insert;
SELECT * FROM drift;
DROP TRIGGER casesync_4_insert ON enrolment;
SELECT * FROM drift;
SELECT casesync.retrack();
SELECT * FROM drift;
ALTER TABLE enrolment ADD COLUMN later integer;
ALTER TABLE enrolment RENAME COLUMN status TO state;
SELECT * FROM drift;
ALTER TABLE enrolment RENAME TO enrolment_old;
SELECT * FROM drift;
CREATE TABLE enrolment (id integer, person_id integer, programme_id integer, state text, added integer);
SELECT * FROM drift;
DROP TABLE enrolment_old;
SELECT * FROM drift;
SELECT casesync.retrack('enrolment');
INSERT INTO enrolment VALUES (1, 77);
SELECT op, key FROM seen();
DROP TABLE enrolment;
SELECT replace(hint, relation::oid::text, 'OID') FROM casesync.tracked;
SELECT casesync.untrack(relation) FROM casesync.tracked;
SELECT * FROM casesync.tracked;

RESET search_path;
DROP VIEW IF EXISTS app.drift;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
