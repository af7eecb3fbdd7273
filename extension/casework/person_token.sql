/*
 * What proves to a portal who somebody is. The portal's role can make none: they are signed with
 * the node's key, which no role reads, for who was given both: the access portal_login, and the
 * schema's own function. A token is of one schema of one database; it proves the same for as long
 * as it is valid, since a visit is more than one transaction. It names the line of the audit that
 * says for whom it was made, and proves nothing without: none is made that is not noted.
 */
CREATE OR REPLACE FUNCTION casesync_internal.person_signature(home oid, person bigint,
	until bigint, line bigint)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT encode(casesync_internal.node_hash(jsonb_build_array('person token',
		c.system_identifier::text, d.oid::text, home::text, person, until,
		line)), 'hex')
	  FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION casesync_internal.person_signature(oid, bigint, bigint, bigint) IS
	'HMAC-SHA256 over what a token says, and for which schema of which database; until: '
	'milliseconds since 1970';

CREATE OR REPLACE FUNCTION casesync_internal.person_token_note(person bigint, until bigint)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('person', person, 'until', to_char(
		to_timestamp(until / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;
COMMENT ON FUNCTION casesync_internal.person_token_note(bigint, bigint) IS
	'what the audit says of a token: for whom, until when; not the token';

CREATE OR REPLACE FUNCTION casesync_internal.person_token_for(caller regrole, schema name,
	person bigint, valid_for interval)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	home constant regclass := casesync_internal.casework_relation(schema, 'portal_field');
	maker constant regprocedure := to_regprocedure(
		format('%I.person_token(bigint, interval)', schema));
	most constant integer := casesync_internal.message_limit('token minutes');
	until bigint;
	line bigint;
BEGIN
	PERFORM casesync_internal.this_node();
	IF maker IS NULL OR NOT has_function_privilege(caller, maker, 'EXECUTE') THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('role %s makes no tokens for people of schema %I', caller, schema),
			hint => format('SELECT casesync.grant_casework(%L, %L, ''portal_login'');', schema,
				caller));
	ELSIF person IS NULL OR valid_for IS NULL OR valid_for <= '0'
		OR valid_for > make_interval(mins => most)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a token is for one person, and for a short time',
			detail => format('Not for more than %s minutes.', most),
			hint => format('SELECT %I.person_token(1, ''5 minutes'');', schema));
	END IF;
	until := extract(epoch FROM clock_timestamp() + valid_for) * 1000;
	line := casesync_internal.audit_line('person_token', schema,
		casesync_internal.person_token_note(person, until));
	RETURN concat_ws('.', person, until, line, casesync_internal.person_signature(
		(SELECT c.relnamespace FROM pg_class c WHERE c.oid = home), person, until, line));
END
$$;
COMMENT ON FUNCTION casesync_internal.person_token_for(regrole, name, bigint, interval) IS
	'see casesync.person_token()';

CREATE OR REPLACE FUNCTION casesync.person_token(schema name, person bigint,
	valid_for interval DEFAULT '5 minutes')
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.person_token(name, bigint, interval) IS
	'what proves to the portal of a casework schema who somebody is, for at most 15 minutes; for '
	'the login, which knows';

/*
 * Only who is held by the portal's row security may be somebody: others would hide behind it, or be
 * made to by a SECURITY DEFINER function of the portal's.
 */
CREATE OR REPLACE FUNCTION casesync_internal.must_be_portal(role regrole, schema name)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = must_be_portal.role
		WHERE c.oid = to_regclass(CASE WHEN schema <> '' THEN format('%I.person', schema) END)
		  AND c.relrowsecurity
		  AND casesync_internal.is_in_person(must_be_portal.role)
		  AND NOT r.rolsuper AND NOT r.rolbypassrls AND NOT pg_has_role(r.oid, c.relowner, 'USAGE')
		  AND EXISTS (SELECT FROM casesync_internal.portal_roles(schema) p
			WHERE pg_has_role(r.oid, p, 'USAGE')))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('role %s is no portal of schema %s', role,
				coalesce(quote_ident(schema), 'NULL')),
			hint => format('SELECT casesync.grant_casework(%L, %L, ''portal'');', schema, role));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.must_be_portal(regrole, name) IS
	'an error for a role that sees more than one person''s rows of a casework schema';

/* Both are hashed once more before they are compared: how long that takes says nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.same_signature(one text, other text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(casesync_internal.node_hash(to_jsonb(one))
		= casesync_internal.node_hash(to_jsonb(other)), false)
$$;
COMMENT ON FUNCTION casesync_internal.same_signature(text, text) IS
	'whether two signatures are the same; false for none';

/* One error for all that proves nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.as_person_for(caller regrole, schema name, token text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part constant text[] := regexp_match(left(token, 200),
		'^(0|-?[1-9][0-9]{0,17})[.]([1-9][0-9]{0,14})[.]([1-9][0-9]{0,17})[.]([0-9a-f]{64})$');
	person constant bigint := part[1];
	until constant timestamptz := to_timestamp(part[2]::bigint / 1000.0);
	home constant oid := (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema);
BEGIN
	PERFORM casesync_internal.must_be_portal(caller, schema);
	IF casesync_internal.same_signature(part[4], casesync_internal.person_signature(home, person,
			part[2]::bigint, part[3]::bigint))
		AND casesync_internal.audit_says(part[3]::bigint, 'person_token', schema,
			casesync_internal.person_token_note(person, part[2]::bigint))
		AND until > clock_timestamp() AND until <= clock_timestamp() + make_interval(
			mins => casesync_internal.message_limit('token minutes'))
	THEN
		PERFORM casesync_internal.prove_person(home, person, until);
		RETURN person;
	END IF;
	PERFORM casesync_internal.raise_error(errcode => 'invalid_authorization_specification',
		message => 'this token proves nobody',
		detail => 'It is not of this schema, or not as it was made, or its time is over.',
		hint => format('SELECT %I.person_token(…);  -- by the login, for the portal', schema));
END
$$;
COMMENT ON FUNCTION casesync_internal.as_person_for(regrole, name, text) IS
	'see casesync.as_person()';

CREATE OR REPLACE FUNCTION casesync.as_person(schema name, token text)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.as_person(name, text) IS
	'from now on the transaction is the person''s whose token this is, until it ends; for the '
	'portal of a casework schema';

/* As in held_by(): what was refused or never left nobody has. */
CREATE OR REPLACE FUNCTION casesync.my_disclosures(schema name)
RETURNS TABLE (at timestamptz, partner text, event_type text, way text, fields text[],
	purpose text, legal_basis text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	person constant bigint := casesync.proven_person(schema);
BEGIN
	IF person IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => 'this transaction is nobody''s',
			hint => 'BEGIN; SELECT casework.as_person(''…'');  -- a token of the login');
	END IF;
	RETURN QUERY
	SELECT d.at, d.partner, n.event_type, d.way, d.fields, d.purpose, d.legal_basis
	  FROM casesync_internal.registry r
	 CROSS JOIN LATERAL casesync.disclosures(r.registry, person::text) d
	  LEFT JOIN casesync_internal.notification n ON n.reference_id = d.reference_id
	 WHERE r.view IN (to_regclass(format('%I.shared_member', schema)),
		to_regclass(format('%I.shared_beneficiary', schema)))
	   AND d.outcome NOT IN ('refused', 'not_sent')
	 ORDER BY d.at, d.partner;
END
$$;
COMMENT ON FUNCTION casesync.my_disclosures(name) IS
	'which partners were told, or may have been, something of the person whose transaction this '
	'is, out of a casework schema: when, what, and by what right';
