/*
 * What a portal's role may do in a casework schema: rights on columns, and restrictive policies,
 * which hold whatever else is granted. With the caller's rights, who must be the schema's owner.
 *
 * A policy hides rows, and not what an index says of them: a comparison that is leakproof, as those
 * of texts are, may go to the index first, and EXPLAIN ANALYZE, or the time, tells how many rows it
 * found. So nothing is readable that leads an index and tells who somebody is: identifiers are read
 * by my_identifiers() only, and whose rows they are is asked for by the person's number in every
 * policy, which stops a search for another number before it begins.
 */
CREATE OR REPLACE FUNCTION casesync_internal.portal_columns(OUT relation text, OUT columns text[],
	OUT own text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES ('person', '{id,surname,given_name,sex,birth_date,death_date,is_disabled,'
			'employment_status,unemployment_reason,phone,email,row_version,changed_at}'::text[],
			'id = (SELECT %1$I.must_be_person())'),
		('identifier', '{}', 'person_id = (SELECT %1$I.must_be_person())'),
		('consent', '{id,person_id,purpose,given_on,withdrawn_on,recorded_at}',
			'person_id = (SELECT %1$I.must_be_person())'),
		('enrolment', '{id,person_id,programme,status,since}',
			'person_id = (SELECT %1$I.must_be_person())'),
		('case_file', '{id,person_id,lead_organisation,opened_on,next_review,closed_on}',
			'person_id = (SELECT %1$I.must_be_person())'),
		('plan', '{id,version,person_id,status,stage,start_date,end_date,next_review,proposed_at,'
			'client_agreed_on,client_agreed_how,reason,row_version,changed_at}',
			'person_id = (SELECT %1$I.must_be_person()) AND stage IS NOT NULL '
			'AND status <> ''draft'''),
		('goal', '{id,plan_id,plan_version,person_id,description,status,due_date}',
			'person_id = (SELECT %1$I.must_be_person()) AND EXISTS (SELECT FROM %1$I.plan p '
			'WHERE p.id = goal.plan_id AND p.version = goal.plan_version)'),
		('action', '{id,plan_id,plan_version,person_id,goal_id,organisation,responsible,kind,'
			'description,start_date,end_date,due_date,hours_per_week,status,reason}',
			'person_id = (SELECT %1$I.must_be_person()) AND EXISTS (SELECT FROM %1$I.plan p '
			'WHERE p.id = action.plan_id AND p.version = action.plan_version)'),
		('delivery', '{id,plan_id,plan_version,action_id,person_id,organisation,delivered_on,'
			'hours}', 'person_id = (SELECT %1$I.must_be_person())'),
		('referral', '{id,person_id,status,referred_by,referred_to,service,reason,referred_on,'
			'respond_by,responded_on,outcome,consent_id}',
			'person_id = (SELECT %1$I.must_be_person()) AND status <> ''draft'''),
		('organisation', '{id,name,is_own}', NULL), ('portal_field', '{relation,field}', NULL)
$$;
COMMENT ON FUNCTION casesync_internal.portal_columns() IS
	'what a portal reads of a casework schema: no staff, no evidence, no drafts, none of their '
	'reasons for doing without consent; own: which rows';

CREATE OR REPLACE FUNCTION casesync_internal.portal_roles(schema name)
RETURNS SETOF oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT u.role FROM pg_policy p CROSS JOIN unnest(p.polroles) u(role)
	 WHERE p.polrelid = to_regclass(CASE WHEN schema <> '' THEN format('%I.person', schema) END)
	   AND p.polname = 'portal'
	   AND NOT p.polpermissive AND u.role <> 0
$$;
COMMENT ON FUNCTION casesync_internal.portal_roles(name) IS
	'the roles that see one person at a time of a casework schema';

/* A superuser would run what an owner has put in the place of its table. */
CREATE OR REPLACE FUNCTION casesync_internal.casework_must_be_own(schema name)
RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found constant regclass := casesync_internal.casework_relation(schema, 'portal_field');
	owner constant oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = found);
BEGIN
	IF NOT pg_has_role(owner, 'USAGE') OR (owner <> current_user::regrole
		AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('schema %I is not of role %s', schema, current_user::regrole),
			hint => format('SET ROLE %s;  -- and call it again', owner::regrole));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casesync_internal.casework_must_be_own(name) IS
	'an error for a casework schema of somebody else';

CREATE OR REPLACE FUNCTION casesync_internal.portal_may_change(schema name, relation text,
	fields text[], role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* A change also locks the person's row, for which something of it must be allowed. */
	changed constant text[] := fields || CASE WHEN relation = 'consent' THEN '{}'
		ELSE '{row_version}' END::text[];
	list constant text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(changed) c);
BEGIN
	EXECUTE format('REVOKE UPDATE ON %I.%I FROM %s', schema, relation, role);
	IF list IS NOT NULL THEN
		EXECUTE format('GRANT SELECT (%s), UPDATE (%1$s) ON %I.%I TO %s', list, schema, relation,
			role);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.portal_may_change(name, text, text[], regrole) IS
	'part of renew_portal()';

CREATE OR REPLACE FUNCTION casesync.renew_portal(schema name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t record;
BEGIN
	FOR t IN EXECUTE format('SELECT r.relation, ARRAY(SELECT f.field FROM %s f '
		'WHERE f.relation = r.relation ORDER BY 1) AS fields '
		'FROM unnest(''{person,consent,plan}''::text[]) r(relation)',
		casesync_internal.casework_must_be_own(schema))
	LOOP
		PERFORM casesync_internal.portal_may_change(schema, t.relation, t.fields, p.role::regrole)
		   FROM casesync_internal.portal_roles(schema) p(role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync.renew_portal(name) IS
	'let the portals of a casework schema change what portal_field lists, and nothing else; '
	'inserting and deleting there calls it';

CREATE OR REPLACE FUNCTION casesync_internal.portal_policy(schema name, relation text, own text,
	role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
	place constant regclass := format('%I.%I', schema, relation);
	roles constant text := (SELECT string_agg(u.role::regrole::text, ', ') FROM (
		SELECT role::oid UNION SELECT unnest(p.polroles) FROM pg_policy p
		 WHERE p.polrelid = place AND p.polname = 'portal') u(role) WHERE u.role <> 0);
BEGIN
	/* Who has row security of his own keeps it: then only portals get this policy. */
	IF NOT (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = place) THEN
		EXECUTE format('DROP POLICY IF EXISTS others ON %s', place);
		EXECUTE format('CREATE POLICY others ON %s USING (true)', place);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', place);
	END IF;
	EXECUTE format('DROP POLICY IF EXISTS portal ON %s', place);
	EXECUTE format('DROP POLICY IF EXISTS portal_rows ON %s', place);
	EXECUTE format('CREATE POLICY portal ON %s AS RESTRICTIVE TO %s USING (%s)', place, roles,
		format(own, schema));
	EXECUTE format('CREATE POLICY portal_rows ON %s TO %s USING (true)', place, roles);
END
$$;
COMMENT ON FUNCTION casesync_internal.portal_policy(name, text, text, regrole) IS
	'row security of a table for one more portal; for others nothing changes';

/* A view, or a right on a whole table, would show it everybody's rows or columns. */
CREATE OR REPLACE FUNCTION casesync_internal.portal_must_be_alone(schema name, role regrole)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other regclass;
BEGIN
	SELECT c.oid INTO other FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE n.nspname = schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	   AND has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, '
		'REFERENCES')
	 ORDER BY c.relname LIMIT 1;
	IF other IS NOT NULL OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = role AND r.rolbypassrls)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('role %s cannot be a portal of schema %I', role, schema),
			detail => coalesce(format('It has rights on all of %s.', other),
				'Row security does not hold for it.'),
			hint => 'CREATE ROLE portal LOGIN;  -- that has no other rights');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.portal_must_be_alone(name, regrole) IS
	'an error for a role that sees more of a casework schema than one person';

CREATE OR REPLACE FUNCTION casesync_internal.grant_portal(schema name, role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t record;
BEGIN
	PERFORM casesync_internal.casework_must_be_own(schema);
	PERFORM casesync_internal.portal_must_be_alone(schema, role);
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema, role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %I.my_identifiers() TO %s', schema, role);
	FOR t IN SELECT * FROM casesync_internal.portal_columns() LOOP
		IF t.columns <> '{}' THEN
			EXECUTE format('GRANT SELECT (%s) ON %I.%I TO %s', (
				SELECT string_agg(quote_ident(c), ', ') FROM unnest(t.columns) c), schema,
				t.relation, role);
		END IF;
		IF t.own IS NOT NULL THEN
			PERFORM casesync_internal.portal_policy(schema, t.relation, t.own, role);
		END IF;
	END LOOP;
	PERFORM casesync.renew_portal(schema);
	RETURN format('role %s is a portal of schema %I: one person in a transaction, by a token',
			role, schema)
		|| CASE WHEN has_schema_privilege(role, 'casesync', 'USAGE') THEN ''
			ELSE format('; it still needs: SELECT casesync.grant_access(%L, ''portal'');', role) END
		|| CASE WHEN has_database_privilege(role, current_database(), 'TEMP')
			THEN format('; better without temporary tables: REVOKE TEMPORARY ON DATABASE %I FROM '
				'PUBLIC;', current_database()) ELSE '' END;
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_portal(name, regrole) IS
	'part of grant_casework(): the role of a portal';

CREATE OR REPLACE FUNCTION casesync_internal.grant_portal_login(schema name, role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.casework_must_be_own(schema);
	IF EXISTS (SELECT FROM casesync_internal.portal_roles(schema) p
		WHERE pg_has_role(p, role, 'MEMBER') OR pg_has_role(role, p, 'MEMBER'))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('role %s is a portal, or one that a portal can become', role),
			detail => 'Who makes tokens and who takes them are two.',
			hint => 'CREATE ROLE portal_login LOGIN;  -- that has no other rights');
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema, role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %I.person_token(bigint, interval), '
		'%1$I.person_known_by(text, text) TO %s', schema, role);
	RETURN format('role %s makes tokens for people of schema %I', role, schema)
		|| CASE WHEN has_schema_privilege(role, 'casesync', 'USAGE') THEN ''
			ELSE format('; it still needs: SELECT casesync.grant_access(%L, ''portal_login'');',
				role) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_portal_login(name, regrole) IS
	'part of grant_casework(): the role that makes tokens for people';
