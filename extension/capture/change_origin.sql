/* Changes that a partner's own message makes. */
CREATE OR REPLACE FUNCTION casesync_internal.set_origin(inbox_id bigint)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_set_origin';
COMMENT ON FUNCTION casesync_internal.set_origin(bigint) IS
	'changes made until the (sub)transaction ends come from this received message; only for the '
	'owner of the extension';
