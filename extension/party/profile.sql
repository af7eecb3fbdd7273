/*
 * What other implementations of the standard do in another way than it is written, one row for each
 * way: what is not said of a profile is as the standard has it. The bridge is told the values that
 * concern bytes, as words (bridge/seal/envelope.h).
 */
CREATE OR REPLACE FUNCTION casesync_internal.profile_rules()
RETURNS TABLE (profile text, dimension text, value text, meaning text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT * FROM (VALUES
		('spdci-1.0', 'digest', 'rfc8785', 'what is signed is the form of RFC 8785'),
		('spdci-1.0', 'header', 'said', 'members of the header without a value are left out'),
		('spdci-1.0', 'signature', 'spdci', 'messages are signed by the standard''s own text, with '
			'Ed25519'),
		('spdci-1.0', 'algorithm', 'eddsa', 'a JWS is by our Ed25519 key'),
		('spdci-1.0', 'kid', 'thumbprint', 'a JWS names our key as /.well-known/jwks.json does'),
		('spdci-1.0', 'callbacks', 'token', 'answers and notifications come with a token of ours'),
		('spdci-1.0', 'answers', 'message', 'a search is asked at /registry/search, and its answer '
			'is a message of its own'),
		('spdci-1.0', 'notify', 'notify_event', 'notifications have notify_event, of reg_records'),
		('spdci-1.0', 'search', 'texts', 'types in the criteria of a search are texts'),
		('spdci-1.0', 'enrolment_status', 'listed', 'Exited is told as Inactive (A3)'),
		('extended', 'enrolment_status', 'exited', 'Exited is told as such'),
		('openspp2', 'digest', 'python', 'what is signed has all but ASCII escaped, as Python''s '
			'json.dumps writes it'),
		('openspp2', 'header', 'full', 'members of the header without a value are null; times '
			'have no fraction or one of six digits; only answers have a status'),
		('openspp2', 'callbacks', 'address', 'answers and notifications come without a token, to '
			'an address that issue_callback() gives to this partner alone'),
		('openg2p', 'signature', 'jws_detached', 'the signature is a JWS without what it signs, '
			'EdDSA over header and message'),
		('openg2p', 'kid', 'none', 'it names no key: one that is named must be called so there'),
		('openg2p', 'answers', 'response', 'a search is asked at /registry/sync/search, whose '
			'response is the answer'),
		('openg2p-rs256', 'answers', 'response', 'as openg2p'),
		('openg2p-rs256', 'signature', 'jws_detached', 'as openg2p'),
		('openg2p-rs256', 'kid', 'none', 'as openg2p'),
		('openg2p-rs256', 'algorithm', 'rs256', 'by the RSA key of the bridge''s rsa_key_file'),
		('openimis', 'notify', 'notify_request', 'notifications have notify_request, with '
			'subscription_id, and data with event_type and reg_record'),
		('openimis', 'callbacks', 'address', 'answers and notifications come without a token, to '
			'an address that issue_callback() gives to this partner alone'),
		('opencrvs', 'signature', 'jws_compact', 'the signature is a JWS that holds what it signs, '
			'by EdDSA; our key is looked for at sender_id/.well-known/jwks.json'),
		('opencrvs', 'answers', 'response', 'as openg2p'),
		('opencrvs', 'search', 'references', 'they are objects with a value; it is in births, by a '
			'DRN in deaths, by an MRN in marriages')) v(profile, dimension, value, meaning);
END;
COMMENT ON FUNCTION casesync_internal.profile_rules() IS
	'how the profiles of set_partner() differ from the standard; the standard''s own row for each '
	'dimension is that of spdci-1.0';

CREATE OR REPLACE FUNCTION casesync_internal.profile_rule(profile text, dimension text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN (SELECT r.value FROM casesync_internal.profile_rules() r
		 WHERE r.profile IN (profile_rule.profile, 'spdci-1.0')
			AND r.dimension = profile_rule.dimension
		 ORDER BY r.profile = 'spdci-1.0' LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.profile_rule(text, text) IS
	'what a profile says of a dimension: its own row, or the standard''s';

CREATE OR REPLACE FUNCTION casesync_internal.profile_forms(profile text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN (SELECT string_agg(r.dimension || '=' || r.value, ' ' ORDER BY r.dimension)
		  FROM casesync_internal.profile_rules() r
		 WHERE r.profile = profile_forms.profile AND r.profile <> 'spdci-1.0'
			AND r.dimension IN ('digest', 'header', 'signature', 'algorithm', 'kid'));
END
$$;
COMMENT ON FUNCTION casesync_internal.profile_forms(text) IS
	'for the bridge: in which of its bytes a message to partners of a profile differs; NULL: none';

/* Some name their keys by the whole of what stands in a signature: sender|kid|algorithm. */
CREATE OR REPLACE FUNCTION casesync_internal.plain_kid(partner text, kid text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parts constant text[] := string_to_array(kid, '|');
BEGIN
	RETURN CASE WHEN cardinality(parts) = 3 AND parts[1] = partner THEN parts[2] ELSE kid END;
END
$$;
COMMENT ON FUNCTION casesync_internal.plain_kid(text, text) IS
	'the kid of a partner''s key as it stands between the bars of a signature';

CREATE OR REPLACE VIEW casesync.profiles AS
	SELECT r.profile, r.dimension, r.value, r.meaning FROM casesync_internal.profile_rules() r;
COMMENT ON VIEW casesync.profiles IS
	'what profile => of set_partner() can be, and how each differs from the standard';
COMMENT ON COLUMN casesync.profiles.profile IS 'the name for set_partner()';
COMMENT ON COLUMN casesync.profiles.dimension IS 'what is done in another way';
COMMENT ON COLUMN casesync.profiles.value IS
	'how; of spdci-1.0: as the standard has it, which counts where a profile says nothing';
COMMENT ON COLUMN casesync.profiles.meaning IS 'the same in words';
