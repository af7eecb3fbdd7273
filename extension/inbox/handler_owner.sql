/* Whose an apply function is: the policy of handler asks, so this stands before tables.sql. */

/*
 * Of a function that is gone it says true: its row may be replaced by any publisher, else nobody
 * could mend it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.owns_handler(name text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT pg_has_role(p.proowner, 'USAGE')
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.pronargs = 1 AND format('%I.%I(casesync.inbound)', n.nspname, p.proname) = name
		  AND p.proargtypes[0] = 'casesync.inbound'::regtype), true)
$$;
COMMENT ON FUNCTION casesync_internal.owns_handler(text) IS
	'whether the current user has the rights of an apply function''s owner; unlike '
	'to_regprocedure() it needs no right on its schema';
