-- The control point of the casework schema: what is reviewed, who decides, what waits for a supervisor, how far plans are followed, what clashes.
CREATE EXTENSION casesync;
\set schema casework
\i test/scene/casework.sql
\t on
\pset format unaligned
CREATE FUNCTION app.reviews() RETURNS TABLE (said text) LANGUAGE sql AS $$
	SELECT concat_ws(' ', v.id, 'person', person_id, event_type, organisation, why, CASE WHEN holds THEN 'held' END, 'for', supervisor_id, 'updates', updates,
			'by', (SELECT string_agg(w.worker_id || CASE w.part WHEN 'escalated' THEN ' (escalated)' ELSE '' END, ',' ORDER BY w.worker_id) FROM review_worker w WHERE w.review_id = v.id),
			decision, decided_by, reason)
		FROM review v ORDER BY v.id $$;
ALTER SEQUENCE review_id_seq RESTART 1;
SELECT event_type, rule, percent FROM review_rule ORDER BY 1;
SELECT app.try_all($$UPDATE review_rule SET rule = 'sample' WHERE event_type = 'referral'$$);

-- whatever the rule: activation, closure, death
UPDATE review_rule SET rule = 'none', percent = NULL;
SELECT app.make_plan(1, 'active', 'P');
SELECT app.reviews();
-- further changes belong to it, also those of the other side's workers to theirs; nothing is begun for them
SELECT app.act(1);
UPDATE action SET status = 'in_progress' WHERE plan_id = 'P' AND id = 'A-SP';
SELECT app.act(2);
UPDATE action SET status = 'in_progress' WHERE plan_id = 'P' AND id = 'A-ESS';
SELECT app.reviews();

-- four eyes: a supervisor of the same organisation, who has no part in it; with a reason unless it is approved
SELECT app.try_all($$SELECT decide(1, 'approved')$$);
SELECT app.act(4);
SELECT app.try_all($$SELECT decide(1, 'approved')$$);
SELECT app.act(NULL);
SELECT app.try_all($$SELECT decide(1, 'approved')$$);
SELECT app.act(3);
SELECT app.try_all($$SELECT decide(9, 'approved')$$);
SELECT app.try_all($$SELECT decide(1, 'perhaps')$$);
SELECT app.try_all($$SELECT decide(1, 'returned')$$);
SELECT app.try_all($$SELECT decide(1, 'approved', updates => 1)$$);
SELECT kind, person_id, detail FROM review_due WHERE supervisor_id = 3;
SELECT decide(1, 'escalated', 'the dates clash with school');
SELECT app.try_all($$SELECT decide(1, 'approved')$$);
SELECT kind, person_id, detail FROM review_due WHERE supervisor_id IN (3, 5) AND kind = 'review';
SELECT app.act(5);
SELECT decide(1, 'returned', 'school first');
-- the worker corrects it: a new review
ALTER SEQUENCE review_id_seq RESTART 2;
UPDATE review_rule SET rule = 'all' WHERE event_type = 'plan_change';
SELECT app.act(1);
UPDATE plan SET next_review = '2030-01-01' WHERE id = 'P';
UPDATE plan SET next_review = '2029-12-01' WHERE id = 'P';
-- a supervisor who changes something leaves it to another
SELECT app.act(3);
UPDATE plan SET next_review = '2029-11-01' WHERE id = 'P';
SELECT app.try_all($$SELECT decide(2, 'approved')$$);
SELECT app.act(5);
SELECT decide(2, 'approved');
SELECT app.try_all($$SELECT decide(2, 'returned', 'after all not')$$);
SELECT app.reviews();

-- a sample; closure and death are no sample
UPDATE review_rule SET rule = 'sample', percent = 20;
SELECT app.act(1);
DO $$ BEGIN
	FOR i IN 1 .. 400 LOOP
		INSERT INTO person (id, told_by) VALUES (1000 + i, NULL);
	END LOOP;
END $$;
SELECT count(*) BETWEEN 40 AND 130 AS is_about_a_fifth FROM review WHERE person_id > 1000;
DELETE FROM person WHERE id > 1000;
UPDATE review_rule SET rule = 'none', percent = NULL;
ALTER SEQUENCE review_id_seq RESTART 10;
UPDATE person SET employment_status = 'Employed' WHERE id = 3;
UPDATE case_file SET closed_on = current_date, closed_why = 'found work' WHERE id = 3;
UPDATE person SET death_date = '2026-11-20' WHERE id = 1;
SELECT regexp_replace(s, '^\d+ ', '') FROM app.reviews() s WHERE s ~ '^1\d';
-- the trail: who did what, who decided what
SELECT worker_id, what, row_id, verb, columns, status_before, status_after, note FROM trail WHERE person_id = 1 AND verb <> 'insert' ORDER BY id;
SELECT app.try_all('DELETE FROM trail');

-- planned beside delivered
DELETE FROM review_worker; DELETE FROM review;
SELECT app.act(1);
INSERT INTO plan (id, case_file_id) VALUES ('Q', 2);
INSERT INTO action (id, plan_id, organisation, responsible, kind, start_date, due_date, hours_per_week, worker_id)
	SELECT i, 'Q', 'sp.example.org', 'worker', k, s, s + 30, 10, 1 FROM (VALUES ('1', 'visit', date '2026-01-01'), ('2', 'visit', date '2026-02-01'), ('3', 'visit', date '2026-03-01'),
		('4', 'visit', date '2026-04-01'), ('5', 'visit', current_date + 30), ('6', 'visit', current_date - 3), ('7', 'visit', date '2026-01-01')) x(i, k, s);
SELECT app.act(2);
INSERT INTO action (id, plan_id, organisation, responsible, kind, start_date, due_date, hours_per_week, worker_id)
	VALUES ('T1', 'Q', 'ess.example.org', 'client', 'training', current_date + 10, current_date + 40, 20, 2), ('T2', 'Q', 'ess.example.org', 'client', 'training', current_date + 40, current_date + 60, 20, 2),
		('T3', 'Q', 'ess.example.org', 'client', 'public works', current_date + 61, current_date + 90, 30, NULL), ('T4', 'Q', 'ess.example.org', 'client', 'course', current_date + 100, current_date + 130, 10, 2);
UPDATE plan SET status = 'proposed', client_agreed_on = '2026-01-01' WHERE id = 'Q';
SELECT app.act(3);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('Q', 1);
SELECT app.act(4);
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('Q', 1);
SELECT app.act(1);
UPDATE plan SET status = 'agreed' WHERE id = 'Q';
UPDATE plan SET status = 'active' WHERE id = 'Q';
INSERT INTO delivery (plan_id, action_id, delivered_on, hours) VALUES ('Q', '1', '2026-01-20', 4), ('Q', '2', '2026-05-01', 4), ('Q', '7', '2026-01-20', 1);
UPDATE action SET status = 'done' WHERE plan_id = 'Q' AND id IN ('1', '2');
UPDATE action SET status = 'missed', reason = 'ill' WHERE plan_id = 'Q' AND id = '3';
UPDATE action SET status = 'cancelled', reason = 'moved' WHERE plan_id = 'Q' AND id = '7';
SELECT action_id, status, deliveries, hours, outcome FROM plan_progress WHERE plan_id = 'Q' ORDER BY 1;
SELECT scope, plan_id, worker_id, office_id, percent, due, on_time, late, without_evidence, missed, overdue, not_begun, not_due, cancelled FROM adherence WHERE plan_id = 'Q' OR plan_id IS NULL ORDER BY scope, worker_id, office_id;

-- what clashes, by the rules and by one of a DBA's own
SELECT rule, first_id, second_id FROM plan_conflicts WHERE plan_id = 'Q' ORDER BY 1, 2;
INSERT INTO job (id, person_id, employer, started_on, ended_on, hours_per_week) VALUES (1, 2, 'Market', current_date, current_date + 65, 20);
INSERT INTO enrolment (person_id, programme, status, since) VALUES (2, 'Public works', 'Exited', current_date + 70);
INSERT INTO conflict_rule (rule, test, first_kind, second_kind, explanation) VALUES ('no course in the harvest', 'overlap', 'course', 'harvest', 'Everybody is in the fields.');
INSERT INTO job (id, person_id, started_on) VALUES (2, 2, current_date + 110);
UPDATE conflict_rule SET second_kind = 'job' WHERE rule = 'no course in the harvest';
SELECT rule, person_id, plan_id, first_id, second_id, lower(period) - current_date AS in_days, hours FROM plan_conflicts ORDER BY 1, 4;
UPDATE conflict_rule SET is_on = false WHERE rule = 'hours beside a job';

-- what waits for each supervisor
UPDATE case_file SET next_review = current_date - 1, intensity = 'high', opened_on = current_date - 400 WHERE id = 2;
UPDATE delivery SET delivered_on = current_date - 20 WHERE plan_id = 'Q' AND action_id = '7';
INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id, respond_by) VALUES ('R', 2, 'requested', 'sp.example.org', 'ess.example.org', 2, now() - interval '1 day');
SELECT app.act(NULL);
INSERT INTO action (id, plan_id, organisation, responsible, kind, status, told_by) VALUES ('T5', 'Q', 'ess.example.org', 'client', 'course', 'done', 'message 1');
SELECT supervisor_id, kind, person_id, is_late, regexp_replace(detail, '\d\d-\d\d-\d{4}', 'DATE') AS detail FROM review_due WHERE person_id = 2 ORDER BY 1, 2, detail COLLATE "C";
-- a plan goes on, and what it is shared for has ended: the referral, or the consent
UPDATE referral SET status = 'cancelled', reason = 'moved away' WHERE id = 'R';
UPDATE consent SET withdrawn_on = current_date WHERE person_id = 2;
SELECT supervisor_id, kind, detail FROM review_due WHERE person_id = 2 AND kind IN ('not shared', 'referral ended') ORDER BY 1, 2;
UPDATE organisation SET is_own = false WHERE id = 'ess.example.org';
SELECT supervisor_id, kind, detail FROM review_due WHERE person_id = 2 AND kind IN ('not shared', 'referral ended') ORDER BY 1, 2;
INSERT INTO consent (id, person_id, purpose, given_on) VALUES (99, 2, 'sharing', current_date);
SELECT app.act(1);
UPDATE plan SET status = 'ended', reason = 'moved away' WHERE person_id = 2 AND status = 'active';
SELECT count(*) FROM unshared_plan;
\t off
\pset format aligned
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA app, casework CASCADE;
DROP EXTENSION casesync CASCADE;
