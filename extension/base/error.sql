/* Errors for whoever calls a function of casesync, and which errors pass by themselves. */
CREATE OR REPLACE FUNCTION casesync_internal.raise_error(errcode text, message text DEFAULT NULL,
	detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_raise_error'
LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.raise_error(text, text, text, text) IS
	'an error for the caller of one of our functions, without the context lines that name ours; '
	'errcode is a condition of PL/pgSQL or an SQLSTATE';

/*
 * Lost to another transaction (40001, 40P01, 55P03), out of a resource (53), connection gone (08),
 * told to stop (57). All else would fail in the same way again, and keep a queue waiting.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_transient(error_code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT error_code IN ('40001', '40P01', '55P03') OR left(error_code, 2) IN ('53', '08', '57')
$$;
COMMENT ON FUNCTION casesync_internal.is_transient(text) IS
	'whether the same thing may well succeed a little later';
