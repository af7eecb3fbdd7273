/* Messages of partners as they came: kept to know them again. */

/*
 * Of this partner: others may use the same message_id, and neither learns of it. By the whole of
 * its key each time: for two names at once a plan may go through all that a partner ever sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_known(partner text, message_id text)
RETURNS casesync_internal.message_in
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
DECLARE
	known casesync_internal.message_in;
	names constant text[] := ARRAY[message_id, casesync_internal.text_hash(message_id)];
	name text;
BEGIN
	FOREACH name IN ARRAY names LOOP
		SELECT m.* INTO known FROM casesync_internal.message_in m
		 WHERE m.partner = message_known.partner AND m.message_id = name;
		EXIT WHEN FOUND;
	END LOOP;
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

/*
 * The bytes are kept as a proof of what the partner told us or asked of us under an agreement. With
 * nobody is anything agreed who only rejects, or to whom nothing is: then ids and times do.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_is_proof(partner text, action text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN action <> 'rejected' AND EXISTS (SELECT FROM casesync_internal.agreement a
		WHERE a.partner = message_is_proof.partner AND a.state IN ('active', 'suspended'));
END
$$;
COMMENT ON FUNCTION casesync_internal.message_is_proof(text, text) IS
	'whether the bytes of a message are kept';

/* To answer a repetition as the first time: nobody repeats such a message for longer than that. */
CREATE OR REPLACE FUNCTION casesync_internal.rejected_prune()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.message_in m
	 WHERE m.action = 'rejected' AND m.at < now() - interval '1 day'
$$;
COMMENT ON FUNCTION casesync_internal.rejected_prune() IS
	'part of tidy(): messages that said nothing but that all was rejected';

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
