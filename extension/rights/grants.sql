/*
 * Every right, in one place to review. Nothing is granted to PUBLIC: an access is a list of
 * functions and views, and grant_access() gives it to a role.
 *
 * An upgrade takes all that was given, by the lists of the version before, and gives it anew by
 * those of this one: see rights/grants_again.sql.
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

DO $$
DECLARE
	g record;
BEGIN
	PERFORM casesync_internal.forget_lost_access();
	FOR g IN SELECT to_regrole(quote_ident(a.role)) AS role, a.access
		FROM casesync_internal.access_given a
	LOOP
		PERFORM casesync_internal.execute_apart(s)
		   FROM casesync_internal.access_statements(g.role, g.access, 'REVOKE') s
		  WHERE g.role IS NOT NULL;
		PERFORM casesync_internal.execute_apart(s)
		   FROM casesync_internal.access_statements(g.role, 'types', 'REVOKE') s
		  WHERE g.role IS NOT NULL;
	END LOOP;
END
$$;
DELETE FROM casesync_internal.access_right;
INSERT INTO casesync_internal.access_right (access, object)
SELECT a.access, o FROM (VALUES
	('publisher', ARRAY['map_code', 'unmap_code', 'unmapped_words', 'add_local_code',
		'drop_local_code',
		'publish', 'unpublish', 'publish_check_view', 'publish_column', 'publish_check_name',
		'registry_alike',
		'publish_check', 'publish_store', 'publish_plan', 'publish_warnings',
		'scanned_relations', 'registry_uses', 'require_registry', 'owns', 'owns_function',
		'owns_handler', 'check_handler', 'on_notify',
		'plain_name', 'event_name', 'unknown_events', 'SELECT ON event_type',
		'SELECT ON event_types', 'SELECT ON registry_types',
		'track', 'untrack', 'retrack', 'stop_capture', 'start_capture',
		'capture_change', 'refuse_truncate', 'track_with', 'track_said', 'track_check', 'track_key',
		'track_columns', 'relation_must_be_trackable', 'members_must_be_local',
		'unknown_registries', 'live_columns', 'row_expression', 'renamed_condition',
		'column_numbers', 'subjects_query',
		'tracking_place', 'tracking_write', 'tracking_attach', 'tracking_detach',
		'tracking_refresh',
		'trigger_statement', 'column_filter', 'tracking_events', 'table_family',
		'tracking_triggers',
		'tracking_id_next', 'gap_begin', 'gap_end', 'gap_hint', 'tracking_drift', 'trigger_drift',
		'column_drift', 'code_type_directory', 'local_code_number',
		'SELECT,INSERT,UPDATE,DELETE ON registry', 'SELECT,INSERT,UPDATE,DELETE ON handler',
		'SELECT ON tracked', 'SELECT ON registries', 'SELECT ON gaps', 'SELECT ON tracking']),
	('admin', ARRAY['set_quota', 'SELECT ON pending_subscriptions',
		'set_node', 'resume', 'start_as_copy', 'set_partner', 'add_key', 'retire_key',
		'issue_client', 'retire_client', 'bind_client', 'set_issuer', 'drop_issuer', 'accept_key',
		'failure_wait',
		'SELECT ON clients', 'SELECT ON issuers', 'SELECT ON client_failures',
		'SELECT ON offered_keys', 'SELECT ON jwks_sources',
		'drop_partner', 'set_agreement', 'end_agreement', 'preview', 'preview_summary', 'subscribe',
		'unsubscribe', 'approve', 'refuse', 'subscribe_to', 'unsubscribe_at', 'search_at',
		'status_at', 'retry', 'discard', 'prune',
		'retry_quarantine', 'fill_gap', 'look_again', 'retry_inbox', 'stop_sharing',
		'resume_sharing', 'grant_access', 'revoke_access', 'check',
		'map_code', 'unmap_code', 'add_local_code', 'drop_local_code',
		'add_registry_type', 'drop_registry_type', 'add_event_type', 'drop_event_type',
		'SELECT ON registry_types', 'SELECT ON event_types', 'SELECT ON health',
		'SELECT ON lane_status', 'problems', 'SELECT ON tracked', 'SELECT ON registries',
		'SELECT ON this_node', 'SELECT ON partners',
		'SELECT ON partner_keys', 'SELECT ON agreements', 'SELECT ON subscriptions',
		'SELECT ON my_subscriptions', 'SELECT ON my_requests', 'SELECT ON queue',
		'SELECT ON attempts', 'SELECT ON dead_letter',
		'SELECT ON quarantined', 'SELECT ON received', 'SELECT ON gaps', 'SELECT ON audit',
		'tracking_drift', 'gap_hint']),
	('approver', ARRAY['raise_error', 'activate', 'preview', 'preview_summary', 'approve', 'refuse',
		'end_agreement',
		'SELECT ON agreements', 'SELECT ON subscriptions', 'SELECT ON pending_subscriptions',
		'SELECT ON partners']),
	('bridge', ARRAY['raise_error', 'bridge_start', 'lock_router', 'lock_lane', 'unlock_lane',
		'bridge_refusal', 'route', 'apply_inbox',
		'lanes', 'take', 'record_outcome', 'authenticate', 'check_client', 'token_issuers',
		'next_jwks', 'want_jwks', 'record_jwks', 'receive', 'answer_now', 'work_requests', 'tidy']),
	('reviewer', ARRAY['accept', 'reject', 'SELECT ON inbox']),
	('auditor', ARRAY['disclosures', 'SELECT ON audit', 'SELECT ON agreements',
		'SELECT ON quarantine', 'SELECT ON inbox', 'SELECT ON disclosed']),
	('reader', ARRAY['raise_error', 'check', 'SELECT ON registry_types', 'SELECT ON event_types',
		'SELECT ON health', 'SELECT ON lane_status', 'problems', 'SELECT ON tracked',
		'SELECT ON registries',
		'SELECT ON this_node', 'SELECT ON partners', 'SELECT ON agreements',
		'SELECT ON subscriptions',
		'SELECT ON clients', 'SELECT ON issuers', 'SELECT ON client_failures',
		'SELECT ON offered_keys', 'SELECT ON jwks_sources', 'failure_wait',
		'SELECT ON my_subscriptions', 'SELECT ON my_requests', 'SELECT ON queue',
		'SELECT ON attempts', 'SELECT ON dead_letter',
		'SELECT ON quarantined', 'SELECT ON received', 'SELECT ON gaps', 'tracking_drift',
		'gap_hint']),
	/* rehearsals, counts of lookups, people's rights */
	('admin', ARRAY['rehearse', 'onboarding', 'SELECT ON rehearsals', 'SELECT ON lookups',
		'lookup_limit']),
	('approver', ARRAY['SELECT ON rehearsals']),
	('auditor', ARRAY['held_by', 'erase', 'SELECT ON rehearsals', 'SELECT ON rehearsal_samples'])
) a(access, objects) CROSS JOIN unnest(a.objects) o;

/*
 * Access "types" is what an application needs to use the types, builders and checks: every
 * function that only computes. Those that run with the extension's rights, and those that only
 * the extension's own functions call, are not among them.
 */
INSERT INTO casesync_internal.access_right (access, object)
SELECT DISTINCT 'types', p.proname FROM pg_proc p
 WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
	AND NOT p.prosecdef
   AND p.provolatile = 'i'
   AND p.prolang IN (SELECT l.oid FROM pg_language l WHERE l.lanname IN ('c', 'internal'))
   AND p.prorettype NOT IN ('trigger'::regtype)
ON CONFLICT DO NOTHING;

INSERT INTO casesync_internal.access_right (access, object)
SELECT 'types', o FROM unnest(ARRAY['to_code', 'to_word', 'mapped_code', 'mapped_word',
	'word_is_mapped', 'label', 'description',
	'local_label', 'local_description', 'code_type_directory',
	'raise_error', 'check_record', 'check_transition', 'is_valid_transition', 'cron_next',
	'SELECT ON code_directory', 'SELECT ON crosswalk']) o
ON CONFLICT DO NOTHING;

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
	UNION ALL
	SELECT format('%s %s ON %s %s %s', verb, split_part(r.object, ' ON ', 1), c.oid::regclass,
		s.word, role)
	  FROM casesync_internal.access_right r
	  JOIN pg_class c ON c.relnamespace IN ('casesync'::regnamespace,
		'casesync_internal'::regnamespace)
		AND c.relname = split_part(r.object, ' ON ', 2) AND c.relkind IN ('r', 'p', 'v')
	 CROSS JOIN side s WHERE r.access = access_statements.access AND r.object LIKE '% ON %'
	UNION ALL
	SELECT format('%s USAGE ON TYPE %s %s %s', verb, t.oid::regtype, s.word, role)
	  FROM pg_type t CROSS JOIN side s
	 WHERE t.typnamespace = 'casesync'::regnamespace AND t.typelem = 0
		AND access_statements.access IN ('types', 'publisher')
		AND (t.typtype = 'b' OR t.typname = 'inbound')
$$;
COMMENT ON FUNCTION casesync_internal.access_statements(regrole, text, text) IS
	'the GRANT or REVOKE statements that an access consists of';

CREATE OR REPLACE FUNCTION casesync_internal.change_access(role regrole, access text, verb text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.access_right r
		WHERE r.access = change_access.access)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('access "%s" does not exist', change_access.access),
			hint => (SELECT format('Accesses: %s.', string_agg(DISTINCT r.access, ', '))
				FROM casesync_internal.access_right r));
	END IF;
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
	IF access IN ('publisher', 'admin', 'reviewer', 'auditor') THEN
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
	  FROM casesync_internal.access_given g
	 WHERE g.role = (SELECT r.rolname FROM pg_roles r WHERE r.oid = access_said.role)
$$;
COMMENT ON FUNCTION casesync_internal.access_said(regrole) IS
	'what grant_access() and revoke_access() answer';

/*
 * Each grant is noted, to be given again by an upgrade: its lists may be others. By a name that is
 * checked, into statements that are written here only (%s of a regrole quotes it).
 */
CREATE OR REPLACE FUNCTION casesync.grant_access(role regrole, access text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE oid = grant_access.role) THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => 'this role does not exist');
	END IF;
	PERFORM casesync_internal.forget_lost_access();
	PERFORM casesync_internal.give_access(role, access);
	INSERT INTO casesync_internal.access_given (role, access)
	VALUES ((SELECT rolname FROM pg_roles WHERE oid = grant_access.role), grant_access.access)
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.audit_note('grant_access', role::text,
		jsonb_build_object('access', access));
	RETURN casesync_internal.access_said(role);
END
$$;
COMMENT ON FUNCTION casesync.grant_access(regrole, text) IS
	'give a role an access: types, publisher, admin, approver, bridge, reviewer, auditor or reader';

/* Accesses overlap: all that the role has goes, and what it keeps is given again, as one. */
CREATE OR REPLACE FUNCTION casesync.revoke_access(role regrole, access text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	name name := (SELECT rolname FROM pg_roles WHERE oid = revoke_access.role);
BEGIN
	PERFORM casesync_internal.forget_lost_access();
	PERFORM casesync_internal.change_access(role, access, 'REVOKE');
	PERFORM casesync_internal.change_access(role, 'types', 'REVOKE');
	DELETE FROM casesync_internal.access_given g
	 WHERE g.role = name AND g.access = revoke_access.access;
	PERFORM casesync_internal.give_access(revoke_access.role, g.access)
	   FROM casesync_internal.access_given g WHERE g.role = name;
	IF NOT FOUND THEN
		EXECUTE format('REVOKE USAGE ON SCHEMA casesync, casesync_internal FROM %s', role);
	END IF;
	PERFORM casesync_internal.audit_note('revoke_access', role::text,
		jsonb_build_object('access', access));
	RETURN casesync_internal.access_said(role);
END
$$;
COMMENT ON FUNCTION casesync.revoke_access(regrole, text) IS
	'take an access from a role; what its other accesses need stays';
