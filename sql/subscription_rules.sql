-- What partners may ask for: every rule about subscribe and unsubscribe, named by what it takes or refuses.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql

-- accepts_every_spelling: prefix, case and the standard's own errors
SELECT * FROM app.subscribe(
	app.wish('s1', '{"reg_type": "ns:x:RegistryType:eSs", "reg_event_type": "ns:EventType:ENROLLEMENT_status_change", "notify_record_type": "spdci-extensions-dci:MEMBER", "filter": {"type": "uin", "value": 1}}'),
	app.wish('s2', '{"filter": {"type": "UIN", "value": "2"}}') #- '{subscribe_criteria,reg_type}');
SELECT reference_id, reg_type, event_type, record_type, id_type, id_value FROM casesync_internal.subscription ORDER BY id;
-- answers_as_the_document_says
SELECT jsonb_path_query(message, '$.subscribe_response[*].subscriptions[*]') - 'code' - 'timestamp' AS info FROM casesync_internal.outgoing;
-- refuses_missing_criteria, refuses_criteria_of_other_types
SELECT * FROM app.subscribe(app.wish('m1') #- '{subscribe_criteria,reg_event_type}', app.wish('m2') #- '{subscribe_criteria,notify_record_type}',
	app.wish('m3') #- '{subscribe_criteria}', app.wish('m4', '{"reg_event_type": {"a": 1}}'), app.wish('m5', '{"notify_record_type": ["Member"]}'),
	app.wish('m6', '{"reg_type": 7}'), app.wish('m7') || '{"subscribe_criteria": "x"}');
-- refuses_what_is_not_known_and_says_what_is
SELECT * FROM app.subscribe(app.wish('k1', '{"reg_type": "Housing"}'), app.wish('k2', '{"reg_event_type": "moved"}'),
	app.wish('k3', '{"reg_event_type": "LiveBirth"}'), app.wish('k4', '{"reg_type": "Civil", "reg_event_type": "LiveBirth"}'), app.wish('k5', '{"notify_record_type": "Group"}'),
	app.wish('k6', jsonb_build_object('reg_event_type', repeat('x', 5000))));
-- accepts_an_event_type_that_no_table_feeds_and_says_so; what one's own rows name is known
SELECT * FROM app.subscribe(app.wish('n1', '{"reg_event_type": "enrolment"}'));
SELECT * FROM app.subscribe(app.wish('n1', '{"reg_event_type": "enrollement"}'));
SELECT count(*) FROM (SELECT casesync.add_event_type('moved', spellings => '{relocation}')) s;
SELECT * FROM app.subscribe(app.wish('n2', '{"reg_event_type": "RELOCATION"}'));
SELECT reference_id, event_type FROM casesync_internal.subscription WHERE reference_id ~ '^n' ORDER BY 1;
-- refuses_what_a_table_feeds_and_the_agreement_does_not_name
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_update => 'moved', columns => '{district}')) s;
SELECT * FROM app.subscribe(app.wish('n3', '{"reg_event_type": "moved", "filter": {"type": "UIN", "value": "1"}}'));

-- the three shapes of a filter; refuses_graphql, refuses_a_filter_that_cannot_be_read
SELECT * FROM app.subscribe(
	app.wish('f1', '{"filter_type": "expression", "filter": {"type": "x", "value": {"expression": {"query": {"employment_status": {"$eq": "1"}}}}}}'),
	app.wish('f2', '{"filter": [{"seq_num": 1, "expression1": {"attribute_name": "employment_status", "operator": "eq", "attribute_value": "2"}}]}'),
	app.wish('f3', '{"filter_type": "graphql", "filter": {"query": "{a}"}}'),
	app.wish('f4', '{"filter_type": "sql", "filter": {"a": 1}}'),
	app.wish('f5', '{"filter": "x"}'),
	app.wish('f6', '{"filter_type": "predicate", "filter": {"type": "UIN", "value": "1"}}'),
	app.wish('f7', '{"filter": {"type": "UIN", "value": ""}}'),
	app.wish('f8', jsonb_build_object('filter', jsonb_build_object('type', 'UIN', 'value', repeat('9', 1001)))),
	app.wish('f9', '{"filter": {"type": "PASSPORT", "value": "1"}}'));
SELECT reference_id, tree IS NOT NULL AS tree, id_type FROM casesync_internal.subscription WHERE reference_id ~ '^f' ORDER BY 1;
-- accepts_an_attribute_that_is_not_agreed_like_one_that_does_not_exist
SELECT status, code, message FROM app.subscribe(
	app.wish('u1', '{"filter": [{"expression1": {"attribute_name": "phone_number", "operator": "eq", "attribute_value": "s1"}}]}'),
	app.wish('u2', '{"filter": [{"expression1": {"attribute_name": "no_such_thing", "operator": "eq", "attribute_value": "s1"}}]}'),
	app.wish('u3', '{"filter": [{"expression1": {"attribute_name": "secret", "operator": "eq", "attribute_value": "s1"}}]}'));
-- recognises_twins_however_the_filter_is_written
SELECT * FROM app.subscribe(
	app.wish('w1', '{"filter": {"type": "Uin", "value": "1"}, "filter_type": "idtype-value"}'),
	app.wish('w2', '{"filter": [{"seq_num": 7, "expression1": {"attribute_name": "employment_status", "operator": "eq", "attribute_value": "2"}}], "filter_type": "predicate"}'),
	app.wish('w3', '{"filter": {"type": "UIN", "value": "77"}}'), app.wish('w4', '{"filter": {"type": "UIN", "value": 77}}'));
-- accepts_an_empty_filter_as_all
SELECT * FROM app.subscribe(app.wish('e1'));
SELECT * FROM app.subscribe(app.wish('e2', '{"filter": []}'), app.wish('e3', '{"filter": null}'), app.wish('e4') #- '{subscribe_criteria,filter}');

-- answers_a_repeated_reference_id_as_the_first_time, also in one message; refuses_it_with_other_criteria
SELECT count(*) FROM casesync.subscriptions;
SELECT * FROM app.subscribe(app.wish('e1'), app.wish('s1', '{"filter": {"type": "UIN", "value": "1"}}'), app.wish('e1', '{"filter": {"type": "UIN", "value": "5"}}'),
	app.wish('e1', '{"filter": "x"}'), app.wish('d1', '{"filter": {"type": "UIN", "value": "6"}}'), app.wish('d1', '{"filter": {"type": "UIN", "value": "6"}}'));
SELECT count(*) FROM casesync.subscriptions;
-- a_refused_item_leaves_no_trace: mended it may come again
SELECT * FROM app.subscribe(app.wish('again', '{"notify_record_type": "Group"}'));
SELECT * FROM app.subscribe(app.wish('again', '{"filter": {"type": "UIN", "value": "7"}}'));
-- keeps_reference_ids_of_partners_apart
SELECT count(*) FROM (SELECT casesync.set_partner('other.test', 'https://other.test')) s;
SELECT * FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', app.wish('e1')), partner => 'other.test');
SELECT message #>> '{subscribe_response,0,status_reason_code}' AS code FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1;

-- frequency: five, six and seven fields; a missing end is open; the zone is echoed
SELECT * FROM app.subscribe(
	app.wish('q1', '{"frequency": {"start_time": "2026-01-01T00:00:00Z", "end_time": "2999-01-01T00:00:00+02:00", "frequency": "0 0 0 5,15 * ? *"}, "filter": {"type": "UIN", "value": "1"}}'),
	app.wish('q2', '{"frequency": {"frequency": "0 5 * * *"}, "filter": {"type": "UIN", "value": "1"}}'),
	app.wish('q3', '{"frequency": {"start_time": "2026-01-01T00:00:00Z"}, "filter": {"type": "UIN", "value": "1"}}'),
	app.wish('q4', '{"frequency": {"frequency": ""}, "filter": {"type": "UIN", "value": "q4"}}'),
	app.wish('q5', '{"frequency": {}, "filter": {"type": "UIN", "value": "q5"}}'),
	app.wish('q6', '{"frequency": null, "filter": {"type": "UIN", "value": "q6"}}'));
SELECT reference_id, cron, starts IS NOT NULL AS starts, ends IS NOT NULL AS ends, deliver, time_zone = (SELECT time_zone FROM casesync.this_node) AS zone FROM casesync_internal.subscription WHERE reference_id ~ '^q' ORDER BY 1;
SELECT i->>'reference_id' AS reference, (i #> '{subscriptions,0,frequency}') - 'time_zone' AS frequency, i #>> '{subscriptions,0,frequency,time_zone}' = (SELECT time_zone FROM casesync.this_node) AS zone
  FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1) o CROSS JOIN jsonb_array_elements(o.message->'subscribe_response') i WHERE i->>'reference_id' IN ('q1', 'q4');
-- refuses_times_that_cannot_be
SELECT * FROM app.subscribe(
	app.wish('t1', '{"frequency": {"start_time": "2026-01-01T00:00:00", "frequency": "0 5 * * *"}}'), app.wish('t2', '{"frequency": {"end_time": "never"}}'),
	app.wish('t3', '{"frequency": {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-01T00:00:00Z"}}'),
	app.wish('t4', '{"frequency": {"end_time": "2020-01-01T00:00:00Z"}}'), app.wish('t5', '{"frequency": {"frequency": 5}}'),
	app.wish('t6', '{"frequency": {"start_time": {}}}'), app.wish('t7', '{"frequency": []}'));
SELECT reference, status, code, message ~ '^frequency.frequency: ' AS about_cron FROM app.subscribe(
	app.wish('c1', '{"frequency": {"frequency": "daily"}}'), app.wish('c2', '{"frequency": {"frequency": "99 5 * * *"}}'), app.wish('c3', jsonb_build_object('frequency', jsonb_build_object('frequency', repeat('*', 5000)))));

-- batches: refuses_one_of_more_than_1000
SELECT * FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', (SELECT jsonb_agg(i) FROM generate_series(1, 1001) i)));
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(app.wish('b1', '{"filter": {"type": "UIN", "value": "b1"}}'))), header => '{"total_count": 1}');
SELECT * FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 't', 'subscription_codes', (SELECT jsonb_agg(i::text) FROM generate_series(1, 1001) i)));
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "t", "subscription_codes": ["a", "b"]}', header => '{"total_count": 1}');
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "t", "subscription_codes": ["a", "b"]}', header => '{"total_count": 2}');

-- quota: refuses_more_than_agreed, counts the living ones only
SELECT max_subscriptions, max_filters FROM casesync.partners WHERE partner = 'ess.test';
SELECT count(*) AS living, count(*) FILTER (WHERE id_type IS NULL) AS many FROM casesync.subscriptions WHERE partner = 'ess.test';
SELECT casesync.set_quota('ess.test', filters => 8);
SELECT * FROM app.subscribe(app.wish('o1', '{"filter": [{"expression1": {"attribute_name": "employment_status", "operator": "eq", "attribute_value": "8"}}]}'),
	app.wish('o2', '{"filter": [{"expression1": {"attribute_name": "employment_status", "operator": "eq", "attribute_value": "9"}}]}'),
	app.wish('o3', '{"filter": {"type": "UIN", "value": "o3"}}'));
SELECT casesync.set_quota('ess.test', (SELECT count(*)::integer + 1 FROM casesync.subscriptions));
SELECT * FROM app.subscribe(app.wish('o4', '{"filter": {"type": "UIN", "value": "o4"}}'), app.wish('o5', '{"filter": {"type": "UIN", "value": "o5"}}'), app.wish('o4', '{"filter": {"type": "UIN", "value": "o4"}}'));
SELECT casesync.unsubscribe(app.code('o4'));
SELECT * FROM app.subscribe(app.wish('o5', '{"filter": {"type": "UIN", "value": "o5"}}'));
SELECT count(*) FROM (SELECT casesync.set_quota('ess.test', 1000, 100)) s;
SELECT app.try($$SELECT casesync.set_quota('ess.test', -1)$$);
SELECT app.try($$SELECT casesync.set_quota('nobody.test', 1)$$);
-- at most 20 of one identifier
SELECT status, code, count(*) FROM app.subscribe(VARIADIC ARRAY(SELECT app.wish('z' || i, jsonb_build_object('filter', '{"type": "UIN", "value": "z"}'::jsonb, 'frequency', jsonb_build_object('frequency', i || ' 5 * * *'))) FROM generate_series(1, 25) i)) GROUP BY 1, 2 ORDER BY 1;

-- ownership: ends_own_ones_only; others' and unknown codes get one answer
SELECT count(*) FROM (SELECT casesync.set_agreement('OTHER', 'other.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto')) s;
SELECT count(*) FROM (SELECT casesync.activate('OTHER')) s;
SELECT casesync.subscribe('other.test', 'enrolment_status_change', 'Member', reference_id => 'theirs') <> '' AS subscribed;
CREATE FUNCTION app.unsubscribe(VARIADIC codes text[]) RETURNS TABLE (status text, code text, message text, statuses jsonb) LANGUAGE plpgsql AS $$
DECLARE
	refused text := (SELECT s.error_message FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 't', 'subscription_codes', codes)) s WHERE s.ack <> 'ACK');
BEGIN
	RETURN QUERY SELECT coalesce(refused, m->>'status'), m->>'status_reason_code', m->>'status_reason_message',
		(SELECT jsonb_object_agg(s.reference_id, x->>'status') FROM jsonb_array_elements(m->'subscription_status') x JOIN casesync_internal.subscription s ON s.code = x->>'code')
	  FROM (SELECT o.message AS m FROM casesync_internal.outgoing o ORDER BY o.id DESC LIMIT 1) o;
END
$$;
SELECT * FROM app.unsubscribe(app.code('theirs'));
SELECT * FROM app.unsubscribe('no such code');
SELECT state FROM casesync_internal.subscription WHERE reference_id = 'theirs';
-- partial_success_is_visible; an_ended_one_is_already_unsubscribed; a code twice counts once
SELECT * FROM app.unsubscribe(app.code('q1'), app.code('theirs'), 'no such code', app.code('q2'), app.code('q2'));
SELECT * FROM app.unsubscribe(app.code('q1'));
SELECT * FROM app.unsubscribe(app.code('q1'), app.code('q2'), app.code('q3'));
-- accepts_the_standards_own_misspellings
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 't', 'timesstamp', '2026-01-01T00:00:00Z', 'sunscription_codes', jsonb_build_array(app.code('q4'))));
SELECT state FROM casesync_internal.subscription WHERE reference_id = 'q4';
-- a reference_id of what has ended is not used again
SELECT * FROM app.subscribe(app.wish('q4', '{"filter": {"type": "UIN", "value": "q4"}}'));

-- expiry: ends_by_itself; nothing more is sent; unsubscribing_it: already_unsubscribed; the same criteria may come again
SELECT * FROM app.subscribe(app.wish('x1', '{"frequency": {"end_time": "2999-01-01T00:00:00Z"}, "filter": {"type": "UIN", "value": "x1"}}'),
	app.wish('x2', '{"frequency": {"end_time": "2999-01-01T00:00:00Z"}, "filter": {"type": "UIN", "value": "x2"}}'));
INSERT INTO app.person VALUES (1, 'x1', '1');
SELECT notifications > 0 AS told FROM casesync_internal.route();
UPDATE casesync_internal.subscription SET ends = now() - interval '1 s' WHERE reference_id IN ('x1', 'x2');
SELECT count(*) FROM casesync_internal.outgoing;
SELECT * FROM app.unsubscribe(app.code('x1'));
SELECT reference_id, state, reason FROM casesync_internal.subscription WHERE reference_id ~ '^x' ORDER BY 1;
SELECT n.state, n.state_reason FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.reference_id = 'x1';
SELECT * FROM app.subscribe(app.wish('x3', '{"filter": {"type": "UIN", "value": "x1"}}'));
-- what the bridge calls every minute ends them too
UPDATE casesync_internal.subscription SET ends = now() - interval '1 s' WHERE reference_id = 'x3';
SELECT count(*) FROM casesync_internal.tidy();
SELECT state FROM casesync_internal.subscription WHERE reference_id = 'x3';

-- by a person: pending now, the outcome later under the same reference_id and code
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', subscribing => 'approve')) s;
SELECT count(*) FROM (SELECT casesync.activate('OUT')) s;
SELECT * FROM app.subscribe(app.wish('p1', '{"filter": {"type": "UIN", "value": "p1"}, "authorize": {"purpose": {"text": "case work"}}}'), app.wish('p2', '{"filter": {"type": "UIN", "value": "p2"}}'));
SELECT * FROM app.subscribe(app.wish('p1', '{"filter": {"type": "UIN", "value": "p1"}}'), app.wish('p3', '{"filter": {"type": "UIN", "value": "p1"}}'));
SELECT code = app.code('p1') AS first, waits_for, filter, authorize_claim FROM casesync.pending_subscriptions ORDER BY created_at;
SELECT problem FROM casesync.health WHERE problem ~ 'decision';
-- nothing is sent meanwhile
INSERT INTO app.person VALUES (2, 'p1', '1'), (3, 'p2', '1');
SELECT count(*) FROM casesync_internal.route();
SELECT count(*) FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.reference_id ~ '^p';
SELECT casesync.approve(app.code('p1'));
SELECT casesync.refuse(app.code('p2'), 'no such purpose');
SELECT o.message #>> '{subscribe_response,0,reference_id}' AS reference, o.status, o.message #>> '{subscribe_response,0,status_reason_code}' AS code, o.message #>> '{subscribe_response,0,status_reason_message}' AS message,
	o.message #>> '{subscribe_response,0,subscriptions,0,code}' = app.code(o.message #>> '{subscribe_response,0,reference_id}') AS same_code FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 2) o ORDER BY o.id;
-- asked again it is answered again; pending ones can be ended
SELECT * FROM app.subscribe(app.wish('p1', '{"filter": {"type": "UIN", "value": "p1"}}'), app.wish('p2', '{"filter": {"type": "UIN", "value": "p2"}}'), app.wish('p4', '{"filter": {"type": "UIN", "value": "p4"}}'));
SELECT * FROM app.unsubscribe(app.code('p4'));
SELECT * FROM app.unsubscribe(app.code('p2'));
SELECT app.try($$SELECT casesync.approve(app.code('p4'))$$);

-- an agreement that has not begun: pending, and decided when it begins
SELECT casesync.set_partner('later.test', 'https://later.test');
SELECT casesync.set_agreement('LATER', 'later.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2999-01-01', legal_basis => 'law', subscribing => 'auto');
SELECT casesync.activate('LATER');
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(app.wish('l1'), app.wish('l2', '{"filter": {"type": "UIN", "value": "l2"}}'))), partner => 'later.test');
SELECT status, i - 'subscriptions' - 'timestamp' AS item FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1) o CROSS JOIN jsonb_array_elements(o.message->'subscribe_response') i;
SELECT count(*) FROM casesync.health WHERE problem ~ 'later.test.*decision';
SELECT count(*) FROM casesync_internal.tidy();
SELECT state, waits_for FROM casesync_internal.subscription WHERE partner = 'later.test' ORDER BY id;
UPDATE casesync_internal.agreement SET valid_from = now() - interval '1 s' WHERE agreement = 'LATER';
UPDATE casesync_internal.subscription SET waits_for = 'decision' WHERE reference_id = 'l2';
SELECT count(*) FROM casesync_internal.tidy();
SELECT reference_id, state, waits_for FROM casesync_internal.subscription WHERE partner = 'later.test' ORDER BY id;
SELECT status, message #>> '{subscribe_response,0,reference_id}' AS reference FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1;
UPDATE casesync_internal.subscription SET waits_for = 'agreement' WHERE reference_id = 'l2';
SELECT casesync.end_agreement('LATER', 'over');
SELECT count(*) FROM casesync_internal.tidy();
SELECT reference_id, state, reason FROM casesync_internal.subscription WHERE reference_id = 'l2';
SELECT status, message #>> '{subscribe_response,0,status_reason_message}' AS message FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1;

-- both ways to subscribe, one of them with a type of registry and one without: it is subscribed once
SELECT * FROM app.subscribe(app.wish('t1', '{"reg_type": "ESS", "filter": {"type": "UIN", "value": "t1"}}'));
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "t1"}')$$) ~ '^42710.*has the same criteria.*casesync.subscriptions WHERE' AS refused;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "t2"}') <> '' AS subscribed;
SELECT * FROM app.subscribe(app.wish('t2', '{"reg_type": "ESS", "filter": {"type": "UIN", "value": "t2"}}'));
SELECT count(*), count(reg_type) AS with_type FROM casesync_internal.subscription WHERE id_value ~ '^t[12]$';

-- the DBA's subscribe(): the same rules, no waiting, no quota
SELECT count(*) FROM (SELECT casesync.set_quota('ess.test', 0, 0)) s;
SELECT casesync.subscribe('ess.test', 'enrollement_status_change', 'member',
	'{"type": "x", "value": {"expression": {"query": {"employment_status": {"$ne": "1"}}}}}') AS code \gset
SELECT state, tree IS NOT NULL AS tree, cron, deliver, is_confirmed FROM casesync_internal.subscription WHERE code = :'code';
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', frequency => 'daily')$$) ~ '^22023' AS refused;
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', ends => '2020-01-01')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"a": {"b": 1}}', 'graphql')$$);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
