-- What the bridge asks of a database must not cost more for all that came before it, in a session whose plans were made while there was nothing.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN 'applied'; END $$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) s;
SELECT count(*) FROM casesync.issue_client('ess.test');
-- statistics of empty tables, which nothing renews
DO $$ DECLARE t regclass; BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'casesync_internal'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t);
		EXECUTE format('ANALYZE %s', t);
	END LOOP;
END $$;
\i test/scene/blocks.sql
CREATE FUNCTION app.lane(kind text) RETURNS integer LANGUAGE sql AS
	'SELECT l.lane FROM casesync_internal.lane l WHERE l.partner = ''ess.test'' AND l.kind = $1 AND l.address = ''''';
CREATE FUNCTION app.in_flight(kind text) RETURNS uuid LANGUAGE sql AS 'SELECT (casesync_internal.lane_now(app.lane($1))).message_id';
-- every call of a bridge once, each with something to do, and what it cost
CREATE FUNCTION app.calls(run text) RETURNS TABLE (call text, blocks integer) LANGUAGE plpgsql AS $$
DECLARE
	person constant integer := (SELECT max(p.id) FROM app.person p);
	reference constant text := gen_random_uuid();
	code text;
	c text[];
BEGIN
	FOREACH c SLICE 1 IN ARRAY ARRAY[
		['subscribe', format('app.say(''subscribe'', %L)', jsonb_build_object('transaction_id', 't' || run, 'subscribe_request', jsonb_build_array(
			app.wish(reference, '{"filter": {"id_type": "UIN", "id_value": "1"}}'))))],
		['subscribe again', format('app.say(''subscribe'', %L)', jsonb_build_object('transaction_id', 't' || run, 'subscribe_request', jsonb_build_array(
			app.wish(reference, '{"filter": {"id_type": "UIN", "id_value": "1"}}'))))],
		['notify', format('app.say(''notify'', %L)', app.notify(app.event('n' || reference, app.record('N' || person))))],
		['notify again', format('app.say(''notify'', %L, %L)', app.notify(app.event('n' || reference, app.record('N' || person))), 'm' || reference)],
		['search', format('app.say(''search'', %L)', jsonb_build_object('transaction_id', 's' || run, 'search_request',
			jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'))))],
		['txn status', format('app.say(''txn-status'', %L)', jsonb_build_object('transaction_id', 's' || run, 'txnstatus_request', jsonb_build_object(
			'reference_id', 'r1', 'txn_type', 'search', 'attribute_type', 'transaction_id', 'attribute_value', 's' || run)))],
		['on-search', format('app.say(''on-search'', %L)', jsonb_build_object('transaction_id', 'nobody', 'correlation_id', 'nobody', 'search_response', '[]'::jsonb))],
		['answer now', format('app.ask(%L)', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}')))],
		['authenticate', 'casesync_internal.authenticate(NULL, NULL, ''ess.test'')'],
		['check client', 'casesync_internal.check_client(''nobody'', ''\x00'', ''192.0.2.1'')'],
		['refusal', 'casesync_internal.refusal_note(''ess.test'', ''err.signature.invalid'', ''x'', ''c'')'],
		['work requests', 'casesync_internal.work_requests()'],
		['apply', 'casesync_internal.apply_inbox()'],
		['route', 'casesync_internal.route(1000)'],
		['lanes', 'casesync_internal.lanes()'],
		['take', 'casesync_internal.take(app.lane(''notify''), begins_within => 100)'],
		['attempt', 'casesync_internal.attempt_note(app.lane(''notify''), app.in_flight(''notify''), ''x'', ''y'')'],
		['record', 'casesync_internal.record_outcome(app.lane(''notify''), app.in_flight(''notify''), ''delivered'', 0, 200, ''ACK'', NULL, NULL)'],
		['take nothing', 'casesync_internal.take(app.lane(''notify''), begins_within => 100)'],
		['take answer', 'casesync_internal.take(app.lane(''control''), begins_within => 100)'],
		['record answer', 'casesync_internal.record_outcome(app.lane(''control''), app.in_flight(''control''), ''delivered'', 0, 200, ''ACK'', NULL, NULL)'],
		['probe', 'casesync_internal.probe_target(app.lane(''notify''))'],
		['lane back', 'casesync_internal.lane_back(app.lane(''notify''))'],
		['gate', 'casesync_internal.gate_close(1)'],
		['next jwks', 'casesync_internal.next_jwks()'],
		['issuers', 'casesync_internal.token_issuers()'],
		['trouble', 'casesync_internal.turn_trouble(''routing'', NULL)'],
		['look again', 'casesync_internal.look_again_due()'],
		['tidy', 'casesync_internal.tidy()'],
		['prune', 'casesync_internal.prune_step()'],
		['begin', 'casesync_internal.delivery_begin()']] LOOP
		call := c[1];
		blocks := app.blocks(c[2]);
		RETURN NEXT;
	END LOOP;
END
$$;
CREATE TABLE app.cost (at text, r integer, call text, blocks integer);
-- some times, each with somebody who is new: what is committed is routed
CREATE PROCEDURE app.measure(at text, runs integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR run IN 1 .. runs LOOP
		INSERT INTO app.person SELECT n, 'U' || n, '1' FROM (SELECT coalesce(max(p.id), 0) + 1 FROM app.person p) x(n);
		COMMIT;
		INSERT INTO app.cost SELECT measure.at, run, c.* FROM app.calls(measure.at || run) c;
		COMMIT;
	END LOOP;
END
$$;
-- what costs more at one time than at another
CREATE FUNCTION app.dearer(before text, after text) RETURNS TABLE (call text, was integer, "is" integer) LANGUAGE sql AS $$
	SELECT * FROM (SELECT c.call, min(c.blocks) FILTER (WHERE c.at = before AND c.r > 1) AS was, min(c.blocks) FILTER (WHERE c.at = after AND c.r > 1) AS now
		FROM app.cost c GROUP BY c.call) x WHERE x.now > x.was + 250 ORDER BY 1
$$;
CALL app.measure('first', 8);
-- years of it
CREATE FUNCTION app.past(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action, ack_status, correlation_id)
	SELECT 'ess.test', 'past-' || i, sha256(i::text::bytea), '', 'notify', 'ACK', i FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.inbox_item (partner, message_id, item, reference_id, content_hash, event_type, record_type, record, subject, agreement, agreement_version, mode, state, applied_at)
	SELECT 'ess.test', 'past-' || i, 1, 'past-' || i, sha256(i::text::bytea), 'enrolment_status_change', 'Member', app.record('P' || i), 'UIN:P' || i, 'IN', 1, 'auto', CASE i % 10 WHEN 0 THEN 'review' ELSE 'applied' END, now()
	  FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id, correlation_id, reference_ids, state, status, answered_at)
	SELECT 'ess.test', 'search', 'past-' || i, 'past-' || i, 'past-' || i, ARRAY['r' || i], 'answered', 'succ', now() FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.outgoing (lane, action, url, status, message, state)
	SELECT app.lane('control'), 'on-search', 'https://dci.ess.test/dci', 'succ', jsonb_build_object('transaction_id', 'past-' || i, 'correlation_id', 'past-' || i), 'delivered' FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.my_request (partner, action, state, answered_at) SELECT 'ess.test', 'search', 'answered', now() FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.subscription (partner, event_type, record_type, id_type, id_value, transaction_id, reference_id, state, is_confirmed)
	SELECT 'ess.test', 'enrolment_status_change', 'Member', 'UIN', 'P' || i, 'past-' || i, 'past-' || i, CASE i % 200 WHEN 0 THEN 'active' ELSE 'ended' END, true FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.told (partner, registry, key, hmac, at) SELECT 'ess.test', 'people', 'past-' || i, '\x01', now() FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.disclosure (partner, registry, key, way, agreement, agreement_version, reference_id, outcome)
	SELECT 'ess.test', 'people', 'past-' || i, 'notify', 'OUT', 1, gen_random_uuid(), 'delivered' FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.event (registry, key, event_type, at, removal) SELECT 'people', 'past-' || i, 'enrolment_status_change', now(), false FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.notification_0 (lane, subscription, event, registry, key, event_type, removal, record, agreement, agreement_version, at, state)
	SELECT app.lane('notify'), 1, gen_random_uuid(), 'people', 'past-' || i, 'enrolment_status_change', false, '{}', 'OUT', 1, now(), 'delivered' FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.attempt (lane, message_id, started_at, items, verdict) SELECT app.lane('notify'), gen_random_uuid(), now(), 1, 'delivered' FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.push (partner, registry, key, event_type, is_new) SELECT 'ess.test', 'people', 'past-' || i, 'enrolment_status_change', false FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.audit_entry (what, about) SELECT 'past', i FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.conflict (item, registry, key, field, partner, why, state, about) SELECT i, 'people', 'past-' || i, 'f', 'ess.test', 'w', 'settled', i FROM generate_series(1, n) i;
	INSERT INTO casesync_internal.field_version (registry, key, fields) SELECT 'people', 'past-' || i, '{}' FROM generate_series(1, n) i;
END
$$;
SELECT app.past(20000);
CALL app.measure('later', 3);
SELECT * FROM app.dearer('first', 'later');
-- plans that were made then, while nothing waited
DISCARD PLANS;
CALL app.measure('calm', 3);
-- much of the same registry waits for a partner that is away
SELECT casesync.set_partner('away.test', 'https://away.test') IS NOT NULL AS away;
INSERT INTO casesync_internal.notification_0 (lane, subscription, event, registry, key, event_type, removal, record, agreement, agreement_version, at)
SELECT (SELECT l.lane FROM casesync_internal.lane l WHERE l.partner = 'away.test' AND l.kind = 'notify'), 0, gen_random_uuid(), 'people', 'past-' || i, 'enrolment_status_change', false, '{}', 'OUT', 1, now() FROM generate_series(1, 20000) i;
CALL app.measure('backlog', 3);
SELECT * FROM app.dearer('calm', 'backlog');
-- each call had something to do each time
SELECT count(DISTINCT c.call) > 25 AS all_were_asked, count(DISTINCT c.at || c.r) AS times FROM app.cost c;
SELECT count(*) AS people, count(*) FILTER (WHERE EXISTS (SELECT FROM casesync_internal.notification n WHERE n.registry = 'people' AND n.key = p.id::text AND n.state = 'delivered')) AS told,
	(SELECT count(*) FROM casesync_internal.inbox_item i WHERE i.state = 'applied' AND i.reference_id !~ '^past') AS applied,
	(SELECT count(*) FROM casesync_internal.request_in r WHERE r.state = 'answered' AND r.message_id !~ '^past') >= 17 AS answered FROM app.person p;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
