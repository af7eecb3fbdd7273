-- Every subscription is told the last state of a subject as the event that it asked for.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, name text, note text);
CREATE TABLE app.spell (person_id integer, state text, until date);
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
			jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)), 'surname', p.name, 'phone_number', p.note,
		'employment_status', (SELECT s.state FROM app.spell s WHERE s.person_id = p.id AND s.until IS NULL)) AS record
	  FROM app.person p;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
DO $$ BEGIN
	PERFORM casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'exit');
	PERFORM casesync.track('app.spell', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment,enrolment_status_change,exit}',
		fields => '{employment_status,surname}', identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only',
		valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.test', e, 'Member', reference_id => e) FROM unnest('{enrolment,enrolment_status_change,exit}'::text[]) e;
END $$;
-- what each subscription was told since the last look
CREATE TABLE app.seen (id bigint);
CREATE FUNCTION app.told() RETURNS TABLE (subscription text, event text, key text, removal boolean, says text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT s.reference_id, n.event_type, n.key, n.removal, concat_ws(' ', n.record->>'surname', n.record->>'employment_status')
		FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription
		WHERE n.id > coalesce((SELECT max(id) FROM app.seen), 0) ORDER BY n.key, s.reference_id, n.id;
	INSERT INTO app.seen SELECT max(n.id) FROM casesync_internal.notification n;
END
$$;

-- tells_both_events_of_one_look: two transactions, two types
INSERT INTO app.person VALUES (1, 'U1', 'Ada');
UPDATE app.person SET name = 'Ada B.' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.told();
-- tells_both_events_of_one_transaction: a history is closed and opened again
INSERT INTO app.spell VALUES (1, '1', NULL);
SELECT notifications FROM app.route();
SELECT * FROM app.told();
BEGIN;
UPDATE app.spell SET until = '2026-01-01' WHERE person_id = 1;
INSERT INTO app.spell VALUES (1, '2', NULL);
COMMIT;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- tells_both_in_two_chunks: what the first chunk tells holds the change of the second already
INSERT INTO app.person VALUES (2, 'U2', 'Bo');
UPDATE app.person SET name = 'Bo C.' WHERE id = 2;
SELECT chunks > 2 AS in_chunks, notifications FROM app.route_all(1);
SELECT * FROM app.told();
-- tells_what_was_put_aside: the second chunk failed, nobody knows why, and is tried again by its captured keys
INSERT INTO app.person VALUES (44, 'U44', 'Cy');
UPDATE app.person SET name = 'Cy D.' WHERE id = 44;
SELECT notifications FROM casesync_internal.route(1);
SELECT changes AS put_aside FROM casesync_internal.route_aside('test');
SELECT count(*) AS in_quarantine FROM casesync_internal.quarantine_entry WHERE key = '44';
SELECT casesync.retry_quarantine() AS tried_again;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- tells_what_was_in_quarantine: the second chunk cannot be rendered, and holds nothing new when it can
INSERT INTO app.person VALUES (94, 'U94', 'Di');
UPDATE app.person SET name = 'Di E.' WHERE id = 94;
SELECT notifications FROM casesync_internal.route(1);
SELECT pg_get_viewdef('app.people') AS people \gset
CREATE OR REPLACE VIEW app.people AS SELECT p.id::text AS subject_key, jsonb_build_object('name', 1 / (p.id - p.id)) AS record FROM app.person p;
SELECT chunks > 1 AS in_chunks, notifications FROM app.route_all(1);
CREATE OR REPLACE VIEW app.people AS :people
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- keeps_quiet_about_other_changes: what is not agreed is news to nobody, as whatever event
INSERT INTO app.person VALUES (3, 'U3', 'Cy', 'a');
SELECT notifications FROM app.route();
UPDATE app.person SET note = 'b' WHERE id = 3;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- moves_are_updates: delete and insert in one transaction
BEGIN;
DELETE FROM app.person WHERE id = 3;
INSERT INTO app.person VALUES (3, 'U3', 'Cy D.');
COMMIT;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- tells_both_of_leaving
SELECT count(*) FROM app.send('ess.test');
BEGIN;
UPDATE app.person SET name = 'gone' WHERE id = 3;
DELETE FROM app.person WHERE id = 3;
COMMIT;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- fills_a_gap_for_all: nobody knows as which event it would have been
SELECT casesync.stop_capture('a load', 'app.person') AS gap \gset
INSERT INTO app.person VALUES (4, 'U4', 'Di');
DO $$ BEGIN PERFORM casesync.start_capture((SELECT max(gap) FROM casesync.gaps)); END $$;
SELECT casesync.fill_gap(gap) AS subjects FROM casesync.gaps;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- tells_again_whom_it_was_lost_to: of two items one was delivered, the other one taken back
SELECT count(*) > 0 AS sent FROM app.send('ess.test');
CREATE FUNCTION app.send_one() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	l integer := (SELECT x.lane FROM casesync_internal.lane x WHERE x.partner = 'ess.test' AND x.kind = 'notify');
	p casesync_internal.parcel := (SELECT t FROM casesync_internal.take(l) t);
BEGIN
	PERFORM casesync_internal.record_outcome(l, p.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL);
	RETURN p.message::jsonb->'notify_event'->0->'data'->>'reg_event_type';
END
$$;
INSERT INTO app.person VALUES (5, 'U5', 'Ed');
UPDATE app.person SET name = 'Ed F.' WHERE id = 5;
SELECT notifications FROM app.route();
SELECT app.send_one();
SELECT count(*) FROM casesync.stop_sharing('test', 'ess.test');
SELECT count(*) FROM casesync.resume_sharing('ess.test');
SELECT notifications FROM app.route();
SELECT s.reference_id, n.state, n.state_reason FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription
 WHERE n.key = '5' ORDER BY n.id;
SELECT count(*) FROM app.send('ess.test');
-- tells_whom_it_was_lost_to_after_others: who was told meanwhile is not told again
INSERT INTO app.person VALUES (6, 'U6', 'Fay');
SELECT notifications FROM app.route();
SELECT count(*) FROM app.told();
SELECT cardinality(casesync_internal.withhold(ARRAY(SELECT reference_id FROM casesync_internal.notification WHERE key = '6'), 'test'));
UPDATE app.person SET name = 'Fay G.' WHERE id = 6;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
SELECT casesync_internal.look_again_add('people', '{6}', e, 'test') FROM unnest('{enrolment,enrolment_status_change}'::text[]) e;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
UPDATE app.person SET note = 'b' WHERE id = 6;
INSERT INTO app.spell VALUES (6, '1', '2026-01-01');
SELECT notifications FROM app.route();
-- tells_whom_it_was_refused_by: the next event of its type, also when nothing else is new
SELECT count(*) FROM app.send('ess.test');
INSERT INTO app.person VALUES (7, 'U7', 'Gil');
UPDATE app.person SET name = 'Gil H.' WHERE id = 7;
SELECT notifications FROM app.route();
SELECT app.send_one();
SELECT count(*) FROM app.send('ess.test', 'refused');
SELECT * FROM app.told() OFFSET 2;
UPDATE app.person SET note = 'b' WHERE id = 7;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
UPDATE app.person SET note = 'c' WHERE id = 7;
SELECT notifications FROM app.route();
-- tells_what_was_missed: one was told before the stop of a change of the other's type
SELECT count(*) > 0 AS sent FROM app.send('ess.test');
SELECT count(*) >= 0 AS seen FROM app.told();
INSERT INTO app.person VALUES (8, 'U8', 'Hal');
UPDATE app.person SET name = 'Hal I.' WHERE id = 8;
SELECT changes, notifications FROM casesync_internal.route(1);
SELECT * FROM app.told();
SELECT app.send_one();
SELECT count(*) FROM casesync.stop_sharing('test', 'ess.test');
SELECT notifications FROM app.route();
SELECT count(*) FROM casesync.resume_sharing('ess.test');
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- tells_what_was_in_a_gap: another type told it meanwhile
SELECT casesync.stop_capture('a load', 'app.person') AS gap \gset
UPDATE app.person SET name = 'Hal J.' WHERE id = 8;
DO $$ BEGIN PERFORM casesync.start_capture((SELECT max(gap) FROM casesync.gaps)); END $$;
INSERT INTO app.spell VALUES (8, '1', NULL);
SELECT notifications FROM app.route();
SELECT * FROM app.told();
SELECT casesync.fill_gap(gap) AS subjects FROM casesync.gaps WHERE gap = (SELECT max(gap) FROM casesync.gaps);
SELECT notifications FROM app.route();
SELECT * FROM app.told();
-- owes_nothing_that_was_followed: an item that is taken back, of which a newer one waits
INSERT INTO app.person VALUES (9, 'U9', 'Ida');
SELECT notifications FROM app.route();
INSERT INTO app.spell VALUES (9, '1', NULL);
SELECT notifications FROM app.route();
UPDATE app.person SET name = 'Ida K.' WHERE id = 9;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
SELECT cardinality(casesync_internal.withhold(ARRAY(SELECT reference_id FROM casesync_internal.notification WHERE key = '9' ORDER BY id LIMIT 1), 'test'));
SELECT casesync_internal.look_again_add('people', '{9}', e, 'test') FROM unnest('{enrolment,enrolment_status_change}'::text[]) e;
SELECT notifications FROM app.route();
-- takes_one_that_is_wanted: of two events only the one that is agreed
SELECT casesync.unsubscribe(code) IS NOT NULL AS ended FROM casesync_internal.subscription WHERE reference_id = 'enrolment';
BEGIN;
UPDATE app.spell SET until = '2026-01-02' WHERE person_id = 1;
INSERT INTO app.spell VALUES (1, '3', NULL);
COMMIT;
SELECT notifications FROM app.route();
SELECT * FROM app.told();

-- tells_what_happened_before_the_other_was_told: sharing was stopped, and it happened once more, before the first time was looked at
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member', reference_id => 'enrolment again') IS NOT NULL AS subscribed;
INSERT INTO app.person VALUES (91, 'U91', 'Zoe');
SELECT notifications FROM app.route();
SELECT * FROM app.told();
SELECT clock_timestamp() AS first \gset
UPDATE app.person SET name = 'Zoe B.' WHERE id = 91;
SELECT notifications FROM app.route();
SELECT * FROM app.told();
SELECT count(*) > 0 AS sent FROM app.send('ess.test');
SELECT count(*) >= 0 AS stopped FROM casesync.stop_sharing('test', 'ess.test');
INSERT INTO app.spell VALUES (91, '1', '2026-01-01');
SELECT notifications FROM app.route();
-- as when what was put aside is tried again
SELECT casesync_internal.look_again_add('people', '{91}', 'enrolment', 'test', ARRAY[:'first'::timestamptz]);
SELECT notifications FROM app.route();
SELECT event_type, at = :'first' AS is_the_first FROM casesync_internal.missed WHERE key = '91';
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
SELECT notifications FROM app.route();
SELECT * FROM app.told() WHERE key = '91';

-- tells_the_first_of_several_events: it was in what another subscription was told, and more of its kind came after that
UPDATE app.person SET name = 'Zoe C.' WHERE id = 91;
INSERT INTO app.spell VALUES (91, '1', '2026-01-02');
SELECT changes, notifications FROM casesync_internal.route(1);
SELECT * FROM app.told();
INSERT INTO app.spell VALUES (91, '1', '2026-01-03');
-- in one turn, as when the second committed before that began
SELECT r.routed, r.appended FROM casesync_internal.route_events(ARRAY(SELECT e FROM casesync_internal.expand(ARRAY(
	SELECT c FROM casesync_internal.change c WHERE c.key = '91' AND c.op = 'I' ORDER BY c.id DESC LIMIT 2), '{}', is_asking => false) e), '{}') r;
SELECT notifications FROM app.route();
SELECT * FROM app.told();

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
