-- What a partner tells is taken into a casework schema as far as it is the partner's to say; what is not is kept, and what the tables refuse waits for a person.
CREATE EXTENSION casesync;
\set schema casework
\i test/scene/casework.sql
\t on
\pset format unaligned
UPDATE review_rule SET rule = 'none', percent = NULL;
UPDATE organisation SET is_own = false WHERE id = 'ess.example.org';
ALTER SEQUENCE person_id_seq RESTART 100;
ALTER SEQUENCE case_file_id_seq RESTART 100;
CREATE SEQUENCE app.item;
-- what the bridge would call, with a record of one person
CREATE FUNCTION app.hear(event_type text, number text, attributes jsonb DEFAULT NULL, more jsonb DEFAULT '{}', partner text DEFAULT 'ess.example.org') RETURNS text LANGUAGE sql AS $$
	SELECT receive_member(ROW(nextval('app.item'), partner, event_type, 'Member', casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', number)],
		additional_attributes => attributes) || more, 'message', now(), now())::casesync.inbound)
$$;
CREATE FUNCTION app.plan_told(id text, status casesync.plan_status, actions jsonb[], version integer DEFAULT 1, approved text[] DEFAULT '{}', goals jsonb[] DEFAULT NULL, agreed date DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('plan', plan_shown(casesync.plan(id, version, status, organisations => '{ess.example.org,sp.example.org}', goals => goals, actions => actions, client_agreed_on => agreed), approved))
$$;
CREATE FUNCTION app.action_told(id text, organisation text, kind text, status casesync.plan_action_status DEFAULT 'planned', delivered date DEFAULT NULL, reason text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT casesync.plan_action(id, NULL, kind, organisation => organisation, responsible => 'client', status => status, delivered_on => delivered, reason => reason)
$$;
CREATE VIEW app.plans AS SELECT p.id, p.version, p.status, p.client_agreed_on, (SELECT string_agg(concat_ws(' ', a.id, a.organisation, a.kind, a.status, a.reason), ', ' ORDER BY a.id) FROM action a
	WHERE a.plan_id = p.id AND a.plan_version = p.version) AS actions, (SELECT string_agg(v.organisation || ' ' || coalesce(v.worker_id::text, 'told'), ', ' ORDER BY v.organisation)
	FROM plan_approval v WHERE v.plan_id = p.id AND v.plan_version = p.version) AS approvals FROM plan p ORDER BY 1, 2;
-- one call names the functions, as often as one likes, for their owner only
SELECT casesync.receive_casework('casework');
SELECT casesync.receive_casework('casework') IS NOT NULL;
SELECT record_type, event_type, handler FROM casesync_internal.handler ORDER BY 1, 2;
SELECT app.try_all($$SELECT casesync.receive_casework('nowhere')$$);

-- Example 1, exceptions: the common ones; who it is goes by identifiers only, and of nobody, and of several, a person decides
SELECT app.hear('plan_change', 'nobody', more => '{"employment_status": "1"}');
INSERT INTO identifier VALUES (2, 'PASSPORT', '7'), (3, 'UIN', '7');
SELECT receive_member(ROW(1, 'ess.example.org', 'plan_change', 'Member', casesync.member(identifiers => ARRAY[casesync.identifier('PASSPORT', '7'), casesync.identifier('UIN', '7')]), 'm', now(), now())::casesync.inbound);
SELECT receive_member(ROW(1, 'ess.example.org', 'plan_change', 'Member', '{"employment_status": "1"}', 'm', now(), now())::casesync.inbound);
SELECT app.hear('plan_change', '100002', more => '{"employment_status": "1"}', partner => 'elsewhere.example.org');
SELECT app.hear('plan_change', '100002', more => '{"employment_status": "1", "demographic_info": {"name": {"surname": "Sow"}}, "is_disabled": "maybe"}');
SELECT app.hear('plan_change', '100002', more => '{"employment_status": "1", "demographic_info": {"name": {"surname": "Sow"}}}');
SELECT surname, given_name, employment_status, told_by IS NOT NULL AS is_told, row_version FROM person WHERE id = 2;
-- again: nothing happens
SELECT app.hear('plan_change', '100002', more => '{"employment_status": "1", "demographic_info": {"name": {"surname": "Sow"}}}');
SELECT row_version FROM person WHERE id = 2;

-- a referral makes a new person and case file, if the setting says so; nothing else does
SELECT app.hear('referral', '900', jsonb_build_object('referral', casesync.referral('R-9', 'requested', 'ess.example.org', 'sp.example.org', 'cash', respond_by => '2030-01-01')));
SELECT p.id, i.value, r.id, r.status, f.lead_organisation FROM referral r JOIN person p ON p.id = r.person_id JOIN identifier i ON i.person_id = p.id JOIN case_file f ON f.person_id = p.id WHERE r.id = 'R-9';
SELECT organisation, part FROM case_party WHERE person_id = 100 ORDER BY 1;
UPDATE setting SET unknown_referred = 'review';
SELECT app.hear('referral', '901', jsonb_build_object('referral', casesync.referral('R-10', 'requested', 'ess.example.org', 'sp.example.org', 'cash')));
-- whose referral it is; who is asked answers, and who asks may take it back; late words change nothing
SELECT app.act(1);
UPDATE referral SET status = 'accepted' WHERE id = 'R-9';
SELECT app.act(NULL);
SELECT app.hear('referral', '900', jsonb_build_object('referral', casesync.referral('R-9', 'requested', 'ess.example.org', 'sp.example.org', 'cash and care', respond_by => '2031-01-01')));
SELECT app.hear('referral', '900', jsonb_build_object('referral', casesync.referral('R-9', 'completed', 'ess.example.org', 'sp.example.org', outcome => 'x')));
SELECT status, service, respond_by = '2031-01-01' AS is_later, outcome FROM referral WHERE id = 'R-9';
SELECT app.hear('referral', '100002', jsonb_build_object('referral', casesync.referral('R-9', 'cancelled', 'ess.example.org', 'sp.example.org', reason => 'x')));
SELECT app.hear('referral', '900', jsonb_build_object('referral', casesync.referral('R-9', 'cancelled', 'ess.example.org', 'sp.example.org', reason => 'moved away')));
SELECT status, reason FROM referral WHERE id = 'R-9';
SELECT app.hear('referral', '900', jsonb_build_object('referral', casesync.referral('R-9', 'accepted', 'ess.example.org', 'sp.example.org')));
-- one open referral of a person: a second one waits with the rule's words
SELECT refer(1, 'ess.example.org', 'job search') IS NOT NULL;
SELECT regexp_replace(app.hear('referral', '100001', jsonb_build_object('referral', casesync.referral('R-11', 'requested', 'ess.example.org', 'sp.example.org', 'cash'))), ': [0-9a-f-]{36}', ': (id)');
SELECT app.hear('referral', '100001', jsonb_build_object('referral', casesync.referral((SELECT id FROM referral WHERE person_id = 1), 'accepted', 'sp.example.org', 'ess.example.org')));
SELECT status FROM referral WHERE person_id = 1;
SELECT app.try_all($$SELECT refer(100, 'ess.example.org')$$);

-- we lead the case of person 1: the partner's own actions are its own, of the rest nothing
SELECT app.make_plan(1, 'draft', 'P1');
SELECT app.act(1);
UPDATE plan SET status = 'proposed', client_agreed_on = '2026-09-30' WHERE id = 'P1';
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P1', 1);
SELECT app.act(NULL);
SELECT app.hear('plan_change', '100001', app.plan_told('P1', 'active', ARRAY[app.action_told('A-SP', 'sp.example.org', 'nothing', 'cancelled', reason => 'x')], approved => '{ess.example.org,sp.example.org}'));
SELECT status, actions, approvals FROM app.plans WHERE id = 'P1';
-- an approval of something else than what lies here is none; of this it is
CREATE VIEW app.shown AS SELECT plan_shown(plan - '{approvals,approved_by,@content}'::text[], '{ess.example.org,sp.example.org}') AS plan FROM live_plan WHERE person_id = 1;
SELECT app.hear('plan_change', '100001', (SELECT jsonb_build_object('plan', jsonb_set(plan, '{approvals,0,content}', '"other"')) FROM app.shown));
SELECT approvals FROM app.plans WHERE id = 'P1';
SELECT app.hear('plan_change', '100001', (SELECT jsonb_build_object('plan', plan) FROM app.shown));
SELECT approvals FROM app.plans WHERE id = 'P1';
-- what we change afterwards nobody has approved, and the partner does not approve it for us
SELECT app.act(1);
UPDATE action SET due_date = '2029-01-01' WHERE plan_id = 'P1' AND id = 'A-SP';
SELECT app.act(NULL);
SELECT app.hear('plan_change', '100001', (SELECT jsonb_build_object('plan', plan) FROM app.shown));
SELECT approvals FROM app.plans WHERE id = 'P1';
-- another plan of the same person is put before somebody
SELECT app.hear('plan_change', '100001', app.plan_told('P9', 'proposed', ARRAY[app.action_told('A', 'ess.example.org', 'training')]));
SELECT app.hear('plan_change', '100002', jsonb_build_object('plan', casesync.plan('P8', 1, 'proposed', organisations => '{ess.example.org,other.example.org}')));

-- the partner leads the case of person 3: its word counts on the plan, ours on our actions, and our approval is ours
UPDATE case_file SET lead_organisation = 'ess.example.org' WHERE person_id = 3;
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'proposed', ARRAY[app.action_told('E', 'ess.example.org', 'training'), app.action_told('S', 'sp.example.org', 'child care')],
	goals => ARRAY[casesync.plan_goal('G', 'a job', 'open')]));
SELECT * FROM app.plans WHERE id = 'P3';
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'active', ARRAY[app.action_told('E', 'ess.example.org', 'training', 'in_progress'), app.action_told('S', 'sp.example.org', 'child care', 'done')],
	approved => '{ess.example.org,sp.example.org}', goals => ARRAY[casesync.plan_goal('G', 'a good job', 'open')], agreed => '2026-11-01'));
SELECT * FROM app.plans WHERE id = 'P3';
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P3', 1);
SELECT app.act(NULL);
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'active', ARRAY[app.action_told('E', 'ess.example.org', 'training', 'done', '2026-11-20'), app.action_told('S', 'sp.example.org', 'child care', 'done')],
	approved => '{ess.example.org,sp.example.org}', goals => ARRAY[casesync.plan_goal('G', 'a job', 'reached')], agreed => '2026-11-01'));
SELECT * FROM app.plans WHERE id = 'P3';
SELECT action_id, organisation, delivered_on, worker_id, told_by IS NOT NULL AS is_told FROM delivery WHERE plan_id = 'P3';
SELECT id, description, status FROM goal WHERE plan_id = 'P3';
-- a delivery that the partner takes back, or moves to an earlier day
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'active', ARRAY[app.action_told('E', 'ess.example.org', 'training', 'done', '2026-11-19')]));
SELECT delivered_on FROM delivery WHERE plan_id = 'P3';
-- what was planned stays as it was agreed, also if the partner says otherwise of its own, or plans more
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'active', ARRAY[app.action_told('E', 'ess.example.org', 'painting', 'done', '2026-11-19'), app.action_told('X', 'sp.example.org', 'anything')]));
SELECT actions FROM app.plans WHERE id = 'P3';
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'ended', ARRAY[app.action_told('E', 'ess.example.org', 'training', 'done', '2026-11-19')]));
-- no review is opened by what a partner told, and all of it is in the trail
SELECT count(*) FROM review WHERE person_id = 3;
SELECT count(*) > 5 FROM trail WHERE person_id = 3 AND told_by LIKE 'message/%';
-- what differs on the other side and nobody can tell which counts is among what waits for the supervisor of the case, without the values; also for whoever may only work here
SELECT casesync.set_node('sp.example.org', 'https://sp.example', four_eyes => false) IS NULL AS none, count(*) FROM casesync.publish_casework('casework');
INSERT INTO casesync_internal.conflict (registry, key, field, partner, item, ours, theirs, winner, why, state, about) VALUES
	('casework.member', '1', 'employment_status', 'ess.example.org', 1, '"1"', '"2"', 'ours', 'nobody knows when', 'open', 'a'), ('casework.member', '2', 'employment_status', 'ess.example.org', 1, '"1"', '"2"', 'theirs', 'newer', 'settled', 'b');
CREATE ROLE regress_chief;
SELECT casesync.grant_casework('casework', 'regress_chief', 'supervisor') IS NULL, casesync.grant_access('regress_chief', 'types') IS NULL;
SET ROLE regress_chief;
SELECT supervisor_id, kind, person_id, detail FROM review_due WHERE kind = 'other side';
SELECT has_table_privilege('casesync.own_conflicts', 'SELECT');
-- nor may who works here say what a partner told
SELECT has_function_privilege(f, 'EXECUTE') FROM unnest('{receive_member(casesync.inbound),receive_beneficiary(casesync.inbound)}'::regprocedure[]) f;
RESET ROLE;
SELECT key, field, partner, why, state FROM own_conflicts ORDER BY key;
-- enrolments
SELECT receive_beneficiary(ROW(1, 'ess.example.org', 'enrolment', 'Beneficiary', casesync.beneficiary(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', '100003')], programmes => ARRAY[casesync.enrolment('Public works', s::casesync.enrolment_status)]), 'm' || s, now(), now())::casesync.inbound)
	FROM unnest('{Active,Suspended,Suspended}'::text[]) s;
SELECT programme, status, row_version FROM enrolment WHERE person_id = 3;
-- a death ends what goes on; what the partner still tells of the plan changes nothing
SELECT app.hear('enrolment_status_change', '100003', more => '{"demographic_info": {"death_date": "2026-11-22"}}');
SELECT app.hear('plan_change', '100003', app.plan_told('P3', 'active', ARRAY[app.action_told('E', 'ess.example.org', 'training', 'in_progress')]));
SELECT id, status, reason FROM plan WHERE person_id = 3;
SELECT count(*) FROM case_file WHERE person_id = 3 AND closed_on IS NULL;
\t off
\pset format aligned
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA app, casework CASCADE;
DROP OWNED BY regress_chief;
DROP ROLE regress_chief;
DROP EXTENSION casesync CASCADE;
