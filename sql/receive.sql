-- What partners say: every message, every reason to refuse one, nothing twice and nothing lost.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.set_partner('other.test', 'https://other.test')) s;

-- the newest callback, item by item
CREATE FUNCTION app.callback() RETURNS TABLE (action text, url text, status text, item jsonb) LANGUAGE sql AS $$
	SELECT o.action, o.url, o.status, (i - 'timestamp') #- '{subscriptions}' FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1) o
	  LEFT JOIN LATERAL jsonb_array_elements(o.message->'subscribe_response') i ON true
$$;

-- bodies that are no message -------------------------------------------------------------------------------
SELECT left(encode(b, 'escape'), 30) AS body, r.ack_status, r.error_code FROM (VALUES ('\x'::bytea), ('{}'), ('[]'), ('null'), ('"x"'), ('{"header": {}}'),
	('{"header": [], "message": {}}'), ('{"header": {"action": "notify"}, "message": []}'), ('{"header": {"action": "notify"}}'),
	('{"header": {"action": "notify"}, "message": {"a": "\\u0000"}}'), ('\xff'), ('\x7b22c3287d'), ('{"header"'),
	('{"header": {"action": "notify"}, "message": {"a": 1e999999}}'), ('\xefbbbf7b7d')) v(b)
 CROSS JOIN LATERAL casesync_internal.receive('ess.test', 'm', v.b, NULL, NULL) r;
SELECT ack_status, error_code FROM casesync_internal.receive('ess.test', 'm', convert_to(repeat('[', 200000) || repeat(']', 200000), 'UTF8'), NULL, NULL);
SELECT ack_status, error_code FROM casesync_internal.receive('ess.test', 'm', convert_to('{"header": {"action": "notify"}, "message": {"a": 1' || repeat('0', 200000) || '}}', 'UTF8'), NULL, NULL);
SELECT * FROM app.say('notify', '{}', partner => 'nobody.test');
SELECT * FROM app.say('dance', '{}');
SELECT ack, error_code FROM app.say(NULL, '{}');
SELECT correlation_id ~ '^[0-9a-f-]{36}$' AS correlated, at > now() - interval '1 hour' AS timed FROM casesync_internal.receive('ess.test', 'm', '{}', NULL, NULL);
SELECT count(*) FROM casesync_internal.message_in;

-- subscribe: every outcome of one batch; what is wrong with one does not touch the others --------------------
SELECT * FROM app.say('subscribe', jsonb_build_object('transaction_id', 't1', 'subscribe_request', jsonb_build_array(
	app.wish('r1'),
	app.wish('r2', '{"filter": {"type": "UIN", "value": "U1"}, "filter_type": "idtype-value"}', '{"locale": "fra"}'),
	app.wish('r3', '{"filter": {"type": "PASSPORT", "value": "P1"}}'),
	app.wish('r4', '{"filter": {"expression": {}}, "filter_type": "expression"}'),
	app.wish('r5', '{"filter": {"q": 1}, "filter_type": "graphql"}'),
	app.wish('r6', '{"reg_event_type": "birth"}'),
	app.wish('r7', '{"notify_record_type": "Group"}'),
	app.wish('r8', '{"reg_type": "ns:org:RegistryType:Civil"}'),
	app.wish('r9'),
	app.wish('r11', '{"frequency": {"start_time": "soon", "frequency": "0 5 * * *"}}'),
	app.wish('r12', '{"frequency": "daily"}'),
	app.wish('r13', '{"filter": {"type": "uin", "value": "U3"}, "reg_event_type": "enrollement_status_change", "notify_record_type": "spdci-extensions-dci:member",
		"reg_type": "ess", "frequency": {"start_time": "2026-01-01T00:00:00Z", "end_time": "2999-01-01T00:00:00Z", "frequency": "0 0 0 5,15 * ? *"}}'))),
	header => '{"sender_uri": "https://dci.ess.test/dci/registry/on-subscribe"}');
SELECT DISTINCT action, url, status FROM app.callback();
SELECT left(item->>'reference_id', 10) AS reference, item->>'status' AS status, item->>'status_reason_code' AS code,
	regexp_replace(item->>'status_reason_message', '[0-9a-f]{8}-[0-9a-f-]{27}', '(code)') AS message FROM app.callback();
SELECT message->>'transaction_id' AS transaction, message->>'correlation_id' = (SELECT correlation_id FROM casesync_internal.message_in) AS same_correlation
  FROM casesync_internal.outgoing;
SELECT reference_id, event_type, record_type, reg_type, id_type, id_value, locale, deliver, starts IS NOT NULL AS starts, ends IS NOT NULL AS ends, state, is_confirmed
  FROM casesync_internal.subscription ORDER BY id;
-- confirmed when the callback has arrived
SELECT casesync_internal.record_outcome(l.lane, p.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL)
  FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.take(l.lane) p WHERE l.partner = 'ess.test' AND l.kind = 'control';
SELECT reference_id, is_confirmed FROM casesync_internal.subscription ORDER BY id;
-- the same reference_id: the same answer, no second subscription; also after it has ended
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't2', 'subscribe_request', jsonb_build_array(app.wish('r1'), app.wish('r1'))));
SELECT item FROM app.callback();
SELECT count(*) FROM casesync.subscriptions;
SELECT count(casesync.unsubscribe(code)) FROM casesync_internal.subscription WHERE reference_id = 'r2';
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't2', 'subscribe_request', app.wish('r2')));
SELECT item->>'status', item->>'status_reason_code' FROM app.callback();
-- approval by a person: pending
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', subscribing => 'approve')) s;
SELECT count(*) FROM (SELECT casesync.activate('OUT')) s;
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't3', 'subscribe_request', app.wish('r14', '{"filter": {"type": "UIN", "value": "U4"}}')));
SELECT status, item FROM app.callback();
SELECT state, is_confirmed FROM casesync_internal.subscription WHERE reference_id = 'r14';
-- another partner has no agreement
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', app.wish('r1')), partner => 'other.test');
SELECT url, status, item->>'status_reason_code' AS code FROM app.callback();

-- sender_uri: the partner's own or nothing ------------------------------------------------------------------
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', callback_prefixes => '{https://dci.ess.test/dci,https://cb.ess.test:8443/}')) s;
SELECT u, casesync_internal.callback_url(p, u, 'on-subscribe') FROM casesync_internal.partner p CROSS JOIN unnest(ARRAY[
	'https://dci.ess.test/dci', 'https://dci.ess.test/dci/', 'https://dci.ess.test/dci/registry/on-subscribe', 'https://cb.ess.test:8443/x?y=z', '', NULL,
	'https://dci.ess.test/dcix', 'https://dci.ess.test', 'https://dci.ess.test/', 'https://dci.ess.test.evil.test/dci/', 'https://dci.ess.test@evil.test/dci/',
	'https://dci.ess.test/dci@evil.test/', 'https://dci.ess.test/dci/../admin', 'https://dci.ess.test/dci/..', 'https://dci.ess.test/dci/./x', 'https://dci.ess.test/dci/%2e%2e/x',
	'https://dci.ess.test/dci/%2E./x', 'https://dci.ess.test/dci/..%2fx', 'https://dci.ess.test/dci/\x', 'https://dci.ess.test/dci/%5cx', E'https://dci.ess.test/dci/\nx', 'https://dci.ess.test/dci/ x',
	'https://dci.ess.test/dci/#x', 'http://dci.ess.test/dci/x', 'HTTPS://DCI.ESS.TEST/dci/x', 'https://cb.ess.test/x', 'https://cb.ess.test:84430/x', 'https://cb.ess.test:8443@evil.test/',
	'//dci.ess.test/dci/x', 'javascript:alert(1)', 'https://127.0.0.1/dci/', ' https://dci.ess.test/dci/x']) u WHERE p.partner = 'ess.test';
SELECT (casesync_internal.callback_url(p, 'https://dci.ess.test/dci/' || repeat('x', 2000), 'on-subscribe')).is_allowed FROM casesync_internal.partner p WHERE p.partner = 'ess.test';
SELECT * FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', app.wish('r20')), header => '{"sender_uri": "https://dci.ess.test.evil.test/dci/x"}');
SELECT * FROM app.say('unsubscribe', '{"transaction_id": "t", "subscription_codes": ["x"]}', header => '{"sender_uri": "https://evil.test/"}');
SELECT count(*) FROM casesync_internal.subscription WHERE reference_id = 'r20';
-- nowhere to call back: taken all the same, and confirmed at once
SELECT count(*) FROM (SELECT casesync.set_partner('quiet.test', notify_url => 'https://quiet.test/in')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('QUIET', 'quiet.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto')) s;
SELECT count(*) FROM (SELECT casesync.activate('QUIET')) s;
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', app.wish('r1')), partner => 'quiet.test');
SELECT state, is_confirmed FROM casesync.subscriptions WHERE partner = 'quiet.test';

-- unsubscribe: own ones, others', unknown ones --------------------------------------------------------------
CREATE FUNCTION app.codes(VARIADIC r text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(coalesce((SELECT code FROM casesync_internal.subscription s WHERE s.partner || ' ' || s.reference_id = x), x)) FROM unnest(r) x $$;
CREATE VIEW app.unsubscribed AS SELECT o.url, o.status, o.message->>'transaction_id' AS transaction, o.message->>'status_reason_code' AS code,
	o.message->>'status_reason_message' AS message, jsonb_array_length(o.message->'subscription_status') AS told
	FROM casesync_internal.outgoing o WHERE o.action = 'on-unsubscribe' ORDER BY o.id DESC LIMIT 1;
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 'u1', 'subscription_codes', app.codes('quiet.test r1', 'no such code')));
SELECT * FROM app.unsubscribed;
SELECT state FROM casesync.subscriptions WHERE partner = 'quiet.test';
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 'u2', 'subscription_codes', app.codes('ess.test r1', 'ess.test r1', 'quiet.test r1')));
SELECT * FROM app.unsubscribed;
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 'u3', 'sunscription_codes', app.codes('ess.test r1')));
SELECT * FROM app.unsubscribed;
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', 'u4', 'subscription_codes', app.codes('ess.test r13')), header => '{"sender_uri": "https://cb.ess.test:8443/here"}');
SELECT * FROM app.unsubscribed;
SELECT partner, reference_id, state, reason FROM casesync_internal.subscription ORDER BY id;

-- a repeated message_id: the same answer and no second effect; with another message: refused -----------------
SELECT count(*) FROM casesync_internal.outgoing;
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "u6", "subscription_codes": ["x"]}', 'twice');
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "u6", "subscription_codes": ["x"]}', 'twice', '{"message_ts": "2026-01-01T00:00:00Z"}');
SELECT * FROM app.say('unsubscribe', '{"transaction_id": "u7", "subscription_codes": ["x"]}', 'twice');
SELECT * FROM app.say('notify', '{"transaction_id": "u6", "subscription_codes": ["x"]}', 'twice');
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "u6", "subscription_codes": ["x"]}', 'twice', partner => 'other.test');
SELECT count(*) FROM casesync_internal.outgoing;
SELECT correlation_id = (SELECT correlation_id FROM casesync_internal.message_in WHERE partner = 'ess.test' AND message_id = 'twice') AS same
  FROM casesync_internal.receive('ess.test', 'twice', convert_to('{"header": {"action": "unsubscribe"}, "message": {"transaction_id": "u6", "subscription_codes": ["x"]}}', 'UTF8'), NULL, NULL);
-- what was refused was not kept: mended, it may come again under its message_id
SELECT ack FROM app.say('dance', '{"transaction_id": "t"}', 'mended');
SELECT ack FROM app.say('unsubscribe', '{"transaction_id": "u8", "subscription_codes": ["x"]}', 'mended');

-- our own subscription, its answers ------------------------------------------------------------------------
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE FUNCTION app.answer(status text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('transaction_id', transaction_id, 'correlation_id', 'c', 'subscribe_response', jsonb_build_array(
		jsonb_build_object('reference_id', reference_id, 'timestamp', '2026-01-01T08:00:00Z', 'status', $1) || $2)) FROM casesync_internal.my_subscription $$;
CREATE VIEW app.mine AS SELECT state, code, reason FROM casesync_internal.my_subscription;
SELECT * FROM app.say('on-subscribe', '{"transaction_id": "x", "subscribe_response": [{"reference_id": "x", "status": "succ"}]}');
SELECT * FROM app.say('on-subscribe', '{"transaction_id": "x", "subscribe_response": []}');
SELECT ack, error_code FROM app.say('on-subscribe', app.answer('succ'), partner => 'other.test');
SELECT * FROM app.mine;
SELECT ack FROM app.say('on-subscribe', app.answer('pdng'));
SELECT * FROM app.mine;
SELECT ack FROM app.say('on-subscribe', app.answer('succ', '{"subscriptions": [{"code": "theirs", "status": "subscribe"}]}'));
SELECT * FROM app.mine;
-- said again under a new message_id
SELECT ack FROM app.say('on-subscribe', app.answer('succ', '{"subscriptions": [{"code": "theirs", "status": "subscribe"}]}'));

-- notify ---------------------------------------------------------------------------------------------------
CREATE VIEW app.items AS SELECT id, item, reference_id, event_type, record_type, record->>'employment_status' AS says, subject, mode, state, reason FROM casesync_internal.inbox_item ORDER BY id;
-- one object, a list, several events
SELECT ack FROM app.say('notify', app.notify(app.event('n1', app.record('U1', '1')), app.event('n2', jsonb_build_array(app.record('U2', '1'), app.record('U3', '1')))));
SELECT * FROM app.items;
-- raw bytes are kept as they came
SELECT convert_from(raw, 'UTF8')::jsonb ? 'signature' AS raw, action, kid, ack_status FROM casesync_internal.message_in WHERE action = 'notify';
-- repeated under new message_ids: not stored again; A, B, A under one constant reference_id: each is
SELECT ack FROM app.say('notify', app.notify(app.event('n1', app.record('U1', '1'))));
SELECT count(*) FROM casesync.inbox;
SELECT ack FROM app.say('notify', app.notify(app.event('same', app.record('U4', 'A'))));
SELECT ack FROM app.say('notify', app.notify(app.event('same', app.record('U4', 'B'))));
SELECT ack FROM app.say('notify', app.notify(app.event('same', app.record('U4', 'A'))));
SELECT ack FROM app.say('notify', app.notify(app.event('same', app.record('U4', 'A'))));
SELECT says, state FROM app.items WHERE reference_id = 'same';
SELECT ack FROM app.say('notify', app.notify(app.event(NULL, app.record('U5', '1'))));
SELECT ack FROM app.say('notify', app.notify(app.event(NULL, app.record('U5', '1'))));
SELECT count(*) FROM app.items WHERE reference_id IS NULL;
-- only what the agreement names is handed on; nothing agreed in it: ignored
SELECT ack FROM app.say('notify', app.notify(app.event('f1', app.record('U6', '1', '{"phone_number": "1", "related_member": [{"a": 1}], "demographic_info": {"death_date": "2026-01-01", "name": "x"}}'))));
SELECT record, state, reason FROM casesync.inbox ORDER BY id DESC LIMIT 1;
SELECT ack FROM app.say('notify', app.notify(app.event('f2', '{"phone_number": "1"}'), app.event('f3', '{}')));
SELECT record, state, reason FROM casesync.inbox ORDER BY id DESC LIMIT 2;
-- spellings, missing parts
SELECT ack FROM app.say('notify', app.notify(app.event('s1', app.record('U7', '1'), '{"reg_event_type": "enrollement_status_change", "reg_record_type": "spdci-extensions-dci:Member"}')));
SELECT ack FROM app.say('notify', app.notify(app.event('s2', app.record('U8', '1')) #- '{data,reg_event_type}' #- '{data,reg_record_type}'));
SELECT reference_id, event_type, record_type, state FROM app.items WHERE reference_id IN ('s1', 's2');
SELECT * FROM app.say('notify', app.notify(app.event('e1', NULL)));
SELECT * FROM app.say('notify', app.notify(app.event('e2', '[]')));
SELECT * FROM app.say('notify', app.notify(app.event('e3', '"text"')));
SELECT * FROM app.say('notify', app.notify('7'));
-- one bad item: the whole message is refused and nothing of it is kept
SELECT * FROM app.say('notify', app.notify(app.event('e4', app.record('U9', '1')), app.event('e5', '[1]')));
SELECT count(*) FROM app.items WHERE reference_id ~ '^e';
-- a rejected notification may come without a message
SELECT ack FROM app.say('notify', NULL, header => '{"status": "rjct"}') s;
SELECT r.ack_status FROM casesync_internal.receive('ess.test', 'rj', '{"header": {"action": "notify", "status": "rjct"}}', NULL, NULL) r;
-- not agreed: another event type, another partner
SELECT * FROM app.say('notify', app.notify(app.event('x1', app.record('U9', '1'), '{"reg_event_type": "birth"}')));
SELECT * FROM app.say('notify', app.notify(app.event('x2', app.record('U9', '1'))), partner => 'other.test');
-- agreed, but we did not ask: a person looks first; found by what it tells when the peer numbers anew
SELECT ack FROM app.say('notify', app.notify(app.event('u1', app.record('U10', '1'))) || '{"transaction_id": "their own"}');
SELECT ack FROM app.say('notify', app.notify(app.event('u2', app.record('U11', '1'), '{"reg_record_type": "Group"}')) || '{"transaction_id": "their own"}');
SELECT reference_id, mode, state, reason FROM app.items WHERE reference_id ~ '^u';
-- stream, numbers and hops of header.meta; rubbish there is no harm
SELECT ack FROM app.say('notify', app.notify(app.event('m1', app.record('U12', '1')), app.event('m2', app.record('U13', '1')), app.event('m3', app.record('U14', '1'))),
	header => '{"meta": {"stream": "s", "items": [{"seq": 7, "prev_seq": 6, "hops": ["a.test", "b.test"]}, {"seq": "x", "prev_seq": 1e30, "hops": 7}]}}');
SELECT reference_id, stream, seq, prev_seq, hops FROM casesync_internal.inbox_item WHERE reference_id ~ '^m' ORDER BY id;
SELECT ack FROM app.say('notify', app.notify(app.event('m4', app.record('U15', '1'))), header => '{"meta": 7}');
SELECT ack FROM app.say('notify', app.notify(app.event('m5', app.record('U15', '2'))), header => '{"meta": {"items": {"a": 1}}}');
-- numbers beyond all reason are kept as they are
SELECT ack FROM app.say('notify', app.notify(app.event('h1', app.record('U16', NULL) || '{"employment_status": 123456789012345678901234567890.5}')));
SELECT says FROM app.items WHERE reference_id = 'h1';
-- the standard's own example of a notification
SELECT ack FROM app.say('notify', '{"transaction_id": "123456789", "notify_event": [{"reference_id": "12345678901234567890", "timestamp": "2022-12-04T17:20:07-04:00",
	"data": {"version": "1.0.0", "reg_type": "ns:org:RegistryType:ESS", "reg_event_type": "enrolment_status_change", "reg_record_type": "Member",
	"reg_records": {"@context": {"@vocab": "https://schema.spdci.org/"}, "@type": "spdci:member", "member_identifier": "123456", "employment_status": "employed",
	"related_member": [{"@type": "spdci:member", "spdci:member_identifier": "1"}]}}, "locale": "eng"}]}');
SELECT record, mode, state FROM casesync.inbox ORDER BY id DESC LIMIT 1;

-- the end of our subscription: stragglers are looked at by a person ------------------------------------------
-- the partner may end it on its own
SELECT s.* FROM casesync_internal.my_subscription m CROSS JOIN LATERAL app.say('on-unsubscribe', jsonb_build_object('transaction_id', m.transaction_id, 'status', 'succ')) s;
SELECT state FROM app.mine;
SELECT s.ack, s.error_code, s.error_message FROM app.say('on-unsubscribe', '{"transaction_id": "no such", "status": "succ"}') s;
UPDATE casesync_internal.my_subscription SET state = 'active';
SELECT count(*) FROM (SELECT casesync.unsubscribe_at('ess.test', 'theirs')) s;
CREATE FUNCTION app.ended(status text, code text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('transaction_id', transaction_id, 'status', $1, 'status_reason_code', $2, 'status_reason_message', 'words of theirs')) FROM casesync_internal.my_subscription $$;
SELECT ack FROM app.say('on-unsubscribe', app.ended('rjct', 'rjct.timestamp.invalid'));
SELECT * FROM app.mine;
SELECT reason FROM casesync.my_subscriptions;
SELECT count(*) FROM (SELECT casesync.unsubscribe_at('ess.test', 'theirs')) s;
SELECT ack, error_code FROM app.say('on-unsubscribe', app.ended('succ'), partner => 'other.test');
SELECT ack FROM app.say('on-unsubscribe', app.ended('succ'));
SELECT ack FROM app.say('on-unsubscribe', app.ended('succ'));
SELECT state FROM app.mine;
SELECT ack FROM app.say('notify', app.notify(app.event('late', app.record('U17', '1'))));
SELECT state, reason FROM app.items WHERE reference_id = 'late';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
