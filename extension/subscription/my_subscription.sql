/* What we ask partners to tell us, and what became of it. Knows nothing of their wishes at us. */

/*
 * What the standard says about frequency (B15) is checked here, since a partner that refuses it
 * answers after hours, and with a code.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_subscribe_to(p casesync_internal.partner,
	event_type text, record_type text, frequency text, starts timestamptz, ends timestamptz)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(event_type, '') = '' OR coalesce(record_type, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'event_type and record_type must not be empty',
			hint => format(
				'SELECT casesync.subscribe_to(%L, ''enrolment_status_change'', ''Member'');',
				p.partner));
	END IF;
	IF p.base_url IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('partner "%s" has no base_url', p.partner),
			hint => format('SELECT casesync.set_partner(%L, base_url => ''https://…'');',
				p.partner));
	END IF;
	IF num_nulls(frequency, starts, ends) NOT IN (0, 3) THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'frequency, starts and ends go together',
			detail => 'The standard requires start_time, end_time and frequency together.',
			hint => 'frequency => ''0 5 * * *'', starts => now(), ends => now() + interval ''10 '
				'years''');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_subscribe_to(casesync_internal.partner, text, text,
	text, timestamptz, timestamptz) IS
	'what subscribe_to() was given can be asked of the partner, or an error';

/*
 * Names go as the partner's kind of registry spells them (B22, B23); the filter as its author wrote
 * it (B11), with its type always said (B12).
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscribe_criteria(
	m casesync_internal.my_subscription, reg_type text, starts timestamptz, ends timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'reg_type', casesync_internal.reg_type_wire(reg_type),
		'reg_event_type', casesync_internal.event_wire(reg_type, m.event_type),
		'filter_type', m.filter_type,
		'frequency', CASE WHEN m.frequency IS NOT NULL THEN jsonb_build_object(
			'start_time', casesync_internal.wire_time(starts),
			'end_time', casesync_internal.wire_time(ends), 'frequency', m.frequency) END,
		'notify_record_type', m.record_type))
		/* The filter is the partner's language: what is null in it stays. */
		|| jsonb_build_object('filter', coalesce(m.filter, '{}'))
$$;
COMMENT ON FUNCTION casesync_internal.subscribe_criteria(casesync_internal.my_subscription, text,
	timestamptz, timestamptz) IS
	'what we ask to be told, as the standard''s SubscribeCriteria';

/*
 * The transaction_id is kept: it is all by which a notification can be told to belong to this
 * request (B5).
 */
CREATE OR REPLACE FUNCTION casesync.subscribe_to(partner text, event_type text, record_type text,
	filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL, frequency text DEFAULT NULL,
	starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, reg_type text DEFAULT 'ESS')
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
	m casesync_internal.my_subscription;
BEGIN
	PERFORM casesync_internal.check_subscribe_to(p, event_type, record_type, frequency, starts,
		ends);
	INSERT INTO casesync_internal.my_subscription AS t (partner, event_type, record_type, filter,
		filter_type, frequency, transaction_id)
	VALUES (partner, casesync_internal.event_name(event_type),
		casesync_internal.plain_name(record_type), filter, filter_type, frequency,
		gen_random_uuid()::text)
	RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue(partner, 'subscribe', p.base_url || '/registry/subscribe',
		jsonb_build_object('transaction_id', m.transaction_id,
			'subscribe_request', jsonb_build_array(jsonb_build_object(
				'reference_id', m.reference_id,
				'timestamp', casesync_internal.wire_time(m.requested_at),
				'subscribe_criteria',
				casesync_internal.subscribe_criteria(m, reg_type, starts, ends),
				'locale', (casesync_internal.this_node()).locale))), 'rcvd');
	PERFORM casesync_internal.audit_note('subscribe_to', partner,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.subscribe_to(text, text, text, jsonb, text, text, timestamptz,
	timestamptz, text) IS
	'ask a partner to notify us; returns our reference_id, the outcome appears in my_subscriptions';

/* May be said again while the first is under way: it may have been lost at the partner. */
CREATE OR REPLACE FUNCTION casesync.unsubscribe_at(partner text, code text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
	m casesync_internal.my_subscription;
BEGIN
	UPDATE casesync_internal.my_subscription t SET state = 'ending'
	 WHERE t.partner = unsubscribe_at.partner AND t.code = unsubscribe_at.code
		AND t.state IN ('active', 'pending', 'ending')
	RETURNING t.* INTO m;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('we have no active subscription "%s" at "%s"', left(code, 99),
				partner),
			hint => 'SELECT partner, code, state FROM casesync.my_subscriptions;');
	END IF;
	PERFORM casesync_internal.enqueue(partner, 'unsubscribe', p.base_url || '/registry/unsubscribe',
		jsonb_build_object('transaction_id', m.transaction_id,
			'timestamp', casesync_internal.wire_time(clock_timestamp()),
			'subscription_codes', jsonb_build_array(code)), 'rcvd');
	PERFORM casesync_internal.audit_note('unsubscribe_at', partner,
		jsonb_build_object('code', code));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.unsubscribe_at(text, text) IS 'ask a partner to stop notifying us';

/* Neither the filter (it may name a person) nor what the partner wrote beside its reason code. */
CREATE OR REPLACE VIEW casesync.my_subscriptions AS
	SELECT m.reference_id, m.partner, m.event_type, m.record_type, m.filter_type, m.frequency,
		m.transaction_id, m.code, m.state, CASE WHEN m.reason ^@ 'HTTP ' THEN m.reason
			ELSE substring(m.reason from E'^(?:rjct|err)\\.[a-z_.]*') END AS reason,
		m.requested_at, m.answered_at
	  FROM casesync_internal.my_subscription m;
COMMENT ON VIEW casesync.my_subscriptions IS 'our subscriptions at partners';
COMMENT ON COLUMN casesync.my_subscriptions.reference_id IS 'what we call it by';
COMMENT ON COLUMN casesync.my_subscriptions.partner IS 'the partner that we asked';
COMMENT ON COLUMN casesync.my_subscriptions.event_type IS 'what we asked to be told about';
COMMENT ON COLUMN casesync.my_subscriptions.record_type IS
	'the type of the records that we asked for';
COMMENT ON COLUMN casesync.my_subscriptions.filter_type IS
	'how the filter is written; the filter itself may name a person and is not shown';
COMMENT ON COLUMN casesync.my_subscriptions.frequency IS 'how often we asked to be told';
COMMENT ON COLUMN casesync.my_subscriptions.transaction_id IS 'the transaction of our request';
COMMENT ON COLUMN casesync.my_subscriptions.code IS 'what the partner calls it by';
COMMENT ON COLUMN casesync.my_subscriptions.state IS
	'requested, pending, active, ending, ended, refused, or unanswered: nothing has come for '
	'seven days';
COMMENT ON COLUMN casesync.my_subscriptions.reason IS
	'the partner''s reason code, or HTTP and a status';
COMMENT ON COLUMN casesync.my_subscriptions.requested_at IS 'when we asked';
COMMENT ON COLUMN casesync.my_subscriptions.answered_at IS 'when the partner answered';
