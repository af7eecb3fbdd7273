/* Messages of partners, verified by the bridge: stored, handed to who decides about them, answered. */
CREATE OR REPLACE FUNCTION casesync_internal.receive(partner text, message_id text, raw bytea,
	token_client text, kid text,
	plain bytea DEFAULT NULL)
RETURNS SETOF casesync_internal.answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner;
	header jsonb;
	message jsonb;
	hash bytea;
	before casesync_internal.message_in;
	answer casesync_internal.answer;
	correlation text := gen_random_uuid()::text;
BEGIN
	SELECT m.header, m.message INTO header, message FROM casesync_internal.read_message($3, $6) m;
	hash := sha256(convert_to(concat(header->>'action', message::text), 'UTF8'));
	/* One message of a partner at a time: repetitions are recognised, order of arrival is kept. */
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = $1 FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN NEXT casesync_internal.refusal('err.sender_id.invalid',
			'sender_id is not registered here');
		RETURN;
	END IF;
	IF jsonb_typeof(header) IS DISTINCT FROM 'object'
		OR jsonb_typeof(message) IS DISTINCT FROM 'object'
		OR $2 IS NULL OR $2 = '' OR length($2) > 255
	THEN
		RETURN NEXT casesync_internal.refusal('err.request.bad',
			'the body must be UTF-8 JSON with the objects header and message, without the character '
			'\u0000, and header.message_id of 1 to 255 characters');
		RETURN;
	END IF;
	IF (header->'is_msg_encrypted' IS NOT DISTINCT FROM 'true') <> ($6 IS NOT NULL) THEN
		RETURN NEXT casesync_internal.refusal('err.encryption.invalid',
			'header.is_msg_encrypted must be true when message is encrypted, and only then');
		RETURN;
	END IF;
	IF casesync_internal.encryption_problem($1, $6 IS NOT NULL) IS NOT NULL THEN
		RETURN NEXT casesync_internal.refusal('err.encryption.invalid',
			casesync_internal.encryption_problem($1, $6 IS NOT NULL));
		RETURN;
	END IF;
	header := header || jsonb_build_object('message_id', $2);
	SELECT * INTO before FROM casesync_internal.message_in m
		WHERE m.partner = $1 AND m.message_id = $2;
	IF FOUND THEN
		IF before.content_hash = hash THEN
			answer := ROW(before.ack_status, NULL, NULL, before.correlation_id, before.at);
		ELSE
			answer := casesync_internal.refusal('err.request.bad',
				'message_id was used before with another message: rjct.message_id.duplicate');
		END IF;
		RETURN NEXT answer;
		RETURN;
	END IF;
	answer := CASE CASE WHEN message = '{}' AND header->>'status' = 'rjct'
			AND header->>'action' IN ('notify', 'on-search', 'txn-on-status', 'on-status')
		THEN 'rejected' ELSE header->>'action' END
		WHEN 'rejected'
			THEN ROW('ACK', NULL, NULL, correlation, clock_timestamp())::casesync_internal.answer
		WHEN 'subscribe' THEN casesync_internal.receive_subscribe(p, header, message, correlation)
		WHEN 'unsubscribe' THEN casesync_internal.receive_unsubscribe(p, header, message,
			correlation)
		WHEN 'notify' THEN casesync_internal.receive_notify(p, header, message, correlation)
		WHEN 'on-search' THEN casesync_internal.receive_on_search(p, header, message, correlation)
		WHEN 'on-status' THEN casesync_internal.receive_on_status(p, header, message, correlation)
		WHEN 'txn-on-status' THEN casesync_internal.receive_on_status(p, header, message,
			correlation)
		WHEN 'on-subscribe' THEN casesync_internal.receive_on_subscribe(p, header, message,
			correlation)
		WHEN 'on-unsubscribe' THEN casesync_internal.receive_on_unsubscribe(p, header, message,
			correlation)
		ELSE CASE WHEN casesync_internal.request_action(header->>'action', message) IS NOT NULL
			THEN casesync_internal.receive_request(p, header, message, correlation)
			ELSE casesync_internal.refusal('err.request.bad',
				format('action "%s" is not supported here', left(header->>'action', 40))) END
		END;
	PERFORM casesync_internal.note_request($1, header, message, answer);
	IF answer.ack_status = 'ACK' THEN
		INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action,
			kid, token_client,
			ack_status, correlation_id, at)
		VALUES ($1, $2, hash, $3, header->>'action', $5, $4, answer.ack_status,
			answer.correlation_id, answer.at);
	END IF;
	RETURN NEXT answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive(text, text, bytea, text, text, bytea) IS
	'a verified message of a partner: stored before it is acknowledged; a repeated message_id is '
	'answered as the first time';
