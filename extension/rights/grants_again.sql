/*
 * The last part of install and upgrade: nothing to PUBLIC, and what grant_access() gave applied
 * anew. Only what PUBLIC has is taken, and only of what is new: a REVOKE in a script of the
 * extension makes PostgreSQL take the site's own grants on that object for the extension's, and
 * pg_dump would leave them out. The row types of tables and views keep what all types have: pg_dump
 * would warn of each REVOKE, and without USAGE on the schema nobody can name them.
 */
DO $$
DECLARE
	statement text;
BEGIN
	FOR statement IN
		SELECT format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure) FROM pg_proc p
		 WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
		   AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE a.grantee = 0)
		UNION ALL
		SELECT format('REVOKE ALL ON TABLE %s FROM PUBLIC', c.oid::regclass) FROM pg_class c
		 WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
		   AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
		UNION ALL
		SELECT format('REVOKE ALL ON TYPE %s FROM PUBLIC', t.oid::regtype) FROM pg_type t
		 WHERE t.typnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
		   AND t.typelem = 0
		   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
		   AND EXISTS (SELECT FROM aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) a
			WHERE a.grantee = 0)
		UNION ALL
		SELECT format('REVOKE ALL ON SCHEMA %s FROM PUBLIC', n.nspname) FROM pg_namespace n
		 WHERE n.nspname IN ('casesync', 'casesync_internal')
		   AND EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = 0)
	LOOP
		EXECUTE statement;
	END LOOP;
	PERFORM casesync_internal.give_access(to_regrole(quote_ident(g.role)), g.access)
	   FROM casesync_internal.access_given g WHERE to_regrole(quote_ident(g.role)) IS NOT NULL;
END
$$;
