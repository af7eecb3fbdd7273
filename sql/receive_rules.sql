-- What holds for every message of a partner, and for notify: named by what it takes or refuses.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
CREATE VIEW app.items AS SELECT reference_id, subject, stream, seq, hops FROM casesync_internal.inbox_item ORDER BY id;

-- accepts_one_object_and_a_list
SELECT ack FROM app.say('notify', app.notify(app.event('a', app.record('1'), '{"reg_event_type": "enrollement_status_change"}')), header => '{"total_count": 1}');
SELECT ack FROM app.say('notify', app.notify(app.event('b', jsonb_build_array(app.record('2'), app.record('3'))), app.event('c', app.record('4'))), header => '{"total_count": 2}');
SELECT ack FROM app.say('notify', app.notify(app.event('d', jsonb_build_array(app.record('5'), app.record('6')))), header => '{"total_count": 2, "completed_count": 2}');
SELECT * FROM app.items;
-- refuses_an_item_without_records, refuses_more_than_1000
SELECT * FROM app.say('notify', app.notify(app.event('e', app.record('7')), '{"reference_id": "f", "timestamp": "2026-01-01T08:00:00Z", "data": {"reg_record_type": "Member"}}'));
SELECT * FROM app.say('notify', jsonb_build_object('transaction_id', 't', 'notify_event', (SELECT jsonb_agg(app.event(i::text, app.record('8'))) FROM generate_series(1, 1001) i)));
SELECT * FROM app.say('notify', app.notify(app.event('g', (SELECT jsonb_agg(app.record('8')) FROM generate_series(1, 1001)))));
SELECT ack FROM app.say('notify', jsonb_build_object('transaction_id', 't', 'notify_event', (SELECT jsonb_agg(app.event(i::text, app.record('9'))) FROM generate_series(1, 1000) i)));
SELECT count(*) FROM app.items WHERE subject = 'UIN:9';

-- encrypted, and decrypted by the bridge: accepts_it_and_reads_meta_from_inside_only
SELECT ack FROM app.say('notify', '{"ciphertext": "x"}', 'enc', '{"is_msg_encrypted": true, "meta": {"stream": "outside", "items": [{"seq": 1}]}}',
	plain => app.notify(app.event('i', app.record('11'))) || '{"meta": {"stream": "inside", "items": [{"seq": 7, "hops": ["z.test"]}]}}');
SELECT ack FROM app.say('notify', '{"ciphertext": "x"}', header => '{"is_msg_encrypted": true, "meta": {"stream": "outside", "items": [{"seq": 2}]}}', plain => app.notify(app.event('j', app.record('12'))));
SELECT * FROM app.items WHERE reference_id IN ('i', 'j');
-- the bytes are kept as they came
SELECT convert_from(raw, 'UTF8') ~ 'ciphertext' AS raw, convert_from(raw, 'UTF8') ~ 'employment_status' AS plain FROM casesync_internal.message_in WHERE message_id = 'enc';
-- repeated, encrypted anew: the same message; with another content under this message_id: refused
SELECT ack FROM app.say('notify', '{"ciphertext": "y"}', 'enc', '{"is_msg_encrypted": true}',
	plain => app.notify(app.event('i', app.record('11'))) || '{"meta": {"stream": "inside"}}');
SELECT count(*) FROM app.items WHERE reference_id = 'i';
SELECT * FROM app.say('notify', '{"ciphertext": "x"}', 'enc', '{"is_msg_encrypted": true}', plain => app.notify(app.event('k', app.record('13'))));
-- refuses_what_was_decrypted_and_is_no_message
SELECT ack, error_code FROM app.say('notify', '{"ciphertext": "x"}', header => '{"is_msg_encrypted": true}', plain => '[]');
SELECT r.ack_status, r.error_code FROM casesync_internal.receive('ess.test', 'bytes', '{"header": {"action": "notify", "is_msg_encrypted": true}, "message": {}}', NULL, NULL, '\xff') r;
-- encrypted wishes are wishes
SELECT ack FROM app.say('subscribe', '{"ciphertext": "x"}', header => '{"is_msg_encrypted": true}', plain => jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(app.wish('r1'))));
SELECT reference_id, state FROM casesync_internal.subscription;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
