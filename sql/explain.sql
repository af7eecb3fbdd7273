-- Why a partner was told of a subject, or was not, for each of its last changes.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SET client_min_messages = error;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS made;
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, name text, note text, shared boolean DEFAULT true);
CREATE TABLE app.spell (person_id integer, state text, until date);
CREATE TABLE app.programme (id integer PRIMARY KEY, name text);
CREATE TABLE app.place (person_id integer, programme_id integer);
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, jsonb_build_object('member_identifier', jsonb_build_array(
			jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)), 'surname', p.name, 'phone_number', p.note,
		'employment_status', (SELECT s.state FROM app.spell s WHERE s.person_id = p.id AND s.until IS NULL)) AS record
	  FROM app.person p;
DO $$ BEGIN
	PERFORM casesync.publish('people', 'app.people', 'Member');
	PERFORM casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'employment_status_change', on_delete => 'exit');
	PERFORM casesync.track('app.spell', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
	PERFORM casesync.track('app.programme', '{people}', 'id', on_update => 'enrolment_status_change',
		subjects => 'SELECT person_id FROM app.place WHERE programme_id = $1::integer');
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_partner('other.test', 'https://dci.other.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment,enrolment_status_change,exit}',
		fields => '{employment_status,surname}', identifier_types => '{UIN}', subjects => 'shared',
		valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.test', e, 'Member', reference_id => e) FROM unnest('{enrolment,enrolment_status_change}'::text[]) e;
	UPDATE casesync_internal.subscription SET code = reference_id;
END $$;
CREATE FUNCTION app.why(key text, partner text DEFAULT 'ess.test') RETURNS TABLE (what text, event_type text, outcome text, reason text) LANGUAGE sql AS $$
	SELECT e.what, e.event_type, e.outcome, e.reason FROM casesync.explain('people', why.key, why.partner) WITH ORDINALITY
		e(at, what, event_type, outcome, reason, reference_id, n) ORDER BY e.n $$;
-- nobody is there yet
SELECT * FROM app.why('1');
-- one that the router has not come to, and then sends
INSERT INTO app.person VALUES (1, 'U1', 'Ada', 'secret');
SELECT * FROM app.why('1');
SELECT notifications FROM app.route();
SELECT * FROM app.why('1');
SELECT count(*) AS sent FROM app.send('ess.test');
SELECT * FROM app.why('1');
-- a history: both events of the one transaction, each to who has asked for it
BEGIN;
INSERT INTO app.spell VALUES (1, '1', NULL);
UPDATE app.spell SET until = '2026-01-01' WHERE person_id = 1 AND until IS NOT NULL;
COMMIT;
SELECT notifications FROM app.route();
BEGIN;
UPDATE app.spell SET until = '2026-01-01' WHERE person_id = 1;
INSERT INTO app.spell VALUES (1, '2', NULL);
COMMIT;
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') WHERE what <> 'item';
-- folded: two changes, one look
UPDATE app.spell SET state = '3' WHERE until IS NULL;
UPDATE app.spell SET state = '4' WHERE until IS NULL;
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') WHERE what <> 'item' AND event_type = 'enrolment_status_change';
-- unwanted: an event type that no agreement has, one that nobody has subscribed to; known: nothing agreed has changed
UPDATE app.person SET note = 'another secret' WHERE id = 1;
INSERT INTO app.person VALUES (2, 'U2', 'Bo', 'secret', false), (3, 'U3', 'Cy', 'secret', true);
DELETE FROM app.person WHERE id = 3;
UPDATE app.spell SET state = '4', until = NULL WHERE until IS NULL;
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') WHERE event_type = 'employment_status_change';
SELECT * FROM app.why('2');
SELECT * FROM app.why('3');
SELECT * FROM app.why('1', 'other.test') LIMIT 2;
-- by a query for subjects
INSERT INTO app.place VALUES (1, 7);
INSERT INTO app.programme VALUES (7, 'work');
UPDATE app.programme SET name = 'more work';
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') WHERE what ~ 'programme';
-- stopped, and quarantine
SELECT casesync.stop_sharing('a test', 'ess.test') IS NOT NULL AS stopped;
UPDATE app.spell SET state = '1' WHERE until IS NULL;
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') WHERE what = 'now';
SELECT * FROM app.why('1') WHERE what ~ 'app.spell' LIMIT 1;
SELECT casesync.resume_sharing('ess.test') IS NOT NULL AS resumed;
SELECT notifications FROM app.route();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, jsonb_build_object('surname', p.name, 'n', 1 / (p.id - 1)) AS record FROM app.person p;
UPDATE app.spell SET state = '2' WHERE until IS NULL;
SELECT notifications FROM app.route();
SELECT * FROM app.why('1') LIMIT 2;
-- a refused item
SELECT count(*) AS refused FROM app.send('ess.test', 'refused');
SELECT DISTINCT what, event_type, outcome FROM app.why('1') WHERE what ~ '^item' AND outcome = 'refused';
-- no content, whatever is asked for; bounded; who may
SELECT count(*) AS with_content FROM casesync.explain('people', '1', 'ess.test', 1000) e WHERE e::text ~ 'Ada|secret|U1';
SELECT count(*) FROM casesync.explain('people', '1', 'ess.test', 3);
SELECT app.try($$SELECT casesync.explain('people', '1', 'ess.test', 0)$$);
SELECT app.try($$SELECT casesync.explain('nobody', '1', 'ess.test')$$);
SELECT app.try($$SELECT casesync.explain('people', '1', 'nobody.test')$$);
-- what is mistyped: names, and a key that the view does not take
SELECT app.try($$SELECT casesync.explain('peple', '1', 'ess.test')$$);
SELECT app.try($$SELECT casesync.explain('people', '1', 'ees.test')$$);
CREATE VIEW app.numbered AS SELECT p.id AS subject_key, jsonb_build_object('surname', 1 / (p.id - 2)) AS record FROM app.person p;
DO $$ BEGIN
	PERFORM casesync.publish('numbered', 'app.numbered', 'Member');
	PERFORM casesync.set_agreement('NUMBERED', 'ess.test', registries => '{numbered}', event_types => '{enrolment}', fields => '{surname}',
		identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
	PERFORM casesync.activate('NUMBERED');
	INSERT INTO app.person VALUES (2, 'U2', 'Eve') ON CONFLICT (id) DO NOTHING;
END $$;
SELECT e.outcome, e.reason FROM unnest('{U1,2}'::text[]) k CROSS JOIN LATERAL casesync.explain('numbered', k, 'ess.test') e WHERE e.what = 'now';
CREATE ROLE regress_asks;
SET ROLE regress_asks;
SELECT casesync.explain('people', '1', 'ess.test');
RESET ROLE;
DO $$ BEGIN PERFORM casesync.grant_access('regress_asks', 'auditor'); END $$;
SET ROLE regress_asks;
SELECT count(*) > 3 AS asked FROM casesync.explain('people', '1', 'ess.test');
RESET ROLE;

DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_asks;
DROP ROLE regress_asks;
