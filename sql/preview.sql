CREATE EXTENSION casesync;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA app;
SET search_path = app;
CREATE TABLE person (id integer PRIMARY KEY, v integer, given boolean, national text);
CREATE VIEW people AS SELECT id AS subject_key, given AS consents, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text), jsonb_build_object('identifier_type', 'TAXID', 'identifier_value', national)),
	'v', 100 / v, 'secret', 'not agreed') AS record FROM person;
CREATE VIEW others AS SELECT 'o' || id AS subject_key, given AS consents, jsonb_build_object('secret', 'not agreed') AS record FROM person;
INSERT INTO person VALUES (1, 1, true, 'A'), (2, 2, false, 'B'), (3, 0, true, 'C'), (4, 4, NULL, 'D'), (5, 5, true, 'E');
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT * FROM casesync.publish('others', 'others', 'Member');
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.set_partner('p', 'https://p.example');
SELECT casesync.set_agreement('A', 'p', registries => '{people,others}', event_types => '{enrolment}', fields => '{v}',
	identifier_types => '{UIN}', subjects => 'consents', valid_from => '2026-01-01', valid_to => '2027-01-01', legal_basis => 'x');

-- before anything leaves, and without leaving a trace where partners are concerned --------------------------------------
SELECT registry, subject_key, outcome, reason, record FROM casesync.preview('A', at => '2026-06-01');
SELECT registry, subject_key, outcome, reason, record FROM casesync.preview('A', key => '5', at => '2026-06-01') WHERE registry = 'people';
SELECT registry, subject_key, outcome, reason, record FROM casesync.preview('A', key => '99', at => '2026-06-01');
SELECT subject_key, outcome FROM casesync.preview('A', at => '2026-06-01', max_rows => 2);
SELECT * FROM casesync.preview_summary('A', at => '2026-06-01');
-- not valid at the time: the end does not belong to it
SELECT subject_key, outcome, reason, record FROM casesync.preview('A', at => '2027-01-01', max_rows => 1);
SELECT * FROM casesync.preview_summary('A', at => '2025-12-31 23:59:59');
SELECT outcome FROM casesync.preview_summary('A', at => '2026-01-01') WHERE outcome = 'send';
SELECT casesync.preview('A', max_rows => 0);
SELECT casesync.preview('A', max_rows => NULL);
SELECT count(*) FROM casesync_internal.notification;
SELECT count(*) FROM casesync.disclosed;
SELECT count(*) FROM casesync.quarantine;
-- it was looked at, and by whom is on record
SELECT what, about, detail FROM casesync.audit WHERE what LIKE 'preview%' ORDER BY id LIMIT 2;

-- what is previewed is what is sent ------------------------------------------------------------------------------------
CREATE TABLE promised AS SELECT registry, subject_key, record FROM casesync.preview('A', at => '2026-06-01') WHERE outcome = 'send';
SELECT casesync.track('person', '{people,others}', 'id', on_update => 'enrolment');
SELECT casesync.set_agreement('A', 'p', valid_to => 'infinity');
SELECT casesync.activate('A');
SELECT casesync.subscribe('p', 'enrolment', 'Member') <> '' AS subscribed;
UPDATE person SET national = lower(national);
SELECT changes, notifications FROM casesync_internal.route();
SELECT subject_key, p.record = n.record AS same FROM promised p FULL JOIN casesync_internal.notification n ON n.registry = p.registry AND n.key = p.subject_key ORDER BY 1;

-- many subjects: counted in slices, none twice, one look at the keys -----------------------------------------------------
INSERT INTO person SELECT i, 1 + i % 7, i % 2 = 0, 'N' FROM generate_series(100, 5099) i;
SELECT * FROM casesync.preview_summary('A', at => '2026-06-01');

-- the first thing that a session does: it knows the settings all the same
\c -
SET client_min_messages = warning;
SELECT outcome, record FROM casesync.preview('A', key => '1', at => '2026-06-01') WHERE registry = 'people';

SET search_path = app;
-- a condition that fails says why, and not what a column holds: an administrator sees records, and nothing beside them
CREATE OR REPLACE VIEW people AS SELECT id AS subject_key, given AS consents, jsonb_build_object('v', id) AS record, 'not for "all" of them: ' || id AS hidden FROM person WHERE id = 1;
SELECT casesync.set_partner('curious', 'https://curious.example');
SELECT casesync.set_agreement('CURIOUS', 'curious', registries => '{people}', event_types => '{e}', fields => '{v}', identifier_types => '{UIN}', subjects => 'hidden::integer = 1', valid_from => '2020-01-01', legal_basis => 'x') IS NOT NULL AS written;
SELECT outcome, reason FROM casesync.preview('CURIOUS', key => '1');
SELECT outcome, reason FROM casesync.preview_summary('CURIOUS');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
