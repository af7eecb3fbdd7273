-- What became of a request: true for searches, subscriptions and their ends, of the one who asks only.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/message.sql
\i test/scene/request.sql
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, status text);
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 3) i;
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'additional_attributes', '[{"enrolment_status": "1"}]'::jsonb) AS record FROM app.person p;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.set_partner(p, 'https://dci.' || p) FROM unnest('{ess.test,other.test}'::text[]) p) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status,additional_attributes}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law', services => '{notify,search,check_enrollment}', subscribing => 'auto')) s;
SELECT casesync.activate('OUT');
-- says a message; the answer in one word
CREATE FUNCTION app.tell(action text, message jsonb, id text DEFAULT gen_random_uuid()::text, partner text DEFAULT 'ess.test') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', s.ack, s.error_code, s.error_message) FROM app.say($1, $2, $3, partner => $4) s
$$;
-- the answer to a question, without what differs from run to run
CREATE FUNCTION app.status(txn_type text, attribute text, value jsonb, partner text DEFAULT 'ess.test') RETURNS TABLE (error text, status text, why text, txn_type text, body text) LANGUAGE sql AS $$
	SELECT concat_ws(': ', a.error_code, a.error_message), a.status, a.status_reason_message, a.message::jsonb #>> '{txnstatus_response,txn_type}', regexp_replace(regexp_replace(regexp_replace(
			(a.message::jsonb #> '{txnstatus_response,txn_status}')::text, '"[0-9T:-]+\.[0-9]{3}Z"', '"(time)"', 'g'), '"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"', '"(uuid)"', 'g'), '"correlation_id": "\(uuid\)", ', '')
	  FROM app.answer('txn-status', jsonb_build_object('transaction_id', 'q1', 'txnstatus_request',
		jsonb_build_object('reference_id', 'q', 'txn_type', $1, 'attribute_type', $2, 'attribute_value', $3)), $4) a
$$;

-- the whole answer, synchronous ------------------------------------------------------------------------------------
SELECT a.action, a.status, a.status_reason_message, a.total_count, a.completed_count, a.message::jsonb->>'correlation_id' = a.correlation_id AS same_correlation,
	a.message::jsonb #>> '{txnstatus_response,txn_status,correlation_id}' = a.correlation_id AS nothing_else, (a.message::jsonb - 'correlation_id') #- '{txnstatus_response,txn_status,correlation_id}' AS message
  FROM app.answer('txn-status', '{"transaction_id": "q1", "txnstatus_request": {"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": "unknown"}}') a;

-- a search: stored, answered, delivered; by each attribute -----------------------------------------------------------
SELECT app.tell('search', jsonb_build_object('transaction_id', 't1', 'search_request', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}', 's1'), app.item('7', 's2'))), 'm1') AS say;
SELECT * FROM app.status('search', 'transaction_id', '"t1"');
DO $$ BEGIN PERFORM app.work(); END $$;
SELECT * FROM app.status('search', 'transaction_id', '"t1"');
SELECT s.* FROM casesync_internal.message_in m CROSS JOIN LATERAL app.status('search', 'correlation_id', to_jsonb(m.correlation_id)) s WHERE m.message_id = 'm1';
SELECT * FROM app.status('search', 'reference_id_list', '["s2", "nothing"]');
SELECT * FROM app.status('search', 'reference_id_list', '"s1"');
-- a synchronous one, and a second of the same transaction
SELECT a.status FROM app.answer('search', jsonb_build_object('transaction_id', 't1', 'search_request', jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}', 's3')))) a;
SELECT * FROM app.status('search', 'transaction_id', '"t1"');
SELECT a.status FROM app.answer('enrollementstatus', '{"transaction_id": "t2", "enrolled_criteria": {"query": {"person_identifier": {"eq": "U1"}}}}') a;
SELECT * FROM app.status('enrolled', 'transaction_id', '"t2"');
SELECT * FROM app.status('receipt', 'transaction_id', '"t2"');
-- no record is given again, and the question is not on record
SELECT count(*) FROM casesync.disclosed WHERE way = 'search';

-- a subscription: asked for, refused, pending, approved, ended ---------------------------------------------------------
SELECT app.tell('subscribe', jsonb_build_object('transaction_id', 't3', 'subscribe_request', jsonb_build_array(app.wish('w1', '{"filter": {"type": "UIN", "value": "U1"}, "filter_type": "idtype-value"}'), app.wish('w2', '{"reg_event_type": "birth"}'))), 'm3') AS say;
SELECT error, status, why, txn_type, regexp_replace(body, '"status_reason_message": "[^}]*}', '"status_reason_message": …}') AS body FROM app.status('subscribe', 'transaction_id', '"t3"');
SELECT count(*) FROM casesync_internal.subscription WHERE reference_id = 'w1' AND state = 'active';
SELECT status, why FROM app.status('subscibe', 'reference_id_list', '["w2"]');
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', subscribing => 'approve')) s;
SELECT casesync.activate('OUT');
SELECT app.tell('subscribe', jsonb_build_object('transaction_id', 't4', 'subscribe_request', jsonb_build_array(app.wish('w3', '{"filter": {"type": "UIN", "value": "U3"}}')))) AS say;
SELECT status, why FROM app.status('subscribe', 'transaction_id', '"t4"');
SELECT count(casesync.approve(code)) FROM casesync_internal.subscription WHERE reference_id = 'w3';
SELECT status, why FROM app.status('subscribe', 'transaction_id', '"t4"');
SELECT code AS code1 FROM casesync_internal.subscription WHERE reference_id = 'w1' \gset
SELECT app.tell('unsubscribe', jsonb_build_object('transaction_id', 't5', 'timestamp', '2026-01-01T08:00:00Z', 'subscription_codes', jsonb_build_array(:'code1', 'unknown')), 'm5') AS say;
SELECT error, status, why, txn_type, replace(body, :'code1', '(code)') AS body FROM app.status('unsubscribe', 'transaction_id', '"t5"');
SELECT app.tell('unsubscribe', '{"transaction_id": "t6", "timestamp": "2026-01-01T08:00:00Z", "subscription_codes": ["unknown"]}') AS say;
SELECT * FROM app.status('unsubscribe', 'transaction_id', '"t6"');
SELECT status, body ~ '"status": "unsubscribe"' AS ended FROM app.status('subscribe', 'reference_id_list', '["w1"]');
-- by the codes of subscriptions: only those asked for, whichever requests they were in
SELECT code AS code3 FROM casesync_internal.subscription WHERE reference_id = 'w3' \gset
SELECT app.tell('unsubscribe', jsonb_build_object('transaction_id', 't7', 'timestamp', '2026-01-01T08:00:00Z', 'subscription_codes', jsonb_build_array(:'code3'))) AS say;
CREATE FUNCTION app.codes(txn_type text, codes text[], partner text DEFAULT 'ess.test') RETURNS TABLE (error text, status text, why text, txn_type text, items jsonb) LANGUAGE sql AS $$
	SELECT s.error, s.status, s.why, s.txn_type, jsonb_path_query_array(s.body::jsonb, 'strict $.**.subscription_status[*].status') || jsonb_path_query_array(s.body::jsonb, '$.subscribe_response[*].reference_id')
	  FROM app.status($1, 'subscription_code_list', to_jsonb($2), $3) s
$$;
SELECT t, n, c.* FROM (VALUES ('subscribe', 'one', ARRAY[:'code1']), ('subscribe', 'two', ARRAY[:'code1', :'code3']), ('unsubscribe', 'one', ARRAY[:'code3']), ('unsubscribe', 'two', ARRAY[:'code1', :'code3']),
	('subscribe', 'unknown', '{x}'), ('unsubscribe', 'unknown', '{unknown}'), ('unsubscribe', 'never', '{x}'), ('search', 'one', ARRAY[:'code1']), ('search', 'a search', '{s1}'), ('notify', 'one', ARRAY[:'code1'])) v(t, n, codes)
 CROSS JOIN LATERAL app.codes(t, codes) c;
SELECT t, c.* FROM unnest('{subscribe,unsubscribe}'::text[]) t CROSS JOIN LATERAL app.codes(t, ARRAY[:'code1', :'code3'], 'other.test') c;
SELECT t, s.error, s.status, s.why, s.txn_type FROM unnest('{notify,enrollement,unsubscibe,x:subscibe}'::text[]) t CROSS JOIN LATERAL app.status(t, 'transaction_id', '"none"') s;

-- asynchronous: the same, by callback -----------------------------------------------------------------------------------
SELECT app.tell('txn-status', '{"transaction_id": "q2", "txnstatus_request": {"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": "t1"}}', 'm7') AS say;
DO $$ BEGIN PERFORM app.work(); END $$;
SELECT o.action, o.url, o.status, o.message->>'transaction_id' AS transaction, o.message->>'correlation_id' = m.correlation_id AS same_correlation,
	jsonb_path_query_array(o.message, '$.txnstatus_response.txn_status.search_response[*].reference_id') AS refs
  FROM casesync_internal.outgoing o, casesync_internal.message_in m WHERE m.message_id = 'm7' AND o.action = 'txn-on-status';

-- nobody else's --------------------------------------------------------------------------------------------------------
SELECT a, s.* FROM (VALUES ('search', 'transaction_id', '"t1"'), ('subscribe', 'transaction_id', '"t3"'), ('unsubscribe', 'transaction_id', '"t5"'), ('enrolled', 'transaction_id', '"t2"'),
	('search', 'reference_id_list', '["s1", "s2", "s3"]'), ('subscribe', 'reference_id_list', '["w1", "w2", "w3"]')) v(a, b, c) CROSS JOIN LATERAL app.status(a, b, c::jsonb, 'other.test') s;
SELECT m.action, count(*) FROM casesync_internal.message_in m CROSS JOIN LATERAL unnest('{search,subscribe,unsubscribe,enrolled}'::text[]) t
 CROSS JOIN LATERAL app.status(t, 'correlation_id', to_jsonb(m.correlation_id), 'other.test') s WHERE s.why <> 'no such request of yours is known' GROUP BY m.action;
-- the same names of another do not mix with one's own
SELECT app.tell('search', jsonb_build_object('transaction_id', 't1', 'search_request', jsonb_build_array(app.item('{}', 's1'))), 'm1', 'other.test') AS say;
SELECT status, why, body FROM app.status('search', 'transaction_id', '"t1"', 'other.test');
SELECT why FROM app.status('search', 'transaction_id', '"t1"');
-- one kind's name is not another's
SELECT status, why FROM app.status('subscribe', 'transaction_id', '"t1"');

-- questions that are none ------------------------------------------------------------------------------------------------
SELECT q, a.error_code, a.error_message FROM (VALUES ('7'), ('[]'), ('{"reference_id": "q"}'), ('{"reference_id": "q", "txn_type": "dance"}'),
	('{"reference_id": "q", "txn_type": "search"}'), ('{"reference_id": "q", "txn_type": "search", "attribute_type": "name", "attribute_value": "x"}'),
	('{"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id"}'), ('{"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": ["t1"]}'),
	('{"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": ""}'), ('{"reference_id": "q", "txn_type": "search", "attribute_type": "reference_id_list", "attribute_value": []}'),
	('{"reference_id": "q", "txn_type": "search", "attribute_type": "reference_id_list", "attribute_value": [7]}'), ('{"reference_id": "q", "txn_type": "search", "attribute_type": "reference_id_list", "attribute_value": {"a": "b"}}'),
	('{"reference_id": "q", "txn_type": "subscribe", "attribute_type": "subscription_code_list", "attribute_value": []}'),
	('{"reference_id": "q", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": {}}')) v(q)
 CROSS JOIN LATERAL app.answer('txn-status', jsonb_build_object('transaction_id', 'q1', 'txnstatus_request', q::jsonb)) a;
SELECT a.error_code, a.error_message FROM app.answer('txn-status', jsonb_build_object('transaction_id', 'q1', 'txnstatus_request', jsonb_build_object('reference_id', 'q', 'txn_type', 'search',
	'attribute_type', 'reference_id_list', 'attribute_value', (SELECT jsonb_agg('r' || i) FROM generate_series(1, 1001) i)))) a;
SELECT w, a.error_code, a.action FROM unnest('{txn-status,txn/status,txn_status,status,TXN-STATUS}'::text[]) w CROSS JOIN LATERAL app.answer(w,
	'{"transaction_id": "q1", "txnstatus_request": {"reference_id": "q", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": "unknown"}}') a;
-- by index, however many requests there are
INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id, correlation_id, reference_ids, state, answered_at)
SELECT 'other.test', 'search', 'x', 'x' || i, 'x' || i, ARRAY['x' || i], 'answered', now() FROM generate_series(1, 20000) i;
ANALYZE casesync_internal.request_in;
CREATE FUNCTION app.scans(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM casesync_internal.request_in r WHERE r.partner = ''other.test'' AND r.action = ''search'' AND ' || condition LOOP
		IF line ~ 'Scan' THEN RETURN NEXT coalesce(substring(line from 'request_in_\w+'), btrim(line, ' ->')); END IF;
	END LOOP;
END
$$;
SELECT app.scans('r.transaction_id = ''x7''');
SELECT app.scans('r.correlation_id = ''x7''');
SELECT app.scans('r.reference_ids && ARRAY[''x7'']');
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
