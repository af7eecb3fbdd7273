/* Messages about subscriptions: partners' wishes, and their answers to ours. Nothing of HTTP. */

/* One item of a subscribe request becomes a subscription, or a reason why not. */
CREATE FUNCTION casesync.receive_wish(p casesync.partner, transaction_id text, correlation_id text,
	callback text, item jsonb, OUT answer jsonb, OUT status text, OUT subscription bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wish jsonb := coalesce(item->'subscribe_criteria', '{}');
	reference text := item->>'reference_id';
	person record := casesync.filter_identifier(wish->'filter', wish->>'filter_type');
	a casesync.agreement;
	s casesync.subscription;
	code text;
	why text;
	twin text;
BEGIN
	SELECT * INTO s FROM casesync.subscription t WHERE t.partner = p.partner AND t.reference_id = reference;
	IF NOT FOUND THEN
		s.partner := p.partner;
		s.event_type := casesync.event_name(wish->>'reg_event_type');
		s.record_type := casesync.plain_name(wish->>'notify_record_type');
		s.reg_type := casesync.plain_name(wish->>'reg_type');
		s.id_type := person.id_type; s.id_value := person.id_value;
		s.frequency := nullif(wish->'frequency', 'null');
		a := casesync.agreement_for(p.partner, s.event_type, s.record_type, s.reg_type, NULL);
		twin := casesync.subscription_twin(s);
		IF coalesce(reference, '') = '' OR length(reference) > 255 THEN
			code := 'rjct.reference_id.invalid'; why := 'reference_id must be text of 1 to 255 characters';
		ELSIF casesync.time_of(item->>'timestamp') IS NULL THEN
			code := 'rjct.timestamp.invalid'; why := 'timestamp must be ISO 8601 with a zone';
		ELSIF a.agreement IS NULL THEN
			code := 'rjct.notify_types.invalid';
			why := format('no agreement with %s covers event type "%s" of record type "%s"', p.partner,
				left(s.event_type, 99), left(s.record_type, 99));
		ELSIF NOT person.is_valid THEN
			code := 'rjct.notify_details.invalid';
			why := 'this filter is not supported: send an idtype-value filter {"type": …, "value": …}, or {} for all that the agreement allows';
		ELSIF num_nulls(casesync.time_of(s.frequency->>'start_time'), casesync.time_of(s.frequency->>'end_time'))
			> num_nulls(s.frequency->>'start_time', s.frequency->>'end_time')
			OR (s.frequency IS NOT NULL AND jsonb_typeof(s.frequency) <> 'object')
		THEN
			code := 'rjct.notify_details.invalid';
			why := 'frequency must be an object, its start_time and end_time ISO 8601 with a zone';
		ELSIF NOT casesync.is_agreed_identifier(a, s.id_type) THEN
			code := 'rjct.notify_details.invalid';
			why := format('identifier type "%s" is not agreed; agreed: %s', left(s.id_type, 99),
				array_to_string(a.identifier_types, ', '));
		ELSIF twin IS NOT NULL THEN
			code := 'rjct.event.already_subscribed'; why := format('subscription %s has the same criteria', twin);
		END IF;
		IF code IS NOT NULL THEN
			status := 'rjct';
			s.id := NULL; s.locale := NULL;
			answer := casesync.subscribe_answer(coalesce(reference, ''), status, code, why, s);
			RETURN;
		END IF;
		INSERT INTO casesync.subscription AS t (partner, event_type, record_type, reg_type, filter,
			filter_type, id_type, id_value, frequency, starts, ends, deliver, reference_id,
			transaction_id, correlation_id, callback_url, locale, state, decided_at)
		VALUES (p.partner, s.event_type, s.record_type, s.reg_type, wish->'filter', wish->>'filter_type',
			s.id_type, s.id_value, s.frequency, casesync.time_of(s.frequency->>'start_time'),
			casesync.time_of(s.frequency->>'end_time'),
			CASE WHEN s.frequency IS NULL THEN 'every' ELSE 'latest' END, reference, $2, $3, $4,
			CASE WHEN item->>'locale' ~ '^[a-z]{3}$' THEN item->>'locale' ELSE 'eng' END,
			CASE a.subscribing WHEN 'auto' THEN 'active' ELSE 'pending' END,
			CASE a.subscribing WHEN 'auto' THEN clock_timestamp() END)
		RETURNING t.* INTO s;
	END IF;
	status := CASE s.state WHEN 'pending' THEN 'pdng' WHEN 'active' THEN 'succ' ELSE 'rjct' END;
	IF status = 'rjct' THEN
		code := 'rjct.reference_id.duplicate'; why := 'this subscription has ended; use a new reference_id';
	END IF;
	subscription := s.id;
	answer := casesync.subscribe_answer(reference, status, code, why, s);
END
$$;
COMMENT ON FUNCTION casesync.receive_wish(casesync.partner, text, text, text, jsonb) IS
	'decide about one item of a subscribe request';

CREATE FUNCTION casesync.receive_subscribe(p casesync.partner, header jsonb, message jsonb, correlation_id text)
RETURNS casesync.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record := casesync.callback_url(p, header->>'sender_uri', 'on-subscribe');
	transaction text := message->>'transaction_id';
	items constant jsonb := casesync.list_of(message->'subscribe_request');
	refused casesync.answer;
	item jsonb;
	done record;
	answers jsonb := '[]';
	statuses text[] := '{}';
	subscriptions bigint[] := '{}';
BEGIN
	IF NOT target.is_allowed THEN
		RETURN casesync.refusal('err.sender_uri.invalid', 'sender_uri is not below a callback address registered for this sender_id');
	END IF;
	refused := casesync.batch_refusal(header, items, 'subscribe_request');
	IF refused.ack_status IS NOT NULL THEN
		RETURN refused;
	END IF;
	FOR item IN SELECT * FROM jsonb_array_elements(items) LOOP
		done := casesync.receive_wish(p, transaction, correlation_id, target.url, item);
		answers := answers || done.answer;
		statuses := statuses || done.status;
		subscriptions := subscriptions || done.subscription;
	END LOOP;
	subscriptions := array_remove(subscriptions, NULL);
	IF target.url IS NULL THEN
		UPDATE casesync.subscription s SET is_confirmed = true WHERE s.id = ANY (subscriptions);
	ELSE
		PERFORM casesync.enqueue(p.partner, 'on-subscribe', target.url, jsonb_build_object(
			'transaction_id', transaction, 'correlation_id', correlation_id, 'subscribe_response', answers),
			CASE WHEN 'succ' = ANY (statuses) THEN 'succ' WHEN 'pdng' = ANY (statuses) THEN 'pdng' ELSE 'rjct' END,
			subscriptions);
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
END
$$;
COMMENT ON FUNCTION casesync.receive_subscribe(casesync.partner, jsonb, jsonb, text) IS
	'a partner wishes to be notified (ESS SubscribeRequest); the outcome goes out as on-subscribe';

CREATE FUNCTION casesync.receive_unsubscribe(p casesync.partner, header jsonb, message jsonb, correlation_id text)
RETURNS casesync.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record := casesync.callback_url(p, header->>'sender_uri', 'on-unsubscribe');
	wanted text[] := ARRAY(SELECT DISTINCT c FROM jsonb_array_elements_text(casesync.list_of(
		coalesce(message->'subscription_codes', message->'sunscription_codes'))) c);
	ended integer;
	known integer;
	status text := 'succ';
	code text;
BEGIN
	IF NOT target.is_allowed THEN
		RETURN casesync.refusal('err.sender_uri.invalid', 'sender_uri is not below a callback address registered for this sender_id');
	END IF;
	SELECT count(*) INTO known FROM casesync.subscription s WHERE s.partner = p.partner AND s.code = ANY (wanted);
	SELECT count(casesync.subscription_end(s, 'unsubscribed by the partner')) INTO ended
	  FROM casesync.subscription s
	 WHERE s.partner = p.partner AND s.code = ANY (wanted) AND s.state IN ('pending', 'active');
	IF ended = 0 THEN
		status := 'rjct';
		code := CASE known WHEN 0 THEN 'rjct.subscription_code.invalid' ELSE 'rjct.event.already_unsubscribed' END;
	END IF;
	IF target.url IS NOT NULL THEN
		PERFORM casesync.enqueue(p.partner, 'on-unsubscribe', target.url, jsonb_strip_nulls(jsonb_build_object(
			'transaction_id', message->>'transaction_id', 'correlation_id', correlation_id,
			'timestamp', casesync.wire_time(clock_timestamp()), 'status', status,
			'status_reason_code', code, 'status_reason_message',
			CASE WHEN ended < cardinality(wanted) THEN format('%s of %s codes name no subscription of yours that is active',
				cardinality(wanted) - ended, cardinality(wanted)) END,
			'subscription_status', (SELECT jsonb_agg(jsonb_build_object('code', w, 'status', 'unsubscribe') ORDER BY w)
				FROM casesync.subscription s JOIN unnest(wanted) w ON s.code = w AND s.partner = p.partner))), status);
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
END
$$;
COMMENT ON FUNCTION casesync.receive_unsubscribe(casesync.partner, jsonb, jsonb, text) IS
	'a partner ends its own subscriptions; the outcome goes out as on-unsubscribe';

CREATE FUNCTION casesync.receive_on_subscribe(p casesync.partner, header jsonb, message jsonb, correlation_id text)
RETURNS casesync.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item jsonb;
	known integer := 0;
BEGIN
	FOR item IN SELECT * FROM jsonb_array_elements(casesync.list_of(message->'subscribe_response')) LOOP
		UPDATE casesync.my_subscription m SET answered_at = clock_timestamp(),
			code = coalesce(left(item #>> '{subscriptions,0,code}', 99), m.code),
			reason = left(concat_ws(': ', item->>'status_reason_code', item->>'status_reason_message'), 999),
			state = CASE item->>'status' WHEN 'succ' THEN 'active' WHEN 'rjct' THEN 'refused' ELSE 'pending' END
		 WHERE m.partner = p.partner AND m.reference_id::text = item->>'reference_id'
		   AND m.state IN ('requested', 'pending', 'active');
		/* A repetition of what we know already is acknowledged too. */
		IF EXISTS (SELECT FROM casesync.my_subscription m
			WHERE m.partner = p.partner AND m.reference_id::text = item->>'reference_id') THEN
			known := known + 1;
		END IF;
	END LOOP;
	IF known = 0 THEN
		RETURN casesync.refusal('err.request.bad', 'no reference_id in this on-subscribe is that of a request of ours to you');
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
END
$$;
COMMENT ON FUNCTION casesync.receive_on_subscribe(casesync.partner, jsonb, jsonb, text) IS
	'a partner answers our subscribe (ESS SubscribeResponse)';

CREATE FUNCTION casesync.receive_on_unsubscribe(p casesync.partner, header jsonb, message jsonb, correlation_id text)
RETURNS casesync.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync.my_subscription m SET answered_at = clock_timestamp(),
		state = CASE WHEN message->>'status' = 'rjct'
			AND message->>'status_reason_code' IS DISTINCT FROM 'rjct.event.already_unsubscribed'
			AND message->>'status_reason_code' IS DISTINCT FROM 'rjct.subscription_code.invalid'
			THEN 'active' ELSE 'ended' END,
		reason = left(concat_ws(': ', message->>'status_reason_code', message->>'status_reason_message'), 999)
	 WHERE m.partner = p.partner AND (m.state = 'ending' OR (m.state IN ('active', 'pending') AND message->>'status' = 'succ'))
	   AND m.transaction_id = message->>'transaction_id'
	   AND message->>'status' IN ('succ', 'rjct');
	IF NOT FOUND AND NOT EXISTS (SELECT FROM casesync.my_subscription m
		WHERE m.partner = p.partner AND m.state IN ('ended', 'active') AND m.answered_at IS NOT NULL
		  AND m.transaction_id = message->>'transaction_id')
	THEN
		RETURN casesync.refusal('err.request.bad', 'transaction_id is not that of an unsubscribe of ours to you');
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
END
$$;
COMMENT ON FUNCTION casesync.receive_on_unsubscribe(casesync.partner, jsonb, jsonb, text) IS
	'a partner answers our unsubscribe (ESS UnSubscribeResponse)';
