/* What health says of accesses: who has too many, what waits, what the bridge has too much. */

/*
 * From the roles that were given an access down to their members, so that it costs as much as there
 * are of these, however many roles the server has. Superusers may do everything in any case.
 */
CREATE OR REPLACE FUNCTION casesync_internal.access_holders(accesses text[])
RETURNS TABLE (role oid, name name, access text, granted_by name)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE holder(role, access, by_role) AS (
		SELECT r.oid, g.access, NULL::oid
		  FROM casesync_internal.access_given g JOIN pg_roles r ON r.rolname = g.role
		 WHERE g.access = ANY (accesses)
		UNION
		SELECT m.member, h.access, m.roleid
		  FROM holder h JOIN pg_auth_members m ON m.roleid = h.role
	)
	SELECT DISTINCT ON (h.role, h.access) h.role, r.rolname, h.access, b.rolname
	  FROM holder h JOIN pg_roles r ON r.oid = h.role LEFT JOIN pg_roles b ON b.oid = h.by_role
	 WHERE r.rolcanlogin AND NOT r.rolsuper
	 ORDER BY h.role, h.access, h.by_role NULLS FIRST
$$;
COMMENT ON FUNCTION casesync_internal.access_holders(text[]) IS
	'which logins have which of these accesses, and by membership in which role (NULL: directly)';

/*
 * Who configures neither puts into force, nor decides about what comes, nor reads content; who
 * looks at what was done has not done it. approver and reviewer decide about different things, one
 * about what leaves and one about what comes, and neither can write what he decides about. Who
 * makes tokens and takes them can be anybody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.holder_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH holder AS MATERIALIZED (
		SELECT * FROM casesync_internal.access_holders(
			'{admin,approver,auditor,reviewer,portal,portal_login}')),
	apart(one, other) AS (VALUES ('admin', 'approver'), ('admin', 'auditor'),
		('admin', 'reviewer'), ('approver', 'auditor'), ('reviewer', 'auditor'),
		('portal', 'portal_login'))
	SELECT 'warning', format('login %I has the accesses %s and %s, which are for two persons',
			a.name, a.access, b.access),
		CASE WHEN b.granted_by IS NULL
			THEN format('SELECT casesync.revoke_access(%L, %L);', quote_ident(b.name), b.access)
			ELSE format('REVOKE %I FROM %I;', b.granted_by, b.name) END
	  FROM apart p JOIN holder a ON a.access = p.one
	  JOIN holder b ON b.role = a.role AND b.access = p.other
	UNION ALL
	SELECT 'warning', format('login %I has the access admin and can make others administrators '
			'by GRANT: it counts as nobody''s second person', h.name), m.statement
	  FROM (SELECT x.role, x.name FROM holder x WHERE x.access = 'admin' OFFSET 0) h
	 CROSS JOIN casesync_internal.makes_administrators(h.role) m(statement)
	 WHERE m.statement IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.holder_problems() IS
	'logins that have more accesses than one person should';

/* Of casework schemas: a policy hides rows, and not what an index made later says of them. */
CREATE OR REPLACE FUNCTION casesync_internal.portal_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT DISTINCT 'warning', format('by index %s the portal %s can find out which values of '
			'%I there are in %s', i.indexrelid::regclass, u.role::regrole, a.attname,
			p.polrelid::regclass),
		format('REVOKE SELECT (%I) ON %s FROM %s;', a.attname, p.polrelid::regclass,
			u.role::regrole)
	  FROM pg_policy p CROSS JOIN unnest(p.polroles) u(role)
	  JOIN pg_index i ON i.indrelid = p.polrelid
	  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
	 WHERE p.polname = 'portal' AND NOT p.polpermissive AND u.role <> 0
	   AND a.attname NOT IN ('id', 'person_id', 'plan_id')
	   AND has_column_privilege(u.role, a.attrelid, a.attnum, 'SELECT')
$$;
COMMENT ON FUNCTION casesync_internal.portal_problems() IS
	'what a portal could learn of others than its visitor: columns that it reads and that lead an '
	'index';

/* From the few logins of bridges up to the roles that they are in: others may have many members. */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_access_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE own(login, name, role, through) AS (
		SELECT h.role, h.name, h.role, NULL::oid
		  FROM casesync_internal.access_holders('{bridge}') h
		UNION
		SELECT o.login, o.name, m.roleid, coalesce(o.through, m.roleid)
		  FROM own o JOIN pg_auth_members m ON m.member = o.role
	)
	SELECT DISTINCT ON (o.name, g.access) 'warning',
		format('login %I faces the network as the bridge, and has the access %s too', o.name,
			g.access),
		CASE WHEN o.through IS NULL
			THEN format('SELECT casesync.revoke_access(%L, %L);', quote_ident(o.name), g.access)
			ELSE format('REVOKE %I FROM %I;', pg_get_userbyid(o.through), o.name) END
	  FROM own o JOIN pg_roles r ON r.oid = o.role
	  JOIN casesync_internal.access_given g ON g.role = r.rolname AND g.access <> 'bridge'
	 ORDER BY o.name, g.access, o.through NULLS FIRST
$$;
COMMENT ON FUNCTION casesync_internal.bridge_access_problems() IS
	'accesses of a bridge''s login beside its own: it faces the network, and should have nothing '
	'else to lose';

CREATE OR REPLACE FUNCTION casesync_internal.is_by_access(role oid, class oid, thing oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE class WHEN 'pg_namespace'::regclass THEN thing IN (
			'casesync'::regnamespace, 'casesync_internal'::regnamespace)
		ELSE EXISTS (
			SELECT FROM pg_proc p JOIN casesync_internal.access_right t
				ON t.access = 'bridge' AND t.object = p.proname
			 WHERE class = 'pg_proc'::regclass AND p.oid = thing
				AND p.pronamespace = 'casesync_internal'::regnamespace)
		OR EXISTS (
			SELECT FROM casesync_internal.access_given g JOIN pg_roles r ON r.rolname = g.role
			  JOIN pg_depend d ON d.classid = class AND d.objid = thing AND d.deptype = 'e'
				AND d.refclassid = 'pg_extension'::regclass
			  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'casesync'
			 WHERE r.oid = is_by_access.role AND g.access <> 'bridge') END
$$;
COMMENT ON FUNCTION casesync_internal.is_by_access(oid, oid, oid) IS
	'whether a right of the bridge''s role is of its access, or of another that it was given';

/*
 * What stands in pg_shdepend of a role in this database is all that it owns or was granted here. Of
 * ours it may have what its list says, and use the two schemas; what it has by other accesses is
 * said by bridge_access_problems().
 */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_extras(role oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH extra(what) AS (
		SELECT a.what FROM pg_roles r CROSS JOIN LATERAL (VALUES
			(r.rolsuper, 'SUPERUSER'), (r.rolcreaterole, 'CREATEROLE'),
			(r.rolcreatedb, 'CREATEDB'), (r.rolreplication, 'REPLICATION'),
			(r.rolbypassrls, 'BYPASSRLS')) a(has, what)
		 WHERE r.oid = bridge_extras.role AND a.has
		UNION ALL
		SELECT format('member of %I', r.rolname)
		  FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
		 WHERE m.member = bridge_extras.role AND NOT EXISTS (
			SELECT FROM casesync_internal.access_given g
			 WHERE g.role = r.rolname AND g.access = 'bridge')
		UNION ALL
		SELECT CASE d.deptype WHEN 'o' THEN 'owner of ' ELSE 'right on ' END
			|| pg_describe_object(d.classid, d.objid, d.objsubid)
		  FROM pg_shdepend d
		 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = bridge_extras.role
		   AND d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
		   AND d.deptype IN ('o', 'a')
		   AND NOT (d.deptype = 'a' AND casesync_internal.is_by_access(bridge_extras.role,
				d.classid, d.objid))
	)
	SELECT (SELECT string_agg(x.what, ', ')
			FROM (SELECT e.what FROM extra e ORDER BY e.what LIMIT 3) x)
		|| CASE WHEN count(*) > 3 THEN format(' and %s more', count(*) - 3) ELSE '' END
	  FROM extra HAVING count(*) > 0
$$;
COMMENT ON FUNCTION casesync_internal.bridge_extras(oid) IS
	'what a role has beyond the access "bridge"; NULL: nothing';

CREATE OR REPLACE FUNCTION casesync_internal.bridge_role_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('the bridge''s role %I has more than its access: %s', b.name, e.what),
		format('CREATE ROLE bridge_only LOGIN; SELECT casesync.grant_access(''bridge_only'', '
			'''bridge'');  -- or take from %I what it has too much', b.name)
	  FROM (
		SELECT r.oid AS role, r.rolname AS name
		  FROM casesync_internal.access_given g JOIN pg_roles r ON r.rolname = g.role
		 WHERE g.access = 'bridge'
		UNION
		SELECT h.role, h.name FROM casesync_internal.access_holders('{bridge}') h) b
	 CROSS JOIN casesync_internal.bridge_extras(b.role) e(what) WHERE e.what IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.bridge_role_problems() IS
	'whether the role that faces the network may do more than it must';

/*
 * A role that was renamed keeps its rights and is not found by its name: said while there is a role
 * that may use the schema and was given no access.
 */
CREATE OR REPLACE FUNCTION casesync_internal.renamed_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('role %I has the access %s and does not exist under that name: if it '
			'was renamed, upgrades give it nothing new', g.role, g.access),
		format(CASE cardinality(u.names) WHEN 1 THEN 'SELECT casesync.grant_access(%1$L, %2$L);'
			ELSE '-- %1$s: which is it? SELECT casesync.grant_access(''…'', %2$L);' END,
			array_to_string(u.names, ', '), g.access)
	  FROM casesync_internal.access_given g
	 CROSS JOIN (
		SELECT array_agg(quote_ident(r.rolname) ORDER BY r.rolname) AS names
		  FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
		 WHERE n.nspname = 'casesync' AND a.privilege_type = 'USAGE' AND r.oid <> n.nspowner
		   AND NOT EXISTS (
			SELECT FROM casesync_internal.access_given o WHERE o.role = r.rolname)) u
	 WHERE u.names IS NOT NULL AND to_regrole(quote_ident(g.role)) IS NULL
$$;
COMMENT ON FUNCTION casesync_internal.renamed_problems() IS
	'accesses of roles whose name is gone';

CREATE OR REPLACE FUNCTION casesync_internal.rights_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', 'four eyes are off: who writes an agreement may put it into force himself',
		format('SELECT casesync.set_node(%L, four_eyes => true);', n.sender_id)
	  FROM casesync_internal.node n WHERE NOT n.four_eyes
	UNION ALL
	SELECT 'warning', format('%s has asked that %s: this waits for a second person', c.asked_by,
			c.change),
		format('%s  -- or: %s', c.agree, c.withdraw)
	  FROM casesync.pending_changes c
	UNION ALL SELECT * FROM casesync_internal.holder_problems()
	UNION ALL SELECT * FROM casesync_internal.bridge_access_problems()
	UNION ALL SELECT * FROM casesync_internal.portal_problems()
	UNION ALL SELECT * FROM casesync_internal.bridge_role_problems()
	UNION ALL SELECT * FROM casesync_internal.renamed_problems()
$$;
COMMENT ON FUNCTION casesync_internal.rights_problems() IS
	'who may do more than one person should, and what waits for a second one';
