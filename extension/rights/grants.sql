/*
 * Every right, in one place to review. Nothing is granted to PUBLIC: an access is a list of
 * functions and views, and grant_access() gives it to a role.
 *
 * An upgrade takes all that was given, by the lists of the version before, and gives it anew by
 * those of this one: see rights/grants_again.sql.
 */
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
	('publisher', ARRAY['map_code', 'unmap_code', 'map_word', 'unmap_word', 'unmapped_words',
		'grant_word_list', 'revoke_word_list', 'own_word_list', 'SELECT ON word_lists',
		'add_local_code', 'drop_local_code',
		'registry_warn', 'tracking_warn',
		'publish', 'unpublish', 'publish_check_view', 'publish_column', 'publish_check_name',
		'registry_alike', 'publish_check', 'publish_store', 'publish_plan', 'owner_plan',
		'publish_warnings', 'key_base_type', 'key_operator', 'key_type_name', 'key_among',
		'key_can_be', 'key_must_be_text',
		'scanned_relations', 'grant_registry', 'revoke_registry', 'relation_owner', 'owns',
		'owns_function', 'author_counts',
		'check_handler', 'handler_store', 'handlers_in', 'on_notify', 'suggest_apply',
		'plain_name', 'event_name', 'unknown_events', 'SELECT ON event_type',
		'SELECT ON event_types', 'SELECT ON registry_types',
		'track', 'untrack', 'retrack', 'leave_untracked', 'stop_capture', 'start_capture',
		'capture_change', 'refuse_truncate', 'track_with', 'track_said', 'track_check', 'track_key',
		'track_columns', 'relation_must_be_trackable', 'relation_must_be_table', 'refuse_table',
		'members_must_be_local',
		'unknown_registries', 'live_columns', 'row_expression', 'renamed_condition',
		'column_numbers', 'subjects_query',
		'tracking_place', 'tracking_store', 'tracking_key_query',
		'tracking_attach', 'tracking_detach', 'capture_mended',
		'relation_must_be_tracked', 'unseen_detach',
		'tracking_refresh', 'tracking_renew', 'tracking_written',
		'trigger_statement', 'own_triggers', 'triggers_to_make', 'triggers_to_enable',
		'triggers_to_drop', 'triggers_clear', 'tables_lock', 'tables_lock_try', 'table_holders',
		'trackings_lock',
		'trackings_named', 'tracking_is_stored', 'tracking_events', 'table_family',
		'tracking_triggers',
		'gap_begin', 'gap_end', 'gap_hint', 'tracking_drift', 'trigger_drift',
		'column_drift', 'code_type_directory', 'local_code_number',
		'retrack_as', 'drift_mend', 'gap_mend', 'gap_relation', 'SELECT ON tracked',
		'SELECT ON registries', 'SELECT ON own_conflicts', 'SELECT ON gaps',
		'SELECT ON tracking',
		'create_casework', 'grant_casework', 'publish_casework', 'unpublish_casework',
		'receive_casework',
		'casework_schema_free', 'casework_relation', 'casework_tracking', 'grant_work',
		'renew_portal', 'grant_portal', 'grant_portal_login', 'portal_columns', 'portal_roles',
		'portal_may_change', 'portal_policy', 'portal_must_be_alone',
		'casework_must_be_own',
		'SELECT ON casework_part']),
	('admin', ARRAY['review', 'explain', 'set_authority', 'SELECT ON authorities', 'suggest_apply',
		'set_quota', 'SELECT ON pending_subscriptions',
		'set_node', 'resume', 'start_as_copy', 'set_partner', 'add_key', 'retire_key',
		'issue_client', 'retire_client', 'bind_client', 'set_issuer', 'drop_issuer', 'accept_key',
		'issue_callback', 'failure_wait',
		'SELECT ON clients', 'SELECT ON issuers', 'SELECT ON client_failures',
		'SELECT ON offered_keys', 'SELECT ON jwks_sources',
		'drop_partner', 'set_agreement', 'end_agreement', 'preview', 'preview_summary', 'subscribe',
		'unsubscribe', 'approve', 'refuse', 'subscribe_to', 'unsubscribe_at', 'search_at',
		'status_at', 'retry', 'discard', 'prune', 'set_retention',
		'retry_quarantine', 'fill_gap', 'look_again', 'backfill', 'stop_backfill',
		'resume_filters', 'retry_inbox', 'dismiss_missing',
		'stop_sharing',
		'resume_sharing', 'wake', 'move_subscriptions', 'grant_access', 'revoke_access',
		'SELECT ON pending_changes', 'check',
		'map_code', 'unmap_code', 'map_word', 'unmap_word', 'grant_word_list',
		'revoke_word_list', 'own_word_list', 'SELECT ON word_lists', 'add_local_code',
		'drop_local_code',
		'add_registry_type', 'drop_registry_type', 'add_event_type', 'drop_event_type',
		'SELECT ON registry_types', 'SELECT ON event_types', 'SELECT ON health',
		'SELECT ON lane_status', 'problems', 'mend_for', 'retrack_as', 'SELECT ON tracked',
		'SELECT ON registries',
		'SELECT ON this_node', 'SELECT ON partners', 'SELECT ON deviations',
		'SELECT ON profiles', 'profile_rules',
		'SELECT ON partner_keys', 'SELECT ON agreements', 'SELECT ON subscriptions',
		'SELECT ON backfills',
		'SELECT ON my_subscriptions', 'SELECT ON my_requests', 'SELECT ON queue',
		'SELECT ON attempts', 'SELECT ON dead_letter',
		'SELECT ON quarantined', 'SELECT ON received', 'SELECT ON gaps', 'SELECT ON audit',
		'tracking_drift', 'gap_hint', 'drift_mend', 'gap_mend', 'gap_relation']),
	('approver', ARRAY['raise_error', 'activate', 'preview', 'preview_summary', 'approve', 'refuse',
		'end_agreement', 'review', 'explain',
		'SELECT ON agreements', 'SELECT ON subscriptions', 'SELECT ON pending_subscriptions',
		'SELECT ON partners', 'SELECT ON profiles', 'profile_rules']),
	('bridge', ARRAY['raise_error', 'bridge_start', 'lock_router', 'lock_lane', 'unlock_lane',
		'gate_close', 'gate_open', 'end_stopped_bridges', 'bridge_refusal',
		'bridge_rehearsal', 'route',
		'route_aside', 'apply_inbox', 'delivery_begin', 'lanes', 'take', 'record_outcome',
		'next_message', 'attempt_note', 'refusal_note',
		'authenticate', 'check_client', 'token_issuers', 'next_jwks', 'want_jwks',
		'record_jwks', 'receive', 'answer_now', 'answer_left', 'work_requests', 'tidy',
		'prune_step', 'turn_trouble', 'journal_take', 'look_again_due', 'probe_target', 'lane_back',
		'standby_wait']),
	('reviewer', ARRAY['accept', 'reject', 'SELECT ON inbox', 'inbox_waits_for', 'decide_conflict',
		'SELECT ON conflicts', 'SELECT ON authorities']),
	('caseworker', ARRAY['push', 'shared_status']),
	('portal', ARRAY['as_person', 'my_disclosures']),
	('portal_login', ARRAY['person_token']),
	('auditor', ARRAY['disclosures', 'explain', 'inbox_waits_for',
		'SELECT ON audit', 'SELECT ON agreements',
		'SELECT ON quarantine', 'SELECT ON inbox', 'SELECT ON disclosed',
		'SELECT ON conflicts', 'SELECT ON authorities']),
	('reader', ARRAY['raise_error', 'check', 'SELECT ON registry_types', 'SELECT ON event_types',
		'SELECT ON health', 'SELECT ON lane_status', 'problems', 'mend_for', 'retrack_as',
		'SELECT ON tracked',
		'SELECT ON registries', 'SELECT ON word_lists',
		'SELECT ON this_node', 'SELECT ON partners', 'SELECT ON deviations',
		'SELECT ON profiles', 'profile_rules',
		'SELECT ON agreements',
		'SELECT ON subscriptions', 'SELECT ON backfills',
		'SELECT ON clients', 'SELECT ON issuers', 'SELECT ON client_failures',
		'SELECT ON offered_keys', 'SELECT ON jwks_sources', 'failure_wait',
		'SELECT ON my_subscriptions', 'SELECT ON my_requests', 'SELECT ON queue',
		'SELECT ON attempts', 'SELECT ON dead_letter',
		'SELECT ON quarantined', 'SELECT ON received', 'SELECT ON gaps', 'tracking_drift',
		'gap_hint', 'drift_mend', 'gap_mend', 'gap_relation']),
	/* rehearsals, counts of lookups, people's rights */
	('admin', ARRAY['rehearse', 'onboarding', 'SELECT ON rehearsals', 'SELECT ON lookups',
		'SELECT ON stored', 'SELECT ON sizes', 'lookup_limit', 'SELECT ON lane_note']),
	('reader', ARRAY['SELECT ON stored', 'SELECT ON sizes']),
	('approver', ARRAY['SELECT ON rehearsals']),
	('admin', ARRAY['SELECT ON open_referrals', 'referral_is_answered', 'referrals_said']),
	('auditor', ARRAY['held_by', 'erase', 'SELECT ON open_referrals', 'referral_is_answered',
		'referrals_said', 'SELECT ON rehearsals', 'SELECT ON rehearsal_samples'])
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
	'raise_error', 'proven_person', 'is_removal',
	'check_record', 'check_transition', 'is_valid_transition',
	'cron_next',
	'SELECT ON code_directory', 'SELECT ON crosswalk']) o
ON CONFLICT DO NOTHING;
