-- Who is hidden by a policy has not left: it is an error, and nobody is told anything.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
CREATE ROLE regress_rls_owner LOGIN;
CREATE ROLE regress_rls_clerk LOGIN;
SELECT casesync.grant_access('regress_rls_owner', 'publisher');
GRANT CREATE, USAGE ON SCHEMA app TO regress_rls_owner;
GRANT USAGE ON SCHEMA app TO regress_rls_clerk;
GRANT EXECUTE ON FUNCTION app.try(text) TO regress_rls_owner;
SET SESSION AUTHORIZATION regress_rls_owner;
CREATE TABLE app.person (id integer PRIMARY KEY, office text, status text);
CREATE POLICY own_office ON app.person USING (office = current_setting('app.office', true));
GRANT ALL ON app.person TO regress_rls_clerk;
CREATE VIEW app.people AS SELECT id AS subject_key, office = 'north' AS shared, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change') <> '' AS tracked;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
		fields => '{employment_status}', filter_fields => '{office}', identifier_types => '{UIN}', subjects => 'shared', on_leave => 'identifier_only',
		valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');
END $$;
CREATE VIEW app.told AS SELECT n.key, n.record->>'employment_status' AS status, n.removal, n.state FROM casesync_internal.notification n ORDER BY n.id;
-- policies do not hold for a table's owner, and with them on for others nothing changes
ALTER TABLE app.person ENABLE ROW LEVEL SECURITY;
INSERT INTO app.person VALUES (1, 'north', 'a'), (2, 'north', 'a');
SELECT notifications FROM app.route();
SELECT count(*) FROM app.send('ess.test');
-- keeps_who_is_hidden: from now on they hold for the owner too, and the router has no office
ALTER TABLE app.person FORCE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_rls_clerk;
SET app.office = 'north';
UPDATE app.person SET status = 'b' WHERE id = 1;
RESET SESSION AUTHORIZATION;
RESET app.office;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
SELECT key, error_code, reason FROM casesync.quarantine;
-- nor when the router could see a part
SET app.office = 'south';
UPDATE app.person SET status = 'c' WHERE id = 2;
SELECT notifications FROM app.route();
RESET app.office;
SELECT * FROM app.told;
SELECT app.try($$SELECT casesync.look_again('people')$$);
SELECT subject_key, outcome, reason FROM casesync.preview('OUT', key => '1');
-- refuses_to_publish it like that
SET SESSION AUTHORIZATION regress_rls_owner;
SELECT app.try($$SELECT * FROM casesync.publish('people', 'app.people', 'Member')$$);
-- goes_on when the owner may see all: by itself
ALTER TABLE app.person NO FORCE ROW LEVEL SECURITY;
RESET SESSION AUTHORIZATION;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
ALTER TABLE app.person FORCE ROW LEVEL SECURITY;
UPDATE app.person SET status = 'd' WHERE id = 1;
SELECT notifications FROM app.route();
ALTER ROLE regress_rls_owner BYPASSRLS;
SELECT notifications FROM app.route();
SELECT * FROM app.told;
SELECT count(*) FROM casesync.quarantine;
-- the owner's own setting does not matter, nor the session's
SET row_security = on;
ALTER ROLE regress_rls_owner NOBYPASSRLS;
UPDATE app.person SET status = 'e' WHERE id = 1;
SELECT notifications FROM app.route();
SET row_security = off;
SELECT notifications FROM app.route();
RESET row_security;
SELECT count(*) FROM app.told WHERE removal;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_clerk CASCADE;
DROP ROLE regress_rls_owner, regress_rls_clerk;
