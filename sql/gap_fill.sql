-- What changed while capture was stopped reaches partners after fill_gap(), and nothing else twice.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA gap_fill;
CREATE SCHEMA app;
\i test/scene/delivery.sql
SET search_path = gap_fill, public;
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org', four_eyes => false);
CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO person VALUES (1, 'Ada'), (2, 'Bea'), (3, 'Cem'), (4, 'Dia');
CREATE VIEW people AS
	SELECT id::text AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', 'U' || id)],
		additional_attributes => jsonb_build_object('alias', name)) AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.set_partner('ess.example.org', 'https://ess.example.org');
SELECT casesync.set_agreement('A', 'ess.example.org', registries => '{people}',
	event_types => '{enrolment_status_change}', identifier_types => '{UIN}', fields => '{additional_attributes.alias}',
	subjects => 'true', valid_from => '2026-01-01', legal_basis => 'Act', on_leave => 'identifier_only');
SELECT casesync.activate('A');
SELECT casesync.subscribe('ess.example.org', 'enrolment_status_change', 'Member') <> '' AS subscribed;
UPDATE person SET name = upper(name);
SELECT changes, notifications FROM casesync_internal.route();
DO $$ BEGIN PERFORM app.send('ess.example.org'); END $$;

SELECT casesync.stop_capture('the weekly load', 'person') AS gap \gset
UPDATE person SET name = 'Bee' WHERE id = 2;
DELETE FROM person WHERE id = 3;
INSERT INTO person VALUES (5, 'Eli');
SELECT changes, notifications FROM casesync_internal.route();
SET client_min_messages = notice;
DO $$
DECLARE
	gap bigint := (SELECT max(g.gap) FROM casesync.gaps g);
	said text;
BEGIN
	PERFORM casesync.fill_gap(gap);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT;
	RAISE NOTICE '% % %', SQLSTATE, replace(SQLERRM, gap::text, 'N'), replace(said, gap::text, 'N');
END
$$;
SET client_min_messages = warning;
SELECT registry, replace(hint, :'gap', 'N') AS hint FROM casesync.start_capture(:gap);
SELECT severity, replace(mend, :'gap', 'N') AS mend FROM casesync.health WHERE problem LIKE '%was not captured%';
SELECT casesync.fill_gap(:gap);
SELECT count(*) AS looked_at_is_no_problem FROM casesync.health WHERE problem LIKE '%cannot be rendered%';
SELECT changes, notifications FROM casesync_internal.route();
SELECT key, removal, record->'additional_attributes' AS attributes FROM casesync_internal.notification WHERE state = 'due' ORDER BY key;
SELECT count(*) FROM casesync.quarantine;
SELECT count(*) FROM casesync.health WHERE problem LIKE '%was not captured%';
SELECT state FROM casesync.gaps;

-- After a restore partners may know more than we do: what they were told counts no longer.
DO $$ BEGIN PERFORM app.send('ess.example.org'); END $$;
SELECT casesync.look_again('people');
SELECT changes, notifications FROM casesync_internal.route();
SELECT casesync.start_as_copy();
SELECT * FROM casesync.resume();
SELECT casesync.look_again('people');
SELECT changes, notifications FROM casesync_internal.route();
SELECT casesync.look_again('nobody');

-- A version that begins later does not end the one that counts now.
SELECT casesync.set_agreement('A', 'ess.example.org', valid_from => '2999-01-01');
SELECT casesync.activate('A');
SELECT version, state FROM casesync.agreements ORDER BY version;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA gap_fill, app CASCADE;
