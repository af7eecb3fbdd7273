/* Whose a registry is: the policy of its table asks, so this stands before tables.sql. */

/* A view that was dropped is nobody's: its row stays until a superuser takes it away. */
CREATE OR REPLACE FUNCTION casesync_internal.owns(relation regclass)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c
		WHERE c.oid = relation), false)
$$;
COMMENT ON FUNCTION casesync_internal.owns(regclass) IS
	'whether the current user has the rights of the relation''s owner';
