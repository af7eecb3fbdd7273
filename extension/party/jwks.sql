/*
 * Public keys that others publish (RFC 7517): of outside issuers and of partners. The bridge
 * fetches them; here is decided when, and what a key that was fetched is worth. Knows no HTTP.
 */
CREATE OR REPLACE VIEW casesync.offered_keys AS
	SELECT o.partner, o.kid, o.use, o.jwk, o.first_seen FROM casesync_internal.published_key o
		WHERE NOT o.is_followed;
COMMENT ON VIEW casesync.offered_keys IS
	'new keys that partners publish and that wait for accept_key()';
COMMENT ON COLUMN casesync.offered_keys.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.offered_keys.kid IS 'the key''s id';
COMMENT ON COLUMN casesync.offered_keys.use IS 'sig: it signs with it; enc: it decrypts with it';
COMMENT ON COLUMN casesync.offered_keys.jwk IS 'the key';
COMMENT ON COLUMN casesync.offered_keys.first_seen IS 'when it was first found published';

CREATE OR REPLACE VIEW casesync.jwks_sources AS
	SELECT s.kind, s.name, s.url, s.tried_at, s.fetched_at, s.next_at, s.problem
		FROM casesync_internal.jwks_source s;
COMMENT ON VIEW casesync.jwks_sources IS 'where keys are published, and how fetching them went';
COMMENT ON COLUMN casesync.jwks_sources.kind IS 'issuer or partner';
COMMENT ON COLUMN casesync.jwks_sources.name IS 'whose keys they are';
COMMENT ON COLUMN casesync.jwks_sources.url IS 'where they are published';
COMMENT ON COLUMN casesync.jwks_sources.tried_at IS 'when they were last asked for';
COMMENT ON COLUMN casesync.jwks_sources.fetched_at IS 'when they were last had';
COMMENT ON COLUMN casesync.jwks_sources.next_at IS 'when they are asked for next';
COMMENT ON COLUMN casesync.jwks_sources.problem IS 'why they could not be had or used';

CREATE OR REPLACE FUNCTION casesync_internal.jwks_urls()
RETURNS TABLE (kind text, name text, url text, networks text[], tls_name text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'issuer', i.issuer, i.jwks_url, i.networks::text[], NULL FROM casesync_internal.issuer i
		WHERE i.jwks_url IS NOT NULL
	UNION ALL
	SELECT 'partner', p.partner, p.jwks_url, p.networks::text[], nullif(p.tls_name, '')
	  FROM casesync_internal.partner p WHERE p.jwks_url IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.jwks_urls() IS
	'where keys are published, by whom, and how to get there';

/*
 * One address a call: the bridge fetches outside of any transaction, and one that does not answer
 * holds up no other. A copy of this database asks nobody: its questions would be taken for ours.
 */
CREATE OR REPLACE FUNCTION casesync_internal.next_jwks()
RETURNS TABLE (kind text, name text, url text, networks text[], tls_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	IF NOT casesync_internal.may_speak() THEN
		RETURN;
	END IF;
	FOR kind, name, url, networks, tls_name IN
		SELECT u.* FROM casesync_internal.jwks_urls() u
		  LEFT JOIN casesync_internal.jwks_source s ON s.kind = u.kind AND s.name = u.name
		 WHERE s.url IS DISTINCT FROM u.url OR casesync_internal.rest_is_over(s.next_at)
		 ORDER BY s.next_at NULLS FIRST
	LOOP
		/* The first of several bridges fetches; if it is not heard of again, the next one does. */
		INSERT INTO casesync_internal.jwks_source AS s (kind, name, url, next_at, tried_at)
		VALUES (kind, name, url, clock_timestamp() + interval '5 minutes', clock_timestamp())
		ON CONFLICT ON CONSTRAINT jwks_source_pkey DO UPDATE
			SET url = excluded.url, next_at = excluded.next_at,
			tried_at = excluded.tried_at WHERE s.url <> excluded.url
				OR casesync_internal.rest_is_over(s.next_at);
		IF FOUND THEN
			RETURN NEXT;
			RETURN;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.next_jwks() IS
	'the published keys to fetch now, one address at a time; no row when none is due';

/*
 * Anybody can send a token with an invented key id: without the minute he could have us flood the
 * issuer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.want_jwks(issuer text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.jwks_source s
		SET next_at = least(s.next_at, s.tried_at + interval '1 minute')
	 WHERE s.kind = 'issuer' AND s.name = want_jwks.issuer
		AND s.next_at > s.tried_at + interval '1 minute'
$$;
COMMENT ON FUNCTION casesync_internal.want_jwks(text) IS
	'a token names a key that its issuer did not have: look again, but not more often than once a '
	'minute';

/* False when it is none that we can use: other kinds of keys stand in the same sets. */
CREATE OR REPLACE FUNCTION casesync_internal.take_published_key(p casesync_internal.partner,
	jwk jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	kid text;
	use text;
	key jsonb;
	known jsonb;
	is_followed boolean := p.jwks_trust = 'follow';
BEGIN
	/* here, not above: an error in a declaration is not caught below */
	key := casesync_internal.key_required(jwk);
	kid := coalesce(casesync_internal.plain_kid(p.partner, jwk->>'kid'),
		casesync_internal.key_thumbprint(jwk));
	use := (casesync_internal.key_purpose(jwk)).use;
	known := (SELECT k.jwk FROM casesync_internal.partner_key k WHERE k.partner = p.partner
		AND k.kid = kid AND k.use = use);
	IF kid = '' OR length(kid) > 255 OR kid ~ '[[:cntrl:]"|]' THEN
		RETURN false;
	ELSIF known IS NOT NULL AND NOT EXISTS (SELECT FROM casesync_internal.published_key o
		WHERE o.partner = p.partner AND o.kid = kid AND o.use = use)
	THEN
		/* registered by a person, perhaps retired: what is published changes nothing about it */
		RETURN known @> key;
	ELSIF known IS NULL AND is_followed THEN
		PERFORM casesync.add_key(p.partner, jwk);
	END IF;
	INSERT INTO casesync_internal.published_key AS o (partner, kid, use, jwk, is_followed)
	VALUES (p.partner, kid, use, jwk, is_followed)
	ON CONFLICT ON CONSTRAINT published_key_pkey DO UPDATE
		SET jwk = excluded.jwk, first_seen = excluded.first_seen,
		is_followed = excluded.is_followed
	 WHERE NOT o.is_followed AND (o.jwk <> excluded.jwk OR excluded.is_followed);
	RETURN known IS NULL OR known @> key;
EXCEPTION WHEN invalid_parameter_value OR null_value_not_allowed THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_published_key(casesync_internal.partner, jsonb) IS
	'part of record_jwks(): a key that a partner publishes is taken over (jwks_trust follow) or '
	'waits for accept_key() (pin)';

/*
 * At most 50 keys are looked at: each costs, and the set is another's to write. Those behind them
 * are as good as not there.
 */
CREATE OR REPLACE FUNCTION casesync_internal.take_published_keys(p casesync_internal.partner,
	keys jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	looked_at constant jsonb[] := ARRAY(SELECT k FROM jsonb_array_elements(keys) k LIMIT 50);
	usable integer := 0;
	jwk jsonb;
	gone record;
BEGIN
	FOREACH jwk IN ARRAY looked_at LOOP
		IF casesync_internal.take_published_key(p, jwk) THEN
			usable := usable + 1;
		END IF;
	END LOOP;
	/* what was signed a moment ago is still good: signatures live for ten minutes at most */
	FOR gone IN WITH known AS MATERIALIZED (
			SELECT w.kid, w.use, casesync_internal.key_required(w.jwk) AS required
			  FROM casesync_internal.published_key w WHERE w.partner = p.partner)
		DELETE FROM casesync_internal.published_key o USING known
		 WHERE o.partner = p.partner AND o.kid = known.kid AND o.use = known.use
		   AND NOT EXISTS (SELECT FROM unnest(looked_at) k
			WHERE coalesce(casesync_internal.plain_kid(p.partner, k->>'kid'), o.kid) = o.kid
				AND k @> known.required)
		RETURNING o.kid, o.is_followed
	LOOP
		/* One that a person ended before, perhaps because it was stolen, must not live again. */
		PERFORM casesync.retire_key(p.partner, gone.kid, now() + interval '10 minutes')
		  WHERE gone.is_followed AND EXISTS (SELECT FROM casesync_internal.partner_key k
			WHERE k.partner = p.partner AND k.kid = gone.kid
				AND k.valid_to > now() + interval '10 minutes');
	END LOOP;
	RETURN CASE WHEN usable = 0
		THEN 'none of the keys there can be used (Ed25519 or RSA to sign; EC or RSA to encrypt)'
		END;
END
$$;
COMMENT ON FUNCTION casesync_internal.take_published_keys(casesync_internal.partner, jsonb) IS
	'part of record_jwks(): all that a partner publishes; a followed key that is gone counts ten '
	'minutes longer';

CREATE OR REPLACE FUNCTION casesync_internal.is_key_set(jwks jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* Numbers first: as text they may be a thousand times as long. */
	SELECT CASE WHEN jsonb_typeof(jwks->'keys') IS DISTINCT FROM 'array'
			OR NOT casesync_internal.json_numbers_are_bounded(jwks) THEN false
		ELSE octet_length(jwks::text) <= 65536 END
$$;
COMMENT ON FUNCTION casesync_internal.is_key_set(jsonb) IS
	'whether this can be a published key set: {"keys":[…]} of at most 64 kB';

/*
 * Name and address must still be what they were when the fetch began: what came from an address
 * that was replaced meanwhile is worth nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.record_jwks(kind text, name text, url text, jwks jsonb,
	problem text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	p casesync_internal.partner;
	wrong text := left(problem, 500);
BEGIN
	IF wrong IS NULL AND NOT casesync_internal.is_key_set(jwks) THEN
		wrong := 'what is there is no key set, {"keys":[…]}, of at most 64 kB';
	ELSIF wrong IS NULL AND kind = 'issuer' THEN
		UPDATE casesync_internal.issuer i SET jwks = record_jwks.jwks
		 WHERE i.issuer = name AND i.jwks_url = url AND i.jwks IS DISTINCT FROM record_jwks.jwks;
	ELSIF wrong IS NULL THEN
		SELECT * INTO p FROM casesync_internal.partner t
			WHERE t.partner = name AND t.jwks_url = url;
		IF FOUND THEN
			wrong := casesync_internal.take_published_keys(p, jwks->'keys');
		END IF;
	END IF;
	UPDATE casesync_internal.jwks_source s SET problem = wrong,
		fetched_at = CASE WHEN record_jwks.problem IS NULL THEN clock_timestamp()
			ELSE s.fetched_at END,
		next_at = clock_timestamp() + CASE WHEN wrong IS NOT NULL THEN interval '5 minutes'
			WHEN kind = 'issuer' THEN interval '15 minutes' ELSE interval '1 hour' END
	 WHERE s.kind = record_jwks.kind AND s.name = record_jwks.name AND s.url = record_jwks.url;
	RETURN wrong;
END
$$;
COMMENT ON FUNCTION casesync_internal.record_jwks(text, text, text, jsonb, text) IS
	'what came of fetching published keys: the set, or the problem; returns what is wrong with it';

/*
 * That a key stands at a partner's address shows who can write there, not that it is the partner's:
 * so a person accepts it, unless set_partner() said jwks_trust => 'follow'.
 */
CREATE OR REPLACE FUNCTION casesync.accept_key(partner text, kid text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM casesync.add_key(o.partner, o.jwk) FROM casesync_internal.published_key o
	 WHERE o.partner = accept_key.partner AND o.kid = accept_key.kid AND NOT o.is_followed;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('partner "%s" publishes no new key "%s"', partner, kid),
			hint => format('SELECT kid, first_seen FROM casesync.offered_keys WHERE partner = %L;',
				partner));
	END IF;
	DELETE FROM casesync_internal.published_key o
	 WHERE o.partner = accept_key.partner AND o.kid = accept_key.kid AND NOT o.is_followed;
	PERFORM casesync_internal.audit_note('accept_key', partner, jsonb_build_object('kid', kid));
	RETURN kid;
END
$$;
COMMENT ON FUNCTION casesync.accept_key(text, text) IS
	'register a new key that a partner publishes; ask the partner first, by another way, whether '
	'it is theirs';

CREATE OR REPLACE FUNCTION casesync_internal.access_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('%s publishes a new key, %s, since %s', o.partner, o.kid,
		to_char(o.first_seen, 'YYYY-MM-DD HH24:MI')),
		format('SELECT casesync.accept_key(%L, %L);  -- once the partner has confirmed it by '
			'another way', o.partner, o.kid)
	  FROM casesync_internal.published_key o WHERE NOT o.is_followed
	UNION ALL
	SELECT CASE WHEN s.kind = 'issuer' AND s.fetched_at IS NULL THEN 'critical' ELSE 'warning' END,
		format('the keys of %s %s cannot be had since %s: %s', s.kind, s.name,
			coalesce(to_char(s.fetched_at, 'YYYY-MM-DD HH24:MI'), 'the beginning'), s.problem),
		format('SELECT * FROM casesync.jwks_sources WHERE name = %L;  -- look at its url', s.name)
	  FROM casesync_internal.jwks_source s JOIN casesync_internal.jwks_urls() u ON u.kind = s.kind
		AND u.name = s.name AND u.url = s.url
	 WHERE s.problem IS NOT NULL
	UNION ALL
	SELECT 'warning', format('the last client of %s that can call here ends %s', c.partner,
		to_char(max(c.expires), 'YYYY-MM-DD HH24:MI')),
		format('SELECT * FROM casesync.issue_client(%L);  -- and hand it over before', c.partner)
	  FROM casesync_internal.client c GROUP BY c.partner
	HAVING max(c.expires) > now() AND max(c.expires) < now() + interval '14 days'
	UNION ALL
	SELECT 'warning', format('somebody guesses the secret of client %s: %s wrong within the hour',
		f.subject, f.failures),
		'SELECT * FROM casesync.client_failures;  -- from which addresses'
	  FROM casesync_internal.client_failure f
	 WHERE f.kind = 'client' AND f.subject IS NOT NULL AND f.failures > 20
		AND f.last_at > now() - interval '1 hour'
$$;
COMMENT ON FUNCTION casesync_internal.access_problems() IS
	'new keys that wait, keys that cannot be fetched, clients that end, secrets that are guessed';
