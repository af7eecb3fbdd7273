-- Lanes by address: one that does not answer holds up no other, and their number is bounded.
CREATE EXTENSION casesync;
CREATE SCHEMA app;
\pset format unaligned
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, status casesync.enrolment_status);
INSERT INTO app.person VALUES (1, 'U1', 'Active'), (2, 'U2', 'Active');
CREATE VIEW app.member AS SELECT id AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', uin)],
	enrolment_status => status) AS record FROM app.person;
SELECT casesync.set_node('sp.test', 'https://sp.test', four_eyes => false);
SELECT * FROM casesync.publish('member', 'app.member', 'Member');
SELECT casesync.track('app.person', '{member}', 'id', on_update => 'enrolment_status_change');
SELECT casesync.set_partner('ess.test', 'https://ess.test', callback_prefixes => '{https://ess.test,https://cb.test:*}');
SELECT casesync.set_agreement('A', 'ess.test', registries => '{member}', event_types => '{enrolment_status_change}',
	fields => '{additional_attributes}', identifier_types => '{UIN}', subjects => 'true', subscribing => 'auto',
	valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('A');

CREATE FUNCTION app.wish(uin text, callback text) RETURNS text LANGUAGE sql AS $$
	SELECT r.ack_status FROM casesync_internal.receive('ess.test', uin || callback, convert_to(jsonb_build_object(
		'header', jsonb_build_object('message_id', uin || callback, 'action', 'subscribe', 'sender_id', 'ess.test', 'total_count', 1, 'sender_uri', callback),
		'message', jsonb_build_object('transaction_id', 't' || uin || callback, 'subscribe_request', jsonb_build_array(jsonb_build_object(
			'reference_id', uin || callback, 'timestamp', '2026-01-01T00:00:00Z', 'subscribe_criteria', jsonb_build_object(
				'reg_type', 'ESS', 'reg_event_type', 'enrolment_status_change', 'notify_record_type', 'Member',
				'filter_type', 'idtype-value', 'filter', jsonb_build_object('type', 'UIN', 'value', uin))))))::text, 'UTF8'), NULL, NULL) r $$;
CREATE FUNCTION app.settle(address text, verdict text) RETURNS TABLE (kind text, action text, url text) LANGUAGE plpgsql AS $$
DECLARE
	l casesync_internal.lane;
	p casesync_internal.parcel;
BEGIN
	FOR l IN SELECT * FROM casesync_internal.lane x WHERE x.address = $1 ORDER BY x.lane LOOP
		LOOP
			SELECT * INTO p FROM casesync_internal.take(l.lane);
			EXIT WHEN p.message_id IS NULL;
			PERFORM casesync_internal.record_outcome(l.lane, p.message_id, verdict, 3600000, NULL, NULL, NULL, 'test');
			kind := l.kind; action := p.action; url := p.url;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END $$;

-- registered addresses share the one lane of a kind, others have their own
SELECT app.wish('U1', 'https://ess.test/registry/on-subscribe'), app.wish('U2', 'https://cb.test:9001/registry/on-subscribe');
SELECT kind, address FROM casesync.lane_status ORDER BY kind, address;

-- an address that does not answer waits by itself; what is for others goes out
SELECT * FROM app.settle('https://cb.test:9001', 'retry');
SELECT * FROM app.settle('', 'delivered');
SELECT partner, kind, due, failed_attempts, address FROM casesync.queue ORDER BY kind, address;
UPDATE casesync_internal.subscription SET is_confirmed = true;
UPDATE app.person SET status = 'Suspended';
SELECT notifications FROM casesync_internal.route();
SELECT partner, kind, due, address FROM casesync.queue WHERE kind = 'notify' ORDER BY address;
SELECT * FROM app.settle('https://cb.test:9001', 'retry');
SELECT * FROM app.settle('', 'delivered');

-- a partner that registers another address for all gets all in one order
SELECT casesync.set_partner('ess.test', notify_url => 'https://ess.test/all');
SELECT DISTINCT l.address FROM casesync_internal.subscription s JOIN casesync_internal.lane l ON l.lane = s.lane;

-- what is left in the lane of the old address goes to the new one at once, and before what is newer
SELECT l.address, x.wait_ms FROM casesync_internal.lanes() x JOIN casesync_internal.lane l USING (lane) WHERE l.kind = 'notify';
UPDATE app.person SET status = 'Inactive';
SELECT notifications FROM casesync_internal.route();
SELECT l.address, s.filter->>'value' AS about FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.next_notifications(l.lane, 100) n
  JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE l.kind = 'notify' ORDER BY 1, 2;
SELECT * FROM app.settle('https://cb.test:9001', 'delivered') WHERE kind = 'notify';
SELECT l.address, s.filter->>'value' AS about FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.next_notifications(l.lane, 100) n
  JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE l.kind = 'notify' ORDER BY 1, 2;
SELECT * FROM app.settle('', 'delivered') WHERE kind = 'notify';

-- subscriptions that take turns do not make many messages of few items; the order of a subject holds
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') <> '' AS subscribed;
INSERT INTO app.person SELECT i, 'U' || i, 'Active' FROM generate_series(3, 6) i;
SELECT app.wish('U' || i, 'https://ess.test/registry/on-subscribe') FROM generate_series(4, 5) i;
UPDATE casesync_internal.subscription SET is_confirmed = true;
UPDATE app.person SET status = 'Exited';
SELECT notifications FROM casesync_internal.route();
SELECT row_number() OVER (ORDER BY n.id) AS message_item, n.key, s.id_value AS of FROM casesync_internal.lane l
  CROSS JOIN LATERAL casesync_internal.next_notifications(l.lane, 100) n JOIN casesync_internal.subscription s ON s.id = n.subscription
 WHERE l.kind = 'notify' AND l.address = '';
SELECT n.key, s.id_value AS of FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE n.state = 'due' ORDER BY n.id;
SELECT count(*) AS messages FROM app.settle('', 'delivered') WHERE kind = 'notify';

-- without end: the lanes do not become more, those that nobody needs are taken again
SELECT count(casesync_internal.enqueue('ess.test', 'on-search', format('https://cb.test:%s/x', 10000 + i), '{}', 'succ')) FROM generate_series(1, 40) i;
SELECT count(*) FILTER (WHERE kind = 'control') AS lanes, count(*) FILTER (WHERE address = 'https://cb.test:10040') AS of_the_last FROM casesync.lane_status;
SELECT count(*) FROM casesync_internal.lane l CROSS JOIN LATERAL app.settle(l.address, 'delivered') WHERE l.address <> '' AND l.kind = 'control';
SELECT casesync_internal.enqueue('ess.test', 'on-search', 'https://cb.test:10041/x', '{}', 'succ');
SELECT count(*) FILTER (WHERE kind = 'control') AS lanes, count(*) FILTER (WHERE address = 'https://cb.test:10041') AS of_the_last FROM casesync.lane_status;

SET client_min_messages = warning;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
