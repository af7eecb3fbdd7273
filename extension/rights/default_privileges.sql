/*
 * Who gets rights on whatever is new in this database (ALTER DEFAULT PRIVILEGES) gets none on what is
 * ours. At install only: later it would take what the site itself has given.
 */
DO $$
DECLARE
	statement text;
BEGIN
	FOR statement IN
		WITH member AS (
			SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
				AND e.extname = 'casesync'
		), own AS (
			SELECT format('SCHEMA %I', n.nspname) AS object, n.nspacl AS acl, n.nspowner AS owner
			  FROM pg_namespace n WHERE n.nspname = 'casesync' OR n.oid IN (
				SELECT m.objid FROM member m WHERE m.classid = 'pg_namespace'::regclass)
			UNION ALL
			SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass,
				c.relacl, c.relowner
			  FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
			UNION ALL
			SELECT 'ROUTINE ' || p.oid::regprocedure, p.proacl, p.proowner
			  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
			UNION ALL
			SELECT 'TYPE ' || t.oid::regtype, t.typacl, t.typowner
			  FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
		)
		SELECT format('REVOKE ALL ON %s FROM %s', o.object, a.grantee::regrole)
		  FROM own o CROSS JOIN LATERAL (SELECT DISTINCT x.grantee FROM aclexplode(o.acl) x) a
		 WHERE a.grantee NOT IN (0, o.owner)
	LOOP
		EXECUTE statement;
	END LOOP;
END
$$;
