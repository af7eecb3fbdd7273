-- Where tests of subscriptions begin: an application with its view, a partner that may hear of it.
SET client_min_messages = warning;
\pset null '(null)'
\pset format unaligned
CREATE SCHEMA app;
-- runs a statement; an error as SQLSTATE, message, detail and hint, without the ids of this run
CREATE FUNCTION app.try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m text; d text; h text;
BEGIN
	EXECUTE sql;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(E'\n  ', SQLSTATE || ': ' || m, nullif(d, ''), nullif(h, '')),
		'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '(uuid)', 'g');
END
$$;
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, status text, district text, secret text, shared boolean DEFAULT true);
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret) AS record
	  FROM app.person p;
DO $$ BEGIN
	PERFORM casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
	PERFORM casesync.publish('people', 'app.people', 'Member');
	PERFORM casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change',
		on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
		fields => '{employment_status}', filter_fields => '{district}', identifier_types => '{UIN}',
		subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
END $$;
-- says a message as the bridge hands it on; shows the answer
CREATE FUNCTION app.say(action text, message jsonb, id text DEFAULT gen_random_uuid()::text, header jsonb DEFAULT '{}', partner text DEFAULT 'ess.test', plain jsonb DEFAULT NULL)
RETURNS TABLE (ack text, error_code text, error_message text) LANGUAGE sql AS $$
	SELECT r.ack_status, r.error_code, r.error_message FROM casesync_internal.receive($5, $3, convert_to(jsonb_build_object('signature', 'x', 'header',
		jsonb_build_object('action', $1, 'message_id', $3) || $4, 'message', $2)::text, 'UTF8'), NULL, 'kid-1', convert_to($6::text, 'UTF8')) r
$$;
CREATE FUNCTION app.wish(reference text, criteria jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('reference_id', $1, 'timestamp', '2026-01-01T08:00:00Z', 'subscribe_criteria',
		'{"reg_type": "ns:org:RegistryType:ESS", "reg_event_type": "enrolment_status_change", "notify_record_type": "Member", "filter": {}}' || $2) || $3
$$;
-- subscribes; shows what the callback says of each item
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
