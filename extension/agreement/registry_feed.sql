/*
 * Whose tables may make events of a registry: its owner's, and those of roles that were let; and
 * what keeps a registry published.
 */

/*
 * A registry whose view is gone tells nothing. In PL/pgSQL for its plans: the router asks at every
 * turn.
 */
CREATE OR REPLACE FUNCTION casesync_internal.registry_fed_by(registry text, role oid)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant oid := (SELECT c.relowner FROM casesync_internal.registry r
		  JOIN pg_class c ON c.oid = r.view WHERE r.registry = registry_fed_by.registry);
BEGIN
	RETURN owner IS NULL OR coalesce(pg_has_role(role, owner, 'USAGE'), false)
		OR EXISTS (SELECT FROM casesync_internal.registry_grant g
			  JOIN pg_roles o ON o.rolname = g.role
			 WHERE g.registry = registry_fed_by.registry AND pg_has_role(
				registry_fed_by.role, o.oid, 'USAGE'));
END
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

/* Not the trackings of who may not feed it any more: he could else keep it published. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_uses(registry text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(use, ', ') FROM (
		SELECT format('agreement %s', a.agreement) FROM casesync_internal.agreement a
		 WHERE a.state IN ('draft', 'rehearsed', 'active', 'suspended')
			AND registry_uses.registry = ANY (a.registries)
		UNION ALL
		SELECT format('tracking of %s', t.relation) FROM casesync_internal.tracking t
		 WHERE NOT t.removed AND registry_uses.registry = ANY (t.registries)
			AND casesync_internal.registry_fed_by(registry_uses.registry,
				to_regrole(quote_ident(t.author)))
	) u(use)
$$;
COMMENT ON FUNCTION casesync_internal.registry_uses(text) IS
	'what names this registry; NULL when nothing does';

/* A publisher may not read agreements and others' trackings; he learns whom to ask. */
CREATE OR REPLACE FUNCTION casesync_internal.unpublish_for(caller regrole, registry text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	uses text;
BEGIN
	PERFORM casesync_internal.registry_must_be_own(caller, registry);
	uses := casesync_internal.registry_uses(registry);
	IF uses IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('registry "%s" is in use', registry),
			detail => format('By %s.', uses),
			hint => 'SELECT casesync.untrack(table); SELECT casesync.end_agreement(agreement, '
				'reason);');
	END IF;
	DELETE FROM casesync_internal.registry_grant g WHERE g.registry = unpublish_for.registry;
	DELETE FROM casesync_internal.registry t WHERE t.registry = unpublish_for.registry;
	RETURN format('registry %s is no longer published', registry);
END
$$;
COMMENT ON FUNCTION casesync_internal.unpublish_for(regrole, text) IS 'see casesync.unpublish()';

CREATE OR REPLACE FUNCTION casesync.unpublish(registry text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.unpublish(text) IS
	'a registry is no longer one; refused while anything names it';
