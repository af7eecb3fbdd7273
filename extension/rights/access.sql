/*
 * Giving an access to a role and taking it back. What each access consists of is in grants.sql; who
 * may give it, and with whom, in second_person.sql.
 */
CREATE OR REPLACE FUNCTION casesync_internal.forget_lost_access()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.access_given g WHERE NOT EXISTS (
		SELECT FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a
		 WHERE n.nspname = 'casesync' AND a.privilege_type = 'USAGE'
		   AND a.grantee = to_regrole(quote_ident(g.role)))
$$;
COMMENT ON FUNCTION casesync_internal.forget_lost_access() IS
	'roles that were dropped (DROP OWNED) and made anew have no access by their name alone';

/*
 * By name: a function's new arguments need no change here, and a second function of a name gets the
 * same rights. So no name of a list may be used for anything else, in either schema.
 */
CREATE OR REPLACE FUNCTION casesync_internal.access_statements(role regrole, access text, verb text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH side(word) AS (SELECT CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END)
	SELECT format('%s EXECUTE ON FUNCTION %s %s %s', verb, p.oid::regprocedure, s.word, role)
	  FROM casesync_internal.access_right r
	  JOIN pg_proc p ON p.proname = r.object AND p.prokind IN ('f', 'a')
		AND p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
	 CROSS JOIN side s WHERE r.access = access_statements.access
	   AND (verb = 'GRANT' OR p.proowner <> role)
	UNION ALL
	SELECT format('%s %s ON %s %s %s', verb, split_part(r.object, ' ON ', 1), c.oid::regclass,
		s.word, role)
	  FROM casesync_internal.access_right r
	  JOIN pg_class c ON c.relnamespace IN ('casesync'::regnamespace,
		'casesync_internal'::regnamespace)
		AND c.relname = split_part(r.object, ' ON ', 2) AND c.relkind IN ('r', 'p', 'v')
	 CROSS JOIN side s WHERE r.access = access_statements.access AND r.object LIKE '% ON %'
	   AND (verb = 'GRANT' OR c.relowner <> role)
	UNION ALL
	SELECT format('%s USAGE ON TYPE %s %s %s', verb, t.oid::regtype, s.word, role)
	  FROM pg_type t CROSS JOIN side s
	 WHERE t.typnamespace = 'casesync'::regnamespace AND t.typelem = 0
		AND access_statements.access IN ('types', 'publisher')
		AND (t.typtype = 'b' OR t.typname = 'inbound')
		AND (verb = 'GRANT' OR t.typowner <> role)
$$;
COMMENT ON FUNCTION casesync_internal.access_statements(regrole, text, text) IS
	'the GRANT or REVOKE statements that an access consists of; no owner loses what is its own';

CREATE OR REPLACE FUNCTION casesync_internal.check_access(access text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.access_right r
		WHERE r.access = check_access.access)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('access "%s" does not exist', check_access.access),
			hint => (SELECT format('Accesses: %s.', string_agg(DISTINCT r.access, ', '))
				FROM casesync_internal.access_right r));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_access(text) IS 'an error for what is no access';

CREATE OR REPLACE FUNCTION casesync_internal.check_role(role regrole)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = check_role.role) THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => 'this role does not exist',
			hint => 'SELECT rolname FROM pg_roles;');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_role(regrole) IS
	'an error for a role that does not exist: a number, or NULL';

CREATE OR REPLACE FUNCTION casesync_internal.change_access(role regrole, access text, verb text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	PERFORM casesync_internal.check_access(access);
	FOR statement IN
		SELECT * FROM casesync_internal.access_statements(role, change_access.access, verb)
	LOOP
		PERFORM casesync_internal.execute_apart(statement);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.change_access(regrole, text, text) IS
	'grant or revoke what an access consists of';

/*
 * Types are for who writes SQL with codes and records; approvers, readers and the bridge do
 * without.
 */
CREATE OR REPLACE FUNCTION casesync_internal.give_access(role regrole, access text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.execute_apart(
		format('GRANT USAGE ON SCHEMA casesync, casesync_internal TO %s', role));
	/* These see records or make them, and so need the types that records are made of. */
	IF access IN ('publisher', 'admin', 'reviewer', 'auditor', 'portal') THEN
		PERFORM casesync_internal.change_access(role, 'types', 'GRANT');
	END IF;
	PERFORM casesync_internal.change_access(role, access, 'GRANT');
END
$$;
COMMENT ON FUNCTION casesync_internal.give_access(regrole, text) IS
	'the rights of an access, with those it builds on';

CREATE OR REPLACE FUNCTION casesync_internal.access_said(role regrole)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('role %s has %s', access_said.role,
		coalesce('the access ' || string_agg(g.access, ', ' ORDER BY g.access), 'no access'))
		|| CASE WHEN (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = access_said.role)
			THEN '; it is a superuser, and may do everything in any case' ELSE '' END
	  FROM casesync_internal.access_given g
	 WHERE g.role = (SELECT r.rolname FROM pg_roles r WHERE r.oid = access_said.role)
$$;
COMMENT ON FUNCTION casesync_internal.access_said(regrole) IS
	'what grant_access() and revoke_access() answer';

/*
 * Each grant is noted, to be given again by an upgrade: its lists may be others. By a name that is
 * checked, into statements that are written here only (%s of a regrole quotes it).
 */
CREATE OR REPLACE FUNCTION casesync_internal.grant_access_for(caller regrole, role regrole,
	access text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	statement constant text := format('SELECT casesync.grant_access(%L, %L);', role::text, access);
	agreed record;
BEGIN
	PERFORM casesync_internal.check_role(role);
	PERFORM casesync_internal.check_access(access);
	PERFORM casesync_internal.forget_lost_access();
	SELECT true AS is_agreed, NULL::regrole AS asked_by INTO agreed;
	IF casesync_internal.needs_second_person(access) THEN
		agreed := casesync_internal.change_agree(caller, 'grant_access', role, access, statement);
	END IF;
	PERFORM casesync_internal.audit_note('grant_access', role::text, jsonb_strip_nulls(
		jsonb_build_object('access', access, 'asked_by', agreed.asked_by,
			'waits', nullif(NOT agreed.is_agreed, false))));
	IF NOT agreed.is_agreed THEN
		RETURN casesync_internal.access_said(role) || '; '
			|| casesync_internal.change_said('grant_access', role, access, statement);
	END IF;
	PERFORM casesync_internal.give_access(role, access);
	INSERT INTO casesync_internal.access_given (role, access)
	VALUES ((SELECT r.rolname FROM pg_roles r WHERE r.oid = grant_access_for.role),
		grant_access_for.access)
	ON CONFLICT DO NOTHING;
	RETURN casesync_internal.access_said(role);
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_access_for(regrole, regrole, text) IS
	'see casesync.grant_access()';

CREATE OR REPLACE FUNCTION casesync.grant_access(role regrole, access text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.grant_access(regrole, text) IS
	'give a role an access: types, publisher, admin, approver, bridge, reviewer, auditor, '
	'caseworker, portal, portal_login or reader; an administrator gives most of them together with '
	'a second one';

/*
 * Taking away makes things safer, and so needs nobody else. Accesses overlap: all that the role has
 * goes, and what it keeps is given again, as one.
 */
CREATE OR REPLACE FUNCTION casesync.revoke_access(role regrole, access text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	name name := (SELECT rolname FROM pg_roles WHERE oid = revoke_access.role);
	had boolean;
	waited boolean;
BEGIN
	PERFORM casesync_internal.check_role(role);
	PERFORM casesync_internal.check_access(access);
	PERFORM casesync_internal.forget_lost_access();
	waited := casesync_internal.change_withdraw('grant_access', role, access);
	DELETE FROM casesync_internal.access_given g
	 WHERE g.role = name AND g.access = revoke_access.access;
	had := FOUND;
	/* Also what was given by hand: the lists are gone through in any case. */
	PERFORM casesync_internal.change_access(role, access, 'REVOKE');
	PERFORM casesync_internal.change_access(role, 'types', 'REVOKE');
	PERFORM casesync_internal.give_access(revoke_access.role, g.access)
	   FROM casesync_internal.access_given g WHERE g.role = name;
	IF NOT FOUND AND NOT EXISTS (SELECT FROM pg_namespace n
		WHERE n.nspname = 'casesync' AND n.nspowner = revoke_access.role)
	THEN
		EXECUTE format('REVOKE USAGE ON SCHEMA casesync, casesync_internal FROM %s', role);
	END IF;
	PERFORM casesync_internal.audit_note('revoke_access', role::text,
		jsonb_build_object('access', access));
	RETURN casesync_internal.access_said(role) || CASE
		WHEN waited THEN '; what waited for a second person is withdrawn'
		WHEN NOT had THEN format('; it had not the access %s', access) ELSE '' END;
END
$$;
COMMENT ON FUNCTION casesync.revoke_access(regrole, text) IS
	'take an access from a role, or withdraw what waits for a second person; what its other '
	'accesses need stays';

CREATE OR REPLACE VIEW casesync.pending_changes AS
	SELECT CASE w.what WHEN 'grant_access'
			THEN format('role %s gets the access %s', w.role, w.access)
			ELSE 'four eyes are switched off' END AS change,
		w.asked_by::text AS asked_by, w.asked_at, w.asked_at + interval '7 days' AS waits_until,
		CASE w.what WHEN 'grant_access'
			THEN format('SELECT casesync.grant_access(%L, %L);', w.role::text, w.access)
			ELSE format('SELECT casesync.set_node(%L, four_eyes => false);', n.sender_id)
			END AS agree,
		CASE w.what WHEN 'grant_access'
			THEN format('SELECT casesync.revoke_access(%L, %L);', w.role::text, w.access)
			ELSE format('SELECT casesync.set_node(%L, four_eyes => true);', n.sender_id)
			END AS withdraw
	  FROM casesync_internal.pending_change w JOIN pg_roles a ON a.oid = w.asked_by
	  LEFT JOIN pg_roles r ON r.oid = w.role LEFT JOIN casesync_internal.node n ON true
	 WHERE w.asked_at > now() - interval '7 days' AND (w.role IS NULL OR r.oid IS NOT NULL);
COMMENT ON VIEW casesync.pending_changes IS
	'what an administrator has asked for and a second one has not agreed to yet';
COMMENT ON COLUMN casesync.pending_changes.change IS 'what will be so';
COMMENT ON COLUMN casesync.pending_changes.asked_by IS 'the login that asked for it';
COMMENT ON COLUMN casesync.pending_changes.asked_at IS 'when';
COMMENT ON COLUMN casesync.pending_changes.waits_until IS 'when it is forgotten';
COMMENT ON COLUMN casesync.pending_changes.agree IS 'what another administrator runs to agree';
COMMENT ON COLUMN casesync.pending_changes.withdraw IS
	'what any administrator runs for nobody to agree to it any more';
