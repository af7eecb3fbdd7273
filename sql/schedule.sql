-- A subscription with a frequency is told when its time has come: each subject once, as it is then; others wait for nothing.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', deliver => 'latest')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', frequency => '0 5 * * *', deliver => 'every')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', frequency => 'daily')$$);
CREATE TABLE app.subscription (name text PRIMARY KEY, code text);
CREATE FUNCTION app.code(name text) RETURNS text LANGUAGE sql AS 'SELECT s.code FROM app.subscription s WHERE s.name = $1';
CREATE FUNCTION app.sent(whose text DEFAULT 'ess.test') RETURNS TABLE (told text, who text, says text, seq text, prev text) LANGUAGE sql AS $$
	SELECT (SELECT s.name FROM app.subscription s WHERE s.code = i->>'code'), e #>> '{data,reg_records,member_identifier,0,identifier_value}',
		e #>> '{data,reg_records,employment_status}', i->>'seq', i->>'prev_seq'
	  FROM app.send(whose) p CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n)
	 CROSS JOIN LATERAL (SELECT p.meta::jsonb #> ARRAY['items', (x.n - 1)::text]) m(i)
$$;
-- the time of those that are marked comes now
CREATE FUNCTION app.time_comes() RETURNS bigint LANGUAGE sql AS $$
	WITH u AS (UPDATE casesync_internal.scheduled_subject SET due_at = now() RETURNING 1) SELECT count(*) FROM u
$$;
CREATE FUNCTION app.marked() RETURNS TABLE (told text, key text) LANGUAGE sql AS $$
	SELECT n.name, x.key FROM casesync_internal.scheduled_subject x JOIN casesync_internal.subscription s ON s.id = x.subscription
	  JOIN app.subscription n ON n.code = s.code ORDER BY 1, 2
$$;
INSERT INTO app.subscription VALUES ('now', casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')),
	('daily', casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', frequency => '0 5 * * *')),
	('north', casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '[{"seq_num": 1, "expression1": {"attribute_name": "district", "operator": "eq", "attribute_value": "North"}}]',
		'predicate', frequency => '0 0 5 * * ? *'));
SELECT deliver, count(*) FROM casesync_internal.subscription GROUP BY 1 ORDER BY 1;

-- three states of one, and one who is not shared: at once they are told to who wants that, and marked once for the others
INSERT INTO app.person SELECT i, 'U' || i, '1', i <> 3, CASE WHEN i = 1 THEN 'North' ELSE 'South' END FROM generate_series(1, 4) i;
SELECT * FROM app.route();
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
UPDATE app.person SET status = '5' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT * FROM app.marked();
SELECT bool_and(due_at = casesync.cron_next('0 5 * * *', at, (SELECT time_zone FROM casesync.this_node))) AS at_their_time FROM casesync_internal.scheduled_subject;
SELECT * FROM app.route();
-- the time has come: each as it is now
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.sent() ORDER BY told, seq;
SELECT * FROM app.marked();
SELECT * FROM app.route();
-- who leaves the filter is told so then, and who leaves the agreement is told no more
UPDATE app.person SET district = 'South', status = '6' WHERE id = 1;
UPDATE app.person SET status = '6' WHERE id = 2;
SELECT * FROM app.route();
SELECT * FROM app.marked();
UPDATE app.person SET shared = false WHERE id = 2;
SELECT * FROM app.route();
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.sent() ORDER BY told, seq;
SELECT * FROM app.marked();

-- while sharing is stopped they wait; what is told then is of then
UPDATE app.person SET status = '7' WHERE id = 4;
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT count(*) FROM casesync.stop_sharing('a question', 'ess.test');
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.marked();
SELECT casesync.resume_sharing('ess.test');
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.sent();
-- whoever cannot be rendered then stays marked
UPDATE app.person SET status = '8' WHERE id = 4;
SELECT * FROM app.route();
SELECT * FROM app.sent();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret, 'rate', 1 / (p.id - 4)) AS record
	  FROM app.person p;
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.marked();
SELECT min(due_at) > now() AS later FROM casesync_internal.scheduled_subject;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret) AS record
	  FROM app.person p;
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.sent();

-- what ends before its next time is told a minute before; what has ended is not; what is erased is forgotten
INSERT INTO app.subscription VALUES ('ends', casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "U4"}', frequency => '0 0 1 1 *', ends => now() + interval '1 hour'));
UPDATE app.person SET status = '9' WHERE id = 4;
SELECT * FROM app.route();
SELECT x.due_at = s.ends - interval '1 minute' AS before_the_end FROM casesync_internal.scheduled_subject x JOIN casesync_internal.subscription s ON s.id = x.subscription WHERE s.ends IS NOT NULL;
DO $$ BEGIN PERFORM casesync.unsubscribe(app.code('ends')); END $$;
SELECT app.time_comes();
SELECT * FROM app.route();
SELECT * FROM app.sent() ORDER BY told, seq;
UPDATE app.person SET status = '1' WHERE id = 4;
SELECT * FROM app.route();
SELECT * FROM app.marked();
SELECT count(*) > 0 AS erased FROM casesync.erase('people', '4', 'asked');
SELECT * FROM app.marked();

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
