-- An apply function to begin with, made for one's own tables: it works as it is printed.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/message.sql
\i test/scene/delivery.sql
CREATE TABLE app."Person" (id integer PRIMARY KEY, nid text, employment_status casesync.employment_status, "Note" text, changed timestamptz);
CREATE VIEW app.people AS SELECT id AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', nid)],
	employment_status => employment_status, additional_attributes => jsonb_build_object('note', "Note")) AS record FROM app."Person";
INSERT INTO app."Person" VALUES (1, 'N1', '1', 'a'), (2, 'N2', '1', 'a');
SELECT casesync.set_node('sp.test', 'https://sp.test', four_eyes => false) IS NOT NULL AS named;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app."Person"', '{people}', 'id', on_update => 'enrolment_status_change') IS NOT NULL AS tracked;
SELECT casesync.set_partner('ess.test', 'https://ess.test') IS NOT NULL AS known;
SELECT casesync.set_agreement('IN', 'ess.test', 'in', event_types => '{enrolment_status_change}', fields => '{employment_status,occupation,additional_attributes.note}',
	identifier_types => '{NATIONAL_ID}', apply_mode => 'auto', valid_from => '2020-01-01', legal_basis => 'law') IS NOT NULL AS agreed;
SELECT casesync.activate('IN');
SELECT casesync.suggest_apply('people');
SELECT casesync.suggest_apply('people') AS script \gset
\o /dev/null
:script
\o
SELECT count(casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member'));
SELECT s.ack FROM app.say('notify', jsonb_build_object('transaction_id', 't', 'notify_event', jsonb_build_array(jsonb_build_object('reference_id', 'r', 'timestamp', now(), 'data',
	jsonb_build_object('reg_event_type', 'enrolment_status_change', 'reg_record_type', 'Member', 'reg_records', jsonb_build_array(
		casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', 'N2')], employment_status => '2', additional_attributes => '{"note": "b"}'),
		casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', 'N3')], employment_status => '2'))))))) s;
SELECT count(*) FROM casesync_internal.apply_inbox(), casesync_internal.apply_inbox() again;
SELECT state, reason FROM casesync.inbox ORDER BY id;
SELECT id, employment_status = '2' AS is_new, "Note" FROM app."Person" ORDER BY id;
SELECT app.try($$SELECT casesync.suggest_apply('nothing')$$);
SET client_min_messages = warning;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
