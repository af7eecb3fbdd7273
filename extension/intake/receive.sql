/* Messages of partners that are stored and acknowledged, and handed to who does what they want. */

/* What is refused is not remembered: sent again, it is judged again. */
CREATE OR REPLACE FUNCTION casesync_internal.message_take(m casesync_internal.incoming,
	correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	header constant jsonb := m.header || jsonb_build_object('message_id', m.message_id);
	answer casesync_internal.answer;
BEGIN
	answer := CASE m.action
		WHEN 'rejected' THEN casesync_internal.acknowledgement(correlation_id)
		WHEN 'subscribe' THEN casesync_internal.receive_subscribe(m.partner, m.message,
			m.callback_url, correlation_id)
		WHEN 'unsubscribe' THEN casesync_internal.receive_unsubscribe(m.partner, m.message,
			m.callback_url, correlation_id)
		WHEN 'notify' THEN casesync_internal.receive_notify(m.partner, header, m.message,
			correlation_id)
		WHEN 'on-search' THEN casesync_internal.receive_on_search(m.partner, header, m.message,
			correlation_id)
		WHEN 'txn-on-status' THEN casesync_internal.receive_on_status(m.partner, header, m.message,
			correlation_id)
		WHEN 'on-subscribe' THEN casesync_internal.receive_on_subscribe(m.partner, m.message,
			correlation_id)
		WHEN 'on-unsubscribe' THEN casesync_internal.receive_on_unsubscribe(m.partner, m.message,
			correlation_id)
		ELSE casesync_internal.receive_request(m.partner, m.action, m.message_id, m.message,
			m.callback_url, correlation_id) END;
	IF answer.ack_status = 'ACK' AND m.action IN ('subscribe', 'unsubscribe') THEN
		PERFORM casesync_internal.request_note(m.partner, m.action, m.message_id, m.message,
			correlation_id);
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_take(casesync_internal.incoming, text) IS
	'do what a message wants that nothing was found wrong with, and acknowledge it';

/*
 * With the extension's rights: it is one of few that the bridge may call, and what it stores nobody
 * else can write. Only messages whose signature the bridge has found good get here: nothing in SQL
 * could check it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive(partner text, message_id text, raw bytea,
	token_client text, kid text, plain bytea DEFAULT NULL, mended bytea DEFAULT NULL,
	odd jsonb DEFAULT NULL)
RETURNS SETOF casesync_internal.answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1500ms'
	SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	m constant casesync_internal.incoming := casesync_internal.message_admit(partner, message_id,
		raw, plain, mended, at_once => false);
	answer casesync_internal.answer;
BEGIN
	PERFORM casesync_internal.commit_durably();
	IF (m.refused).code IS NOT NULL THEN
		answer := casesync_internal.refusal(m.refused);
	ELSIF (m.known).message_id IS NOT NULL THEN
		answer.ack_status := (m.known).ack_status;
		answer.correlation_id := (m.known).correlation_id;
		answer.at := (m.known).at;
	ELSE
		answer := casesync_internal.message_take(m, gen_random_uuid()::text);
		IF answer.ack_status = 'ACK' THEN
			PERFORM casesync_internal.message_keep(partner, message_id,
				CASE m.action WHEN 'rejected' THEN m.action ELSE m.header->>'action' END,
				m.content_hash, CASE WHEN casesync_internal.message_is_proof(partner, m.action)
					THEN raw ELSE '' END, token_client, kid, answer);
			IF odd IS NOT NULL THEN
				PERFORM casesync_internal.deviation_note(partner, odd);
			END IF;
		END IF;
	END IF;
	RETURN NEXT answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive(text, text, bytea, text, text, bytea, bytea, jsonb) IS
	'a verified message of a partner: stored before it is acknowledged; a repeated message_id is '
	'answered as the first time';
