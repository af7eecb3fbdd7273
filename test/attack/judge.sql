-- What must not change: everything that is not the attacker's own. Made in the node before anybody attacks, and asked after.
\set ON_ERROR_STOP on
CREATE SCHEMA judge;

CREATE FUNCTION judge.is_theirs(owner oid) RETURNS boolean LANGUAGE sql STABLE AS
	$$ SELECT EXISTS (SELECT FROM pg_roles r WHERE r.oid = owner AND r.rolname LIKE 'mallory%') $$;
CREATE FUNCTION judge.owner_of(relation text) RETURNS text LANGUAGE sql STABLE AS
	$$ SELECT pg_get_userbyid(c.relowner)::text FROM pg_class c WHERE c.oid = CASE WHEN relation ~ '^\d+$' THEN relation::oid ELSE to_regclass(relation) END $$;
CREATE FUNCTION judge.owner_of_function(function text) RETURNS text LANGUAGE sql STABLE AS
	$$ SELECT pg_get_userbyid(p.proowner)::text FROM pg_proc p WHERE p.oid = CASE WHEN function ~ '^\d+$' THEN function::oid ELSE to_regprocedure(function) END $$;

-- What an access that is written down gives is told by that row alone: here stand the rights that none gives.
CREATE TABLE judge.given (role name, object text, privilege text, PRIMARY KEY (role, object, privilege));
CREATE FUNCTION judge.look_up() RETURNS void LANGUAGE sql AS $$
	DELETE FROM judge.given;
	INSERT INTO judge.given
	SELECT g.role, CASE WHEN r.object LIKE '% ON %' THEN split_part(r.object, ' ON ', 2) ELSE r.object END, p
	  FROM casesync_internal.access_given g JOIN casesync_internal.access_right r ON r.access = g.access
		OR (r.access = 'types' AND g.access IN ('publisher', 'admin', 'reviewer', 'auditor', 'portal'))
	 CROSS JOIN string_to_table(CASE WHEN r.object LIKE '% ON %' THEN split_part(r.object, ' ON ', 1) ELSE 'EXECUTE' END, ',') p
	UNION SELECT g.role, 'a schema', 'USAGE' FROM casesync_internal.access_given g
	UNION SELECT g.role, 'a type', 'USAGE' FROM casesync_internal.access_given g WHERE g.access IN ('types', 'publisher', 'admin', 'reviewer', 'auditor', 'portal');
	-- an owner's own rights are nobody's gift
	DELETE FROM judge.given g USING pg_extension e WHERE e.extname = 'casesync' AND g.role = pg_get_userbyid(e.extowner)
$$;
CREATE FUNCTION judge.sorted(acl aclitem[], object text DEFAULT NULL) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	item record;
	kept text[] := '{}';
BEGIN
	IF object IS NULL OR acl IS NULL THEN
		RETURN (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(acl) a);
	END IF;
	FOR item IN SELECT pg_get_userbyid(x.grantee) AS role, x.privilege_type AS privilege, x.is_grantable FROM aclexplode(acl) x LOOP
		IF item.is_grantable OR NOT EXISTS (SELECT FROM judge.given g WHERE g.role = item.role AND g.object = sorted.object AND g.privilege = item.privilege) THEN
			kept := kept || format('%s=%s', item.role, item.privilege);
		END IF;
	END LOOP;
	RETURN (SELECT string_agg(k, ' ' ORDER BY k) FROM unnest(kept) k);
END
$$;

-- rights and definitions: place, and what is there
-- (each name with its schema: whatever was made in schema public would change how things are written)
CREATE FUNCTION judge.catalog() RETURNS TABLE (place text, r jsonb) LANGUAGE sql SET search_path = pg_catalog AS $$
	WITH relation AS (
		SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE NOT judge.is_theirs(c.relowner) AND n.nspname !~ '^pg_(toast|temp)' AND n.nspname <> 'judge')
	SELECT 'role', to_jsonb(t) - 'oid' FROM (SELECT a.*, pg_get_userbyid(a.oid) FROM pg_authid a) t
	UNION ALL SELECT 'membership', to_jsonb(t) FROM pg_auth_members t
	UNION ALL SELECT 'default rights', to_jsonb(t) FROM pg_default_acl t
	UNION ALL SELECT 'setting of a role', to_jsonb(t) FROM pg_db_role_setting t
	UNION ALL SELECT 'database', jsonb_build_object('rights', judge.sorted(t.datacl), 'owner', t.datdba) FROM pg_database t WHERE t.datname = current_database()
	UNION ALL SELECT 'schema', jsonb_build_object('name', t.nspname, 'rights', judge.sorted(t.nspacl, CASE WHEN t.nspname LIKE 'casesync%' THEN 'a schema' END), 'owner', t.nspowner) FROM pg_namespace t
		WHERE NOT judge.is_theirs(t.nspowner) AND t.nspname !~ '^pg_(toast|temp)'
	UNION ALL SELECT 'function', jsonb_build_object('name', t.oid::regprocedure, 'rights', judge.sorted(t.proacl, CASE WHEN n.nspname LIKE 'casesync%' THEN t.proname END), 'what', md5((to_jsonb(t) - 'proacl')::text)) FROM pg_proc t
		 JOIN pg_namespace n ON n.oid = t.pronamespace
		WHERE NOT judge.is_theirs(t.proowner) AND n.nspname !~ '^(pg_temp|judge$)'
		-- PostgreSQL makes the constructors of a range type its own
		  AND NOT (judge.is_theirs(n.nspowner) AND NOT t.prosecdef)
	UNION ALL SELECT 'relation', jsonb_build_object('name', t.oid::regclass, 'kind', t.relkind, 'owner', t.relowner, 'rights', judge.sorted(t.relacl, CASE WHEN t.relnamespace::regnamespace::text LIKE 'casesync%' THEN t.relname END), 'options', t.reloptions,
		'security', ARRAY[t.relrowsecurity, t.relforcerowsecurity], 'view', CASE WHEN t.relkind IN ('v', 'm') THEN md5(pg_get_viewdef(t.oid)) END) FROM relation t
	UNION ALL SELECT 'column', jsonb_build_object('relation', t.attrelid::regclass, 'name', t.attname, 'type', t.atttypid, 'rights', judge.sorted(t.attacl), 'must', t.attnotnull,
		'default', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = t.attrelid AND d.adnum = t.attnum))
		FROM pg_attribute t JOIN relation c ON c.oid = t.attrelid WHERE c.oid >= 16384 AND NOT t.attisdropped
	UNION ALL SELECT 'trigger', jsonb_build_object('trigger', pg_get_triggerdef(t.oid), 'state', t.tgenabled) FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid
	UNION ALL SELECT 'policy', to_jsonb(t) - '{oid,polqual,polwithcheck}'::text[] || jsonb_build_object('using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
		FROM pg_policy t JOIN relation c ON c.oid = t.polrelid
	UNION ALL SELECT 'rule', jsonb_build_object('rule', pg_get_ruledef(t.oid), 'on', t.ev_enabled) FROM pg_rewrite t JOIN relation c ON c.oid = t.ev_class
	UNION ALL SELECT 'constraint', jsonb_build_object('name', t.conname, 'constraint', pg_get_constraintdef(t.oid), 'of', t.conrelid::regclass) FROM pg_constraint t JOIN relation c ON c.oid = t.conrelid
	UNION ALL SELECT 'type', jsonb_build_object('name', t.oid::regtype, 'rights', judge.sorted(t.typacl, CASE WHEN t.typnamespace::regnamespace::text LIKE 'casesync%' THEN 'a type' END), 'owner', t.typowner) FROM pg_type t
		WHERE NOT judge.is_theirs(t.typowner) AND t.typnamespace::regnamespace::text !~ '^pg_(toast|temp)' AND t.typnamespace <> 'judge'::regnamespace
	UNION ALL SELECT 'operator', to_jsonb(t) FROM pg_operator t WHERE NOT judge.is_theirs(t.oprowner)
	UNION ALL SELECT 'extension', to_jsonb(t) FROM pg_extension t
	UNION ALL SELECT 'member', to_jsonb(t) FROM pg_depend t WHERE t.deptype = 'e'
	UNION ALL SELECT 'event trigger', to_jsonb(t) FROM pg_event_trigger t
	UNION ALL SELECT 'language', to_jsonb(t) FROM pg_language t
	UNION ALL SELECT 'publication', to_jsonb(t) FROM pg_publication t
	UNION ALL SELECT 'server', to_jsonb(t) FROM pg_foreign_data_wrapper t
$$;

-- rows of casesync and of those who use it
CREATE FUNCTION judge.rows() RETURNS TABLE (place text, r jsonb) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
	t regclass;
BEGIN
	FOR t IN SELECT c.oid FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('casesync', 'casesync_internal', 'app', 'a', 'c', 'w') LOOP
		RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(t) FROM ONLY %s t', t, t);
	END LOOP;
END
$$;

CREATE TABLE judge.before (place text, r jsonb);
CREATE FUNCTION judge.remember() RETURNS void LANGUAGE sql AS $$
	SELECT judge.look_up();
	DELETE FROM judge.before;
	INSERT INTO judge.before SELECT * FROM judge.rows() UNION ALL SELECT 'catalog: ' || c.place, c.r FROM judge.catalog() c
$$;
SELECT judge.remember();

CREATE FUNCTION judge.differences() RETURNS TABLE (op text, place text, r jsonb) LANGUAGE sql AS $$
	SELECT judge.look_up();
	WITH now AS MATERIALIZED (SELECT * FROM judge.rows() UNION ALL SELECT 'catalog: ' || c.place, c.r FROM judge.catalog() c)
	SELECT '-', g.* FROM (SELECT * FROM judge.before EXCEPT ALL SELECT * FROM now) g
	UNION ALL
	SELECT '+', n.* FROM (SELECT * FROM now EXCEPT ALL SELECT * FROM judge.before) n
$$;
