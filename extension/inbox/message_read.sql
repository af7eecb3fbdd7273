/*
 * What all messages of partners share: acknowledgements, and values read from them with care. It
 * knows of no kind of message.
 */

/* Always with correlation_id and time (B8); the id is a UUID of ours (B9). */
CREATE OR REPLACE FUNCTION casesync_internal.acknowledgement(correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.answer;
BEGIN
	answer.ack_status := 'ACK';
	answer.correlation_id := correlation_id;
	answer.at := clock_timestamp();
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.acknowledgement(text) IS 'an ACK';

/*
 * Nothing of the message comes back in it but what refused_for() was given, cut to the standard's
 * length.
 */
CREATE OR REPLACE FUNCTION casesync_internal.refusal(verdict casesync_internal.verdict)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.answer := casesync_internal.acknowledgement(gen_random_uuid()::text);
BEGIN
	answer.ack_status := 'ERR';
	answer.error_code := verdict.code;
	answer.error_message := casesync_internal.reason_text(verdict.why);
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.refusal(casesync_internal.verdict) IS
	'an ERR acknowledgement';

/*
 * sender_uri is what a sender writes: with a stolen token somebody could have records sent to
 * himself. A user before @, dots that go up, slashes and points written as %2f and %2e, and the
 * like are how an address that begins alike leads elsewhere.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_within(url text, prefix text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	start text := rtrim(prefix, '/');
	place text := url;
BEGIN
	/* A prefix with the port * is for every port of that host, written or not. */
	IF start ~ '^https?://[^/]*:[*](/|$)' THEN
		place := regexp_replace(
			url, E'^(https?://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]))(:[0-9]{1,5})?(/|$)',
			E'\\1:*\\4');
	END IF;
	RETURN length(url) <= 2000 AND (place = start OR (starts_with(place, start || '/')
		AND url !~ E'(^|/)\\.\\.?([/?;]|$)|%2[eEfF]|%5[cC]|\\\\|[[:cntrl:][:space:]#@]'));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_within(text, text) IS
	'whether a URL is the prefix or below it, with nothing in it that could lead elsewhere';

/* To sender_uri if it is the partner's, else to the registered address, else nowhere. */
CREATE OR REPLACE FUNCTION casesync_internal.callback_url(p casesync_internal.partner,
	sender_uri text, path text, OUT is_allowed boolean, OUT url text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sender_uri, '') = '' OR EXISTS (
			SELECT FROM unnest(coalesce(p.callback_prefixes, ARRAY[p.base_url])) x(prefix)
			 WHERE casesync_internal.is_within(sender_uri, x.prefix)),
		coalesce(nullif(sender_uri, ''), p.base_url || '/registry/' || path)
$$;
COMMENT ON FUNCTION casesync_internal.callback_url(casesync_internal.partner, text, text) IS
	'the address of a callback, and whether the partner may name it';

/*
 * What PostgreSQL cannot keep as jsonb, a zero character or a number without end, is no message; an
 * error here would be one that the partner sends again for ever.
 */
CREATE OR REPLACE FUNCTION casesync_internal.read_body(raw bytea)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN casesync_internal.numbers_are_bounded(raw)
		THEN convert_from(raw, 'UTF8')::jsonb END;
EXCEPTION
	WHEN data_exception OR untranslatable_character OR program_limit_exceeded
		OR statement_too_complex THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.read_body(bytea) IS
	'a body as JSON; NULL when it is none that can be kept';

CREATE OR REPLACE FUNCTION casesync_internal.body_refusal(raw bytea, plain bytea)
RETURNS casesync_internal.verdict
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN casesync_internal.numbers_are_bounded(raw)
			AND coalesce(casesync_internal.numbers_are_bounded(plain), true)
		THEN casesync_internal.refused_for('body unreadable')
		ELSE casesync_internal.refused_for('numbers too large') END
$$;
COMMENT ON FUNCTION casesync_internal.body_refusal(bytea, bytea) IS
	'why a body that read_body() has not read cannot be read';

/*
 * What a body says. An encrypted message is replaced by its plain text, whose member meta is what
 * header.meta would say: the header travels in the open. Whether it is encrypted was told by its
 * shape (D3), by the bridge: plain is what it found inside.
 */
CREATE OR REPLACE FUNCTION casesync_internal.read_message(raw bytea, plain bytea, mended bytea,
	OUT header jsonb, OUT message jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	body jsonb := casesync_internal.read_body(coalesce(mended, raw));
BEGIN
	header := body->'header';
	message := nullif(body->'message', 'null');
	IF plain IS NOT NULL AND jsonb_typeof(header) = 'object' THEN
		IF mended IS NULL THEN
			message := casesync_internal.read_body(plain);
		END IF;
		header := header - 'meta';
		IF jsonb_typeof(message) = 'object' THEN
			header := header || jsonb_strip_nulls(jsonb_build_object('meta', message->'meta'));
			message := message - 'meta';
		END IF;
	/* The standard lets these come without a message when all is rejected. */
	ELSIF message IS NULL AND header->>'status' = 'rjct'
		AND header->>'action' IN ('notify', 'on-search', 'txn-on-status') THEN
		message := '{}';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.read_message(bytea, bytea, bytea) IS
	'header and message of a body, the message decrypted if it was not plain; as the bridge has '
	'written them anew (mended), if it was in forms that are not the standard''s';

/* That there are any, and as many as header.total_count says, was judged with the header. */
CREATE OR REPLACE FUNCTION casesync_internal.items_refusal(items jsonb, name text)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('items');
BEGIN
	RETURN CASE WHEN jsonb_array_length(items) > most
		THEN casesync_internal.refused_for('too many items', name, jsonb_array_length(items)::text,
			most::text) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.items_refusal(jsonb, text) IS
	'why the items of a request cannot be taken as a whole; NULL when they can';
