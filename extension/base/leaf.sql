/* Rings of leaves: tables written one after the other, so that old rows go by TRUNCATE. */
/* With TOAST, where long records are. A leaf without a row is never full, however low the limit. */
CREATE OR REPLACE FUNCTION casesync_internal.leaf_is_full(leaf regclass, leaf_limit bigint)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_relation_size(leaf) > 0 AND pg_table_size(leaf) > leaf_limit
$$;
COMMENT ON FUNCTION casesync_internal.leaf_is_full(regclass, bigint) IS
	'whether a leaf is used and has more than so many bytes';
