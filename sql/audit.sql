-- Every administrative call leaves a line in the audit: a new function without one fails here.
CREATE EXTENSION casesync;
\i test/scene/try.sql
CREATE TABLE app.person (id integer PRIMARY KEY, status text);
CREATE VIEW app.people AS SELECT p.id::text AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
	'identifier_type', 'UIN', 'identifier_value', 'U' || p.id)), 'employment_status', p.status) AS record FROM app.person p;
CREATE ROLE regress_audit_role;
-- calls in an order in which each has something to do; $1 to $4 are facts of the run
CREATE TABLE app.call (n serial, name text, sql text);
INSERT INTO app.call (name, sql) VALUES
	('set_node', $$SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)$$),
	('set_partner', $$SELECT casesync.set_partner('p', 'https://p.test')$$),
	('set_partner', $$SELECT casesync.set_partner('fresh')$$),
	('drop_partner', $$SELECT casesync.drop_partner('fresh')$$),
	('set_quota', $$SELECT casesync.set_quota('p', 10)$$),
	('resume_filters', $$SELECT casesync.resume_filters('p')$$),
	('add_key', $$SELECT casesync.add_key('p', '{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')$$),
	('retire_key', $$SELECT casesync.retire_key('p', 'k')$$),
	('accept_key', $$SELECT casesync.accept_key('p', app.offered('k2'))$$),
	('issue_client', $$SELECT casesync.issue_client('p')$$),
	('retire_client', $$SELECT casesync.retire_client(client_id) FROM casesync.clients$$),
	('set_issuer', $$SELECT casesync.set_issuer('https://idp.test', 'https://idp.test/jwks', audience => 'sp.test', algorithms => '{ES256}')$$),
	('issue_callback', $$SELECT casesync.issue_callback('p')$$),
	('bind_client', $$SELECT casesync.bind_client('p', 'https://idp.test', 'c')$$),
	('retire_client', $$SELECT casesync.retire_client('c', 'https://idp.test')$$),
	('drop_issuer', $$SELECT casesync.drop_issuer('https://idp.test')$$),
	('map_code', $$SELECT casesync.map_code('l', 'ACTIF', 'Active'::casesync.enrolment_status)$$),
	('grant_word_list', $$SELECT casesync.grant_word_list('l', 'regress_audit_role')$$),
	('revoke_word_list', $$SELECT casesync.revoke_word_list('l', 'regress_audit_role')$$),
	('own_word_list', $$SELECT casesync.own_word_list('l', current_user::regrole)$$),
	('unmap_code', $$SELECT casesync.unmap_code('l', 'ACTIF', NULL::casesync.enrolment_status)$$),
	('add_local_code', $$SELECT casesync.add_local_code('enrolment_status', 'local:900', 'Paused')$$),
	('drop_local_code', $$SELECT casesync.drop_local_code('enrolment_status', 'local:900')$$),
	('add_registry_type', $$SELECT casesync.add_registry_type('Health')$$),
	('add_event_type', $$SELECT casesync.add_event_type('Vaccination', 'Health')$$),
	('drop_event_type', $$SELECT casesync.drop_event_type('Vaccination', 'Health')$$),
	('drop_registry_type', $$SELECT casesync.drop_registry_type('Health')$$),
	('grant_access', $$SELECT casesync.grant_access('regress_audit_role', 'reader')$$),
	('revoke_access', $$SELECT casesync.revoke_access('regress_audit_role', 'reader')$$),
	('set_agreement', $$SELECT casesync.set_agreement('A', 'p', registries => '{people}', event_types => '{enrolment}', fields => '{employment_status}',
		identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law')$$),
	('set_agreement', $$SELECT casesync.set_agreement('I', 'p', direction => 'in', event_types => '{search,enrolment}', fields => '{employment_status}',
		identifier_types => '{UIN}', valid_from => '2020-01-01', legal_basis => 'law')$$),
	('preview', $$SELECT * FROM casesync.preview('A')$$),
	('preview_summary', $$SELECT * FROM casesync.preview_summary('A')$$),
	('onboarding', $$SELECT casesync.onboarding('p')$$),
	('rehearse', $$SELECT casesync.rehearse('A', now() + interval '1 day')$$),
	('activate', $$SELECT casesync.activate('A')$$),
	('activate', $$SELECT casesync.activate('I')$$),
	('subscribe', $$SELECT casesync.subscribe('p', 'enrolment', 'Member', '{"type": "UIN", "value": "U1"}')$$),
	('unsubscribe', $$SELECT casesync.unsubscribe(code, 'test') FROM casesync.subscriptions$$),
	('approve', $$SELECT casesync.approve(app.pending('U2'))$$),
	('refuse', $$SELECT casesync.refuse(app.pending('U3'), 'no')$$),
	('subscribe_to', $$SELECT casesync.subscribe_to('p', 'enrolment', 'Member')$$),
	('status_at', $$SELECT casesync.status_at(reference_id) FROM casesync.my_subscriptions$$),
	('unsubscribe_at', $$SELECT casesync.unsubscribe_at('p', app.granted())$$),
	('search_at', $$SELECT casesync.search_at('p', 'Member', '{"type": "UIN", "value": "U1"}')$$),
	('retry', $$SELECT casesync.retry(app.dead())$$),
	('discard', $$SELECT casesync.discard(app.dead(), 'test')$$),
	('retry_quarantine', $$SELECT casesync.retry_quarantine()$$),
	('look_again', $$SELECT casesync.look_again('people')$$),
	('backfill', $$SELECT casesync.backfill(app.fillable())$$),
	('stop_backfill', $$SELECT casesync.stop_backfill(code, 'test') FROM casesync.backfills WHERE state = 'running'$$),
	('fill_gap', $$SELECT casesync.fill_gap(app.gap())$$),
	('retry_inbox', $$SELECT casesync.retry_inbox()$$),
	('inbox new', $$SELECT casesync.accept(app.item())$$),
	('inbox rejected', $$SELECT casesync.reject(app.item(), 'test')$$),
	('set_authority', $$SELECT casesync.set_authority('people', 'employment_status', 'p')$$),
	('decide_conflict', $$SELECT casesync.decide_conflict(app.conflict(), 'ours')$$),
	('dismiss_missing', $$SELECT casesync.dismiss_missing('p')$$),
	('stop_sharing', $$SELECT * FROM casesync.stop_sharing('test', 'p')$$),
	('resume_sharing', $$SELECT casesync.resume_sharing('p')$$),
	('wake', $$SELECT casesync.wake('p')$$),
	('move_subscriptions', $$SELECT casesync.move_subscriptions('p')$$),
	('erase', $$SELECT * FROM casesync.erase('people', '1', 'test')$$),
	('prune', $$SELECT * FROM casesync.prune('100 years')$$),
	('set_retention', $$SELECT casesync.set_retention(keep_inbox => '60 days')$$),
	('end_agreement', $$SELECT casesync.end_agreement('A', 'test')$$),
	('start_as_copy', $$SELECT casesync.start_as_copy()$$),
	('resume', $$SELECT * FROM casesync.resume()$$);
CREATE FUNCTION app.fillable() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casesync.set_agreement('A', 'p', services => '{notify,backfill}');
	PERFORM casesync.activate('A');
	RETURN casesync.subscribe('p', 'enrolment', 'Member', '{"type": "UIN", "value": "U9"}');
END
$$;
CREATE FUNCTION app.pending(who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wish text;
BEGIN
	PERFORM casesync.unsubscribe(s.code, 'test') FROM casesync.subscriptions s WHERE s.state IN ('active', 'pending');
	wish := casesync.subscribe('p', 'enrolment', 'Member', jsonb_build_object('type', 'UIN', 'value', who));
	UPDATE casesync_internal.subscription s SET state = 'pending', waits_for = 'decision' WHERE s.code = wish;
	RETURN wish;
END
$$;
CREATE FUNCTION app.offered(kid text) RETURNS text LANGUAGE sql AS $$
	INSERT INTO casesync_internal.published_key (partner, kid, use, jwk, is_followed) VALUES ('p', $1, 'sig',
		jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'kid', $1, 'x', '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'), false) RETURNING kid $$;
CREATE FUNCTION app.granted() RETURNS text LANGUAGE sql AS $$ UPDATE casesync_internal.my_subscription SET state = 'active', code = 'c1' RETURNING 'c1' $$;
CREATE FUNCTION app.dead() RETURNS uuid LANGUAGE sql AS $$
	UPDATE casesync_internal.outgoing SET state = 'dead' WHERE id = (SELECT min(id) FROM casesync_internal.outgoing) RETURNING reference_id $$;
CREATE FUNCTION app.gap() RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO casesync_internal.gap (registries, reason, who, started, ended) VALUES ('{people}', 'test', 'me', now(), now()) RETURNING id $$;
CREATE FUNCTION app.item() RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, record, agreement, agreement_version, mode, state)
	VALUES ('p', 'm', (SELECT count(*) FROM casesync_internal.inbox_item), '', 'enrolment', 'Member', '{}', 'I', 1, 'review', 'review') RETURNING id $$;
CREATE FUNCTION app.conflict() RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO casesync_internal.conflict (registry, key, field, partner, item, ours, theirs, winner, why, state, about)
	VALUES ('people', '1', 'employment_status', 'p', app.item(), '"1"', '"2"', NULL, 'test', 'open', 'test') RETURNING id $$;
INSERT INTO app.person VALUES (1, '1');
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment')) x;
-- what each call left behind: the calls that left nothing, or a line of another name, or failed
CREATE FUNCTION app.left_by(c app.call) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	last bigint := coalesce((SELECT max(id) FROM casesync_internal.audit_entry), 0);
BEGIN
	EXECUTE c.sql;
	RETURN coalesce((SELECT string_agg(DISTINCT e.what, ', ') FROM casesync_internal.audit_entry e WHERE e.id > last AND e.what = c.name AND e.who = session_user), 'nothing');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
CREATE TABLE app.outcome AS SELECT c.n, c.name, app.left_by(c) AS line FROM app.call c ORDER BY c.n;
SELECT count(*) > 50 AS calls FROM app.outcome;
SELECT * FROM app.outcome WHERE line <> name ORDER BY n;
-- functions of administrators, approvers, reviewers and auditors that are not called above, but for those that only show something or are part of others
SELECT r.access, r.object FROM casesync_internal.access_right r
 WHERE r.access IN ('admin', 'approver', 'reviewer') AND r.object !~ ' ON '
   AND r.object NOT IN ('check', 'problems', 'mend_for', 'profile_rules', 'lookup_limit', 'tracking_drift', 'retrack_as', 'drift_mend', 'gap_hint', 'gap_mend', 'gap_relation', 'failure_wait', 'disclosures', 'held_by', 'review', 'explain', 'inbox_waits_for', 'map_word', 'unmap_word', 'referral_is_answered', 'referrals_said', 'suggest_apply')
   AND NOT EXISTS (SELECT FROM app.call c WHERE c.sql ~ ('casesync\.' || r.object || '\('))
   AND NOT EXISTS (SELECT FROM casesync_internal.access_right t WHERE t.access = 'types' AND t.object = r.object) ORDER BY 1, 2;
-- nobody can change it, and nothing in it is secret or about a person
UPDATE casesync_internal.audit_entry SET who = 'somebody else';
DELETE FROM casesync_internal.audit_entry;
SELECT what, detail FROM casesync.audit WHERE detail::text ~ '"U[123]"|client_secret|hash_key';
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP ROLE regress_audit_role;
