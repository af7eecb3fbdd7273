/* The next message of a lane, ready for the bridge. */

CREATE OR REPLACE FUNCTION casesync_internal.disclose_items(
	items casesync_internal.notification[], subscription bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	wish constant casesync_internal.subscription := (SELECT s
		FROM casesync_internal.subscription s WHERE s.id = disclose_items.subscription);
BEGIN
	PERFORM casesync_internal.disclosure_begin(v.way, array_agg(v.item ORDER BY v.id))
	   FROM (
		SELECT f.id, CASE WHEN EXISTS (SELECT FROM casesync_internal.push p
				WHERE p.event = f.event AND p.partner = wish.partner OFFSET 0)
			THEN 'push' ELSE 'notify' END AS way,
			ROW(wish.partner, f.registry, f.key, f.hmac, f.agreement, f.agreement_version,
				f.reference_id, w.names)::casesync_internal.disclosing AS item
		  FROM unnest(items) f
		  LEFT JOIN (
			SELECT a.agreement, a.version, casesync_internal.search_asked(wish.tree, a, false)
			  FROM (SELECT DISTINCT u.agreement, u.agreement_version FROM unnest(items) u) i
			  JOIN casesync_internal.agreement a ON a.agreement = i.agreement
				AND a.version = i.agreement_version
			 WHERE wish.tree IS NOT NULL OFFSET 0) w(agreement, version, names)
			ON w.agreement = f.agreement AND w.version = f.agreement_version) v
	  GROUP BY v.way;
END
$$;
COMMENT ON FUNCTION casesync_internal.disclose_items(casesync_internal.notification[], bigint) IS
	'part of give_seq(): these items are about to leave';

/* The one with the highest number, by the index that has this order: see waiting_from(). */
CREATE OR REPLACE FUNCTION casesync_internal.seq_now(subscription bigint, stream uuid)
RETURNS casesync_internal.subscription_seq
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
DECLARE
	answer casesync_internal.subscription_seq;
BEGIN
	SELECT q.* INTO answer FROM casesync_internal.subscription_seq q
	 WHERE q.subscription = ANY (ARRAY[seq_now.subscription])
	   AND (q.stream, q.seq) >= (seq_now.stream, 0) AND q.stream <= seq_now.stream
	 ORDER BY q.subscription DESC, q.stream DESC, q.seq DESC LIMIT 1;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.seq_now(bigint, uuid) IS
	'the last number that was given in a subscription''s stream; NULL: none was';

/*
 * Appended, not updated, and what was read goes by its key: a held snapshot must not make every
 * later look walk its versions. The first number of a stream ends the one before.
 */
CREATE OR REPLACE FUNCTION casesync_internal.seq_set(q casesync_internal.subscription_seq,
	subscription bigint, stream uuid, seq bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF q.id IS NULL THEN
		DELETE FROM casesync_internal.subscription_seq x
		 WHERE x.subscription = seq_set.subscription;
	ELSE
		DELETE FROM casesync_internal.subscription_seq x WHERE x.id = q.id;
	END IF;
	INSERT INTO casesync_internal.subscription_seq (subscription, stream, seq)
	VALUES (seq_set.subscription, seq_set.stream, seq_set.seq);
END
$$;
COMMENT ON FUNCTION casesync_internal.seq_set(casesync_internal.subscription_seq, bigint, uuid,
	bigint) IS
	'the last number that was given in a subscription''s stream; q: the one before';

CREATE OR REPLACE FUNCTION casesync_internal.not_disclosed(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT d.hmac IS DISTINCT FROM n.hmac
		  FROM (SELECT x.id, x.hmac FROM casesync_internal.disclosure x
			 WHERE x.reference_id = n.reference_id AND x.outcome = 'attempted' OFFSET 0) d
		 ORDER BY d.id DESC LIMIT 1), true);
END
$$;
COMMENT ON FUNCTION casesync_internal.not_disclosed(casesync_internal.notification) IS
	'whether an item was attempted last with another record than it has now, or so long ago that '
	'it is not on record any more';

/*
 * First sending: a place in the subscription's stream, and on record before it happens. All items
 * are of one subscription, whose last number is theirs to go on from. On record already is what has
 * a stream: it was disclosed when it got a number, if that was not for another record than it has
 * now. That a filter fits somebody is told by the item that it sends.
 */
CREATE OR REPLACE FUNCTION casesync_internal.give_seq(items casesync_internal.notification[],
	stream uuid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target constant bigint := items[1].subscription;
	/* An item keeps its number at every attempt, until a new stream begins. */
	fresh constant bigint[] := ARRAY(SELECT n.id FROM unnest(items) n
		WHERE n.seq IS NULL OR n.stream IS DISTINCT FROM give_seq.stream ORDER BY n.id);
	news constant casesync_internal.notification[] := ARRAY(SELECT n FROM unnest(items) n
		WHERE CASE WHEN n.stream IS NULL THEN true ELSE casesync_internal.not_disclosed(n) END
		ORDER BY n.id);
	last_now casesync_internal.subscription_seq;
BEGIN
	IF news <> '{}' THEN
		PERFORM casesync_internal.disclose_items(news, target);
	END IF;
	IF fresh <> '{}' THEN
		last_now := casesync_internal.seq_now(target, stream);
		PERFORM casesync_internal.notification_number(fresh, stream, coalesce(last_now.seq, 0));
		PERFORM casesync_internal.seq_set(last_now, target, stream,
			coalesce(last_now.seq, 0) + cardinality(fresh));
	END IF;
	IF cardinality(fresh) < cardinality(items) OR EXISTS (
		SELECT FROM casesync_internal.open_number o WHERE o.subscription = target) THEN
		PERFORM casesync_internal.numbers_follow(ARRAY(SELECT n.id FROM unnest(items) n), target);
	END IF;
	/* What may have left in an earlier stream is not taken for what never did. */
	RETURN CASE WHEN fresh <> '{}' AND NOT EXISTS (SELECT FROM unnest(items) n
			WHERE n.seq IS NOT NULL AND n.stream <> give_seq.stream)
		THEN coalesce(last_now.seq, 0) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.give_seq(casesync_internal.notification[], uuid) IS
	'number items that were never sent in this stream, and record that they are about to be; gives '
	'the last number before theirs, if all of these are new, see numbers_back()';

/*
 * What is the same for all items of one registry and event type, written as JSON once. A registry
 * that was unpublished since is still named as the subscription asked for it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.items_called(registries text[], event_types text[],
	w casesync_internal.subscription)
RETURNS TABLE (registry text, event_type text, called text, has_versions boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT x.registry, x.event_type, format('"version": "1.0.0", "reg_type": %s, '
			'"reg_event_type": %s, "reg_record_type": %s',
			to_json(casesync_internal.reg_type_wire(x.reg_type)),
			to_json(casesync_internal.event_wire(x.reg_type, x.event_type)),
			to_json(x.record_type)),
		EXISTS (SELECT FROM casesync_internal.field_version v WHERE v.registry = x.registry
			OFFSET 0)
	  FROM (SELECT m.registry, m.event_type, coalesce(r.reg_type, w.reg_type, 'ESS') AS reg_type,
				coalesce(r.record_type, w.record_type) AS record_type
			  FROM unnest(registries, event_types) m(registry, event_type)
			  LEFT JOIN casesync_internal.registry r ON r.registry = m.registry OFFSET 0) x;
END
$$;
COMMENT ON FUNCTION casesync_internal.items_called(text[], text[],
	casesync_internal.subscription) IS
	'part of notify_message(): what these registries and event types are called in a message, and '
	'whether versions of their fields are known';

CREATE OR REPLACE FUNCTION casesync_internal.left_out(n casesync_internal.notification)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT ', "left_out": ' || c.items FROM casesync_internal.compacted c
		WHERE c.subscription = n.subscription AND c.registry = n.registry AND c.key = n.key
		  AND c.last_item < n.id), '');
END
$$;
COMMENT ON FUNCTION casesync_internal.left_out(casesync_internal.notification) IS
	'part of notify_message(): how many states of its subject were not told before this item, '
	'since too many waited';

/*
 * After give_seq(), which the array in the caller's hand does not know of: so rows are read again.
 * What is the same for all, since all are of one subscription, is asked once. Put together as text:
 * to make one jsonb of a hundred takes as long as all else.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notify_message(items bigint[],
	w casesync_internal.subscription, OUT message text, OUT meta text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	locale constant text := to_json(w.locale);
	code constant text := to_json(w.code);
	way constant text := CASE WHEN w.is_push THEN ', "way": "push"' ELSE '' END;
	is_compacted constant boolean := EXISTS (SELECT FROM casesync_internal.compacted c
		WHERE c.subscription = w.id);
BEGIN
	WITH told AS MATERIALIZED (
		SELECT n.* FROM casesync_internal.notification n WHERE n.id = ANY (items)
	), called AS MATERIALIZED (
		SELECT c.*
		  FROM (SELECT array_agg(d.registry) AS registries, array_agg(d.event_type) AS types
				  FROM (SELECT DISTINCT t.registry, t.event_type FROM told t) d) k
		 CROSS JOIN LATERAL casesync_internal.items_called(k.registries, k.types, w) c
	)
	SELECT '{"transaction_id": ' || to_json(w.transaction_id) || ', "notify_event": ['
			|| string_agg('{"reference_id": "' || n.reference_id || '", "timestamp": "'
			|| to_char(n.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
			|| '", "locale": ' || locale || ', "data": {' || k.called || ', "reg_records": '
			|| coalesce(n.record::text, 'null') || '}}', ', ' ORDER BY n.seq) || ']}',
		'{"stream": "' || min(n.stream::text) || '", "items": ['
			|| string_agg('{"code": ' || code || way || ', "seq": ' || n.seq
			|| coalesce(', "prev_seq": ' || n.prev_seq, '')
			|| CASE WHEN n.hops <> '{}' THEN ', "hops": ' || to_json(n.hops) ELSE '' END
			|| CASE WHEN is_compacted THEN casesync_internal.left_out(n) ELSE '' END
			|| CASE WHEN k.has_versions THEN coalesce(', "changed": ' || jsonb_strip_nulls(
				casesync_internal.versions_told(n.registry, n.key, n.record))::text, '')
				ELSE '' END
			|| '}', ', ' ORDER BY n.seq) || ']}'
	  INTO message, meta
	  FROM told n JOIN called k ON k.registry = n.registry AND k.event_type = n.event_type;
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_message(bigint[], casesync_internal.subscription) IS
	'the message of a notify (ESS NotifyEventRequest) and header.meta: stream, and per item code, '
	'way (of a push), seq, prev_seq, hops, left_out, changed';

CREATE OR REPLACE FUNCTION casesync_internal.parcel_for(s casesync_internal.lane_state,
	p casesync_internal.partner, n casesync_internal.node, must_encrypt boolean)
RETURNS casesync_internal.parcel
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parcel casesync_internal.parcel;
BEGIN
	parcel.message_id := gen_random_uuid();
	parcel.attempt := s.attempt + 1;
	parcel.sender_id := n.sender_id;
	parcel.receiver_id := p.partner;
	parcel.networks := p.networks::text[];
	parcel.tls_name := nullif(p.tls_name, '');
	parcel.status_is_ack := p.acknowledges = 'status';
	parcel.forms := casesync_internal.profile_forms(p.profile);
	parcel.callback_client := casesync_internal.callback_client(p.partner);
	parcel.token_url := p.token_url;
	parcel.client_id := p.client_id;
	parcel.secret_name := p.secret_name;
	parcel.encrypt := casesync_internal.encryption_key(p.partner, must_encrypt);
	RETURN parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.parcel_for(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node, boolean) IS
	'a message to a partner, still without content: how it gets there and who says it';

/*
 * Everything that the message depends on is written before it is built, in this transaction: a
 * bridge that dies after the commit leaves a lane whose items go again under the same numbers.
 */
CREATE OR REPLACE FUNCTION casesync_internal.take_notifications(s casesync_internal.lane_state,
	p casesync_internal.partner, n casesync_internal.node, with_journal boolean)
RETURNS casesync_internal.parcel
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items casesync_internal.notification[] := casesync_internal.items_to_send(s);
	wish casesync_internal.subscription;
	parcel casesync_internal.parcel;
BEGIN
	/* No other subject waits, so nothing can show that it is this item: it goes as any other. */
	IF s.suspect IS NOT NULL AND NOT s.others_pass AND items[1].id = s.suspect THEN
		s.suspect := NULL;
	END IF;
	/* A subscription that has moved has items in two lanes, and one row of numbers. */
	IF items = '{}' OR NOT casesync_internal.lock_for_transaction(9,
		(items[1].subscription % 2147483647)::integer) THEN
		RETURN NULL;
	END IF;
	SELECT * INTO wish FROM casesync_internal.subscription t WHERE t.id = items[1].subscription;
	parcel := casesync_internal.parcel_for(s, p, n, must_encrypt => false);
	parcel.attempt := casesync_internal.attempt_number(s, cardinality(items));
	parcel.url := casesync_internal.notify_url(p, wish);
	/* Stopped and not passed over: else the bridge would ask for this lane again at once. */
	IF parcel.url IS NULL THEN
		s.is_stopped := true;
		s.reason := format('there is no address to send to: SELECT casesync.set_partner(%L, '
			'''https://…'')', p.partner);
		PERFORM casesync_internal.lane_set(s);
		RETURN NULL;
	END IF;
	s.message_id := parcel.message_id;
	s.items := ARRAY(SELECT x.id FROM unnest(items) x);
	s.seq_before := casesync_internal.give_seq(items, n.stream);
	PERFORM casesync_internal.lane_set(s);
	SELECT casesync_internal.notify_shape(m.message, wish.code, p.profile), m.meta
	  INTO parcel.message, parcel.meta FROM casesync_internal.notify_message(s.items, wish) m;
	parcel.action := 'notify'; parcel.status := 'succ';
	parcel.total_count := cardinality(items); parcel.completed_count := cardinality(items);
	IF with_journal THEN
		parcel.journal := casesync_internal.journal_entry(s.items, n.stream);
	END IF;
	RETURN parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_notifications(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node, boolean) IS
	'the next notify message of a lane; NULL when there is nothing to send';

/*
 * One message each, oldest first: a partner must not get an unsubscribe before its subscribe. It is
 * asked again whether the answer may still be given (request_withdraw()), as for notifications.
 */
CREATE OR REPLACE FUNCTION casesync_internal.take_outgoing(s casesync_internal.lane_state,
	p casesync_internal.partner, n casesync_internal.node)
RETURNS casesync_internal.parcel
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	turn constant bigint := casesync_internal.outgoing_turn(s);
	o casesync_internal.outgoing;
	parcel casesync_internal.parcel;
BEGIN
	/* This one or none: who has it locked, erases it or answers anew. */
	SELECT t.* INTO o FROM casesync_internal.outgoing t WHERE t.id = turn FOR UPDATE SKIP LOCKED;
	IF o.state IS DISTINCT FROM 'due' OR casesync_internal.request_withdraw(o) THEN
		RETURN NULL;
	END IF;
	IF NOT s.others_pass AND o.id = s.suspect THEN
		s.suspect := NULL;
	END IF;
	parcel := casesync_internal.parcel_for(s, p, n, o.must_encrypt);
	parcel.attempt := casesync_internal.attempt_number(s, 1);
	s.items := ARRAY[o.id];
	s.message_id := parcel.message_id;
	PERFORM casesync_internal.lane_set(s);
	parcel.action := o.action; parcel.status := o.status;
	parcel.url := o.url;
	/* Where the answer is to go; to an answer there is none. */
	parcel.sender_uri := n.base_url || coalesce('/from/' || parcel.callback_client, '') || CASE
		WHEN o.action IN ('subscribe', 'unsubscribe', 'search') THEN '/registry/on-' || o.action
		WHEN o.action = 'txn-status' THEN '/registry/txn/on-status' END;
	parcel.total_count := coalesce(jsonb_array_length(coalesce(o.message->'subscribe_response',
		o.message->'subscribe_request', o.message->'search_response')), 1);
	parcel.completed_count := CASE
		WHEN o.action = 'on-subscribe' THEN (SELECT count(*)
			FROM jsonb_array_elements(o.message->'subscribe_response') i
			WHERE i->>'status' IN ('succ', 'rjct'))
		WHEN o.status IN ('rcvd', 'pdng') THEN 0 ELSE parcel.total_count END;
	parcel.message := o.message;
	RETURN parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_outgoing(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node) IS
	'the next request or callback of a lane; NULL when there is none';

/*
 * A lane that was never used has no state yet. Its marks go on to the first that waits, so that no
 * later look begins before that: only turns of the router, one at a time, put something behind what
 * waits in the order of ids, and all else that is due again has another place.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_to_send(l casesync_internal.lane,
	begins_until timestamptz)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.lane_state := casesync_internal.lane_now(l.lane);
BEGIN
	s.lane := l.lane;
	s.batch_limit := coalesce(s.batch_limit, 100);
	s.attempt := coalesce(s.attempt, 0);
	s.live_from := coalesce(s.live_from, 0);
	s.bulk_from := coalesce(s.bulk_from, 0);
	/* What another session has taken, and said nothing of, may still be there. */
	IF s.message_id IS NOT NULL THEN
		s.lost_until := greatest(s.lost_until, s.begins_until);
	END IF;
	s.begins_until := begins_until;
	s.seq_before := NULL;
	IF l.kind = 'notify' THEN
		IF s.message_id IS NOT NULL THEN
			PERFORM casesync_internal.notification_tried(s.items);
		END IF;
		s.live_from := coalesce((SELECT w.id
			FROM casesync_internal.waiting_from(s.lane, 0, false, s.live_from, 1) w), s.live_from);
		s.bulk_from := coalesce((SELECT w.id
			FROM casesync_internal.waiting_from(s.lane, 0, true, s.bulk_from, 1) w), s.bulk_from);
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_to_send(casesync_internal.lane, timestamptz) IS
	'the state of a lane of which the next message is taken';

/*
 * One message of a lane is under way at a time. Whoever reads it holds the lane's sharing lock from
 * here to record_outcome(), past the end of this transaction: so stop_sharing() can wait for what
 * has been read and is not sent yet. A bridge that dies loses the lock with its session, and the
 * next take() makes a new message, whose outcome alone is believed.
 *
 * One that loses its session and lives on has promised to begin sending within so many milliseconds
 * from asking, or never: that is what stop_sharing() waits for when nobody has the lock.
 */
CREATE OR REPLACE FUNCTION casesync_internal.take(lane integer, turn bigint DEFAULT NULL,
	begins_within integer DEFAULT NULL, with_journal boolean DEFAULT true)
RETURNS SETOF casesync_internal.parcel
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	l casesync_internal.lane;
	s casesync_internal.lane_state;
	p casesync_internal.partner;
	parcel casesync_internal.parcel;
	begins_until constant timestamptz := clock_timestamp()
		+ least(begins_within, 60000) * interval '1 millisecond';
BEGIN
	SELECT * INTO l FROM casesync_internal.lane t WHERE t.lane = take.lane;
	IF NOT FOUND OR NOT casesync_internal.may_speak()
		OR NOT (turn IS NULL OR casesync_internal.routing_turn_was(turn))
		OR NOT casesync_internal.lock_for_transaction(2, l.lane) THEN
		RETURN;
	END IF;
	/* What this session sent before is over. */
	PERFORM casesync_internal.sharing_release(l.lane);
	IF NOT casesync_internal.sharing_enter(l.lane) THEN
		RETURN;
	END IF;
	/* A statement of its own: its snapshot is younger than the lock. */
	IF casesync_internal.is_stopped(l.partner) THEN
		RETURN;
	END IF;
	s := casesync_internal.lane_to_send(l, begins_until);
	IF s.is_stopped OR s.next_attempt > clock_timestamp()
		OR casesync_internal.encryption_is_missing(l.partner) THEN
		RETURN;
	END IF;
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = l.partner;
	IF l.kind = 'notify' THEN
		parcel := casesync_internal.take_notifications(s, p, casesync_internal.this_node(),
			with_journal);
	ELSE
		parcel := casesync_internal.take_outgoing(s, p, casesync_internal.this_node());
	END IF;
	IF parcel.message_id IS NOT NULL THEN
		PERFORM casesync_internal.sharing_hold(l.lane);
		RETURN NEXT parcel;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.take(integer, bigint, integer, boolean) IS
	'the message to send next on a lane, if one is due, and the routing turn that delivery_begin() '
	'asked for was; it is in flight until record_outcome() or the next take(), and begins to leave '
	'within so many milliseconds, or never; with what a bridge writes into its journal, if it has '
	'one';

/*
 * One transaction for both, since the next message of a lane is mostly due when one has ended. What
 * goes wrong with the next one does not undo the outcome.
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_message(lane integer, message_id uuid,
	verdict text, wait_ms bigint, http_status integer, ack_status text, error_code text,
	detail text, has_left boolean, turn bigint, begins_within integer, with_journal boolean)
RETURNS SETOF casesync_internal.parcel
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	parcel casesync_internal.parcel;
	recorded constant boolean := casesync_internal.record_outcome(lane, message_id, verdict,
		wait_ms, http_status, ack_status, error_code, detail, has_left);
BEGIN
	BEGIN
		SELECT * INTO parcel
		  FROM casesync_internal.take(lane, turn, begins_within, with_journal);
	EXCEPTION WHEN OTHERS THEN
		parcel.again := true;
	END;
	parcel.recorded := recorded;
	RETURN NEXT parcel;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_message(integer, uuid, text, bigint, integer, text, text,
	text, boolean, bigint, integer, boolean) IS
	'record_outcome() and take() at once: always one row, without a message_id when nothing is due';
