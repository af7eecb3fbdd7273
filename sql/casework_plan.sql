-- A joint plan in the casework schema: two authors, approvals, one at a time, evidence, row versions. The schema's name is an odd one.
CREATE EXTENSION casesync;
\set schema 'O''Brien "case;--"'
\i test/scene/casework.sql
\t on
\pset format unaligned

-- Example 1: they share a case management platform, which keeps both sides of the case; a draft of one side
SELECT app.try_all($$INSERT INTO plan (id, case_file_id, status) VALUES ('P', 1, 'active')$$);
SELECT app.try_all($$INSERT INTO plan (id, case_file_id) VALUES ('P', 99)$$);
SELECT app.try_all($$INSERT INTO goal (id, plan_id, description) VALUES ('G', 'P', 'a job')$$);
SELECT app.act(1);
INSERT INTO plan (id, case_file_id, start_date, end_date) VALUES ('P', 1, '2026-10-01', '2027-03-31');
SELECT app.try_all($$UPDATE plan SET status = 'active' WHERE id = 'P'$$);
SELECT app.try_all($$UPDATE plan SET status = 'proposed' WHERE id = 'P'$$);
INSERT INTO goal (id, plan_id, description) VALUES ('G', 'P', 'a job within six months');
INSERT INTO action (id, plan_id, goal_id, organisation, responsible, kind, due_date) VALUES ('A1', 'P', 'G', 'sp.example.org', 'worker', 'child care', '2026-10-15');
UPDATE plan SET status = 'proposed' WHERE id = 'P';
SELECT app.try_all($$UPDATE plan SET status = 'agreed' WHERE id = 'P'$$);

-- what lies before both sides stays as it is, until it is taken back
SELECT app.act(2);
SELECT app.try_all($$INSERT INTO action (plan_id, organisation, responsible, kind) VALUES ('P', 'ess.example.org', 'client', 'training')$$);
SELECT app.try_all($$UPDATE action SET due_date = '2026-12-31' WHERE plan_id = 'P'$$);
SELECT app.try_all($$DELETE FROM goal WHERE plan_id = 'P'$$);
SELECT app.try_all($$INSERT INTO plan_author (plan_id, plan_version) VALUES ('P', 1)$$);
UPDATE plan SET status = 'draft' WHERE id = 'P';
INSERT INTO action (id, plan_id, goal_id, organisation, responsible, kind, due_date) VALUES ('A2', 'P', 'G', 'ess.example.org', 'client', 'training', '2026-12-15');
SELECT organisation, worker_id FROM plan_author ORDER BY 1;
UPDATE plan SET status = 'proposed' WHERE id = 'P';

-- an approval by each organisation, by somebody who has not written in it; and the client's
SELECT app.try_all($$INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1)$$);
SELECT app.act(NULL);
SELECT app.try_all($$INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1)$$);
SELECT app.act(3);
-- what a worker says of another organisation, or of messages, counts for nothing
INSERT INTO plan_approval (plan_id, plan_version, organisation, told_by) VALUES ('P', 1, 'ess.example.org', 'message 7');
SELECT organisation, worker_id, told_by FROM plan_approval;
SELECT app.try_all($$UPDATE plan SET status = 'agreed' WHERE id = 'P'$$);
SELECT app.act(4);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1);
SELECT app.try_all($$UPDATE plan SET status = 'agreed' WHERE id = 'P'$$);
UPDATE plan SET status = 'agreed', client_agreed_on = '2026-09-30', client_agreed_how = 'signed' WHERE id = 'P';
-- taken back, all agree anew
UPDATE plan SET status = 'draft' WHERE id = 'P';
SELECT client_agreed_on IS NULL AS must_agree_anew, (SELECT count(*) FROM plan_approval) AS approvals FROM plan WHERE id = 'P';
UPDATE plan SET status = 'proposed', client_agreed_on = '2026-10-01' WHERE id = 'P';
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1);
SELECT app.act(4);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1);
SELECT app.act(1);
UPDATE plan SET status = 'agreed' WHERE id = 'P';
UPDATE plan SET status = 'active' WHERE id = 'P';

-- what was agreed on stays with whom it is for
SELECT app.try_all($$UPDATE plan SET end_date = '2028-01-01' WHERE id = 'P'$$);
SELECT app.try_all($$UPDATE plan SET case_file_id = 2, person_id = 2 WHERE id = 'P'$$);
SELECT app.try_all($$UPDATE plan SET client_agreed_on = NULL WHERE id = 'P'$$);

-- one plan at a time
SELECT app.try_all($$INSERT INTO plan (id, case_file_id) VALUES ('Q', 1)$$);

-- done needs a delivery, by somebody, under a plan that is followed; missed and cancelled need a reason
SELECT app.try_all($$UPDATE action SET status = 'done' WHERE plan_id = 'P' AND id = 'A1'$$);
SELECT app.try_all($$UPDATE action SET status = 'missed' WHERE plan_id = 'P' AND id = 'A1'$$);
SELECT app.try_all($$UPDATE action SET kind = 'another' WHERE plan_id = 'P' AND id = 'A1'$$);
SELECT app.act(NULL);
SELECT app.try_all($$INSERT INTO delivery (plan_id, action_id) VALUES ('P', 'A1')$$);
SELECT app.act(1);
INSERT INTO delivery (id, plan_id, action_id, delivered_on) VALUES (1, 'P', 'A1', '2026-10-10');
UPDATE action SET status = 'done' WHERE plan_id = 'P' AND id = 'A1';
SELECT app.try_all($$DELETE FROM delivery WHERE id = 1$$);
SELECT app.try_all($$UPDATE plan SET status = 'completed' WHERE id = 'P'$$);

-- who carries an old row version learns who was faster
SELECT row_version FROM action WHERE plan_id = 'P' AND id = 'A2';
SELECT app.act(2);
UPDATE action SET status = 'in_progress', row_version = 1 WHERE plan_id = 'P' AND id = 'A2';
SELECT app.act(1);
SELECT regexp_replace(said, 'changed it at .*', 'changed it at TIME.') FROM app.try_all($$UPDATE action SET status = 'missed', reason = 'ill', row_version = 1 WHERE plan_id = 'P' AND id = 'A2'$$);
-- writing what is there changes nothing
UPDATE action SET status = 'in_progress' WHERE plan_id = 'P' AND id = 'A2';
SELECT row_version, changed_by FROM action WHERE plan_id = 'P' AND id = 'A2';

-- a revision is a new version; the one in force is so until the new one is
SELECT revise_plan('P');
SELECT app.try_all($$SELECT revise_plan('P')$$);
SELECT app.try_all($$SELECT revise_plan('X')$$);
SELECT version, status FROM plan WHERE id = 'P' ORDER BY 1;
SELECT plan_version, id, status, row_version FROM action WHERE plan_id = 'P' ORDER BY 1, 2;
UPDATE action SET due_date = '2027-01-31' WHERE plan_id = 'P' AND plan_version = 2 AND id = 'A2';
SELECT app.act(2);
INSERT INTO plan_author (plan_id, plan_version) VALUES ('P', 2);
UPDATE plan SET status = 'proposed', client_agreed_on = '2026-11-01' WHERE id = 'P' AND version = 2;
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 2);
SELECT app.act(4);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 2);
UPDATE plan SET status = 'agreed' WHERE id = 'P' AND version = 2;
UPDATE plan SET status = 'active' WHERE id = 'P' AND version = 2;
SELECT version, status, changed_by FROM plan WHERE id = 'P' ORDER BY 1;
-- evidence from before counts
SELECT app.act(2);
INSERT INTO delivery (plan_id, action_id, delivered_on, hours) VALUES ('P', 'A2', '2026-11-20', 20);
UPDATE action SET status = 'done' WHERE plan_id = 'P' AND plan_version = 2 AND id = 'A2';
SELECT app.try_all($$UPDATE plan SET status = 'ended' WHERE id = 'P' AND version = 2$$);
UPDATE plan SET status = 'completed' WHERE id = 'P' AND version = 2;
SELECT app.try_all($$UPDATE plan SET end_date = '2028-01-01' WHERE id = 'P' AND version = 2$$);
SELECT app.try_all($$UPDATE action SET status = 'planned' WHERE plan_id = 'P' AND plan_version = 2$$);

-- a death ends what goes on, and nothing begins
SELECT app.make_plan(2, 'active', 'D');
INSERT INTO enrolment (id, person_id, programme, status) VALUES (1, 2, 'Public works', 'Active');
INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id) VALUES ('R', 2, 'requested', 'sp.example.org', 'ess.example.org', 2);
UPDATE person SET death_date = '2026-11-20' WHERE id = 2;
SELECT 'plan', status::text, reason FROM plan WHERE id = 'D' UNION ALL SELECT 'action ' || id, status::text, reason FROM action WHERE plan_id = 'D'
	UNION ALL SELECT 'referral', status::text, reason FROM referral UNION ALL SELECT 'enrolment', status::text, since::text FROM enrolment
	UNION ALL SELECT 'case file', closed_why, NULL FROM case_file WHERE person_id = 2 ORDER BY 1;
SELECT app.try_all($$INSERT INTO plan (id, case_file_id) VALUES ('D2', 2)$$);
SELECT app.try_all($$INSERT INTO referral (id, person_id, status, referred_by, referred_to, override_reason) VALUES ('R2', 2, 'requested', 'sp.example.org', 'ess.example.org', 'law')$$);

-- referrals: consent or a reason to do without, one at a time, an answer with a reason, an outcome
SELECT app.try_all($$INSERT INTO referral (id, person_id, status, referred_by, referred_to) VALUES ('R3', 3, 'requested', 'sp.example.org', 'ess.example.org')$$);
SELECT app.try_all($$INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id) VALUES ('R3', 3, 'requested', 'sp.example.org', 'ess.example.org', 1)$$);
INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id) VALUES ('R3', 3, 'requested', 'sp.example.org', 'ess.example.org', 3);
SELECT app.try_all($$INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id) VALUES ('R4', 3, 'requested', 'sp.example.org', 'ess.example.org', 3)$$);
SELECT app.try_all($$UPDATE referral SET status = 'in_progress' WHERE id = 'R3'$$);
SELECT app.try_all($$UPDATE referral SET person_id = 1 WHERE id = 'R3'$$);
SELECT app.try_all($$UPDATE referral SET status = 'rejected' WHERE id = 'R3'$$);
UPDATE referral SET status = 'accepted' WHERE id = 'R3';
SELECT app.try_all($$UPDATE referral SET status = 'completed' WHERE id = 'R3'$$);
UPDATE referral SET status = 'completed', outcome = 'employed' WHERE id = 'R3';
SELECT app.try_all($$UPDATE referral SET status = 'requested' WHERE id = 'R3'$$);
SELECT id, status, referred_on = current_date AS is_sent, responded_on = current_date AS is_answered FROM referral ORDER BY id;

-- what a message told is the other system's word; nobody who works here can claim it
SELECT app.act(NULL);
UPDATE organisation SET is_own = false WHERE id = 'ess.example.org';
UPDATE case_file SET lead_organisation = 'ess.example.org' WHERE id = 3;
INSERT INTO plan (id, case_file_id, version, status, told_by) VALUES ('T', 3, 4, 'proposed', 'message 1');
INSERT INTO action (id, plan_id, organisation, responsible, kind, told_by) VALUES ('TA', 'T', 'ess.example.org', 'client', 'training', 'message 1');
SELECT organisation, worker_id, told_by FROM plan_author WHERE plan_id = 'T';
SELECT app.act(1);
SELECT app.try_all($$UPDATE plan SET status = 'draft', told_by = 'message 2' WHERE id = 'T'$$);
SELECT status, told_by, changed_by FROM plan WHERE id = 'T';
INSERT INTO action (id, plan_id, organisation, responsible, kind) VALUES ('TB', 'T', 'sp.example.org', 'worker', 'child care');
SELECT app.try_all($$UPDATE plan SET client_agreed_on = '2026-11-01' WHERE id = 'T'$$);
-- what is the other side's is for its system to change, and what both have is cancelled, not deleted
SELECT app.try_all($$UPDATE action SET status = 'in_progress' WHERE plan_id = 'T' AND id = 'TA'$$);
SELECT app.try_all($$UPDATE action SET due_date = '2027-03-01' WHERE plan_id = 'T' AND id = 'TA'$$);
SELECT app.try_all($$DELETE FROM action WHERE plan_id = 'T' AND id = 'TB'$$);
UPDATE action SET worker_id = 1 WHERE plan_id = 'T' AND id = 'TA';
SELECT id, worker_id, told_by FROM action WHERE plan_id = 'T' ORDER BY id;
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('T', 4);
-- what was approved is not what there is now
SELECT app.act(NULL);
UPDATE action SET due_date = '2027-02-01', told_by = 'message 3' WHERE plan_id = 'T' AND id = 'TA';
SELECT count(*) FROM plan_approval WHERE plan_id = 'T';
INSERT INTO plan_approval (plan_id, plan_version, organisation, told_by) VALUES ('T', 4, 'ess.example.org', 'message 3');
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('T', 4);
-- who leads says when it begins; the states of the other system may be folded
SELECT app.try_all($$UPDATE plan SET status = 'agreed' WHERE id = 'T'$$);
SELECT app.act(NULL);
UPDATE plan SET status = 'active', told_by = 'message 4' WHERE id = 'T';
SELECT app.act(1);
SELECT app.try_all($$UPDATE plan SET status = 'ended', reason = 'x' WHERE id = 'T'$$);
UPDATE action SET status = 'in_progress' WHERE plan_id = 'T' AND id = 'TB';
SELECT app.try_all($$UPDATE action SET status = 'done', told_by = 'message 5' WHERE plan_id = 'T' AND id = 'TB'$$);
-- a person goes with all that belongs to it, what was done and held included; the trail stays
UPDATE review_rule SET rule = 'before_sharing', percent = NULL;
SELECT app.act(1);
UPDATE person SET is_disabled = true WHERE id = 1;
SELECT app.act(NULL);
DELETE FROM person WHERE id = 1;
SELECT (SELECT count(*) FROM plan WHERE person_id = 1) AS plans, (SELECT count(*) FROM held) AS held, (SELECT count(*) > 0 FROM trail WHERE person_id = 1) AS trail;
\t off
\pset format aligned
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA app, :"schema" CASCADE;
DROP EXTENSION casesync CASCADE;
