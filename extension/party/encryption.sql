/*
 * Encryption: what is agreed with a partner, the key to encrypt with for it, and what must not pass
 * without. The bridge encrypts and decrypts; private keys are never in the database.
 */

/*
 * An agreement that must be encrypted makes encryption required with its partner, for every message
 * and both ways: a callback or a search may be about any of the agreements. A suspended agreement
 * counts too: answers about what it let pass may still wait to be sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.encryption_rule(partner text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN EXISTS (SELECT FROM casesync_internal.agreement a
			 WHERE a.partner = encryption_rule.partner AND a.must_encrypt
				AND a.state IN ('active', 'suspended')
				AND now() < a.valid_to) THEN 'required'
		ELSE (SELECT p.encryption FROM casesync_internal.partner p
			WHERE p.partner = encryption_rule.partner) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.encryption_rule(text) IS
	'off, accepted or required: as set_partner() says, or required because an agreement must be '
	'encrypted; NULL for nobody';

CREATE OR REPLACE FUNCTION casesync_internal.encryption_key_now(partner text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT k.jwk::text FROM casesync_internal.partner_key k
		 WHERE k.partner = encryption_key_now.partner AND k.use = 'enc'
			AND now() >= k.valid_from AND now() < k.valid_to
		 ORDER BY k.jwk->>'kty' = 'EC' DESC, k.valid_from DESC, k.kid COLLATE "C" LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.encryption_key_now(text) IS
	'the partner''s key to encrypt with (JWK): EC before RSA, then the newest that counts; NULL '
	'when there is none';

/* One index has this order, and its last row of a lane says it: however much waits there. */
CREATE OR REPLACE FUNCTION casesync_internal.encrypted_waits(lane integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN coalesce((SELECT o.must_encrypt FROM casesync_internal.outgoing o
		 WHERE o.state = 'due' AND (o.lane, o.must_encrypt) >= (encrypted_waits.lane, false)
		   AND o.lane <= encrypted_waits.lane
		 ORDER BY o.lane DESC, o.must_encrypt DESC LIMIT 1), false);
END
$$;
COMMENT ON FUNCTION casesync_internal.encrypted_waits(integer) IS
	'whether a message of a lane was to be encrypted when it was written';

CREATE OR REPLACE FUNCTION casesync_internal.encryption_is_missing(partner text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.encryption_key_now(encryption_is_missing.partner) IS NULL
		AND (casesync_internal.encryption_rule(encryption_is_missing.partner) = 'required'
		OR EXISTS (SELECT FROM casesync_internal.lane l
			 WHERE l.partner = encryption_is_missing.partner AND l.kind = 'control'
				AND casesync_internal.encrypted_waits(l.lane)));
END
$$;
COMMENT ON FUNCTION casesync_internal.encryption_is_missing(text) IS
	'whether nothing may be sent to a partner, because it must be encrypted and cannot be';

/*
 * An error, never NULL, when the key is missing: what must be encrypted may not leave in the open
 * because the last key has ended meanwhile.
 */
CREATE OR REPLACE FUNCTION casesync_internal.encryption_key(partner text,
	must_encrypt boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF casesync_internal.encryption_rule(partner) IS DISTINCT FROM 'required'
		AND NOT must_encrypt
	THEN
		RETURN NULL;
	END IF;
	IF casesync_internal.encryption_key_now(partner) IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('there is no key to encrypt with for partner "%s"', partner),
			detail => 'What is sent to it must be encrypted, and no encryption key of it counts '
				'now.',
			hint => format('SELECT casesync.add_key(%L, ''{"use": "enc", "kty": "EC", …}'');',
				partner));
	END IF;
	RETURN casesync_internal.encryption_key_now(partner);
END
$$;
COMMENT ON FUNCTION casesync_internal.encryption_key(text, boolean) IS
	'what the next message to a partner is encrypted with (JWK); NULL: it goes as it is; an error '
	'when it must be encrypted and cannot be';

CREATE OR REPLACE FUNCTION casesync_internal.encryption_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical',
		format('nothing is sent to %s: it must be encrypted, and no encryption key of %s counts',
		p.partner, p.partner),
		format('SELECT casesync.add_key(%L, ''{"use": "enc", "kty": "EC", …}'');  -- the '
			'partner''s; what waits is sent then', p.partner)
	  FROM casesync_internal.partner p WHERE casesync_internal.encryption_is_missing(p.partner)
	UNION ALL
	SELECT 'warning', format('the last encryption key of %s counts only until %s', p.partner,
		k.valid_to::date),
		format('SELECT casesync.add_key(%L, ''{"use": "enc", "kty": "EC", …}'');'
			'  -- its next one', p.partner)
	  FROM casesync_internal.partner p
	 CROSS JOIN LATERAL (SELECT max(t.valid_to) AS valid_to FROM casesync_internal.partner_key t
		WHERE t.partner = p.partner AND t.use = 'enc') k
	 WHERE now() < k.valid_to AND k.valid_to < now() + interval '14 days'
		AND casesync_internal.encryption_rule(p.partner) = 'required'
$$;
COMMENT ON FUNCTION casesync_internal.encryption_problems() IS
	'partners that nothing can be encrypted for, or soon not any more';
