-- At the door: an item leaves only while its agreement is about its subject, whatever it went through since it was routed.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
CREATE FUNCTION app.take(verdict text DEFAULT 'delivered', turn bigint DEFAULT NULL) RETURNS TABLE (who text, says text) LANGUAGE sql AS $$
	WITH p AS MATERIALIZED (SELECT l.lane, t.* FROM casesync_internal.lane l, casesync_internal.take(l.lane, turn) t WHERE l.kind = 'notify'),
	d AS MATERIALIZED (SELECT casesync_internal.record_outcome(p.lane, p.message_id, verdict, 0, NULL, NULL, NULL, 'test') FROM p)
	SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}',
		coalesce(e #>> '{data,reg_records,employment_status}', e #>> '{data,reg_records,additional_attributes}')
	  FROM d, p, jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n) ORDER BY 1
$$;
CREATE VIEW app.state AS SELECT n.key, n.record->>'employment_status' AS says, n.state, n.state_reason
	FROM casesync_internal.notification n ORDER BY n.id;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 6) i;
SELECT * FROM app.route();
SELECT * FROM app.take();

-- left after it was routed, and that is committed, not routed yet; the others of the message go
UPDATE app.person SET status = '2' WHERE id < 4;
SELECT * FROM app.route();
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.take();
SELECT * FROM app.state WHERE key = '1' AND says = '2';
-- the router makes of it what it makes of everybody who leaves: nothing, or a removal
SELECT * FROM app.route();
SELECT * FROM app.take();
-- and who comes back is told again
UPDATE app.person SET shared = true WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();

-- tried before, and tried again
UPDATE app.person SET status = '3' WHERE id < 3;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.take('retry');
SELECT * FROM app.take();

-- a dead letter
UPDATE app.person SET status = '4' WHERE id = 3;
SELECT * FROM app.route();
SELECT * FROM app.take('refused');
SELECT reference_id AS dead FROM casesync.dead_letter \gset
UPDATE app.person SET shared = false WHERE id = 3;
SELECT casesync.retry(:'dead');
SELECT * FROM app.take();
SELECT * FROM app.route();
SELECT * FROM app.take();

-- it cannot be rendered any more, and the same change withdrew consent; without that it goes
UPDATE app.person SET status = '5' WHERE id IN (4, 5);
SELECT * FROM app.route();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(CASE p.status WHEN 'odd' THEN (1 / (p.id - p.id))::text ELSE p.status END)) AS record
	  FROM app.person p;
UPDATE app.person SET status = 'odd', shared = (id = 5) WHERE id IN (4, 5);
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.state WHERE key = '4' ORDER BY says;
UPDATE app.person SET status = '6' WHERE id IN (4, 5);
SELECT * FROM app.route();
SELECT * FROM app.take();

-- gone from the view
UPDATE app.person SET status = '7' WHERE id IN (2, 6);
SELECT * FROM app.route();
DELETE FROM app.person WHERE id = 6;
SELECT * FROM app.take();

-- of whom it cannot be said does not pass either: in quarantine until it can
UPDATE app.person SET status = '8' WHERE id IN (2, 5);
SELECT * FROM app.route();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, CASE p.id WHEN 5 THEN 1 / (p.id - p.id) = 1 ELSE p.shared END AS shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p;
SELECT * FROM app.take();
SELECT key, error_code, reason FROM casesync_internal.look_again_note;
SELECT casesync_internal.look_again_noted('people', '5') AS five, casesync_internal.look_again_noted('people', '2') AS two;
SELECT * FROM app.route();
SELECT key, error_code, reason FROM casesync_internal.quarantine_entry;
SELECT count(*) FROM casesync_internal.look_again_note;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p;
SELECT * FROM app.route();
SELECT * FROM app.take();

-- repaired before the router had a turn: it is not kept waiting for what was wrong then
UPDATE app.person SET status = '8b' WHERE id IN (2, 5);
SELECT * FROM app.route();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, CASE p.id WHEN 5 THEN 1 / (p.id - p.id) = 1 ELSE p.shared END AS shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p;
SELECT * FROM app.take();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p;
SELECT * FROM app.route();
SELECT * FROM app.take();

-- a view that takes too long: everything waits, nothing is withheld, and the lane says why
UPDATE app.person SET status = '9' WHERE id IN (2, 5);
SELECT * FROM app.route();
SET casesync.render_timeout = '50ms';
CREATE FUNCTION app.slow() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_sleep(60) IS NULL';
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared OR app.slow() AS shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p WHERE p.id <> 2 OR app.slow();
SELECT * FROM app.take();
SELECT next_attempt > clock_timestamp() AS waits, reason ~ 'took all the time|took longer than' AS says_why FROM casesync.lane_status WHERE kind = 'notify';
SELECT * FROM app.state WHERE says = '9';
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', to_jsonb(p.status)) AS record
	  FROM app.person p;
RESET casesync.render_timeout;
DELETE FROM casesync_internal.lane_state;
SELECT * FROM app.take();

-- who begins to deliver sends nothing before the next turn of the router
UPDATE app.person SET status = '10' WHERE id = 2;
SELECT * FROM app.route();
SELECT casesync_internal.delivery_begin() AS turn \gset
SELECT count(*) FROM casesync_internal.lanes(:turn);
SELECT * FROM app.take(turn => :turn);
SELECT changes, notifications, more FROM casesync_internal.route();
SELECT count(*) FROM casesync_internal.lanes(:turn);
SELECT * FROM app.take(turn => :turn);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
