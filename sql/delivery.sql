-- Lanes: what is sent next, in which order, and what becomes of it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
-- a record that is larger than a message may be
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', CASE p.status WHEN 'much' THEN to_jsonb(array_fill(repeat('y', 60000), ARRAY[8]))
			ELSE to_jsonb(p.status) END) AS record
	  FROM app.person p;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') AS code \gset
SELECT state, is_confirmed FROM casesync.subscriptions WHERE code = :'code';

-- the notify lane of the partner, and short ways to say what a bridge says
CREATE FUNCTION app.lane(kind text DEFAULT 'notify') RETURNS integer LANGUAGE sql AS
	'SELECT l.lane FROM casesync_internal.lane l WHERE l.kind = $1';
CREATE TABLE app.sent (n serial, message_id uuid, message jsonb, meta jsonb, parcel casesync_internal.parcel);
-- takes a message; shows of each item who it is about, what it says and its number
CREATE FUNCTION app.take(kind text DEFAULT 'notify') RETURNS TABLE (who text, says text, seq text) LANGUAGE sql AS $$
	WITH t AS (INSERT INTO app.sent (message_id, message, meta, parcel)
		SELECT p.message_id, p.message::jsonb, p.meta::jsonb, p FROM casesync_internal.take(app.lane(kind), begins_within => 100) p RETURNING *)
	SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}',
		coalesce(e #>> '{data,reg_records,employment_status}', (t.parcel).action), t.meta->'items'->(x.n::integer - 1)->>'seq'
	  FROM t LEFT JOIN LATERAL jsonb_array_elements(t.message->'notify_event') WITH ORDINALITY x(e, n) ON true ORDER BY x.n
$$;
CREATE FUNCTION app.outcome(verdict text, http integer DEFAULT NULL, wait bigint DEFAULT 0, kind text DEFAULT 'notify',
	ack text DEFAULT NULL, code text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
	SELECT casesync_internal.record_outcome(app.lane($4), (SELECT message_id FROM app.sent ORDER BY n DESC LIMIT 1),
		$1, $3, $2, $5, $6, 'test')
$$;
CREATE FUNCTION app.lane_now() RETURNS TABLE (attempt integer, batch_limit integer, server_errors integer, refusals integer,
	suspect boolean, others_pass boolean, waits boolean, is_stopped boolean, reason text) LANGUAGE sql AS $$
	SELECT s.attempt, s.batch_limit, s.server_errors, s.refusals, s.suspect IS NOT NULL, s.others_pass,
		s.next_attempt > clock_timestamp(), s.is_stopped, s.reason FROM casesync_internal.lane_now(app.lane()) s
$$;
CREATE VIEW app.state AS SELECT n.key, n.record->>'employment_status' AS says, n.seq, n.state, n.state_reason
	FROM casesync_internal.notification n ORDER BY n.id;

-- nothing to send
SELECT * FROM casesync_internal.lanes();
SELECT * FROM app.take();
SELECT count(*) FROM casesync_internal.take(12345);
SELECT count(*) FROM casesync_internal.take(NULL);

-- delivered: the whole message, once
INSERT INTO app.person VALUES (1, 'U1', '1'), (2, 'U2', '1');
SELECT * FROM app.route();
SELECT lane = app.lane() AS is_ours, wait_ms FROM casesync_internal.lanes();
SELECT * FROM app.take();
SELECT (parcel).url, (parcel).action, (parcel).sender_id, (parcel).receiver_id, (parcel).sender_uri, (parcel).status,
	(parcel).total_count, (parcel).completed_count, (parcel).attempt, (parcel).networks FROM app.sent ORDER BY n DESC LIMIT 1;
SELECT regexp_replace(regexp_replace(jsonb_pretty(message->'notify_event'->0), '[0-9a-f]{8}-[0-9a-f-]{27}', '(uuid)', 'g'),
	'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', '(time)') FROM app.sent ORDER BY n DESC LIMIT 1;
SELECT message->>'transaction_id' = (SELECT transaction_id FROM casesync_internal.subscription) AS same_transaction,
	(SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(message) k) AS members,
	meta->>'stream' = (SELECT stream::text FROM casesync.this_node) AS our_stream,
	meta #>> '{items,0,code}' = (SELECT code FROM casesync.subscriptions) AS code,
	(meta->'items'->0) - 'code' AS first, (meta->'items'->1) - 'code' AS second FROM app.sent ORDER BY n DESC LIMIT 1;
SELECT app.outcome('delivered', 200, ack => 'ACK');
SELECT * FROM app.state;
SELECT * FROM app.take();
SELECT key, outcome FROM casesync.disclosed ORDER BY id;
SELECT verdict, http_status, ack_status, error_code, items, detail FROM casesync.attempts;
-- only the outcome of the message in flight is believed, and only once
SELECT app.outcome('delivered', 200);
SELECT casesync_internal.record_outcome(app.lane(), gen_random_uuid(), 'refused', 0, 400, NULL, NULL, NULL);
SELECT app.try($$SELECT casesync_internal.record_outcome(app.lane(), gen_random_uuid(), 'perhaps', 0, 400, NULL, NULL, NULL)$$);

-- retry: it waits, the bridge may die: taken again with a new message_id, the same reference_id and seq
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('retry', NULL, 60000);
SELECT * FROM app.lane_now();
SELECT wait_ms BETWEEN 1 AND 60000 AS waits FROM casesync_internal.lanes();
SELECT * FROM app.take();
-- somebody has mended what was wrong and does not wait
SELECT casesync.wake('ess.test'), casesync.wake('ess.test') AS again;
SELECT app.try($$SELECT casesync.wake('nobody.test')$$);
SELECT * FROM app.take();
SELECT * FROM app.take();
SELECT count(DISTINCT message_id) AS message_ids, count(DISTINCT message #>> '{notify_event,0,reference_id}') AS reference_ids,
	count(DISTINCT meta #>> '{items,0,seq}') AS seqs, max((parcel).attempt) AS attempt
  FROM (SELECT * FROM app.sent ORDER BY n DESC LIMIT 3) s;
-- the outcome of the one before is stale, the last one counts
SELECT casesync_internal.record_outcome(app.lane(), (SELECT message_id FROM app.sent ORDER BY n DESC OFFSET 1 LIMIT 1), 'delivered', 0, 200, NULL, NULL, NULL);
SELECT app.outcome('delivered', 200, ack => 'NACK');
SELECT * FROM app.lane_now();
SELECT key, seq, prev_seq FROM casesync_internal.notification ORDER BY id;

-- what the partner wrote is kept as a code or not at all
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT * FROM app.route();
SELECT count(*) FROM app.take();
SELECT app.outcome('suspect', 500, 0, ack => 'Jane Doe', code => 'no such person: Jane Doe');
SELECT http_status, ack_status, error_code, detail FROM casesync.attempts ORDER BY ended_at DESC LIMIT 1;
SELECT reason FROM app.lane_now();
SELECT count(*) FROM app.take();
SELECT app.outcome('delivered', 200);

-- refused: halved down to the one that is refused alone, the others arrive
INSERT INTO app.person SELECT i, 'P' || i, '1' FROM generate_series(11, 18) i;
SELECT * FROM app.route();
CREATE FUNCTION app.deliver(poison text, verdict text, http integer, most integer DEFAULT 60) RETURNS TABLE (turn integer, items text, said text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. most LOOP
		SELECT string_agg(t.who, ' ' ORDER BY t.seq::integer) INTO items FROM app.take() t;
		EXIT WHEN items IS NULL;
		turn := i;
		said := CASE WHEN items ~ poison THEN verdict ELSE 'delivered' END;
		PERFORM app.outcome(said, CASE said WHEN 'delivered' THEN 200 ELSE http END);
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM app.deliver('P13', 'refused', 400);
SELECT key, seq, state, state_reason FROM app.state WHERE state <> 'delivered';
SELECT partner, registry, event_type, reason FROM casesync.dead_letter;
SELECT key, outcome FROM casesync.disclosed WHERE key = '13' ORDER BY id;
SELECT * FROM app.lane_now();

-- server errors of one item while others pass: likewise; order per subject is kept
UPDATE app.person SET status = '2' WHERE id BETWEEN 11 AND 18;
SELECT * FROM app.route();
UPDATE app.person SET status = '3' WHERE id = 14;
SELECT * FROM app.route();
SELECT * FROM app.deliver('P14', 'suspect', 503, 22);
SELECT key, says, state, state_reason FROM app.state WHERE state <> 'delivered';
-- server errors of all are nobody's fault: nothing dies, everything waits
UPDATE app.person SET status = '4' WHERE id BETWEEN 11 AND 12;
SELECT * FROM app.route();
SELECT count(*) AS tries, string_agg(DISTINCT said, ',') AS said FROM app.deliver('.', 'suspect', 503, 20);
SELECT key, says, state FROM app.state WHERE state = 'due';
SELECT attempt FROM app.lane_now();
SELECT count(*) AS tries, string_agg(DISTINCT said, ',') AS said FROM app.deliver('nobody', 'suspect', 503);
SELECT * FROM app.lane_now();

-- a partner that refuses everything: the lane stops before all is dead
INSERT INTO app.person SELECT i, 'R' || i, '1' FROM generate_series(21, 40) i;
SELECT * FROM app.route();
SELECT count(*) AS tries FROM app.deliver('.', 'refused', 404);
SELECT state, count(*) FROM app.state WHERE says = '1' AND key::integer > 20 GROUP BY state ORDER BY state;
SELECT * FROM app.lane_now();
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'stopped|refused' ORDER BY 2;
SELECT count(*) FROM casesync_internal.lanes();
SELECT app.try($$SELECT casesync.resume_sharing('nobody.test')$$);
SELECT casesync.resume_sharing('ess.test');
SELECT count(*) FROM (SELECT casesync.retry(reference_id) FROM casesync.dead_letter WHERE reason ~ '404') r;
SELECT * FROM app.route();
SELECT count(*) AS tries, string_agg(DISTINCT said, ',') AS said FROM app.deliver('nobody', 'refused', 404);
SELECT state, count(*) FROM app.state WHERE key::integer > 20 GROUP BY state ORDER BY state;
-- stop: 410 and redirects
UPDATE app.person SET status = '5' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('stop', 410);
SELECT is_stopped, reason FROM app.lane_now();
SELECT * FROM app.take();
SELECT casesync.resume_sharing();
SELECT casesync.resume_sharing();
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);

-- dead letters: one that nothing has overtaken is sent again as it was, another as the subject is now
SELECT key, says, state FROM app.state WHERE state = 'dead';
SELECT app.try($$SELECT casesync.retry(gen_random_uuid())$$);
SELECT app.try($$SELECT casesync.discard(gen_random_uuid(), 'x')$$);
SELECT app.try(format('SELECT casesync.retry(%L)', reference_id)) FROM casesync_internal.notification WHERE state = 'delivered' ORDER BY id LIMIT 1;
UPDATE app.person SET status = '6' WHERE id = 2;
SELECT * FROM app.route();
SELECT * FROM app.deliver('U2', 'refused', 400);
SELECT casesync.retry(reference_id) FROM casesync_internal.notification WHERE key = '2' AND state = 'dead';
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
-- what is delivered on the second try is known: touching the row tells nothing new
BEGIN;
UPDATE app.person SET status = '0' WHERE id = 2;
UPDATE app.person SET status = '6' WHERE id = 2;
COMMIT;
SELECT * FROM app.route();
SELECT * FROM app.take();
-- overtaken
SELECT casesync.retry(reference_id) FROM casesync_internal.notification WHERE key = '13' AND state = 'dead';
SELECT key, says, state, state_reason FROM app.state WHERE key = '13';
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
-- discarded
SELECT casesync.discard(reference_id, 'wrong number') FROM casesync.dead_letter;
SELECT key, says, state, state_reason FROM app.state WHERE state = 'discarded';
SELECT count(*) FROM casesync.dead_letter;

-- batches: at most a hundred, and a quarter of a megabyte, but one item always goes
UPDATE casesync_internal.lane_state SET batch_limit = 100;
INSERT INTO app.person SELECT i, 'B' || i, '1' FROM generate_series(1001, 1150) i;
SELECT * FROM app.route();
SELECT count(*), min(who), max(who) FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT count(*), min(who), max(who) FROM app.take();
SELECT app.outcome('delivered', 200);
UPDATE app.person SET status = repeat('x', 60000) || id WHERE id BETWEEN 1001 AND 1005;
UPDATE app.person SET status = 'much' WHERE id IN (1006, 1007);
SELECT * FROM app.route();
SELECT who, length(says) FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT who, length(says) FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT who, length(says) FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT who, length(says) FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT count(*) FROM app.take();

-- a subscription that the partner does not know of yet: its notifications wait, and with them what comes
-- later about the same subject, but nothing else
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "uin", "value": "U1"}') <> '' AS subscribed;
UPDATE casesync_internal.subscription SET is_confirmed = false WHERE id_type IS NOT NULL;
UPDATE app.person SET status = '7' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT * FROM casesync_internal.lanes();
UPDATE app.person SET status = '8' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT * FROM casesync_internal.lanes();
SELECT * FROM app.take();
UPDATE casesync_internal.subscription SET is_confirmed = true;
-- one subscription a message, in order
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT * FROM app.take();
SELECT count(casesync.unsubscribe(code)) FROM casesync.subscriptions WHERE id_type IS NOT NULL;

-- agreement ended, expired or replaced between routing and sending
UPDATE app.person SET status = '9' WHERE id IN (1, 2);
SELECT * FROM app.route();
UPDATE casesync_internal.agreement SET valid_to = now() - interval '1 second' WHERE state = 'active';
SELECT * FROM app.take();
SELECT key, state, state_reason FROM app.state WHERE says = '9';
SELECT * FROM app.route();
SELECT * FROM app.take();
UPDATE casesync_internal.agreement SET valid_to = 'infinity' WHERE state = 'active';
UPDATE app.person SET status = '10' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT casesync.set_agreement('OUT', 'ess.test', subjects => 'shared AND subject_key <> ''2''');
SELECT casesync.activate('OUT');
SELECT * FROM app.take();
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.outcome('delivered', 200);
SELECT key, state, state_reason FROM app.state WHERE says = '10';
UPDATE app.person SET status = '11' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT casesync.end_agreement('OUT', 'over');
SELECT key, state, state_reason FROM app.state WHERE says = '11';
SELECT * FROM casesync_internal.lanes();
-- it was in flight and has arrived: that is on record
SELECT app.outcome('delivered', 200);
SELECT key, state FROM app.state WHERE says = '11';

-- a subscription that ended while the router was at work
SELECT casesync.set_agreement('OUT', 'ess.test', subjects => 'shared');
SELECT casesync.activate('OUT');
UPDATE app.person SET status = '12' WHERE id = 1;
SELECT * FROM app.route();
UPDATE casesync_internal.subscription SET state = 'ended';
SELECT * FROM app.take();
SELECT key, state, state_reason FROM app.state WHERE says = '12';
UPDATE casesync_internal.subscription SET state = 'active' WHERE id_type IS NULL;

-- nowhere to send to: said, not tried in a circle
UPDATE app.person SET status = '13' WHERE id = 1;
SELECT * FROM app.route();
UPDATE casesync_internal.partner SET base_url = NULL;
SELECT * FROM app.take();
SELECT is_stopped, reason FROM app.lane_now();
SELECT * FROM casesync_internal.lanes();
UPDATE casesync_internal.partner SET base_url = 'https://dci.ess.test/dci', notify_url = 'https://dci.ess.test/notices';
SELECT casesync.resume_sharing('ess.test');
SELECT * FROM app.take();
SELECT (parcel).url FROM app.sent ORDER BY n DESC LIMIT 1;
SELECT app.outcome('delivered', 200);
UPDATE casesync_internal.partner SET notify_url = NULL;

-- requests and callbacks have a lane of their own
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment', 'Member')) s;
SELECT * FROM app.take('control');
SELECT (parcel).url, (parcel).sender_uri, (parcel).status, (parcel).total_count, (parcel).completed_count, (parcel).meta
  FROM app.sent ORDER BY n DESC LIMIT 1;
SELECT app.outcome('refused', 200, kind => 'control', ack => 'ERR', code => 'err.request.bad');
SELECT state, reason FROM casesync.my_subscriptions;
SELECT partner, registry, event_type, reason FROM casesync.dead_letter;
SELECT casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT * FROM app.take('control');
SELECT app.outcome('refused', 400, kind => 'control');
SELECT casesync.discard(reference_id, 'they do not want to') FROM casesync.dead_letter;
SELECT state, state_reason FROM casesync_internal.outgoing;
-- one of them that is answered with 401 while others pass stops no others; a partner that lets nothing in loses nothing
CREATE FUNCTION app.call(refuses text, most integer) RETURNS TABLE (turn integer, which text, attempt integer, said text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. most LOOP
		turn := i;
		PERFORM app.take('control');
		SELECT s.message->>'transaction_id', (s.parcel).attempt INTO which, attempt FROM app.sent s ORDER BY n DESC LIMIT 1;
		said := CASE WHEN which ~ refuses THEN 'suspect' ELSE 'delivered' END;
		EXIT WHEN app.outcome(said, CASE said WHEN 'delivered' THEN 200 ELSE 401 END, kind => 'control') IS NOT TRUE;
		RETURN NEXT;
	END LOOP;
END
$$;
CREATE FUNCTION app.enqueue(text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM regexp_split_to_table($1, ' ') w, casesync_internal.enqueue('ess.test', 'on-subscribe', 'https://dci.ess.test/dci/registry/on-subscribe',
		jsonb_build_object('transaction_id', w), 'succ')
$$;
SELECT app.enqueue('bad two three');
SELECT * FROM app.call('bad', 9);
SELECT message->>'transaction_id' AS which, state, state_reason FROM casesync_internal.outgoing WHERE action = 'on-subscribe' ORDER BY id;
SELECT app.enqueue('four five');
SELECT * FROM app.call('.', 9);
SELECT * FROM app.call('nobody', 9);
SELECT what, count(*) FROM casesync.audit WHERE what IN ('retry', 'discard', 'resume_sharing') GROUP BY what ORDER BY what;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
