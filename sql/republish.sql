-- A view that is dropped and made anew, or swapped, is published again by its owner, and partners miss nothing.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
CREATE ROLE regress_maker LOGIN;
CREATE ROLE regress_feeder LOGIN;
CREATE ROLE regress_stranger LOGIN;
GRANT CREATE, USAGE ON SCHEMA app TO regress_maker, regress_feeder, regress_stranger;
SELECT count(casesync.grant_access(r, 'publisher')) FROM unnest('{regress_maker,regress_feeder,regress_stranger}'::regrole[]) r;
SET SESSION AUTHORIZATION regress_maker;
CREATE TABLE app.person (id integer PRIMARY KEY, status text);
CREATE VIEW app.people AS SELECT id AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change') <> '' AS tracked;
SELECT casesync.grant_registry('people', 'regress_feeder');
SET SESSION AUTHORIZATION regress_feeder;
CREATE TABLE app.spell (person_id integer);
SELECT casesync.track('app.spell', '{people}', 'person_id', on_insert => 'enrolment_status_change') <> '' AS tracked;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
		identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');
END $$;
CREATE VIEW app.told AS SELECT n.key, n.record->>'employment_status' AS status, n.removal FROM casesync_internal.notification n ORDER BY n.id;
INSERT INTO app.person VALUES (1, 'a'), (2, 'a');
SELECT notifications FROM app.route();
SELECT count(*) FROM app.send('ess.test');

-- made_anew: nobody has left meanwhile
SET SESSION AUTHORIZATION regress_maker;
DROP VIEW app.people;
RESET SESSION AUTHORIZATION;
UPDATE app.person SET status = 'b' WHERE id = 1;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
SELECT severity, regexp_replace(problem, 'since .*', 'since …') AS problem, mend FROM casesync.health WHERE problem ~ 'people';
-- others_cannot take it
SET SESSION AUTHORIZATION regress_stranger;
CREATE VIEW app.people AS SELECT 1 AS subject_key, '{}'::jsonb AS record;
SELECT casesync.publish('people', 'app.people', 'Member');
SELECT casesync.unpublish('people');
DROP VIEW app.people;
SET SESSION AUTHORIZATION regress_maker;
CREATE VIEW app.people AS SELECT id::text AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
RESET SESSION AUTHORIZATION;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
-- and who was let feed it still is
INSERT INTO app.spell VALUES (2);
SELECT changes FROM app.route();
SELECT problem FROM casesync.health WHERE problem ~ 'people';
SELECT role FROM casesync_internal.registry_grant;

-- swapped, as dbt does it
SET SESSION AUTHORIZATION regress_maker;
BEGIN;
CREATE VIEW app.people__dbt_tmp AS SELECT id AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', upper(status)) AS record FROM app.person;
ALTER VIEW app.people RENAME TO people__dbt_backup;
ALTER VIEW app.people__dbt_tmp RENAME TO people;
COMMIT;
UPDATE app.person SET status = 'c' WHERE id = 1;
RESET SESSION AUTHORIZATION;
SELECT notifications FROM app.route();
SET SESSION AUTHORIZATION regress_maker;
DROP VIEW app.people__dbt_backup CASCADE;
UPDATE app.person SET status = 'd' WHERE id = 2;
RESET SESSION AUTHORIZATION;
SELECT notifications FROM app.route();
SET SESSION AUTHORIZATION regress_maker;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
RESET SESSION AUTHORIZATION;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
SELECT count(*) FROM casesync.quarantine;
-- taken_back by its owner, also without a view
SELECT casesync.end_agreement('OUT', 'done') IS NOT NULL AS ended;
SET SESSION AUTHORIZATION regress_feeder;
SELECT casesync.untrack('app.spell');
SET SESSION AUTHORIZATION regress_maker;
SELECT casesync.untrack('app.person');
DROP VIEW app.people;
SELECT casesync.unpublish('people');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM casesync.registries;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_maker, regress_feeder, regress_stranger CASCADE;
DROP ROLE regress_maker, regress_feeder, regress_stranger;
