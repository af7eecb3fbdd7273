/* What of a lane may be sent next: in order, still wished, still agreed. */
/*
 * Numbers of a subscription are told in their order, and new ones behind them. So what comes behind
 * a number waits while that is not told: while somebody has its item, or decides about its subject;
 * and while its item was withheld and its subject is about to be looked at, which will tell it. One
 * look at both, after these items are locked: what is withheld or told again just now is seen as
 * the one or as the other. A subject whose view fails is not waited for.
 */
CREATE OR REPLACE FUNCTION casesync_internal.in_order(items casesync_internal.notification[],
	but_for bigint[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	here constant integer := items[1].lane;
	target constant bigint := items[1].subscription;
	now_stream constant uuid := (SELECT x.stream FROM casesync_internal.node x);
	untold bigint;
BEGIN
	SELECT least(
		(SELECT min(n.seq) FROM casesync_internal.notification n
		  WHERE n.lane = here AND n.subscription = target AND n.state = 'due'
			AND n.seq IS NOT NULL AND n.stream = now_stream AND n.id <> ALL (but_for)),
		(SELECT min(o.seq) FROM casesync_internal.open_number o
		  WHERE o.subscription = target AND o.stream = now_stream AND NOT o.is_passed AND (EXISTS (
				SELECT FROM casesync_internal.look_again_entry e
				 WHERE e.registry = o.registry AND e.key = o.key)
			OR casesync_internal.quarantine_is_short(o.registry, o.key)))) INTO untold;
	RETURN ARRAY(SELECT i FROM unnest(items) i
		CROSS JOIN LATERAL (SELECT CASE WHEN i.stream = now_stream THEN i.seq END) w(seq)
		 WHERE untold IS NULL OR w.seq < untold
		 ORDER BY w.seq, i.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.in_order(casesync_internal.notification[], bigint[]) IS
	'those of these locked items of one subscription before which no number of it is still to be '
	'told, in the order in which they are sent; some due items are not waited for, or (NULL) none '
	'is';

/*
 * What was sent already passed these questions then: what came since stands behind it. Of the rest
 * so many are looked at as a message may have, so that all that comes before one of them is among
 * them (see notification_hasten()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_heads(lane integer, max_items integer,
	is_by_age boolean)
RETURNS TABLE (id bigint, subscription bigint, registry text, key text, seq bigint,
	is_bulk boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	here constant integer := lane;
	now_stream constant uuid := (SELECT x.stream FROM casesync_internal.node x);
BEGIN
	RETURN QUERY
	SELECT n.id, n.subscription, n.registry, n.key, n.seq, false
	  FROM casesync_internal.notification n
	 WHERE n.lane = here AND n.state = 'due' AND n.seq IS NOT NULL AND n.stream = now_stream;
	RETURN QUERY
	SELECT h.id, h.subscription, h.registry, h.key, NULL::bigint, b.is_bulk AND NOT is_by_age
	  FROM (VALUES (false), (true)) b(is_bulk)
	 CROSS JOIN LATERAL casesync_internal.new_heads(here, max_items, b.is_bulk, now_stream) h
	 ORDER BY 6, 1 LIMIT max_items;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_heads(integer, integer, boolean) IS
	'part of next_notifications(): what is due in a lane: all that has a number (seq), and the '
	'first of what has none: the oldest, or those before the others that are not bulk';

CREATE OR REPLACE FUNCTION casesync_internal.new_heads(lane integer, max_items integer,
	is_bulk boolean, now_stream uuid)
RETURNS SETOF casesync_internal.notification
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	here constant integer := lane;
	has_others constant boolean := EXISTS (
		SELECT FROM casesync_internal.lane l JOIN casesync_internal.lane o USING (partner, kind)
		 WHERE l.lane = here AND o.lane <> here);
BEGIN
	RETURN QUERY
	SELECT n.*
	  FROM casesync_internal.notification n
	  JOIN casesync_internal.subscription s ON s.id = n.subscription
	 WHERE n.lane = here AND n.state = 'due' AND n.is_bulk = new_heads.is_bulk AND s.is_confirmed
	   AND NOT (n.seq IS NOT NULL AND n.stream = now_stream)
	   AND NOT EXISTS (
		SELECT FROM casesync_internal.notification o
		  JOIN casesync_internal.subscription w ON w.id = o.subscription
		 WHERE o.lane = here AND o.state = 'due' AND NOT w.is_confirmed AND o.id < n.id
		   AND o.registry = n.registry AND o.key = n.key)
	   AND (NOT has_others OR NOT EXISTS (
		SELECT FROM casesync_internal.notification o
		  JOIN casesync_internal.subscription w ON w.id = o.subscription
		 WHERE o.lane <> here AND w.lane = here AND o.state = 'due' AND o.id < n.id
		   AND o.registry = n.registry AND o.key = n.key))
	 ORDER BY n.id LIMIT max_items;
END
$$;
COMMENT ON FUNCTION casesync_internal.new_heads(integer, integer, boolean, uuid) IS
	'part of next_heads(): the oldest that have no number in this stream, bulk or not';

/*
 * The next notifications of a lane: due, of one subscription that the partner knows of: that of the
 * oldest which is not bulk, or of the oldest; what has a number first, in the order of numbers.
 * Those of others in between are passed over, since their subscriptions have streams of their own;
 * but the partner must not get a subject's states in the wrong order. So one that was never sent
 * waits when it has an older one of the same subject before it: in another subscription of this
 * lane, confirmed or not, or left in the lane of an address that the partner has given up. So do
 * all of the subject to skip. Bytes are bounded beside the number, since partners cap bodies; the
 * first goes whatever it has.
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_notifications(lane integer, max_items integer,
	skip bigint DEFAULT NULL, is_by_age boolean DEFAULT false)
RETURNS SETOF casesync_internal.notification
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH head AS MATERIALIZED (
		SELECT h.* FROM casesync_internal.next_heads(lane, max_items, is_by_age) h
		 WHERE skip IS NULL OR NOT EXISTS (
			SELECT FROM casesync_internal.notification o
			 WHERE o.id = skip AND o.registry = h.registry AND o.key = h.key)
	), next AS (
		SELECT h.id, h.seq, h.is_bulk FROM head h
		 WHERE h.subscription = (
			SELECT x.subscription FROM head x ORDER BY x.is_bulk, x.id LIMIT 1)
		   AND (h.seq IS NOT NULL OR NOT EXISTS (
			SELECT FROM head o
			 WHERE o.id < h.id AND o.subscription <> h.subscription AND o.registry = h.registry
			   AND o.key = h.key))
		 ORDER BY h.seq, h.is_bulk, h.id LIMIT max_items
	), batch AS (
		SELECT n.id, x.seq, row_number() OVER w AS n,
			sum(octet_length(n.record::text)) OVER w AS bytes
		  FROM next x JOIN casesync_internal.notification n ON n.id = x.id
		WINDOW w AS (ORDER BY x.seq, x.is_bulk, x.id)
	)
	SELECT n.* FROM batch b JOIN casesync_internal.notification n ON n.id = b.id
	 WHERE b.bytes <= 262144 OR b.n = 1
	 ORDER BY b.seq, b.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_notifications(integer, integer, bigint, boolean) IS
	'the next notifications of a lane, of one subscription, in order, bounded in number and size; '
	'the oldest, or those first that are not bulk';

/* Whether it must be encrypted and cannot be is asked last, only of lanes with something due. */
CREATE OR REPLACE FUNCTION casesync_internal.lanes(turn bigint DEFAULT NULL)
RETURNS TABLE (lane integer, wait_ms bigint, receiver text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT l.lane, greatest(0, ceil(coalesce(
			extract(epoch FROM s.next_attempt - clock_timestamp()) * 1000, 0)))::bigint, l.partner
	  FROM casesync_internal.lane l
	  LEFT JOIN LATERAL casesync_internal.lane_now(l.lane) s ON true
	 WHERE (SELECT casesync_internal.may_speak()
		AND (turn IS NULL OR casesync_internal.routing_turn_was(turn)))
	   AND NOT coalesce(s.is_stopped, false)
	   AND NOT casesync_internal.is_stopped(l.partner)
	   AND CASE WHEN CASE l.kind
			WHEN 'notify' THEN EXISTS (SELECT FROM casesync_internal.next_notifications(l.lane, 1))
			ELSE EXISTS (SELECT FROM casesync_internal.outgoing o
				WHERE o.lane = l.lane AND o.state = 'due') END
			THEN NOT casesync_internal.encryption_is_missing(l.partner) ELSE false END;
END
$$;
COMMENT ON FUNCTION casesync_internal.lanes(bigint) IS
	'the lanes that have something to send, and how long each must wait; none before the turn of '
	'the router that delivery_begin() has asked for';

/*
 * Called by a bridge when its session for delivery begins: what left the agreements while it was
 * away is withheld before anything is sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.delivery_begin()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.routing_turn_want();
END
$$;
COMMENT ON FUNCTION casesync_internal.delivery_begin() IS
	'a bridge begins to deliver: gives the number of the routing turn that its lanes wait for';

/*
 * Take back what may not be sent (any more), and have its subjects looked at again: under a new
 * version of the agreement the partner may still have most of each. Withheld first, so that what it
 * knows is open when the subject is looked at: else the look would find nothing new.
 */
CREATE OR REPLACE FUNCTION casesync_internal.withdraw(items casesync_internal.notification[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	withdrawn uuid[];
BEGIN
	IF cardinality(items) = 0 THEN
		RETURN 0;
	END IF;
	withdrawn := casesync_internal.withhold(
		ARRAY(SELECT n.reference_id FROM unnest(items) n), 'the agreement changed');
	PERFORM casesync_internal.look_again_add(x.registry, x.keys, x.event_type,
		'the agreement changed: to be rendered again')
	   FROM (SELECT n.registry, n.event_type, array_agg(n.key) AS keys FROM unnest(items) n
			 WHERE n.reference_id = ANY (withdrawn)
			 GROUP BY n.registry, n.event_type ORDER BY n.registry, n.event_type) x;
	RETURN cardinality(withdrawn);
END
$$;
COMMENT ON FUNCTION casesync_internal.withdraw(casesync_internal.notification[]) IS
	'withhold those of these notifications that nobody has locked and render their subjects anew '
	'under the agreement of today; returns how many';

/* Who cannot be asked about now is asked about again; the lane is not to try it in a circle. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_rest(s casesync_internal.lane_state, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	s.message_id := NULL;
	s.items := '{}';
	s.next_attempt := clock_timestamp() + interval '10 s';
	s.reason := left(why, 500);
	PERFORM casesync_internal.lane_set(s);
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_rest(casesync_internal.lane_state, text) IS
	'nothing of this lane can be sent at this moment, for this reason';

/*
 * What was tried under an older version of its agreement, and says nothing that the one of today
 * does not let pass, is tried again as it is: the partner may have it. What the new version adds is
 * told when the subject is looked at again. Where the versions are about other subjects, nobody can
 * say whether the one of today is about this one as the record shows it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.keep_tried(items casesync_internal.notification[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g record;
	kept bigint[] := '{}';
BEGIN
	FOR g IN
		SELECT a.version, i.registry, i.event_type, array_agg(i.id) AS ids,
			array_agg(i.key) AS keys
		  FROM unnest(items) i
		  JOIN casesync_internal.agreement a ON a.agreement = i.agreement AND a.state = 'active'
			AND a.valid_from <= now() AND now() < a.valid_to
			AND i.registry = ANY (a.registries) AND i.event_type = ANY (a.event_types)
			AND 'notify' = ANY (a.services)
		  JOIN casesync_internal.agreement o ON o.agreement = i.agreement
			AND o.version = i.agreement_version AND o.subjects IS NOT DISTINCT FROM a.subjects
		  JOIN casesync_internal.subscription s ON s.id = i.subscription AND s.tree IS NULL
			AND (NOT s.is_push OR 'push' = ANY (a.services))
		 WHERE i.seq IS NOT NULL AND NOT i.removal
		   AND casesync_internal.project(i.record, a.fields, a.identifier_types) = i.record
		 GROUP BY a.version, i.registry, i.event_type
		 ORDER BY i.registry, i.event_type
	LOOP
		PERFORM casesync_internal.notification_under(g.ids, g.version);
		PERFORM casesync_internal.look_again_add(g.registry, g.keys, g.event_type,
			'the agreement changed: to be rendered again');
		kept := kept || g.ids;
	END LOOP;
	RETURN kept;
END
$$;
COMMENT ON FUNCTION casesync_internal.keep_tried(casesync_internal.notification[]) IS
	'those of these that were tried and that the agreement of today lets pass as they are: they '
	'stay due, under it';

/* Asked anew at the door: it may have waited for days since it was routed. */
CREATE OR REPLACE FUNCTION casesync_internal.is_wished(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.subscription s
		WHERE s.id = n.subscription AND s.state = 'active' AND (s.ends IS NULL OR now() < s.ends));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_wished(casesync_internal.notification) IS
	'whether its subscription still counts, at the time of sending';

/*
 * The very version: another one may let pass less, and the record was cut by this one. What a newer
 * version still lets pass is rendered and cut again, see withdraw().
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_agreed(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.agreement a
		WHERE a.agreement = n.agreement AND a.version = n.agreement_version AND a.state = 'active'
		  AND a.valid_from <= now() AND now() < a.valid_to);
END
$$;
COMMENT ON FUNCTION casesync_internal.is_agreed(casesync_internal.notification) IS
	'whether the agreement under which it was projected still counts, at the time of sending';

/*
 * Routing may withhold a notification while it is being taken. What somebody is taking back just
 * now is passed over, with all later ones of its subject: a sender waits for nobody, since all
 * lanes of its bridge would wait with it. A turn of the router does not hinder sending
 * (notification_lock()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.lock_due(items casesync_internal.notification[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due casesync_internal.notification[] := ARRAY(SELECT n FROM casesync_internal.notification n
		WHERE n.id = ANY (ARRAY(SELECT i.id FROM unnest(items) i)) AND n.state = 'due'
		ORDER BY n.id FOR NO KEY UPDATE OF n SKIP LOCKED);
BEGIN
	IF cardinality(due) < cardinality(items) THEN
		due := ARRAY(SELECT d FROM unnest(due) d WHERE NOT EXISTS (
			SELECT FROM unnest(items) i
			 WHERE i.id < d.id AND i.registry = d.registry AND i.key = d.key
			   AND NOT EXISTS (SELECT FROM unnest(due) x WHERE x.id = i.id)) ORDER BY d.id);
	END IF;
	RETURN due;
END
$$;
COMMENT ON FUNCTION casesync_internal.lock_due(casesync_internal.notification[]) IS
	'those of these notifications that may be sent now, locked until the end of the transaction';

/*
 * Part of a backlog that was written under versions of agreements that count no more: those of the
 * items, and what waits behind them. So much in one transaction, that what goes wrong undoes little
 * and nobody waits for long; the next take() goes on.
 */
CREATE OR REPLACE FUNCTION casesync_internal.withdraw_outdated(lane integer,
	items casesync_internal.notification[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	outdated casesync_internal.notification[];
	kept bigint[];
BEGIN
	outdated := ARRAY(
		SELECT n FROM casesync_internal.notification n
		 WHERE n.lane = withdraw_outdated.lane AND n.state = 'due'
		   AND (n.agreement, n.agreement_version) IN (
			SELECT i.agreement, i.agreement_version FROM unnest(items) i)
		 ORDER BY n.is_bulk, n.id LIMIT 500 FOR UPDATE OF n SKIP LOCKED);
	kept := casesync_internal.keep_tried(outdated);
	RETURN cardinality(kept) + casesync_internal.withdraw(ARRAY(
		SELECT o FROM unnest(outdated) o WHERE o.id <> ALL (kept)));
END
$$;
COMMENT ON FUNCTION casesync_internal.withdraw_outdated(integer,
	casesync_internal.notification[]) IS
	'withdraw what waits in a lane under the versions of agreements that these items are of, at '
	'most 500; returns how many';

/*
 * When an item alone has drawn server errors, another subject's item goes first: if that passes,
 * the item and not the partner is at fault.
 */
CREATE OR REPLACE FUNCTION casesync_internal.items_next(s casesync_internal.lane_state)
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items casesync_internal.notification[] := '{}';
BEGIN
	IF s.others_pass THEN
		items := ARRAY(SELECT x FROM casesync_internal.notification x
			WHERE x.id = s.suspect AND x.state = 'due');
	ELSIF s.suspect IS NOT NULL THEN
		items := ARRAY(SELECT x
			FROM casesync_internal.next_notifications(s.lane, 1, skip => s.suspect) x);
	END IF;
	/* Every fourth message or so goes by age: bulk is told in the end whatever else there is. */
	IF items = '{}' THEN
		items := ARRAY(SELECT x FROM casesync_internal.next_notifications(s.lane, s.batch_limit,
			is_by_age => hashint8(s.id) & 3 = 0) x);
	END IF;
	RETURN items;
END
$$;
COMMENT ON FUNCTION casesync_internal.items_next(casesync_internal.lane_state) IS
	'part of items_to_send(): what is the next message of a lane';

/*
 * Judged when locked: what was read before may have been withheld meanwhile. It gives how much was
 * taken back, 0 when it all has to wait for somebody, and NULL when nothing is to be.
 */
CREATE OR REPLACE FUNCTION casesync_internal.take_back(lane integer,
	items casesync_internal.notification[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	unwished constant uuid[] := ARRAY(SELECT x.reference_id FROM unnest(items) x
		WHERE NOT casesync_internal.is_wished(x));
	outdated constant casesync_internal.notification[] := ARRAY(SELECT x FROM unnest(items) x
		WHERE NOT casesync_internal.is_agreed(x));
BEGIN
	IF unwished = '{}' AND outdated = '{}' THEN
		RETURN NULL;
	END IF;
	RETURN cardinality(casesync_internal.withhold(unwished, 'subscription ended'))
		+ casesync_internal.withdraw_outdated(lane, outdated);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN 0;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_back(integer, casesync_internal.notification[]) IS
	'withhold those of these locked notifications that are not wished or agreed any more, and what '
	'waits behind them for the same reason; returns how many, NULL: all may be sent';

/*
 * What is sent next, less what may not be sent any more. A great backlog is taken back in many
 * transactions, so that each keeps what it has done; the ring has the next one begin at once.
 */
CREATE OR REPLACE FUNCTION casesync_internal.items_to_send(s casesync_internal.lane_state)
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items casesync_internal.notification[];
	back integer;
	door record;
	most integer := 500;
BEGIN
	WHILE most > 0 LOOP
		items := casesync_internal.lock_due(casesync_internal.items_next(s));
		back := casesync_internal.take_back(s.lane, items);
		EXIT WHEN back = 0;
		IF back IS NULL THEN
			BEGIN
				door := casesync_internal.door_pass(items);
			EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
				EXIT;
			END;
			/*
			 * Who cannot be asked about may take days; another's item goes before the suspect. Whom
			 * the router holds is waited for: it will be told, or its number passed over.
			 */
			door.passed := casesync_internal.in_order(door.passed, but_for => CASE
				WHEN s.suspect IS NULL
				THEN door.unasked || ARRAY(SELECT i.id FROM unnest(door.passed) i) END);
			IF items = '{}' OR door.passed <> '{}' THEN
				RETURN door.passed;
			ELSIF door.waiting IS NOT NULL THEN
				PERFORM casesync_internal.lane_rest(s, door.waiting);
				EXIT;
			END IF;
			back := (SELECT count(*) FROM unnest(items) i
				JOIN casesync_internal.notification n ON n.id = i.id WHERE n.state <> 'due');
			EXIT WHEN back = 0;
		END IF;
		PERFORM casesync_internal.ring();
		most := most - back;
	END LOOP;
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION casesync_internal.items_to_send(casesync_internal.lane_state) IS
	'the notifications of the next message; what is not agreed or wished any more is withheld on '
	'the way';
