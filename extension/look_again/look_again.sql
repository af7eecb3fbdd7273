/*
 * The queue of subjects that are to be looked at again. Whoever decides something that may change
 * what a partner gets of a subject adds it here; the router renders and compares it like one that
 * changed. There may be a million of them: the queue is walked by its indexes, whatever the planner
 * believes of a table that was empty a minute ago.
 */
CREATE OR REPLACE FUNCTION casesync_internal.happened_first(
	waiting casesync_internal.look_again_entry, added casesync_internal.look_again_entry)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT least(coalesce(waiting.happened, waiting.at), coalesce(added.happened, added.at))
$$;
COMMENT ON FUNCTION casesync_internal.happened_first(casesync_internal.look_again_entry,
	casesync_internal.look_again_entry) IS
	'when the first of two reasons to look at a subject happened';

/* In one order: two who add the same subjects must not wait for each other in a circle. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_put_all(registries text[], keys text[],
	event_types text[], origins bigint[], happened timestamptz[], reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added bigint;
BEGIN
	INSERT INTO casesync_internal.look_again_entry AS l (registry, key, event_type, reason, origin,
		happened)
	SELECT d.registry, d.key, d.event_type, look_again_put_all.reason,
		CASE WHEN count(d.origin) = count(*) THEN max(d.origin) END, min(d.happened)
	  FROM unnest(registries, keys, event_types, origins, look_again_put_all.happened)
		d(registry, key, event_type, origin, happened)
	 /* A longer key is never rendered. */
	 WHERE octet_length(d.key) <= 1000
	 GROUP BY d.registry, d.key COLLATE "C", d.key, d.event_type
	 ORDER BY d.registry, d.key COLLATE "C", d.event_type
	/* The time anew: who is being looked at just now is looked at once more, look_again_done(). */
	ON CONFLICT ON CONSTRAINT look_again_entry_about DO UPDATE
		SET reason = excluded.reason, at = excluded.at,
			origin = CASE WHEN l.origin = excluded.origin THEN l.origin END,
			happened = casesync_internal.happened_first(l, excluded);
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_put_all(text[], text[], text[], bigint[],
	timestamptz[], text) IS
	'part of look_again_add_all(): all of these, or none';

/*
 * Who adds in several calls of one transaction cannot keep to one order. Then whoever finds the
 * circle gives back what this call has locked, lets the other one through, which nothing says when
 * it is, and begins anew.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_add_all(registries text[], keys text[],
	event_types text[], origins bigint[], happened timestamptz[], reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR try IN 1 .. 5 LOOP
		BEGIN
			RETURN casesync_internal.look_again_put_all(registries, keys, event_types, origins,
				happened, reason);
		EXCEPTION WHEN deadlock_detected THEN
			IF try = 5 THEN
				RAISE;
			END IF;
			PERFORM pg_sleep(0.05 * try);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_add_all(text[], text[], text[], bigint[],
	timestamptz[], text) IS
	'have these subjects looked at later, each with its registry, event type, the received item it '
	'comes from and when it happened; returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_add(registry text, keys text[],
	event_type text, reason text, happened timestamptz[] DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n constant integer[] := ARRAY[coalesce(cardinality(keys), 0)];
BEGIN
	RETURN casesync_internal.look_again_add_all(array_fill(registry, n), keys,
		array_fill(event_type, n), array_fill(NULL::bigint, n), happened, reason);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_add(text, text[], text, text, timestamptz[]) IS
	'have these subjects of a registry looked at again, each for what happened at the time in the '
	'same place (NULL: now); returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_since(registry text, key text,
	event_type text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
BEGIN
	RETURN (SELECT l.happened FROM casesync_internal.look_again_entry l
		WHERE l.registry = look_again_since.registry AND l.key = look_again_since.key
		  AND l.event_type = look_again_since.event_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_since(text, text, text) IS
	'when the first of what a subject waits for happened; NULL: now, or it does not wait';

/* One step of the index for each. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_registries()
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
	SET enable_sort = off SET enable_incremental_sort = off
AS $$
DECLARE
	r text := '';
BEGIN
	LOOP
		SELECT l.registry INTO r FROM casesync_internal.look_again_entry l
		 WHERE l.registry > r ORDER BY l.registry LIMIT 1;
		EXIT WHEN NOT FOUND;
		RETURN NEXT r;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_registries() IS
	'the registries that have something in the queue';

/* Those of a registry that is no longer published; the rest at the next look. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_drop(registry text, max_entries integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
	DELETE FROM casesync_internal.look_again_entry l WHERE l.id = ANY (ARRAY(
		SELECT x.id FROM casesync_internal.look_again_entry x
		 WHERE x.registry = look_again_drop.registry LIMIT max_entries))
$$;
COMMENT ON FUNCTION casesync_internal.look_again_drop(text, integer) IS
	'part of look_again_next(): forget some of what waits of a registry';

/* The first reason stays: it is what it began with. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_all(registry text, reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.look_again_registry (registry, reason)
	VALUES (look_again_all.registry, look_again_all.reason)
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION casesync_internal.look_again_all(text, text) IS
	'have all subjects of a registry looked at again, by the router, as soon as it can';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_all_take(registry text)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.look_again_registry l
	 WHERE l.registry = look_again_all_take.registry RETURNING l.reason
$$;
COMMENT ON FUNCTION casesync_internal.look_again_all_take(text) IS
	'all subjects of a registry are being looked at now; why that was asked for, or NULL';

/* Each registry has its share: a million of one must not keep ten of another waiting. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_next(max_subjects integer,
	but_of text[] DEFAULT '{}')
RETURNS SETOF casesync_internal.look_again_entry
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
	SET enable_sort = off SET enable_incremental_sort = off
AS $$
DECLARE
	waiting constant text[] := ARRAY(SELECT w FROM casesync_internal.look_again_registries() w);
	r text;
	registries text[] := '{}';
	wanted integer := max_subjects;
	found_here integer;
BEGIN
	FOREACH r IN ARRAY waiting LOOP
		IF NOT EXISTS (SELECT FROM casesync_internal.registry g WHERE g.registry = r) THEN
			PERFORM casesync_internal.look_again_drop(r, 10000);
		ELSIF r <> ALL (but_of) THEN
			registries := registries || r;
		END IF;
	END LOOP;
	FOR i IN 1 .. cardinality(registries) LOOP
		EXIT WHEN wanted <= 0;
		RETURN QUERY
			/* An array, so that only the index that begins with it has this order. */
			SELECT * FROM casesync_internal.look_again_entry l
			 WHERE l.registry = ANY (ARRAY[registries[i]])
			 ORDER BY l.registry, l.id
			 LIMIT greatest(1, wanted / (cardinality(registries) - i + 1));
		GET DIAGNOSTICS found_here = ROW_COUNT;
		wanted := wanted - found_here;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_next(integer, text[]) IS
	'what is to be looked at next, of each registry the oldest first, and nothing of some; stays '
	'in the queue until look_again_done()';

/*
 * For every event type: who waits for one of them must not be forgotten because the subject is
 * routed for another; see route_registry(). One by one by the index that has this order: see
 * waiting_from().
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_of(registry text, keys text[])
RETURNS SETOF casesync_internal.look_again_entry
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.look_again_entry) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT l.* FROM (SELECT DISTINCT u.key FROM unnest(keys) u(key)) k
	 CROSS JOIN LATERAL (SELECT e.* FROM casesync_internal.look_again_entry e
		WHERE e.registry = ANY (ARRAY[look_again_of.registry]) AND e.key >= k.key
		  AND e.key <= k.key
		ORDER BY e.registry, e.key, e.event_type OFFSET 0) l;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_of(text, text[]) IS
	'what of these subjects is in the queue now';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_done(
	entries casesync_internal.look_again_entry[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	/* Who holds one asks for it anew, or erases it: not waited for, which could be in a circle. */
	DELETE FROM casesync_internal.look_again_entry l WHERE l.id = ANY (ARRAY(
		SELECT x.id FROM unnest(entries) e
		 /* One by one, and an array: else a plan for few would find them anew for each entry. */
		 CROSS JOIN LATERAL (SELECT y.id FROM casesync_internal.look_again_entry y
			WHERE y.id = e.id AND y.at = e.at FOR UPDATE SKIP LOCKED) x));
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_done(casesync_internal.look_again_entry[]) IS
	'these were looked at; those that were asked for again meanwhile stay';
