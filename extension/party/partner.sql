/*
 * Whom we know: partners, their public keys, the lanes to them. No foreign keys among tables of
 * state here and elsewhere: pg_restore -j loads an extension's tables in any order, with the
 * constraints there already. The functions that write them see to it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.require_partner(name text)
RETURNS casesync_internal.partner
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner;
BEGIN
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = name;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('partner "%s" is not known', name),
			hint => format('SELECT casesync.set_partner(%L, ''https://…'');', name));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_partner(text) IS
	'the partner''s row, or an error that says how to make it';

CREATE OR REPLACE FUNCTION casesync.set_partner(sender_id text, base_url text DEFAULT NULL,
	notify_url text DEFAULT NULL, callback_prefixes text[] DEFAULT NULL, jwks_url text DEFAULT NULL,
	jwks_trust text DEFAULT NULL, token_url text DEFAULT NULL, client_id text DEFAULT NULL,
	secret_name text DEFAULT NULL, tls_name text DEFAULT NULL, networks cidr[] DEFAULT NULL,
	signature text DEFAULT NULL, profile text DEFAULT NULL, encryption text DEFAULT NULL)
RETURNS casesync_internal.partner
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner;
BEGIN
	IF $1 IS NULL OR $1 = '' OR length($1) > 255 OR $1 ~ '[[:cntrl:]"|]' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'sender_id must be 1 to 255 characters without quotes, bars and control '
				'characters');
	END IF;
	IF $13 IS NOT NULL AND $13 NOT IN ('spdci-1.0', 'extended') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('profile "%s" is not known', $13),
			hint => 'Profiles: spdci-1.0, extended.');
	END IF;
	IF $6 NOT IN ('pin', 'follow') OR $12 NOT IN ('required', 'unsigned_accepted') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => CASE WHEN $6 NOT IN ('pin', 'follow')
				THEN format('jwks_trust "%s" is not known', $6)
				ELSE format('signature "%s" is not known', $12) END,
			hint => 'jwks_trust: pin, follow. signature: required, unsigned_accepted.');
	END IF;
	IF $9 !~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$' OR $8 = '' OR octet_length($8) > 1000
		OR $8 ~ '[[:cntrl:]]' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => CASE WHEN $9 !~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$'
				THEN 'secret_name must be the plain name of a file'
				ELSE 'client_id must be 1 to 1000 bytes without control characters' END,
			detail => 'The secret itself is never in the database: the bridge reads it from the '
				'file of this name in its secrets_directory.');
	END IF;
	IF $10 !~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$' AND $10 <> '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'tls_name is not a plain file name',
			detail => 'It names the files x.crt, x.key and x.ca in the bridge''s tls_directory: 1 '
				'to 64 letters, digits, dots, hyphens and underscores. An empty one takes it '
				'away.');
	END IF;
	IF $14 NOT IN ('off', 'accepted', 'required') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('encryption "%s" is not known', $14),
			hint => 'encryption: off, accepted (we take encrypted messages and send plain ones), '
				'required (both ways).');
	END IF;
	IF array_position($4, NULL) IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'callback_prefixes must not contain NULL');
	END IF;
	PERFORM casesync_internal.check_url('callback prefix', u) FROM unnest($4) u;
	INSERT INTO casesync_internal.partner AS t (partner, base_url, notify_url, callback_prefixes,
		jwks_url,
			jwks_trust, token_url, client_id, secret_name, tls_name, networks, signature, profile,
				encryption)
	VALUES ($1, casesync_internal.check_url('base_url', $2),
		casesync_internal.check_url('notify_url', $3), $4,
		casesync_internal.check_url('jwks_url', nullif($5, '')), coalesce($6, 'pin'),
			casesync_internal.check_url('token_url', nullif($7, '')),
		$8, $9, $10, coalesce($11, '{}'), coalesce($12, 'required'), coalesce($13, 'spdci-1.0'),
		coalesce($14, 'off'))
	ON CONFLICT (partner) DO UPDATE SET
		base_url = coalesce(excluded.base_url, t.base_url),
		notify_url = coalesce(excluded.notify_url, t.notify_url),
		callback_prefixes = coalesce(excluded.callback_prefixes, t.callback_prefixes),
		jwks_url = CASE WHEN $5 = '' THEN NULL ELSE coalesce(excluded.jwks_url, t.jwks_url) END,
		jwks_trust = coalesce($6, t.jwks_trust),
		token_url = CASE WHEN $7 = '' THEN NULL ELSE coalesce(excluded.token_url, t.token_url) END,
		client_id = coalesce(excluded.client_id, t.client_id),
		secret_name = coalesce(excluded.secret_name, t.secret_name),
		tls_name = coalesce(excluded.tls_name, t.tls_name),
		networks = coalesce($11, t.networks),
		signature = coalesce($12, t.signature),
		profile = coalesce($13, t.profile),
		encryption = coalesce($14, t.encryption)
	RETURNING t.* INTO p;
	IF p.token_url IS NOT NULL AND (p.client_id IS NULL OR p.secret_name IS NULL) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'token_url needs client_id and secret_name',
			detail => 'They are what the partner gave us to get tokens with; the secret is a file '
				'beside the bridge.');
	END IF;
	INSERT INTO casesync_internal.lane (partner, kind) VALUES ($1, 'notify'), ($1, 'control')
	ON CONFLICT DO NOTHING;
	IF $2 IS NOT NULL OR $3 IS NOT NULL THEN
		PERFORM casesync_internal.assign_lanes(p);
	END IF;
	PERFORM casesync_internal.audit_note('set_partner', $1, to_jsonb(p));
	PERFORM casesync_internal.ring();
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync.set_partner(text, text, text, text[], text, text, text, text, text,
	text, cidr[], text, text, text) IS
	'create or change a partner; parameters left out keep their value; an empty jwks_url, token_url '
	'or tls_name takes it away';
