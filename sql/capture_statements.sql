CREATE EXTENSION casesync;
\i test/scene/capture.sql
CREATE TABLE person (id integer PRIMARY KEY, name varchar(40), person_number text, seen_at date);
CREATE TABLE enrolment (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id integer REFERENCES person ON DELETE CASCADE ON UPDATE CASCADE, status varchar(20), note text);
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change', ignore => '{seen_at}');
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change', columns => '{status}');

-- psql, one row and many ---------------------------------------------------------------------------
INSERT INTO person VALUES (1, 'Ana', 'x1'), (2, 'Binh', 'x2'), (3, 'Chen', 'x3');
INSERT INTO enrolment (person_id, status) VALUES (1, 'Active'), (2, 'Active');
-- an application that asks for its own number still gets its own
SELECT lastval();
UPDATE enrolment SET status = 'Suspended';
DELETE FROM enrolment WHERE person_id = 2;
SELECT * FROM seen();
-- updates that change nothing that is tracked
UPDATE enrolment SET status = status, note = 'read';
UPDATE person SET seen_at = '2026-01-01', person_number = person_number || '';
UPDATE person SET name = 'Ana' WHERE id = 1;
SELECT * FROM seen();

-- COPY, ON CONFLICT, MERGE --------------------------------------------------------------------------
COPY person (id, name) FROM stdin;
4	Dina
5	Emre
\.
INSERT INTO person (id, name) VALUES (5, 'Emre B.'), (6, 'Fatou') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
INSERT INTO person (id, name) VALUES (5, 'nobody') ON CONFLICT DO NOTHING;
MERGE INTO person p USING (VALUES (4, NULL), (6, 'Fatou D.'), (7, 'Goran')) n(id, name) ON p.id = n.id
	WHEN MATCHED AND n.name IS NULL THEN DELETE
	WHEN MATCHED THEN UPDATE SET name = n.name
	WHEN NOT MATCHED THEN INSERT (id, name) VALUES (n.id, n.name);
SELECT tab, op, key, old_key, changed FROM seen();

-- cascades, and a changed key: two subjects ----------------------------------------------------------
UPDATE person SET id = 10 WHERE id = 1;
UPDATE enrolment SET person_id = 3 WHERE person_id = 10;
DELETE FROM person WHERE id = 3;
SELECT * FROM seen();
INSERT INTO enrolment (status) VALUES ('Active');
UPDATE enrolment SET person_id = 2;
UPDATE enrolment SET person_id = NULL;
SELECT op, key, old_key, changed FROM seen();

-- savepoints ----------------------------------------------------------------------------------------
BEGIN;
INSERT INTO person VALUES (20, 'kept');
SAVEPOINT a;
INSERT INTO person VALUES (21, 'undone');
ROLLBACK TO a;
SAVEPOINT b;
INSERT INTO person VALUES (22, 'kept too');
RELEASE b;
COMMIT;
BEGIN;
INSERT INTO person VALUES (23, 'undone');
ROLLBACK;
SELECT * FROM seen();
-- all of one top transaction
SELECT count(DISTINCT xid) FROM casesync_internal.change WHERE key IN ('20', '22');

-- a status set by a BEFORE trigger ------------------------------------------------------------------
CREATE FUNCTION suspend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status := 'Suspended'; RETURN NEW; END $$;
CREATE TRIGGER suspend BEFORE UPDATE ON enrolment FOR EACH ROW EXECUTE FUNCTION suspend();
UPDATE enrolment SET note = 'late';
SELECT op, key, changed FROM seen();
DROP TRIGGER suspend ON enrolment;

-- nested triggers of the application fire ours in the wrong order: (cid, id) tells the true one --------
CREATE TABLE counter (id integer PRIMARY KEY, n integer);
CREATE FUNCTION count_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.n > 0 THEN
		UPDATE app.counter SET n = n - 1 WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER a_first AFTER UPDATE ON counter FOR EACH ROW EXECUTE FUNCTION count_down();
SELECT casesync.track('counter', '{people}', 'id', on_update => 'enrolment_status_change');
INSERT INTO counter VALUES (1, 0);
UPDATE counter SET n = 3;
SELECT cid - min(cid) OVER () AS command, changed FROM casesync_internal.change WHERE op = 'U' AND relation = 'counter'::regclass ORDER BY xid, cid, id;
SELECT changed AS in_the_order_of_the_triggers FROM casesync_internal.change WHERE op = 'U' AND relation = 'counter'::regclass ORDER BY id;
DROP TRIGGER a_first ON counter;
DELETE FROM looked;
-- a row that is inserted, changed and deleted by one transaction
BEGIN;
INSERT INTO counter VALUES (2, 1);
UPDATE counter SET n = 2 WHERE id = 2;
SAVEPOINT s;
UPDATE counter SET n = 3 WHERE id = 2;
DELETE FROM counter WHERE id = 2;
COMMIT;
SELECT cid - min(cid) OVER () AS command, op, changed FROM casesync_internal.change WHERE key = '2' AND relation = 'counter'::regclass ORDER BY xid, cid, id;
-- rows locked by others are no obstacle to the command's number
BEGIN;
SELECT n FROM counter WHERE id = 1 FOR KEY SHARE;
SAVEPOINT s;
SELECT n FROM counter WHERE id = 1 FOR UPDATE;
DELETE FROM counter WHERE id = 1;
COMMIT;
SELECT op, key FROM casesync_internal.change WHERE key = '1' AND relation = 'counter'::regclass ORDER BY id DESC LIMIT 1;

-- what the application claims -------------------------------------------------------------------------
SET casesync.actor = 'caseworker 12';
SET casesync.channel = 'intake form';
INSERT INTO counter VALUES (3, 1);
SELECT actor, channel, "session_user" = session_user AS is_session_user, origin, era, at > now() - interval '1 hour' AS at
	FROM casesync_internal.change WHERE key = '3' AND relation = 'counter'::regclass;
SELECT set_config('casesync.actor', repeat('x', 201), false);
RESET casesync.actor;
RESET casesync.channel;
-- the origin ends with the (sub)transaction that set it
CREATE VIEW origins AS SELECT key, origin FROM casesync_internal.change WHERE relation = 'counter'::regclass AND op = 'I' AND key::integer >= 30 ORDER BY id;
BEGIN;
SELECT casesync_internal.set_origin(7);
INSERT INTO counter VALUES (30);
SAVEPOINT s;
SELECT casesync_internal.set_origin(8);
INSERT INTO counter VALUES (31);
ROLLBACK TO s;
INSERT INTO counter VALUES (32);
SAVEPOINT t;
INSERT INTO counter VALUES (33);
SELECT casesync_internal.set_origin(9);
INSERT INTO counter VALUES (34);
RELEASE t;
INSERT INTO counter VALUES (35);
SELECT casesync_internal.set_origin(NULL);
INSERT INTO counter VALUES (36);
COMMIT;
INSERT INTO counter VALUES (37);
SELECT * FROM origins;

RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
