/* Names, addresses and choices that somebody typed. */
/* Peers write names with and without prefix, and with several; blanks around them are none. */
CREATE OR REPLACE FUNCTION casesync_internal.plain_name(name text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN btrim(regexp_replace(name, '^.*:', ''), E' \t\r\n');
END
$$;
COMMENT ON FUNCTION casesync_internal.plain_name(text) IS
	'the last part of a prefixed name: ns:org:RegistryType:ESS is ESS';

/*
 * What a peer calls a registry or a kind of record is kept, and goes back, only when it can be such
 * a name. Else whatever somebody puts there would be signed by us.
 */
CREATE OR REPLACE FUNCTION casesync_internal.name_said(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(casesync_internal.plain_name(value) from '^[A-Za-z][A-Za-z0-9_]{0,62}$');
COMMENT ON FUNCTION casesync_internal.name_said(text) IS
	'a name without its prefix; NULL when it is none';

/*
 * Ids that partners choose, and need not be kept when they are none: no blanks, no other script.
 */
CREATE OR REPLACE FUNCTION casesync_internal.id_said(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ~ '^[!-~]{1,99}$' THEN value END;
COMMENT ON FUNCTION casesync_internal.id_said(text) IS 'an id; NULL when it is none';

/*
 * What two programs may read in two ways is refused: a user before the host, a backslash, an
 * encoded slash, a step back. Prefixes are compared as text, so none of these must get past them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_url(what text, url text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* A callback prefix may name every port of a host. */
	plain text := CASE WHEN what = 'callback prefix'
		THEN regexp_replace(url, '^(https?://[^/]*):[*](/|$)', E'\\1\\2') ELSE url END;
BEGIN
	IF plain !~ (E'^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])'
			'(:[0-9]{1,5})?(/[^\\s#@\\\\]*)?$')
		OR length(url) > 2000 OR url ~ E'[[:cntrl:]]|/\\.\\.?(/|$)|%2[eEfF]|%5[cC]'
		OR (what IN ('base_url', 'callback prefix') AND url ~ E'\\?')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s is not a URL we can send to: "%s"', what, left(url, 200)),
			detail => 'A URL begins with https:// (or http:// where the bridge allows it), and has '
				'no user, fragment, space, back step or, where paths are added to it, query.');
	END IF;
	RETURN rtrim(url, '/');
END
$$;
COMMENT ON FUNCTION casesync_internal.check_url(text, text) IS
	'an http(s) URL without a trailing slash, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.check_choice(what text, value text, choices text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value <> ALL (choices) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s "%s" is not understood', what, left(value, 100)),
			hint => format('%s is one of: %s.', what, array_to_string(choices, ', ')));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_choice(text, text, text[]) IS
	'one of a few words (or NULL), or an error';
