/*
 * What the scripts of upgrades call: casesync--A--B.sql runs this file, then the hand-written
 * upgrade/A--B.sql, which begins with upgrade_begin(), then all code. See doc/upgrading.md.
 */
/*
 * Tables that applications read when they write tracked rows, make a record or publish a view stay
 * readable. All others are locked whole: a turn of the bridge that has begun is waited for, and one
 * that begins waits, so that none goes on half by the old code and half by the new.
 */
CREATE OR REPLACE FUNCTION casesync_internal.upgrade_locks(altered text[])
RETURNS TABLE (statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH ring(leaf) AS (
		SELECT coalesce((SELECT r.leaf FROM casesync_internal.change_ring r), 0)
	), relation AS (
		SELECT c.oid, c.relkind, c.relowner::regrole AS owner,
			regexp_replace(c.relname, '_[0-9]$', '') = ANY (altered) AS is_altered,
			substring(c.relname FROM '^change_([0-9])$')::integer AS leaf,
			c.relname = ANY ('{change_ring,node,tracking,crosswalk_word,crosswalk_change,'
				'local_code,registry,registry_type,event_type,handler}') AS is_read
		  FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
		 WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v')
		   AND d.refclassid = 'pg_extension'::regclass
		   AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'casesync')
	)
	SELECT CASE WHEN r.relkind = 'v'
			/* This locks the view alone; LOCK TABLE would also lock all that it reads. */
			THEN format('ALTER VIEW %s OWNER TO %s', r.oid::regclass, r.owner)
			ELSE format('LOCK TABLE ONLY %s IN %s MODE', r.oid::regclass, CASE
				WHEN r.is_read AND NOT r.is_altered THEN 'SHARE ROW EXCLUSIVE'
				ELSE 'ACCESS EXCLUSIVE' END) END
	  FROM relation r CROSS JOIN ring
	 WHERE r.leaf IS NULL OR r.is_altered
	 /* What applications use comes last, and of that the leaf that they write to now. */
	 ORDER BY r.is_read AND r.is_altered, r.leaf IS NOT NULL, (r.leaf - ring.leaf + 7) % 8, r.oid
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_locks(text[]) IS
	'the statements by which an upgrade has casesync''s tables to itself; applications go on '
	'writing, except to leaves of the log that are altered';

CREATE OR REPLACE FUNCTION casesync_internal.upgrade_blockers()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(DISTINCT format('process %s (%s, %s, transaction began %s) holds %s on %s',
			l.pid, a.usename, coalesce(nullif(a.application_name, ''), a.backend_type),
			date_trunc('second', a.xact_start), l.mode, c.relname), '; ')
	  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	  JOIN pg_stat_activity a ON a.pid = l.pid
	 WHERE l.granted AND l.pid <> pg_backend_pid()
	   AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
	   AND c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
	   AND c.relkind IN ('r', 'v')
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_blockers() IS
	'who uses casesync''s tables and views now';

/*
 * Waiting for one lock while holding others is how deadlocks come about, and a deadlock may end
 * the transaction of an application. So all this takes less time than PostgreSQL waits before it
 * looks for deadlocks (deadlock_timeout, 1 s), or everything is let go and begun again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.upgrade_try(altered text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + interval '0.4 s';
	lock_statement text;
BEGIN
	FOR lock_statement IN SELECT l.statement FROM casesync_internal.upgrade_locks(altered) l LOOP
		EXECUTE lock_statement;
		IF clock_timestamp() > until THEN
			RAISE lock_not_available;
		END IF;
	END LOOP;
	RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_try(text[]) IS
	'part of upgrade_begin(): all the locks, or none';

CREATE OR REPLACE FUNCTION casesync_internal.upgrade_begin(altered text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	patience constant interval := coalesce(
		nullif(current_setting('lock_timeout')::interval, interval '0'), interval '1 minute');
	until constant timestamptz := clock_timestamp() + patience;
BEGIN
	/* The script has been read by now: a backslash in it already means something else. */
	IF current_setting('standard_conforming_strings') <> 'on' THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = 'casesync needs standard_conforming_strings to be on',
			hint = 'SET standard_conforming_strings = on; and ALTER EXTENSION again.';
	END IF;
	WHILE NOT casesync_internal.upgrade_try(altered) LOOP
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION USING errcode = 'lock_not_available',
				message = format('could not have casesync''s tables to itself within %s', patience),
				detail = casesync_internal.upgrade_blockers(),
				hint = 'Nothing was changed. Try again when long transactions and pg_dump are '
					'over.';
		END IF;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_begin(text[]) IS
	'first statement of upgrade/A--B.sql, with the names of the tables that it alters (change, '
	'notification: their leaves too): locks what the upgrade needs, without ever being part of a '
	'deadlock with an application';
