CREATE EXTENSION casesync;
\i test/scene/capture.sql

-- migrations of tracked tables: nothing of casesync's is in their way, and nothing goes with a column -----------
CREATE TABLE stay (id integer PRIMARY KEY, person_id integer, kind varchar(20), beds integer, remark text);
SELECT casesync.track('stay', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change',
	columns => '{kind,beds}', condition => $$beds > 1 AND kind <> 'day'$$);
CREATE VIEW drift AS SELECT d.problem FROM casesync.tracked, unnest(drift) d(problem);
INSERT INTO stay VALUES (1, 1, 'night', 2, 'a'), (2, 2, 'night', 1, 'a'), (3, 3, 'day', 5, 'a'), (4, 4, 'night', NULL, 'a');
SELECT op, key FROM seen();
UPDATE stay SET remark = 'b';
UPDATE stay SET beds = beds;
SELECT op, key FROM seen();
-- into the condition, within it, out of it
UPDATE stay SET beds = 3;
UPDATE stay SET beds = 1 WHERE id = 1;
UPDATE stay SET beds = 0 WHERE id = 1;
SELECT op, key, changed FROM seen();
DELETE FROM stay WHERE id IN (1, 2);
SELECT op, key FROM seen();
-- a column of another type, which the condition still means
ALTER TABLE stay ALTER COLUMN beds TYPE bigint, ALTER COLUMN kind TYPE text, ALTER COLUMN person_id TYPE bigint;
INSERT INTO stay VALUES (5, 5, 'night', 2, 'a'), (6, 6, 'night', 1, 'a');
UPDATE stay SET kind = 'day' WHERE id = 5;
SELECT op, key, changed FROM seen();
SELECT * FROM drift;
-- one that it does not: all rows count, and it is said
ALTER TABLE stay ALTER COLUMN beds TYPE text USING beds::text;
INSERT INTO stay VALUES (7, 7, 'day', 'none', 'a');
SELECT op, key FROM seen();
SELECT * FROM drift;
SELECT casesync.retrack('stay');
ALTER TABLE stay ALTER COLUMN beds TYPE smallint USING NULL;
INSERT INTO stay VALUES (8, 8, 'night', 2, 'a'), (9, 9, 'night', 1, 'a');
SELECT op, key FROM seen();
SELECT * FROM drift;
-- renamed, and another has its name
ALTER TABLE stay RENAME COLUMN beds TO places;
ALTER TABLE stay ADD COLUMN beds integer DEFAULT 9;
INSERT INTO stay (id, person_id, kind, places, beds) VALUES (10, 10, 'night', 1, 9), (11, 11, 'night', 2, 0);
SELECT op, key FROM seen();
ALTER TABLE stay DROP COLUMN beds;
-- dropped: the triggers stay, all rows count
ALTER TABLE stay DROP COLUMN kind CASCADE;
INSERT INTO stay (id, person_id, places) VALUES (12, 12, 0);
UPDATE stay SET places = 1 WHERE id = 12;
SELECT op, key, changed FROM seen();
SELECT * FROM drift;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'stay'::regclass;
-- the key: that there was something is a gap
ALTER TABLE stay DROP COLUMN person_id CASCADE;
UPDATE stay SET places = 7;
UPDATE stay SET places = 8;
SELECT op, key, changed FROM seen();
SELECT casesync_internal.gap_found(c) AS gap FROM casesync_internal.change c WHERE op = 'G' ORDER BY xid;
SELECT reason, state FROM casesync.gaps;
DROP TABLE stay;

-- whoever writes needs no right on what the condition names --------------------------------------------------------
CREATE ROLE regress_writer;
CREATE SCHEMA hidden;
CREATE TYPE hidden.state AS ENUM ('new', 'old');
CREATE TABLE visit (id integer PRIMARY KEY, state hidden.state, sex casesync.sex);
SELECT casesync.track('visit', '{people}', 'id', on_insert => 'enrolment', condition => $$state = 'new'::hidden.state AND sex = 'Male'::casesync.sex$$);
GRANT USAGE ON SCHEMA app TO regress_writer;
GRANT ALL ON visit TO regress_writer;
SET ROLE regress_writer;
INSERT INTO visit VALUES (1, 'new', 'Male'), (2, 'old', 'Male'), (3, 'new', 'Female');
RESET ROLE;
SELECT op, key FROM seen();

-- retrack() does nothing where nothing differs ------------------------------------------------------------------------
CREATE TABLE payment (id integer, person_id integer, region text) PARTITION BY LIST (region);
CREATE TABLE payment_north PARTITION OF payment FOR VALUES IN ('north');
CREATE TABLE payment_south PARTITION OF payment FOR VALUES IN ('south');
SELECT casesync.track('payment', '{people}', 'person_id', on_insert => 'enrolment');
CREATE FUNCTION mine() RETURNS TABLE (kind text, n bigint) LANGUAGE sql AS $$
	SELECT 'locks', count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode NOT IN ('AccessShareLock', 'ExclusiveLock') AND relation IN ('app.payment'::regclass, 'app.payment_north'::regclass, 'app.payment_south'::regclass, 'casesync_internal.tracking'::regclass)
	UNION ALL SELECT 'new triggers', count(*) FROM pg_trigger WHERE xmin = pg_current_xact_id()::xid
$$;
BEGIN;
SELECT casesync.retrack('payment');
SELECT * FROM mine();
-- what differs is mended, and nothing else
ALTER TABLE payment_south DISABLE TRIGGER casesync_3_insert;
SELECT casesync.retrack('payment');
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE xmin = pg_current_xact_id()::xid;
SELECT casesync.retrack('payment');
COMMIT;
SELECT tgrelid::regclass, tgenabled FROM pg_trigger WHERE tgname = 'casesync_3_insert' ORDER BY 1;
DROP TRIGGER casesync_3_truncate ON payment_south;
DROP TRIGGER casesync_3_update ON payment;
CREATE TRIGGER casesync_3_update AFTER UPDATE ON payment FOR EACH ROW WHEN (OLD.region <> NEW.region) EXECUTE FUNCTION casesync_internal.capture_change('3');
BEGIN;
SELECT casesync.retrack('payment');
SELECT tgrelid::regclass, tgname, tgqual FROM pg_trigger WHERE xmin = pg_current_xact_id()::xid ORDER BY 1, 2;
COMMIT;
-- a trigger that somebody else has given such a name is his
DROP TRIGGER casesync_3_truncate ON payment_south;
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER casesync_3_truncate BEFORE TRUNCATE ON payment_south FOR EACH STATEMENT EXECUTE FUNCTION other();
SELECT casesync.retrack('payment');
DROP TRIGGER casesync_3_truncate ON payment_south;

RESET search_path;
DROP SCHEMA hidden CASCADE;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_writer;
DROP ROLE regress_writer;
