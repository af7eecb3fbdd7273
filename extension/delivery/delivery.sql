/* Lanes: what is sent next to whom, and in which message; outcomes are told to outcome.sql. */
/*
 * The next notifications of a lane: due, of one subscription that the partner knows of: that of the
 * oldest. Those of others in between are passed over, since their subscriptions have streams of their
 * own; but the partner must not get a subject's states in the wrong order. So one waits that has an
 * older one of the same subject before it: in another subscription of this lane, confirmed or not, or
 * left in the lane of an address that the partner has given up. So do all of the subject to skip.
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_notifications(lane integer, max_items integer,
	skip bigint DEFAULT NULL)
RETURNS SETOF casesync_internal.notification
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	has_others boolean := EXISTS (SELECT FROM casesync_internal.lane l
		JOIN casesync_internal.lane o USING (partner, kind)
		WHERE l.lane = $1 AND o.lane <> $1);
BEGIN
	RETURN QUERY
	WITH head AS MATERIALIZED (
		SELECT n.id, n.subscription, n.registry, n.key, octet_length(n.record::text) AS size
		  FROM casesync_internal.notification n
			JOIN casesync_internal.subscription s ON s.id = n.subscription
		 WHERE n.lane = $1 AND n.state = 'due' AND s.is_confirmed
		   AND NOT EXISTS (
			SELECT FROM casesync_internal.notification o
				JOIN casesync_internal.subscription w ON w.id = o.subscription
			 WHERE o.lane = $1 AND o.state = 'due' AND NOT w.is_confirmed AND o.id < n.id
			   AND o.registry = n.registry AND o.key = n.key)
		   AND (NOT has_others OR NOT EXISTS (
			SELECT FROM casesync_internal.notification o
				JOIN casesync_internal.subscription w ON w.id = o.subscription
			 WHERE o.lane <> $1 AND w.lane = $1 AND o.state = 'due' AND o.id < n.id
			   AND o.registry = n.registry AND o.key = n.key))
		   AND (skip IS NULL OR NOT EXISTS (
			SELECT FROM casesync_internal.notification o
			 WHERE o.id = skip AND o.registry = n.registry AND o.key = n.key))
		 ORDER BY n.id LIMIT $2
	), batch AS (
		SELECT h.id, row_number() OVER w AS n, sum(h.size) OVER w AS bytes
		  FROM head h
		 WHERE h.subscription = (SELECT x.subscription FROM head x ORDER BY x.id LIMIT 1)
		   AND NOT EXISTS (SELECT FROM head o WHERE o.id < h.id AND o.subscription <> h.subscription
			AND o.registry = h.registry AND o.key = h.key)
		WINDOW w AS (ORDER BY h.id)
	)
	SELECT n.* FROM batch b JOIN casesync_internal.notification n ON n.id = b.id
	 WHERE b.bytes <= 262144 OR b.n = 1
	 ORDER BY n.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_notifications(integer, integer, bigint) IS
	'the next notifications of a lane, of one subscription, in order, bounded in number and size';

CREATE OR REPLACE FUNCTION casesync_internal.lanes()
RETURNS TABLE (lane integer, wait_ms bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT l.lane, greatest(0, ceil(coalesce(
			extract(epoch FROM s.next_attempt - clock_timestamp()) * 1000, 0)))::bigint
	  FROM casesync_internal.lane l
	  LEFT JOIN LATERAL casesync_internal.lane_now(l.lane) s ON true
	 WHERE (SELECT casesync_internal.may_speak()) AND NOT coalesce(s.is_stopped, false)
		AND NOT casesync_internal.is_stopped(l.partner)
	   AND CASE WHEN CASE l.kind
			WHEN 'notify' THEN EXISTS (SELECT FROM casesync_internal.next_notifications(l.lane, 1))
			ELSE EXISTS (SELECT FROM casesync_internal.outgoing o
				WHERE o.lane = l.lane AND o.state = 'due') END
			THEN NOT casesync_internal.encryption_is_missing(l.partner) ELSE false END;
END
$$;
COMMENT ON FUNCTION casesync_internal.lanes() IS
	'the lanes that have something to send, and how long each must wait';

/* Take back what may not be sent (any more), and have its subjects looked at again. */
CREATE OR REPLACE FUNCTION casesync_internal.withdraw(items casesync_internal.notification[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(items) = 0 THEN
		RETURN 0;
	END IF;
	PERFORM casesync_internal.withhold(ARRAY(SELECT n.reference_id FROM unnest(items) n),
		'the agreement changed');
	PERFORM casesync_internal.look_again_add(n.registry, array_agg(n.key), n.event_type,
		'the agreement changed: to be rendered again')
	   FROM unnest(items) n GROUP BY n.registry, n.event_type;
	PERFORM casesync_internal.ring();
	RETURN cardinality(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.withdraw(casesync_internal.notification[]) IS
	'withhold notifications and render their subjects anew under the agreement of today; returns '
	'how many';

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

/* First sending: a place in the subscription's stream, and on record before it happens. */
CREATE OR REPLACE FUNCTION casesync_internal.give_seq(items casesync_internal.notification[],
	stream uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target bigint := items[1].subscription;
	/* An item keeps its number at every attempt, until a new stream begins. */
	fresh bigint[] := ARRAY(SELECT n.id FROM unnest(items) n
		WHERE n.stream IS DISTINCT FROM give_seq.stream ORDER BY n.id);
	last_seq bigint := coalesce((SELECT q.seq FROM casesync_internal.subscription_seq q
		WHERE q.subscription = target AND q.stream = give_seq.stream
		ORDER BY q.seq DESC LIMIT 1), 0);
BEGIN
	PERFORM casesync_internal.disclosure_begin('notify', ARRAY(
		SELECT ROW(l.partner, n.registry, n.key, n.hmac, n.agreement, n.agreement_version,
			n.reference_id)::casesync_internal.disclosing
		  FROM unnest(items) n JOIN casesync_internal.lane l ON l.lane = n.lane
		 WHERE n.seq IS NULL ORDER BY n.id));
	IF fresh = '{}' THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.notification_number(fresh, stream, last_seq);
	DELETE FROM casesync_internal.subscription_seq q WHERE q.subscription = target;
	INSERT INTO casesync_internal.subscription_seq (subscription, stream, seq)
	VALUES (target, give_seq.stream, last_seq + cardinality(fresh));
END
$$;
COMMENT ON FUNCTION casesync_internal.give_seq(casesync_internal.notification[], uuid) IS
	'number items that were never sent in this stream, and record that they are about to be';

CREATE OR REPLACE FUNCTION casesync_internal.notify_message(items bigint[], OUT message jsonb,
	OUT meta jsonb)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT jsonb_build_object('transaction_id', min(s.transaction_id), 'notify_event',
			jsonb_agg(jsonb_build_object(
				'reference_id', n.reference_id, 'timestamp', casesync_internal.wire_time(n.at),
				'locale', s.locale, 'data', jsonb_build_object('version', '1.0.0',
					'reg_type', k.reg_type, 'reg_event_type', k.event_type, 'reg_record_type',
					k.record_type,
					'reg_records', n.record)) ORDER BY n.id)),
		jsonb_build_object('stream', min(n.stream::text), 'items', jsonb_agg(
			jsonb_strip_nulls(jsonb_build_object('code', s.code, 'seq', n.seq, 'prev_seq',
				n.prev_seq,
				'hops', CASE WHEN n.hops <> '{}' THEN to_jsonb(n.hops) END)) ORDER BY n.id))
	  INTO message, meta
	  FROM casesync_internal.notification n
	  JOIN casesync_internal.subscription s ON s.id = n.subscription
	  /* All items are of one subscription, hence of one event type and few registries. */
	  JOIN (SELECT x.registry, casesync_internal.reg_type_wire(x.reg_type) AS reg_type,
				casesync_internal.event_wire(x.reg_type, x.event_type) AS event_type, x.record_type
			  FROM (SELECT DISTINCT m.registry, m.event_type,
				coalesce(r.reg_type, w.reg_type, 'ESS') AS reg_type,
						coalesce(r.record_type, w.record_type) AS record_type
					  FROM casesync_internal.notification m
					  JOIN casesync_internal.subscription w ON w.id = m.subscription
					  LEFT JOIN casesync_internal.registry r ON r.registry = m.registry
					 WHERE m.id = ANY (items)) x) k ON k.registry = n.registry
	 WHERE n.id = ANY (items);
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_message(bigint[]) IS
	'the message of a notify (ESS NotifyEventRequest) and header.meta: stream, and per item code, '
	'seq, prev_seq, hops';

/*
 * Routing may withhold a notification while it is being taken. Whoever comes second waits here
 * and then sees what the first has done, so that nothing withheld is sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lock_due(items casesync_internal.notification[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT n FROM casesync_internal.notification n
		WHERE n.id = ANY (ARRAY(SELECT i.id FROM unnest(items) i)) AND n.state = 'due'
		ORDER BY n.id FOR UPDATE OF n);
END
$$;
COMMENT ON FUNCTION casesync_internal.lock_due(casesync_internal.notification[]) IS
	'those of these notifications that are still due, locked until the end of the transaction';

/*
 * What is sent next, less what may not be sent any more. When an item alone has drawn server errors,
 * another subject's item goes first: if that passes, the item and not the partner is at fault.
 */
CREATE OR REPLACE FUNCTION casesync_internal.items_to_send(s casesync_internal.lane_state)
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items casesync_internal.notification[];
	unwished uuid[];
	count integer;
BEGIN
	/* A great backlog is withdrawn in several transactions: the next take() goes on. */
	FOR turn IN 1 .. 20 LOOP
		IF s.suspect IS NOT NULL THEN
			items := CASE WHEN s.others_pass
				THEN ARRAY(SELECT x FROM casesync_internal.notification x
					WHERE x.id = s.suspect AND x.state = 'due')
				ELSE ARRAY(SELECT x
					FROM casesync_internal.next_notifications(s.lane, 1, s.suspect) x) END;
		END IF;
		IF coalesce(cardinality(items), 0) = 0 THEN
			items := ARRAY(SELECT x
				FROM casesync_internal.next_notifications(s.lane, s.batch_limit) x);
		END IF;
		items := casesync_internal.lock_due(items);
		unwished := ARRAY(SELECT x.reference_id FROM unnest(items) x
			WHERE NOT casesync_internal.is_wished(x));
		PERFORM casesync_internal.withhold(unwished, 'subscription ended');
		count := cardinality(unwished);
		IF count = 0 THEN
			count := casesync_internal.withdraw(ARRAY(SELECT x FROM unnest(items) x
				WHERE NOT casesync_internal.is_agreed(x)));
		END IF;
		IF count = 0 THEN
			RETURN items;
		END IF;
		items := NULL;
	END LOOP;
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION casesync_internal.items_to_send(casesync_internal.lane_state) IS
	'the notifications of the next message; what is not agreed or wished any more is withheld on '
	'the way';

CREATE OR REPLACE FUNCTION casesync_internal.take_notifications(s casesync_internal.lane_state,
	p casesync_internal.partner, n casesync_internal.node)
RETURNS casesync_internal.parcel
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items casesync_internal.notification[];
	wish casesync_internal.subscription;
	url text;
	content record;
	parcel casesync_internal.parcel;
BEGIN
	items := casesync_internal.items_to_send(s);
	IF s.suspect IS NOT NULL AND NOT s.others_pass AND items[1].id = s.suspect THEN
		s.suspect := NULL;
	END IF;
	IF cardinality(items) = 0 THEN
		RETURN NULL;
	END IF;
	SELECT * INTO wish FROM casesync_internal.subscription t WHERE t.id = items[1].subscription;
	url := casesync_internal.notify_url(p, wish);
	IF url IS NULL THEN
		s.is_stopped := true;
		s.reason := format(
			'there is no address to send to: SELECT casesync.set_partner(%L, ''https://…'')',
			p.partner);
		PERFORM casesync_internal.lane_set(s);
		RETURN NULL;
	END IF;
	PERFORM casesync_internal.give_seq(items, n.stream);
	s.items := ARRAY(SELECT x.id FROM unnest(items) x);
	s.message_id := gen_random_uuid();
	content := casesync_internal.notify_message(s.items);
	PERFORM casesync_internal.lane_set(s);
	parcel := ROW(s.message_id, url, 'notify', n.sender_id, p.partner, NULL,
		'succ', cardinality(items), cardinality(items), content.message::text, content.meta::text,
		s.attempt + 1, p.networks::text[], nullif(p.tls_name, ''),
		p.token_url, p.client_id, p.secret_name, casesync_internal.encryption_key(p.partner));
	RETURN parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_notifications(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node) IS
	'the next notify message of a lane; NULL when there is nothing to send';

CREATE OR REPLACE FUNCTION casesync_internal.take_outgoing(s casesync_internal.lane_state,
	p casesync_internal.partner, n casesync_internal.node)
RETURNS casesync_internal.parcel
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o casesync_internal.outgoing;
	items integer;
	parcel casesync_internal.parcel;
BEGIN
	SELECT * INTO o FROM casesync_internal.outgoing t WHERE t.lane = s.lane AND t.state = 'due'
		ORDER BY t.id LIMIT 1;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF casesync_internal.answer_withdrawn(o) THEN
		RETURN NULL;
	END IF;
	s.items := ARRAY[o.id];
	s.message_id := gen_random_uuid();
	PERFORM casesync_internal.lane_set(s);
	items := coalesce(jsonb_array_length(coalesce(o.message->'subscribe_response',
		o.message->'subscribe_request', o.message->'search_response')), 1);
	parcel := ROW(s.message_id, o.url, o.action, n.sender_id, p.partner,
		CASE WHEN o.action IN ('subscribe', 'unsubscribe', 'search')
			THEN n.base_url || '/registry/on-' || o.action
			WHEN o.action = 'txn-status' THEN n.base_url || '/registry/txn/on-status' END,
		o.status, items, CASE
			WHEN o.action = 'on-subscribe' THEN (SELECT count(*)::integer
				FROM jsonb_array_elements(o.message->'subscribe_response') i
				WHERE i->>'status' IN ('succ', 'rjct'))
			WHEN o.status IN ('rcvd', 'pdng') THEN 0 ELSE items END,
		o.message::text, NULL, s.attempt + 1, p.networks::text[], nullif(p.tls_name, ''),
		p.token_url, p.client_id, p.secret_name,
			casesync_internal.encryption_key(p.partner, o.must_encrypt));
	RETURN parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_outgoing(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node) IS
	'the next request or callback of a lane; NULL when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.take(lane integer)
RETURNS SETOF casesync_internal.parcel
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	l casesync_internal.lane;
	s casesync_internal.lane_state;
	p casesync_internal.partner;
	parcel casesync_internal.parcel;
BEGIN
	SELECT * INTO l FROM casesync_internal.lane t WHERE t.lane = $1;
	IF NOT FOUND OR NOT casesync_internal.may_speak()
		OR NOT casesync_internal.lock_for_transaction(2, $1) THEN
		RETURN;
	END IF;
	/* What this session sent before is over; from here to record_outcome() stop_sharing() waits for us. */
	PERFORM casesync_internal.sharing_release($1);
	IF NOT casesync_internal.sharing_enter($1) THEN
		RETURN;
	END IF;
	IF casesync_internal.is_stopped(l.partner) THEN
		RETURN;
	END IF;
	s := casesync_internal.lane_now($1);
	s.lane := $1;
	s.batch_limit := coalesce(s.batch_limit, 100);
	s.attempt := coalesce(s.attempt, 0);
	IF s.is_stopped OR s.next_attempt > clock_timestamp()
		OR casesync_internal.encryption_is_missing(l.partner) THEN
		RETURN;
	END IF;
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = l.partner;
	IF l.kind = 'notify' THEN
		parcel := casesync_internal.take_notifications(s, p, casesync_internal.this_node());
	ELSE
		parcel := casesync_internal.take_outgoing(s, p, casesync_internal.this_node());
	END IF;
	IF parcel.message_id IS NOT NULL THEN
		PERFORM casesync_internal.sharing_hold($1);
		RETURN NEXT parcel;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.take(integer) IS
	'the message to send next on a lane, if one is due; it is in flight until record_outcome() or '
	'the next take()';

CREATE OR REPLACE FUNCTION casesync_internal.settle_notifications(items bigint[], verdict text,
	why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.disclosure_complete(
		ARRAY(SELECT n.reference_id FROM casesync_internal.notification n
			WHERE n.id = ANY (items)), verdict);
	PERFORM casesync_internal.notification_settle(items, verdict = 'delivered', why);
END
$$;
COMMENT ON FUNCTION casesync_internal.settle_notifications(bigint[], text, text) IS
	'notifications reached the partner, or never will; the disclosure''s outcome with them';

/* A callback that is refused for good leaves its subscriptions alive: notifications still arrive. */
CREATE OR REPLACE FUNCTION casesync_internal.settle_outgoing(items bigint[], verdict text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	confirmed bigint[];
BEGIN
	UPDATE casesync_internal.outgoing o SET state_reason = why,
		state = CASE verdict WHEN 'delivered' THEN 'delivered' ELSE 'dead' END
	 WHERE o.id = ANY (items) AND o.state = 'due';
	PERFORM casesync_internal.settle_requests(items, verdict, why);
	confirmed := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.id IN (SELECT unnest(o.subscriptions) FROM casesync_internal.outgoing o
			WHERE o.id = ANY (items))
		  AND s.state <> 'pending' AND NOT s.is_confirmed ORDER BY s.id FOR UPDATE OF s);
	UPDATE casesync_internal.subscription s SET is_confirmed = true WHERE s.id = ANY (confirmed);
	IF verdict = 'refused' THEN
		UPDATE casesync_internal.my_subscription m SET state = 'refused', reason = why,
			answered_at = clock_timestamp()
		  FROM casesync_internal.outgoing o
		 WHERE o.id = ANY (items) AND o.action = 'subscribe' AND m.state = 'requested'
		   AND m.transaction_id = o.message->>'transaction_id';
		UPDATE casesync_internal.my_subscription m SET state = 'active', reason = why,
			answered_at = clock_timestamp()
		  FROM casesync_internal.outgoing o
		 WHERE o.id = ANY (items) AND o.action = 'unsubscribe' AND m.state = 'ending'
		   AND m.transaction_id = o.message->>'transaction_id';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.settle_outgoing(bigint[], text, text) IS
	'a request or callback reached the partner, or never will';
