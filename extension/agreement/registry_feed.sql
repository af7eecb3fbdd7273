/* Whose tables may make events of a registry: its owner's, and those of roles that were let. */

/* With rights of the extension's, of whatever role. A registry whose view is gone tells nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_fed_by(registry text, role oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT NOT EXISTS (SELECT FROM casesync_internal.registry r JOIN pg_class c ON c.oid = r.view
		 WHERE r.registry = registry_fed_by.registry
		   AND pg_has_role(registry_fed_by.role, c.relowner, 'USAGE') IS NOT TRUE
		   AND NOT EXISTS (SELECT FROM casesync_internal.registry_grant g
			  JOIN pg_roles o ON o.rolname = g.role
			 WHERE g.registry = r.registry
			   AND pg_has_role(registry_fed_by.role, o.oid, 'USAGE')))
$$;
COMMENT ON FUNCTION casesync_internal.registry_fed_by(text, oid) IS
	'whether a role''s tables may make events of a registry';

CREATE OR REPLACE FUNCTION casesync_internal.registry_let(registry text, role name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO casesync_internal.registry_grant (registry, role)
	VALUES (registry_let.registry, registry_let.role) ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.audit_note('grant_registry', registry_let.registry,
		jsonb_build_object('role', registry_let.role));
END
$$;
COMMENT ON FUNCTION casesync_internal.registry_let(text, name) IS
	'a role''s tables may feed a registry from now on';

CREATE OR REPLACE FUNCTION casesync_internal.grant_registry_for(caller regrole, registry text,
	role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.registry_must_be_own(caller, registry);
	PERFORM casesync_internal.registry_let(registry, casesync_internal.role_name(role));
	RETURN format('tables of role %s may feed registry %s', role, registry);
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_registry_for(regrole, text, regrole) IS
	'see casesync.grant_registry()';

CREATE OR REPLACE FUNCTION casesync.grant_registry(registry text, role regrole)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.grant_registry(text, regrole) IS
	'let another role''s tables feed a registry of one''s own';

CREATE OR REPLACE FUNCTION casesync_internal.revoke_registry_for(caller regrole, registry text,
	role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.registry_must_be_own(caller, registry);
	DELETE FROM casesync_internal.registry_grant g
	 WHERE g.registry = revoke_registry_for.registry
	   AND g.role = casesync_internal.role_name(revoke_registry_for.role);
	PERFORM casesync_internal.audit_note('revoke_registry', registry,
		jsonb_build_object('role', casesync_internal.role_name(role)));
	RETURN format('tables of role %s may no longer feed registry %s, unless it has the rights of '
		'its owner', role, registry);
END
$$;
COMMENT ON FUNCTION casesync_internal.revoke_registry_for(regrole, text, regrole) IS
	'see casesync.revoke_registry()';

CREATE OR REPLACE FUNCTION casesync.revoke_registry(registry text, role regrole)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.revoke_registry(text, regrole) IS
	'take back what grant_registry() gave; changes of such tables are routed no more';
