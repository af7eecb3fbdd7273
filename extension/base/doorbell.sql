/* Waking the bridge. */
CREATE OR REPLACE FUNCTION casesync_internal.ring()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_ring';
COMMENT ON FUNCTION casesync_internal.ring() IS 'wakes the bridge when this transaction commits';
