/* Messages of partners as they came: kept to know them again. */

/* Of this partner: others may use the same message_id, and neither learns of it. */
CREATE OR REPLACE FUNCTION casesync_internal.message_known(partner text, message_id text)
RETURNS casesync_internal.message_in
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known casesync_internal.message_in;
BEGIN
	SELECT m.* INTO known FROM casesync_internal.message_in m
	 WHERE m.partner = message_known.partner AND m.message_id IN (message_known.message_id,
		casesync_internal.text_hash(message_known.message_id));
	RETURN known;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_known(text, text) IS
	'the message that came under this message_id, if any was accepted';

/*
 * Keyed, since the content may be little but a person's number. What 0.2.0 had hashed in the open
 * was hashed once more, with the key, by the upgrade.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_hash(known casesync_internal.message_in,
	action text, message jsonb)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN length(known.content_hash) = 32
		THEN casesync_internal.node_hash(to_jsonb(encode(
			sha256(convert_to(concat(action, message::text), 'UTF8')), 'hex')))
		ELSE casesync_internal.told_hash(jsonb_build_array(action, message)) END
$$;
COMMENT ON FUNCTION casesync_internal.message_hash(casesync_internal.message_in, text, jsonb) IS
	'by what it is known whether two messages say the same, the header may differ: in the form in '
	'which a message that came before has it';

/* The bytes, since jsonb puts members into another order, and only the bytes were signed (D2). */
CREATE OR REPLACE FUNCTION casesync_internal.message_keep(partner text, message_id text,
	action text, content_hash bytea, raw bytea, token_client text, kid text,
	answer casesync_internal.answer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action, kid,
		token_client, ack_status, correlation_id, at)
	VALUES (partner, message_id, content_hash, raw, action, kid, token_client, answer.ack_status,
		answer.correlation_id, answer.at);
END
$$;
COMMENT ON FUNCTION casesync_internal.message_keep(text, text, text, bytea, bytea, text, text,
	casesync_internal.answer) IS
	'keep a message that was accepted, byte for byte, and how it was answered';
