/*
 * Captured keys that stand for very many subjects: one row of a table of programmes concerns all
 * who are in one. Their subjects are read a page at a time, in the order of their keys, and go to
 * the queue of those to be looked at, which is routed a slice at a time. What is read is committed,
 * however many there are.
 */
CREATE OR REPLACE FUNCTION casesync_internal.expansion_add(tracking integer, keys text[],
	event_types text[], origins bigint[], happened timestamptz[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.expansion AS x (tracking, key, event_type, origin, at)
	SELECT DISTINCT ON (u.key, u.event_type) expansion_add.tracking, u.key, u.event_type, u.origin,
		u.at
	  FROM unnest(keys, event_types, origins, happened) u(key, event_type, origin, at)
	/* What is read already has changed once more. */
	ON CONFLICT (tracking, md5(key), event_type) DO UPDATE SET after_key = NULL,
		at = least(x.at, excluded.at),
		origin = CASE WHEN x.origin = excluded.origin THEN x.origin END
$$;
COMMENT ON FUNCTION casesync_internal.expansion_add(integer, text[], text[], bigint[],
	timestamptz[]) IS
	'have the subjects of these captured keys read, a page at a time, for what happened then';

/*
 * One page. Whoever fails is put into quarantine with the captured key, as when its subjects are
 * few. What a tracking may feed is asked at each page.
 */
CREATE OR REPLACE FUNCTION casesync_internal.expansion_page(x casesync_internal.expansion,
	t casesync_internal.tracking)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := casesync_internal.turn_limit('page');
	fed constant text[] := casesync_internal.tracking_feeds(t);
	page text[];
BEGIN
	page := casesync_internal.subjects_page(t, x.key, casesync_internal.subjects_until(),
		x.after_key, size);
	PERFORM casesync_internal.look_again_add_all(array_agg(r), array_agg(k),
		array_agg(x.event_type), array_agg(x.origin), array_agg(x.at),
		'one change concerns very many subjects')
	   FROM unnest(page) k CROSS JOIN unnest(fed) r
	  WHERE octet_length(k) <= 1000 HAVING count(*) > 0;
	/* The queue has no such keys, and nobody renders them. */
	PERFORM casesync_internal.quarantine_add(r, 0, ARRAY[k], x.event_type, '54000',
		format('the subject key has %s bytes, more than 1000', octet_length(k)))
	   FROM unnest(page) k CROSS JOIN unnest(fed) r WHERE octet_length(k) > 1000;
	DELETE FROM casesync_internal.expansion e WHERE e.id = x.id;
	IF cardinality(page) = size THEN
		INSERT INTO casesync_internal.expansion (tracking, key, event_type, origin, at, after_key)
		VALUES (x.tracking, x.key, x.event_type, x.origin, x.at, page[size]);
	END IF;
	RETURN cardinality(page);
EXCEPTION WHEN OTHERS THEN
	DELETE FROM casesync_internal.expansion e WHERE e.id = x.id;
	PERFORM casesync_internal.quarantine_add(r, t.id, ARRAY[x.key], x.event_type, SQLSTATE,
		SQLERRM)
	   FROM unnest(fed) r;
	RETURN 0;
END
$$;
COMMENT ON FUNCTION casesync_internal.expansion_page(casesync_internal.expansion,
	casesync_internal.tracking) IS
	'put the next subjects of a captured key into the queue; returns how many';

/* Oldest first; what goes on after its page goes to the end, so that small ones do not wait. */
CREATE OR REPLACE FUNCTION casesync_internal.expansion_turn(t casesync_internal.tracking)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_sort = off
	SET enable_incremental_sort = off SET jit = off
AS $$
DECLARE
	begun constant timestamptz := clock_timestamp();
	x casesync_internal.expansion;
	subjects integer := 0;
BEGIN
	FOR x IN SELECT * FROM casesync_internal.expansion e WHERE e.tracking = t.id
			  ORDER BY e.tracking, e.id LIMIT casesync_internal.turn_limit('slice') LOOP
		subjects := subjects + casesync_internal.expansion_page(x, t);
		EXIT WHEN subjects >= casesync_internal.turn_limit('slice')
			OR NOT casesync_internal.turn_has_time();
	END LOOP;
	PERFORM casesync_internal.pace_note('', t.id, 1, clock_timestamp() - begun);
	RETURN subjects;
END
$$;
COMMENT ON FUNCTION casesync_internal.expansion_turn(casesync_internal.tracking) IS
	'read subjects of captured keys of one tracking; returns how many';

/* The trackings by turns, those last that took long a little while ago. */
CREATE OR REPLACE FUNCTION casesync_internal.expand_next(with_slow boolean)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	is_left boolean := with_slow AND casesync_internal.turn_has_time();
	subjects integer := 0;
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.expansion) THEN
		RETURN 0;
	END IF;
	FOR t IN
		SELECT g.* FROM casesync_internal.tracking g
		 CROSS JOIN LATERAL (SELECT e.id FROM casesync_internal.expansion e
			WHERE e.tracking = g.id ORDER BY e.tracking, e.id LIMIT 1) oldest
		  LEFT JOIN casesync_internal.routing_pace p ON p.registry = '' AND p.tracking = g.id
			AND p.rest_until IS NOT NULL
		 WHERE with_slow OR p.tracking IS NULL
		 ORDER BY p.rest_until NULLS FIRST, oldest.id
	LOOP
		EXIT WHEN subjects > 0 OR NOT casesync_internal.turn_has_time();
		is_left := false;
		subjects := casesync_internal.expansion_turn(t);
	END LOOP;
	/* A tracking is kept as long as the log has rows of it: what is left then is of no use. */
	DELETE FROM casesync_internal.expansion WHERE is_left;
	RETURN subjects;
END
$$;
COMMENT ON FUNCTION casesync_internal.expand_next(boolean) IS
	'read more subjects of captured keys that stand for many; returns how many they were';

/* From the beginning again: the place where it had got to is somebody's key. */
CREATE OR REPLACE FUNCTION casesync_internal.expansion_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.expansion SET after_key = NULL WHERE after_key = p.key;
$$;
COMMENT ON FUNCTION casesync_internal.expansion_erase(casesync_internal.person) IS
	'part of erase(): how far the subjects of a captured key were read';
