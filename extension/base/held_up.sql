/*
 * Who keeps the bridge from its work: sessions whose transaction holds what it needs. The router
 * and lanes do not wait for the locks of session_lock.c but try them again, so a transaction that
 * somebody left open stops them without an error; for a row or a table they do wait, until their
 * statement_timeout. A turn of the router and whoever decides beside it have a few seconds.
 */
CREATE OR REPLACE FUNCTION casesync_internal.keeps_waiting()
RETURNS TABLE (pid integer)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE waits (pid) AS (
		SELECT a.pid FROM pg_stat_activity a
		 WHERE a.datname = current_database() AND a.application_name LIKE 'casesync-bridge %'
		   AND a.wait_event_type = 'Lock' AND a.query_start < clock_timestamp() - interval '5 s'
		UNION
		SELECT b.pid FROM waits w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b(pid)
	)
	SELECT w.pid FROM waits w
	 WHERE NOT EXISTS (SELECT FROM pg_stat_activity a
		WHERE a.pid = w.pid AND a.wait_event_type = 'Lock')
$$;
COMMENT ON FUNCTION casesync_internal.keeps_waiting() IS
	'sessions that a session of the bridge waits for, itself or by others that wait; 0 is a '
	'prepared transaction';

/* 3 is LOCK_SPACE in session_lock.c; of its kinds 1 is the router's session, 8 a turn. */
CREATE OR REPLACE FUNCTION casesync_internal.keeps_locks()
RETURNS TABLE (pid integer, prepared text, keeps_turn boolean)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.pid, CASE WHEN l.pid IS NULL THEN l.virtualtransaction END,
		bool_or(l.classid = 8) AND NOT bool_or(l.classid = 1)
	  FROM pg_locks l
	 WHERE l.locktype = 'advisory' AND l.objsubid = 3 AND l.granted
	   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
	 GROUP BY l.pid, l.virtualtransaction
$$;
COMMENT ON FUNCTION casesync_internal.keeps_locks() IS
	'sessions and prepared transactions with locks of the router, lanes or sharing, and whether '
	'they keep the router from its turn without being it';

CREATE OR REPLACE FUNCTION casesync_internal.held_up_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN h.is_idle THEN 'critical' ELSE 'warning' END,
		format('session %s of role "%s" keeps the bridge from its work; its transaction is open '
			'since %s%s', h.pid, h.usename, to_char(h.xact_start, 'YYYY-MM-DD HH24:MI:SS'),
			CASE WHEN h.is_idle THEN ' and does nothing' ELSE '' END),
		format('SELECT * FROM pg_stat_activity WHERE pid = %1$s;  -- then COMMIT or ROLLBACK '
			'there, or SELECT pg_terminate_backend(%1$s);', h.pid)
	  FROM (SELECT a.*, a.state LIKE 'idle in transaction%' AS is_idle FROM pg_stat_activity a) h
	 WHERE h.datname = current_database() AND h.pid <> pg_backend_pid()
	   AND h.state_change < clock_timestamp() - interval '10 s'
	   AND (h.is_idle OR h.application_name NOT LIKE 'casesync-bridge %')
	   AND (h.pid IN (SELECT w.pid FROM casesync_internal.keeps_waiting() w)
		OR h.pid IN (SELECT k.pid FROM casesync_internal.keeps_locks() k
			WHERE h.is_idle OR k.keeps_turn))
	UNION ALL
	SELECT 'critical', format('a prepared transaction keeps the bridge from its work since %s',
			to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS')),
		'SELECT * FROM pg_prepared_xacts;  -- then COMMIT PREPARED or ROLLBACK PREPARED'
	  FROM pg_prepared_xacts p
	 WHERE p.database = current_database() AND p.prepared < clock_timestamp() - interval '10 s'
	   AND (p.transaction::text IN (SELECT split_part(k.prepared, '/', 2)
			FROM casesync_internal.keeps_locks() k)
		OR 0 IN (SELECT w.pid FROM casesync_internal.keeps_waiting() w))
$$;
COMMENT ON FUNCTION casesync_internal.held_up_problems() IS
	'open transactions that keep the bridge from its work';
