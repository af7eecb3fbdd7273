/* Messages about subscriptions: partners' wishes, and their answers to ours. Nothing of HTTP. */
/*
 * One item of a subscribe request becomes a subscription, or a reason why not. A reference_id names
 * one wish of the partner for ever: said again it is answered again, with other criteria it is refused.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_wish(p casesync_internal.partner,
	request casesync_internal.subscription, item jsonb,
	of_any integer, of_many integer, OUT answer jsonb, OUT status text, OUT is_new boolean,
		OUT s casesync_internal.subscription)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reference constant text := CASE WHEN jsonb_typeof(item->'reference_id') = 'string'
		THEN item->>'reference_id' END;
	criteria constant jsonb := CASE jsonb_typeof(item->'subscribe_criteria') WHEN 'object'
		THEN item->'subscribe_criteria' ELSE '{}' END;
	wish record := casesync_internal.wish_read(p.partner, criteria);
	verdict record;
	old casesync_internal.subscription;
	code text := wish.code;
	why text := wish.why;
BEGIN
	is_new := false;
	SELECT * INTO old FROM casesync_internal.subscription t WHERE t.partner = p.partner
		AND t.reference_id = reference;
	IF coalesce(reference, '') = '' OR length(reference) > 255 THEN
		code := 'rjct.reference_id.invalid';
		why := 'reference_id must be text of 1 to 255 characters';
	ELSIF casesync_internal.time_of(item->>'timestamp') IS NULL THEN
		code := 'rjct.timestamp.invalid'; why := 'timestamp must be ISO 8601 with a zone';
	ELSIF old.id IS NOT NULL
		AND (code IS NOT NULL OR NOT casesync_internal.is_same_wish(wish.s, old)) THEN
		code := 'rjct.reference_id.duplicate';
		why := 'reference_id was used before for another subscription';
	ELSIF old.id IS NULL AND code IS NULL THEN
		verdict := casesync_internal.wish_judge(wish.s);
		code := verdict.code; why := verdict.why;
		IF code IS NULL THEN
			why := coalesce(casesync_internal.wish_over_quota(p, wish.s, of_any, of_many), why);
			code := CASE
				WHEN casesync_internal.wish_over_quota(p, wish.s, of_any, of_many) IS NOT NULL
				THEN 'rjct.notify_details.invalid' END;
		END IF;
	END IF;
	IF code IS NOT NULL THEN
		status := 'rjct';
		answer := casesync_internal.subscribe_answer(coalesce(reference, ''), status, code, why,
			NULL);
		RETURN;
	END IF;
	s := old;
	IF s.id IS NULL THEN
		s := wish.s;
		s.reference_id := reference; s.note := why;
		s.transaction_id := request.transaction_id; s.correlation_id := request.correlation_id;
		s.callback_url := request.callback_url;
		s.locale := CASE WHEN item->>'locale' ~ '^[a-z]{3}$' THEN item->>'locale' END;
		s := casesync_internal.subscription_add(s, verdict.waits_for);
		is_new := true;
	END IF;
	SELECT o.status, casesync_internal.subscribe_answer(reference, o.status, o.code, o.why, s)
		INTO status, answer
	  FROM casesync_internal.subscription_outcome(s) o;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_wish(casesync_internal.partner,
	casesync_internal.subscription, jsonb, integer, integer) IS
	'decide about one item of a subscribe request; the request''s ids and address are in the row '
	'request';

CREATE OR REPLACE FUNCTION casesync_internal.receive_subscribe(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record := casesync_internal.callback_url(p, header->>'sender_uri', 'on-subscribe');
	items constant jsonb := casesync_internal.list_of(message->'subscribe_request');
	refused casesync_internal.answer := casesync_internal.batch_refusal(header, items,
		'subscribe_request');
	request casesync_internal.subscription;
	room record;
	done record;
	answers jsonb := '[]';
	statuses text[] := '{}';
	subscriptions bigint[] := '{}';
BEGIN
	IF NOT target.is_allowed THEN
		RETURN casesync_internal.refusal('err.sender_uri.invalid',
			'sender_uri is not below a callback address registered for this sender_id');
	ELSIF refused.ack_status IS NOT NULL THEN
		RETURN refused;
	END IF;
	PERFORM casesync_internal.expire_subscriptions(p.partner);
	request.transaction_id := message->>'transaction_id';
	request.correlation_id := correlation_id; request.callback_url := target.url;
	room := casesync_internal.subscription_room(p);
	FOR place IN 0 .. jsonb_array_length(items) - 1 LOOP
		done := casesync_internal.receive_wish(p, request, items->place, room.of_any, room.of_many);
		room.of_any := room.of_any - done.is_new::integer;
		room.of_many := room.of_many - (done.is_new AND (done.s).id_type IS NULL)::integer;
		answers := answers || done.answer;
		statuses := statuses || done.status;
		subscriptions := subscriptions || (done.s).id;
	END LOOP;
	subscriptions := array_remove(subscriptions, NULL);
	IF target.url IS NULL THEN
		UPDATE casesync_internal.subscription s SET is_confirmed = true
			WHERE s.id = ANY (subscriptions);
	ELSE
		PERFORM casesync_internal.enqueue(p.partner, 'on-subscribe', target.url, jsonb_build_object(
			'transaction_id', request.transaction_id, 'correlation_id', correlation_id,
			'subscribe_response', answers),
			CASE WHEN 'succ' = ANY (statuses) THEN 'succ' WHEN 'pdng' = ANY (statuses) THEN 'pdng'
				ELSE 'rjct' END,
			subscriptions);
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_subscribe(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner wishes to be notified (ESS SubscribeRequest); the outcome goes out as on-subscribe';

/*
 * Other partners' codes and unknown ones get one answer, or codes could be tried out. A request
 * has one status: what became of each code stands in subscription_status.
 */
CREATE OR REPLACE FUNCTION casesync_internal.unsubscribe_outcome(p casesync_internal.partner,
	codes text[], sent_at text,
	OUT status text, OUT code text, OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own bigint[];
	ended integer;
BEGIN
	IF sent_at IS NOT NULL AND casesync_internal.time_of(sent_at) IS NULL THEN
		status := 'rjct'; code := 'rjct.timestamp.invalid';
		why := 'timestamp must be ISO 8601 with a zone';
		RETURN;
	END IF;
	own := ARRAY(SELECT s.id FROM casesync_internal.subscription s WHERE s.partner = p.partner
		AND s.code = ANY (codes));
	ended := casesync_internal.end_subscriptions(own, 'unsubscribed by the partner');
	status := CASE WHEN ended = 0 THEN 'rjct' ELSE 'succ' END;
	code := CASE WHEN ended = 0 AND own = '{}' THEN 'rjct.subscription_code.invalid'
		WHEN ended = 0 THEN 'rjct.event.already_unsubscribed' END;
	why := CASE WHEN ended < cardinality(codes)
		THEN format('%s of %s codes name no subscription of yours that is active',
		cardinality(codes) - ended, cardinality(codes)) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.unsubscribe_outcome(casesync_internal.partner, text[],
	text) IS
	'end those of the codes that are living subscriptions of this partner, and say how that went';

CREATE OR REPLACE FUNCTION casesync_internal.receive_unsubscribe(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record := casesync_internal.callback_url(p, header->>'sender_uri', 'on-unsubscribe');
	items constant jsonb := casesync_internal.list_of(
		coalesce(message->'subscription_codes', message->'sunscription_codes'));
	/* The list is one request: a total_count of 1 is right too. */
	refused casesync_internal.answer := casesync_internal.batch_refusal(CASE
		WHEN header->'total_count' = '1' THEN header - 'total_count' ELSE header END,
		items, 'subscription_codes');
	codes constant text[] := ARRAY(SELECT DISTINCT left(c, 99)
		FROM jsonb_array_elements_text(items) c ORDER BY 1);
	done record;
BEGIN
	IF NOT target.is_allowed THEN
		RETURN casesync_internal.refusal('err.sender_uri.invalid',
			'sender_uri is not below a callback address registered for this sender_id');
	ELSIF refused.ack_status IS NOT NULL THEN
		RETURN refused;
	END IF;
	PERFORM casesync_internal.expire_subscriptions(p.partner);
	done := casesync_internal.unsubscribe_outcome(p, codes,
		coalesce(message->>'timestamp', message->>'timesstamp', message->>'timesatmp'));
	IF target.url IS NOT NULL THEN
		PERFORM casesync_internal.enqueue(p.partner, 'on-unsubscribe', target.url,
			jsonb_strip_nulls(jsonb_build_object(
			'transaction_id', message->>'transaction_id', 'correlation_id', correlation_id,
			'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', done.status,
			'status_reason_code', done.code, 'status_reason_message', done.why,
			'subscription_status', (
				SELECT jsonb_agg(jsonb_build_object('code', s.code, 'status',
					CASE WHEN s.state IN ('pending', 'active') THEN 'subscribe'
						ELSE 'unsubscribe' END) ORDER BY s.code)
				  FROM casesync_internal.subscription s WHERE s.partner = p.partner
					AND s.code = ANY (codes)))), done.status);
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_unsubscribe(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner ends its own subscriptions; the outcome goes out as on-unsubscribe';

CREATE OR REPLACE FUNCTION casesync_internal.receive_on_subscribe(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item jsonb;
	known integer := 0;
BEGIN
	FOR item IN SELECT *
		FROM jsonb_array_elements(casesync_internal.list_of(message->'subscribe_response')) LOOP
		UPDATE casesync_internal.my_subscription m SET answered_at = clock_timestamp(),
			code = coalesce(left(item #>> '{subscriptions,0,code}', 99), m.code),
			reason = left(
				concat_ws(': ', item->>'status_reason_code', item->>'status_reason_message'), 999),
			state = CASE item->>'status' WHEN 'succ' THEN 'active' WHEN 'rjct' THEN 'refused'
				ELSE 'pending' END
		 WHERE m.partner = p.partner AND m.reference_id::text = item->>'reference_id'
		   AND m.state IN ('requested', 'pending', 'active');
		/* A repetition of what we know already is acknowledged too. */
		IF EXISTS (SELECT FROM casesync_internal.my_subscription m
			WHERE m.partner = p.partner AND m.reference_id::text = item->>'reference_id') THEN
			known := known + 1;
		END IF;
	END LOOP;
	IF known = 0 THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'no reference_id in this on-subscribe is that of a request of ours to you');
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_subscribe(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner answers our subscribe (ESS SubscribeResponse)';

CREATE OR REPLACE FUNCTION casesync_internal.receive_on_unsubscribe(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m SET answered_at = clock_timestamp(),
		state = CASE WHEN message->>'status' = 'rjct'
			AND message->>'status_reason_code' IS DISTINCT FROM 'rjct.event.already_unsubscribed'
			AND message->>'status_reason_code' IS DISTINCT FROM 'rjct.subscription_code.invalid'
			THEN 'active' ELSE 'ended' END,
		reason = left(
			concat_ws(': ', message->>'status_reason_code', message->>'status_reason_message'), 999)
	 WHERE m.partner = p.partner
		AND (m.state = 'ending'
		OR (m.state IN ('active', 'pending') AND message->>'status' = 'succ'))
	   AND m.transaction_id = message->>'transaction_id'
	   AND message->>'status' IN ('succ', 'rjct');
	IF NOT FOUND AND NOT EXISTS (SELECT FROM casesync_internal.my_subscription m
		WHERE m.partner = p.partner AND m.state IN ('ended', 'active') AND m.answered_at IS NOT NULL
		  AND m.transaction_id = message->>'transaction_id')
	THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'transaction_id is not that of an unsubscribe of ours to you');
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_unsubscribe(casesync_internal.partner, jsonb,
	jsonb, text) IS
	'a partner answers our unsubscribe (ESS UnSubscribeResponse)';
