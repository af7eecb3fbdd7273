CREATE EXTENSION casesync;
\i test/scene/capture.sql

CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer);
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment');
CREATE VIEW leaves AS SELECT tableoid::regclass::text AS leaf, key FROM (
	SELECT tableoid, * FROM casesync_internal.change_0 UNION ALL SELECT tableoid, * FROM casesync_internal.change_1 UNION ALL
	SELECT tableoid, * FROM casesync_internal.change_2 UNION ALL SELECT tableoid, * FROM casesync_internal.change_7) c ORDER BY xid, id;
INSERT INTO enrolment VALUES (1, 1);
SELECT casesync_internal.rotate_changes();
INSERT INTO enrolment VALUES (2, 2);
SELECT * FROM leaves;
-- a rotation that is undone; one seen by the transaction that made it
BEGIN;
SELECT casesync_internal.rotate_changes();
INSERT INTO enrolment VALUES (3, 3);
SELECT * FROM leaves;
ROLLBACK;
INSERT INTO enrolment VALUES (3, 3);
SELECT * FROM leaves;
-- only routed rows go, and never those of the current leaf
SELECT casesync_internal.empty_change_leaves('1:1:', 1);
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 0);
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 2);
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
SELECT * FROM leaves;
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 2, earlier_routed => true);
SELECT * FROM leaves;
-- a snapshot in which one of the rows was still open
INSERT INTO enrolment VALUES (4, 4);
SELECT casesync_internal.rotate_changes();
SELECT casesync_internal.empty_change_leaves(format('%s:%s:%s', xid, xid::text::bigint + 1, xid)::pg_snapshot, 1) FROM casesync_internal.change WHERE key = '4';
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
SELECT * FROM leaves;
-- the ring passes over a leaf that is in use, and stands still when all are
INSERT INTO enrolment VALUES (5, 5);
SELECT casesync_internal.rotate_changes() FROM generate_series(1, 8);
BEGIN;
DO $$ BEGIN
	FOR i IN 1 .. 8 LOOP
		INSERT INTO enrolment VALUES (100 + i, 5);
		EXIT WHEN casesync_internal.rotate_changes() IS NULL;
	END LOOP;
END $$;
SELECT casesync_internal.rotate_changes() IS NULL AS stands_still, count(*) FROM casesync_internal.change WHERE key = '5';
ROLLBACK;
INSERT INTO enrolment VALUES (6, 6);
SELECT leaf FROM casesync_internal.change_ring;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
ROLLBACK;
-- the definition of a removed tracking goes when no change needs it
SELECT casesync.untrack('enrolment');
SELECT count(*) FROM casesync_internal.tracking;
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
SELECT count(*) FROM casesync_internal.tracking;
SELECT casesync_internal.rotate_changes() IS NOT NULL;
SELECT casesync_internal.empty_change_leaves(pg_current_snapshot(), 1);
SELECT count(*) FROM casesync_internal.tracking;

-- a library meets a log that is newer or older than it ---------------------------------------------------
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment');
SELECT id AS tracking FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1 \gset
DO $$
BEGIN
	FOR i IN 0..7 LOOP
		EXECUTE format('ALTER TABLE casesync_internal.change_%s ADD COLUMN later integer', i);
		EXECUTE format('ALTER TABLE casesync_internal.change_%s RENAME COLUMN channel TO unknown_channel', i);
	END LOOP;
END
$$;
SET casesync.channel = 'form';
INSERT INTO enrolment VALUES (7, 7);
SELECT key, "session_user" = session_user AS session_user, unknown_channel, later FROM casesync_internal.change_0 UNION ALL
	SELECT key, "session_user" = session_user, unknown_channel, later FROM casesync_internal.change_1 UNION ALL
	SELECT key, "session_user" = session_user, unknown_channel, later FROM casesync_internal.change_4;

-- the era -------------------------------------------------------------------------------------------------
SELECT to_regclass('casesync_internal.node') IS NULL OR EXISTS (SELECT FROM pg_trigger
	WHERE tgrelid = to_regclass('casesync_internal.node') AND tgname = 'cache_reset') AS node_tells_sessions;

RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
