/*
 * What case workers tell partners of their own accord: kept from push() until long after its
 * notification was made. The router makes that, so that a subject's states keep their order; nobody
 * else writes a row that push() has written, so a person's open transaction holds nobody up.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_add(partner text, registry text, key text,
	event_type text, note text)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.push (partner, registry, key, event_type, note)
	VALUES (partner, registry, key, event_type, note) RETURNING id
$$;
COMMENT ON FUNCTION casesync_internal.push_add(text, text, text, text, text) IS
	'the router is to tell a partner of a subject';

CREATE OR REPLACE FUNCTION casesync_internal.push_next(max_subjects integer, but_of text[])
RETURNS SETOF casesync_internal.push
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT p.* FROM casesync_internal.push p
	 WHERE p.is_new AND p.registry <> ALL (but_of) ORDER BY p.id LIMIT greatest(max_subjects, 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.push_next(integer, text[]) IS
	'the oldest that the router has not looked at, none of some registries';

CREATE OR REPLACE FUNCTION casesync_internal.push_new_of(registry text, keys text[])
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.push p WHERE p.is_new) THEN
		RETURN '{}';
	END IF;
	RETURN ARRAY(SELECT p.id FROM (SELECT DISTINCT u.key FROM unnest(keys) u(key)) k
		 CROSS JOIN LATERAL (SELECT x.id, x.is_new FROM casesync_internal.push x
			WHERE x.registry = push_new_of.registry AND x.key = k.key OFFSET 0) p
		 WHERE p.is_new);
END
$$;
COMMENT ON FUNCTION casesync_internal.push_new_of(text, text[]) IS
	'those about these subjects that the router has not looked at';

CREATE OR REPLACE FUNCTION casesync_internal.push_looked(pushes bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pushes <> '{}' THEN
		UPDATE casesync_internal.push p SET is_new = false WHERE p.id = ANY (pushes);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_looked(bigint[]) IS
	'these were looked at: what could not be told yet comes again by quarantine, or when sharing '
	'goes on';

/*
 * Also what was taken back unsent, because another version of the agreement counts or sharing was
 * stopped: as of other items, its subject is looked at again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_open_of(registry text, keys text[])
RETURNS SETOF casesync_internal.push
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.push) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT p.* FROM (SELECT DISTINCT u.key FROM unnest(keys) u(key)) k
	 CROSS JOIN LATERAL (SELECT x.* FROM casesync_internal.push x
		WHERE x.registry = push_open_of.registry AND x.key = k.key OFFSET 0) p
	 WHERE p.dropped IS NULL
	   AND (p.event IS NULL OR EXISTS (
		SELECT FROM casesync_internal.notification n
		  JOIN casesync_internal.lane l ON l.lane = n.lane AND l.partner = p.partner
		 WHERE n.registry = p.registry AND n.key = p.key AND n.event = p.event
		HAVING bool_and(n.state = 'withheld'
			AND n.state_reason IN ('the agreement changed', 'sharing was stopped'))));
END
$$;
COMMENT ON FUNCTION casesync_internal.push_open_of(text, text[]) IS
	'what is to be pushed about these subjects and is not on its way';

CREATE OR REPLACE FUNCTION casesync_internal.push_waiting(partner text, registry text, keys text[])
RETURNS TABLE (key text, event_type text, pushes bigint[], note text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.key, p.event_type, array_agg(p.id ORDER BY p.id),
		string_agg(p.note, chr(10) ORDER BY p.id)
	  FROM casesync_internal.push_open_of(registry, keys) p
	 WHERE p.partner = push_waiting.partner
	 GROUP BY p.key, p.event_type ORDER BY min(p.id)
$$;
COMMENT ON FUNCTION casesync_internal.push_waiting(text, text, text[]) IS
	'what is to be pushed to a partner about these subjects: of several at once all notes together';

CREATE OR REPLACE FUNCTION casesync_internal.push_made(pushes bigint[], event uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.push p SET event = push_made.event WHERE p.id = ANY (pushes)
$$;
COMMENT ON FUNCTION casesync_internal.push_made(bigint[], uuid) IS
	'these are told by the notifications of this event to their partner';

CREATE OR REPLACE FUNCTION casesync_internal.push_drop(pushes bigint[], why text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.push p SET dropped = why WHERE p.id = ANY (pushes)
$$;
COMMENT ON FUNCTION casesync_internal.push_drop(bigint[], text) IS
	'these are not told any more';

CREATE OR REPLACE FUNCTION casesync_internal.is_pushed(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.push p JOIN casesync_internal.lane l ON l.lane = n.lane
		 WHERE p.event = n.event AND p.partner = l.partner);
END
$$;
COMMENT ON FUNCTION casesync_internal.is_pushed(casesync_internal.notification) IS
	'whether a case worker has asked for it';

/* After notifications: one that is due, or a dead letter, still needs to be known as a push. */
CREATE OR REPLACE FUNCTION casesync_internal.push_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.push p
	 WHERE p.ctid >= first_row AND p.ctid < behind
	   AND p.at < before AND NOT p.is_new AND (p.dropped IS NOT NULL OR p.event IS NOT NULL)
	   AND NOT EXISTS (SELECT FROM casesync_internal.notification n
		WHERE n.registry = p.registry AND n.key = p.key AND n.event = p.event);
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_prune(timestamptz, bigint, bigint) IS
	'part of prune(): what case workers pushed before a time and is settled, of these pages; after '
	'the notifications';
