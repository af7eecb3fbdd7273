/*
 * What of a lane may be sent next. A look reads what is at the beginning, found by index from the
 * marks of the lane on, however much waits behind it or was delivered before it, and whatever a
 * held snapshot keeps of that. Rules for what is rare are asked only where there is such.
 */

CREATE OR REPLACE FUNCTION casesync_internal.unconfirmed_of(lane integer)
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN ARRAY(SELECT w.id
		  FROM casesync_internal.lane l
		  JOIN casesync_internal.subscription w ON w.partner = l.partner
		 WHERE l.lane = unconfirmed_of.lane AND w.state = 'active' AND NOT w.is_confirmed);
END
$$;
COMMENT ON FUNCTION casesync_internal.unconfirmed_of(integer) IS
	'subscriptions of the lane''s partner that it does not know yet';

CREATE OR REPLACE FUNCTION casesync_internal.lane_is_waiting(lane integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s constant casesync_internal.lane_state := casesync_internal.lane_now(lane);
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.waiting_from(lane, 0, false,
			coalesce(s.live_from, 0), 1))
		OR EXISTS (SELECT FROM casesync_internal.waiting_from(lane, 0, true,
			coalesce(s.bulk_from, 0), 1))
		OR EXISTS (SELECT FROM casesync_internal.waiting_from(lane, 1, false, 0, 1))
		OR EXISTS (SELECT FROM casesync_internal.waiting_from(lane, 2, false, 0, 1));
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_is_waiting(integer) IS
	'whether a notification is due in a lane';

CREATE OR REPLACE FUNCTION casesync_internal.others_wait(lane integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.lane l
		  JOIN casesync_internal.lane o ON o.partner = l.partner AND o.kind = l.kind
		 WHERE l.lane = others_wait.lane AND o.lane <> l.lane
		   AND casesync_internal.lane_is_waiting(o.lane));
END
$$;
COMMENT ON FUNCTION casesync_internal.others_wait(integer) IS
	'whether notifications are due in other lanes of the same partner';

CREATE OR REPLACE FUNCTION casesync_internal.lane_is_rare(lane integer, unconfirmed bigint[])
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN unconfirmed <> '{}' OR casesync_internal.others_wait(lane);
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_is_rare(integer, bigint[]) IS
	'whether what is due in a lane may have to wait all the same, see head_waits()';

/*
 * The partner must not get a subject's states in the wrong order: so one waits when it has an older
 * one of the same subject before it, in a subscription that is not confirmed, or left in the lane
 * of an address that the partner has given up. All of the subject is read, since there is an index
 * for that, which no plan can take for another.
 */
CREATE OR REPLACE FUNCTION casesync_internal.head_waits(h casesync_internal.head, lane integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	here constant integer := lane;
BEGIN
	RETURN NOT (SELECT s.is_confirmed FROM casesync_internal.subscription s
			WHERE s.id = h.subscription)
		OR EXISTS (
		SELECT FROM (SELECT x.* FROM casesync_internal.notification x
			 WHERE x.registry = h.registry AND x.key = h.key OFFSET 0) o
		  JOIN casesync_internal.subscription w ON w.id = o.subscription
		 WHERE o.state = 'due' AND o.id < h.id
		   AND CASE WHEN o.lane = here THEN NOT w.is_confirmed ELSE w.lane = here END);
END
$$;
COMMENT ON FUNCTION casesync_internal.head_waits(casesync_internal.head, integer) IS
	'whether what has no number yet has to wait for something older of its subject';

/*
 * What was sent already (place 2) passed the questions of head_waits() then: what came since stands
 * behind it. Of the rest so many of each kind are looked at as a message may have, so that all that
 * comes before one of them is among them (see notification_hasten()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.heads_within(s casesync_internal.lane_state,
	reach integer)
RETURNS casesync_internal.head[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	now_stream constant uuid := (SELECT x.stream FROM casesync_internal.node x);
BEGIN
	RETURN ARRAY(
		SELECT ROW(w.id, w.subscription, w.registry, w.key,
			CASE WHEN w.stream = now_stream THEN w.seq END, p.is_bulk)::casesync_internal.head
		  FROM (VALUES (2, false, 0, NULL), (1, false, 0, reach),
				(0, false, coalesce(s.live_from, 0), reach),
				(0, true, coalesce(s.bulk_from, 0), reach))
			p(place, is_bulk, from_id, most)
		 CROSS JOIN LATERAL casesync_internal.waiting_from(s.lane, p.place, p.is_bulk,
			p.from_id, p.most) w);
END
$$;
COMMENT ON FUNCTION casesync_internal.heads_within(casesync_internal.lane_state, integer) IS
	'part of next_heads(): all that was tried, and so many of what else is due in a lane';

CREATE OR REPLACE FUNCTION casesync_internal.next_heads(lane integer, max_items integer,
	is_by_age boolean)
RETURNS SETOF casesync_internal.head
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	here constant integer := lane;
	unknown constant bigint[] := casesync_internal.unconfirmed_of(lane);
	is_rare constant boolean := casesync_internal.lane_is_rare(lane, unknown);
	s casesync_internal.lane_state := casesync_internal.lane_now(lane);
	heads casesync_internal.head[];
	reach integer := max_items;
	looked integer;
	is_all boolean;
BEGIN
	s.lane := here;
	heads := casesync_internal.heads_within(s, reach);
	/* More is looked at only where what was found has to wait. */
	WHILE is_rare LOOP
		is_all := cardinality(heads) = 0 OR cardinality(heads) IS NOT DISTINCT FROM looked;
		looked := cardinality(heads);
		heads := ARRAY(SELECT h FROM unnest(heads) h WHERE h.seq IS NOT NULL
			OR h.subscription <> ALL (unknown) AND NOT casesync_internal.head_waits(h, here));
		EXIT WHEN is_all OR cardinality(heads) >= max_items;
		reach := least(reach * 10, 100000000);
		heads := casesync_internal.heads_within(s, reach);
	END LOOP;
	RETURN QUERY SELECT h.* FROM unnest(heads) h WHERE h.seq IS NOT NULL;
	RETURN QUERY
	SELECT h.id, h.subscription, h.registry, h.key, h.seq, h.is_bulk AND NOT is_by_age
	  FROM unnest(heads) h WHERE h.seq IS NULL
	 ORDER BY h.is_bulk AND NOT is_by_age, h.id LIMIT max_items;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_heads(integer, integer, boolean) IS
	'what is due in a lane: all that has a number, and the first of what has none: the oldest, or '
	'those before the others that are not bulk';

/*
 * The next items of a lane: due, of one subscription that the partner knows of: that of the oldest
 * which is not bulk, or of the oldest; what has a number first, in the order of numbers. Those of
 * others in between are passed over, since their subscriptions have streams of their own; but one
 * that was never sent waits when another subscription has an older one of the same subject. So do
 * all of the subject to skip.
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_items(lane integer, max_items integer,
	skip bigint DEFAULT NULL, is_by_age boolean DEFAULT false)
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	heads casesync_internal.head[] := ARRAY(SELECT h
		FROM casesync_internal.next_heads(lane, max_items, is_by_age) h);
	target bigint;
BEGIN
	IF skip IS NOT NULL THEN
		heads := ARRAY(SELECT h FROM unnest(heads) h
			WHERE (h.registry, h.key) NOT IN (SELECT o.registry, o.key
				FROM casesync_internal.notification o WHERE o.id = skip));
	END IF;
	SELECT h.subscription INTO target FROM unnest(heads) h ORDER BY h.is_bulk, h.id LIMIT 1;
	IF NOT EXISTS (SELECT FROM unnest(heads) h WHERE h.subscription <> target) THEN
		RETURN ARRAY(SELECT h.id FROM unnest(heads) h
			ORDER BY h.seq, h.is_bulk, h.id LIMIT max_items);
	END IF;
	RETURN ARRAY(
		SELECT h.id
		  FROM (SELECT u.*, min(u.subscription) OVER w = max(u.subscription) OVER w AS is_first
				  FROM unnest(heads) u
				WINDOW w AS (PARTITION BY u.registry, u.key ORDER BY u.id)) h
		 WHERE h.subscription = target AND (h.seq IS NOT NULL OR h.is_first)
		 ORDER BY h.seq, h.is_bulk, h.id LIMIT max_items);
END
$$;
COMMENT ON FUNCTION casesync_internal.next_items(integer, integer, bigint, boolean) IS
	'the next notifications of a lane, of one subscription, in order, bounded in number; the '
	'oldest, or those first that are not bulk';

CREATE OR REPLACE FUNCTION casesync_internal.next_notifications(lane integer, max_items integer,
	skip bigint DEFAULT NULL, is_by_age boolean DEFAULT false)
RETURNS SETOF casesync_internal.notification
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT n.* FROM unnest(casesync_internal.next_items(lane, max_items, skip, is_by_age))
		WITH ORDINALITY i(id, place)
	  JOIN casesync_internal.notification n ON n.id = i.id
	 ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_notifications(integer, integer, bigint, boolean) IS
	'next_items() as rows';

/* One index has this order: see waiting_from(). */
CREATE OR REPLACE FUNCTION casesync_internal.next_outgoing(lane integer,
	skip bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN (SELECT o.id FROM casesync_internal.outgoing o
		 WHERE o.state = 'due' AND (o.lane, o.id) >= (next_outgoing.lane, 0)
		   AND o.lane <= next_outgoing.lane AND o.id IS DISTINCT FROM next_outgoing.skip
		 ORDER BY o.lane, o.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.next_outgoing(integer, bigint) IS
	'the oldest request or callback that is due in a lane; NULL: none is';

/* As items_next() does it: when one has failed alone, another goes first. */
CREATE OR REPLACE FUNCTION casesync_internal.outgoing_turn(s casesync_internal.lane_state)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce(
		(SELECT o.id FROM casesync_internal.outgoing o
		  WHERE s.others_pass AND o.id = s.suspect AND o.state = 'due'),
		casesync_internal.next_outgoing(s.lane, skip => s.suspect),
		casesync_internal.next_outgoing(s.lane));
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_turn(casesync_internal.lane_state) IS
	'part of take_outgoing(): whose turn it is of what waits in a lane';

/* Whether it must be encrypted and cannot be is asked last, only of lanes with something due. */
CREATE OR REPLACE FUNCTION casesync_internal.lanes(turn bigint DEFAULT NULL)
RETURNS TABLE (lane integer, wait_ms bigint, receiver text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF NOT casesync_internal.may_speak()
		OR turn IS NOT NULL AND NOT casesync_internal.routing_turn_was(turn) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT l.lane, greatest(0, ceil(coalesce(
			extract(epoch FROM s.next_attempt - clock_timestamp()) * 1000, 0)))::bigint, l.partner
	  FROM casesync_internal.lane l
	  LEFT JOIN LATERAL casesync_internal.lane_now(l.lane) s ON true
	 WHERE NOT coalesce(s.is_stopped, false)
	   AND NOT casesync_internal.is_stopped(l.partner)
	   AND CASE WHEN CASE l.kind WHEN 'notify' THEN casesync_internal.lane_is_waiting(l.lane)
				AND (NOT casesync_internal.lane_is_rare(l.lane, casesync_internal.unconfirmed_of(
					l.lane)) OR EXISTS (SELECT FROM casesync_internal.next_heads(l.lane, 1, false)))
			ELSE casesync_internal.next_outgoing(l.lane) IS NOT NULL END
			THEN NOT casesync_internal.encryption_is_missing(l.partner) ELSE false END;
END
$$;
COMMENT ON FUNCTION casesync_internal.lanes(bigint) IS
	'the lanes that have something to send, and how long each must wait; none before the turn of '
	'the router that delivery_begin() has asked for';
