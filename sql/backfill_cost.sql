-- Twelve thousand subjects are told in bounded steps: so many wait in the lane at most, and no step costs more for what is done already.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
CREATE OR REPLACE VIEW app.people AS SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)), 'employment_status', p.status) AS record FROM app.person p;
CREATE UNIQUE INDEX ON app.person ((id::text));
DO $$ BEGIN
	PERFORM casesync.set_agreement('OUT', 'ess.test', services => '{notify,backfill}');
	PERFORM casesync.activate('OUT');
	SET LOCAL session_replication_role = replica;
	INSERT INTO app.person SELECT i, 'U' || i, '1', i % 10 <> 0 FROM generate_series(1, 12000) i;
END $$;
ANALYZE app.person;
SELECT casesync.backfill(casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) > 0 AS begun;
\i test/scene/blocks.sql
CREATE FUNCTION app.due() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM casesync_internal.notification n WHERE n.state = ''due''';
CREATE TABLE app.turn (n serial, blocks integer, due bigint, looked bigint);
-- a partner who is away: turn after turn, and no more than that is made
DO $$ BEGIN
	FOR i IN 1 .. 20 LOOP
		INSERT INTO app.turn (blocks, due, looked) SELECT app.blocks('casesync_internal.route(1000)'), app.due(), b.looked FROM casesync.backfills b;
	END LOOP;
END $$;
SELECT max(due) BETWEEN 1000 AND 2000 AS made, max(looked) < 2500 AS no_more FROM app.turn;
SELECT state, reason FROM casesync.backfills;
-- somebody changes meanwhile
UPDATE app.person SET status = '2' WHERE id = 11999;
SELECT * FROM casesync_internal.route(1000);
-- the partner is back: as a bridge does it, a message and what the outcome has woken
TRUNCATE app.turn;
CREATE TABLE app.told (n bigserial, who text, says text, seq bigint, prev bigint);
DO $$
DECLARE
	l constant integer := (SELECT x.lane FROM casesync_internal.lane x WHERE x.partner = 'ess.test' AND x.kind = 'notify');
	p casesync_internal.parcel;
BEGIN
	FOR i IN 1 .. 400 LOOP
		SELECT * INTO p FROM casesync_internal.take(l);
		EXIT WHEN p.message_id IS NULL AND NOT casesync_internal.backfill_is_due();
		INSERT INTO app.told (who, says, seq, prev) SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}', e #>> '{data,reg_records,employment_status}',
			(p.meta::jsonb #>> ARRAY['items', (n - 1)::text, 'seq'])::bigint, (p.meta::jsonb #>> ARRAY['items', (n - 1)::text, 'prev_seq'])::bigint
		  FROM jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n);
		PERFORM casesync_internal.record_outcome(l, p.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL) WHERE p.message_id IS NOT NULL;
		IF casesync_internal.backfill_is_due() THEN
			INSERT INTO app.turn (blocks, due, looked) SELECT app.blocks('casesync_internal.route(1000)'), app.due(), b.looked FROM casesync.backfills b;
		END IF;
	END LOOP;
END $$;
SELECT state, reason, looked, told FROM casesync.backfills;
SELECT count(*) AS items, count(DISTINCT who) AS people, max(seq) AS last, count(*) FILTER (WHERE seq <> n OR prev IS DISTINCT FROM nullif(n - 1, 0)) AS out_of_order FROM app.told;
SELECT n <= 200 AS who_has_changed_comes_first FROM app.told WHERE says = '2' ORDER BY n LIMIT 1;
SELECT max(due) <= 2000 AS bounded FROM app.turn;
-- what a subject costs, of the first half and of the second; also that of the looks in between that find the lane full
SELECT a.blocks AS first, z.blocks AS second
  FROM (SELECT sum(t.blocks) / 5000 FROM app.turn t WHERE t.looked <= 7000) a(blocks), (SELECT sum(t.blocks) / 5000 FROM app.turn t WHERE t.looked > 7000) z(blocks)
 WHERE a.blocks > 60 OR z.blocks > 1.5 * a.blocks;
SELECT count(*) AS still_due FROM casesync_internal.notification WHERE state = 'due';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
