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
	IF items = '{}' THEN
		RETURN items;
	END IF;
	SELECT least(
		(SELECT min(n.seq) FROM casesync_internal.waiting_from(here, 2, false, 0) n
		  WHERE n.subscription = target AND n.seq IS NOT NULL AND n.stream = now_stream
			AND n.id <> ALL (but_for)),
		(SELECT min(o.seq) FROM casesync_internal.open_number o
		  WHERE o.subscription = target AND o.stream = now_stream AND NOT o.is_passed AND (EXISTS (
				SELECT FROM casesync_internal.look_again_entry e
				 WHERE e.registry = o.registry AND e.key = o.key)
			OR casesync_internal.look_again_noted(o.registry, o.key)
			OR casesync_internal.quarantine_is_short(o.registry, o.key)))) INTO untold;
	RETURN ARRAY(SELECT i FROM unnest(items) i
		 WHERE untold IS NULL OR i.stream = now_stream AND i.seq < untold
		 ORDER BY CASE WHEN i.stream = now_stream THEN i.seq END, i.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.in_order(casesync_internal.notification[], bigint[]) IS
	'those of these locked items of one subscription before which no number of it is still to be '
	'told, in the order in which they are sent; some due items are not waited for, or (NULL) none '
	'is';

/*
 * Called by a bridge when its session for delivery begins: what left the agreements while it was
 * away is withheld before anything is sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.delivery_begin()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
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
	PERFORM casesync_internal.look_again_note(x.registry, x.keys, x.event_type,
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
		PERFORM casesync_internal.look_again_note(g.registry, g.keys, g.event_type,
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
CREATE OR REPLACE FUNCTION casesync_internal.is_wished(subscription bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.subscription s
		WHERE s.id = is_wished.subscription AND s.state = 'active'
		  AND (s.ends IS NULL OR now() < s.ends));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_wished(bigint) IS
	'whether a subscription still counts, at the time of sending';

/*
 * The very version: another one may let pass less, and the record was cut by this one. What a newer
 * version still lets pass is rendered and cut again, see withdraw().
 */
CREATE OR REPLACE FUNCTION casesync_internal.not_agreed(items casesync_internal.notification[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT x FROM unnest(items) x
		WHERE (x.agreement, x.agreement_version) NOT IN (
			SELECT a.agreement, a.version FROM casesync_internal.agreement a
			 WHERE a.state = 'active' AND a.valid_from <= now() AND now() < a.valid_to));
END
$$;
COMMENT ON FUNCTION casesync_internal.not_agreed(casesync_internal.notification[]) IS
	'those of these whose agreements, as they were projected by them, count no more at the time of '
	'sending';

/*
 * Routing may withhold a notification while it is being taken. What somebody is taking back just
 * now is passed over, with all later ones of its subject: a sender waits for nobody, since all
 * lanes of its bridge would wait with it. A turn of the router does not hinder sending
 * (notification_lock()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.lock_due(items bigint[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	due casesync_internal.notification[];
	stored bigint;
	compressed bigint;
BEGIN
	SELECT coalesce(array_agg(n.x), '{}'), sum(n.size), count(n.compression)
	  INTO due, stored, compressed
	  FROM (SELECT u.id FROM unnest(items) u(id) ORDER BY u.id) i
	 /* One by one by their ids, in this order, whatever is known of their number. */
	 CROSS JOIN LATERAL (
		SELECT x, pg_column_size(x.record) AS size, pg_column_compression(x.record) AS compression
		  FROM casesync_internal.notification x
		 WHERE x.id = i.id OFFSET 0 FOR NO KEY UPDATE OF x SKIP LOCKED) n
	 WHERE (n.x).state = 'due';
	IF cardinality(due) < cardinality(items) THEN
		due := ARRAY(SELECT d FROM unnest(due) d WHERE NOT EXISTS (
			SELECT FROM casesync_internal.notification i
			 WHERE i.id = ANY (items) AND i.id < d.id AND i.registry = d.registry
			   AND i.key = d.key AND i.id NOT IN (SELECT x.id FROM unnest(due) x))
			 ORDER BY d.id);
	END IF;
	/* What is written out is seldom longer than what is stored, and hardly ever twice as long. */
	IF 2 * stored > casesync_internal.parcel_bytes() OR compressed > 0 THEN
		due := casesync_internal.fit_message(due, items);
	END IF;
	RETURN due;
END
$$;
COMMENT ON FUNCTION casesync_internal.lock_due(bigint[]) IS
	'those of these notifications that may be sent now, and fit into one message; locked until the '
	'end of the transaction';

CREATE OR REPLACE FUNCTION casesync_internal.parcel_bytes()
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 262144;
COMMENT ON FUNCTION casesync_internal.parcel_bytes() IS
	'how many bytes of records one message has at most, since partners cap bodies';

/* The first goes whatever it has. */
CREATE OR REPLACE FUNCTION casesync_internal.fit_message(due casesync_internal.notification[],
	items bigint[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT b.d
		  FROM (SELECT d, i.place, min(i.place) OVER () AS first_place,
					sum(octet_length(d.record::text)) OVER (ORDER BY i.place) AS bytes
				  FROM unnest(items) WITH ORDINALITY i(id, place)
				  JOIN unnest(due) d ON d.id = i.id) b
		 WHERE b.bytes <= casesync_internal.parcel_bytes() OR b.place = b.first_place
		 ORDER BY (b.d).id);
END
$$;
COMMENT ON FUNCTION casesync_internal.fit_message(casesync_internal.notification[], bigint[]) IS
	'of these items, in the order of their ids in items, those that fit into one message';

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
	s casesync_internal.lane_state := casesync_internal.lane_now(lane);
	outdated casesync_internal.notification[];
	kept bigint[];
BEGIN
	s.lane := lane;
	IF items = '{}' THEN
		RETURN 0;
	END IF;
	outdated := ARRAY(
		SELECT n.x
		  FROM (SELECT u.id FROM unnest(casesync_internal.heads_within(s, 500)) u
				 ORDER BY u.is_bulk, u.id) h
		 CROSS JOIN LATERAL (SELECT x FROM casesync_internal.notification x
			WHERE x.id = h.id OFFSET 0 FOR UPDATE OF x SKIP LOCKED) n
		 WHERE (n.x).state = 'due' AND ((n.x).agreement, (n.x).agreement_version) IN (
			SELECT i.agreement, i.agreement_version FROM unnest(items) i)
		 LIMIT 500);
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
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items bigint[] := '{}';
BEGIN
	IF s.others_pass THEN
		items := ARRAY(SELECT x.id FROM casesync_internal.notification x
			WHERE x.id = ANY (ARRAY[s.suspect]) AND NOT x.state <> 'due');
	ELSIF s.suspect IS NOT NULL THEN
		items := casesync_internal.next_items(s.lane, 1, skip => s.suspect);
	END IF;
	/* Every fourth message or so goes by age: bulk is told in the end whatever else there is. */
	IF items = '{}' THEN
		items := casesync_internal.next_items(s.lane, s.batch_limit,
			is_by_age => hashint8(s.id) & 3 = 0);
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
	/* All are of one subscription. */
	is_wished constant boolean := items = '{}'
		OR casesync_internal.is_wished(items[1].subscription);
	outdated constant casesync_internal.notification[] := casesync_internal.not_agreed(items);
	back integer := 0;
BEGIN
	IF is_wished AND outdated = '{}' THEN
		RETURN NULL;
	END IF;
	IF NOT is_wished THEN
		back := cardinality(casesync_internal.withhold(ARRAY(SELECT x.reference_id
			FROM unnest(items) x), 'subscription ended'));
	END IF;
	RETURN back + casesync_internal.withdraw_outdated(lane, outdated);
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
