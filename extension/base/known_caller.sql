/*
 * Functions that work with the extension's rights and know who asked (known_caller.c): what is
 * somebody's is changed through them only, since nobody may write the tables.
 */

/*
 * A role that is gone is nobody: then only who has the extension's own rights may. current_user is
 * the extension's owner, in all functions that ask this.
 */
CREATE OR REPLACE FUNCTION casesync_internal.acts_as(caller regrole, role name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_has_role(caller, current_user, 'USAGE')
		OR EXISTS (SELECT FROM pg_roles r
			WHERE r.rolname = acts_as.role AND pg_has_role(caller, r.oid, 'USAGE'))
$$;
COMMENT ON FUNCTION casesync_internal.acts_as(regrole, name) IS
	'whether the caller has the rights of a role, or those of casesync''s owner';

CREATE OR REPLACE FUNCTION casesync_internal.role_name(role regrole)
RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found name := (SELECT r.rolname FROM pg_roles r WHERE r.oid = role_name.role);
BEGIN
	/* regrole takes any number. */
	IF found IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('role %s does not exist', coalesce(role::text, 'NULL')));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casesync_internal.role_name(regrole) IS
	'the name of a role; an error when there is no such role';
