/*
 * Making a casework schema, publishing it and taking that back: with the caller's rights only. What
 * a schema consists of is in the other files here.
 */
CREATE OR REPLACE FUNCTION casesync_internal.casework_schema_free(schema name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF schema IS NULL OR schema = '' OR schema ~ '^pg_'
		OR schema IN ('casesync', 'casesync_internal', 'information_schema')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s can be no casework schema',
				coalesce(quote_literal(schema), 'NULL')),
			hint => 'SELECT casesync.create_casework(''casework'');');
	ELSIF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = schema)
		OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = schema)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'duplicate_object',
			message => format('schema %I is not empty', schema),
			hint => 'SELECT casesync.create_casework(''another_name'');');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.casework_schema_free(name) IS
	'an error for a schema that create_casework() cannot fill';

/* search_path ends with the function: nothing of the caller's session is changed. */
CREATE OR REPLACE FUNCTION casesync.create_casework(schema name)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET check_function_bodies = off
AS $$
DECLARE
	statement text;
BEGIN
	PERFORM casesync_internal.casework_schema_free(schema);
	IF to_regnamespace(quote_ident(schema)) IS NULL THEN
		EXECUTE format('CREATE SCHEMA %I', schema);
	END IF;
	PERFORM set_config('search_path', format('%I, casesync, pg_temp', schema), true);
	FOR statement IN
		SELECT p.statement FROM casesync_internal.casework_part p ORDER BY p.place
	LOOP
		EXECUTE statement;
	END LOOP;
	RETURN format('schema %I is made; next: INSERT INTO %1$I.organisation …; '
		'SELECT * FROM casesync.publish_casework(%L);', schema, schema);
END
$$;
COMMENT ON FUNCTION casesync.create_casework(name) IS
	'make the casework schema: ordinary tables, views and functions of the caller''s, under any '
	'name';

CREATE OR REPLACE FUNCTION casesync_internal.casework_relation(schema name, relation text)
RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found constant regclass := to_regclass(CASE WHEN schema <> ''
		THEN format('%I.%I', schema, relation) END);
BEGIN
	IF found IS NULL OR to_regclass(format('%I.plan_approval', schema)) IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_table',
			message => format('%s is no casework schema', coalesce(quote_ident(schema), 'NULL')),
			hint => format('SELECT casesync.create_casework(%L);', coalesce(schema, 'casework')));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casesync_internal.casework_relation(name, text) IS
	'a table or view of a casework schema, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.casework_tracking(reg_type text)
RETURNS TABLE (relation text, key text, is_beneficiary boolean, is_member boolean, on_insert text,
	on_update text, condition text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH word(news, begun) AS (SELECT
		CASE WHEN w.is_ess THEN 'enrolment_status_change' ELSE 'UPDATE' END,
		CASE WHEN w.is_ess THEN 'enrolment' ELSE 'REGISTER' END
	  FROM (SELECT lower(reg_type) IN ('ess', 'ibr') AS is_ess) w)
	SELECT t.relation, CASE t.relation WHEN 'person' THEN 'id' ELSE 'person_id' END,
		t.is_beneficiary, t.is_member,
		CASE t.event WHEN 'begun' THEN w.begun WHEN 'news' THEN w.news ELSE t.event END,
		CASE WHEN t.event IN ('begun', 'news') THEN w.news ELSE t.event END,
		CASE WHEN t.relation = 'held' THEN format('event_type = %L', CASE t.event WHEN 'news'
			THEN 'enrolment_status_change' ELSE t.event END) END
	  FROM word w CROSS JOIN (VALUES
		('person', true, true, 'begun'), ('identifier', true, true, 'news'),
		('consent', true, true, 'news'), ('enrolment', true, true, 'begun'),
		('case_file', true, true, 'news'),
		('case_party', true, true, 'plan_change'),
		('plan_approval', false, true, 'plan_change'), ('plan', false, true, 'plan_change'),
		('goal', false, true, 'plan_change'), ('action', false, true, 'plan_change'),
		('delivery', false, true, 'plan_change'), ('referral', true, true, 'referral'),
		('held', true, true, 'news'), ('held', false, true, 'plan_change'),
		('held', false, true, 'referral')) t(relation, is_beneficiary, is_member, event)
$$;
COMMENT ON FUNCTION casesync_internal.casework_tracking(text) IS
	'which tables of a casework schema are tracked, and as what news partners hear of each';

CREATE OR REPLACE FUNCTION casesync.publish_casework(schema name, registry text DEFAULT 'casework',
	reg_type text DEFAULT 'ESS')
RETURNS SETOF casesync.problem
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	member constant text := registry || '.member';
	beneficiary constant text := registry || '.beneficiary';
	t record;
BEGIN
	RETURN QUERY SELECT * FROM casesync.publish(member,
		casesync_internal.casework_relation(schema, 'shared_member'), 'Member', reg_type);
	RETURN QUERY SELECT * FROM casesync.publish(beneficiary,
		casesync_internal.casework_relation(schema, 'shared_beneficiary'), 'Beneficiary', reg_type);
	FOR t IN
		SELECT c.*, casesync_internal.casework_relation(schema, c.relation) AS place
		  FROM casesync_internal.casework_tracking(reg_type) c
	LOOP
		CONTINUE WHEN EXISTS (SELECT FROM casesync.tracked d WHERE d.relation = t.place
			AND d.registries && ARRAY[member, beneficiary] AND d.on_update = t.on_update);
		PERFORM casesync.track(t.place, ARRAY(SELECT r.name FROM (VALUES (member, t.is_member),
				(beneficiary, t.is_beneficiary)) r(name, is_wanted) WHERE r.is_wanted), t.key,
			on_insert => t.on_insert, on_update => t.on_update, on_delete => t.on_update,
			condition => t.condition);
	END LOOP;
	PERFORM casesync.leave_untracked(casesync_internal.casework_relation(schema, 'setting'), r,
		'by law, not by case work') FROM unnest(ARRAY[member, beneficiary]) r;
END
$$;
COMMENT ON FUNCTION casesync.publish_casework(name, text, text) IS
	'publish what a casework schema shares, as registries NAME.member and NAME.beneficiary, and '
	'track its tables; returns what to look at';

CREATE OR REPLACE FUNCTION casesync.receive_casework(schema name,
	event_types text[] DEFAULT ARRAY['enrolment', 'enrolment_status_change', 'plan_change',
		'referral', 'REGISTER', 'UPDATE'])
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	h record;
BEGIN
	PERFORM casesync_internal.casework_relation(schema, 'plan');
	FOR h IN
		SELECT r.record_type, e.event_type,
			format('%I.%I(casesync.inbound)', schema, r.function_name)::regprocedure AS handler
		  FROM (VALUES ('Member', 'receive_member'), ('Beneficiary', 'receive_beneficiary')
			) r(record_type, function_name)
		 CROSS JOIN unnest(event_types) e(event_type)
		 WHERE r.record_type = 'Member' OR e.event_type NOT IN ('plan_change', 'referral')
	LOOP
		PERFORM casesync.on_notify(h.record_type, h.event_type, h.handler);
	END LOOP;
	RETURN format('what partners tell of %s is applied to schema %I; next, an agreement of '
		'direction in: SELECT casesync.set_agreement(…, direction => ''in'', '
		'apply_mode => ''auto'', …);', array_to_string(event_types, ', '), schema);
END
$$;
COMMENT ON FUNCTION casesync.receive_casework(name, text[]) IS
	'name the apply functions of a casework schema of the caller''s, for these events about people '
	'and their enrolments; how much of it is applied, the agreements say (apply_mode)';

/* Also of a schema that is gone: its trackings and registries are still there, and are ended. */
CREATE OR REPLACE FUNCTION casesync.unpublish_casework(schema name,
	registry text DEFAULT 'casework')
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names constant text[] := ARRAY[registry || '.member', registry || '.beneficiary'];
	tables integer := 0;
	views integer := 0;
	functions integer := 0;
	t record;
BEGIN
	FOR t IN
		SELECT DISTINCT d.relation FROM casesync.tracked d
		  LEFT JOIN pg_class c ON c.oid = d.relation
		  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE d.registries && names AND (c.oid IS NULL OR n.nspname = schema)
	LOOP
		PERFORM casesync.untrack(t.relation);
		tables := tables + 1;
	END LOOP;
	FOR t IN
		SELECT r.registry AS name FROM casesync.registries r WHERE r.registry = ANY (names)
	LOOP
		PERFORM casesync.unpublish(t.name);
		views := views + 1;
	END LOOP;
	FOR t IN SELECT * FROM casesync_internal.handlers_in(schema) LOOP
		PERFORM casesync.on_notify(t.record_type, t.event_type, NULL);
		functions := functions + 1;
	END LOOP;
	RETURN format('%s tables of schema %I are no longer tracked, %s registries no longer '
		'published', tables, schema, views)
		|| CASE WHEN functions > 0 THEN format(', %s kinds of events no longer applied', functions)
			ELSE '' END;
END
$$;
COMMENT ON FUNCTION casesync.unpublish_casework(name, text) IS
	'take back what publish_casework() and receive_casework() did; the schema and what stands in '
	'it stay';

/* Who works in the schema: nobody may write what the rules write for them, nor decide by hand. */
CREATE OR REPLACE FUNCTION casesync_internal.grant_work(schema name, role regrole, access text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g record;
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.portal_roles(schema) p
		WHERE pg_has_role(role, p, 'USAGE')
		  AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = role))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('role %s is a portal of schema %I, and sees one person at a time',
				role, schema),
			hint => 'CREATE ROLE worker LOGIN;  -- that is no member of the portal''s role');
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema, role);
	EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %s', schema, role);
	FOR g IN SELECT r.rights, unnest(r.relations) AS relation FROM (VALUES
		('INSERT, UPDATE', '{household,person,identifier,consent,enrolment,job,contact,case_file,'
			'case_party,plan,goal,action,referral}'::text[]),
		('INSERT', '{plan_author,plan_approval,delivery}'),
		('DELETE', '{identifier,job,goal,action,delivery}'),
		('UPDATE (decision, reason, updates)', CASE access WHEN 'supervisor' THEN '{review}'
			ELSE '{}' END::text[])) r(rights, relations)
	LOOP
		EXECUTE format('GRANT %s ON %I.%I TO %s', g.rights, schema, g.relation, role);
	END LOOP;
	EXECUTE format('GRANT EXECUTE ON FUNCTION %1$I.held_lock(bigint, text), '
		'%1$I.open_conflicts() TO %2$s', schema, role);
	RETURN format('role %s works in schema %I as %s', role, schema, access)
		|| CASE WHEN has_schema_privilege(role, 'casesync', 'USAGE') THEN ''
			ELSE format('; it still needs: SELECT casesync.grant_access(%L, ''types'');', role) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_work(name, regrole, text) IS
	'part of grant_casework(): the role of a worker or a supervisor';

CREATE OR REPLACE FUNCTION casesync.grant_casework(schema name, role regrole, access text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.casework_relation(schema, 'plan');
	IF access IN ('worker', 'supervisor') THEN
		RETURN casesync_internal.grant_work(schema, role, access);
	ELSIF access = 'portal' THEN
		RETURN casesync_internal.grant_portal(schema, role);
	ELSIF access = 'portal_login' THEN
		RETURN casesync_internal.grant_portal_login(schema, role);
	END IF;
	PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
		message => format('access "%s" does not exist', access),
		hint => format('SELECT casesync.grant_casework(%L, %L, ''worker'');  -- or supervisor, '
			'portal, portal_login', schema, role));
END
$$;
COMMENT ON FUNCTION casesync.grant_casework(name, regrole, text) IS
	'let a role into a casework schema of the caller''s: as worker, or as supervisor, who '
	'decides reviews (which worker the role is, the column worker.login says); as portal, which '
	'sees one person at a time, or portal_login, which says who that is';
