-- What partners see of the casework schema, and what they go on seeing while a review of it is open.
\set ECHO none
CREATE EXTENSION casesync;
\set schema casework
\i test/scene/casework.sql
\i test/scene/delivery.sql
\t on
\pset format unaligned
\pset null '(null)'
UPDATE review_rule SET rule = 'none', percent = NULL;
DO $$ BEGIN
	PERFORM casesync.set_node('sp.example.org', 'https://sp.example', four_eyes => false);
	PERFORM casesync.publish_casework('casework');
	PERFORM casesync.set_partner('ess.example.org', 'https://ess.example/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.example.org', registries => '{casework.member,casework.beneficiary}',
		event_types => '{plan_change,referral,enrolment,enrolment_status_change}',
		fields => '{employment_status,demographic_info.death_date,enrollment_status,programme_identifier.programme_name,additional_attributes.plan,additional_attributes.referral}',
		identifier_types => '{NATIONAL_ID}', subjects => 'consents', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.example.org', t, r) FROM unnest('{plan_change,referral,enrolment_status_change}'::text[]) t, unnest('{Member,Beneficiary}'::text[]) r;
END $$;
-- routes all and sends it; what the partner got, with the numbers of each stream
CREATE FUNCTION app.told() RETURNS TABLE (said text) LANGUAGE plpgsql AS $$
DECLARE
	was text := current_setting('search_path');
BEGIN
	PERFORM set_config('search_path', 'public', true);
	PERFORM app.route_all();
	PERFORM set_config('search_path', was, true);
	RETURN QUERY SELECT concat_ws(' ', e->'data'->>'reg_record_type', i.value, e->'data'->>'reg_event_type', m->>'seq', 'after', coalesce(m->>'prev_seq', '-') || ':',
			'plan ' || ((casesync.plan_of(r))->>'plan_version') || ' ' || ((casesync.plan_of(r))->>'plan_status'),
			(SELECT string_agg(a->>'action_id' || '=' || (a->>'action_status'), ',') FROM jsonb_array_elements((casesync.plan_of(r))->'actions') a),
			'referral ' || ((casesync.referral_of(r))->>'referral_status'), 'employment ' || (r->>'employment_status'), 'enrolled ' || (r->>'enrollment_status'),
			'died ' || (r->'demographic_info'->>'death_date'))
		FROM app.send('ess.example.org') p
		CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n)
		CROSS JOIN LATERAL (SELECT e->'data'->'reg_records' AS r, p.meta::jsonb->'items'->(n::int - 1) AS m) y
		CROSS JOIN LATERAL (SELECT jsonb_path_query_first(r, '$.**.identifier_value') #>> '{}' AS value) i ORDER BY 1;
END $$;
\set ECHO all
-- drafts are nobody's business; what is proposed is
SELECT app.told();
SELECT app.make_plan(1, 'draft', 'P1');
SELECT app.told();
SELECT app.make_plan(2, 'active', 'P2');
UPDATE plan SET status = 'proposed' WHERE id = 'P1';
SELECT app.told();
-- no names of staff, no evidence, nothing about contacts; the plan as the schema file says it
SELECT app.act(1);
INSERT INTO delivery (plan_id, action_id, delivered_on, evidence) VALUES ('P2', 'A-SP', '2026-10-12', 'list of 12 October');
UPDATE action SET status = 'done', reason = 'as agreed' WHERE plan_id = 'P2' AND id = 'A-SP';
SELECT app.told();
SELECT regexp_replace(jsonb_pretty(casesync.plan_of(record)), '"last_updated": "[^"]*"', '"last_updated": "…"', 'g') FROM shared_member WHERE subject_key = 2;
SELECT s.subject_key, c.* FROM shared_member s, casesync.check_record('Member', s.record) c ORDER BY 1, 2;
SELECT count(*) FROM shared_member m, worker w, delivery d WHERE m.record::text LIKE '%' || w.name || '%' OR m.record::text LIKE '%' || d.evidence || '%';
SELECT subject_key, is_alive, is_able_bodied, consents, organisations FROM shared_member ORDER BY 1;

-- before_sharing: partners go on seeing what was so, of this person and this kind of news; others and other news pass
UPDATE review_rule SET rule = 'before_sharing' WHERE event_type = 'plan_change';
ALTER SEQUENCE review_id_seq RESTART 100;
UPDATE action SET status = 'in_progress' WHERE plan_id = 'P2' AND id = 'A-ESS';
SELECT app.told();
SELECT id, person_id, holds, why FROM review WHERE decision IS NULL AND event_type = 'plan_change' AND id >= 100;
UPDATE person SET employment_status = 'Employed' WHERE id IN (2, 3);
SELECT app.told();
UPDATE action SET status = 'missed', reason = 'ill' WHERE plan_id = 'P2' AND id = 'A-ESS';
SELECT app.told();
SELECT app.act(3);
SELECT decide((SELECT max(id) FROM review WHERE person_id = 2), 'returned', 'was there, says the school');
SELECT app.told();
-- returned, it is still held; corrected and approved, partners learn what is so now, and not what was between; the stream has no gap
SELECT app.act(1);
UPDATE action SET status = 'in_progress', reason = NULL WHERE plan_id = 'P2' AND id = 'A-ESS';
SELECT app.told();
SELECT app.act(3);
SELECT regexp_replace(decide((SELECT max(id) FROM review WHERE person_id = 2), 'approved'), '\d+', 'N');
SELECT app.told();
SELECT count(*) FROM held;

-- two organisations changed it: both have to approve
SELECT app.act(1);
UPDATE plan SET next_review = '2029-01-01' WHERE id = 'P2';
SELECT app.act(2);
UPDATE action SET status = 'missed', reason = 'ill' WHERE plan_id = 'P2' AND id = 'A-ESS';
SELECT app.act(3);
SELECT regexp_replace(decide((SELECT id FROM review WHERE person_id = 2 AND organisation = 'sp.example.org' AND decision IS NULL), 'approved'), '\d+', 'N');
SELECT app.told();
SELECT app.act(4);
SELECT regexp_replace(decide((SELECT id FROM review WHERE person_id = 2 AND organisation = 'ess.example.org' AND decision IS NULL), 'approved'), '\d+', 'N');
SELECT app.told();

-- a first plan, and a referral, that partners do not know of yet
UPDATE review_rule SET rule = 'before_sharing' WHERE event_type = 'referral';
SELECT app.make_plan(3, 'active', 'P3');
INSERT INTO referral (id, person_id, status, referred_by, referred_to, consent_id) VALUES ('R3', 3, 'requested', 'sp.example.org', 'ess.example.org', 3);
SELECT app.told();
SELECT casesync.plan_of(record) IS NULL AS no_plan, casesync.referral_of(record) IS NULL AS no_referral FROM shared_member WHERE subject_key = 3;
SELECT app.act(3);
SELECT regexp_replace(decide((SELECT id FROM review WHERE person_id = 3 AND event_type = 'referral'), 'approved'), '\d+', 'N');
SELECT app.told();
-- what a message told waits for nobody here
SELECT app.act(NULL);
UPDATE referral SET status = 'accepted', told_by = 'message 1' WHERE id = 'R3';
SELECT app.told();

-- people themselves: a new one, an enrolment, a death
UPDATE review_rule SET rule = 'before_sharing' WHERE event_type = 'enrolment_status_change';
SELECT app.act(1);
INSERT INTO person (id, surname) VALUES (9, 'New');
INSERT INTO identifier VALUES (9, 'NATIONAL_ID', '100009');
INSERT INTO consent (id, person_id, purpose, given_on) VALUES (9, 9, 'sharing', '2026-01-01');
INSERT INTO enrolment (person_id, programme, status) VALUES (1, 'Public works', 'Active'), (9, 'Public works', 'Active');
UPDATE person SET death_date = '2026-11-01' WHERE id = 3;
SELECT count(*) FROM shared_member WHERE subject_key = 9;
SELECT app.told();
SELECT app.act(3);
SELECT count(decide(id, 'approved')) FROM review WHERE decision IS NULL AND person_id IN (1, 9) AND event_type = 'enrolment_status_change';
SELECT app.told();
SELECT count(decide(id, 'approved')) FROM review WHERE decision IS NULL AND person_id = 3 AND organisation = 'sp.example.org';
SELECT app.told();
-- consent is nobody's to hold
UPDATE consent SET withdrawn_on = current_date WHERE person_id = 1;
SELECT subject_key, consents FROM shared_member ORDER BY 1;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'casework|quarantine';
\t off
\pset format aligned
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA app, casework CASCADE;
DROP EXTENSION casesync CASCADE;
