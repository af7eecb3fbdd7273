-- What filters of partners may cost: how large they may be, how long they may take, and that others go on.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
-- conditions of so many values of so many bytes
CREATE FUNCTION app.heavy(conditions integer, vals integer, bytes integer, mark text DEFAULT '') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('$or', (SELECT jsonb_agg(jsonb_build_object('employment_status', jsonb_build_object('$in',
		(SELECT jsonb_agg(rpad(concat(mark, c, '-', v), bytes, 'z')) FROM generate_series(1, vals) v)))) FROM generate_series(1, conditions) c)) $$;
CREATE FUNCTION app.ask(partner text, reference text, filter jsonb) RETURNS TABLE (status text, code text, message text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(
		app.wish(reference, jsonb_build_object('filter_type', 'expression', 'filter', filter)))), partner => partner);
	RETURN QUERY SELECT i->>'status', i->>'status_reason_code', i->>'status_reason_message'
		FROM (SELECT * FROM casesync_internal.outgoing ORDER BY id DESC LIMIT 1) o CROSS JOIN LATERAL jsonb_array_elements(o.message->'subscribe_response') i;
END
$$;
-- another partner that wants the same, with a small filter
SELECT count(*) FROM (SELECT casesync.set_partner('good.test', 'https://dci.good.test')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('GOOD', 'good.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto')) s;
SELECT count(*) FROM (SELECT casesync.activate('GOOD')) s;
SELECT * FROM app.ask('good.test', 'good', '{"employment_status": {"$in": ["1", "2"]}}');

-- too large by itself: refused, before it is kept
SELECT * FROM app.ask('ess.test', 'bytes', app.heavy(500, 2, 900));
SELECT * FROM app.ask('ess.test', 'depth', app.heavy(80, 10, 100));
SELECT * FROM app.ask('ess.test', 'values', app.heavy(10, 101, 1));
SELECT (app.say('subscribe', jsonb_build_object('transaction_id', 't', 'subscribe_request', jsonb_build_array(app.wish('junk',
	jsonb_build_object('filter', jsonb_build_object('value', '{"employment_status": {"$eq": "1"}}'::jsonb, 'junk', repeat('x', 100000))))))))."ack";
SELECT count(*) FROM casesync_internal.subscription WHERE partner = 'ess.test';
-- too large together with those there are; room comes back when one ends
SELECT a.status, count(*) FROM generate_series(1, 6) i CROSS JOIN LATERAL app.ask('ess.test', 'f' || i, app.heavy(2, 300, 3, i::text)) a GROUP BY 1 ORDER BY 1;
SELECT * FROM app.ask('ess.test', 'one more', app.heavy(2, 300, 3, 'm'));
SELECT * FROM app.ask('ess.test', 'small', '{"employment_status": {"$eq": "7"}}');
SELECT count(casesync.unsubscribe(app.code('f1')));
SELECT * FROM app.ask('ess.test', 'now', app.heavy(2, 300, 3, 'm'));
SELECT a.status, count(*) FROM generate_series(1, 5) i CROSS JOIN LATERAL app.ask('ess.test', 'b' || i, app.heavy(1, 60, 1000, i::text)) a GROUP BY 1 ORDER BY 1;
-- many in one message count together
SELECT casesync.unsubscribe(code) ~ 'ended' AS ended, count(*) FROM casesync.subscriptions WHERE partner = 'ess.test' AND state = 'active' GROUP BY 1;
SELECT status, count(*) FROM app.subscribe(VARIADIC ARRAY(SELECT app.wish('m' || i, jsonb_build_object('filter_type', 'expression', 'filter', app.heavy(1, 900, 3, i::text))) FROM generate_series(1, 5) i)) GROUP BY 1 ORDER BY 1;

-- the tree is read once for all subjects, and anew when it is another
SELECT casesync_internal.filter_judge(7, p.tree, '{"employment_status": "1"}', NULL), casesync_internal.filter_judge(7, q.tree, '{"employment_status": "1"}', NULL)
  FROM casesync_internal.filter_parse('{"employment_status": {"$eq": "1"}}', NULL) p, casesync_internal.filter_parse('{"employment_status": {"$eq": "2"}}', NULL) q;
-- many of them: the oldest go, what is said stays
SELECT count(*) FILTER (WHERE casesync_internal.filter_judge(n, p.tree, '{"employment_status": "1"}', NULL)) AS fit, count(*)
  FROM generate_series(1, 600) n CROSS JOIN LATERAL casesync_internal.filter_parse(jsonb_build_object('$or', jsonb_build_array(
	jsonb_build_object('employment_status', jsonb_build_object('$eq', (n % 3)::text)), app.heavy(1, 60, 900, n::text))), NULL) p;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'casesync filter' HAVING sum(total_bytes) > 33 * 1024 * 1024;
-- what is no tree is an error each time
SELECT app.try('SELECT casesync_internal.filter_judge(1, ''{"op": "and"}'', ''{}'', NULL)') FROM generate_series(1, 2);

-- whose filters take too long gets them paused; others go on, in the same turn
INSERT INTO app.person SELECT i, 'U' || i, '9' FROM generate_series(1, 60) i;
SELECT count(*) FROM (SELECT casesync_internal.route() FROM generate_series(1, 6)) r;
SET casesync.filter_timeout = '0.1ms';
UPDATE app.person SET status = '1' WHERE id <= 40;
SELECT changes, notifications FROM casesync_internal.route();
SELECT s.partner, s.paused_at IS NOT NULL AS paused, regexp_replace(s.pause_reason, '[0-9.]+ ms', '(time)') AS reason, count(*)
  FROM casesync.subscriptions s WHERE s.state = 'active' GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(*), min(n.record->>'employment_status') FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.partner = 'good.test';
SELECT severity, regexp_replace(problem, 'since .*: the filters took [0-9.]+ ms', 'since (time): the filters took (time)') AS problem, mend FROM casesync.health WHERE problem ~ 'paused';
SELECT what, about, detail - 'reason' AS detail FROM casesync.audit WHERE what ~ 'filters';
-- paused is what the partner reads, who asks again; and it gets no more filters meanwhile, but single persons
SELECT * FROM app.ask('ess.test', 'm1', app.heavy(1, 900, 3, '1'));
SELECT * FROM app.ask('ess.test', 'other', '{"employment_status": {"$eq": "5"}}');
SELECT status FROM app.subscribe(app.wish('one', '{"filter": {"type": "UIN", "value": "U1"}}'));
-- what it misses meanwhile is looked at when it goes on, and only that
RESET casesync.filter_timeout;
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"employment_status": {"$eq": "4"}}', reference_id => 'four')) s;
UPDATE app.person SET status = '4' WHERE id BETWEEN 41 AND 43;
UPDATE casesync_internal.subscription SET paused_at = now() WHERE reference_id = 'four';
SELECT changes, notifications FROM casesync_internal.route();
SELECT registry, event_type, count(*) FROM casesync_internal.missed GROUP BY 1, 2;
SELECT casesync.resume_filters('ess.test');
SELECT count(*) FROM casesync_internal.missed;
SELECT changes, more FROM casesync_internal.route();
SELECT changes, more FROM casesync_internal.route();
SELECT s.partner, s.reference_id, count(*) FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM casesync.subscriptions WHERE paused_at IS NOT NULL;
SELECT app.try($$SELECT casesync.resume_filters('nobody.test')$$);

-- what a turn under way notes while they are resumed, and what filters missed that ended: looked at within a minute
INSERT INTO casesync_internal.missed (agreement, registry, key, event_type) VALUES ('OUT', 'people', '50', 'enrolment_status_change');
SELECT count(*) FROM (SELECT casesync_internal.tidy()) t;
SELECT (SELECT count(*) FROM casesync_internal.missed) AS missed, (SELECT count(*) FROM casesync_internal.look_again_entry) AS look_again;

-- after a search for who is inside that was not quick, the partner's next one waits
INSERT INTO casesync_internal.filter_seed VALUES ('ess.test', now() + interval '1 minute');
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"employment_status": {"$eq": "77"}}', reference_id => 'waits')) s;
SELECT changes, more FROM casesync_internal.route();
SELECT is_seeded FROM casesync_internal.subscription WHERE reference_id = 'waits';
UPDATE casesync_internal.filter_seed SET next_at = now();
SELECT changes, more FROM casesync_internal.route();
SELECT is_seeded FROM casesync_internal.subscription WHERE reference_id = 'waits';

-- who ends what was paused and sends the like is paused again, and after three times gets no more filters that day
CREATE PROCEDURE app.provoke(mark text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM app.ask('ess.test', mark, app.heavy(1, 900, 3, mark));
	COMMIT;
	SET LOCAL casesync.filter_timeout = '0.001ms';
	UPDATE app.person SET status = (status::integer % 8 + 1)::text;
	COMMIT;
	SET LOCAL casesync.filter_timeout = '0.001ms';
	PERFORM casesync_internal.route();
	COMMIT;
	PERFORM casesync.unsubscribe(code) FROM casesync.subscriptions WHERE partner = 'ess.test' AND state = 'active' AND id_type IS NULL;
	COMMIT;
END
$$;
SELECT count(casesync.unsubscribe(code)) FROM casesync.subscriptions WHERE partner = 'ess.test' AND state = 'active';
CALL app.provoke('p1');
CALL app.provoke('p2');
SELECT * FROM app.ask('ess.test', 'p-after-2', '{"employment_status": {"$eq": "5"}}');
CALL app.provoke('p3');
SELECT * FROM app.ask('ess.test', 'p-after-3', '{"employment_status": {"$eq": "6"}}');
SELECT casesync.resume_filters('ess.test');
SELECT * FROM app.ask('ess.test', 'p-resumed', '{"employment_status": {"$eq": "6"}}');
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
