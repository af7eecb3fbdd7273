/* Who decides about subjects, and who sends what waits of them: the lock that both take. */

/*
 * One by one by the subject: of many keys at once a plan may go through all that waits of the
 * registry, and one that has the order from the ids through all that there is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.due_of(registry text, keys text[])
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT d.id FROM (SELECT DISTINCT u.key FROM unnest(keys) u(key)) k
	 CROSS JOIN LATERAL (SELECT n.id FROM casesync_internal.notification n
		WHERE n.registry = due_of.registry AND n.key = k.key AND n.state = 'due' OFFSET 0) d
	 ORDER BY d.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.due_of(text, text[]) IS
	'what waits to be sent of these subjects, in the order of ids';

/*
 * The lock of subjects: their due notifications. A turn of the router shares it with who only sends
 * them (NO KEY UPDATE, lock_due()), and with nobody who takes any of them back (UPDATE), or changes
 * what partners know of them because of that. When a sender was faster, the next look has it alone.
 * The router waits: senders are done within moments and never wait for it. Who is not, since a
 * person's transaction is open, is left aside.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_lock(registry text, keys text[],
	is_alone boolean)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF is_alone THEN
		PERFORM FROM casesync_internal.due_of(registry, keys) i(id)
		 CROSS JOIN LATERAL (SELECT FROM casesync_internal.notification n
			WHERE n.id = i.id AND n.state || '' = 'due' OFFSET 0 FOR UPDATE) x;
	ELSE
		PERFORM FROM casesync_internal.due_of(registry, keys) i(id)
		 CROSS JOIN LATERAL (SELECT FROM casesync_internal.notification n
			WHERE n.id = i.id AND n.state || '' = 'due' OFFSET 0 FOR KEY SHARE) x;
	END IF;
	RETURN '{}';
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN casesync_internal.notification_locked(registry, keys);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_lock(text, text[], boolean) IS
	'for the router: until the end of the transaction nobody takes back what waits to be sent of '
	'these subjects, or sends it; gives those of which somebody else keeps it locked';

CREATE OR REPLACE FUNCTION casesync_internal.notification_locked(registry text, keys text[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN ARRAY(
		WITH free AS MATERIALIZED (
			SELECT x.id FROM casesync_internal.due_of(registry, keys) i(id)
			 CROSS JOIN LATERAL (SELECT n.id FROM casesync_internal.notification n
				WHERE n.id = i.id AND n.state || '' = 'due' OFFSET 0 FOR UPDATE SKIP LOCKED) x)
		SELECT DISTINCT n.key FROM casesync_internal.notification n
		 WHERE n.registry = notification_locked.registry AND n.key = ANY (keys)
		   AND n.state = 'due' AND NOT EXISTS (SELECT FROM free f WHERE f.id = n.id));
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_locked(text, text[]) IS
	'part of notification_lock(): locks what is free; gives the subjects of which not all is';
