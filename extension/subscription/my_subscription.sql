/* What we ask partners to tell us, and what became of it. Partners' wishes at us are not known here. */
CREATE OR REPLACE FUNCTION casesync.subscribe_to(partner text, event_type text, record_type text,
	filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL, frequency text DEFAULT NULL,
	starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, reg_type text DEFAULT 'ESS')
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner($1);
	m casesync_internal.my_subscription;
BEGIN
	IF coalesce($2, '') = '' OR coalesce($3, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'event_type and record_type must not be empty',
			hint => format(
				'SELECT casesync.subscribe_to(%L, ''enrolment_status_change'', ''Member'');', $1));
	END IF;
	IF p.base_url IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('partner "%s" has no base_url', $1),
			hint => format('SELECT casesync.set_partner(%L, base_url => ''https://…'');', $1));
	END IF;
	IF num_nulls($6, $7, $8) NOT IN (0, 3) THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'frequency, starts and ends go together',
			detail => 'The standard requires start_time, end_time and frequency together.',
			hint => 'frequency => ''0 5 * * *'', starts => now(), ends => now() + interval ''10 '
				'years''');
	END IF;
	INSERT INTO casesync_internal.my_subscription AS t (partner, event_type, record_type, filter,
		filter_type,
		frequency, transaction_id)
	VALUES ($1, casesync_internal.event_name($2), casesync_internal.plain_name($3), $4, $5, $6,
		gen_random_uuid()::text) RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue($1, 'subscribe', p.base_url || '/registry/subscribe',
		jsonb_build_object('transaction_id', m.transaction_id, 'subscribe_request',
			jsonb_build_array(
			jsonb_build_object('reference_id', m.reference_id,
				'timestamp', casesync_internal.wire_time(m.requested_at),
				'subscribe_criteria', jsonb_strip_nulls(jsonb_build_object(
					'reg_type', casesync_internal.reg_type_wire($9), 'reg_event_type',
					casesync_internal.event_wire($9, m.event_type),
					'filter_type', $5, 'frequency', CASE WHEN $6 IS NOT NULL THEN
						jsonb_build_object('start_time', casesync_internal.wire_time($7),
							'end_time', casesync_internal.wire_time($8), 'frequency', $6) END,
					'notify_record_type', m.record_type)) || jsonb_build_object(
					'filter', coalesce($4, '{}')),
				'locale', (SELECT n.locale FROM casesync_internal.this_node() n)))), 'rcvd');
	PERFORM casesync_internal.audit_note('subscribe_to', $1,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.subscribe_to(text, text, text, jsonb, text, text, timestamptz,
	timestamptz, text) IS
	'ask a partner to notify us; returns our reference_id, the outcome appears in my_subscriptions';

CREATE OR REPLACE FUNCTION casesync.unsubscribe_at(partner text, code text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner($1);
	m casesync_internal.my_subscription;
BEGIN
	UPDATE casesync_internal.my_subscription t SET state = 'ending'
	 WHERE t.partner = $1 AND t.code = $2 AND t.state IN ('active', 'pending', 'ending')
		RETURNING t.* INTO m;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('we have no active subscription "%s" at "%s"', left($2, 99), $1),
			hint => 'SELECT partner, code, state FROM casesync.my_subscriptions;');
	END IF;
	PERFORM casesync_internal.enqueue($1, 'unsubscribe', p.base_url || '/registry/unsubscribe',
		jsonb_build_object('transaction_id', m.transaction_id,
			'timestamp', casesync_internal.wire_time(clock_timestamp()),
			'subscription_codes', jsonb_build_array($2)), 'rcvd');
	PERFORM casesync_internal.audit_note('unsubscribe_at', $1, jsonb_build_object('code', $2));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.unsubscribe_at(text, text) IS 'ask a partner to stop notifying us';
