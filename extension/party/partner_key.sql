/*
 * Public keys of partners: Ed25519 and RSA to verify what they sign, EC and RSA to encrypt for
 * them. Knows the form of keys (RFC 7517, 7518, 8037) and when they count, not what is done with
 * them.
 */

/*
 * Strict, for a thumbprint must not depend on how somebody wrote a key: no padding, no blanks, no
 * other alphabet.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_bytes(member text)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN member ~ '^[A-Za-z0-9_-]+$' AND length(member) <= 2000
		AND length(member) % 4 <> 1
		THEN decode(rpad(translate(member, '-_', '+/'), (length(member) + 3) / 4 * 4, '='),
			'base64') END;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_bytes(text) IS
	'the bytes of a member in base64url without padding; NULL when it is none';

/*
 * The points of Ed25519 whose multiples are eight at most: with one of them as a key a signature is
 * made without any secret, by anybody, for any message. And the few bytes that are none but read
 * as one, so that one key would have two thumbprints. The highest bit is only a sign.
 */
CREATE OR REPLACE FUNCTION casesync_internal.ed25519_is_sound(point bytea)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	y bytea := CASE WHEN length(point) = 32
		THEN set_byte(point, 31, get_byte(point, 31) & 127) END;
	ones bytea := decode(repeat('ff', 30), 'hex');
BEGIN
	RETURN coalesce(y NOT IN (decode(repeat('00', 32), 'hex'),
			decode('01' || repeat('00', 31), 'hex'),
			E'\\x26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
			E'\\xc7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
		AND NOT (get_byte(y, 0) >= 236 AND substr(y, 2, 30) = ones AND get_byte(y, 31) = 127),
		false);
END
$$;
COMMENT ON FUNCTION casesync_internal.ed25519_is_sound(bytea) IS
	'whether the bytes may be an Ed25519 public key: 32, of a point that is not of small order';

/*
 * Of an EC key only the form is looked at: whether it is a point of its curve is arithmetic for the
 * bridge's crypto library, which asks each time before it encrypts. With one that is none nothing
 * is sent; the reason stands in casesync.attempts and casesync.health. An RSA key with the exponent
 * 1 would encrypt to the very thing that is to be hidden; leading zero bytes would give one key two
 * thumbprints.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_has_form(jwk jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n bytea := casesync_internal.key_bytes(jwk->>'n');
	e bytea := casesync_internal.key_bytes(jwk->>'e');
	x bytea := casesync_internal.key_bytes(jwk->>'x');
	y bytea := casesync_internal.key_bytes(jwk->>'y');
	coordinate integer := CASE jwk->>'crv' WHEN 'P-256' THEN 32 WHEN 'P-384' THEN 48
		WHEN 'P-521' THEN 66 END;
BEGIN
	RETURN coalesce(CASE jwk->>'kty'
		WHEN 'OKP' THEN jwk->>'crv' = 'Ed25519' AND casesync_internal.ed25519_is_sound(x)
		WHEN 'EC' THEN length(x) = coordinate AND length(y) = coordinate
		WHEN 'RSA' THEN (length(n) BETWEEN 257 AND 1024 OR length(n) = 256
			AND get_byte(n, 0) >= 128)
			AND get_byte(n, 0) > 0 AND get_byte(n, length(n) - 1) % 2 = 1
			AND length(e) BETWEEN 1 AND 8 AND e <> E'\\x01' AND get_byte(e, length(e) - 1) % 2 = 1
		END, false);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_has_form(jsonb) IS
	'whether a JWK has the form of an Ed25519, P-256, P-384 or P-521 public key, or of an RSA one '
	'of 2048 to 8192 bits';

/*
 * A private key is refused loudly and not just cut down to its public part: somebody has shown it,
 * and must make another.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_required(jwk jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jwk ?| '{d,p,q,dp,dq,qi,oth,k}' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'this is a private key',
			detail => 'The member "d" (for RSA also "p", "q" and others, for a shared secret "k") '
				'must never leave its owner, so this key is no longer secret.',
			hint => 'Ask the partner to make a new key and to send only its public part.');
	END IF;
	IF NOT casesync_internal.key_has_form(jwk) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'not a public key in JWK form that can be used',
			detail => 'For signatures: {"kty":"OKP","crv":"Ed25519","x":"43 characters of '
				'base64url"} (RFC 8037), not one of the few points that anybody can sign for. '
				'For encryption: {"use":"enc","kty":"EC","crv":"P-256","x":…,"y":…}, a point of '
				'its curve (also P-384, P-521), or {"use":"enc","kty":"RSA","n":…,"e":…} of 2048 '
				'to 8192 bits.',
			hint => 'Ask the partner for it; a casesync bridge prints its own with --print-key.');
	END IF;
	RETURN CASE jwk->>'kty'
		WHEN 'OKP' THEN jsonb_build_object('kty', 'OKP', 'crv', jwk->'crv', 'x', jwk->'x')
		WHEN 'EC' THEN jsonb_build_object('kty', 'EC', 'crv', jwk->'crv', 'x', jwk->'x', 'y',
			jwk->'y')
		ELSE jsonb_build_object('kty', 'RSA', 'n', jwk->'n', 'e', jwk->'e') END;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_required(jsonb) IS
	'the members that state a public key, or an error that says what is wrong';

CREATE OR REPLACE FUNCTION casesync_internal.key_thumbprint(jwk jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT rtrim(translate(encode(sha256(convert_to(
			'{' || string_agg(format('"%s":"%s"', m.key, m.value), ',' ORDER BY m.key COLLATE "C")
			|| '}', 'UTF8')),
			'base64'), '+/', '-_'), '=')
		FROM jsonb_each_text(casesync_internal.key_required(jwk)) m);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_thumbprint(jsonb) IS
	'RFC 7638 thumbprint of a public key';

/* What a key is for, and by which algorithm: what is kept of a JWK beside the key itself. */
CREATE OR REPLACE FUNCTION casesync_internal.key_purpose(jwk jsonb, OUT use text, OUT alg text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	is_rsa_signer boolean := jwk->>'kty' = 'RSA' AND (coalesce(jwk->>'use', '') = 'sig'
		OR NOT jwk ? 'use' AND coalesce(jwk->>'alg', '') IN ('RS256', 'RSA-256'));
	known text[] := CASE WHEN is_rsa_signer THEN '{RS256,RSA-256}'
		WHEN jwk->>'kty' = 'OKP' THEN '{EdDSA,Ed25519}'
		WHEN jwk->>'kty' = 'EC' THEN '{ECDH-ES,ECDH-ES+A256KW}'
		ELSE '{RSA-OAEP-256}' END;
BEGIN
	use := CASE WHEN is_rsa_signer OR jwk->>'kty' = 'OKP' THEN 'sig' ELSE 'enc' END;
	alg := coalesce(jwk->>'alg', known[1]);
	IF coalesce(jwk->>'use', CASE WHEN use = 'sig' OR jwk ? 'alg' THEN use END) IS DISTINCT FROM use
		OR ((use = 'enc' OR is_rsa_signer) AND alg <> ALL (known))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'this key is not for what it could be used for here',
			detail => 'Ed25519 keys verify signatures ("use": "sig"), RSA keys with that use '
				'those by RS256. EC and RSA keys encrypt ("use": "enc"): EC by ECDH-ES or '
				'ECDH-ES+A256KW, RSA by RSA-OAEP-256, as "alg" says.',
			hint => CASE WHEN use = 'enc'
				THEN 'For a key to encrypt with, register it with "use": "enc" and without, or '
				'with a fitting, "alg".'
				ELSE 'Ask the partner for an EC or RSA key to encrypt with.' END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_purpose(jsonb) IS
	'whether a key verifies signatures (sig) or encrypts (enc), and how; an error when its JWK '
	'says otherwise';

/*
 * A kid without quotes and bars, because it stands between such in the header of a signature: of
 * one that is all that stands there, its own part. The same kid given again replaces the key:
 * registered by a person, it is what the partner says now.
 */
CREATE OR REPLACE FUNCTION casesync.add_key(partner text, jwk jsonb,
	valid_from timestamptz DEFAULT now(),
	valid_to timestamptz DEFAULT 'infinity')
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	own_kid text := casesync_internal.key_thumbprint(jwk);
	kid text := coalesce(casesync_internal.plain_kid(partner, jwk->>'kid'), own_kid);
	key jsonb := casesync_internal.key_required(jwk);
	purpose record;
BEGIN
	PERFORM casesync_internal.require_partner(partner);
	IF own_kid IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'jwk must not be null');
	END IF;
	IF kid = '' OR length(kid) > 255 OR kid ~ '[[:cntrl:]"|]' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'kid must be 1 to 255 characters without quotes, bars and control '
				'characters');
	END IF;
	IF NOT coalesce(valid_from < valid_to, false) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a key must begin to count before it ends',
			detail => format('valid_from is %s, valid_to is %s.',
				coalesce(valid_from::text, 'NULL'), coalesce(valid_to::text, 'NULL')));
	END IF;
	purpose := casesync_internal.key_purpose(jwk);
	IF purpose.use = 'enc' THEN
		key := key || jsonb_build_object('use', 'enc', 'alg', purpose.alg, 'kid', kid);
	END IF;
	INSERT INTO casesync_internal.partner_key AS t (partner, kid, jwk, valid_from, valid_to, use)
	VALUES (add_key.partner, kid, key, add_key.valid_from, add_key.valid_to, purpose.use)
	ON CONFLICT ON CONSTRAINT partner_key_pkey DO UPDATE
		SET jwk = excluded.jwk, valid_from = excluded.valid_from, valid_to = excluded.valid_to;
	PERFORM casesync_internal.audit_note('add_key', partner,
		jsonb_build_object('kid', kid, 'use', purpose.use, 'from', valid_from, 'to', valid_to));
	PERFORM casesync_internal.ring();
	RETURN kid;
END
$$;
COMMENT ON FUNCTION casesync.add_key(text, jsonb, timestamptz, timestamptz) IS
	'register a partner''s public key (JWK): Ed25519 for its signatures, or RSA ("use": "sig") '
	'where they are JWS; EC or RSA to encrypt for it; returns its kid';

/*
 * Not deleted: what was signed with it must remain explainable. The microsecond is for the check
 * that a key begins before it ends.
 */
CREATE OR REPLACE FUNCTION casesync.retire_key(partner text, kid text, at timestamptz DEFAULT now())
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	UPDATE casesync_internal.partner_key k
		SET valid_to = greatest(retire_key.at, k.valid_from + interval '1 microsecond')
	 WHERE k.partner = retire_key.partner AND k.kid = retire_key.kid;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('partner "%s" has no key "%s"', partner, kid),
			hint => format('SELECT kid, valid_to FROM casesync.partner_keys WHERE partner = %L;',
				partner));
	END IF;
	PERFORM casesync_internal.audit_note('retire_key', partner,
		jsonb_build_object('kid', kid, 'at', at));
	RETURN format('key %s of %s counts %s', kid, partner,
		CASE WHEN at > now() THEN format('until %s', at) ELSE 'no longer' END);
END
$$;
COMMENT ON FUNCTION casesync.retire_key(text, text, timestamptz) IS
	'a partner''s key counts no longer from the given time';

CREATE OR REPLACE VIEW casesync.partner_keys AS
	SELECT k.partner, k.kid, k.valid_from, k.valid_to, k.use FROM casesync_internal.partner_key k;
COMMENT ON VIEW casesync.partner_keys IS 'partners'' public keys and when they count';
COMMENT ON COLUMN casesync.partner_keys.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.partner_keys.kid IS 'the key''s id';
COMMENT ON COLUMN casesync.partner_keys.valid_from IS 'from when it counts';
COMMENT ON COLUMN casesync.partner_keys.valid_to IS 'until when it counts';
COMMENT ON COLUMN casesync.partner_keys.use IS
	'sig: to verify what the partner signs; enc: to encrypt for it';
