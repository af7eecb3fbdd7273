\set ECHO none
-- What a partner says to us. After try.sql.
-- says a message as the bridge hands it on; shows the answer
CREATE FUNCTION app.say(action text, message jsonb, id text DEFAULT gen_random_uuid()::text, header jsonb DEFAULT '{}', partner text DEFAULT 'ess.test', plain jsonb DEFAULT NULL)
RETURNS TABLE (ack text, error_code text, error_message text) LANGUAGE sql AS $$
	SELECT r.ack_status, r.error_code, r.error_message FROM casesync_internal.receive($5, $3, convert_to(jsonb_build_object('signature', 'x', 'header',
		jsonb_build_object('action', $1, 'message_id', $3) || $4, 'message', $2)::text, 'UTF8'), NULL, 'kid-1', convert_to($6::text, 'UTF8')) r
$$;
-- one wish of a message subscribe
CREATE FUNCTION app.wish(reference text, criteria jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('reference_id', $1, 'timestamp', '2026-01-01T08:00:00Z', 'subscribe_criteria',
		'{"reg_type": "ns:org:RegistryType:ESS", "reg_event_type": "enrolment_status_change", "notify_record_type": "Member", "filter": {}}' || $2) || $3
$$;
-- subscribes; shows what the callback says of each wish
CREATE FUNCTION app.subscribe(VARIADIC wishes jsonb[]) RETURNS TABLE (reference text, status text, code text, message text, is_told boolean)
LANGUAGE plpgsql AS $$
DECLARE
	refused text := (SELECT concat_ws(' ', s.error_code, s.error_message) FROM app.say('subscribe',
		jsonb_build_object('transaction_id', 't', 'subscribe_request', to_jsonb(wishes))) s WHERE s.ack <> 'ACK');
BEGIN
	IF refused IS NOT NULL THEN
		RETURN QUERY SELECT NULL, 'ERR', NULL, refused, NULL::boolean;
		RETURN;
	END IF;
	RETURN QUERY SELECT left(i->>'reference_id', 12), i->>'status', i->>'status_reason_code',
			regexp_replace(i->>'status_reason_message', '[0-9a-f]{8}-[0-9a-f-]{27}', '(code)'), i ? 'subscriptions'
		FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1) o CROSS JOIN LATERAL jsonb_array_elements(o.message->'subscribe_response') i;
END
$$;
CREATE FUNCTION app.code(reference text) RETURNS text LANGUAGE sql AS 'SELECT code FROM casesync_internal.subscription WHERE reference_id = $1';
\set ECHO all
