CREATE EXTENSION casesync;
\i test/scene/capture.sql

CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer, status text);
CREATE TABLE consent (id integer PRIMARY KEY, person_id integer);
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
SELECT casesync.track('consent', '{people}', 'person_id', on_insert => 'enrolment');

-- off: one row per (sub)transaction and tracking says so ------------------------------------------------
CREATE ROLE regress_loader;
GRANT USAGE ON SCHEMA app TO regress_loader;
GRANT ALL ON enrolment, consent TO regress_loader;
GRANT SET ON PARAMETER casesync.capture TO regress_loader;
SET SESSION AUTHORIZATION regress_loader;
SET search_path = app;
SET casesync.capture = off;
BEGIN;
INSERT INTO enrolment SELECT i, i, 'Active' FROM generate_series(1, 100) i;
INSERT INTO enrolment SELECT i, i, 'Active' FROM generate_series(101, 200) i;
INSERT INTO consent VALUES (1, 1);
SAVEPOINT s;
UPDATE enrolment SET status = 'Exited' WHERE id < 10;
ROLLBACK TO s;
SAVEPOINT t;
UPDATE enrolment SET status = 'Exited' WHERE id < 20;
RELEASE t;
COMMIT;
UPDATE enrolment SET status = status;
BEGIN;
UPDATE enrolment SET status = 'Inactive';
ROLLBACK;
-- two tables by turns: still one row for each
BEGIN;
DO $$
BEGIN
	FOR i IN 1001..1100 LOOP
		INSERT INTO enrolment VALUES (i, i, 'Active');
		INSERT INTO consent VALUES (i, i);
	END LOOP;
END
$$;
COMMIT;
SET casesync.capture = on;
UPDATE enrolment SET status = 'Suspended' WHERE id = 5;
RESET SESSION AUTHORIZATION;
SET search_path = app;
SELECT op, tracking, key, changed, "session_user" FROM casesync_internal.change ORDER BY xid, cid, id;
SELECT casesync_internal.gap_found(c) AS gap, tracking FROM (SELECT * FROM casesync_internal.change WHERE op = 'G' ORDER BY xid, cid, id) c;
SELECT gap, relation, registries, reason, who, state, ended >= started AS times FROM casesync.gaps ORDER BY gap;
SET casesync.capture = 'bulk';

-- stop and start ------------------------------------------------------------------------------------------
SELECT casesync.stop_capture('');
SELECT casesync.stop_capture('upgrade of the case system') AS gap \gset
SELECT casesync.stop_capture('again', 'consent');
INSERT INTO consent VALUES (2, 2);
UPDATE enrolment SET status = 'Inactive';
SELECT tracking, drift, hint = 'SELECT * FROM casesync.start_capture(' || :gap || ');' AS hint FROM casesync.tracked ORDER BY 1;
SELECT relation, registries, reason, ended, state FROM casesync.gaps WHERE gap = :gap;
SELECT count(*) FROM seen() WHERE op <> 'G';
SELECT registry, regexp_replace(hint, '\d+', 'N') AS hint FROM casesync.start_capture(:gap);
SELECT * FROM casesync.start_capture(:gap);
SELECT state FROM casesync.gaps WHERE gap = :gap;
INSERT INTO consent VALUES (3, 3);
SELECT op, key FROM seen();
SELECT casesync.stop_capture('nothing', 'people');
-- stopped in a transaction that is undone: nothing was stopped
BEGIN;
SELECT casesync.stop_capture('not really', 'consent') > 0 AS stopped;
INSERT INTO consent VALUES (4, 4);
ROLLBACK;
INSERT INTO consent VALUES (5, 5);
SELECT op, key FROM seen();

-- prepared transactions ---------------------------------------------------------------------------------
BEGIN;
INSERT INTO consent VALUES (6, 6);
PREPARE TRANSACTION 'regress_casesync';
SELECT op, key FROM seen();
COMMIT PREPARED 'regress_casesync';
SELECT op, key FROM seen();
BEGIN;
INSERT INTO consent VALUES (7, 7);
PREPARE TRANSACTION 'regress_casesync';
ROLLBACK PREPARED 'regress_casesync';
SELECT op, key FROM seen();

DROP TABLE enrolment, consent;
DROP OWNED BY regress_loader;
REVOKE SET ON PARAMETER casesync.capture FROM regress_loader;
DROP ROLE regress_loader;
RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
