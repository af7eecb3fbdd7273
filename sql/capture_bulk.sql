-- Statements of many rows: what is collected and written together is what was written row by row, in its order.
CREATE EXTENSION casesync;
\i test/scene/capture.sql
-- rows in the order of their keys
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE TABLE person (id integer PRIMARY KEY, name text, note text);
CREATE TABLE visit (id integer PRIMARY KEY, person_id integer REFERENCES person ON DELETE CASCADE ON UPDATE CASCADE, state text);
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.track('visit', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
-- what was captured since the last look, in its order: runs of one kind of change, their keys, and whether these rise by one
CREATE FUNCTION runs() RETURNS TABLE (tab text, op "char", changes bigint, first text, last text, one_by_one boolean, last_change jsonb) LANGUAGE sql AS $$
	WITH new AS MATERIALIZED (SELECT row_number() OVER () AS place, * FROM app.seen()),
		run AS (SELECT *, place - row_number() OVER (PARTITION BY n.tab, n.op ORDER BY place) AS run,
			n.key::integer - lag(n.key::integer) OVER (ORDER BY place) AS step FROM new n)
	SELECT r.tab, r.op, count(*), (array_agg(r.key ORDER BY place))[1], (array_agg(r.key ORDER BY place DESC))[1],
		NOT coalesce(bool_or(step <> 1) FILTER (WHERE place > first_place), false), (array_agg(r.changed ORDER BY place DESC))[1]
		FROM (SELECT *, min(place) OVER (PARTITION BY x.tab, x.op, x.run) AS first_place FROM run x) r
		GROUP BY r.tab, r.op, r.run ORDER BY min(place)
$$;

-- the session's first statement, before anybody knows the log
INSERT INTO person SELECT i, 'a' || i FROM generate_series(1, 2500) i;
SELECT * FROM runs();
-- many rows: more than are collected
UPDATE person SET name = name || '!';
SELECT * FROM runs();
INSERT INTO visit SELECT i, i, 'open' FROM generate_series(1, 2500) i;
SELECT * FROM runs();
DELETE FROM visit WHERE id > 500;
SELECT * FROM runs();
COPY person (id, name) FROM stdin;
3001	x
3002	y
3003	z
\.
SELECT * FROM runs();
COPY person (id) FROM PROGRAM 'seq 4001 5100';
SELECT * FROM runs();
-- one fact of each kind, whole
SELECT c.op, c.key, c.changed, c."session_user" = session_user AS by_session, c.xid = (SELECT max(xid) FROM casesync_internal.change WHERE key = '2') AS same,
	c.era, c.tracking, c.actor, c.channel, c.origin, c.at > now() - interval '1 hour' AS at FROM casesync_internal.change c WHERE c.key = '2' ORDER BY c.xid, c.cid, c.id;
-- ids rise within a command, however the rows were written
SELECT count(*) AS out_of_order FROM (SELECT id - lag(id) OVER (PARTITION BY xid, cid ORDER BY relation, key::integer, op) AS step, relation, op
	FROM casesync_internal.change WHERE op IN ('I', 'U')) s WHERE step <= 0;

-- claims are those of the row, not of the statement's end ------------------------------------------------------
CREATE FUNCTION claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('casesync.actor', 'of ' || NEW.id, false); RETURN NULL; END $$;
CREATE TRIGGER a_claim AFTER UPDATE ON person FOR EACH ROW EXECUTE FUNCTION claim();
UPDATE person SET name = 'claimed' WHERE id BETWEEN 10 AND 12;
SELECT key, actor FROM casesync_internal.change WHERE changed->'name'->>1 = 'claimed' ORDER BY id;
DROP TRIGGER a_claim ON person;
RESET casesync.actor;
SELECT count(*) FROM seen();

-- ON CONFLICT, MERGE, cascades, two tables in one statement ---------------------------------------------------
INSERT INTO person SELECT i, 'b' || i FROM generate_series(2499, 2502) i ON CONFLICT (id) DO UPDATE SET name = excluded.name;
SELECT tab, op, key, changed FROM seen();
MERGE INTO person p USING generate_series(2500, 2504) n(id) ON p.id = n.id
	WHEN MATCHED AND n.id < 2502 THEN DELETE
	WHEN MATCHED THEN UPDATE SET name = 'merged'
	WHEN NOT MATCHED THEN INSERT (id, name) VALUES (n.id, 'new');
SELECT tab, op, key, changed FROM seen();
UPDATE person SET id = id + 10000 WHERE id <= 3;
SELECT tab, op, key, old_key FROM seen();
DELETE FROM person WHERE id BETWEEN 101 AND 300;
SELECT * FROM runs();
WITH gone AS (DELETE FROM visit WHERE id BETWEEN 301 AND 303 RETURNING person_id)
	UPDATE person p SET name = 'no visit' FROM gone WHERE p.id = gone.person_id;
SELECT tab, op, key FROM seen();

-- long values, and more bytes than are collected -----------------------------------------------------------------
CREATE TABLE document (key text PRIMARY KEY, body text);
SELECT casesync.track('document', '{people}', 'key', on_insert => 'enrolment', on_update => 'enrolment_status_change');
INSERT INTO document SELECT i || repeat(md5(i::text), 300), string_agg(md5(j::text), '') FROM generate_series(1, 60) i, generate_series(1, 300) j GROUP BY i ORDER BY i;
UPDATE document SET body = body || '.';
SELECT op, count(*), min(length(key)), max(length(key)), bool_and(key = n || repeat(md5(n::text), 300)) AS whole, min(changed::text), max(changed::text)
	FROM (SELECT *, row_number() OVER (PARTITION BY op ORDER BY xid, cid, id) AS n FROM casesync_internal.change WHERE relation = 'document'::regclass) c GROUP BY op ORDER BY op;
SELECT count(*) FROM seen();

-- what is undone is not told, what stands is: exception blocks, savepoints, errors in mid-statement -------------------
DO $$
BEGIN
	UPDATE app.person SET name = 'stands' WHERE id BETWEEN 11 AND 13;
	BEGIN
		UPDATE app.person SET name = 'undone' WHERE id BETWEEN 21 AND 1500;
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	BEGIN
		UPDATE app.person SET name = 'in a block' WHERE id BETWEEN 14 AND 15;
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	UPDATE app.person SET name = 'stands too' WHERE id BETWEEN 16 AND 17;
END $$;
SELECT tab, op, key, changed->'name'->>1 AS name FROM seen();
BEGIN;
UPDATE person SET name = 'kept' WHERE id BETWEEN 11 AND 12;
SAVEPOINT a;
UPDATE person SET name = 'undone' WHERE id < 2000;
ROLLBACK TO a;
UPDATE person SET name = 'kept' WHERE id BETWEEN 13 AND 14;
SAVEPOINT b;
UPDATE person SET name = 'kept' WHERE id BETWEEN 15 AND 16;
SAVEPOINT c;
UPDATE person SET name = 'kept' WHERE id BETWEEN 17 AND 18;
RELEASE b;
COMMIT;
SELECT tab, op, key, changed->'name'->>1 AS name FROM seen();
BEGIN;
UPDATE person SET name = 'undone' WHERE id < 2000;
ROLLBACK;
-- the error comes when many changes are collected, from a trigger that fires behind ours
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 1800 THEN RAISE EXCEPTION 'not him'; END IF; RETURN NULL; END $$;
CREATE TRIGGER z_refuse AFTER UPDATE ON person FOR EACH ROW EXECUTE FUNCTION refuse();
UPDATE person SET name = 'undone';
DO $$
BEGIN
	UPDATE app.person SET name = 'undone';
EXCEPTION WHEN raise_exception THEN
	UPDATE app.person SET name = 'after the error' WHERE id BETWEEN 11 AND 12;
END $$;
SELECT tab, op, key, changed->'name'->>1 AS name FROM seen();
DROP TRIGGER z_refuse ON person;

-- triggers of the application in between: they write to a tracked table, some in blocks that fail ------------------------
CREATE TABLE note (id integer GENERATED ALWAYS AS IDENTITY, person_id integer, what text);
SELECT casesync.track('note', '{people}', 'person_id', on_insert => 'enrolment');
CREATE FUNCTION write_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO app.note (person_id, what) VALUES (NEW.id, NEW.name), (NEW.id, 'again');
	BEGIN
		INSERT INTO app.note (person_id, what) SELECT NEW.id, 'undone' FROM generate_series(1, 3);
		IF NEW.id % 2 = 1 THEN RAISE EXCEPTION 'odd'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	-- the statement of this trigger is over, the one that fired it is not
	IF (SELECT count(*) FROM casesync_internal.change WHERE key = NEW.id::text AND relation = 'app.note'::regclass) <> 5 - 3 * (NEW.id % 2) THEN
		RAISE 'own changes are not seen';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER z_note AFTER UPDATE ON person FOR EACH ROW EXECUTE FUNCTION write_note();
UPDATE person SET name = 'noted' WHERE id BETWEEN 11 AND 14;
SELECT tab, op, key, changed FROM seen();
DROP TRIGGER z_note ON person;
-- blocks that fail between rows that are collected: there must be more than are kept of either
CREATE FUNCTION try_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO app.note (person_id) SELECT NEW.id FROM generate_series(1, 1200);
	IF NEW.id = 801 THEN RAISE EXCEPTION 'undone'; END IF;
	RETURN NULL;
EXCEPTION WHEN raise_exception THEN RETURN NULL;
END $$;
CREATE TRIGGER z_try AFTER UPDATE ON person FOR EACH ROW WHEN (NEW.id IN (801, 802)) EXECUTE FUNCTION try_notes();
UPDATE person SET name = 'tried' WHERE id BETWEEN 1 AND 1300;
SELECT tab, op, count(*), count(DISTINCT key) AS keys FROM seen() GROUP BY tab, op ORDER BY tab, op;
DROP TRIGGER z_try ON person;

-- whoever looks after a statement sees its changes: functions, cursors, prepared statements, DO ---------------------------
CREATE FUNCTION write_and_count(up_to integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM casesync_internal.change);
BEGIN
	UPDATE app.person SET name = name || '?' WHERE id BETWEEN 11 AND up_to;
	RETURN (SELECT count(*) FROM casesync_internal.change) - before;
END $$;
SELECT write_and_count(12), write_and_count(14);
CREATE FUNCTION write_in_sql() RETURNS bigint LANGUAGE sql AS $$
	UPDATE app.person SET name = name || '?' WHERE id BETWEEN 11 AND 12;
	SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
$$;
SELECT write_in_sql();
SELECT count(*) FROM seen();
BEGIN;
DECLARE writing CURSOR FOR SELECT i, write_and_count(i) FROM generate_series(11, 14) i;
FETCH 2 FROM writing;
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
SAVEPOINT s;
FETCH 1 FROM writing;
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
ROLLBACK TO s;
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
COMMIT;
SELECT tab, op, key FROM seen();
BEGIN;
DECLARE looking CURSOR FOR SELECT count(*) AS not_yet_there FROM casesync_internal.change WHERE changed->'name'->>1 = 'looked for';
UPDATE person SET name = 'looked for' WHERE id BETWEEN 11 AND 12;
FETCH looking;
COMMIT;
-- a deferred trigger writes when the transaction commits
CREATE FUNCTION write_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE app.person SET name = 'late' WHERE id BETWEEN NEW.id AND NEW.id + 1; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_late();
SELECT count(*) FROM seen();
BEGIN;
INSERT INTO note (id, person_id) OVERRIDING SYSTEM VALUE VALUES (11, 11), (13, 13);
COMMIT;
SELECT tab, op, key FROM seen();
DROP TRIGGER late ON note;
-- a procedure that commits between its statements
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		UPDATE app.person SET name = 'turn ' || i WHERE id IN (11, 12);
		IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
SELECT tab, op, key, changed->'name'->>1 AS name FROM seen();

-- prepared, and committed or not
BEGIN;
UPDATE person SET name = 'prepared' WHERE id BETWEEN 11 AND 13;
PREPARE TRANSACTION 'regress_kept';
BEGIN;
UPDATE person SET name = 'undone' WHERE id BETWEEN 21 AND 23;
PREPARE TRANSACTION 'regress_undone';
COMMIT PREPARED 'regress_kept';
ROLLBACK PREPARED 'regress_undone';
SELECT tab, op, key, changed->'name'->>1 AS name FROM seen();

-- the session's first statement in a block, before the server tells us of ends ------------------------------------------
\c
SET search_path = app;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
BEGIN;
COPY person (id, name) FROM stdin;
6001	x
6002	y
6003	z
6004	z
\.
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
SAVEPOINT a;
DELETE FROM person WHERE id > 6003;
ROLLBACK TO a;
COMMIT;
SELECT tab, op, key FROM seen();
\c
SET search_path = app;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
BEGIN;
SAVEPOINT a;
UPDATE person SET name = 'undone' WHERE id > 6000;
ROLLBACK TO a;
UPDATE person SET name = 'stands' WHERE id > 6002;
SELECT count(*) FROM casesync_internal.change WHERE xid = pg_current_xact_id();
COMMIT;
SELECT tab, op, key FROM seen();
\c
SET search_path = app;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
DO $$
BEGIN
	BEGIN
		UPDATE app.person SET name = 'undone' WHERE id > 6000;
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	UPDATE app.person SET name = 'done' WHERE id > 6001;
END $$;
SELECT tab, op, key FROM seen();

-- a leaf that is not as we made it, or ceases to be in between; what is left in memory ------------------------------------
CREATE INDEX by_time ON casesync_internal.change_0 (at);
UPDATE person SET name = 'by statement' WHERE id > 6000;
SELECT tab, op, key FROM seen();
DROP INDEX casesync_internal.by_time;
CREATE FUNCTION change_leaf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX by_key ON casesync_internal.change_0 (lower(key)); RETURN NULL; END $$;
CREATE TRIGGER z_leaf AFTER UPDATE ON person FOR EACH ROW WHEN (NEW.id = 6003) EXECUTE FUNCTION change_leaf();
UPDATE person SET name = 'other leaf' WHERE id > 6000;
SELECT tab, op, key FROM seen();
SELECT count(*) FROM casesync_internal.change_0 WHERE lower(key) = '6002' AND changed->'name'->>1 = 'other leaf';
DROP TRIGGER z_leaf ON person;
DROP INDEX casesync_internal.by_key;
CREATE FUNCTION rotate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM casesync_internal.rotate_changes(); RETURN NULL; END $$;
CREATE TRIGGER z_rotate AFTER UPDATE ON person FOR EACH ROW WHEN (NEW.id = 6003) EXECUTE FUNCTION rotate();
UPDATE person SET name = 'next leaf' WHERE id > 6000;
SELECT tab, op, key FROM seen();
DROP TRIGGER z_rotate ON person;
UPDATE person SET name = repeat('x', 200) || id WHERE id < 3000;
SELECT total_bytes < 20000 AS is_given_back FROM pg_backend_memory_contexts WHERE name = 'casesync changes';

RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
