/* Messages about subscriptions: partners' wishes, and their answers to ours. Nothing of HTTP. */
/*
 * A filter is a question that goes on: what it tries counts once, when it is granted, against the
 * same number as searches. Who may not search has no such number; an identifier alone is no guess
 * at anything that the notification does not say itself.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wish_over_lookups(s casesync_internal.subscription)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF s.tree IS NOT NULL AND casesync_internal.lookup_limit(s.partner) > 0
		AND NOT casesync_internal.lookup_allowed(s.partner,
			casesync_internal.search_lookups(s.tree))
	THEN
		RETURN (casesync_internal.refused_for('lookups used up')).why;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_over_lookups(casesync_internal.subscription) IS
	'count what the filter of a new wish tries; why the wish is not granted when that is more than '
	'the partner may ask for in a day';

/*
 * A reference_id names one wish of the partner for ever: said again it is answered again, with
 * other criteria it is refused. old: the subscription that it named before, if any.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wish_refusal(p casesync_internal.partner, wish record,
	old casesync_internal.subscription, room record,
	OUT code text, OUT why text, OUT waits_for text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	verdict record;
	over_quota text;
BEGIN
	code := wish.code;
	why := wish.why;
	IF old.id IS NOT NULL THEN
		IF code IS NOT NULL OR NOT casesync_internal.is_same_wish(wish.s, old) THEN
			SELECT r.code, r.why INTO code, why
			  FROM casesync_internal.refused_for('reference_id used') r;
		END IF;
	ELSIF code IS NULL THEN
		verdict := casesync_internal.wish_judge(wish.s);
		code := verdict.code; why := verdict.why; waits_for := verdict.waits_for;
		IF code IS NULL AND (wish.s).tree IS NOT NULL AND room.is_paused THEN
			SELECT r.code, r.why INTO code, why
			  FROM casesync_internal.refused_for('filters paused') r;
		ELSIF code IS NULL THEN
			over_quota := coalesce(casesync_internal.wish_over_quota(p, wish.s, room),
				casesync_internal.wish_over_lookups(wish.s));
		END IF;
		IF over_quota IS NOT NULL THEN
			SELECT r.code, r.why INTO code, why
			  FROM casesync_internal.refused_for('wish over quota', over_quota) r;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_refusal(casesync_internal.partner, record,
	casesync_internal.subscription, record) IS
	'why a wish is not granted, or whose approval it waits for; why without a code is a remark';

/* By the whole of its key each time: see message_known(). */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_named(partner text, reference_id text)
RETURNS casesync_internal.subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
DECLARE
	named casesync_internal.subscription;
	names constant text[] := ARRAY[reference_id, casesync_internal.text_hash(reference_id)];
	name text;
BEGIN
	FOREACH name IN ARRAY names LOOP
		SELECT t.* INTO named FROM casesync_internal.subscription t
		 WHERE t.partner = subscription_named.partner AND t.reference_id = name;
		EXIT WHEN FOUND;
	END LOOP;
	RETURN named;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_named(text, text) IS
	'the subscription that a partner has asked for under this reference_id';

/*
 * A repetition gives the subscription again, so that its answer says how it stands now; a refused
 * wish gives none, for its callback must not confirm the old one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_wish(p casesync_internal.partner,
	request casesync_internal.subscription, item jsonb, room record,
	OUT answer jsonb, OUT status text, OUT is_new boolean, OUT s casesync_internal.subscription)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reference constant text := item->>'reference_id';
	wish constant record := casesync_internal.wish_read(p.partner, item->'subscribe_criteria');
	verdict record;
BEGIN
	is_new := false;
	s := casesync_internal.subscription_named(p.partner, reference);
	verdict := casesync_internal.wish_refusal(p, wish, s, room);
	IF verdict.code IS NOT NULL THEN
		status := 'rjct';
		answer := casesync_internal.subscribe_answer(reference, status, verdict.code, verdict.why,
			NULL);
		s := NULL;
		RETURN;
	END IF;
	IF s.id IS NULL THEN
		s := wish.s;
		s.reference_id := reference; s.note := verdict.why;
		s.transaction_id := request.transaction_id; s.correlation_id := request.correlation_id;
		s.callback_url := request.callback_url; s.locale := item->>'locale';
		s := casesync_internal.subscription_add(s, verdict.waits_for);
		is_new := true;
	END IF;
	SELECT o.status, casesync_internal.subscribe_answer(reference, o.status, o.code, o.why, s)
	  INTO status, answer FROM casesync_internal.subscription_outcome(s) o;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_wish(casesync_internal.partner,
	casesync_internal.subscription, jsonb, record) IS
	'one item of a subscribe request becomes a subscription, or a reason why not; the request''s '
	'ids and address are in the row request';

/* The best of several outcomes, as the header of a callback says it. */
CREATE OR REPLACE FUNCTION casesync_internal.best_status(statuses text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN 'succ' = ANY (statuses) THEN 'succ' WHEN 'pdng' = ANY (statuses) THEN 'pdng'
		ELSE 'rjct' END
$$;
COMMENT ON FUNCTION casesync_internal.best_status(text[]) IS
	'succ if any is, else pdng if any is, else rjct';

/*
 * What has run out is ended first: it would count against the quota, and be taken for the same
 * wish. Room is counted once and then down, item by item, since the partner's row is locked.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_subscribe(p casesync_internal.partner,
	message jsonb, callback_url text, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item jsonb;
	request casesync_internal.subscription;
	room record;
	done record;
	answers jsonb := '[]';
	statuses text[] := '{}';
	subscriptions bigint[] := '{}';
BEGIN
	PERFORM casesync_internal.expire_subscriptions(p.partner);
	request.transaction_id := message->>'transaction_id';
	request.correlation_id := correlation_id; request.callback_url := callback_url;
	room := casesync_internal.subscription_room(p);
	FOR item IN SELECT i FROM jsonb_array_elements(
		casesync_internal.list_of(message->'subscribe_request')) i
	LOOP
		done := casesync_internal.receive_wish(p, request, item, room);
		room.of_any := room.of_any - done.is_new::integer;
		room.of_many := room.of_many - (done.is_new AND (done.s).id_type IS NULL)::integer;
		IF done.is_new AND (done.s).tree IS NOT NULL THEN
			room.of_weight := room.of_weight - casesync_internal.filter_weight((done.s).tree);
			room.of_bytes := room.of_bytes - octet_length((done.s).tree::text);
		END IF;
		answers := answers || done.answer;
		statuses := statuses || done.status;
		subscriptions := subscriptions || (done.s).id;
	END LOOP;
	subscriptions := array_remove(subscriptions, NULL);
	IF callback_url IS NULL THEN
		PERFORM casesync_internal.subscriptions_confirm(subscriptions);
	ELSE
		PERFORM casesync_internal.enqueue(p.partner, 'on-subscribe', callback_url,
			jsonb_build_object('transaction_id', request.transaction_id,
				'correlation_id', correlation_id, 'subscribe_response', answers),
			casesync_internal.best_status(statuses), subscriptions);
	END IF;
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_subscribe(casesync_internal.partner, jsonb, text,
	text) IS
	'a partner wishes to be notified (ESS SubscribeRequest); the outcome goes out as on-subscribe';

/* Other partners' codes and unknown ones get one answer, or codes could be tried out. */
CREATE OR REPLACE FUNCTION casesync_internal.unsubscribe_outcome(p casesync_internal.partner,
	codes text[], OUT status text, OUT code text, OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own constant bigint[] := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.partner = p.partner AND s.code = ANY (codes) AND NOT s.is_push);
	ended integer;
	verdict casesync_internal.verdict;
BEGIN
	ended := casesync_internal.end_subscriptions(own, 'unsubscribed by the partner');
	status := 'succ';
	IF ended < cardinality(codes) THEN
		verdict := CASE WHEN own = '{}'
			THEN casesync_internal.refused_for('code unknown',
				(cardinality(codes) - ended)::text, cardinality(codes)::text)
			ELSE casesync_internal.refused_for('code ended',
				(cardinality(codes) - ended)::text, cardinality(codes)::text) END;
		why := verdict.why;
	END IF;
	/* A request has one status: what became of each code is told in subscription_status. */
	IF ended = 0 THEN
		status := 'rjct';
		code := verdict.code;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.unsubscribe_outcome(casesync_internal.partner, text[]) IS
	'end those of the codes that are living subscriptions of this partner, and say how that went';

/* Codes of others are left out, not called unknown. */
CREATE OR REPLACE FUNCTION casesync_internal.codes_now(partner text, codes text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT jsonb_agg(jsonb_build_object('code', s.code, 'status',
			CASE WHEN s.state IN ('pending', 'active') THEN 'subscribe' ELSE 'unsubscribe' END)
			ORDER BY s.code)
		  FROM casesync_internal.subscription s
		 WHERE s.partner = codes_now.partner AND s.code = ANY (codes) AND NOT s.is_push);
END
$$;
COMMENT ON FUNCTION casesync_internal.codes_now(text, text[]) IS
	'whether subscriptions of a partner live, as the standard says it (subscription_status)';

/* In the standard's first release the name had a typo (B17). */
CREATE OR REPLACE FUNCTION casesync_internal.unsubscribe_codes(message jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.list_of(
		coalesce(message->'subscription_codes', message->'sunscription_codes'))
$$;
COMMENT ON FUNCTION casesync_internal.unsubscribe_codes(jsonb) IS
	'the codes that an unsubscribe names';

/*
 * Without an address the subscriptions end all the same; what became of them can be asked for
 * (B18).
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_unsubscribe(p casesync_internal.partner,
	message jsonb, callback_url text, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	codes constant text[] := ARRAY(SELECT DISTINCT c
		FROM jsonb_array_elements_text(casesync_internal.unsubscribe_codes(message)) c ORDER BY 1);
	done record;
BEGIN
	PERFORM casesync_internal.expire_subscriptions(p.partner);
	done := casesync_internal.unsubscribe_outcome(p, codes);
	IF callback_url IS NOT NULL THEN
		PERFORM casesync_internal.enqueue(p.partner, 'on-unsubscribe', callback_url,
			jsonb_strip_nulls(jsonb_build_object(
				'transaction_id', message->>'transaction_id', 'correlation_id', correlation_id,
				'timestamp', casesync_internal.wire_time(clock_timestamp()),
				'status', done.status, 'status_reason_code', done.code,
				'status_reason_message', done.why,
				'subscription_status', casesync_internal.codes_now(p.partner, codes))),
			done.status);
	END IF;
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_unsubscribe(casesync_internal.partner, jsonb, text,
	text) IS
	'a partner ends its own subscriptions; the outcome goes out as on-unsubscribe';

/*
 * What a partner says of its reason, for people: a code only if it is one, and no more than a line
 * of text.
 */
CREATE OR REPLACE FUNCTION casesync_internal.reason_said(item jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(': ',
		substring(item->>'status_reason_code' from '^[A-Za-z0-9._-]{1,64}$'),
		left(regexp_replace(item->>'status_reason_message', '[[:cntrl:]]+', ' ', 'g'),
			casesync_internal.message_limit('partner''s reason')))
$$;
COMMENT ON FUNCTION casesync_internal.reason_said(jsonb) IS
	'status_reason_code and status_reason_message of an answer, as one text';

/*
 * An answer with some items of ours and some that are not is taken: a partner may put the answers
 * to several requests together. One that gives items a reference_id of its own is known by the
 * transaction, which has one subscription.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_on_subscribe(p casesync_internal.partner,
	message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items constant jsonb := casesync_internal.list_of(message->'subscribe_response');
	mine constant casesync_internal.my_subscription := casesync_internal.my_subscription_of(
		p.partner, message->>'transaction_id');
	item record;
	is_known boolean := false;
BEGIN
	FOR item IN SELECT i->>'reference_id' AS reference_id, CASE i->>'status'
			WHEN 'succ' THEN 'active' WHEN 'rjct' THEN 'refused' ELSE 'pending' END AS state,
			casesync_internal.id_said(i #>> '{subscriptions,0,code}') AS code,
			casesync_internal.reason_said(i) AS reason
		  FROM jsonb_array_elements(items) i
	LOOP
		is_known := casesync_internal.my_subscription_answered(p.partner, item.reference_id,
				item.state, item.code, item.reason)
			OR (jsonb_array_length(items) = 1 AND mine.reference_id IS NOT NULL
				AND casesync_internal.my_subscription_answered(p.partner,
					mine.reference_id::text, item.state, item.code, item.reason)) OR is_known;
	END LOOP;
	IF NOT is_known THEN
		RETURN casesync_internal.refusal(casesync_internal.refused_for('subscribe not ours'));
	END IF;
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_subscribe(casesync_internal.partner, jsonb,
	text) IS
	'a partner answers our subscribe (ESS SubscribeResponse)';

/* Refused because it has ended already, or is not known there: it has ended all the same. */
CREATE OR REPLACE FUNCTION casesync_internal.receive_on_unsubscribe(p casesync_internal.partner,
	message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lives_on constant boolean := message->>'status' = 'rjct'
		AND coalesce(message->>'status_reason_code', '') NOT IN (
			casesync_internal.reason_code('code unknown'),
			casesync_internal.reason_code('code ended'));
BEGIN
	IF NOT casesync_internal.my_subscription_unsubscribed(p.partner, message->>'transaction_id',
		message->>'status', lives_on, casesync_internal.reason_said(message)) THEN
		RETURN casesync_internal.refusal(casesync_internal.refused_for('unsubscribe not ours'));
	END IF;
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_unsubscribe(casesync_internal.partner, jsonb,
	text) IS
	'a partner answers our unsubscribe (ESS UnSubscribeResponse)';
