/* Messages of partners, verified by the bridge: stored, decided about, answered. */

CREATE TYPE casesync.answer AS (ack_status text, error_code text, error_message text,
	correlation_id text, at timestamptz);
COMMENT ON TYPE casesync.answer IS 'an acknowledgement: ACK or ERR with the standard''s code';

CREATE FUNCTION casesync.refusal(code text, message text)
RETURNS casesync.answer
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ROW('ERR', code, left(message, 999), gen_random_uuid()::text, clock_timestamp())::casesync.answer
$$;
COMMENT ON FUNCTION casesync.refusal(text, text) IS 'an ERR acknowledgement';

CREATE FUNCTION casesync.is_within(url text, prefix text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT length(url) <= 2000 AND (url = rtrim(prefix, '/') OR (starts_with(url, rtrim(prefix, '/') || '/')
		AND url !~ '(^|/)\.\.?(/|$)|%2[eEfF]|%5[cC]|\\|[[:cntrl:][:space:]#@]'))
$$;
COMMENT ON FUNCTION casesync.is_within(text, text) IS
	'whether a URL is the prefix or below it, with nothing in it that could lead elsewhere';

/* Where an answer goes: sender_uri if it is the partner's, else the registered address, else nowhere. */
CREATE FUNCTION casesync.callback_url(p casesync.partner, sender_uri text, action text,
	OUT is_allowed boolean, OUT url text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sender_uri, '') = '' OR EXISTS (
			SELECT FROM unnest(coalesce(p.callback_prefixes, ARRAY[p.base_url])) x(prefix)
			 WHERE casesync.is_within(sender_uri, x.prefix)),
		coalesce(nullif(sender_uri, ''), p.base_url || '/registry/' || action)
$$;
COMMENT ON FUNCTION casesync.callback_url(casesync.partner, text, text) IS
	'the address of a callback, and whether the partner may name it';

CREATE FUNCTION casesync.list_of(value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN coalesce(jsonb_typeof(value), 'null') = 'null' THEN '[]'
		WHEN jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END
$$;
COMMENT ON FUNCTION casesync.list_of(jsonb) IS 'one or many as a list: peers send both';

CREATE FUNCTION casesync.time_of(value text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN casesync.is_date_time(value) THEN value::timestamptz END;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync.time_of(text) IS 'an ISO 8601 time with zone; NULL when it is none';

CREATE FUNCTION casesync.number_of(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(value) = 'number' AND value::text ~ '^\d{1,18}$' THEN value::text::bigint END
$$;
COMMENT ON FUNCTION casesync.number_of(jsonb) IS 'a whole number not below zero; NULL when it is none';

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
	item jsonb;
	done record;
	answers jsonb := '[]';
	statuses text[] := '{}';
	subscriptions bigint[] := '{}';
BEGIN
	IF NOT target.is_allowed THEN
		RETURN casesync.refusal('err.sender_uri.invalid', 'sender_uri is not below a callback address registered for this sender_id');
	END IF;
	IF casesync.list_of(message->'subscribe_request') = '[]' THEN
		RETURN casesync.refusal('err.request.bad', 'subscribe_request is empty: rjct.total_count.invalid');
	END IF;
	FOR item IN SELECT * FROM jsonb_array_elements(casesync.list_of(message->'subscribe_request')) LOOP
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

/* The records of a notify, each with what belongs to it; a list in reg_records is several events. */
CREATE FUNCTION casesync.notify_items(header jsonb, message jsonb)
RETURNS TABLE (item integer, reference_id text, event_type text, record_type text, record jsonb,
	sent_at timestamptz, meta jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (row_number() OVER (ORDER BY e.n, r.n))::integer, e.event->>'reference_id',
		casesync.event_name(e.event #>> '{data,reg_event_type}'),
		casesync.plain_name(e.event #>> '{data,reg_record_type}'), r.record,
		casesync.time_of(e.event->>'timestamp'),
		CASE WHEN jsonb_typeof(header #> '{meta,items}') = 'array' THEN header #> ARRAY['meta', 'items', (e.n - 1)::text] END
	  FROM jsonb_array_elements(casesync.list_of(message->'notify_event')) WITH ORDINALITY e(event, n)
	 CROSS JOIN LATERAL jsonb_array_elements(casesync.list_of(e.event #> '{data,reg_records}')) WITH ORDINALITY r(record, n)
$$;
COMMENT ON FUNCTION casesync.notify_items(jsonb, jsonb) IS 'the records of a notify message';

CREATE FUNCTION casesync.subject_name(record jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat(upper(i.identifier_type), ':', i.identifier_value)
	  FROM casesync.record_identifiers(record) i
	 ORDER BY upper(i.identifier_type) COLLATE "C", i.identifier_value COLLATE "C" LIMIT 1
$$;
COMMENT ON FUNCTION casesync.subject_name(jsonb) IS 'one identifier of a record, always the same one';

/* Under one identifier a person stays one subject, also when others come or go. */
CREATE FUNCTION casesync.known_subject(partner text, record jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT t.subject FROM casesync.inbox_item t
		 WHERE t.partner = $1 AND t.subject = ANY (ARRAY(
			SELECT concat(upper(i.identifier_type), ':', i.identifier_value) FROM casesync.record_identifiers($2) i))
		 ORDER BY t.id DESC LIMIT 1), casesync.subject_name($2));
END
$$;
COMMENT ON FUNCTION casesync.known_subject(text, jsonb) IS
	'the name under which a partner''s record is about somebody: the one used before, else one of its identifiers';

/* Store one record; a repetition of what this reference_id said last is not stored again. */
CREATE FUNCTION casesync.store_item(p casesync.partner, message_id text, transaction_id text,
	stream text, i record, event_type text, is_solicited boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync.agreement := casesync.agreement_in(p.partner, event_type);
	hash bytea := sha256(convert_to(i.record::text, 'UTF8'));
	agreed jsonb := casesync.project(i.record, a.fields, a.identifier_types);
	who text := casesync.known_subject(p.partner, agreed);
	previous jsonb;
	mode text;
BEGIN
	IF i.reference_id IS NOT NULL AND hash = (SELECT t.content_hash FROM casesync.inbox_item t
			WHERE t.partner = p.partner AND t.reference_id = i.reference_id ORDER BY t.id DESC LIMIT 1) THEN
		RETURN;
	END IF;
	SELECT t.record INTO previous FROM casesync.inbox_item t
	 WHERE t.state IN ('new', 'applied', 'ignored', 'observed') AND t.partner = p.partner AND t.subject = who ORDER BY t.id DESC LIMIT 1;
	mode := casesync.apply_mode_of(a, event_type, agreed, is_solicited, previous);
	INSERT INTO casesync.inbox_item (partner, message_id, item, reference_id, content_hash,
		transaction_id, event_type, record_type, record, subject, hops, stream, seq, prev_seq,
		agreement, agreement_version, mode, sent_at, state, reason)
	VALUES (p.partner, message_id, i.item, i.reference_id, hash, transaction_id, event_type,
		coalesce(i.record_type, ''), agreed, who,
		ARRAY(SELECT h FROM jsonb_array_elements_text(casesync.list_of(i.meta->'hops')) h LIMIT 16),
		stream, casesync.number_of(i.meta->'seq'), casesync.number_of(i.meta->'prev_seq'),
		a.agreement, a.version, mode, i.sent_at,
		CASE WHEN agreed IS NULL THEN 'ignored' WHEN mode = 'auto' THEN 'new'
			WHEN mode = 'observe' THEN 'observed' ELSE 'review' END,
		CASE WHEN agreed IS NULL THEN 'nothing in it is agreed'
			WHEN NOT is_solicited THEN 'we did not subscribe to this'
			WHEN mode = 'review' THEN 'a death, another identifier, or the agreement asks for a person' END);
END
$$;
COMMENT ON FUNCTION casesync.store_item(casesync.partner, text, text, text, record, text, boolean) IS
	'put one record into the inbox, and say whether it is applied or waits for a person';

CREATE FUNCTION casesync.my_subscription_of(partner text, transaction_id text)
RETURNS casesync.my_subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	answer casesync.my_subscription;
BEGIN
	SELECT m.* INTO answer FROM casesync.my_subscription m WHERE m.partner = $1 AND m.transaction_id = $2;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync.my_subscription_of(text, text) IS
	'our subscription that a message belongs to, if it keeps the transaction_id of the request';

/* The standard's notification does not name its subscription: peers that number anew are found by what they tell. */
CREATE FUNCTION casesync.is_solicited(partner text, mine casesync.my_subscription, reference_id text,
	event_type text, record_type text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM casesync.my_subscription m
		 WHERE m.partner = $1 AND m.state NOT IN ('ended', 'refused')
		   AND (m.reference_id = mine.reference_id OR m.reference_id::text = $3
			OR (mine.reference_id IS NULL AND m.event_type = $4 AND lower(m.record_type) = lower($5))))
$$;
COMMENT ON FUNCTION casesync.is_solicited(text, casesync.my_subscription, text, text, text) IS
	'whether a notification answers a living subscription of ours';

CREATE FUNCTION casesync.receive_notify(p casesync.partner, header jsonb, message jsonb, correlation_id text)
RETURNS casesync.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mine casesync.my_subscription;
	i record;
	event text;
	transaction text := message->>'transaction_id';
BEGIN
	IF header->>'status' = 'rjct' AND casesync.list_of(message->'notify_event') = '[]' THEN
		RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
	END IF;
	IF casesync.list_of(message->'notify_event') = '[]' OR EXISTS (
		SELECT FROM jsonb_array_elements(casesync.list_of(message->'notify_event')) e
		 WHERE casesync.list_of(e #> '{data,reg_records}') = '[]')
	THEN
		RETURN casesync.refusal('err.request.bad', 'notify_event must have at least one item, and each item its reg_records');
	END IF;
	mine := casesync.my_subscription_of(p.partner, transaction);
	FOR i IN SELECT * FROM casesync.notify_items(header, message) LOOP
		event := coalesce(i.event_type, mine.event_type);
		IF (casesync.agreement_in(p.partner, event)).agreement IS NULL THEN
			RETURN casesync.refusal('err.request.forbidden', format(
				'no agreement lets %s tell us of event type "%s"', p.partner, left(coalesce(event, ''), 99)));
		END IF;
		IF jsonb_typeof(i.record) <> 'object' THEN
			RETURN casesync.refusal('err.request.bad', format('reg_records of item %s is not an object', i.item));
		END IF;
	END LOOP;
	FOR i IN SELECT * FROM casesync.notify_items(header, message) LOOP
		event := coalesce(i.event_type, mine.event_type);
		i.record_type := coalesce(i.record_type, mine.record_type);
		PERFORM casesync.store_item(p, header->>'message_id', transaction, header #>> '{meta,stream}', i, event,
			casesync.is_solicited(p.partner, mine, i.reference_id, event, i.record_type));
	END LOOP;
	PERFORM casesync.ring();
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync.answer;
END
$$;
COMMENT ON FUNCTION casesync.receive_notify(casesync.partner, jsonb, jsonb, text) IS
	'a partner tells us of events (ESS NotifyEventRequest): into the inbox, then acknowledged';

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

CREATE FUNCTION casesync.read_body(raw bytea)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN convert_from(raw, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception OR untranslatable_character OR program_limit_exceeded OR statement_too_complex THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync.read_body(bytea) IS 'a body as JSON; NULL when it is none that can be kept';

CREATE FUNCTION casesync.receive(partner text, message_id text, raw bytea, token_client text, kid text)
RETURNS SETOF casesync.answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync.partner;
	body jsonb := casesync.read_body($3);
	header jsonb := body->'header';
	message jsonb := body->'message';
	hash bytea := sha256(convert_to(concat(header->>'action', message::text), 'UTF8'));
	before casesync.message_in;
	answer casesync.answer;
	correlation text := gen_random_uuid()::text;
BEGIN
	/* The standard lets a rejected notification come without a message. */
	IF message IS NULL AND header->>'status' = 'rjct' AND header->>'action' = 'notify' THEN
		message := '{}';
	END IF;
	/* One message of a partner at a time: repetitions are recognised, order of arrival is kept. */
	SELECT * INTO p FROM casesync.partner t WHERE t.partner = $1 FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN NEXT casesync.refusal('err.sender_id.invalid', 'sender_id is not registered here');
		RETURN;
	END IF;
	IF jsonb_typeof(header) IS DISTINCT FROM 'object' OR jsonb_typeof(message) IS DISTINCT FROM 'object'
		OR $2 IS NULL OR $2 = '' OR length($2) > 255
	THEN
		RETURN NEXT casesync.refusal('err.request.bad',
			'the body must be UTF-8 JSON with the objects header and message, without the character \u0000, and header.message_id of 1 to 255 characters');
		RETURN;
	END IF;
	header := header || jsonb_build_object('message_id', $2);
	SELECT * INTO before FROM casesync.message_in m WHERE m.partner = $1 AND m.message_id = $2;
	IF FOUND THEN
		IF before.content_hash = hash THEN
			answer := ROW(before.ack_status, NULL, NULL, before.correlation_id, before.at);
		ELSE
			answer := casesync.refusal('err.request.bad', 'message_id was used before with another message: rjct.message_id.duplicate');
		END IF;
		RETURN NEXT answer;
		RETURN;
	END IF;
	answer := CASE header->>'action'
		WHEN 'subscribe' THEN casesync.receive_subscribe(p, header, message, correlation)
		WHEN 'unsubscribe' THEN casesync.receive_unsubscribe(p, header, message, correlation)
		WHEN 'notify' THEN casesync.receive_notify(p, header, message, correlation)
		WHEN 'on-subscribe' THEN casesync.receive_on_subscribe(p, header, message, correlation)
		WHEN 'on-unsubscribe' THEN casesync.receive_on_unsubscribe(p, header, message, correlation)
		ELSE casesync.refusal('err.request.bad', format('action "%s" is not supported here', left(header->>'action', 40)))
		END;
	IF answer.ack_status = 'ACK' THEN
		INSERT INTO casesync.message_in (partner, message_id, content_hash, raw, action, kid, token_client,
			ack_status, correlation_id, at)
		VALUES ($1, $2, hash, $3, header->>'action', $5, $4, answer.ack_status, answer.correlation_id, answer.at);
	END IF;
	RETURN NEXT answer;
END
$$;
COMMENT ON FUNCTION casesync.receive(text, text, bytea, text, text) IS
	'a verified message of a partner: stored before it is acknowledged; a repeated message_id is answered as the first time';
