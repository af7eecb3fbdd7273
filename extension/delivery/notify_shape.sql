/*
 * A notify as a partner's profile has it. Knows what is called otherwise there, not what it says.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notify_shape(message text, code text, profile text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Only who wants another shape pays for reading it. */
	IF casesync_internal.profile_rule(profile, 'notify') IS DISTINCT FROM 'notify_request' THEN
		RETURN message;
	END IF;
	RETURN (SELECT jsonb_build_object('transaction_id', m.message->'transaction_id',
			'notify_request', jsonb_agg((e.event - 'data') || jsonb_build_object(
				'subscription_id', code,
				'data', (d.data - '{reg_event_type,reg_records}'::text[]) || jsonb_build_object(
					'event_type', d.data->'reg_event_type',
					'reg_record', coalesce(nullif(d.data->'reg_records', 'null'), '{}')))
				ORDER BY e.place))
		  FROM (SELECT notify_shape.message::jsonb AS message) m
		 CROSS JOIN LATERAL jsonb_array_elements(m.message->'notify_event')
			WITH ORDINALITY e(event, place)
		 CROSS JOIN LATERAL (SELECT e.event->'data' AS data) d
		 GROUP BY m.message);
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_shape(text, text, text) IS
	'the message of a notify, of the subscription with that code, in the shape of a profile';
