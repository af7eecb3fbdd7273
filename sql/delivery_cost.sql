-- What a message and a look for what is due cost: not more for what waits behind it, or was delivered before it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
CREATE FUNCTION app.lane() RETURNS integer LANGUAGE sql AS 'SELECT l.lane FROM casesync_internal.lane l WHERE l.kind = ''notify''';
\i test/scene/blocks.sql
-- some messages, all delivered: what the last of them cost, and a look after it
CREATE FUNCTION app.deliver(messages integer, OUT items bigint, OUT take integer, OUT record integer, OUT look integer) LANGUAGE plpgsql AS $$
DECLARE
	s casesync_internal.lane_state;
BEGIN
	items := 0; record := 0;
	FOR i IN 1 .. messages LOOP
		take := app.blocks(format('casesync_internal.take(%s, begins_within => 100)', app.lane()));
		s := casesync_internal.lane_now(app.lane());
		EXIT WHEN s.message_id IS NULL;
		items := items + cardinality(s.items);
		record := app.blocks(format('casesync_internal.record_outcome(%s, %L, ''delivered'', 0, 200, ''ACK'', NULL, NULL)', app.lane(), s.message_id));
	END LOOP;
	look := app.blocks('casesync_internal.lanes()');
END
$$;
CREATE FUNCTION app.cost(messages integer, OUT items bigint, OUT cheap boolean, OUT said text) LANGUAGE plpgsql AS $$
DECLARE
	d record;
BEGIN
	d := app.deliver(messages);
	items := d.items;
	cheap := d.take < 15000 AND d.record < 12000 AND d.look < 400;
	said := CASE WHEN NOT cheap THEN format('take %s, record %s, look %s', d.take, d.record, d.look) END;
END
$$;
-- so many wait, written as the router writes them
CREATE FUNCTION app.wait_for(first integer, last integer, is_bulk boolean DEFAULT false) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL session_replication_role = replica;
	INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(first, last) i ON CONFLICT DO NOTHING;
	SET LOCAL session_replication_role = origin;
	RETURN casesync_internal.notification_append(ARRAY(SELECT ROW(app.lane(), s.id, gen_random_uuid(), 'people', i::text, 'enrolment_status_change', false,
			jsonb_build_object('employment_status', i), '\x01', 'OUT', 1, '{}', now(), is_bulk)::casesync_internal.new_notification
		  FROM generate_series(first, last) i CROSS JOIN casesync_internal.subscription s ORDER BY i));
END
$$;

-- calm: statistics of empty tables, which nothing renews, and plans that were made then
DO $$ DECLARE t regclass; BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'casesync_internal'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t);
	END LOOP;
END $$;
ANALYZE;
INSERT INTO app.person VALUES (1, 'U1', '1');
DO $$ BEGIN
	FOR i IN 1 .. 12 LOOP
		UPDATE app.person SET status = i WHERE id = 1;
		PERFORM app.route();
		PERFORM app.deliver(2);
	END LOOP;
END $$;
SELECT * FROM app.cost(1);
-- the burst
SELECT sum(app.wait_for(i, i + 9999)) AS due FROM generate_series(10001, 100001, 10000) i;
SELECT * FROM app.cost(1);
SELECT * FROM app.cost(10);
-- many delivered before it
SELECT count(casesync_internal.notification_settle(ARRAY(SELECT n.id FROM casesync_internal.notification n WHERE n.state = 'due' AND n.key::integer % 10 = g), true, NULL))
  FROM generate_series(1, 4) g;
SELECT * FROM app.cost(10);
SELECT * FROM app.cost(10);
-- and a snapshot held, so that nothing of it goes
BEGIN;
CREATE TABLE app.held ();
PREPARE TRANSACTION 'delivery_cost';
SELECT * FROM app.cost(10);
SELECT * FROM app.cost(10);
SELECT * FROM app.cost(10);
ROLLBACK PREPARED 'delivery_cost';
-- little is new, and very many wait behind it
SELECT format('TRUNCATE casesync_internal.notification_%s', leaf) FROM generate_series(0, 7) leaf \gexec
SELECT sum(app.wait_for(i, i + 9999, true)) AS due FROM generate_series(300001, 390001, 10000) i;
SELECT * FROM app.cost(3);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
