-- A turn of the router is bounded, whatever there is to do, and what is small or quick does not wait for what is not.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE VIEW app.waiting AS SELECT registry, count(*) FROM casesync_internal.look_again_entry GROUP BY 1 ORDER BY 1;
CREATE FUNCTION app.told(whose text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM casesync_internal.notification n WHERE n.key = whose';
SELECT casesync_internal.turn_limit(name) IS NOT NULL AS known FROM unnest('{most,share,slow,very slow,few,rest,longest rest,slice,bulk,bulk part,window,page}'::text[]) name;
-- a large transaction: a small one that comes after it goes first, and in the end everybody is told once
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 3000) i;
INSERT INTO app.person VALUES (20001, 'U20001', '1');
UPDATE app.person SET status = '2' WHERE id = 2999;
SELECT notifications <= 52 AS is_bounded, more FROM casesync_internal.route(200);
SELECT registry, count BETWEEN 700 AND 800 AS a_part FROM app.waiting;
-- the rest of the large one is beside the window, and is not routed yet
SELECT count(*) FROM casesync_internal.bulk_transaction;
SELECT casesync_internal.unrouted_since() IS NOT NULL AS is_known;
SELECT count(*) FROM (SELECT casesync_internal.rotate_changes()) x;
SELECT emptied FROM casesync_internal.tidy();
SELECT changes >= 2, more FROM casesync_internal.route(200);
SELECT app.told('20001') AS small, (SELECT record->>'employment_status' FROM casesync_internal.notification n WHERE n.key = '2999') AS of_both;
SELECT count(*) < 1500 AS most_wait FROM casesync_internal.notification;
-- a key that is too long for the queue is not lost in it
SELECT count(*) FROM (SELECT casesync_internal.route_changes('{}', ARRAY[jsonb_populate_record(NULL::casesync_internal.change, jsonb_build_object('id', 1, 'xid', '5', 'op', 'I', 'key', repeat('k', 1001),
	'tracking', t.id, 'at', now()))], '{}') FROM casesync_internal.tracking t) x;
SELECT length(key), error_code FROM casesync.quarantine;
DELETE FROM casesync_internal.quarantine_entry;
INSERT INTO app.person VALUES (20002, 'U20002', '1');
SELECT changes > 0, more FROM casesync_internal.route(200);
SELECT app.told('20002') AS small;
SELECT sum(notifications) OVER () > 1000 AS rest FROM app.route_all(200);
SELECT count(*), count(DISTINCT key) FROM casesync_internal.notification;
SELECT * FROM app.waiting;
SELECT count(*) FROM casesync_internal.bulk_transaction;
SELECT emptied FROM casesync_internal.tidy();
-- one change of a large transaction that cannot be got past
UPDATE app.person SET status = '2' WHERE id <= 2500;
SELECT more FROM casesync_internal.route(200);
SELECT changes FROM casesync_internal.route_aside('this takes for ever');
SELECT count(*), count(DISTINCT key), min(error_code) FROM casesync.quarantine;
SELECT more FROM casesync_internal.route(1);
SELECT count(*) FROM casesync.retry_quarantine();
SELECT sum(notifications) OVER () > 1000 AS rest FROM app.route_all(200);
SELECT count(*) FROM app.person p WHERE NOT EXISTS (SELECT FROM casesync_internal.notification n WHERE n.key = p.id::text
	AND n.record->>'employment_status' = p.status AND n.state = 'due');
-- after a turn that failed few changes are asked for, and no more are looked at
UPDATE app.person SET status = '3' WHERE id <= 300;
SELECT changes, notifications, more FROM casesync_internal.route(2);
SELECT * FROM app.waiting;
SELECT notifications FROM app.route_all();
-- one row that concerns very many subjects: read a page at a time, the place is kept
-- as if a page were smaller
DO $$ BEGIN EXECUTE replace(pg_get_functiondef('casesync_internal.turn_limit'::regproc), '10000', '1000'); END $$;
CREATE TABLE app.programme (id integer PRIMARY KEY, name text);
CREATE TABLE app.enrolment (person integer, programme integer);
INSERT INTO app.programme VALUES (1, 'a'), (2, 'b');
INSERT INTO app.enrolment SELECT i, 1 FROM generate_series(1, 2500) i;
INSERT INTO app.enrolment VALUES (5, 2);
SELECT casesync.track('app.programme', '{people}', 'id', on_update => 'enrolment_status_change',
	subjects => 'SELECT person FROM app.enrolment WHERE programme = $1::integer');
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', concat_ws(' ', p.status, (SELECT string_agg(g.name, ' ' ORDER BY g.id)
			FROM app.enrolment e JOIN app.programme g ON g.id = e.programme WHERE e.person = p.id)), 'phone_number', p.secret) AS record
	  FROM app.person p;
CREATE INDEX ON app.enrolment (person);
UPDATE app.programme SET name = 'renamed' WHERE id = 1;
SELECT changes > 0 AS is_done, notifications <= 200 AS is_bounded, more FROM casesync_internal.route(200);
SELECT tracking IS NOT NULL AS tracking, key, after_key IS NOT NULL AS has_place FROM casesync_internal.expansion;
SELECT count BETWEEN 700 AND 2000 AS is_a_page FROM app.waiting;
-- a change of one who waits, meanwhile
UPDATE app.person SET status = '9' WHERE id = 2400;
SELECT notifications BETWEEN 1 AND 200 AS is_bounded, more FROM casesync_internal.route(200);
SELECT record->>'employment_status' AS status FROM casesync_internal.notification WHERE key = '2400' ORDER BY id DESC LIMIT 1;
-- the same row once more: read from the beginning
UPDATE app.programme SET name = 'renamed again' WHERE id = 1;
SELECT notifications > 0 FROM app.route_all();
SELECT count(*) FROM casesync_internal.expansion;
SELECT count(DISTINCT key) FROM casesync_internal.notification WHERE record->>'employment_status' LIKE '%renamed again%';
-- somebody is erased whose key is the place
INSERT INTO casesync_internal.expansion (tracking, key, event_type, after_key) SELECT t.id, '2', 'enrolment_status_change', '7' FROM casesync_internal.tracking t WHERE t.subjects IS NOT NULL;
SELECT count(*) > 0 FROM casesync.erase('people', '7', 'asked for');
SELECT after_key FROM casesync_internal.expansion;
-- of a tracking that is gone nothing is left
UPDATE casesync_internal.expansion SET tracking = 4711;
SELECT changes, notifications, more FROM casesync_internal.route();
SELECT count(*) FROM casesync_internal.expansion;
-- a question for subjects that fails stands in quarantine with the captured key, and comes out of it in pages too
ALTER TABLE app.enrolment RENAME TO elsewhere;
UPDATE app.programme SET name = 'renamed once more' WHERE id = 1;
SELECT notifications FROM app.route_all();
SELECT key, tracking IS NOT NULL AS by_key, error_code FROM casesync.quarantine;
ALTER TABLE app.elsewhere RENAME TO enrolment;
SELECT casesync.retry_quarantine();
SELECT notifications > 2000 AS most FROM app.route_all();
SELECT count(*) FROM casesync.quarantine;
-- slow views: each has its turn, and what is quick is neither routed nor committed behind them
CREATE TABLE app.item (id integer PRIMARY KEY, v text);
CREATE VIEW app.slow_1 AS SELECT i.id AS subject_key, jsonb_build_object('employment_status', i.v, 'slept', (SELECT pg_sleep(1.5) IS NULL)) AS record FROM app.item i;
CREATE VIEW app.slow_2 AS TABLE app.slow_1;
SELECT n FROM unnest('{slow_1,slow_2}'::text[]) n, casesync.publish(n, ('app.' || n)::regclass, 'Member');
SELECT casesync.track('app.item', '{slow_1,slow_2}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change');
SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people,slow_1,slow_2}', subjects => 'true');
SELECT casesync.activate('OUT');
SELECT notifications >= 0 AS done FROM app.route_all();
-- as if what is slow were slower
DO $$ BEGIN EXECUTE replace(pg_get_functiondef('casesync_internal.turn_limit'::regproc), '3000', '1400'); END $$;
CREATE FUNCTION app.turn() RETURNS TABLE (told text, more boolean) LANGUAGE plpgsql AS $$
DECLARE
	last constant bigint := (SELECT max(n.id) FROM casesync_internal.notification n);
BEGIN
	SELECT r.more INTO more FROM casesync_internal.route() r;
	SELECT string_agg(DISTINCT n.registry, ' ' ORDER BY n.registry) INTO told FROM casesync_internal.notification n WHERE n.id > last;
	RETURN NEXT;
END $$;
INSERT INTO app.item VALUES (1, 'a'), (2, 'a');
SELECT count(*) FROM (SELECT app.turn() FROM generate_series(1, 6)) x;
SELECT registry, slice, rest_until IS NOT NULL AS is_slow FROM casesync_internal.routing_pace WHERE registry ^@ 'slow' ORDER BY 1;
UPDATE app.item SET v = 'b';
INSERT INTO app.person VALUES (30001, 'U30001', '1');
SELECT * FROM app.turn();
SELECT registry, count FROM app.waiting WHERE registry ^@ 'slow';
-- with nothing else to do they need not rest
SELECT told ^@ 'slow' AS slow FROM app.turn();
SELECT told ^@ 'slow' AS slow FROM app.turn();
SELECT registry, count FROM app.waiting WHERE registry ^@ 'slow';
-- who has rested has the next turn, whatever came meanwhile; who has not waits for the others
UPDATE app.item SET v = 'c';
UPDATE casesync_internal.routing_pace SET rest_until = now() - interval '1 s' WHERE registry = 'slow_2';
INSERT INTO app.person VALUES (30002, 'U30002', '1');
SELECT * FROM app.turn();
INSERT INTO app.person VALUES (30003, 'U30003', '1');
SELECT * FROM app.turn();
SELECT * FROM app.turn();
SELECT * FROM app.turn();
SELECT registry, count FROM app.waiting WHERE registry ^@ 'slow';
-- a view that is quick again is like any other
CREATE OR REPLACE VIEW app.slow_1 AS SELECT i.id AS subject_key, jsonb_build_object('employment_status', i.v, 'slept', false) AS record FROM app.item i;
UPDATE app.item SET v = 'd';
SELECT count(*) FROM (SELECT app.turn() FROM generate_series(1, 3)) x;
SELECT registry, slice FROM casesync_internal.routing_pace WHERE registry ^@ 'slow' AND rest_until IS NOT NULL;
-- what a turn costs does not depend on what the planner knows of what was told: many leave at once
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only')) x;
SELECT count(*) FROM (SELECT casesync.activate('OUT')) x;
-- what waits under the version before is taken back first
SELECT count(*) FROM (SELECT casesync_internal.take(lane) FROM casesync_internal.lane, generate_series(1, 30) WHERE kind = 'notify') x;
SELECT count(*) FROM (SELECT app.route_all()) x;
SELECT count(*) FROM (SELECT app.send('ess.test')) x;
DELETE FROM pg_statistic WHERE starelid IN ('casesync_internal.told'::regclass, 'casesync_internal.disclosure'::regclass);
SET statement_timeout = '20s';
DELETE FROM app.person WHERE id <= 900;
SELECT notifications > 800 AS told_that_they_left FROM app.route_all();
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
