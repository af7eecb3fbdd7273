-- What a case worker pushes: within the agreement, once, with a number, on record; and what stops it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/state.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
INSERT INTO app.person SELECT i, 'U' || i, '1', i <> 3, 'North', 'secret' FROM generate_series(1, 4) i;
SELECT * FROM app.route();
CREATE ROLE regress_push_worker;
SELECT casesync.grant_access('regress_push_worker', 'caseworker');
-- what a bridge would send, as the partner reads it
CREATE FUNCTION app.sent() RETURNS TABLE (who text, says text, note text, event text, way text, seq text, prev text, action text) LANGUAGE sql AS $$
	SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}', e #>> '{data,reg_records,employment_status}',
		e #>> '{data,reg_records,additional_attributes,0,push_note}', e #>> '{data,reg_event_type}', i->>'way', i->>'seq', i->>'prev_seq', p.action
	  FROM app.send('ess.test') p CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n)
	 CROSS JOIN LATERAL (SELECT p.meta::jsonb #> ARRAY['items', (x.n - 1)::text]) m(i)
$$;
CREATE FUNCTION app.push(key text, event text DEFAULT 'enrolment_status_change', note text DEFAULT NULL, partner text DEFAULT 'ess.test', registry text DEFAULT 'people')
RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE sql AS $$
	SELECT * FROM app.state_of(format('SELECT casesync.push(%L, %L, %L, %L, %L)', partner, registry, key, event, note))
$$;
CREATE FUNCTION app.status(key text) RETURNS TABLE (partner text, may_know text, told boolean, told_as text, told_by text, state text, reason text, heard_as text, heard_state text)
LANGUAGE sql AS $$
	SELECT s.partner, s.may_know, s.told_at IS NOT NULL, s.told_as, s.told_by, s.state, s.reason, s.heard_as, s.heard_state FROM casesync.shared_status('people', key) s
$$;

-- the service belongs into the agreement, and needs notify
SELECT * FROM app.push('1');
SELECT * FROM app.state_of($$SELECT casesync.set_agreement('OUT', 'ess.test', services => '{push}')$$);
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,push}');
SELECT casesync.activate('OUT');
-- each thing that can be missing, with what to do
SELECT * FROM app.push('1', partner => 'nobody');
SELECT * FROM app.push('1', registry => 'nothing');
SELECT * FROM app.push('1', 'death');
SELECT * FROM app.push('99');
SELECT * FROM app.push('01');
SELECT * FROM app.push('3');
SELECT * FROM app.push('1', note => 'she called');
SELECT * FROM app.push('1', note => repeat('x', 501));
SELECT count(*) FROM casesync_internal.push;

-- without a subscription nobody is told of a change; the case worker's push is: as it is now, numbered, on record
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.status('1');
SET ROLE regress_push_worker;
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
RESET ROLE;
SELECT * FROM app.status('1');
SELECT * FROM app.route();
SELECT * FROM app.status('1');
SELECT * FROM app.sent();
SELECT * FROM app.status('1');
SELECT way, outcome, agreement FROM casesync.disclosures('people', '1');
SELECT who = session_user AS by_me, about, detail - 'subject' AS detail, detail->>'subject' = casesync_internal.erased_key('people', '1') AS of_one FROM casesync.audit WHERE what = 'push';
-- whatever the partner knows: it is told again when somebody wants it, but not by itself
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
SELECT * FROM app.route();
SELECT * FROM app.sent();
-- in one transaction with the change, or not at all
BEGIN;
UPDATE app.person SET status = '1' WHERE id = 1;
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
ROLLBACK;
SELECT * FROM app.route();
BEGIN;
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
COMMIT;
SELECT * FROM app.route();
SELECT * FROM app.sent();

-- a partner that has subscribed is told once: by its subscription
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
BEGIN;
UPDATE app.person SET status = '1' WHERE id = 1;
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
COMMIT;
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT way, outcome FROM casesync.disclosures('people', '1');
SELECT * FROM app.route();
-- neither the partner's quota nor its codes know of the row that stands for pushes
SELECT is_push, state, due, last_seq FROM casesync.subscriptions ORDER BY is_push;
SELECT status, code FROM casesync_internal.unsubscribe_outcome(casesync_internal.require_partner('ess.test'), ARRAY(SELECT code FROM casesync.subscriptions WHERE is_push));
SELECT casesync_internal.codes_now('ess.test', ARRAY(SELECT code FROM casesync.subscriptions)) @> '[{"status": "subscribe"}]' AS knows_one,
	jsonb_array_length(casesync_internal.codes_now('ess.test', ARRAY(SELECT code FROM casesync.subscriptions))) AS codes;
SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE NOT is_push;

-- a note travels where it is agreed, and two pushes at once are one
SELECT casesync.set_agreement('OUT', 'ess.test', fields => '{employment_status,additional_attributes.push_note}');
SELECT casesync.activate('OUT');
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change', ' came today ');
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change', 'and again');
SELECT * FROM app.route();
SELECT * FROM app.sent();
-- the note is no part of what the partner knows: the record is no news
SELECT hmac = (SELECT casesync_internal.keyed_hash(s.hash_key, jsonb_build_object('employment_status', '1',
	'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'U2')))) FROM casesync_internal.node_secret s) AS without_note
  FROM casesync_internal.told WHERE key = '2';

-- a newer version of the agreement: made anew under it
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change', 'a note');
SELECT * FROM app.route();
SELECT casesync.set_agreement('OUT', 'ess.test', fields => '{employment_status}');
SELECT casesync.activate('OUT');
SELECT * FROM app.sent();
SELECT * FROM app.route();
SELECT * FROM app.sent();
-- one that lets nobody push any more
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
SELECT * FROM app.route();
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify}');
SELECT casesync.activate('OUT');
SELECT * FROM app.sent();
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT * FROM app.status('1');
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,push}');
SELECT casesync.activate('OUT');
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT casesync.push('ess.test', 'people', '4', 'enrolment_status_change');
-- before the router has looked: left the agreement, or the agreement has ended
UPDATE app.person SET shared = false WHERE id = 4;
SELECT * FROM app.route();
SELECT * FROM app.status('4');
UPDATE app.person SET shared = true WHERE id = 4;
SELECT * FROM app.route();
SELECT casesync.push('ess.test', 'people', '4', 'enrolment_status_change');
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify}');
SELECT casesync.activate('OUT');
SELECT * FROM app.route();
SELECT * FROM app.status('4');
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,push}');
SELECT casesync.activate('OUT');
-- at the door
SELECT casesync.push('ess.test', 'people', '4', 'enrolment_status_change');
SELECT * FROM app.route();
ALTER TABLE app.person DISABLE TRIGGER ALL;
UPDATE app.person SET shared = false WHERE id = 4;
ALTER TABLE app.person ENABLE TRIGGER ALL;
SELECT * FROM app.sent();
SELECT * FROM app.status('4');
UPDATE app.person SET shared = true WHERE id = 4;
SELECT * FROM app.route();

-- stopped: nothing is pushed; what waited goes when sharing goes on, once
SELECT casesync.push('ess.test', 'people', '1', 'enrolment_status_change');
SELECT * FROM app.route();
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change');
SELECT count(*) > 0 AS told FROM casesync.stop_sharing('a mistake', 'ess.test');
SELECT code, message, hint FROM app.push('1');
SELECT partner, may_know, state FROM app.status('1');
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
SELECT * FROM app.route();
SELECT who, says, way FROM app.sent();
SELECT count(*) > 0 AS told FROM casesync.stop_sharing('another', agreement => 'OUT');
SELECT code, message, detail ~ 'another' AS why, hint FROM app.push('1');
SELECT casesync.resume_sharing(agreement => 'OUT') > 0 AS resumed;

-- refused for good: a dead letter, retried like any other
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change');
SELECT * FROM app.route();
SELECT (message::jsonb #>> '{notify_event,0,data,reg_records,employment_status}') AS says FROM app.send('ess.test', 'refused');
SELECT partner, told, state FROM app.status('2');
SELECT casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT who, says, way FROM app.sent();
SELECT partner, told_by, state FROM app.status('2');

-- nothing that a view raises is said, and what cannot be made comes when it can
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change');
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status::integer / (p.id - 2)) AS record
	  FROM app.person p;
SELECT * FROM app.push('2');
SELECT * FROM app.route();
SELECT partner, state, reason FROM app.status('2');
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status) AS record
	  FROM app.person p;
SELECT casesync.retry_quarantine();
SELECT * FROM app.route();
SELECT who, says, way FROM app.sent();

-- too many
INSERT INTO casesync_internal.push (partner, registry, key, event_type, is_new, dropped) SELECT 'ess.test', 'people', '2', 'x', false, 'filled' FROM generate_series(1, 500);
SELECT code, regexp_replace(message, '^\S+', '(login)') AS message, hint FROM app.push('1');
DELETE FROM casesync_internal.push WHERE dropped = 'filled';

-- an address is needed
SELECT casesync.set_partner('lost.test');
SELECT code, message, hint FROM app.push('1', partner => 'lost.test');

-- forgotten with the person, and with time
SELECT casesync.push('ess.test', 'people', '2', 'enrolment_status_change');
SELECT * FROM app.route();
SELECT what, rows FROM casesync.erase('people', '2', 'asked for') WHERE what = 'notifications';
SELECT * FROM app.sent();
SELECT count(*) FROM casesync_internal.push WHERE key = '2';
SELECT what, rows > 0 AS some FROM casesync.prune('0') WHERE what = 'notifications';
SELECT count(*) FROM casesync_internal.push;

-- the access gives this and nothing else
SET ROLE regress_push_worker;
SELECT * FROM casesync.disclosures('people', '1');
SELECT partner, told_by FROM casesync.shared_status('people', '1');
RESET ROLE;
SELECT casesync.revoke_access('regress_push_worker', 'caseworker');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP ROLE regress_push_worker;
