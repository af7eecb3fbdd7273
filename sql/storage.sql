-- What a partner can have stored here: charged before it is stored, refused beyond, seen by who watches, freed by what is no longer kept.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
-- a body of about so many bytes: what is beside header and message is not signed, and came all the same
CREATE FUNCTION app.big(action text, id text, message jsonb, bytes integer, header jsonb DEFAULT '{}', partner text DEFAULT 'ess.test') RETURNS TABLE (ack text, error_code text, error_message text) LANGUAGE sql AS $$
	SELECT r.ack_status, r.error_code, r.error_message FROM casesync_internal.receive($6, $2, convert_to(jsonb_build_object('signature', 'x', 'header',
		jsonb_build_object('action', $1, 'message_id', $2) || $5, 'message', $3, 'junk', repeat('j', $4))::text, 'UTF8'), NULL, 'kid-1') r
$$;
CREATE VIEW app.kept AS SELECT message_id, action, octet_length(raw) > 0 AS has_bytes FROM casesync_internal.message_in ORDER BY at;

-- who only rejects, or has no agreement, leaves ids and times, not bytes
SELECT count(*) FROM (SELECT casesync.set_partner('none.test', 'https://dci.none.test')) s;
SELECT ack FROM app.big('notify', 'r1', '{}', 1000000, '{"status": "rjct"}');
SELECT ack FROM app.big('subscribe', 's1', jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(app.wish('a'))), 1000000, partner => 'none.test');
SELECT ack FROM app.big('unsubscribe', 'u1', '{"transaction_id": "t", "subscription_codes": ["x"]}', 1000000, partner => 'none.test');
SELECT ack FROM app.big('unsubscribe', 'u2', '{"transaction_id": "t", "subscription_codes": ["x"]}', 1000000);
SELECT * FROM app.kept;
-- answered as the first time, as long as it is kept: a day
SELECT ack FROM app.big('notify', 'r1', '{}', 1000000, '{"status": "rjct"}');
SELECT partner, bytes / 100000 AS bytes, refused, kept = bytes AS all_of_today FROM casesync.stored ORDER BY 1;
UPDATE casesync_internal.message_in SET at = at - interval '25 hours' WHERE message_id IN ('r1', 'u1');
SELECT count(*) FROM (SELECT casesync_internal.tidy()) t;
SELECT * FROM app.kept;

-- so many bytes a day, and no message more; the others go on
SELECT casesync.set_quota('ess.test', bytes_per_day => 2000000);
SELECT ack, error_code, error_message FROM generate_series(3, 4) i CROSS JOIN LATERAL app.big('unsubscribe', 'u' || i, '{"transaction_id": "t", "subscription_codes": ["x"]}', 700000);
SELECT * FROM app.big('unsubscribe', 'u5', '{"transaction_id": "t", "subscription_codes": ["x"]}', 700000);
SELECT error_code FROM casesync_internal.answer_now('ess.test', 'q1', convert_to(jsonb_build_object('header', '{"action": "search"}'::jsonb, 'message',
	'{"transaction_id": "t", "search_request": [{"reference_id": "1", "search_criteria": {}}]}'::jsonb, 'junk', repeat('j', 700000))::text, 'UTF8'), NULL, NULL);
SELECT ack FROM app.big('unsubscribe', 'n2', '{"transaction_id": "t", "subscription_codes": ["x"]}', 700000, partner => 'none.test');
SELECT count(*) FROM app.kept WHERE message_id = 'u5';
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'store|kept';
SELECT refused, max_bytes_per_day FROM casesync.stored WHERE partner = 'ess.test';
-- small ones count a kilobyte and more, and one for each item
SELECT casesync.set_quota('ess.test', bytes_per_day => (SELECT bytes + 10000 FROM casesync.stored WHERE partner = 'ess.test'));
SELECT ack, count(*) FROM generate_series(1, 20) i CROSS JOIN LATERAL app.big('notify', 'r-' || i, '{}', 0, '{"status": "rjct"}') GROUP BY 1 ORDER BY 1;
SELECT casesync.set_quota('ess.test', bytes_per_day => 0);
SELECT casesync.set_quota('ess.test', bytes_per_day => (SELECT bytes + 100000 FROM casesync.stored WHERE partner = 'ess.test'));
SELECT ack, error_code FROM app.big('subscribe', 'many', jsonb_build_object('transaction_id', 't', 'subscribe_request', (SELECT jsonb_agg(app.wish('w' || i)) FROM generate_series(1, 100) i)), 0);
-- in all: what is left of days before, until it is pruned
UPDATE casesync_internal.stored_day SET day = day - 10;
SELECT casesync.set_quota('ess.test', bytes_per_day => 5000000, bytes => 2500000);
SELECT * FROM generate_series(6, 7) i CROSS JOIN LATERAL app.big('unsubscribe', 'u' || i, '{"transaction_id": "t", "subscription_codes": ["x"]}', 700000);
SELECT severity, regexp_replace(problem, '\d+ kB', '(size)') AS problem, mend FROM casesync.health WHERE problem ~ 'store|kept';
-- what waits for a person is kept, whatever is pruned
SELECT casesync.set_quota('ess.test', bytes => 5000000);
SELECT ack FROM app.say('notify', app.notify(app.event('n', app.record('U1', '1', jsonb_build_object('x', repeat('x', 10000))))), 'n1');
-- days that are over are one row; what prune leaves counts on
INSERT INTO casesync_internal.stored_day (partner, day, worker, bytes) SELECT 'ess.test', casesync_internal.storage_day() - 10, w, 1 FROM generate_series(1, 50) w;
SELECT count(*) FROM (SELECT casesync_internal.tidy()) t;
SELECT partner, count(*), sum(bytes) > 2000000 AS much FROM casesync_internal.stored_day WHERE day < casesync_internal.storage_day() - 5 GROUP BY 1 ORDER BY 1;
UPDATE casesync_internal.message_in SET at = at - interval '10 days' WHERE message_id IN ('u2', 'u3', 'n1');
SELECT count(*) FROM (SELECT * FROM casesync.prune('5 days')) p;
SELECT count(*), round(sum(bytes), -3) AS bytes FROM casesync_internal.stored_day WHERE partner = 'ess.test' AND day < casesync_internal.storage_day() - 5;
SELECT * FROM app.big('unsubscribe', 'u8', '{"transaction_id": "t", "subscription_codes": ["x"]}', 100000);
-- of a subscription that has ended the filter goes too; its reference_id stays taken
SELECT casesync.set_quota('ess.test', bytes_per_day => 50000000, bytes => 50000000);
SELECT reference, status FROM app.subscribe(app.wish('ends', '{"filter": {"employment_status": {"$eq": "1"}}, "filter_type": "expression"}'));
SELECT count(casesync.unsubscribe(app.code('ends')));
UPDATE casesync_internal.subscription SET ended_at = ended_at - interval '10 days' WHERE reference_id = 'ends';
SELECT * FROM casesync.prune('5 days') WHERE what ~ 'filters';
SELECT reference_id, state, filter, tree FROM casesync_internal.subscription WHERE reference_id = 'ends';
SELECT reference, status, code FROM app.subscribe(app.wish('ends', '{"filter": {"employment_status": {"$eq": "1"}}, "filter_type": "expression"}'));
SELECT app.try($$SELECT casesync.set_quota('ess.test', bytes => -1)$$);
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
