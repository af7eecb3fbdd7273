/* Whose an apply function is. */

/* By exact name and argument; it needs no right on the schema. */
CREATE OR REPLACE FUNCTION casesync_internal.apply_function_owner(schema name, function name)
RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT pg_get_userbyid(p.proowner)
		  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		 WHERE n.nspname = schema AND p.proname = function AND p.pronargs = 1
		   AND p.proargtypes[0] = 'casesync.inbound'::regtype);
END
$$;
COMMENT ON FUNCTION casesync_internal.apply_function_owner(name, name) IS
	'the owner of the function schema.function(casesync.inbound); NULL when there is none';
