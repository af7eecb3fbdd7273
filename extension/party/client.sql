/*
 * Who may call: clients of our token endpoint, outside issuers and whom their tokens speak for, and
 * the one question that the bridge asks about every request. Keeps no secret, only keyed hashes.
 */
CREATE OR REPLACE VIEW casesync.clients AS
	SELECT c.partner, nullif(c.issuer, '') AS issuer, c.client_id, c.issued_at, c.expires,
		c.last_token_at,
		CASE WHEN now() < c.expires THEN 'valid' ELSE 'expired' END AS state
	  FROM casesync_internal.client c;
COMMENT ON VIEW casesync.clients IS
	'who may call in whose name: clients of our token endpoint (issuer is NULL) and holders of '
	'outside issuers'' tokens';
COMMENT ON COLUMN casesync.clients.partner IS 'in whose name it calls';
COMMENT ON COLUMN casesync.clients.issuer IS
	'who issues its tokens; NULL: we do; callback-address: it needs none, see issue_callback()';
COMMENT ON COLUMN casesync.clients.client_id IS 'its name there';
COMMENT ON COLUMN casesync.clients.issued_at IS 'since when it is known';
COMMENT ON COLUMN casesync.clients.expires IS 'until when it counts';
COMMENT ON COLUMN casesync.clients.last_token_at IS 'when it last got a token of ours';
COMMENT ON COLUMN casesync.clients.state IS 'valid or expired';

CREATE OR REPLACE VIEW casesync.issuers AS
	SELECT i.issuer, i.jwks_url, i.audience, i.algorithms, i.client_claim, i.scope_claim,
		i.networks,
		jsonb_array_length(i.jwks->'keys') AS keys
	  FROM casesync_internal.issuer i;
COMMENT ON VIEW casesync.issuers IS
	'outside issuers of tokens; keys is NULL while none were fetched';
COMMENT ON COLUMN casesync.issuers.issuer IS 'what its tokens have as iss';
COMMENT ON COLUMN casesync.issuers.jwks_url IS 'where its keys are';
COMMENT ON COLUMN casesync.issuers.audience IS 'what its tokens must have as aud';
COMMENT ON COLUMN casesync.issuers.algorithms IS 'the signatures that are accepted';
COMMENT ON COLUMN casesync.issuers.client_claim IS 'the claim that names the holder';
COMMENT ON COLUMN casesync.issuers.scope_claim IS 'the claim that holds the scopes';
COMMENT ON COLUMN casesync.issuers.networks IS
	'private networks that its keys may be fetched from; public addresses need none';
COMMENT ON COLUMN casesync.issuers.keys IS
	'how many keys we have of it; NULL: none were fetched yet';

/*
 * Keyed: who gets hold of the table of clients, but not of the node's secret, cannot even try
 * secrets. Of the digest, since the bridge never hands over the secret itself.
 */
CREATE OR REPLACE FUNCTION casesync_internal.client_secret_hash(digest bytea)
RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT casesync_internal.keyed_hash(s.hash_key,
			jsonb_build_object('client_secret', encode(digest, 'hex')))
				FROM casesync_internal.node_secret s);
END
$$;
COMMENT ON FUNCTION casesync_internal.client_secret_hash(bytea) IS
	'what is kept of a client''s secret: HMAC, with the node''s own key, of its SHA-256';

/*
 * The secret is made here and is random, so that there is nothing to guess and a slow hash is not
 * needed. this_node() comes first because set_node() makes the key of the hash: without one the row
 * would have none.
 */
CREATE OR REPLACE FUNCTION casesync.issue_client(partner text, expires timestamptz DEFAULT NULL)
RETURNS TABLE (client_id text, client_secret text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	until timestamptz := coalesce(expires, 'infinity');
BEGIN
	PERFORM casesync_internal.this_node();
	PERFORM casesync_internal.require_partner(partner);
	IF until <= now() THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'expires must lie in the future',
			detail => format('%s is past.', until));
	END IF;
	client_id := gen_random_uuid();
	/* 366 random bits make 256 */
	client_secret := rtrim(translate(encode(sha256(uuid_send(gen_random_uuid())
		|| uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '+/', '-_'),
			'=');
	INSERT INTO casesync_internal.client (issuer, client_id, partner, secret_hmac, expires)
	VALUES ('', client_id, issue_client.partner, casesync_internal.client_secret_hash(
		sha256(convert_to(client_secret, 'UTF8'))), until);
	PERFORM casesync_internal.audit_note('issue_client', partner,
		jsonb_build_object('client_id', client_id, 'expires', until));
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync.issue_client(text, timestamptz) IS
	'a client of our token endpoint for a partner; its secret is shown this once and not kept';

/*
 * The row stays, expired: the bridge asks about the client at every request, so tokens already
 * given out end with it; and bind_client() does not give the name to another partner later.
 */
CREATE OR REPLACE FUNCTION casesync.retire_client(client_id text, issuer text DEFAULT NULL,
	at timestamptz DEFAULT now())
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	partner text;
BEGIN
	UPDATE casesync_internal.client c SET expires = coalesce(retire_client.at, now())
	 WHERE c.issuer = coalesce(retire_client.issuer, '') AND c.client_id = retire_client.client_id
	RETURNING c.partner INTO partner;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('client "%s"%s is not known', client_id,
				' of issuer "' || issuer || '"'),
			hint => 'SELECT partner, issuer, client_id, state FROM casesync.clients;');
	END IF;
	PERFORM casesync_internal.audit_note('retire_client', partner,
		jsonb_build_object('client_id', client_id, 'issuer', issuer, 'at', coalesce(at, now())));
	RETURN format('a client of %s counts %s', partner,
		CASE WHEN at > now() THEN format('until %s', at) ELSE 'no longer' END);
END
$$;
COMMENT ON FUNCTION casesync.retire_client(text, text, timestamptz) IS
	'a client counts no longer from the given time, nor do tokens that it already has';

/*
 * Only signatures by a private key: with HS256 in the list, anybody could sign with the issuer's
 * public key as if it were a shared secret. And nobody else may go by our own name: what
 * authenticate() takes for a token of ours must be one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_issuer(i casesync_internal.issuer)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* No HS…: who can check such a signature can make one. No "none": that is no signature. */
	known constant text[] := '{EdDSA,ES256,ES384,ES512,PS256,PS384,PS512,RS256,RS384,RS512}';
	problem text;
BEGIN
	problem := CASE
		WHEN coalesce(i.issuer, '') = '' OR octet_length(i.issuer) > 255 OR i.issuer ~ '[[:cntrl:]]'
			THEN 'issuer must be what its tokens have as iss: 1 to 255 bytes without control '
				'characters'
		WHEN i.issuer = 'callback-address'
			THEN 'the issuer callback-address is that of issue_callback()'
		WHEN i.issuer = (casesync_internal.this_node()).sender_id
			THEN 'this node is no outside issuer: its own tokens are always accepted'
		WHEN i.jwks_url IS NULL AND i.jwks IS NULL
			THEN 'an issuer needs jwks_url or jwks: where its keys are, or the keys'
		WHEN i.jwks IS NOT NULL AND NOT casesync_internal.is_key_set(i.jwks)
			THEN 'jwks must be a key set, {"keys":[…]}, of at most 64 kB'
		WHEN EXISTS (SELECT FROM jsonb_array_elements(i.jwks->'keys') k
			WHERE k ?| '{d,p,q,dp,dq,qi,k}')
			THEN 'jwks holds a private or a secret key, which must never leave its owner'
		WHEN i.audience = '' OR octet_length(i.audience) > 255
			THEN 'audience must be 1 to 255 bytes'
		WHEN coalesce(i.algorithms, '{}') = '{}' OR NOT i.algorithms <@ known
			THEN format('algorithms must be some of %s', array_to_string(known, ', '))
		WHEN i.client_claim !~ '^[A-Za-z0-9_:/.-]{1,60}$'
			OR i.scope_claim !~ '^[A-Za-z0-9_:/.-]{0,60}$'
			THEN 'the name of a claim has 1 to 60 letters, digits and _ : / . -'
		END;
	IF problem IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => problem,
			hint => 'SELECT casesync.set_issuer(''https://login.example.org'', jwks_url => '
				'''https://login.example.org/jwks'', algorithms => ''{RS256}'');');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_issuer(casesync_internal.issuer) IS
	'an error when an outside issuer cannot be what is given';

/*
 * The row is locked before it is read, so that two calls that each change one thing do not undo
 * each other. With another address the keys fetched so far are forgotten: whoever has the new one
 * need not be who had the old.
 */
CREATE OR REPLACE FUNCTION casesync.set_issuer(issuer text, jwks_url text DEFAULT NULL,
	jwks jsonb DEFAULT NULL,
	audience text DEFAULT NULL, algorithms text[] DEFAULT NULL, client_claim text DEFAULT NULL,
	scope_claim text DEFAULT NULL, networks cidr[] DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	i casesync_internal.issuer;
	url text := casesync_internal.check_url('jwks_url', jwks_url);
BEGIN
	IF jwks_url IS NOT NULL AND jwks IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'give either jwks_url or jwks, not both',
			detail => 'Keys given are kept as they are, keys at an address are fetched again and '
				'again.');
	END IF;
	SELECT t.* INTO i FROM casesync_internal.issuer t WHERE t.issuer = set_issuer.issuer FOR UPDATE;
	/* Keys that were fetched from one address are not those of another. */
	IF url IS DISTINCT FROM i.jwks_url AND (jwks_url IS NOT NULL OR jwks IS NOT NULL) THEN
		i.jwks := NULL;
		i.jwks_url := url;
	END IF;
	i.jwks := coalesce(jwks, i.jwks);
	i.issuer := issuer;
	i.audience := coalesce(audience, i.audience, (casesync_internal.this_node()).sender_id);
	i.algorithms := coalesce(algorithms, i.algorithms);
	i.client_claim := coalesce(client_claim, i.client_claim, 'sub');
	i.scope_claim := coalesce(scope_claim, i.scope_claim, 'scope');
	i.networks := coalesce(networks, i.networks, '{}');
	PERFORM casesync_internal.check_issuer(i);
	INSERT INTO casesync_internal.issuer AS t VALUES (i.*)
	ON CONFLICT ON CONSTRAINT issuer_pkey DO UPDATE SET
		jwks_url = excluded.jwks_url, jwks = excluded.jwks, audience = excluded.audience,
		algorithms = excluded.algorithms, client_claim = excluded.client_claim,
		scope_claim = excluded.scope_claim, networks = excluded.networks;
	PERFORM casesync_internal.audit_note('set_issuer', issuer, to_jsonb(i));
	PERFORM casesync_internal.ring();
	RETURN format('tokens of %s for audience %s are trusted; next: SELECT '
		'casesync.bind_client(partner, %L, client_id);', i.issuer, i.audience, i.issuer);
END
$$;
COMMENT ON FUNCTION casesync.set_issuer(text, text, jsonb, text, text[], text, text, cidr[]) IS
	'trust an outside issuer of tokens for the holders given by bind_client(); parameters left out '
	'keep their value';

/*
 * An issuer has tokens for many who are no partners: nobody speaks for one unless he is named here.
 * One name never changes its partner, not even an expired one.
 */
CREATE OR REPLACE FUNCTION casesync.bind_client(partner text, issuer text, client_id text,
	expires timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	other text;
BEGIN
	PERFORM casesync_internal.require_partner(partner);
	IF NOT EXISTS (SELECT FROM casesync_internal.issuer i WHERE i.issuer = bind_client.issuer) THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('issuer "%s" is not known', bind_client.issuer),
			hint => format(
				'SELECT casesync.set_issuer(%L, jwks_url => ''https://…'', algorithms => '
				'''{RS256}'');', bind_client.issuer));
	END IF;
	IF client_id IS NULL OR client_id = '' OR octet_length(client_id) > 255 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'client_id must be 1 to 255 bytes',
			detail => 'It is what the issuer''s tokens have in the claim that names their holder.');
	END IF;
	SELECT c.partner INTO other FROM casesync_internal.client c
	 WHERE c.issuer = bind_client.issuer AND c.client_id = bind_client.client_id
		AND c.partner <> bind_client.partner;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'duplicate_object',
			message => format('client "%s" speaks for partner "%s" already', client_id, other),
			detail => 'A token must name one partner.');
	END IF;
	INSERT INTO casesync_internal.client AS c (issuer, client_id, partner, expires)
	VALUES (bind_client.issuer, bind_client.client_id, bind_client.partner,
		coalesce(bind_client.expires, 'infinity'))
	ON CONFLICT ON CONSTRAINT client_pkey DO UPDATE SET expires = excluded.expires;
	PERFORM casesync_internal.audit_note('bind_client', partner,
		jsonb_build_object('issuer', issuer, 'client_id', client_id,
			'expires', coalesce(expires, 'infinity')));
	RETURN format('tokens of %s for %s speak for %s', issuer, client_id, partner);
END
$$;
COMMENT ON FUNCTION casesync.bind_client(text, text, text, timestamptz) IS
	'tokens that an outside issuer gives to this client speak for the partner';

/*
 * Who calls without a token is told by the address that he calls: the bridge puts a MAC behind the
 * client in it (casesync-bridge --print-callback, and where it says itself where answers go), by a
 * secret that is not here. Several may be valid while a partner moves from one to the next.
 */
CREATE OR REPLACE FUNCTION casesync.issue_callback(partner text, expires timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n constant casesync_internal.node := casesync_internal.this_node();
	client constant text := gen_random_uuid();
	until constant timestamptz := coalesce(expires, 'infinity');
BEGIN
	PERFORM casesync_internal.require_partner(partner);
	IF until <= now() THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'expires must lie in the future',
			detail => format('%s is past.', until));
	END IF;
	INSERT INTO casesync_internal.client (issuer, client_id, partner, expires)
	VALUES ('callback-address', client, issue_callback.partner, until);
	PERFORM casesync_internal.audit_note('issue_callback', partner,
		jsonb_build_object('client_id', client, 'expires', until));
	RETURN n.base_url || '/from/' || client || '/registry';
END
$$;
COMMENT ON FUNCTION casesync.issue_callback(text, timestamptz) IS
	'an address of its own for the answers and notifications of a partner whose calls carry no '
	'token; casesync-bridge --print-callback completes it';

CREATE OR REPLACE FUNCTION casesync_internal.callback_client(partner text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT c.client_id FROM casesync_internal.client c
		 WHERE c.issuer = 'callback-address' AND c.partner = callback_client.partner
			AND now() < c.expires
		 ORDER BY c.issued_at DESC, c.client_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.callback_client(text) IS
	'the newest address that issue_callback() gave for a partner, by its client; NULL: none counts';

/*
 * Refused rather than done with all that hangs on it: a partner would be shut out from one moment
 * to the next. The empty name is no issuer; in the table it stands for ourselves.
 */
CREATE OR REPLACE FUNCTION casesync.drop_issuer(issuer text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	uses text;
BEGIN
	SELECT string_agg(format('%s (%s)', c.client_id, c.partner), ', ' ORDER BY c.client_id)
		INTO uses
	  FROM casesync_internal.client c WHERE c.issuer = drop_issuer.issuer AND now() < c.expires;
	IF uses IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('issuer "%s" is in use', issuer),
			detail => format('Clients: %s.', uses),
			hint => format(
				'SELECT casesync.retire_client(client_id, issuer) FROM casesync.clients WHERE '
				'issuer = %L;  -- first', issuer));
	END IF;
	DELETE FROM casesync_internal.issuer i WHERE i.issuer = drop_issuer.issuer;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('issuer "%s" is not known', issuer),
			hint => 'SELECT issuer FROM casesync.issuers;');
	END IF;
	/* Clients of our own endpoint have no issuer's name. */
	DELETE FROM casesync_internal.client c
	 WHERE c.issuer = drop_issuer.issuer AND drop_issuer.issuer <> '';
	DELETE FROM casesync_internal.jwks_source s
	 WHERE s.kind = 'issuer' AND s.name = drop_issuer.issuer;
	PERFORM casesync_internal.audit_note('drop_issuer', issuer);
	PERFORM casesync_internal.ring();
	RETURN format('issuer %s is trusted no longer', issuer);
END
$$;
COMMENT ON FUNCTION casesync.drop_issuer(text) IS
	'trust an outside issuer no longer; refuses while it has valid clients';

/*
 * Public keys and names only. With the extension's rights, like all that the bridge calls: its role
 * may read no table.
 */
CREATE OR REPLACE FUNCTION casesync_internal.token_issuers()
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('issuer', i.issuer, 'audience', i.audience,
			'algorithms', i.algorithms, 'client_claim', i.client_claim, 'scope_claim',
			i.scope_claim,
			'keys', i.jwks->'keys') ORDER BY i.issuer), '[]') FROM casesync_internal.issuer i);
END
$$;
COMMENT ON FUNCTION casesync_internal.token_issuers() IS
	'the outside issuers, as the bridge checks tokens by them';

/*
 * Client, sender and keys are read by one question, so that no change comes between them. The
 * bridge holds client_partner against partner: with one partner's token nobody sends in another's
 * name. In the table the empty issuer is ourselves, so a token whose iss is empty finds nobody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.authenticate(token_issuer text, token_client text,
	sender_id text)
RETURNS TABLE (client_state text, client_partner text, partner text, signature text, keys jsonb,
	networks text, encryption text, reading text, forms text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	c casesync_internal.client;
BEGIN
	SELECT t.* INTO c FROM casesync_internal.client t
	 WHERE t.client_id = authenticate.token_client
	   AND t.issuer = (SELECT CASE WHEN n.sender_id = token_issuer THEN ''
			ELSE nullif(token_issuer, '') END
		FROM casesync_internal.node n);
	client_partner := c.partner;
	client_state := CASE WHEN c.partner IS NULL THEN 'unknown' WHEN now() < c.expires THEN 'ok'
		ELSE 'expired' END;
	/* Without a sender_id the rules are those of whoever holds the token. */
	SELECT CASE WHEN authenticate.sender_id IS NOT NULL THEN p.partner END, p.signature, coalesce((
			SELECT jsonb_agg(jsonb_build_object('kid', k.kid, 'jwk', k.jwk))
				FROM casesync_internal.partner_key k
			 WHERE k.partner = p.partner AND k.use = 'sig' AND now() >= k.valid_from
				AND now() < k.valid_to), '[]'),
		p.networks::text, casesync_internal.encryption_rule(p.partner), p.reading,
		casesync_internal.profile_forms(p.profile)
	  INTO partner, signature, keys, networks, encryption, reading, forms
	  FROM casesync_internal.partner p
	 WHERE p.partner = coalesce(authenticate.sender_id, c.partner);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.authenticate(text, text, text) IS
	'whom a token that the bridge found good speaks for, and the partner that sender_id names with '
	'the keys that count now and whether it encrypts';
