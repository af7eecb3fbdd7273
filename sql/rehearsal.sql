-- A rehearsed agreement is routed and counted, and nothing leaves.
CREATE EXTENSION casesync;
\i test/scene/try.sql
CREATE TABLE app.person (id integer PRIMARY KEY, name text, status text, shared boolean DEFAULT true);
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.shared, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
		'identifier_type', 'UIN', 'identifier_value', p.id::text)), 'secret', p.name, 'status', CASE p.status WHEN 'bad' THEN (p.name::integer)::text ELSE p.status END) AS record
	  FROM app.person p;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change')) x;
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test');

-- what can be rehearsed
SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment,enrolment_status_change}', fields => '{status}');
SELECT app.try($$SELECT casesync.rehearse('nothing', now() + interval '1 day')$$);
SELECT app.try($$SELECT casesync.rehearse('OUT', now() + interval '1 day')$$);
SELECT casesync.set_agreement('OUT', 'ess.test', identifier_types => '{UIN}', subjects => 'shared', valid_from => '2099-01-01', legal_basis => 'law', subscribing => 'auto');
SELECT app.try($$SELECT casesync.rehearse('OUT', NULL)$$);
SELECT app.try($$SELECT casesync.rehearse('OUT', now())$$);
SELECT app.try($$SELECT casesync.rehearse('OUT', 'infinity')$$);
SELECT casesync.set_agreement('IN', 'ess.test', direction => 'in', event_types => '{enrolment}', fields => '{status}',
	identifier_types => '{UIN}', valid_from => '2020-01-01', legal_basis => 'law');
SELECT app.try($$SELECT casesync.rehearse('IN', now() + interval '1 day')$$);
SELECT casesync.rehearse('OUT', now() + interval '1 day');
SELECT agreement, version, is_running, registry, subjects FROM casesync.rehearsals;

-- it begins only in 2099 and nobody has subscribed: it is rehearsed all the same, and nothing is made for a lane
INSERT INTO app.person SELECT i, 'Jane Doe ' || i, 'Active', i <> 3 FROM generate_series(1, 5) i;
SELECT changes, notifications FROM casesync_internal.route();
UPDATE app.person SET status = 'Suspended' WHERE id = 1;
UPDATE app.person SET name = 'Jane Roe' WHERE id = 2;
UPDATE app.person SET status = 'bad' WHERE id = 4;
SELECT changes, notifications FROM casesync_internal.route();
SELECT count(*) FROM casesync_internal.notification;
SELECT count(*) FROM casesync.disclosed;
SELECT count(*) FROM casesync_internal.told;
SELECT * FROM casesync_internal.lanes();
SELECT registry, event_type, outcome, subjects FROM casesync.rehearsals WHERE agreement = 'OUT' ORDER BY 1, 2, 3;
SELECT key, event_type, record FROM casesync.rehearsal_samples ORDER BY id;
-- the partner can do nothing with it
SELECT app.try($$SELECT casesync.subscribe('ess.test', 'enrolment', 'Member')$$);
-- the last hundred are kept
INSERT INTO app.person SELECT i, 'Jane Doe ' || i, 'Active' FROM generate_series(101, 350) i;
SELECT changes FROM casesync_internal.route(60);
SELECT count(*) FROM (SELECT casesync_internal.route() FROM generate_series(1, 3)) r;
SELECT count(*), min(key::integer), max(key::integer) FROM casesync.rehearsal_samples;
SELECT event_type, outcome, subjects FROM casesync.rehearsals WHERE agreement = 'OUT' ORDER BY 1, 2;

-- content is for auditors only
CREATE ROLE regress_rehearsal_admin;
CREATE ROLE regress_rehearsal_auditor;
SELECT casesync.grant_access('regress_rehearsal_admin', 'admin'), casesync.grant_access('regress_rehearsal_auditor', 'auditor');
SET ROLE regress_rehearsal_admin;
SELECT count(*) > 0 AS counts FROM casesync.rehearsals;
SELECT count(*) FROM casesync.rehearsal_samples;
SET ROLE regress_rehearsal_auditor;
SELECT count(*) FROM casesync.rehearsal_samples;
RESET ROLE;

-- one version at a time; the counts of each are its own
SELECT casesync.set_agreement('OUT', 'ess.test', fields => '{status,secret}');
SELECT casesync.rehearse('OUT', now() + interval '2 days');
SELECT version, state, end_reason FROM casesync.agreements WHERE agreement = 'OUT' ORDER BY version;
SELECT count(*) FROM casesync.rehearsal_samples;
UPDATE app.person SET status = 'Active' WHERE id IN (1, 2);
SELECT changes, notifications FROM casesync_internal.route();
SELECT version, is_running, event_type, outcome, subjects FROM casesync.rehearsals WHERE agreement = 'OUT' ORDER BY version, event_type, outcome;
SELECT version, key, record->>'secret' AS secret FROM casesync.rehearsal_samples ORDER BY id;
-- what goes wrong in it disturbs nobody
UPDATE casesync_internal.agreement SET subjects = 'no_such_column' WHERE state = 'rehearsed';
UPDATE app.person SET status = 'Exited' WHERE id = 1;
SELECT changes, notifications FROM casesync_internal.route();
SELECT event_type, outcome, subjects FROM casesync.rehearsals WHERE version = 3 AND agreement = 'OUT' ORDER BY 1, 2;
SELECT key, error_code FROM casesync.quarantine;
UPDATE casesync_internal.agreement SET subjects = 'shared' WHERE state = 'rehearsed';
ALTER TABLE casesync_internal.rehearsal_sample ADD CONSTRAINT full_disk CHECK (key <> '5') NOT VALID;
UPDATE app.person SET status = 'Exited' WHERE id = 5;
SELECT changes, notifications FROM casesync_internal.route();
SELECT event_type, outcome, subjects FROM casesync.rehearsals WHERE version = 3 AND agreement = 'OUT' ORDER BY 1, 2;
SELECT key, error_code FROM casesync.quarantine;
ALTER TABLE casesync_internal.rehearsal_sample DROP CONSTRAINT full_disk;
-- it ends by itself
UPDATE casesync_internal.agreement SET rehearsed_until = now() - interval '1 second' WHERE state = 'rehearsed';
UPDATE app.person SET status = 'Active' WHERE id = 1;
SELECT changes, notifications FROM casesync_internal.route();
SELECT is_running, sum(subjects) FROM casesync.rehearsals WHERE version = 3 AND agreement = 'OUT' GROUP BY 1;
-- it can be activated, by someone else than its author; then the samples go
SELECT casesync.set_node('sp.test', four_eyes => true);
SELECT four_eyes FROM casesync.this_node;
SELECT app.try($$SELECT casesync.activate('OUT')$$) ~ '^42501' AS refused;
SELECT casesync.set_node('sp.test', four_eyes => false);
SELECT four_eyes FROM casesync.this_node;
SELECT casesync.activate('OUT');
SELECT count(*) FROM casesync.rehearsal_samples;
SELECT version, is_running, sum(subjects) FROM casesync.rehearsals WHERE agreement = 'OUT' GROUP BY 1, 2 ORDER BY 1;
SELECT app.try($$SELECT casesync.rehearse('OUT', now() + interval '1 day')$$);
-- a new version is rehearsed beside the active one: what the partner knows already is not counted as sent
UPDATE casesync_internal.agreement SET valid_from = '2020-01-01' WHERE state = 'active';
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') <> '' AS subscribed;
SELECT casesync.set_agreement('OUT', 'ess.test', subjects => 'true');
SELECT casesync.rehearse('OUT', now() + interval '1 day');
UPDATE app.person SET status = 'Inactive' WHERE id IN (1, 3);
SELECT changes, notifications FROM casesync_internal.route();
UPDATE app.person SET name = name WHERE id IN (1, 3);
UPDATE app.person SET status = 'Active' WHERE id = 1;
UPDATE app.person SET status = 'Inactive' WHERE id = 1;
SELECT changes, notifications FROM casesync_internal.route();
SELECT outcome, subjects FROM casesync.rehearsals WHERE version = 4 ORDER BY 1;
SELECT key FROM casesync_internal.notification ORDER BY id;
SELECT what, about, detail->>'version' AS version FROM casesync.audit WHERE what = 'rehearse' ORDER BY id;
-- the end of all
SELECT casesync.end_agreement('OUT', 'over');
SELECT count(*) FROM casesync.rehearsal_samples;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_rehearsal_admin, regress_rehearsal_auditor;
DROP ROLE regress_rehearsal_admin, regress_rehearsal_auditor;
