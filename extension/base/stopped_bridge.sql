/*
 * A bridge that was stopped in the middle (a process that is suspended, a machine that sleeps). Its
 * sessions are mostly idle, and the server drops them by idle_session_timeout, which they set
 * themselves. One that is being sent an answer is not idle but waits for its client, and no timeout
 * of the server ends that: its locks would be held for as long as the bridge is stopped.
 */
CREATE OR REPLACE FUNCTION casesync_internal.end_stopped_bridges()
RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* Locks of this kind are taken by bridges only; 3 is LOCK_SPACE in session_lock.c. */
	SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid))::integer
	  FROM pg_stat_activity a
	 WHERE a.wait_event = 'ClientWrite' AND a.pid <> pg_backend_pid()
	   AND a.query_start < clock_timestamp() - interval '7 seconds'
	   AND a.pid IN (SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 3
			  AND l.granted)
$$;
COMMENT ON FUNCTION casesync_internal.end_stopped_bridges() IS
	'end the sessions of bridges that have not taken what they asked for in seven seconds; returns '
	'how many';
