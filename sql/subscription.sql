-- Subscriptions: partners' at us, and ours at partners.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
CREATE VIEW app.sub AS SELECT event_type, record_type, id_type, id_value, deliver, state, is_confirmed, reason,
	decided_at IS NOT NULL AS decided, ended_at IS NOT NULL AS ended FROM casesync_internal.subscription ORDER BY id;
CREATE VIEW app.outgoing AS SELECT action, url, status, state, message FROM casesync_internal.outgoing ORDER BY id;

-- subscribe: everybody, or one person; spellings of the standard and of its errors
SELECT casesync.subscribe('ess.test', 'ns:org:enrollement_status_change', 'Member') <> '' AS subscribed;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member',
	'{"type": "UIN", "value": "U1"}', 'idtype-value', reference_id => 'ref-1') <> '' AS subscribed;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member',
	'{"type": "uin", "value": 4711}', starts => '2030-01-01', ends => '2031-01-01', deliver => 'every', registry => 'people') <> '' AS subscribed;
SELECT * FROM app.sub;
-- what is refused
SELECT app.try($$SELECT casesync.subscribe('nobody.test', 'enrolment_status_change', 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment', 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Group')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', NULL)$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', NULL, 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', registry => 'other')$$);
SELECT f, t, split_part(app.try(format('SELECT casesync.subscribe(%L, %L, %L, %L, %L)', 'ess.test', 'enrolment_status_change', 'Member', f, t)), E'\n', 1) AS try
  FROM (VALUES ('{"expression": {}}', 'expression'), ('[{"seq_num": 1}]', 'predicate'), ('{"query": "{a}"}', 'graphql'),
	('{"type": "UIN"}', 'idtype-value'), ('{"type": "UIN", "value": ""}', NULL), ('{"type": "", "value": "1"}', NULL),
	('{"type": "UIN", "value": [1]}', NULL), ('"UIN"', NULL), ('7', NULL)) v(f, t);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "PASSPORT", "value": "1"}')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', deliver => 'some')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', deliver => 'latest')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', frequency => '0 5 * * *', deliver => 'every')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "U9"}', reference_id => 'ref-1')$$);
SELECT count(*) FROM casesync.subscriptions;

-- unsubscribe: once; what waits is withheld, only of this one
INSERT INTO app.person VALUES (1, 'U1', '1');
SELECT changes, notifications FROM casesync_internal.route();
SELECT casesync.unsubscribe((SELECT code FROM casesync_internal.subscription WHERE id_value = 'U1'), 'not needed');
SELECT state, reason FROM casesync.subscriptions WHERE code = (SELECT code FROM casesync_internal.subscription WHERE id_value = 'U1');
SELECT s.id_value, n.state, n.state_reason FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription ORDER BY n.id;
SELECT casesync.unsubscribe((SELECT code FROM casesync_internal.subscription WHERE id_value = 'U1'), 'again');
SELECT state, reason FROM casesync.subscriptions WHERE code = (SELECT code FROM casesync_internal.subscription WHERE id_value = 'U1');
SELECT app.try($$SELECT casesync.unsubscribe('no such code')$$);
SELECT app.try($$SELECT casesync.unsubscribe(NULL)$$);
SELECT id_type, state, due FROM casesync.subscriptions ORDER BY created_at;
-- the same again may be subscribed now
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "U1"}') <> '' AS subscribed;

-- approve and refuse: pending ones only; the partner is told if it said where
CREATE FUNCTION app.pend(reference text, callback text) RETURNS text LANGUAGE sql AS $$
	INSERT INTO casesync_internal.subscription (partner, event_type, record_type, reg_type, id_type, id_value, reference_id, transaction_id,
		correlation_id, callback_url, state, waits_for)
	VALUES ('ess.test', 'enrolment_status_change', 'Member', 'ESS', 'UIN', $1, $1, 't-' || $1, 'c-' || $1, $2, 'pending', 'decision')
	RETURNING code
$$;
SELECT count(app.pend(r, 'https://dci.ess.test/dci/registry/on-subscribe')) FROM unnest(ARRAY['p1', 'p2']) r;
SELECT count(app.pend('p3', NULL));
SELECT problem, mend ~ 'approve' AS mend FROM casesync.health WHERE problem ~ 'subscription';
SELECT casesync.approve(app.code('p1'));
SELECT state, is_confirmed FROM casesync.subscriptions WHERE code = app.code('p1');
SELECT casesync.refuse(app.code('p2'), 'no legal basis');
SELECT state, reason FROM casesync.subscriptions WHERE code = app.code('p2');
SELECT casesync.approve(app.code('p3'));
SELECT reference_id, state, is_confirmed, reason FROM casesync_internal.subscription WHERE reference_id ~ '^p' ORDER BY reference_id;
SELECT action, url, status, message->>'transaction_id' AS transaction, message->>'correlation_id' AS correlation,
	(message #> '{subscribe_response,0}') - 'subscriptions' - 'timestamp' AS answer,
	(message #> '{subscribe_response,0,subscriptions,0}') - 'code' - 'timestamp' AS info FROM app.outgoing;
SELECT app.try($$SELECT casesync.approve(app.code('p1'))$$);
SELECT app.try($$SELECT casesync.refuse(app.code('p2'), 'x')$$);
SELECT app.try($$SELECT casesync.approve('no such code')$$);
SELECT count(*) FROM casesync.health WHERE problem ~ 'subscription';

-- subscribe_to: our own wishes
SELECT app.try($$SELECT casesync.subscribe_to('nobody.test', 'enrolment', 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe_to('ess.test', '', 'Member')$$);
SELECT app.try($$SELECT casesync.subscribe_to('ess.test', 'enrolment', NULL)$$);
SELECT app.try($$SELECT casesync.subscribe_to('ess.test', 'enrolment', 'Member', frequency => '0 5 * * *')$$);
SELECT app.try($$SELECT casesync.subscribe_to('ess.test', 'enrolment', 'Member', starts => now())$$);
SELECT count(*) FROM (SELECT casesync.set_partner('silent.test')) s;
SELECT app.try($$SELECT casesync.subscribe_to('silent.test', 'enrolment', 'Member')$$);
TRUNCATE casesync_internal.outgoing;
SELECT count(casesync.subscribe_to('ess.test', 'enrollement', 'spdci:Member', '{"type": "UIN", "value": "U1"}', 'idtype-value'));
SELECT count(casesync.subscribe_to('ess.test', 'enrolment', 'Member', frequency => '0 5 * * *',
	starts => '2030-01-01 00:00+00', ends => '2031-01-01 00:00+00', reg_type => 'Social'));
SELECT action, url, status, (message #> '{subscribe_request,0}') - 'reference_id' - 'timestamp' AS item FROM app.outgoing;
SELECT (o.message #>> '{subscribe_request,0,reference_id}')::uuid = m.reference_id AS our_reference,
	m.event_type, m.record_type, m.state FROM app.outgoing o JOIN casesync_internal.my_subscription m ON m.transaction_id = o.message->>'transaction_id';
-- who may look does not see whom we asked about
SELECT event_type, state, reason FROM casesync.my_subscriptions ORDER BY requested_at;
SELECT count(*) FROM information_schema.columns WHERE table_schema = 'casesync' AND table_name IN ('subscriptions', 'my_subscriptions')
	AND column_name IN ('filter', 'id_value');

-- unsubscribe_at
SELECT app.try($$SELECT casesync.unsubscribe_at('ess.test', 'their-code')$$);
UPDATE casesync_internal.my_subscription SET state = 'active', code = 'their-code' WHERE frequency IS NULL;
TRUNCATE casesync_internal.outgoing;
SELECT count(casesync.unsubscribe_at('ess.test', 'their-code'));
SELECT action, url, status, message->'subscription_codes' AS codes, message ? 'timestamp' AS timed FROM app.outgoing;
-- no answer came: it may be asked again
SELECT count(casesync.unsubscribe_at('ess.test', 'their-code'));
SELECT app.try($$SELECT casesync.unsubscribe_at('silent.test', 'their-code')$$);
-- the partner refuses to listen: it still subscribes us
SELECT count(p.message_id) FROM casesync_internal.take((SELECT lane FROM casesync_internal.lane WHERE partner = 'ess.test' AND kind = 'control')) p;
SELECT casesync_internal.record_outcome(lane, message_id, 'refused', 0, 400, NULL, NULL, 'refused by the partner') FROM casesync_internal.lane_state;
SELECT state, reason FROM casesync.my_subscriptions WHERE code IS NOT NULL;
SELECT what, count(*) FROM casesync.audit GROUP BY what ORDER BY what;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
