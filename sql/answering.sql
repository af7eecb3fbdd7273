-- Requests that are stored and answered later: nothing lost, nothing answered under an agreement that counts no more; our own questions.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/message.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 3) i;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://dci.ess.test/dci')) s;
SELECT count(*) FROM (SELECT casesync.set_partner('silent.test')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law', services => '{search}')) s;
SELECT casesync.activate('OUT');
CREATE FUNCTION app.search(transaction text, items jsonb, id text DEFAULT gen_random_uuid()::text, header jsonb DEFAULT '{}', partner text DEFAULT 'ess.test')
RETURNS TABLE (ack text, error_code text, error_message text) LANGUAGE sql AS $$
	SELECT * FROM app.say('search', jsonb_build_object('transaction_id', transaction, 'search_request', items), $3, $4, $5)
$$;
CREATE FUNCTION app.deliver() RETURNS TABLE (action text, url text, sender_uri text, status text, total integer, completed integer, message jsonb) LANGUAGE sql AS $$
	SELECT p.action, p.url, p.sender_uri, p.status, p.total_count, p.completed_count, p.message::jsonb FROM app.send('ess.test', kind => 'control') p
$$;

-- stored, acknowledged, answered: the callback goes where it is asked for ---------------------------------------
SELECT * FROM app.search('t1', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'), app.item('{"type": "UIN", "value": "U9"}', 'r2'), app.item('7', 'r3')), 'm1',
	'{"sender_uri": "https://dci.ess.test/dci/hooks/on-search", "total_count": 3}');
SELECT action, transaction_id, reference_ids, callback_url, state FROM casesync_internal.request_in;
-- a repetition is acknowledged and not worked twice
SELECT * FROM app.search('t1', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'), app.item('{"type": "UIN", "value": "U9"}', 'r2'), app.item('7', 'r3')), 'm1',
	'{"sender_uri": "https://dci.ess.test/dci/hooks/on-search", "total_count": 3}');
SELECT ack, error_code FROM app.search('t1', jsonb_build_array(app.item('{}')), 'm1');
SELECT * FROM casesync_internal.work_requests();
SELECT state, tries FROM casesync_internal.request_in;
SELECT * FROM casesync_internal.work_requests();
SELECT * FROM casesync_internal.work_requests();
SELECT state, status, tries, message IS NOT NULL AS waits_for_delivery, agreements, answers #- '{0,timestamp}' #- '{1,timestamp}' #- '{2,timestamp}' AS answers FROM casesync_internal.request_in;
SELECT d.action, d.url, d.sender_uri, d.status, d.total, d.completed, d.message->>'transaction_id' AS transaction, d.message->>'correlation_id' = m.correlation_id AS same_correlation,
	jsonb_path_query_array(d.message, '$.search_response[*].status') AS statuses, d.message #> '{search_response,0,data,reg_records}' AS records
  FROM app.deliver() d, casesync_internal.message_in m WHERE m.message_id = 'm1';
-- what has arrived is not kept
SELECT state, message FROM casesync_internal.request_in;
SELECT o.state, o.message - 'correlation_id' AS message FROM casesync_internal.outgoing o;
SELECT way, registry, key, outcome FROM casesync.disclosed ORDER BY id;
-- without an address it is acknowledged, and never looked at
SELECT * FROM app.search('t2', jsonb_build_array(app.item('{}')), partner => 'silent.test');
SELECT state, status, reason, message FROM casesync_internal.request_in WHERE partner = 'silent.test';
-- refused before it is stored
SELECT * FROM app.search('t3', jsonb_build_array(app.item('{}')), header => '{"sender_uri": "https://evil.test/"}');
SELECT ack, error_message FROM app.say('enrollementstatus', '{"transaction_id": "t"}');
SELECT ack, error_message FROM app.say('txn-status', '{"transaction_id": "t", "txnstatus_request": {"reference_id": "q"}}');
SELECT count(*) FROM casesync_internal.request_in;
-- not more than can be worked
INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id, correlation_id, state) SELECT 'ess.test', 'search', 'x', 'full', 'full' || i, 'new' FROM generate_series(1, 1000) i;
SELECT * FROM app.search('t4', jsonb_build_array(app.item('{}')));
DELETE FROM casesync_internal.request_in WHERE transaction_id = 'full';

-- what fails is tried again, then answered: never lost -----------------------------------------------------------
ALTER TABLE app.person RENAME COLUMN status TO stat;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('member_identifier', 1 / (p.id - p.id)) AS record FROM app.person p;
SELECT ack FROM app.search('t5', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}', 'r5')));
SELECT app.work();
SELECT state, tries, error_code, next_try > clock_timestamp() AS waits FROM casesync_internal.request_in WHERE transaction_id = 't5';
SELECT app.work();
SELECT count(*) FROM casesync_internal.outgoing WHERE state = 'due';
-- mended in time: answered as if nothing had been
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.stat) AS record FROM app.person p;
UPDATE casesync_internal.request_in SET next_try = NULL WHERE transaction_id = 't5';
SELECT app.work();
SELECT d.status, jsonb_path_query_array(d.message, '$.search_response[*].data.reg_records[*].employment_status') FROM app.deliver() d;
-- never mended: five times, then a refusal that says so
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('member_identifier', 1 / (p.id - p.id)) AS record FROM app.person p;
SELECT ack FROM app.search('t6', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}', 'r6'), app.item('{}', 'r7')));
DO $$
BEGIN
	FOR turn IN 1 .. 6 LOOP
		PERFORM app.work();
		UPDATE casesync_internal.request_in SET next_try = NULL WHERE state = 'new';
	END LOOP;
END
$$;
SELECT state, status, tries, error_code FROM casesync_internal.request_in WHERE transaction_id = 't6';
SELECT d.status, i->>'reference_id', i->>'status', i->>'status_reason_code', i->>'status_reason_message', i->'data' FROM app.deliver() d, jsonb_array_elements(d.message->'search_response') i;
SELECT severity, problem FROM casesync.health WHERE problem LIKE '%requests%';
-- work that ends the server's process is counted: taken by others, over and over, it is given up
SELECT ack FROM app.search('t7', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}', 'r8')));
DO $$
BEGIN
	FOR turn IN 1 .. 6 LOOP
		PERFORM casesync_internal.request_claim();
		UPDATE casesync_internal.request_in SET worker = -1 WHERE state = 'claimed' AND tries < 6;
	END LOOP;
END
$$;
SELECT state, tries, worker = pg_backend_pid() AS mine FROM casesync_internal.request_in WHERE transaction_id = 't7';
SELECT app.work();
SELECT state, status, error_code FROM casesync_internal.request_in WHERE transaction_id = 't7';
SELECT count(*) FROM app.deliver();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.stat) AS record FROM app.person p;

-- an answer that waits is not sent under an agreement that counts no more: it is worked anew ------------------------
SELECT ack FROM app.search('t8', jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}', 'r9')));
SELECT app.work();
SELECT message #> '{search_response,0,data,reg_records}' FROM casesync_internal.outgoing WHERE state = 'due';
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', fields => '{unemployment_reason}')) s;
SELECT casesync.activate('OUT');
SELECT count(*) FROM app.deliver();
SELECT app.work();
SELECT d.message #> '{search_response,0,data,reg_records}' FROM app.deliver() d;
SELECT ack FROM app.search('t9', jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}', 'r9')));
SELECT app.work();
SELECT count(*) FROM casesync.stop_sharing('a leak', 'ess.test');
SELECT count(*) FROM app.deliver() WHERE message #> '{search_response,0,data,reg_records}' <> '[]';
SELECT ack FROM app.search('t10', jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}', 'r9')));
SELECT app.work();
SELECT message #> '{search_response,0,data,reg_records}' FROM casesync_internal.outgoing WHERE state = 'due';
-- when it goes on, what waited is looked up anew
SELECT casesync.resume_sharing('ess.test');
SELECT app.work();
SELECT d.message->>'transaction_id' AS transaction, d.message #> '{search_response,0,data,reg_records}' AS records FROM app.deliver() d ORDER BY 1;
-- a paused node answers nobody
UPDATE casesync_internal.node SET paused = true, paused_reason = 'test';
SELECT ack FROM app.search('t11', jsonb_build_array(app.item('{}')));
SELECT * FROM casesync_internal.work_requests();
SELECT a.error_code, a.error_message FROM casesync_internal.answer_now('ess.test', 'm', '{"header": {"action": "search"}, "message": {}}', NULL, NULL) a;
UPDATE casesync_internal.node SET paused = false, paused_reason = NULL;
SELECT app.work();
SELECT count(*) FROM app.deliver();

-- synchronous requests that are none -------------------------------------------------------------------------------
SELECT left(encode(b, 'escape'), 60) AS body, a.error_code, a.error_message FROM (VALUES ('\x'::bytea), ('{}'), ('[]'), ('null'), ('{"header": {}}'), ('{"header": {}, "message": {}}'), ('{"header": {"action": "dance"}, "message": {}}'),
	('\xff'), ('{"header": {"action": "notify"}, "message": {"a": "\\u0000"}}')) v(b)
 CROSS JOIN LATERAL casesync_internal.answer_now('ess.test', 'm', v.b, NULL, NULL) a;
SELECT a.error_code FROM casesync_internal.answer_now('nobody.test', 'm', '{"header": {"action": "search"}, "message": {}}', NULL, NULL) a;
-- an answer comes before the session's statement_timeout would end the question
SELECT casesync_internal.request_deadline(10) - clock_timestamp() BETWEEN '45 s' AND '50 s' AS in_ten_searches;
SET statement_timeout = '20s';
SELECT casesync_internal.request_deadline(1) - clock_timestamp() BETWEEN '3 s' AND '5 s' AS in_one_search, casesync_internal.request_deadline(10) - clock_timestamp() BETWEEN '10 s' AND '12 s' AS in_time;
RESET statement_timeout;
-- decrypted by the bridge, from a partner that may encrypt
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', encryption => 'accepted')) s;
SELECT a.error_code, a.status FROM casesync_internal.answer_now('ess.test', 'm', '{"header": {"action": "search", "is_msg_encrypted": true}, "message": {"ciphertext": "…"}}', NULL, NULL,
	convert_to(jsonb_build_object('transaction_id', 't', 'search_request', jsonb_build_array(app.item('{}')))::text, 'UTF8')) a;

-- we ask --------------------------------------------------------------------------------------------------------------
SELECT app.try($$SELECT casesync.search_at('ess.test', 'Member', '{"type": "UIN", "value": "U1"}')$$);
SELECT count(*) FROM (SELECT casesync.set_agreement('IN', 'ess.test', 'in', event_types => '{search}', fields => '{employment_status}', identifier_types => '{UIN}',
	apply_mode => 'auto', valid_from => '2020-01-01', legal_basis => 'law')) s;
SELECT casesync.activate('IN');
SELECT app.try($$SELECT casesync.search_at('ess.test', '', '{}')$$), app.try($$SELECT casesync.search_at('ess.test', 'Member', '{}', page_size => 0)$$);
SELECT app.try($$SELECT casesync.search_at('silent.test', 'Member', '{}')$$), app.try($$SELECT casesync.search_at('nobody.test', 'Member', '{}')$$);
SELECT casesync.search_at('ess.test', 'Member', '{"type": "UIN", "value": "U1"}') AS ours \gset
SELECT d.action, d.url, d.sender_uri, d.status, d.total, d.completed, d.message #> '{search_request,0,search_criteria}' AS criteria FROM app.deliver() d;
SELECT partner, action, record_type, filter_type, state, reason, records FROM casesync.my_requests;
SELECT transaction_id AS ours_t FROM casesync.my_requests \gset
CREATE FUNCTION app.found(transaction text, reference text, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('transaction_id', transaction, 'correlation_id', 'c1', 'search_response', jsonb_build_array(
		jsonb_build_object('reference_id', reference, 'timestamp', '2026-01-01T08:00:00Z', 'status', 'succ') || more))
$$;
-- nobody asked for these
SELECT * FROM app.say('on-search', app.found('other', :'ours', '{"data": {"reg_records": [{"employment_status": "1"}]}}'));
SELECT ack FROM app.say('on-search', app.found(:'ours_t', gen_random_uuid()::text, '{"data": {"reg_records": []}}'));
SELECT ack FROM app.say('on-search', app.found(:'ours_t', :'ours', '{"data": {"reg_records": []}}'), partner => 'silent.test');
SELECT ack FROM app.say('on-search', '{}');
-- what we asked for: into the inbox, the agreed part of it; a repetition of a page changes nothing
SELECT * FROM app.say('on-search', app.found(:'ours_t', :'ours', '{"data": {"reg_record_type": "Member", "reg_records": [
	{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}], "employment_status": "1", "occupation": "secret"},
	{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "U2"}], "employment_status": "2"}, 7]}, "pagination": {"page_size": 3, "page_number": 1, "total_count": 4}}'));
SELECT * FROM app.say('on-search', app.found(:'ours_t', :'ours', '{"data": {"reg_record_type": "Member", "reg_records": [
	{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}], "employment_status": "1", "occupation": "secret"}]}, "pagination": {"page_size": 3, "page_number": 1, "total_count": 4}}'));
SELECT event_type, record_type, record, state, mode FROM casesync.inbox ORDER BY id;
SELECT state, reason, records, total_count FROM casesync.my_requests;
SELECT * FROM app.say('on-search', app.found(:'ours_t', :'ours', '{"status": "rjct", "status_reason_code": "rjct.search_criteria.invalid", "status_reason_message": "Jane Doe"}'));
SELECT state, reason, records FROM casesync.my_requests;
-- what became of it
SELECT app.try($$SELECT casesync.status_at('00000000-0000-4000-8000-000000000000')$$);
SELECT count(*) FROM (SELECT casesync.status_at(:'ours')) s;
SELECT d.action, d.url, d.sender_uri, d.total, (d.message->'txnstatus_request') - 'reference_id' - 'attribute_value' AS question, d.message #>> '{txnstatus_request,attribute_value}' = :'ours_t' AS ours FROM app.deliver() d;
SELECT transaction_id AS status_t FROM casesync.my_requests WHERE action = 'txn-status' \gset
SELECT ack, error_message FROM app.say('txn-on-status', '{"transaction_id": "other", "txnstatus_response": {}}');
SELECT * FROM app.say('txn-on-status', jsonb_build_object('transaction_id', :'status_t', 'txnstatus_response', '{"txn_type": "search", "txn_status": {"search_response": [{"status": "pdng"}]}}'::jsonb), header => '{"status": "succ"}');
SELECT action, state, reason, about = :'ours' AS about_ours FROM casesync.my_requests ORDER BY action;
-- refused for good by the partner's bridge
SELECT count(*) FROM (SELECT casesync.search_at('ess.test', 'Member', '{}')) s;
SELECT casesync_internal.record_outcome(l.lane, p.message_id, 'refused', 0, 200, 'ERR', 'err.request.bad', NULL) FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.take(l.lane) p WHERE l.partner = 'ess.test' AND l.kind = 'control';
SELECT state, reason FROM casesync.my_requests WHERE state = 'refused' AND records IS NULL;
-- a kind of registry is sent as its own words say
SELECT casesync.add_registry_type('Health', wire => 'ns:moh:Kind:Health');
SELECT count(*) FROM (SELECT casesync.search_at('ess.test', 'Member', '{}', reg_type => 'health')) s;
SELECT d.message #>> '{search_request,0,search_criteria,reg_type}' AS sent FROM app.deliver() d;

-- who asks much keeps only itself waiting
SELECT count(*) FROM (SELECT casesync.set_partner('other.test', 'https://other.test')) s;
SELECT ack FROM generate_series(1, 3) i CROSS JOIN LATERAL app.search('much' || i, jsonb_build_array(app.item('{"type": "UIN", "value": "U9"}')));
SELECT ack FROM app.search('little', jsonb_build_array(app.item('{"type": "UIN", "value": "U9"}')), partner => 'other.test');
UPDATE casesync_internal.request_in SET received_at = received_at - interval '10 minutes' WHERE transaction_id = 'little';
SELECT count(*) FROM (SELECT casesync.search_at('ess.test', 'Member', '{}')) s;
UPDATE casesync_internal.my_request SET requested_at = requested_at - interval '2 days' WHERE state = 'requested';
SELECT severity, split_part(problem, ' since ', 1) AS problem, mend FROM casesync.health WHERE problem ~ 'requests of (other|ours)';
SELECT app.work();
SELECT transaction_id FROM casesync_internal.request_in WHERE transaction_id ~ 'much|little' ORDER BY answered_at;

-- who has as much stored here as it may is not answered, others are; the records of an answer count until they have arrived
SELECT ack FROM app.search('full', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}')));
SELECT count(*) FROM (SELECT casesync.set_quota('ess.test', bytes_per_day => 1)) s;
SELECT ack FROM app.search('little2', jsonb_build_array(app.item('{"type": "UIN", "value": "U9"}')), partner => 'other.test');
SELECT app.work();
SELECT transaction_id, state FROM casesync_internal.request_in WHERE transaction_id IN ('full', 'little2') ORDER BY 1;
SELECT ack, error_code FROM app.search('more', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}')));
SELECT count(*) FROM (SELECT casesync.set_quota('ess.test', bytes_per_day => 10000000)) s;
SELECT bytes AS before FROM casesync.stored WHERE partner = 'ess.test' \gset
SELECT app.work();
SELECT bytes > :before + 100 AS more FROM casesync.stored WHERE partner = 'ess.test';
SELECT count(*) > 0 AS delivered FROM generate_series(1, 30) n CROSS JOIN LATERAL (SELECT FROM app.deliver() WHERE n > 0) d;
SELECT count(*) FROM casesync_internal.outgoing o WHERE o.message ? 'search_response' AND o.message->>'transaction_id' = 'full';
SELECT bytes < :before AS less, bytes > 0 AS some FROM casesync.stored WHERE partner = 'ess.test';

-- forgotten when it is old and arrived
UPDATE casesync_internal.request_in SET answered_at = answered_at - interval '100 days';
SELECT * FROM casesync.prune() WHERE what = 'requests of partners';
-- (what is not delivered stays)
SELECT partner, transaction_id FROM casesync_internal.request_in ORDER BY id;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
