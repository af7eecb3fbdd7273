/* Whose an apply function is: the policy of handler asks, so this stands before tables.sql. */

/* By exact name and argument; it needs no right on the schema. */
CREATE OR REPLACE FUNCTION casesync_internal.apply_function_owner(schema name, function name)
RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_get_userbyid(p.proowner) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	 WHERE n.nspname = schema AND p.proname = function AND p.pronargs = 1
	   AND p.proargtypes[0] = 'casesync.inbound'::regtype
$$;
COMMENT ON FUNCTION casesync_internal.apply_function_owner(name, name) IS
	'the owner of the function schema.function(casesync.inbound); NULL when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.has_role(role name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role AND pg_has_role(r.oid, 'USAGE'))
$$;
COMMENT ON FUNCTION casesync_internal.has_role(name) IS
	'whether the current user has the rights of a role; false for one that does not exist';

/* A function that does not exist is nobody's. */
CREATE OR REPLACE FUNCTION casesync_internal.may_handle(schema name, function name, owner name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(owner = casesync_internal.apply_function_owner(schema, function)
		AND casesync_internal.has_role(owner), false)
$$;
COMMENT ON FUNCTION casesync_internal.may_handle(name, name, name) IS
	'whether the function is the owner''s, whose rights the current user has';
