/*
 * What one administrator cannot do alone. Who calls is known by two names: session_user is the
 * login, which only a superuser can change; caller (known_caller.c) is whose rights are used.
 * Within a SECURITY DEFINER function these are its owner's, in whoever's session it runs: there
 * nobody speaks for himself.
 */

CREATE OR REPLACE FUNCTION casesync_internal.decides_alone(caller regrole)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_has_role(caller, d.datdba, 'USAGE') FROM pg_database d
	 WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION casesync_internal.decides_alone(regrole) IS
	'whether a role has the rights of the database''s owner, or is a superuser';

/*
 * Accesses that see content or decide, also about who somebody is; and admin, since two of one
 * person would be a second one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.needs_second_person(access text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT access IN ('admin', 'approver', 'auditor', 'bridge', 'portal_login', 'reviewer')
$$;
COMMENT ON FUNCTION casesync_internal.needs_second_person(text) IS
	'whether an administrator gives this access only together with a second person';

/* The outer role: what SET ROLE made it, which SECURITY DEFINER functions do not change. */
CREATE OR REPLACE FUNCTION casesync_internal.is_in_person(caller regrole)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(caller = to_regrole(quote_ident(
		coalesce(nullif(current_setting('role'), 'none'), session_user))), false)
$$;
COMMENT ON FUNCTION casesync_internal.is_in_person(regrole) IS
	'whether the caller''s rights are those of this login, or of the role that it has SET';

/* A superuser's function speaks for whoever may call it: that is what he made it for. */
CREATE OR REPLACE FUNCTION casesync_internal.lent_by(caller regrole)
RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.rolname FROM pg_roles r WHERE r.oid = caller
		AND NOT casesync_internal.is_in_person(caller)
		AND NOT casesync_internal.decides_alone(caller)
$$;
COMMENT ON FUNCTION casesync_internal.lent_by(regrole) IS
	'the owner of the SECURITY DEFINER function whose rights this login uses; NULL: its own';

/* A superuser counts as a member of every role, and is not everybody. */
CREATE OR REPLACE FUNCTION casesync_internal.may_become(role oid, other oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_roles r WHERE r.oid = may_become.role AND NOT r.rolsuper
		AND pg_has_role(r.oid, may_become.other, 'MEMBER'))
$$;
COMMENT ON FUNCTION casesync_internal.may_become(oid, oid) IS
	'whether a role is the other one or a member of it, directly or not';

CREATE OR REPLACE FUNCTION casesync_internal.is_same_person(role oid, other oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(role = other OR casesync_internal.may_become(role, other)
		OR casesync_internal.may_become(other, role), false)
$$;
COMMENT ON FUNCTION casesync_internal.is_same_person(oid, oid) IS
	'whether two roles may be in one hand: they are one, or one is a member of the other';

CREATE OR REPLACE FUNCTION casesync_internal.is_administrator(login oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM casesync_internal.access_given g WHERE g.access = 'admin'
		AND pg_has_role(login, to_regrole(quote_ident(g.role)), 'MEMBER'))
$$;
COMMENT ON FUNCTION casesync_internal.is_administrator(oid) IS
	'whether a login has the access "admin", directly or by a role';

/*
 * Whoever may hand on a role that has the access can make himself as many persons as he likes. Up
 * to PostgreSQL 15 that is everybody who may make roles. From the login up to the roles it is in:
 * health asks this of every administrator.
 */
CREATE OR REPLACE FUNCTION casesync_internal.makes_administrators(login oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE own(role) AS (
		SELECT r.oid FROM pg_roles r WHERE r.oid = makes_administrators.login AND NOT r.rolsuper
		UNION
		SELECT m.roleid FROM own o JOIN pg_auth_members m ON m.member = o.role
	)
	SELECT format('ALTER ROLE %I NOCREATEROLE;', r.rolname)
	  FROM own o JOIN pg_roles r ON r.oid = o.role
	 WHERE r.rolcreaterole AND current_setting('server_version_num')::integer < 160000
	UNION ALL
	SELECT format('REVOKE ADMIN OPTION FOR %I FROM %I;', pg_get_userbyid(m.roleid),
		pg_get_userbyid(m.member))
	  FROM own o JOIN pg_auth_members m ON m.member = o.role AND m.admin_option
	 WHERE casesync_internal.is_administrator(m.roleid)
	 LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.makes_administrators(oid) IS
	'the statement that keeps a login from giving the access "admin" to others by GRANT of a role; '
	'NULL: it cannot';

CREATE OR REPLACE FUNCTION casesync_internal.why_not_second(first oid, second oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN first = second THEN 'it is the same login'
		WHEN casesync_internal.is_same_person(first, second)
			THEN 'one of them is a member of the other''s role'
		WHEN NOT casesync_internal.is_administrator(first)
			THEN 'the first of them is no administrator any more'
		WHEN casesync_internal.makes_administrators(first) IS NOT NULL
			OR casesync_internal.makes_administrators(second) IS NOT NULL
			THEN 'one of them can make others administrators by GRANT (CREATEROLE, or ADMIN OPTION)'
		END
$$;
COMMENT ON FUNCTION casesync_internal.why_not_second(oid, oid) IS
	'why these two logins do not count as two persons; NULL: they do';

/* Within a SECURITY DEFINER function a login would lend its name to the function's owner. */
CREATE OR REPLACE FUNCTION casesync_internal.check_in_person(caller regrole, statement text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.is_in_person(caller) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => 'a decision for two persons is not taken inside a function of others',
			detail => format('Login %s calls a SECURITY DEFINER function of %s.', session_user,
				caller),
			hint => format('%s  -- called by itself', statement));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_in_person(regrole, text) IS
	'an error where rights of another than the login are used';

CREATE OR REPLACE FUNCTION casesync_internal.changes_waiting(what text, role regrole, access text)
RETURNS SETOF casesync_internal.pending_change
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.* FROM casesync_internal.pending_change c JOIN pg_roles a ON a.oid = c.asked_by
	 WHERE c.what = changes_waiting.what AND c.role IS NOT DISTINCT FROM changes_waiting.role
		AND c.access IS NOT DISTINCT FROM changes_waiting.access
		AND c.asked_at > now() - interval '7 days'
	 ORDER BY c.id
$$;
COMMENT ON FUNCTION casesync_internal.changes_waiting(text, regrole, text) IS
	'who asked for this and waits for a second person, for seven days';

CREATE OR REPLACE FUNCTION casesync_internal.change_withdraw(what text, role regrole, access text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.pending_change c
	 WHERE c.what = change_withdraw.what AND c.role IS NOT DISTINCT FROM change_withdraw.role
		AND c.access IS NOT DISTINCT FROM change_withdraw.access;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.change_withdraw(text, regrole, text) IS
	'nobody waits for this any longer; false: nobody did';

/*
 * Whoever asks first waits, and the first who asks the same and is somebody else carries it out.
 * Two who ask at the same moment both wait, until one of them asks again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.change_agree(caller regrole, what text, role regrole,
	access text, statement text, OUT is_agreed boolean, OUT asked_by regrole)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	me constant regrole := to_regrole(quote_ident(session_user));
BEGIN
	is_agreed := casesync_internal.decides_alone(caller);
	IF NOT is_agreed THEN
		PERFORM casesync_internal.check_in_person(caller, statement);
		SELECT c.asked_by INTO asked_by
		  FROM casesync_internal.changes_waiting(change_agree.what, change_agree.role,
			change_agree.access) c
		 WHERE casesync_internal.why_not_second(c.asked_by, me) IS NULL LIMIT 1;
		is_agreed := FOUND;
	END IF;
	DELETE FROM casesync_internal.pending_change c
	 WHERE c.asked_at < now() - interval '7 days' OR c.what = change_agree.what
		AND c.role IS NOT DISTINCT FROM change_agree.role
		AND c.access IS NOT DISTINCT FROM change_agree.access
		AND (is_agreed OR c.asked_by = me);
	IF NOT is_agreed THEN
		INSERT INTO casesync_internal.pending_change (what, role, access, asked_by)
		VALUES (change_agree.what, change_agree.role, change_agree.access, me);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.change_agree(regrole, text, regrole, text, text) IS
	'whether this may be done now, and who had asked for it; else it waits from now on';

/* Why the one who asked now did not count, where somebody else waits for a second person. */
CREATE OR REPLACE FUNCTION casesync_internal.change_said(what text, role regrole, access text,
	statement text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('that waits for a second person: within 7 days another login with the access '
		'"admin", or the database''s owner, runs %s', statement) || coalesce((
		SELECT format(' (%s and %s do not count as two: %s)', c.asked_by, session_user, y.why)
		  FROM casesync_internal.changes_waiting(what, role, access) c
		 CROSS JOIN to_regrole(quote_ident(session_user)) me(role)
		 CROSS JOIN casesync_internal.why_not_second(c.asked_by, me.role) y(why)
		 WHERE c.asked_by <> me.role LIMIT 1), '')
$$;
COMMENT ON FUNCTION casesync_internal.change_said(text, regrole, text, text) IS
	'what is answered to somebody who cannot do this alone';
