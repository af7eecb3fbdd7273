-- A partner that moves: what it has subscribed to goes on to where it was, health says so, and one call moves all, with what waits.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.set_partner('ess.test', 'https://old.test:8443/dci') <> '' AS set;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') <> '' AS subscribed;
-- as one is that came without a sender_uri
UPDATE casesync_internal.subscription SET is_confirmed = true, callback_url = 'https://old.test:8443/dci/registry/on-subscribe';
CREATE VIEW app.behind AS SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'are still sent';
CREATE FUNCTION app.sent_to() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT t.url FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.take(l.lane) t WHERE l.kind = 'notify' AND t.url IS NOT NULL $$;
CREATE FUNCTION app.arrived() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(casesync_internal.record_outcome(l.lane, s.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL))
	  FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) s WHERE s.message_id IS NOT NULL $$;
INSERT INTO app.person VALUES (1, 'U1', '1', true, 'North');
SELECT notifications FROM casesync_internal.route();
SELECT app.sent_to(), app.arrived();
SELECT * FROM app.behind;
-- it says that it may be at both, at any port; then at the new one only
SELECT casesync.set_partner('ess.test', 'https://new.test/dci', callback_prefixes => '{https://new.test/,https://old.test:*/}') <> '' AS set;
SELECT count(*) AS behind FROM app.behind;
SELECT casesync.set_partner('ess.test', callback_prefixes => '{https://new.test/}') <> '' AS set;
SELECT * FROM app.behind;
UPDATE app.person SET status = '2';
SELECT notifications FROM casesync_internal.route();
SELECT app.sent_to(), app.arrived();
-- the old address does not answer: what waits there goes at once, and first
UPDATE app.person SET status = '3';
SELECT notifications FROM casesync_internal.route();
SELECT count(casesync_internal.record_outcome(l.lane, t.message_id, 'retry', 3600000, NULL, NULL, NULL, 'partner not reached'))
  FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.take(l.lane) t WHERE l.kind = 'notify' AND t.url IS NOT NULL;
SELECT casesync.move_subscriptions('ess.test');
SELECT count(*) AS behind FROM app.behind;
SELECT app.sent_to(), app.arrived();
UPDATE app.person SET status = '4';
SELECT notifications FROM casesync_internal.route();
SELECT app.sent_to(), app.arrived();
SELECT seq, l.address FROM casesync_internal.notification n JOIN casesync_internal.lane l USING (lane) ORDER BY n.id;
SELECT casesync.move_subscriptions('ess.test');
SELECT app.try($$SELECT casesync.move_subscriptions('nobody.test')$$);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
