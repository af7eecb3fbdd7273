/*
 * Partners' standing wishes at us: kept, decided about, ended. What a partner's message says is
 * read elsewhere, and what is sent because of them is decided in routing/.
 */

/*
 * End subscriptions and withhold what waits for them; all in one go, since a lane's backlog may be
 * long. Whoever changes several subscriptions locks them in the order of their ids first, else two
 * who change the same ones wait for each other.
 */
CREATE OR REPLACE FUNCTION casesync_internal.end_subscriptions(subscriptions bigint[], why text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* One by one by their ids: there may be a million others that live. */
	ended bigint[] := ARRAY(SELECT x.id
		  FROM (SELECT DISTINCT u.id FROM unnest(subscriptions) u(id) ORDER BY u.id) i
		 CROSS JOIN LATERAL (SELECT t.id, t.state FROM casesync_internal.subscription t
			WHERE t.id = i.id OFFSET 0 FOR UPDATE) x
		 WHERE x.state IN ('pending', 'active'));
BEGIN
	IF ended = '{}' THEN
		RETURN 0;
	END IF;
	UPDATE casesync_internal.subscription t SET state = 'ended', waits_for = NULL,
		ended_at = clock_timestamp(), reason = why
	 WHERE t.id = ANY (ended);
	PERFORM casesync_internal.knowledge_forget_subscriptions(ended);
	PERFORM casesync_internal.withhold(ARRAY(SELECT n.reference_id
		  FROM casesync_internal.lane l JOIN casesync_internal.notification n ON n.lane = l.lane
		 WHERE l.partner IN (SELECT s.partner FROM casesync_internal.subscription s
			WHERE s.id = ANY (ended))
		   AND l.kind = 'notify' AND n.state = 'due' AND n.place >= 0
		   AND n.subscription = ANY (ended)),
			'subscription ended');
	RETURN cardinality(ended);
END
$$;
COMMENT ON FUNCTION casesync_internal.end_subscriptions(bigint[], text) IS
	'end those of the subscriptions that live and withhold what waits for them; returns how many';

/*
 * By message only a frequency can be asked for; then a subject is told as it is at the time. To
 * tell every state then would mean to send what is no longer true.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_timing(frequency text, deliver text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_timed constant boolean := nullif(btrim(frequency), '') IS NOT NULL;
BEGIN
	PERFORM casesync_internal.check_choice('deliver', deliver, '{every,latest}');
	IF deliver = 'latest' AND NOT is_timed OR deliver = 'every' AND is_timed THEN
		PERFORM casesync_internal.raise_error(errcode => 'feature_not_supported',
			message => format('deliver => ''%s'' goes %s frequency', deliver,
				CASE WHEN is_timed THEN 'without' ELSE 'with a' END),
			detail => 'At once, every event is told; at certain times, each subject as it is then.',
			hint => 'Leave deliver out.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_timing(text, text) IS
	'what subscribe() was given about when to tell acts, or an error';

/*
 * For people only: a partner's question about a code that is not its own gets the answer of
 * codes_now().
 */
CREATE OR REPLACE FUNCTION casesync_internal.require_subscription(code text)
RETURNS casesync_internal.subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.subscription;
BEGIN
	SELECT * INTO s FROM casesync_internal.subscription t WHERE t.code = require_subscription.code;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no subscription with code "%s"', left(code, 99)),
			hint => 'SELECT code, partner, state FROM casesync.subscriptions;');
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_subscription(text) IS
	'the subscription''s row, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.subscription_said(s casesync_internal.subscription)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('the subscription of %s to %s (%s) is %s', s.partner, s.event_type,
		s.record_type, s.state)
$$;
COMMENT ON FUNCTION casesync_internal.subscription_said(casesync_internal.subscription) IS
	'what approve(), refuse() and unsubscribe() answer';

/*
 * The partner is not told, since the standard has no message for it; it learns it when it asks
 * (B18).
 */
CREATE OR REPLACE FUNCTION casesync.unsubscribe(code text, reason text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.end_subscriptions(
		ARRAY[(casesync_internal.require_subscription(code)).id], reason);
	PERFORM casesync_internal.audit_note('unsubscribe', code, jsonb_build_object('reason', reason));
	RETURN casesync_internal.subscription_said(casesync_internal.require_subscription(code));
END
$$;
COMMENT ON FUNCTION casesync.unsubscribe(text, text) IS 'end a partner''s subscription';

/* Three members or none, says the standard; it says nothing of the zone that cron needs. */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_frequency(
	s casesync_internal.subscription)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN num_nonnulls(s.cron, s.starts, s.ends) > 0 THEN
		jsonb_build_object('start_time',
			casesync_internal.wire_time(coalesce(s.starts, s.decided_at, s.created_at)),
			'end_time', casesync_internal.wire_time(coalesce(s.ends, '9999-12-31 00:00:00+00')),
			'frequency', coalesce(s.cron, ''))
		|| CASE WHEN s.cron IS NULL THEN '{}'
			ELSE jsonb_build_object('time_zone', s.time_zone) END END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_frequency(casesync_internal.subscription) IS
	'when a subscription''s partner wants to be told, as the standard writes it; NULL: at once';

/* The standard's status is a verb: subscribe stands for living, unsubscribe for ended (B16). */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_item(s casesync_internal.subscription)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'code', s.code,
		'status', CASE WHEN s.state IN ('pending', 'active') THEN 'subscribe'
		ELSE 'unsubscribe' END,
		'timestamp', casesync_internal.wire_time(coalesce(s.decided_at, s.created_at)),
		'reg_type', casesync_internal.reg_type_wire(s.reg_type),
		'reg_event_type', casesync_internal.event_wire(coalesce(s.reg_type, 'ESS'), s.event_type),
		'frequency', casesync_internal.subscription_frequency(s), 'filter_type', s.filter_type,
		'notify_record_type', s.record_type, 'locale', s.locale))
		/* As it was sent, what is null in it too. */
		|| CASE WHEN s.filter IS NULL OR s.filter IN ('{}', '[]') THEN '{}'
			ELSE jsonb_build_object('filter', s.filter) END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_item(casesync_internal.subscription) IS
	'a subscription as the standard''s SubscriptionInfo';

/* The item of an on-subscribe for one request: rows decide, this only words it. */
CREATE OR REPLACE FUNCTION casesync_internal.subscribe_answer(reference_id text, status text,
	code text, why text,
	s casesync_internal.subscription)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'reference_id', reference_id,
		'timestamp', casesync_internal.wire_time(clock_timestamp()),
		'status', status, 'status_reason_code', code,
		'status_reason_message', casesync_internal.reason_text(why),
		'locale', coalesce(s.locale, 'eng')))
		|| CASE WHEN s.id IS NULL THEN '{}'
			ELSE jsonb_build_object('subscriptions',
				jsonb_build_array(casesync_internal.subscription_item(s))) END
$$;
COMMENT ON FUNCTION casesync_internal.subscribe_answer(text, text, text, text,
	casesync_internal.subscription) IS
	'one item of an on-subscribe message (ESS SubscribeResponse)';

/*
 * What a repetition is told follows from the row as it is now, so two answers to one reference_id
 * differ only when something has been decided between them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_outcome(s casesync_internal.subscription,
	OUT status text, OUT code text, OUT why text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ended constant casesync_internal.verdict := casesync_internal.refused_for('subscription ended');
BEGIN
	status := CASE WHEN s.state = 'pending' OR s.state = 'active' AND s.paused_at IS NOT NULL
		THEN 'pdng' WHEN s.state = 'active' THEN 'succ' ELSE 'rjct' END;
	code := CASE s.state WHEN 'refused' THEN casesync_internal.reason_code('wish refused')
		WHEN 'ended' THEN ended.code END;
	why := CASE
		WHEN s.waits_for = 'decision'
			THEN 'a person decides about this; the outcome comes under the same reference_id'
		WHEN s.waits_for = 'agreement'
			THEN 'the agreement has not begun; the outcome comes under the same reference_id'
		WHEN s.state = 'refused' THEN s.reason
		WHEN s.state = 'active' AND s.paused_at IS NOT NULL
			THEN (casesync_internal.refused_for('filters paused')).why
		WHEN s.state = 'ended' THEN ended.why
		ELSE s.note END;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_outcome(casesync_internal.subscription) IS
	'what to answer about a subscription: now, and whenever its reference_id comes again';

/* Who gave no address cannot be told, and must not wait for ever: notifications begin at once. */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_tell(s casesync_internal.subscription)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o record := casesync_internal.subscription_outcome(s);
BEGIN
	IF s.callback_url IS NULL THEN
		UPDATE casesync_internal.subscription t SET is_confirmed = true WHERE t.id = s.id;
		PERFORM casesync_internal.backfill_initial(ARRAY[s.id]);
		RETURN;
	END IF;
	PERFORM casesync_internal.enqueue(s.partner, 'on-subscribe', s.callback_url, jsonb_build_object(
		'transaction_id', s.transaction_id, 'correlation_id', s.correlation_id,
		'subscribe_response', jsonb_build_array(
			casesync_internal.subscribe_answer(s.reference_id, o.status, o.code, o.why, s))),
		o.status, ARRAY[s.id]);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_tell(casesync_internal.subscription) IS
	'send the partner an on-subscribe about one subscription';

/*
 * Only what is pending, in the same statement: of two who decide at once the second is told so.
 * Notifications wait until the answer has arrived (is_confirmed), for who does not know a code yet
 * cannot end the subscription.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_decide(s casesync_internal.subscription,
	decision text, why text)
RETURNS casesync_internal.subscription
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	decided casesync_internal.subscription;
BEGIN
	UPDATE casesync_internal.subscription t SET state = decision, waits_for = NULL, reason = why,
		decided_at = clock_timestamp()
	 WHERE t.id = s.id AND t.state = 'pending' RETURNING t.* INTO decided;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('subscription "%s" is not waiting for a decision', s.code),
			hint => 'SELECT code, partner FROM casesync.pending_subscriptions;');
	END IF;
	PERFORM casesync_internal.subscription_tell(decided);
	RETURN decided;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_decide(casesync_internal.subscription, text,
	text) IS
	'a pending subscription becomes active or refused, and the partner is told';

/* It opens nothing by itself: whatever is sent is held against the agreement, before and after. */
CREATE OR REPLACE FUNCTION casesync.approve(code text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.subscription := casesync_internal.subscription_decide(
		casesync_internal.require_subscription(code), 'active', NULL);
BEGIN
	PERFORM casesync_internal.audit_note('approve', code);
	RETURN casesync_internal.subscription_said(s);
END
$$;
COMMENT ON FUNCTION casesync.approve(text) IS
	'a pending subscription counts from now; the partner is told';

CREATE OR REPLACE FUNCTION casesync.refuse(code text, reason text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.subscription := casesync_internal.subscription_decide(
		casesync_internal.require_subscription(code), 'refused', reason);
BEGIN
	PERFORM casesync_internal.audit_note('refuse', code, jsonb_build_object('reason', reason));
	RETURN casesync_internal.subscription_said(s);
END
$$;
COMMENT ON FUNCTION casesync.refuse(text, text) IS
	'a pending subscription is refused; the partner is told why';

/*
 * The standard has no message for it: the partner named the end itself. One that somebody is at now
 * comes the next time: who expires must wait for nobody, since others wait for the router's lock.
 */
CREATE OR REPLACE FUNCTION casesync_internal.expire_subscriptions(partner text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN casesync_internal.end_subscriptions(ARRAY(
		SELECT s.id FROM casesync_internal.subscription s
		 WHERE s.state IN ('pending', 'active') AND s.ends <= now()
			AND (expire_subscriptions.partner IS NULL OR s.partner = expire_subscriptions.partner)
		 ORDER BY s.ends LIMIT 1000 FOR UPDATE SKIP LOCKED), 'its time is over');
END
$$;
COMMENT ON FUNCTION casesync_internal.expire_subscriptions(text) IS
	'end subscriptions whose time is over, at most a thousand; returns how many';

/*
 * Agreements begin and end by themselves; what waits for one is looked at again. Judged by kind, of
 * which there are few: thousands that must wait on do not stand in the way of others.
 */
CREATE OR REPLACE FUNCTION casesync_internal.admit_subscriptions()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	kind casesync_internal.subscription;
	s casesync_internal.subscription;
	cover record;
	decided integer := 0;
BEGIN
	FOR kind IN SELECT k.* FROM casesync_internal.subscription k WHERE k.id = ANY (ARRAY(
			SELECT min(t.id) FROM casesync_internal.subscription t WHERE t.state = 'pending'
				AND t.waits_for = 'agreement'
			 GROUP BY t.partner, t.event_type, t.record_type, t.reg_type, t.registry)) LOOP
		cover := casesync_internal.wish_cover(kind);
		CONTINUE WHEN cover.is_covered AND NOT cover.has_begun;
		FOR s IN SELECT * FROM casesync_internal.subscription t
				  WHERE t.state = 'pending' AND t.waits_for = 'agreement'
					AND t.partner = kind.partner
					AND (t.event_type, t.record_type, t.reg_type, t.registry) IS NOT DISTINCT FROM
						(kind.event_type, kind.record_type, kind.reg_type, kind.registry)
				  ORDER BY t.id LIMIT 1000 FOR UPDATE SKIP LOCKED LOOP
			IF cover.is_covered AND cover.needs_decision THEN
				UPDATE casesync_internal.subscription t SET waits_for = 'decision'
					WHERE t.id = s.id;
			ELSE
				PERFORM casesync_internal.subscription_decide(s, CASE WHEN cover.is_covered
					THEN 'active' ELSE 'refused' END,
					CASE WHEN NOT cover.is_covered
						THEN 'the agreement that this waited for is no more' END);
			END IF;
			decided := decided + 1;
		END LOOP;
	END LOOP;
	RETURN decided;
END
$$;
COMMENT ON FUNCTION casesync_internal.admit_subscriptions() IS
	'decide about subscriptions that waited for an agreement to begin; returns about how many';

CREATE OR REPLACE VIEW casesync.pending_subscriptions AS
	SELECT s.code, s.partner, s.event_type, s.record_type, s.reg_type, s.waits_for, s.filter_type,
		s.filter, s.cron, s.starts, s.ends, s.authorize_claim, s.created_at
	  FROM casesync_internal.subscription s WHERE s.state = 'pending';
COMMENT ON VIEW casesync.pending_subscriptions IS
	'what partners ask for and nobody has decided about: for approve() and refuse()';
COMMENT ON COLUMN casesync.pending_subscriptions.code IS 'for approve() and refuse()';
COMMENT ON COLUMN casesync.pending_subscriptions.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.pending_subscriptions.event_type IS 'what it wants to be told about';
COMMENT ON COLUMN casesync.pending_subscriptions.record_type IS
	'the type of the records that it wants';
COMMENT ON COLUMN casesync.pending_subscriptions.reg_type IS
	'the type of the registries; NULL: any';
COMMENT ON COLUMN casesync.pending_subscriptions.waits_for IS
	'a person (decision), or the beginning of the agreement (agreement)';
COMMENT ON COLUMN casesync.pending_subscriptions.filter_type IS 'how the filter is written';
COMMENT ON COLUMN casesync.pending_subscriptions.filter IS
	'whom it is about, as the partner wrote it';
COMMENT ON COLUMN casesync.pending_subscriptions.cron IS 'when it wants to be told; NULL: at once';
COMMENT ON COLUMN casesync.pending_subscriptions.starts IS 'from when';
COMMENT ON COLUMN casesync.pending_subscriptions.ends IS 'until when';
COMMENT ON COLUMN casesync.pending_subscriptions.authorize_claim IS
	'what it says that it is authorized by: nobody has verified it';
COMMENT ON COLUMN casesync.pending_subscriptions.created_at IS 'when it was asked for';

CREATE OR REPLACE VIEW casesync.subscriptions AS
	SELECT s.code, s.partner, s.event_type, s.record_type, s.reg_type, s.registry, s.id_type,
		s.state, s.is_confirmed, s.reason, s.created_at, s.decided_at, s.ended_at,
		coalesce(w.due, 0) AS due,
		(SELECT q.seq FROM casesync_internal.subscription_seq q WHERE q.subscription = s.id
			ORDER BY q.id DESC LIMIT 1) AS last_seq,
		s.paused_at, s.pause_reason, s.is_push, coalesce(h.held, 0) AS held, h.held_until
	  FROM casesync_internal.subscription s
	  /* Counted once for all: both may be many. */
	  LEFT JOIN (SELECT n.subscription, count(*) AS due FROM casesync_internal.notification n
		WHERE n.state = 'due' GROUP BY n.subscription) w ON w.subscription = s.id
	  LEFT JOIN (SELECT x.subscription, count(*) AS held, min(x.due_at) AS held_until
		FROM casesync_internal.scheduled_subject x GROUP BY x.subscription) h
		ON h.subscription = s.id;
COMMENT ON VIEW casesync.subscriptions IS 'partners'' subscriptions at us';
COMMENT ON COLUMN casesync.subscriptions.code IS 'what the partner calls it by';
COMMENT ON COLUMN casesync.subscriptions.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.subscriptions.event_type IS 'what it is told about';
COMMENT ON COLUMN casesync.subscriptions.record_type IS 'the type of the records that it gets';
COMMENT ON COLUMN casesync.subscriptions.reg_type IS
	'the type of the registries it asked about; NULL: any';
COMMENT ON COLUMN casesync.subscriptions.registry IS
	'the one registry it is about; NULL: all that the agreement allows';
COMMENT ON COLUMN casesync.subscriptions.id_type IS
	'the type of the one identifier it is about; NULL: of many subjects';
COMMENT ON COLUMN casesync.subscriptions.state IS 'pending, active, ended or refused';
COMMENT ON COLUMN casesync.subscriptions.is_confirmed IS 'whether the partner knows that it exists';
COMMENT ON COLUMN casesync.subscriptions.reason IS 'why it was refused or ended';
COMMENT ON COLUMN casesync.subscriptions.created_at IS 'when it was asked for';
COMMENT ON COLUMN casesync.subscriptions.decided_at IS 'when it was approved or refused';
COMMENT ON COLUMN casesync.subscriptions.ended_at IS 'when it ended';
COMMENT ON COLUMN casesync.subscriptions.due IS 'how many notifications wait';
COMMENT ON COLUMN casesync.subscriptions.last_seq IS
	'the last sequence number given to a notification';
COMMENT ON COLUMN casesync.subscriptions.paused_at IS
	'of a filter: since when it is paused, because the partner''s filters took too long';
COMMENT ON COLUMN casesync.subscriptions.pause_reason IS 'how long they took';
COMMENT ON COLUMN casesync.subscriptions.is_push IS
	'not the partner''s wish: what case workers push to it is numbered by this';
COMMENT ON COLUMN casesync.subscriptions.held IS
	'of how many subjects there is news that is told when its time has come';
COMMENT ON COLUMN casesync.subscriptions.held_until IS 'when the first of them are';

/*
 * What a case worker pushes has no subscription of the partner's. A row of ours stands for it, so
 * that numbers, lanes, retries and dead letters work by it like by any other; no wish is found by
 * it (wanted_by()), no quota counts it, and the partner cannot name it. One for each event type of
 * a registry, as in a message.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_subscription_of(partner text, registry text,
	event_type text)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.id FROM casesync_internal.subscription s
	 WHERE s.partner = push_subscription_of.partner AND s.is_push AND s.state = 'active'
	   AND s.registry = push_subscription_of.registry
	   AND s.event_type = push_subscription_of.event_type
$$;
COMMENT ON FUNCTION casesync_internal.push_subscription_of(text, text, text) IS
	'the row that stands for what case workers push to a partner; NULL when there is none';

/* Made by the router, of which there is one: no case worker waits for another's transaction. */
CREATE OR REPLACE FUNCTION casesync_internal.push_subscription_keep(partner text,
	r casesync_internal.registry, event_type text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	kept bigint := casesync_internal.push_subscription_of(push_subscription_keep.partner,
		r.registry, push_subscription_keep.event_type);
BEGIN
	IF kept IS NULL THEN
		INSERT INTO casesync_internal.subscription (partner, event_type, record_type, reg_type,
			registry, transaction_id, state, is_confirmed, is_push, decided_at)
		VALUES (push_subscription_keep.partner, push_subscription_keep.event_type, r.record_type,
			r.reg_type, r.registry, gen_random_uuid(), 'active', true, true, clock_timestamp())
		RETURNING id INTO kept;
	END IF;
	RETURN kept;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_subscription_keep(text, casesync_internal.registry,
	text) IS
	'the row that stands for what case workers push to a partner, made if there is none';
