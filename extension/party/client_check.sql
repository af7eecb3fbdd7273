/*
 * Is this the client's secret? Asked by the token endpoint. Whoever is wrong too often has to wait,
 * and learns nothing from the answer or the time it takes.
 */

/*
 * Who has one IPv6 address has as a rule 2^64 of them to try with; the same IPv4 address must not
 * count twice because it came in by an IPv6 socket.
 */
CREATE OR REPLACE FUNCTION casesync_internal.address_place(address text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a inet;
BEGIN
	a := regexp_replace(split_part(address, '%', 1), E'^::ffff:(?=\\d+\\.)', '', 'i');
	RETURN CASE family(a) WHEN 6 THEN network(set_masklen(a, 64))::text ELSE host(a) END;
EXCEPTION WHEN invalid_text_representation THEN
	RETURN left(address, 64);
END
$$;
COMMENT ON FUNCTION casesync_internal.address_place(text) IS
	'what counts as one address: an IPv4 address, the network of 64 bits of an IPv6 one';

/*
 * Two may share one of the 65536 buckets: then one waits for the other's mistakes, at most until an
 * hour has passed. That is the price of a table that nobody can fill.
 */
CREATE OR REPLACE FUNCTION casesync_internal.failure_bucket(kind text, subject text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash bytea := (SELECT casesync_internal.keyed_hash(s.hash_key, jsonb_build_array(kind, subject))
		FROM casesync_internal.node_secret s);
BEGIN
	RETURN get_byte(hash, 0) * 256 + get_byte(hash, 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.failure_bucket(text, text) IS
	'where failures are counted; the node''s secret key keeps others from choosing it';

/*
 * Five mistakes are free; then 1, 2, 4, … seconds, at most 15 minutes; an hour without forgives.
 * Whoever may read client_failures may call it, since a view lends no right to call its functions:
 * it reads nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.failure_wait(f casesync_internal.client_failure)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF f.failures <= 5 THEN
		RETURN 0;
	END IF;
	RETURN greatest(0, ceil(extract(epoch FROM f.last_at - clock_timestamp())
		+ least(2 ^ least(f.failures - 6, 10), 900)));
END
$$;
COMMENT ON FUNCTION casesync_internal.failure_wait(casesync_internal.client_failure) IS
	'seconds until the next try is looked at; 0 when it is now';

CREATE OR REPLACE FUNCTION casesync_internal.failure_count(kind text, bucket integer, subject text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO casesync_internal.client_failure AS f (kind, bucket, failures, last_at, subject)
	VALUES (failure_count.kind, failure_count.bucket, 1, clock_timestamp(), failure_count.subject)
	ON CONFLICT ON CONSTRAINT client_failure_pkey DO UPDATE SET
		failures = CASE WHEN f.last_at < clock_timestamp() - interval '1 hour' THEN 1
			ELSE least(f.failures, 1000000) + 1 END,
		last_at = excluded.last_at, subject = excluded.subject;
END
$$;
COMMENT ON FUNCTION casesync_internal.failure_count(text, integer, text) IS 'one more wrong secret';

/*
 * The hash of the secret is asked for, not the secret: parameters may end up in the server's log.
 * What is compared are keyed hashes, so the time that a comparison takes says nothing about the
 * secret; a client that does not exist costs the same statements as a wrong secret. Who has to wait
 * is not counted again: else whoever guesses in a client's name could keep it out for ever.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_client(client_id text, secret_digest bytea,
	address text)
RETURNS TABLE (state text, wait_seconds integer, partner text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	c casesync_internal.client;
	place text := casesync_internal.address_place(coalesce(address, ''));
	at_address integer := casesync_internal.failure_bucket('address', place);
	at_client integer := casesync_internal.failure_bucket('client', coalesce(client_id, ''));
	is_right boolean;
BEGIN
	SELECT t.* INTO c FROM casesync_internal.client t
	 WHERE t.issuer = '' AND t.client_id = check_client.client_id;
	SELECT max(casesync_internal.failure_wait(f)) INTO wait_seconds
		FROM casesync_internal.client_failure f
	 WHERE f.kind = 'address' AND f.bucket = at_address
		OR f.kind = 'client' AND f.bucket = at_client;
	/* Hashed whoever asks, so that the time says nothing of whether there is such a client. */
	is_right := coalesce(casesync_internal.client_secret_hash(secret_digest)
		= coalesce(c.secret_hmac, ''), false) AND coalesce(clock_timestamp() < c.expires, false);
	/*
	 * From where it last had a token the right secret always passes: behind a proxy all partners
	 * have one address, and one who guesses there must not shut the others out.
	 */
	IF is_right AND (coalesce(wait_seconds, 0) = 0 OR place = c.last_place) THEN
		state := 'ok';
		wait_seconds := 0;
		partner := c.partner;
		UPDATE casesync_internal.client t SET last_token_at = clock_timestamp(), last_place = place
		 WHERE t.issuer = '' AND t.client_id = check_client.client_id;
		DELETE FROM casesync_internal.client_failure f
			WHERE f.kind = 'client' AND f.bucket = at_client;
	ELSIF wait_seconds > 0 THEN
		state := 'slow';
	ELSE
		state := 'refused';
		PERFORM casesync_internal.failure_count('address', at_address, place);
		PERFORM casesync_internal.failure_count('client', at_client, c.client_id);
	END IF;
	wait_seconds := coalesce(wait_seconds, 0);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_client(text, bytea, text) IS
	'whether the SHA-256 is that of the client''s secret: ok (and whose client it is), refused, or '
	'slow: too many failures of late, ask again in so many seconds';

CREATE OR REPLACE VIEW casesync.client_failures AS
	SELECT f.kind, f.subject, f.failures, f.last_at,
		casesync_internal.failure_wait(f) AS wait_seconds
	  FROM casesync_internal.client_failure f
	 WHERE f.last_at > now() - interval '1 hour';
COMMENT ON VIEW casesync.client_failures IS
	'wrong secrets at the token endpoint within the last hour, by client (NULL: none that exists) '
	'and address';
COMMENT ON COLUMN casesync.client_failures.kind IS 'client or address';
COMMENT ON COLUMN casesync.client_failures.subject IS
	'the client or address; NULL: a client that does not exist';
COMMENT ON COLUMN casesync.client_failures.failures IS 'how often a wrong secret was given';
COMMENT ON COLUMN casesync.client_failures.last_at IS 'when the last time';
COMMENT ON COLUMN casesync.client_failures.wait_seconds IS 'how long it has to wait now';
