/*
 * Whom we know: partners, their public keys, the lanes to them. No foreign keys among tables of
 * state here and elsewhere: pg_restore -j loads an extension's tables in any order, with the
 * constraints there already. The functions that write them see to it.
 */

/*
 * For people: the error says that a partner does not exist. Messages of partners are not answered
 * by it.
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
			message => format('partner "%s" is not known%s', name,
				casesync_internal.did_you_mean(name, ARRAY(
					SELECT t.partner FROM casesync_internal.partner t ORDER BY 1))),
			hint => format('SELECT casesync.set_partner(%L, ''https://…'');', name));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_partner(text) IS
	'the partner''s row, or an error that says how to make it';

CREATE OR REPLACE FUNCTION casesync_internal.check_partner_words(p casesync_internal.partner)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.profile_rules() r WHERE r.profile = p.profile) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('profile "%s" is not known', p.profile),
			hint => format('Profiles: %s; see casesync.profiles.', (SELECT string_agg(
				DISTINCT r.profile, ', ') FROM casesync_internal.profile_rules() r)));
	END IF;
	IF p.reading NOT IN ('standard', 'lenient') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('reading "%s" is not known', p.reading),
			hint => 'reading: standard, lenient (also takes times without zone, locales of two '
				'letters or capitals, and bodies that are not called JSON).');
	END IF;
	IF p.acknowledges NOT IN ('message', 'status') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('acknowledges "%s" is not known', p.acknowledges),
			hint => 'acknowledges: message (with ack_status in what it answers), status (a 2xx '
				'without one counts too).');
	END IF;
	IF p.jwks_trust NOT IN ('pin', 'follow')
		OR p.signature NOT IN ('required', 'unsigned_accepted')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => CASE WHEN p.jwks_trust NOT IN ('pin', 'follow')
				THEN format('jwks_trust "%s" is not known', p.jwks_trust)
				ELSE format('signature "%s" is not known', p.signature) END,
			hint => 'jwks_trust: pin, follow. signature: required, unsigned_accepted.');
	END IF;
	IF p.encryption NOT IN ('off', 'accepted', 'required') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('encryption "%s" is not known', p.encryption),
			hint => 'encryption: off, accepted (we take encrypted messages and send plain ones), '
				'required (both ways).');
	END IF;
	IF array_position(p.callback_prefixes, NULL) IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'callback_prefixes must not contain NULL');
	END IF;
	PERFORM casesync_internal.check_url('callback prefix', u) FROM unnest(p.callback_prefixes) u;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_partner_words(casesync_internal.partner) IS
	'how a partner is spoken with can be as it is given, or an error';

/* Secrets and certificates are files beside the bridge; a name must not lead elsewhere. */
CREATE OR REPLACE FUNCTION casesync_internal.check_partner_files(p casesync_internal.partner)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_file constant boolean := p.secret_name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$';
BEGIN
	IF NOT is_file OR octet_length(p.client_id) > 1000
		OR p.client_id ~ '[[:cntrl:]]'
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => CASE WHEN NOT is_file THEN 'secret_name must be the plain name of a file'
				ELSE 'client_id must be at most 1000 bytes without control characters' END,
			detail => 'The secret itself is never in the database: the bridge reads it from the '
				'file of this name in its secrets_directory.');
	END IF;
	IF p.tls_name !~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$' AND p.tls_name <> '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'tls_name is not a plain file name',
			detail => 'It names the files x.crt, x.key and x.ca in the bridge''s tls_directory: 1 '
				'to 64 letters, digits, dots, hyphens and underscores. An empty one takes it '
				'away.');
	END IF;
	IF p.token_url IS NOT NULL AND (p.client_id IS NULL OR p.secret_name IS NULL) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'token_url needs client_id and secret_name',
			detail => 'They are what the partner gave us to get tokens with; the secret is a file '
				'beside the bridge. With secret_name alone the file holds the token itself.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_partner_files(casesync_internal.partner) IS
	'the bridge can find a partner''s secrets and certificates by these names, or an error';

/*
 * Both lanes come with the partner: stop_sharing() and sharing_begin() take it that they are there.
 * The row is locked, so that two calls that each change one thing do not undo each other.
 */
CREATE OR REPLACE FUNCTION casesync_internal.partner_begin(sender_id text)
RETURNS casesync_internal.partner
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner;
BEGIN
	INSERT INTO casesync_internal.partner (partner) VALUES (sender_id) ON CONFLICT DO NOTHING;
	INSERT INTO casesync_internal.lane (partner, kind)
	VALUES (sender_id, 'notify'), (sender_id, 'control') ON CONFLICT DO NOTHING;
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = sender_id FOR UPDATE;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.partner_begin(text) IS
	'the partner''s row, locked; with the table''s defaults, and its lanes, when it is new';

CREATE OR REPLACE FUNCTION casesync_internal.partner_store(p casesync_internal.partner)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.partner t SET base_url = p.base_url, notify_url = p.notify_url,
		callback_prefixes = p.callback_prefixes, jwks_url = p.jwks_url, jwks_trust = p.jwks_trust,
		token_url = p.token_url, client_id = p.client_id, secret_name = p.secret_name,
		tls_name = p.tls_name, networks = p.networks, signature = p.signature,
		profile = p.profile, encryption = p.encryption, reading = p.reading,
		acknowledges = p.acknowledges
	 WHERE t.partner = p.partner
$$;
COMMENT ON FUNCTION casesync_internal.partner_store(casesync_internal.partner) IS
	'what is to be known of a partner';

CREATE OR REPLACE FUNCTION casesync_internal.partner_said(p casesync_internal.partner)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('partner %s', p.partner) || coalesce(' at ' || p.base_url, ' (no address)')
		|| CASE
		WHEN p.signature = 'required' AND NOT EXISTS (SELECT FROM casesync_internal.partner_key k
			WHERE k.partner = p.partner AND k.use = 'sig' AND now() < k.valid_to)
			THEN format(' has no key yet; next: SELECT casesync.add_key(%L, '
				'''{"kty": "OKP", …}'');', p.partner)
		WHEN NOT EXISTS (SELECT FROM casesync_internal.agreement a WHERE a.partner = p.partner)
			THEN format(', nothing is agreed yet; next: SELECT '
				'casesync.set_agreement(''name'', %L, …);', p.partner)
		ELSE '' END
$$;
COMMENT ON FUNCTION casesync_internal.partner_said(casesync_internal.partner) IS
	'what set_partner() answers';

/* NULL keeps a value, so an empty text takes one away; base_url and notify_url can only change. */
CREATE OR REPLACE FUNCTION casesync.set_partner(sender_id text, base_url text DEFAULT NULL,
	notify_url text DEFAULT NULL, callback_prefixes text[] DEFAULT NULL, jwks_url text DEFAULT NULL,
	jwks_trust text DEFAULT NULL, token_url text DEFAULT NULL, client_id text DEFAULT NULL,
	secret_name text DEFAULT NULL, tls_name text DEFAULT NULL, networks cidr[] DEFAULT NULL,
	signature text DEFAULT NULL, profile text DEFAULT NULL, encryption text DEFAULT NULL,
	reading text DEFAULT NULL, acknowledges text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner;
BEGIN
	PERFORM casesync_internal.check_sender_id(sender_id);
	p := casesync_internal.partner_begin(sender_id);
	p.base_url := coalesce(casesync_internal.check_url('base_url', base_url), p.base_url);
	p.notify_url := coalesce(casesync_internal.check_url('notify_url', notify_url), p.notify_url);
	p.callback_prefixes := coalesce(callback_prefixes, p.callback_prefixes);
	p.jwks_url := casesync_internal.check_url('jwks_url',
		nullif(coalesce(jwks_url, p.jwks_url), ''));
	p.jwks_trust := coalesce(jwks_trust, p.jwks_trust);
	p.token_url := casesync_internal.check_url('token_url',
		nullif(coalesce(token_url, p.token_url), ''));
	p.client_id := nullif(coalesce(client_id, p.client_id), '');
	p.secret_name := nullif(coalesce(secret_name, p.secret_name), '');
	p.tls_name := nullif(coalesce(tls_name, p.tls_name), '');
	p.networks := coalesce(networks, p.networks);
	p.signature := coalesce(signature, p.signature);
	p.profile := coalesce(profile, p.profile);
	p.encryption := coalesce(encryption, p.encryption);
	p.reading := coalesce(reading, p.reading);
	p.acknowledges := coalesce(acknowledges, p.acknowledges);
	PERFORM casesync_internal.check_partner_words(p);
	PERFORM casesync_internal.check_partner_files(p);
	PERFORM casesync_internal.partner_store(p);
	/* Who names an address, even the one that there is, wants it tried now. */
	IF base_url IS NOT NULL OR notify_url IS NOT NULL THEN
		PERFORM casesync_internal.lane_wake(l.lane) FROM casesync_internal.lane l
		  WHERE l.partner = sender_id AND l.kind = 'notify';
	END IF;
	PERFORM casesync_internal.audit_note('set_partner', sender_id, to_jsonb(p));
	PERFORM casesync_internal.ring();
	RETURN casesync_internal.partner_said(p);
END
$$;
COMMENT ON FUNCTION casesync.set_partner(text, text, text, text[], text, text, text, text, text,
	text, cidr[], text, text, text, text, text) IS
	'create or change a partner; parameters left out keep their value; an empty jwks_url, '
	'token_url, client_id, secret_name or tls_name takes it away';

CREATE OR REPLACE VIEW casesync.partners AS
	SELECT p.partner, p.base_url, p.notify_url, p.callback_prefixes, p.networks, p.signature,
		p.profile,
		(SELECT count(*) FROM casesync_internal.partner_key k
		  WHERE k.partner = p.partner AND now() >= k.valid_from
			AND now() < k.valid_to) AS valid_keys, p.created_at,
		p.encryption, p.jwks_url, p.jwks_trust, p.token_url, p.client_id, p.secret_name,
		p.tls_name, p.max_subscriptions, p.max_filters, p.max_bytes_per_day, p.max_bytes,
		p.max_backlog, p.reading, p.acknowledges
	  FROM casesync_internal.partner p;
COMMENT ON VIEW casesync.partners IS 'other systems';
COMMENT ON COLUMN casesync.partners.partner IS 'its sender_id';
COMMENT ON COLUMN casesync.partners.base_url IS 'where its API is';
COMMENT ON COLUMN casesync.partners.notify_url IS
	'where it wants notifications, if not under base_url';
COMMENT ON COLUMN casesync.partners.callback_prefixes IS
	'what the addresses that it names for answers must begin with; NULL: base_url';
COMMENT ON COLUMN casesync.partners.networks IS
	'private networks that we may send to for it; public addresses need none';
COMMENT ON COLUMN casesync.partners.signature IS 'required, or unsigned_accepted';
COMMENT ON COLUMN casesync.partners.profile IS
	'how it differs from the standard, see casesync.profiles';
COMMENT ON COLUMN casesync.partners.valid_keys IS 'how many of its keys count now';
COMMENT ON COLUMN casesync.partners.created_at IS 'since when it is known here';
COMMENT ON COLUMN casesync.partners.encryption IS 'off, accepted, or required';
COMMENT ON COLUMN casesync.partners.jwks_url IS 'where it publishes its keys';
COMMENT ON COLUMN casesync.partners.jwks_trust IS
	'what a newly published key is worth: pin (accept_key() first) or follow';
COMMENT ON COLUMN casesync.partners.token_url IS 'where our bridge gets tokens to call it with';
COMMENT ON COLUMN casesync.partners.client_id IS 'what we are called there';
COMMENT ON COLUMN casesync.partners.secret_name IS
	'name of the file, beside the bridge, with the secret; without token_url and client_id with '
	'the token itself';
COMMENT ON COLUMN casesync.partners.tls_name IS
	'name of the files, beside the bridge, with our certificate for it';
COMMENT ON COLUMN casesync.partners.max_subscriptions IS
	'how many living subscriptions it may ask for';
COMMENT ON COLUMN casesync.partners.max_filters IS
	'how many of them may be of something else than one identifier';
COMMENT ON COLUMN casesync.partners.max_bytes_per_day IS
	'how many bytes it may have stored here on one day';
COMMENT ON COLUMN casesync.partners.max_bytes IS
	'how many bytes it may have stored here in all, of what was not pruned';
COMMENT ON COLUMN casesync.partners.max_backlog IS
	'how many notifications may wait for one of its addresses while it does not answer';
COMMENT ON COLUMN casesync.partners.reading IS 'standard, or lenient';
COMMENT ON COLUMN casesync.partners.acknowledges IS
	'message: a 2xx must acknowledge what it had; status: any 2xx does';
