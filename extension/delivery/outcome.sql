/*
 * How a message ended, as the bridge reports it. What an answer means is judged by the bridge
 * alone, by its table of outcomes; here the verdict is applied to the message's items and its lane:
 *
 *	delivered	the partner has it
 *	retry		later; nothing is wrong with the message as far as anybody knows
 *	suspect		later; but it may be this message that the partner fails at
 *	refused		never again: a single item is dead, a batch is halved to find the one
 *	stop		nothing leaves on the lane until somebody has looked at it
 *	unsent		it was not tried, and counts as never taken
 */
CREATE OR REPLACE FUNCTION casesync_internal.settle_notifications(items bigint[], verdict text,
	why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.disclosure_complete(
		casesync_internal.notification_settle(items, verdict = 'delivered', why), verdict);
END
$$;
COMMENT ON FUNCTION casesync_internal.settle_notifications(bigint[], text, text) IS
	'notifications reached the partner, or never will; the disclosure''s outcome with them';

/*
 * Whoever waits for the answer to a question of ours must hear that there will be none. What was
 * delivered is answered later, by a message of the partner.
 */
CREATE OR REPLACE FUNCTION casesync_internal.settle_outgoing(items bigint[], verdict text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o casesync_internal.outgoing;
	ours text;
BEGIN
	PERFORM casesync_internal.outgoing_settle(items, verdict = 'delivered', why);
	FOR o IN SELECT t.* FROM casesync_internal.outgoing t WHERE t.id = ANY (items) LOOP
		PERFORM casesync_internal.disclosure_complete(ARRAY[o.reference_id], verdict);
		/* A refused callback leaves its subscriptions alive: notifications still arrive. */
		PERFORM casesync_internal.subscription_confirm(o.subscriptions);
		IF verdict = 'delivered' THEN
			PERFORM casesync_internal.request_answered(o.reference_id);
			CONTINUE;
		END IF;
		ours := o.message->>'transaction_id';
		CASE o.action
			WHEN 'search', 'txn-status' THEN
				PERFORM casesync_internal.my_request_refused(ours, why);
			WHEN 'subscribe' THEN
				PERFORM casesync_internal.my_subscription_refused(ours, why);
			WHEN 'unsubscribe' THEN
				PERFORM casesync_internal.my_subscription_kept(ours, why);
			ELSE
				NULL;
		END CASE;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.settle_outgoing(bigint[], text, text) IS
	'requests and callbacks reached the partner, or never will';

/* Not of requests and callbacks, which are found where they are. */
CREATE OR REPLACE FUNCTION casesync_internal.keep_to_send(s casesync_internal.lane_state)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.lane l WHERE l.lane = s.lane AND l.kind = 'notify')
	THEN
		PERFORM casesync_internal.notification_settle_lock(s.items, is_delivered => true);
		PERFORM casesync_internal.notification_tried(s.items);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.keep_to_send(casesync_internal.lane_state) IS
	'the message in flight on a lane has ended, and its items are still to be told';

/* What is said of a message that arrived is in its attempt: a reason would look like a fault. */
CREATE OR REPLACE FUNCTION casesync_internal.settle(s casesync_internal.lane_state, verdict text,
	why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind constant text := (SELECT l.kind FROM casesync_internal.lane l WHERE l.lane = s.lane);
	reason constant text := CASE WHEN verdict <> 'delivered' THEN why END;
BEGIN
	IF kind = 'notify' THEN
		/* Who has one of them say something else now has let go of it when he is through. */
		PERFORM casesync_internal.notification_settle_lock(s.items, verdict = 'delivered');
		PERFORM casesync_internal.settle_notifications((casesync_internal.lane_now(s.lane)).items,
			verdict, reason);
	ELSE
		PERFORM casesync_internal.settle_outgoing(s.items, verdict, reason);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.settle(casesync_internal.lane_state, text, text) IS
	'the message in flight on a lane was delivered, or its one item was refused for good';

/*
 * A partner may fail at one record that it cannot read, for ever, and hold up all others: with 500,
 * or as if it did not know us.
 * After three failures in a row a batch is halved; an item that fails alone is under suspicion:
 * another subject's goes first. If that passes, the next failure of the suspect is its last
 * (record_outcome()); if it fails too, it is the partner, and nobody is under suspicion.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_suspect(s casesync_internal.lane_state)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	s.server_errors := s.server_errors + 1;
	IF s.suspect IS NOT NULL THEN
		s.suspect := NULL; s.others_pass := false; s.server_errors := 0;
	ELSIF s.server_errors >= 3 AND cardinality(s.items) > 1 THEN
		s.batch_limit := greatest(1, cardinality(s.items) / 2);
	ELSIF s.server_errors >= 3 THEN
		s.suspect := s.items[1];
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_suspect(casesync_internal.lane_state) IS
	'part of lane_after(): the partner failed, perhaps at this message';

/* While it is sought out which item it is, no message is like the one before: none waits long. */
CREATE OR REPLACE FUNCTION casesync_internal.attempt_number(s casesync_internal.lane_state,
	items integer)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN s.server_errors >= 3 AND (s.suspect IS NOT NULL OR items > 1) THEN 1
		ELSE s.attempt + 1 END;
END
$$;
COMMENT ON FUNCTION casesync_internal.attempt_number(casesync_internal.lane_state, integer) IS
	'which attempt a message of so many items is: the wait after it grows with that';

CREATE OR REPLACE FUNCTION casesync_internal.lane_rest(s casesync_internal.lane_state,
	verdict text, wait_ms bigint)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* A part of what failed before is no further attempt of it. */
	is_part constant boolean := verdict = 'suspect' AND s.server_errors >= 3
		AND cardinality(s.items) > 1;
BEGIN
	s.attempt := s.attempt + CASE WHEN is_part THEN 0 ELSE 1 END;
	/* The bridge asks for the wait, as the partner may (Retry-After): a day at most. */
	s.next_attempt := clock_timestamp()
		+ least(greatest(wait_ms, 0), 86400000) * interval '1 millisecond';
	IF verdict = 'suspect' THEN
		RETURN casesync_internal.lane_suspect(s);
	END IF;
	/* Who is away says nothing of the message: no part of it goes at once. */
	s.server_errors := least(s.server_errors, 2);
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_rest(casesync_internal.lane_state, text, bigint) IS
	'part of lane_after(): a message is to be sent again later, or a part of it';

/* The only place where a lane's state changes on an outcome. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_after(s casesync_internal.lane_state,
	verdict text, wait_ms bigint, why text)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	count constant integer := cardinality(s.items);
BEGIN
	s.reason := CASE WHEN verdict <> 'delivered' THEN why END;
	CASE verdict
		WHEN 'delivered' THEN
			s.attempt := 0; s.server_errors := 0; s.refusals := 0; s.next_attempt := NULL;
			/* Not to 100 at once: the item that had it halved may still wait. */
			s.batch_limit := least(100, s.batch_limit * 2);
			s.others_pass := s.suspect IS NOT NULL AND s.items <> ARRAY[s.suspect];
			s.suspect := CASE WHEN s.others_pass THEN s.suspect END;
		WHEN 'refused' THEN
			s.attempt := 0; s.server_errors := 0; s.next_attempt := NULL;
			/* Of what was sent, not of what was allowed: else a short batch is never halved. */
			s.batch_limit := greatest(1, count / 2);
			s.suspect := NULL; s.others_pass := false;
			/* A partner that refuses everything must not empty the backlog into dead letters. */
			s.refusals := s.refusals + CASE count WHEN 1 THEN 1 ELSE 0 END;
			IF s.refusals >= 10 THEN
				s.is_stopped := true;
				s.reason := format('%s items were refused one after another; the last: %s',
					s.refusals, why);
			END IF;
		WHEN 'retry', 'suspect' THEN
			s := casesync_internal.lane_rest(s, verdict, wait_ms);
		WHEN 'stop' THEN
			s.is_stopped := true;
		WHEN 'unsent' THEN
			NULL;
	END CASE;
	s.message_id := NULL;
	s.items := '{}';
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_after(casesync_internal.lane_state, text, bigint,
	text) IS
	'the state of a lane after an outcome: delivered, retry, suspect, refused, stop or unsent';

/*
 * Of a message of which not a byte has left nobody waits for the numbers: they are given anew, to
 * whatever is sent next. Else they would stay open when its items are not sent any more. Only where
 * they are the last of their stream: its subscription may have moved to another lane meanwhile.
 */
CREATE OR REPLACE FUNCTION casesync_internal.numbers_back(s casesync_internal.lane_state)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* Also of those that were let go meanwhile. */
	items constant bigint[] := ARRAY(SELECT abs(i) FROM unnest(s.items) i);
	now_stream constant uuid := (SELECT x.stream FROM casesync_internal.node x);
	target bigint;
	given bigint[];
	last_now casesync_internal.subscription_seq;
BEGIN
	IF s.seq_before IS NULL THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.notification_settle_lock(items, is_delivered => true);
	SELECT min(n.subscription), array_agg(n.id) INTO target, given
	  FROM casesync_internal.notification n
	 WHERE n.id = ANY (items) AND n.stream = now_stream AND n.seq > s.seq_before;
	IF casesync_internal.lock_for_transaction(9, (target % 2147483647)::integer) THEN
		last_now := casesync_internal.seq_now(target, now_stream);
		IF last_now.seq = s.seq_before + cardinality(given) THEN
			PERFORM casesync_internal.notification_unnumber(given);
			PERFORM casesync_internal.seq_set(last_now, target, now_stream, s.seq_before);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.numbers_back(casesync_internal.lane_state) IS
	'nothing of the message in flight has left: numbers that were given for it are given back';

/*
 * An outcome that comes late, when another bridge has taken the lane or a newer message is under
 * way, must not settle items of that one. Without the lock two bridges could both believe that
 * theirs is the one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_in_flight(lane integer, message_id uuid)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.lane_state;
BEGIN
	IF casesync_internal.lock_for_transaction(2, lane) THEN
		s := casesync_internal.lane_now(lane);
	END IF;
	RETURN CASE WHEN s.message_id = lane_in_flight.message_id THEN s END;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_in_flight(integer, uuid) IS
	'the state of a lane of which this message is in flight, locked; NULL when it is another';

CREATE OR REPLACE FUNCTION casesync_internal.check_verdict(verdict text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF verdict IS NULL OR verdict NOT IN ('delivered', 'retry', 'suspect', 'refused', 'stop',
		'unsent')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('verdict "%s" is not known', verdict));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_verdict(text) IS
	'whether an outcome has a verdict that is known, or an error';

/*
 * The sharing lock is given back last, and also when the outcome counts no more: until then
 * stop_sharing() waits, and once it goes on all that left is on record. It is the session's and not
 * the transaction's: an error in here keeps it, and the next take() gives it back.
 */
CREATE OR REPLACE FUNCTION casesync_internal.record_outcome(lane integer, message_id uuid,
	verdict text, wait_ms bigint, http_status integer, ack_status text, error_code text,
	detail text, has_left boolean DEFAULT true)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	s casesync_internal.lane_state;
	judged text := verdict;
	/* What the partner wrote is kept only in the form of a code, never as free text. */
	ack constant text := CASE WHEN ack_status IN ('ACK', 'NACK', 'ERR') THEN ack_status END;
	code constant text := CASE WHEN error_code ~ '^[A-Za-z][A-Za-z0-9_.-]{0,98}$'
		THEN error_code END;
	why text := left(concat_ws(' ', 'HTTP ' || http_status, ack, code, detail), 500);
BEGIN
	PERFORM casesync_internal.check_verdict(verdict);
	s := casesync_internal.lane_in_flight(lane, message_id);
	IF s.message_id IS NULL THEN
		PERFORM casesync_internal.sharing_release(lane);
		RETURN false;
	END IF;
	/* The one verdict that only the lane can give, since it knows what has passed in between. */
	IF judged = 'suspect' AND s.others_pass AND s.items = ARRAY[s.suspect] THEN
		judged := 'refused';
		why := why || '; others were accepted in between';
	END IF;
	INSERT INTO casesync_internal.attempt (lane, message_id, started_at, items, verdict,
		http_status, ack_status, error_code, detail)
	SELECT s.lane, s.message_id, s.at, cardinality(s.items),
		CASE judged WHEN 'suspect' THEN 'retry' ELSE judged END, record_outcome.http_status, ack,
		code, left(record_outcome.detail, 300)
	 WHERE judged <> 'unsent';
	PERFORM casesync_internal.numbers_back(s) WHERE NOT has_left AND judged <> 'delivered';
	IF judged = 'delivered' OR judged = 'refused' AND cardinality(s.items) = 1 THEN
		PERFORM casesync_internal.settle(s, judged, why);
	ELSE
		PERFORM casesync_internal.keep_to_send(s);
	END IF;
	PERFORM casesync_internal.lane_set(casesync_internal.lane_after(s, judged, wait_ms, why));
	PERFORM casesync_internal.backfill_wake(lane);
	PERFORM casesync_internal.sharing_release(lane);
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.record_outcome(integer, uuid, text, bigint, integer, text,
	text, text, boolean) IS
	'how the message in flight ended, and whether some of it may have left (has_left); false when '
	'another bridge has taken over since';
