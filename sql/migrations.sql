-- Migrations as Django, Rails and Flyway write them, on a tracked table: none fails, and what is written between them is told.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
CREATE ROLE regress_migrator LOGIN;
SELECT casesync.grant_access('regress_migrator', 'publisher') <> '' AS granted;
GRANT CREATE, USAGE ON SCHEMA app TO regress_migrator;
SET SESSION AUTHORIZATION regress_migrator;
CREATE TABLE app.office (id integer PRIMARY KEY);
CREATE TABLE app.person (id integer PRIMARY KEY, status varchar(10), note text, amount integer, office_id integer);
CREATE VIEW app.people AS SELECT id AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change',
	condition => $$note IS DISTINCT FROM 'hidden' AND coalesce(amount, 0) >= 0$$) <> '' AS tracked;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
		identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');
END $$;
-- the application writes, and what of it is told
CREATE SEQUENCE app.word;
GRANT USAGE ON SEQUENCE app.word TO regress_migrator;
CREATE FUNCTION app.told_after() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	word constant text := 'w' || nextval('app.word');
BEGIN
	EXECUTE format('UPDATE %s SET status = %L WHERE id = 1', coalesce(to_regclass('app.person'), to_regclass('app.people_table')), word);
	RETURN word;
END $$;
INSERT INTO app.person VALUES (1, 'w0', 'n', 1, NULL);
SELECT notifications FROM app.route();
CREATE TABLE app.migration (n integer PRIMARY KEY, statement text);
INSERT INTO app.migration VALUES (1, 'ALTER TABLE app.person ADD COLUMN email varchar(254) DEFAULT '''' NOT NULL'), (2, 'ALTER TABLE app.person ALTER COLUMN email DROP DEFAULT'),
	(3, 'ALTER TABLE app.person ALTER COLUMN amount TYPE bigint USING amount::bigint'), (4, 'ALTER TABLE app.person ALTER COLUMN note TYPE varchar(50)'),
	(5, 'ALTER TABLE app.person RENAME COLUMN note TO remark'), (6, 'ALTER TABLE app.person DROP COLUMN email CASCADE'),
	(7, 'ALTER TABLE app.person ADD CONSTRAINT office FOREIGN KEY (office_id) REFERENCES app.office (id) DEFERRABLE INITIALLY DEFERRED NOT VALID'),
	(8, 'ALTER TABLE app.person VALIDATE CONSTRAINT office'), (9, 'ALTER TABLE app.person ADD CONSTRAINT positive CHECK (amount > -5) NOT VALID'),
	(10, 'ALTER TABLE app.person VALIDATE CONSTRAINT positive'), (11, 'ALTER TABLE app.person ALTER COLUMN status SET NOT NULL'), (12, 'CREATE INDEX CONCURRENTLY person_office ON app.person (office_id)'),
	(13, 'CREATE UNIQUE INDEX CONCURRENTLY person_again ON app.person (id)'), (14, 'DROP INDEX CONCURRENTLY app.person_office'), (15, 'ALTER TABLE app.person RENAME TO people_table'),
	(16, 'ALTER TABLE app.people_table RENAME CONSTRAINT person_pkey TO people_pkey'), (17, 'ALTER TABLE app.people_table ADD COLUMN made_at timestamptz DEFAULT now()'),
	(18, 'ALTER TABLE app.people_table ALTER COLUMN amount TYPE numeric(12,2)'), (19, 'ALTER TABLE app.people_table DROP COLUMN amount CASCADE');
-- one by one, and after each the application writes and the router looks
SELECT x.statement FROM app.migration m CROSS JOIN LATERAL (VALUES (1, m.statement), (2, 'SELECT app.told_after()'), (3, 'SELECT notifications FROM app.route()')) x(place, statement)
 ORDER BY m.n, x.place \gexec
SELECT string_agg(record->>'employment_status', ' ' ORDER BY id) AS told FROM casesync_internal.notification;
SELECT count(*) FROM casesync.quarantine;
SELECT casesync.retrack('app.people_table');
SELECT app.told_after();
SELECT notifications FROM app.route();
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_migrator CASCADE;
DROP ROLE regress_migrator;
