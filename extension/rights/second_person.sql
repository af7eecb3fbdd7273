/*
 * What one administrator cannot do alone. Who calls is known by two names: session_user is the
 * login, which only a superuser can change; current_user is whose rights are used. Within a
 * SECURITY DEFINER function these are its owner's, in whoever's session it runs: there nobody
 * speaks for himself.
 */

CREATE OR REPLACE FUNCTION casesync_internal.decides_alone(role name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_has_role(decides_alone.role, d.datdba, 'USAGE') FROM pg_database d
	 WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION casesync_internal.decides_alone(name) IS
	'whether a role has the rights of the database''s owner, or is a superuser';

/* Accesses that see content or decide; and admin, since two of one person would be a second one. */
CREATE OR REPLACE FUNCTION casesync_internal.needs_second_person(access text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT access IN ('admin', 'approver', 'auditor', 'bridge', 'reviewer')
$$;
COMMENT ON FUNCTION casesync_internal.needs_second_person(text) IS
	'whether an administrator gives this access only together with a second person';

/* The outer role: what SET ROLE made it, which SECURITY DEFINER functions do not change. */
CREATE OR REPLACE FUNCTION casesync_internal.is_in_person(called_as name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT called_as = coalesce(nullif(current_setting('role'), 'none'), session_user)
$$;
COMMENT ON FUNCTION casesync_internal.is_in_person(name) IS
	'whether the caller''s rights are those of this login, or of the role that it has SET';

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

/* Only what administrators may call may wait: approvers may insert as well. */
CREATE OR REPLACE FUNCTION casesync_internal.check_asked(wanted casesync_internal.asked)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT has_function_privilege(wanted.called_as, 'casesync.grant_access(regrole, text)',
		'EXECUTE')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('role %I has not the access "admin"', wanted.called_as));
	END IF;
	IF wanted.what <> 'grant_access' THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.check_role(wanted.role);
	PERFORM casesync_internal.check_access(wanted.access);
END
$$;
COMMENT ON FUNCTION casesync_internal.check_asked(casesync_internal.asked) IS
	'whether this can be asked for, by this role, or an error';

/* What needs nobody else: given already, harmless, or asked for by whoever may do everything. */
CREATE OR REPLACE FUNCTION casesync_internal.needs_nobody(wanted casesync_internal.asked)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.decides_alone(wanted.called_as) OR CASE wanted.what
		WHEN 'grant_access' THEN NOT casesync_internal.needs_second_person(wanted.access)
		WHEN 'four_eyes_off' THEN EXISTS (
			SELECT FROM casesync_internal.node n WHERE NOT n.four_eyes)
		ELSE true END
$$;
COMMENT ON FUNCTION casesync_internal.needs_nobody(casesync_internal.asked) IS
	'whether one person is enough for this';

/* Within a SECURITY DEFINER function a login would lend its name to the function's owner. */
CREATE OR REPLACE FUNCTION casesync_internal.check_in_person(wanted casesync_internal.asked)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.is_in_person(wanted.called_as) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => 'a decision for two persons is not taken inside a function of others',
			detail => format('Login %s calls a SECURITY DEFINER function of %s.', session_user,
				wanted.called_as),
			hint => format('SELECT casesync.%s;  -- called by itself', CASE wanted.what
				WHEN 'grant_access' THEN 'grant_access(role, access)'
				ELSE 'set_node(sender_id, four_eyes => false)' END));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_in_person(casesync_internal.asked) IS
	'an error where rights of another than the login are used';

CREATE OR REPLACE FUNCTION casesync_internal.asked_judge()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	earlier casesync_internal.asked;
BEGIN
	NEW.asked_by := to_regrole(quote_ident(session_user));
	NEW.asked_at := clock_timestamp();
	NEW.xid := pg_current_xact_id();
	NEW.first_asked_by := NULL;
	IF NEW.what IN ('grant_access', 'four_eyes_off') THEN
		PERFORM casesync_internal.check_asked(NEW);
	END IF;
	NEW.is_agreed := casesync_internal.needs_nobody(NEW);
	IF NOT NEW.is_agreed THEN
		PERFORM casesync_internal.check_in_person(NEW);
		SELECT w.* INTO earlier FROM casesync_internal.asked_waiting() w
		 WHERE w.what = NEW.what AND w.role IS NOT DISTINCT FROM NEW.role
			AND w.access IS NOT DISTINCT FROM NEW.access
			AND casesync_internal.why_not_second(w.asked_by, NEW.asked_by) IS NULL
		 ORDER BY w.id LIMIT 1;
		NEW.is_agreed := earlier.id IS NOT NULL;
		NEW.first_asked_by := earlier.asked_by;
		DELETE FROM casesync_internal.asked w WHERE w.what = NEW.what AND w.asked_by = NEW.asked_by
			AND w.role IS NOT DISTINCT FROM NEW.role AND w.access IS NOT DISTINCT FROM NEW.access;
	END IF;
	DELETE FROM casesync_internal.asked w WHERE w.asked_at < now() - interval '7 days';
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION casesync_internal.asked_judge() IS
	'trigger: whether what is asked for is agreed now, or waits for a second person';

CREATE OR REPLACE TRIGGER asked_judge BEFORE INSERT ON casesync_internal.asked
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.asked_judge();

CREATE OR REPLACE FUNCTION casesync_internal.asked_waiting()
RETURNS SETOF casesync_internal.asked
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT w.* FROM casesync_internal.asked w JOIN pg_roles a ON a.oid = w.asked_by
	 WHERE NOT w.is_agreed AND w.asked_at > now() - interval '7 days'
		AND (w.role IS NULL OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = w.role))
$$;
COMMENT ON FUNCTION casesync_internal.asked_waiting() IS
	'what waits for a second person, for seven days';

/* With the caller's rights, or the policy would see the extension's owner. */
CREATE OR REPLACE FUNCTION casesync_internal.ask(what text, role regrole DEFAULT NULL,
	access text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.asked (what, role, access) VALUES (what, role, access)
$$;
COMMENT ON FUNCTION casesync_internal.ask(text, regrole, text) IS
	'say who calls, for asked_take() in the same transaction';

CREATE OR REPLACE FUNCTION casesync_internal.asked_take(what text, role regrole DEFAULT NULL,
	access text DEFAULT NULL)
RETURNS casesync_internal.asked
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken casesync_internal.asked;
BEGIN
	DELETE FROM casesync_internal.asked w
	 WHERE w.is_agreed AND w.xid = pg_current_xact_id() AND w.what = asked_take.what
		AND w.role IS NOT DISTINCT FROM asked_take.role
		AND w.access IS NOT DISTINCT FROM asked_take.access
	RETURNING w.* INTO taken;
	/* What was waiting for it waits no longer. */
	IF FOUND THEN
		PERFORM casesync_internal.asked_withdraw(what, role, access);
	END IF;
	RETURN taken;
END
$$;
COMMENT ON FUNCTION casesync_internal.asked_take(text, regrole, text) IS
	'use up what was asked for in this transaction and is agreed; NULL: nothing';

CREATE OR REPLACE FUNCTION casesync_internal.asked_called(what text)
RETURNS casesync_internal.asked
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken casesync_internal.asked := casesync_internal.asked_take(what);
BEGIN
	IF taken.id IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => 'this is called by another function only',
			hint => format('SELECT casesync.%s(…);', what));
	END IF;
	RETURN taken;
END
$$;
COMMENT ON FUNCTION casesync_internal.asked_called(text) IS
	'who called the function of that name just now, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.asked_withdraw(what text, role regrole DEFAULT NULL,
	access text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.asked w
	 WHERE w.what = asked_withdraw.what AND w.role IS NOT DISTINCT FROM asked_withdraw.role
		AND w.access IS NOT DISTINCT FROM asked_withdraw.access;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.asked_withdraw(text, regrole, text) IS
	'nobody waits for this any longer; false: nobody did';

/* A superuser's function speaks for whoever may call it: that is what he made it for. */
CREATE OR REPLACE FUNCTION casesync_internal.lent_by(taken casesync_internal.asked)
RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT taken.called_as WHERE NOT casesync_internal.is_in_person(taken.called_as)
		AND NOT casesync_internal.decides_alone(taken.called_as)
$$;
COMMENT ON FUNCTION casesync_internal.lent_by(casesync_internal.asked) IS
	'the owner of the SECURITY DEFINER function whose rights this login used; NULL: its own';
