-- What we asked a partner and it never answered: said in health, counted as unanswered after seven days, and still taken when an answer comes late.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.set_agreement('IN', 'ess.test', 'in', event_types => '{enrolment_status_change,enrolment,search}'), casesync.activate('IN')) s;
SELECT count(casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')), count(casesync.subscribe_to('ess.test', 'enrolment', 'Member')),
	count(casesync.search_at('ess.test', 'Member', '{"type": "UIN", "value": "U1"}'));
CREATE VIEW app.asked AS SELECT 'subscription ' || event_type AS what, state, answered_at IS NOT NULL AS is_answered FROM casesync.my_subscriptions
	UNION ALL SELECT action, state, answered_at IS NOT NULL FROM casesync.my_requests;
CREATE FUNCTION app.days_go_by(days integer) RETURNS void LANGUAGE sql AS $$
	UPDATE casesync_internal.my_subscription SET requested_at = requested_at - make_interval(days => days);
	UPDATE casesync_internal.my_request SET requested_at = requested_at - make_interval(days => days);
	SELECT casesync_internal.prune_others(n) FROM casesync_internal.node n;
$$;
CREATE FUNCTION app.health() RETURNS TABLE (severity text, problem text, mend text) LANGUAGE sql AS $$
	SELECT h.severity, regexp_replace(h.problem, '\d{4}-\d\d-\d\d \d\d:\d\d', '(then)'), h.mend FROM casesync.health h
	 WHERE h.problem ~ 'not answered' ORDER BY h.problem
$$;

-- what waits here was not left unanswered
SELECT app.days_go_by(30);
SELECT * FROM app.asked ORDER BY what;
SELECT * FROM app.health();

-- what was acknowledged is
UPDATE casesync_internal.outgoing SET state = 'delivered';
UPDATE casesync_internal.my_subscription SET requested_at = now() - interval '6 days 23 hours';
UPDATE casesync_internal.my_request SET requested_at = now() - interval '6 days 23 hours';
SELECT app.days_go_by(0);
SELECT * FROM app.asked ORDER BY what;
SELECT * FROM app.health();
SELECT app.days_go_by(1);
SELECT * FROM app.asked ORDER BY what;
SELECT * FROM app.health();

-- what is asked once more is said of that
SELECT count(casesync.subscribe_to('ess.test', 'enrolment', 'Member'));
SELECT * FROM app.health();
DELETE FROM casesync_internal.my_subscription WHERE state = 'requested';

-- answers that come late count
SELECT s.* FROM casesync_internal.my_subscription m CROSS JOIN LATERAL app.say('on-subscribe', jsonb_build_object('transaction_id', m.transaction_id, 'correlation_id', 'c',
	'subscribe_response', jsonb_build_array(jsonb_build_object('reference_id', m.reference_id, 'status', 'pdng')))) s WHERE m.event_type = 'enrolment_status_change';
SELECT s.* FROM casesync_internal.my_request m CROSS JOIN LATERAL app.say('on-search', jsonb_build_object('transaction_id', m.transaction_id, 'correlation_id', 'c',
	'search_response', '[]'::jsonb)) s;
SELECT * FROM app.asked ORDER BY what;

-- whoever tells us of it has taken it, though it said wait, or nothing
SELECT s.* FROM casesync_internal.my_subscription m CROSS JOIN LATERAL app.say('notify', jsonb_build_object('transaction_id', m.transaction_id, 'notify_event',
	jsonb_build_array(app.event('e' || m.event_type, app.record('U1'), jsonb_build_object('reg_event_type', m.event_type))))) s;
SELECT * FROM app.asked ORDER BY what;
SELECT * FROM app.health();
SELECT event_type, state, reason FROM casesync.inbox ORDER BY event_type;

-- but not what it has refused, nor what has ended
UPDATE casesync_internal.my_subscription SET state = CASE event_type WHEN 'enrolment' THEN 'refused' ELSE 'ended' END;
SELECT s.* FROM casesync_internal.my_subscription m CROSS JOIN LATERAL app.say('notify', jsonb_build_object('transaction_id', m.transaction_id, 'notify_event',
	jsonb_build_array(app.event('f' || m.event_type, app.record('U2'), jsonb_build_object('reg_event_type', m.event_type))))) s;
SELECT * FROM app.asked ORDER BY what;
SELECT event_type, state, reason FROM casesync.inbox ORDER BY 2, 1;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
