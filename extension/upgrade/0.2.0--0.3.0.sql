/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{handler}');

/* ---- inbox: an apply function is found by its name, and called while it is its owner's ---- */
ALTER TABLE casesync_internal.handler ADD COLUMN schema_name name,
	ADD COLUMN function_name name, ADD COLUMN owner regrole;
COMMENT ON COLUMN casesync_internal.handler.handler IS
	'the same as schema_name and function_name say, for people';
COMMENT ON COLUMN casesync_internal.handler.schema_name IS
	'with function_name, by which it is found: an oid does not outlive a dump, and pg_upgrade refuses '
	'columns of type regprocedure';
COMMENT ON COLUMN casesync_internal.handler.owner IS
	'whose it was when it was named; it is not called while it is another''s';
UPDATE casesync_internal.handler h SET schema_name = n.nspname, function_name = p.proname,
	owner = p.proowner
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.pronargs = 1 AND p.proargtypes[0] = 'casesync.inbound'::regtype
   AND format('%I.%I(casesync.inbound)', n.nspname, p.proname) = h.handler;
CREATE OR REPLACE FUNCTION casesync_internal.apply_function_owner(schema name, function name)
RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'SELECT NULL::oid';
CREATE OR REPLACE FUNCTION casesync_internal.is_handler_of(owner oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'SELECT false';
CREATE OR REPLACE FUNCTION casesync_internal.may_handle(schema name, function name, owner oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'SELECT false';
ALTER POLICY handler_of_owner ON casesync_internal.handler
	USING (casesync_internal.is_handler_of(owner))
	WITH CHECK (casesync_internal.may_handle(schema_name, function_name, owner));
DROP FUNCTION casesync_internal.owns_handler(text);
DROP FUNCTION casesync_internal.owner_call(regprocedure, anyelement);
