/* Names that somebody mistyped. */
CREATE OR REPLACE FUNCTION casesync_internal.nearest_name(written text, names text[])
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_nearest_name' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.nearest_name(text, text[]) IS
	'the name that somebody may have meant who wrote another one; NULL when none is near';

CREATE OR REPLACE FUNCTION casesync_internal.did_you_mean(written text, names text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(': did you mean ' || casesync_internal.nearest_name(written, names) || '?', '')
$$;
COMMENT ON FUNCTION casesync_internal.did_you_mean(text, text[]) IS
	'the end of a sentence about a name that is not known: the nearest one that is';
