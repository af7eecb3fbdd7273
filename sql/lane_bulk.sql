-- What is new does not wait behind very many: neither for the router nor in the lane of a partner that is slow.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.set_agreement('OUT', 'ess.test', event_types => '{enrolment,enrolment_status_change}') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change') IS NULL AS tracked;
-- one message: who is told, in this order
CREATE FUNCTION app.take(verdict text DEFAULT 'delivered') RETURNS TABLE (people text, numbers text) LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	SELECT l.lane, t.message_id, t.message::jsonb AS message, t.meta::jsonb AS meta INTO p
	  FROM casesync_internal.lane l, casesync_internal.take(l.lane) t WHERE l.kind = 'notify';
	IF NOT FOUND THEN RETURN; END IF;
	PERFORM casesync_internal.record_outcome(p.lane, p.message_id, verdict, 0, 200, 'ACK', NULL, NULL);
	RETURN QUERY SELECT string_agg(DISTINCT left(e #>> '{data,reg_records,member_identifier,0,identifier_value}', 2) || '.' ||
			(e #>> '{data,reg_records,employment_status}'), ' '), min(m->>'seq') || '-' || max(m->>'seq')
		FROM jsonb_array_elements(p.message->'notify_event') WITH ORDINALITY x(e, n)
		JOIN jsonb_array_elements(p.meta->'items') WITH ORDINALITY y(m, n) USING (n);
END
$$;
-- the next state of a lane in which a message goes by age, or does not
CREATE FUNCTION app.next_is(by_age boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE (hashint8((SELECT max(id) FROM casesync_internal.lane_state)) & 3 = 0) <> by_age LOOP
		INSERT INTO casesync_internal.lane_state (lane) SELECT lane FROM casesync_internal.lane WHERE kind = 'notify';
	END LOOP;
END
$$;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
INSERT INTO app.person SELECT i, 'A' || i, '1' FROM generate_series(1, 450) i;
INSERT INTO app.person SELECT i, 'B' || i, '1' FROM generate_series(901, 905) i;
SELECT * FROM app.route();
DO $$ BEGIN WHILE EXISTS (SELECT FROM app.take()) LOOP END LOOP; END $$;

-- everybody changed, and the queue is longer than a turn
UPDATE app.person SET status = '2' WHERE id <= 450;
SELECT casesync.look_again('people') > 400 AS asked;
TRUNCATE casesync_internal.told;
SELECT changes > 0 AS some FROM casesync_internal.route(100);
DO $$ BEGIN WHILE (SELECT r.more FROM casesync_internal.route(100) r) LOOP END LOOP; END $$;
SELECT count(*) > 100 AS many FROM casesync_internal.notification WHERE state = 'due' AND is_bulk;
-- the end of the queue is shorter than a turn, and where that begins is the turn's time
UPDATE casesync_internal.notification SET is_bulk = true WHERE state = 'due';

-- one more, and one of the many once more: both go next, the older state of it before the newer one
UPDATE app.person SET status = '3' WHERE id IN (400, 905);
SELECT notifications FROM app.route();
SELECT key, record->>'employment_status' AS says, is_bulk FROM casesync_internal.notification WHERE state = 'due' AND key IN ('400', '905') ORDER BY id;
SELECT app.next_is(by_age => false);
SELECT n.key, n.record->>'employment_status' AS says FROM casesync_internal.lane l, casesync_internal.next_notifications(l.lane, 5) n
 WHERE l.kind = 'notify' AND NOT n.is_bulk;
SELECT people ~ '3' AS tells_it FROM app.take();

-- what is new does not keep back the many for ever: every fourth message or so goes by age
UPDATE app.person SET status = '4' WHERE id = 905;
SELECT notifications FROM app.route();
SELECT app.next_is(by_age => true);
SELECT count(*) AS many, count(*) FILTER (WHERE NOT n.is_bulk) AS new FROM casesync_internal.lane l, casesync_internal.next_notifications(l.lane, 50, is_by_age => true) n
 WHERE l.kind = 'notify';
SELECT app.next_is(by_age => false);
SELECT people ~ '4' AS tells_it FROM app.take();
-- somebody new, in a subscription that has nothing else
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member') IS NOT NULL AS subscribed;
INSERT INTO app.person VALUES (999, 'C999', '5');
SELECT notifications FROM app.route();
SELECT app.next_is(by_age => false);
SELECT people FROM app.take();
DO $$ BEGIN WHILE EXISTS (SELECT FROM app.take()) LOOP END LOOP; END $$;
SELECT count(*) AS left_over FROM casesync_internal.notification WHERE state = 'due';
-- of nobody an older state after a newer one
SELECT count(*) AS wrong FROM (SELECT record->>'employment_status' < lag(record->>'employment_status') OVER (PARTITION BY key, subscription ORDER BY seq) AS wrong
	  FROM casesync_internal.notification WHERE state = 'delivered' AND NOT removal) x WHERE x.wrong;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
