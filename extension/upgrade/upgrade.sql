/*
 * What the scripts of upgrades call: casesync--A--B.sql runs this file, then the hand-written
 * upgrade/A--B.sql, which begins with upgrade_begin(), then all code. See doc/upgrading.md.
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
			regexp_replace(c.relname, '_\d$', '') = ANY (altered) AS is_altered,
			substring(c.relname FROM '^change_(\d)$')::integer AS leaf
		  FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
		 WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v')
		   AND d.refclassid = 'pg_extension'::regclass
		   AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'casesync')
	)
	SELECT CASE WHEN r.relkind = 'v'
			/* This locks the view alone; LOCK TABLE would also lock all that it reads. */
			THEN format('ALTER VIEW %s OWNER TO %s', r.oid::regclass, r.owner)
			WHEN r.is_altered
			THEN format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', r.oid::regclass)
			ELSE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', r.oid::regclass) END
	  FROM relation r CROSS JOIN ring
	 WHERE r.leaf IS NULL OR r.is_altered
	 /* What applications write to comes last, and of that the leaf that they write to now. */
	 ORDER BY r.is_altered, r.leaf IS NOT NULL, (r.leaf - ring.leaf + 7) % 8, r.oid
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_locks(text[]) IS
	'the statements by which an upgrade has casesync''s tables to itself: readers go on, except of '
	'views and of tables that are altered; applications go on writing, except to leaves of the log '
	'that are altered';

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
 * the transaction of an application. So this waits for each lock for less time than PostgreSQL
 * waits before it looks for deadlocks, and else lets go of all and begins again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.upgrade_begin(altered text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + interval '1 minute';
	lock_statement text;
BEGIN
	LOOP
		BEGIN
			FOR lock_statement IN
				SELECT l.statement FROM casesync_internal.upgrade_locks(altered) l
			LOOP
				EXECUTE lock_statement;
			END LOOP;
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			IF clock_timestamp() > until THEN
				RAISE EXCEPTION USING errcode = 'lock_not_available',
					message = 'could not have casesync''s tables to itself within a minute',
					detail = casesync_internal.upgrade_blockers(),
					hint = 'Nothing was changed. Try again when long transactions and pg_dump are '
						'over.';
			END IF;
		END;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.upgrade_begin(text[]) IS
	'first statement of upgrade/A--B.sql, with the names of the tables that it alters (change, '
	'notification: their leaves too): locks what the upgrade needs, without ever being part of a '
	'deadlock with an application';
