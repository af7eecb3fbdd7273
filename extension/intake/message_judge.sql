/*
 * Every message of a partner goes up one ladder, whether it is answered at once or later: who sends
 * it, whether it can be kept, whether it came before, what it wants of us, and what of it can be
 * judged before anything is done. Envelope, signature and encryption are not judged here: the
 * bridge hands over only messages whose header, counts, ids, timestamps and locales are in order.
 */

/*
 * At once nothing is kept in order and nobody waits: a partner may ask many things side by side. Of
 * what is stored the partner's row is the first lock of all; lanes, subscriptions, items come after
 * it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_sender(partner text, at_once boolean)
RETURNS casesync_internal.partner
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner;
BEGIN
	IF at_once THEN
		SELECT t.* INTO p FROM casesync_internal.partner t
		 WHERE t.partner = message_sender.partner;
	ELSE
		/* One message of a partner at a time: so repetitions are known, and order is kept. */
		SELECT t.* INTO p FROM casesync_internal.partner t
		 WHERE t.partner = message_sender.partner FOR NO KEY UPDATE;
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_sender(text, boolean) IS
	'the partner that sends a message; who is stored, not only answered, is locked';

/*
 * Actions as partners spell them (B19). rejected: B3 lets a message be missing when all is refused;
 * then only the acknowledgement is left to do.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_action(header jsonb, message jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	word constant text := header->>'action';
BEGIN
	RETURN CASE
		WHEN message = '{}' AND header->>'status' = 'rjct'
			AND word IN ('notify', 'on-search', 'txn-on-status', 'on-status') THEN 'rejected'
		WHEN word IN ('subscribe', 'unsubscribe', 'notify', 'on-search', 'on-subscribe',
			'on-unsubscribe', 'txn-on-status') THEN word
		WHEN word = 'on-status' THEN 'txn-on-status'
		ELSE casesync_internal.request_action(word, message) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_action(jsonb, jsonb) IS
	'what a message wants of us, in our words; rejected: it only says that we were refused all; '
	'NULL: nothing that we do';

/*
 * Encryption is asked about before the work, not after it: an answer that cannot be encrypted would
 * be found, disclosed and thrown away.
 */
CREATE OR REPLACE FUNCTION casesync_internal.action_refusal(m casesync_internal.incoming,
	at_once boolean)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE
		WHEN at_once AND coalesce(m.action, '') NOT IN ('search', 'txn-status', 'enrolled')
			THEN casesync_internal.refused_for('action not synchronous',
				left(m.header->>'action', 40))
		WHEN at_once AND casesync_internal.encryption_is_missing((m.partner).partner)
			THEN casesync_internal.refused_for('no encryption key')
		WHEN m.action IS NULL
			THEN casesync_internal.refused_for('action unknown', left(m.header->>'action', 40))
		WHEN m.action = 'enrolled' AND NOT at_once
			THEN casesync_internal.refused_for('action not asynchronous') END;
END
$$;
COMMENT ON FUNCTION casesync_internal.action_refusal(casesync_internal.incoming, boolean) IS
	'why a message is refused for what it wants, at once or later; NULL when it is not';

/* What costs nothing to judge comes first; how many wait already is counted last. */
CREATE OR REPLACE FUNCTION casesync_internal.content_refusal(m casesync_internal.incoming,
	at_once boolean)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	verdict casesync_internal.verdict;
BEGIN
	verdict := CASE m.action
		WHEN 'notify' THEN casesync_internal.notify_refusal(m.partner, m.header, m.message)
		WHEN 'on-search' THEN casesync_internal.found_refusal(m.message)
		WHEN 'txn-status'
			THEN casesync_internal.status_question_refusal(m.message->'txnstatus_request')
		WHEN 'enrolled'
			THEN casesync_internal.enrolment_question_refusal(m.message->'enrolled_criteria')
		WHEN 'unsubscribe' THEN casesync_internal.items_refusal(
			casesync_internal.unsubscribe_codes(m.message), 'subscription_codes')
		WHEN 'subscribe' THEN casesync_internal.items_refusal(
			casesync_internal.list_of(m.message->'subscribe_request'), 'subscribe_request')
		WHEN 'search' THEN casesync_internal.items_refusal(
			casesync_internal.list_of(m.message->'search_request'), 'search_request') END;
	IF verdict.code IS NULL AND NOT at_once AND m.action IN ('search', 'txn-status') THEN
		verdict := casesync_internal.waiting_refusal((m.partner).partner);
	END IF;
	RETURN verdict;
END
$$;
COMMENT ON FUNCTION casesync_internal.content_refusal(casesync_internal.incoming, boolean) IS
	'why a message is refused for what it says, or for how much; NULL when it is not';

/*
 * Refused when the partner may not name the address, and not sent to the registered one instead: a
 * sender that names another's address is not who it should be.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_callback(m casesync_internal.incoming,
	OUT is_allowed boolean, OUT url text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	path constant text := CASE
		WHEN m.action IN ('subscribe', 'unsubscribe', 'search') THEN 'on-' || m.action
		WHEN m.action = 'txn-status' THEN 'txn/on-status' END;
BEGIN
	is_allowed := true;
	IF path IS NOT NULL THEN
		SELECT c.is_allowed, c.url INTO is_allowed, url
		  FROM casesync_internal.callback_url(m.partner, m.header->>'sender_uri', path) c;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_callback(casesync_internal.incoming) IS
	'where the answer to a message goes, if it gets one, and whether its sender may say so';

/*
 * Repetitions are known by what was said, not by the header: its time is new each time. A
 * message_id that comes with other content is refused: to answer it as before would let a changed
 * message pass for a known one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_judge(partner text, message_id text, raw bytea,
	plain bytea, mended bytea, at_once boolean)
RETURNS casesync_internal.incoming
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m casesync_internal.incoming;
	target record;
BEGIN
	SELECT r.header, r.message INTO m.header, m.message
	  FROM casesync_internal.read_message(raw, plain, mended) r;
	m.message_id := message_id;
	m.partner := casesync_internal.message_sender(partner, at_once);
	IF (m.partner).partner IS NULL THEN
		m.refused := casesync_internal.refused_for('sender unknown');
	ELSIF at_once AND NOT casesync_internal.may_speak() THEN
		m.refused := casesync_internal.refused_for('node paused');
	ELSIF jsonb_typeof(m.header) IS DISTINCT FROM 'object'
		OR jsonb_typeof(m.message) IS DISTINCT FROM 'object' THEN
		m.refused := casesync_internal.body_refusal(raw, plain);
	END IF;
	IF (m.refused).code IS NULL AND NOT at_once THEN
		m.known := casesync_internal.message_known(partner, message_id);
		m.content_hash := casesync_internal.message_hash(m.known, m.header->>'action', m.message);
		IF (m.known).content_hash <> m.content_hash THEN
			m.refused := casesync_internal.refused_for('message_id used');
		END IF;
	END IF;
	/* One that came before was judged then, and is answered as it was. */
	IF (m.refused).code IS NOT NULL OR (m.known).message_id IS NOT NULL THEN
		RETURN m;
	END IF;
	m.action := casesync_internal.message_action(m.header, m.message);
	m.refused := casesync_internal.action_refusal(m, at_once);
	IF (m.refused).code IS NULL AND NOT at_once THEN
		target := casesync_internal.message_callback(m);
		m.callback_url := target.url;
		m.refused := CASE WHEN NOT target.is_allowed
			THEN casesync_internal.refused_for('address not yours') END;
	END IF;
	IF (m.refused).code IS NULL THEN
		m.refused := casesync_internal.content_refusal(m, at_once);
	END IF;
	RETURN m;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_judge(text, text, bytea, bytea, bytea, boolean) IS
	'a message of a partner, read, and judged as far as nothing needs to be done for it';

/* Rows cost too: each message and each item in it counts for a kilobyte more than its bytes. */
CREATE OR REPLACE FUNCTION casesync_internal.message_bytes(m casesync_internal.incoming,
	raw bytea, plain bytea)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN casesync_internal.message_is_proof((m.partner).partner, m.action)
			THEN octet_length(raw) + coalesce(octet_length(plain), 0)
		ELSE least(octet_length(raw), pg_column_size(m.message)) END
		+ 1024 * (1 + coalesce(CASE m.action
		WHEN 'notify' THEN (
			SELECT sum(jsonb_array_length(casesync_internal.list_of(e #> '{data,reg_records}')))
			  FROM jsonb_array_elements(casesync_internal.list_of(m.message->'notify_event')) e)
		WHEN 'subscribe' THEN jsonb_array_length(
			casesync_internal.list_of(m.message->'subscribe_request'))
		WHEN 'unsubscribe' THEN jsonb_array_length(casesync_internal.unsubscribe_codes(m.message))
		WHEN 'search' THEN jsonb_array_length(
			casesync_internal.list_of(m.message->'search_request')) END, 0));
END
$$;
COMMENT ON FUNCTION casesync_internal.message_bytes(casesync_internal.incoming, bytea, bytea) IS
	'how many bytes a message is charged for';

CREATE OR REPLACE FUNCTION casesync_internal.message_admit(partner text, message_id text, raw bytea,
	plain bytea, mended bytea, at_once boolean)
RETURNS casesync_internal.incoming
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m casesync_internal.incoming := casesync_internal.message_judge(partner, message_id, raw,
		plain, mended, at_once);
	bytes bigint;
	full_for text;
BEGIN
	IF (m.refused).code IS NULL AND (m.known).message_id IS NULL THEN
		bytes := casesync_internal.message_bytes(m, raw, plain);
		full_for := casesync_internal.storage_is_full(m.partner, bytes);
		PERFORM casesync_internal.storage_charge(partner,
			CASE WHEN full_for IS NULL THEN bytes ELSE 0 END, (full_for IS NOT NULL)::integer);
		IF full_for IS NOT NULL THEN
			m.refused := casesync_internal.refused_for('stored too much', full_for);
		END IF;
	END IF;
	RETURN m;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_admit(text, text, bytea, bytea, bytea, boolean) IS
	'message_judge(), and what will be kept of the message is charged to its partner, or it is '
	'refused';
