/* Standing wishes: partners' at us, and ours at partners. */

CREATE TABLE casesync.subscription (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text CHECK (length(code) <= 99),
	partner text NOT NULL,
	event_type text NOT NULL,
	record_type text NOT NULL,
	reg_type text,
	registry text,
	filter jsonb,
	filter_type text,
	id_type text,
	id_value text,
	frequency jsonb,
	starts timestamptz,
	ends timestamptz,
	deliver text NOT NULL DEFAULT 'every' CHECK (deliver IN ('every', 'latest')),
	reference_id text,
	transaction_id text NOT NULL,
	correlation_id text,
	callback_url text,
	locale text NOT NULL DEFAULT 'eng',
	state text NOT NULL CHECK (state IN ('pending', 'active', 'ended', 'refused')),
	is_confirmed boolean NOT NULL DEFAULT false,
	reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	decided_at timestamptz,
	ended_at timestamptz,
	CHECK ((id_type IS NULL) = (id_value IS NULL))
);
CREATE UNIQUE INDEX subscription_reference ON casesync.subscription (partner, reference_id)
	WHERE reference_id IS NOT NULL;
CREATE INDEX subscription_of_all ON casesync.subscription (partner, event_type)
	WHERE state = 'active' AND id_type IS NULL;
CREATE INDEX subscription_of_one ON casesync.subscription (id_value, id_type, partner)
	WHERE state = 'active' AND id_type IS NOT NULL;
COMMENT ON TABLE casesync.subscription IS 'partners'' subscriptions; is_confirmed: they know that it exists';
SELECT pg_catalog.pg_extension_config_dump('casesync.subscription', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.subscription_id_seq', '');

CREATE TABLE casesync.my_subscription (
	reference_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	partner text NOT NULL,
	event_type text NOT NULL,
	record_type text NOT NULL,
	filter jsonb,
	filter_type text,
	frequency text,
	transaction_id text NOT NULL UNIQUE,
	code text,
	state text NOT NULL DEFAULT 'requested'
		CHECK (state IN ('requested', 'pending', 'active', 'ending', 'ended', 'refused')),
	reason text,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	answered_at timestamptz
);
CREATE INDEX my_subscription_code ON casesync.my_subscription (partner, code);
COMMENT ON TABLE casesync.my_subscription IS 'what we have asked partners to tell us';
SELECT pg_catalog.pg_extension_config_dump('casesync.my_subscription', '');

/* What a filter asks for: everybody, or the one person with an identifier. */
CREATE FUNCTION casesync.filter_identifier(filter jsonb, filter_type text,
	OUT is_valid boolean, OUT id_type text, OUT id_value text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	value jsonb := filter->'value';
BEGIN
	is_valid := filter IS NULL OR filter IN ('{}', '[]', 'null');
	IF is_valid OR coalesce(filter_type, 'idtype-value') <> 'idtype-value' THEN
		RETURN;
	END IF;
	IF jsonb_typeof(filter->'type') = 'string' AND jsonb_typeof(value) IN ('string', 'number') THEN
		id_type := casesync.plain_name(filter->>'type');
		id_value := filter->>'value';
		is_valid := id_type <> '' AND id_value <> '' AND length(id_type) <= 255 AND length(id_value) <= 1000;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync.filter_identifier(jsonb, text) IS
	'read an idtype-value filter; is_valid with no identifier: the filter asks for everybody';

CREATE FUNCTION casesync.agreement_for(partner text, event_type text, record_type text, reg_type text,
	registry text)
RETURNS casesync.agreement
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.* FROM casesync.agreement a
	 WHERE a.state = 'active' AND a.direction = 'out' AND a.partner = $1 AND $2 = ANY (a.event_types)
	   AND now() < a.valid_to
	   AND EXISTS (SELECT FROM casesync.registry r
					WHERE r.registry = ANY (a.registries) AND lower(r.record_type) = lower($3)
					  AND ($4 IS NULL OR lower(r.reg_type) = lower($4))
					  AND ($5 IS NULL OR r.registry = $5))
	 ORDER BY a.agreement LIMIT 1
$$;
COMMENT ON FUNCTION casesync.agreement_for(text, text, text, text, text) IS
	'the agreement that covers a wish; NULL when none does';

CREATE FUNCTION casesync.is_agreed_identifier(a casesync.agreement, id_type text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT id_type IS NULL OR upper(casesync.fold_identifier_type(id_type))
		= ANY (SELECT upper(casesync.fold_identifier_type(x)) FROM unnest(a.identifier_types) x)
$$;
COMMENT ON FUNCTION casesync.is_agreed_identifier(casesync.agreement, text) IS
	'whether subscriptions may name people by this type of identifier; NULL: by none';

CREATE FUNCTION casesync.subscription_twin(s casesync.subscription)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.code FROM casesync.subscription t
	 WHERE t.partner = s.partner AND t.state IN ('pending', 'active') AND t.event_type = s.event_type
	   AND lower(t.record_type) = lower(s.record_type) AND t.reg_type IS NOT DISTINCT FROM s.reg_type
	   AND t.registry IS NOT DISTINCT FROM s.registry
	   AND (t.id_type, t.id_value) IS NOT DISTINCT FROM (s.id_type, s.id_value)
	   AND t.frequency IS NOT DISTINCT FROM s.frequency
	 ORDER BY t.id LIMIT 1
$$;
COMMENT ON FUNCTION casesync.subscription_twin(casesync.subscription) IS
	'the code of a living subscription with the same criteria';

CREATE FUNCTION casesync.subscribe(partner text, event_type text, record_type text,
	filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL, frequency text DEFAULT NULL,
	starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, deliver text DEFAULT 'every',
	reference_id text DEFAULT NULL, registry text DEFAULT NULL)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	wish record;
	a casesync.agreement;
	s casesync.subscription;
	twin text;
BEGIN
	PERFORM casesync.require_partner($1);
	wish := casesync.filter_identifier($4, $5);
	IF $9 IS NULL OR $9 NOT IN ('every', 'latest') THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = format('deliver "%s" is not known', coalesce($9, 'NULL')),
			hint = 'deliver: every, latest.';
	END IF;
	IF NOT wish.is_valid THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = 'this filter is not supported',
			detail = 'A subscription is for everybody the agreement allows (filter NULL) or for one identifier.',
			hint = 'filter => ''{"type": "UIN", "value": "12345"}'', filter_type => ''idtype-value''';
	END IF;
	a := casesync.agreement_for($1, casesync.event_name($2), $3, NULL, $11);
	IF a.agreement IS NULL THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = format('no active agreement with "%s" covers event type "%s" of "%s"', $1, $2, $3),
			hint = format('SELECT * FROM casesync.agreements WHERE partner = %L;', $1);
	END IF;
	IF NOT casesync.is_agreed_identifier(a, wish.id_type) THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = format('identifier type "%s" is not agreed', left(wish.id_type, 99)),
			detail = format('Agreement "%s" names: %s.', a.agreement, array_to_string(a.identifier_types, ', ')),
			hint = format('SELECT casesync.set_agreement(%L, %L, identifier_types => …);', a.agreement, $1);
	END IF;
	s.partner := $1; s.event_type := casesync.event_name($2); s.record_type := $3; s.registry := $11;
	s.id_type := wish.id_type; s.id_value := wish.id_value;
	s.frequency := CASE WHEN $6 IS NOT NULL THEN jsonb_build_object('frequency', $6) END;
	twin := casesync.subscription_twin(s);
	IF twin IS NOT NULL OR EXISTS (SELECT FROM casesync.subscription t
			WHERE t.partner = $1 AND t.reference_id = $10) THEN
		RAISE EXCEPTION USING errcode = 'duplicate_object',
			message = format('"%s" has this subscription already', $1),
			detail = CASE WHEN twin IS NOT NULL THEN format('Its code is %s.', twin)
				ELSE format('reference_id "%s" is in use.', $10) END,
			hint = 'SELECT casesync.unsubscribe(code, reason);';
	END IF;
	INSERT INTO casesync.subscription AS t (partner, event_type, record_type, registry, filter,
		filter_type, id_type, id_value, frequency, starts, ends, deliver, reference_id,
		transaction_id, state, is_confirmed, decided_at)
	VALUES ($1, s.event_type, $3, $11, $4, $5, wish.id_type, wish.id_value, s.frequency, $7, $8, $9,
		$10, gen_random_uuid()::text, 'active', true, clock_timestamp())
	RETURNING t.* INTO s;
	PERFORM casesync.audit_note('subscribe', s.code, jsonb_build_object('partner', $1));
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.subscribe(text, text, text, jsonb, text, text, timestamptz, timestamptz, text, text, text) IS
	'subscribe a partner without asking it over HTTP; filter NULL is all the agreement allows';

CREATE FUNCTION casesync.subscription_end(s casesync.subscription, why text)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ended casesync.subscription;
BEGIN
	UPDATE casesync.subscription t SET state = 'ended', ended_at = clock_timestamp(), reason = why
	 WHERE t.id = s.id AND t.state IN ('pending', 'active') RETURNING t.* INTO ended;
	IF NOT FOUND THEN
		RETURN s;
	END IF;
	PERFORM casesync.withhold(n.reference_id, 'subscription ended')
	   FROM casesync.lane l JOIN casesync.notification n ON n.lane = l.lane
	  WHERE l.partner = s.partner AND n.subscription = s.id AND n.state = 'due';
	RETURN ended;
END
$$;
COMMENT ON FUNCTION casesync.subscription_end(casesync.subscription, text) IS
	'end a subscription and withhold what waits for it';

CREATE FUNCTION casesync.require_subscription(code text)
RETURNS casesync.subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.subscription;
BEGIN
	SELECT * INTO s FROM casesync.subscription t WHERE t.code = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING errcode = 'undefined_object',
			message = format('there is no subscription with code "%s"', left($1, 99)),
			hint = 'SELECT code, partner, state FROM casesync.subscriptions;';
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.require_subscription(text) IS 'the subscription''s row, or an error';

CREATE FUNCTION casesync.unsubscribe(code text, reason text DEFAULT NULL)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.subscription := casesync.require_subscription(code);
BEGIN
	s := casesync.subscription_end(s, reason);
	PERFORM casesync.audit_note('unsubscribe', code, jsonb_build_object('reason', reason));
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.unsubscribe(text, text) IS 'end a partner''s subscription';

CREATE FUNCTION casesync.subscription_item(s casesync.subscription)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'code', s.code,
		'status', CASE WHEN s.state IN ('pending', 'active') THEN 'subscribe' ELSE 'unsubscribe' END,
		'timestamp', casesync.wire_time(coalesce(s.decided_at, s.created_at)),
		'reg_type', casesync.reg_type_wire(s.reg_type),
		'reg_event_type', casesync.event_wire(coalesce(s.reg_type, 'ESS'), s.event_type), 'frequency', s.frequency, 'filter_type', s.filter_type,
		'filter', nullif(s.filter, '{}'), 'notify_record_type', s.record_type, 'locale', s.locale))
$$;
COMMENT ON FUNCTION casesync.subscription_item(casesync.subscription) IS
	'a subscription as the standard''s SubscriptionInfo';

/* The item of an on-subscribe for one request: rows decide, this only words it. */
CREATE FUNCTION casesync.subscribe_answer(reference_id text, status text, code text, why text,
	s casesync.subscription)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'reference_id', reference_id, 'timestamp', casesync.wire_time(clock_timestamp()),
		'status', status, 'status_reason_code', code, 'status_reason_message', left(why, 999),
		'subscriptions', CASE WHEN s.id IS NOT NULL
			THEN jsonb_build_array(casesync.subscription_item(s)) END,
		'locale', coalesce(s.locale, 'eng')))
$$;
COMMENT ON FUNCTION casesync.subscribe_answer(text, text, text, text, casesync.subscription) IS
	'one item of an on-subscribe message (ESS SubscribeResponse)';

CREATE FUNCTION casesync.subscription_tell(s casesync.subscription, status text, code text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF s.callback_url IS NULL THEN
		UPDATE casesync.subscription t SET is_confirmed = true WHERE t.id = s.id;
		RETURN;
	END IF;
	PERFORM casesync.enqueue(s.partner, 'on-subscribe', s.callback_url, jsonb_build_object(
		'transaction_id', s.transaction_id, 'correlation_id', s.correlation_id,
		'subscribe_response', jsonb_build_array(
			casesync.subscribe_answer(s.reference_id, status, code, why, s))),
		status, ARRAY[s.id]);
END
$$;
COMMENT ON FUNCTION casesync.subscription_tell(casesync.subscription, text, text, text) IS
	'send the partner an on-subscribe about one subscription';

CREATE FUNCTION casesync.subscription_decide(code text, decision text, why text)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.subscription := casesync.require_subscription(code);
BEGIN
	UPDATE casesync.subscription t SET state = decision, reason = why, decided_at = clock_timestamp()
	 WHERE t.id = s.id AND t.state = 'pending' RETURNING t.* INTO s;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = format('subscription "%s" is not waiting for a decision', code),
			hint = 'SELECT code, state FROM casesync.subscriptions WHERE state = ''pending'';';
	END IF;
	PERFORM casesync.audit_note(CASE decision WHEN 'active' THEN 'approve' ELSE 'refuse' END, code, jsonb_build_object('reason', why));
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.subscription_decide(text, text, text) IS 'a pending subscription becomes active or refused';

CREATE FUNCTION casesync.approve(code text)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.subscription := casesync.subscription_decide(code, 'active', NULL);
BEGIN
	PERFORM casesync.subscription_tell(s, 'succ', NULL, NULL);
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.approve(text) IS 'a pending subscription counts from now; the partner is told';

CREATE FUNCTION casesync.refuse(code text, reason text)
RETURNS casesync.subscription
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.subscription := casesync.subscription_decide(code, 'refused', reason);
BEGIN
	PERFORM casesync.subscription_tell(s, 'rjct', 'rjct.notify_details.invalid', reason);
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.refuse(text, text) IS 'a pending subscription is refused; the partner is told why';

CREATE FUNCTION casesync.subscribe_to(partner text, event_type text, record_type text,
	filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL, frequency text DEFAULT NULL,
	starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, reg_type text DEFAULT 'ESS')
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync.partner := casesync.require_partner($1);
	m casesync.my_subscription;
BEGIN
	IF coalesce($2, '') = '' OR coalesce($3, '') = '' THEN
		RAISE EXCEPTION USING errcode = 'null_value_not_allowed',
			message = 'event_type and record_type must not be empty',
			hint = format('SELECT casesync.subscribe_to(%L, ''enrolment_status_change'', ''Member'');', $1);
	END IF;
	IF p.base_url IS NULL THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = format('partner "%s" has no base_url', $1),
			hint = format('SELECT casesync.set_partner(%L, base_url => ''https://…'');', $1);
	END IF;
	IF num_nulls($6, $7, $8) NOT IN (0, 3) THEN
		RAISE EXCEPTION USING errcode = 'null_value_not_allowed',
			message = 'frequency, starts and ends go together',
			detail = 'The standard requires start_time, end_time and frequency together.',
			hint = 'frequency => ''0 5 * * *'', starts => now(), ends => now() + interval ''10 years''';
	END IF;
	INSERT INTO casesync.my_subscription AS t (partner, event_type, record_type, filter, filter_type,
		frequency, transaction_id)
	VALUES ($1, casesync.event_name($2), casesync.plain_name($3), $4, $5, $6, gen_random_uuid()::text) RETURNING t.* INTO m;
	PERFORM casesync.enqueue($1, 'subscribe', p.base_url || '/registry/subscribe',
		jsonb_build_object('transaction_id', m.transaction_id, 'subscribe_request', jsonb_build_array(
			jsonb_build_object('reference_id', m.reference_id,
				'timestamp', casesync.wire_time(m.requested_at),
				'subscribe_criteria', jsonb_strip_nulls(jsonb_build_object(
					'reg_type', casesync.reg_type_wire($9), 'reg_event_type', casesync.event_wire($9, m.event_type),
					'filter_type', $5, 'frequency', CASE WHEN $6 IS NOT NULL THEN
						jsonb_build_object('start_time', casesync.wire_time($7),
							'end_time', casesync.wire_time($8), 'frequency', $6) END,
					'notify_record_type', m.record_type)) || jsonb_build_object('filter', coalesce($4, '{}')),
				'locale', (SELECT n.locale FROM casesync.this_node() n)))), 'rcvd');
	PERFORM casesync.audit_note('subscribe_to', $1, jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.subscribe_to(text, text, text, jsonb, text, text, timestamptz, timestamptz, text) IS
	'ask a partner to notify us; returns our reference_id, the outcome appears in my_subscriptions';

CREATE FUNCTION casesync.unsubscribe_at(partner text, code text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync.partner := casesync.require_partner($1);
	m casesync.my_subscription;
BEGIN
	UPDATE casesync.my_subscription t SET state = 'ending'
	 WHERE t.partner = $1 AND t.code = $2 AND t.state IN ('active', 'pending', 'ending') RETURNING t.* INTO m;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING errcode = 'undefined_object',
			message = format('we have no active subscription "%s" at "%s"', left($2, 99), $1),
			hint = 'SELECT partner, code, state FROM casesync.my_subscriptions;';
	END IF;
	PERFORM casesync.enqueue($1, 'unsubscribe', p.base_url || '/registry/unsubscribe',
		jsonb_build_object('transaction_id', m.transaction_id,
			'timestamp', casesync.wire_time(clock_timestamp()),
			'subscription_codes', jsonb_build_array($2)), 'rcvd');
	PERFORM casesync.audit_note('unsubscribe_at', $1, jsonb_build_object('code', $2));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.unsubscribe_at(text, text) IS 'ask a partner to stop notifying us';
