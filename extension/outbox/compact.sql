/*
 * A backlog that is too long: of a subject that waits, the older states are left out, and in their
 * place there is one mark, which says that it is to be looked at when the partner answers again.
 * The newest state is told then, as always; what was tried keeps its place and number.
 */

/*
 * Nobody has ever been told of these, so their rows go. What a case worker has asked for is told as
 * he asked. Bounded, and the oldest first: what follows them still waits.
 */
CREATE OR REPLACE FUNCTION casesync_internal.compactable(lane integer, before_item bigint,
	max_items integer)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	s constant casesync_internal.lane_state := casesync_internal.lane_now(lane);
BEGIN
	RETURN ARRAY(
		SELECT n.id
		  FROM (SELECT w.id
			  FROM (VALUES (1, false, 0), (0, false, s.live_from), (0, true, s.bulk_from))
				p(place, is_bulk, from_id)
			 CROSS JOIN LATERAL (SELECT x.id, x.seq FROM casesync_internal.waiting_from(
				compactable.lane, p.place, p.is_bulk, coalesce(p.from_id, 0), 4 * max_items) x) w
			 WHERE w.id < before_item AND w.seq IS NULL ORDER BY w.id LIMIT 2 * max_items) h
		  JOIN casesync_internal.notification n ON n.id = h.id
		 WHERE n.state = 'due' AND n.seq IS NULL AND NOT casesync_internal.is_pushed(n)
		 ORDER BY n.id LIMIT max_items FOR UPDATE OF n SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION casesync_internal.compactable(integer, bigint, integer) IS
	'the oldest items of a lane that were never tried, before one; locked';

CREATE OR REPLACE FUNCTION casesync_internal.notification_compact(lane integer,
	before_item bigint, max_items integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	items constant bigint[] := casesync_internal.compactable(lane, before_item, max_items);
BEGIN
	PERFORM casesync_internal.withhold_locked(items, 'too many wait');
	INSERT INTO casesync_internal.compacted AS c (subscription, registry, key, event_type,
		items, last_item, is_waiting)
	SELECT x.subscription, x.registry, x.key, (array_agg(x.event_type ORDER BY x.id DESC))[1],
		count(*), max(x.id), NOT EXISTS (
			SELECT FROM casesync_internal.notification n
			 WHERE n.registry = x.registry AND n.key = x.key AND n.state = 'due'
			   AND n.subscription = x.subscription AND n.id > max(x.id))
	  FROM unnest(items) u(id) JOIN casesync_internal.notification x ON x.id = u.id
	 GROUP BY x.subscription, x.registry, x.key
	 ORDER BY x.subscription, x.registry, x.key
	ON CONFLICT ON CONSTRAINT compacted_pkey DO UPDATE SET event_type = excluded.event_type,
		items = c.items + excluded.items, is_waiting = excluded.is_waiting,
		last_item = greatest(c.last_item, excluded.last_item), at = clock_timestamp();
	DELETE FROM casesync_internal.notification n WHERE n.id = ANY (items);
	RETURN cardinality(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_compact(integer, bigint, integer) IS
	'the oldest that waits in a lane before an item is left out, at most so many items: one mark '
	'for each subject stays; returns how many';

/* Sorted only where there are too many. */
CREATE OR REPLACE FUNCTION casesync_internal.backlog_cut(lane integer, max_items bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	here constant integer := lane;
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.notification n
		WHERE n.lane = here AND n.state = 'due' AND n.place >= 0 OFFSET max_items) THEN
		RETURN NULL;
	END IF;
	/* A tenth less, so that it is not done again at once. */
	RETURN (SELECT n.id FROM casesync_internal.notification n
		 WHERE n.lane = here AND n.state = 'due' AND n.place >= 0
		 ORDER BY n.id DESC OFFSET greatest(max_items - max_items / 10 - 1, 0) LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.backlog_cut(integer, bigint) IS
	'where more than so many items wait in a lane: the item before which they are left out';

/* What they are about is looked at by the caller, in this transaction. */
CREATE OR REPLACE FUNCTION casesync_internal.compacted_release(subscriptions bigint[],
	max_subjects integer)
RETURNS SETOF casesync_internal.compacted
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	UPDATE casesync_internal.compacted c SET is_waiting = false, at = clock_timestamp()
	 WHERE (c.subscription, c.registry, c.key) IN (
		SELECT x.subscription, x.registry, x.key FROM casesync_internal.compacted x
		 WHERE x.subscription = ANY (subscriptions) AND x.is_waiting LIMIT max_subjects)
	RETURNING c.*;
END
$$;
COMMENT ON FUNCTION casesync_internal.compacted_release(bigint[], integer) IS
	'marks of these subscriptions, at most so many, that are to be looked at now';

/* A mark outlives its look, so that the item which tells the newest state can say so. */
CREATE OR REPLACE FUNCTION casesync_internal.compacted_told(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.compacted) THEN
		DELETE FROM casesync_internal.compacted c USING casesync_internal.notification n
		 WHERE n.id = ANY (compacted_told.items) AND c.subscription = n.subscription
		   AND c.registry = n.registry AND c.key = n.key AND c.last_item < n.id;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.compacted_told(bigint[]) IS
	'part of notification_settle(): these have reached the partner, and said what was left out '
	'before them';

CREATE OR REPLACE FUNCTION casesync_internal.compacted_tidy(max_subjects integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	DELETE FROM casesync_internal.compacted c
	 WHERE (c.subscription, c.registry, c.key) IN (
		SELECT x.subscription, x.registry, x.key
		  FROM (SELECT y.* FROM casesync_internal.compacted y
			 WHERE NOT y.is_waiting AND y.at < clock_timestamp() - interval '1 day'
			 LIMIT max_subjects) x
		 WHERE NOT EXISTS (SELECT FROM casesync_internal.notification n
			WHERE n.registry = x.registry AND n.key = x.key AND n.state = 'due'
			  AND n.subscription = x.subscription));
END
$$;
COMMENT ON FUNCTION casesync_internal.compacted_tidy(integer) IS
	'marks go of which there was nothing to tell in the end';
