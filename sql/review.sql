-- Mistakes of a configuration are named before they cost a day: by review(), and by the calls that make them.
CREATE EXTENSION casesync;
SET casesync.review = on;
\i test/scene/try.sql
\set ECHO none
CREATE TABLE app.person (id uuid PRIMARY KEY, uin text, name text, died date, shared boolean DEFAULT true, left_on date);
CREATE TABLE app.programme (id uuid PRIMARY KEY, name text);
CREATE TABLE app.spell (id uuid PRIMARY KEY, person_id uuid NOT NULL REFERENCES app.person, programme_id uuid NOT NULL REFERENCES app.programme, state text);
CREATE TABLE app.consent (person_id uuid REFERENCES app.person, partner text, PRIMARY KEY (person_id, partner));
CREATE FUNCTION app.n(i integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid $$;
INSERT INTO app.person SELECT app.n(i), 'U' || i, 'Ada' FROM generate_series(1, 8) i;
INSERT INTO app.programme VALUES (app.n(100), 'cash');
INSERT INTO app.spell SELECT app.n(200 + i), app.n(i), app.n(100), '1' FROM generate_series(1, 8) i;
INSERT INTO app.consent SELECT app.n(i), 'ess.test' FROM generate_series(1, 5) i;
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, EXISTS (SELECT FROM app.consent c WHERE c.person_id = p.id) AS consents,
		casesync.beneficiary(identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
			member => casesync.member(identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
				demographic_info => casesync.person(name => casesync.name('Lovelace', p.name), birth_date => '1815-12-10', death_date => p.died)),
			programmes => (SELECT array_agg(casesync.enrolment(r.name, s.state) ORDER BY s.id) FROM app.spell s JOIN app.programme r ON r.id = s.programme_id
				WHERE s.person_id = p.id)) AS record
	  FROM app.person p WHERE p.left_on IS NULL;
DO $$ BEGIN
	PERFORM casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
END $$;
CREATE FUNCTION app.agree(fields text[], event_types text[], identifier_types text[] DEFAULT '{UIN}', filter_fields text[] DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => agree.event_types, fields => agree.fields,
		identifier_types => agree.identifier_types, filter_fields => agree.filter_fields, subjects => 'consents', valid_from => '2020-01-01', legal_basis => 'law') $$;
\set ECHO all
-- nothing is wrong with nothing
SELECT * FROM casesync.review();
-- a view that is as it should be, of which nothing is tracked yet
SELECT * FROM casesync.publish('people', 'app.people', 'Beneficiary');
SELECT severity, subject, problem FROM casesync.review();
SELECT casesync.track('app.spell', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
-- tables that the view reads and nobody tracks: deaths and consents would never leave
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_change}');
SELECT problem, mend FROM casesync.review('people') WHERE problem ~ 'nobody tracks';
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
SELECT casesync.track('app.consent', '{people}', 'person_id', on_insert => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.leave_untracked('app.programme', 'people', 'names of programmes never change');
SELECT * FROM casesync.review();
-- fields: misspelt; of another record type; in another spelling of the standard; known, but in no record
SELECT app.agree('{enrollment_status,member.demographic_info.deathdate,birth_date,member.birthday_date,member.additional_attributes.plan,foo}', '{enrolment}');
SELECT app.agree('{enrolment_status,member.demographic_info.death_date}', '{enrolment,enrolment_status_change}');
SELECT severity, problem, mend FROM casesync.review();
-- event types that nothing makes
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_chang,exit}');
-- identifiers that nobody has; columns for filters that the view does not have
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_change}', '{BI}', '{consent,district}');
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_change}', '{UINN,uin}');
-- what does nothing, in this direction or without a service
SELECT casesync.set_agreement('OUT', 'ess.test', identifier_types => '{UIN}', filter_fields => '{}', initial_state => true) <> '' AS written;
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{search}', apply_mode => 'auto') <> '' AS written;
SELECT casesync.set_agreement('IN', 'ess.test', direction => 'in', registries => '{people}', subjects => 'consents', on_leave => 'identifier_only') <> '' AS written;
SELECT subject, problem, mend FROM casesync.review();
SELECT casesync.end_agreement('IN', 'a try');
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify}', apply_mode => 'review', initial_state => false) <> '' AS written;
-- who does not want to be told
SET casesync.review = off;
SELECT app.agree('{foo}', '{exit}', '{BI}');
SET casesync.review = on;
-- once more, by who activates it; then health has what needs no look at rows, while it lasts
SELECT app.agree('{enrollment_status,foo}', '{enrolment,enrolment_status_change,exit}');
SELECT casesync.activate('OUT') ~ 'is active' AS activated;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'agreement|tracking|registry';
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_change}');
SELECT casesync.activate('OUT') ~ 'is active' AS activated;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'agreement|tracking|registry';
SELECT severity, subject, problem, mend FROM casesync.review();

-- a table that somebody keeps locked is waited for half a second, and by health not at all
BEGIN;
LOCK TABLE app.person;
PREPARE TRANSACTION 'regress_review';
SELECT app.agree('{enrollment_status,foo}', '{enrolment,enrolment_status_change}');
SELECT severity, problem FROM casesync.review();
SELECT severity, problem FROM casesync.health WHERE problem ~ 'agreement|tracking|registry|locked';
ROLLBACK PREPARED 'regress_review';
SELECT app.agree('{enrollment_status}', '{enrolment,enrolment_status_change}');
SELECT casesync.activate('OUT') ~ 'is active' AS activated;

-- trackings: a second one of the same table by mistake, with an event type of nobody's
SELECT casesync.track('app.spell', '{people}', 'person_id', on_update => 'status_change') <> '' AS tracked;
-- a query for subjects that does not ask for the key: id is the spell's own
SELECT casesync.track('app.programme', '{people}', 'id', on_update => 'enrolment_status_change',
	subjects => 'SELECT person_id FROM app.spell WHERE programme_id = id') <> '' AS tracked;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'agreement|tracking|registry';
SELECT count(*) FROM (SELECT casesync.untrack(t) FROM unnest('{app.spell,app.programme}'::regclass[]) t) x;
SELECT casesync.track('app.programme', '{people}', 'id', on_update => 'enrolment_status_change',
	subjects => 'SELECT person_id FROM app.spell WHERE programme_id = $1::uuid') <> '' AS tracked;
-- the row's own key, where the view has that of the person; a key of another type
SELECT casesync.track('app.spell', '{people}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
CREATE TABLE app.visit (n integer PRIMARY KEY, whom uuid);
INSERT INTO app.visit VALUES (1, app.n(1));
SELECT casesync.track('app.visit', '{people}', 'n', on_update => 'enrolment_status_change') <> '' AS tracked;
-- one that no row finds anybody by
CREATE TABLE app.note (about text);
INSERT INTO app.note SELECT app.n(i)::text FROM generate_series(11, 13) i;
SELECT casesync.track('app.note', '{people}', 'about', on_update => 'enrolment_status_change') <> '' AS tracked;
INSERT INTO app.note VALUES ('nobody');
SELECT subject, problem, mend FROM casesync.review('people');
SELECT count(*) FROM (SELECT casesync.untrack(t) FROM unnest('{app.spell,app.visit,app.note}'::regclass[]) t) x;

-- views: several rows of one subject, rows of nobody, types that nobody knows
CREATE VIEW app.twice AS SELECT s.person_id AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', s.id::text)]) AS record
	FROM (SELECT * FROM app.spell UNION ALL (SELECT * FROM app.spell ORDER BY id LIMIT 3)) s
	UNION ALL SELECT NULL, '{}';
SELECT * FROM casesync.publish('twice', 'app.twice', 'Pessoa', 'SocialProt');
SELECT severity, subject, problem, mend FROM casesync.review('twice');
-- who agrees about it later is told so, too
SELECT casesync.set_agreement('TWICE', 'ess.test', registries => '{twice}', event_types => '{enrolment}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'true', services => '{search}', valid_from => '2026-01-01', legal_basis => 'law') <> '' AS written;
-- a key that the view makes of a column, of a type that has a length
CREATE TABLE app.dossier (code char(8));
INSERT INTO app.dossier SELECT 'AB' || i FROM generate_series(1, 9) i;
CREATE VIEW app.dossiers AS SELECT lower(code) AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', code::text)]) AS record
	FROM app.dossier;
SELECT * FROM casesync.publish('dossiers', 'app.dossiers', 'Member');
SELECT casesync.track('app.dossier', '{dossiers}', 'code', on_update => 'enrolment') <> '' AS tracked;
SELECT casesync.untrack('app.dossier');
SELECT casesync.track('app.dossier', '{dossiers}', 'lower(code)', on_update => 'enrolment') <> '' AS tracked;
SELECT casesync.untrack('app.dossier');
SELECT casesync.track('app.dossier', '{dossiers}', 'code', on_update => 'enrolment',
	subjects => 'SELECT lower(code) FROM app.dossier WHERE code = $1::bpchar') <> '' AS tracked;
SELECT casesync.untrack('app.dossier');
SELECT casesync.unpublish('dossiers');
-- keys that are others each time; records that cannot be rendered, or are not the standard's
CREATE VIEW app.fleeting AS SELECT gen_random_uuid() AS subject_key, '{"member_identifier": []}'::jsonb AS record FROM app.person;
SELECT * FROM casesync.publish('fleeting', 'app.fleeting', 'Member');
CREATE VIEW app.failing AS SELECT id AS subject_key, jsonb_build_object('sex', left(name, 1)::integer::text) AS record FROM app.person;
SELECT * FROM casesync.publish('failing', 'app.failing', 'Member');
CREATE VIEW app.strange AS SELECT id AS subject_key, jsonb_build_object('marital_status', name, 'member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin))) AS record FROM app.person;
SELECT * FROM casesync.publish('strange', 'app.strange', 'Member');
-- nothing that a person's row says is shown
SELECT count(*) FROM casesync.review() r WHERE r::text ~ 'Ada|Lovelace|1815|U[1-8]\M|0000-4000';
-- a view that takes for ever, or fails when it is only looked at, keeps nobody from publishing it
CREATE VIEW app.slow AS SELECT id AS subject_key, '{}'::jsonb AS record FROM app.person WHERE pg_sleep(100) IS NOT NULL;
SELECT * FROM casesync.publish('slow', 'app.slow', 'Member');
SELECT severity, problem FROM casesync.review('slow') WHERE problem !~ 'tracks';
CREATE VIEW app.broken AS SELECT id AS subject_key, '{}'::jsonb AS record FROM app.person WHERE 1 / (length(name) - 3) > 0;
SELECT * FROM casesync.publish('broken', 'app.broken', 'Member');
-- nothing is left in the transaction that asked
BEGIN;
SELECT count(*) > 10 AS found FROM casesync.review();
SELECT pg_current_xact_id_if_assigned() IS NULL AS nothing_written;
COMMIT;

-- who may: administrators and approvers all of it, publishers what is their own
SELECT app.try($$SELECT * FROM casesync.review('nobody')$$);
CREATE ROLE regress_looks;
CREATE ROLE regress_publishes;
DO $$ BEGIN
	PERFORM casesync.grant_access('regress_looks', 'approver');
	PERFORM casesync.grant_access('regress_publishes', 'publisher');
END $$;
GRANT USAGE, CREATE ON SCHEMA app TO regress_publishes;
SET ROLE regress_looks;
SELECT count(*) > 10 AS found FROM casesync.review();
SET ROLE regress_publishes;
SELECT * FROM casesync.review();
SELECT app.try($$SELECT casesync_internal.registry_warn('people')$$);
SELECT app.try($$SELECT casesync_internal.tracking_warn(1)$$);
CREATE TABLE app.own (id integer PRIMARY KEY);
CREATE VIEW app.own_view AS SELECT id % 2 AS subject_key, '{}'::jsonb AS record FROM app.own;
INSERT INTO app.own SELECT generate_series(1, 9);
SELECT * FROM casesync.publish('own', 'app.own_view', 'Member');
RESET ROLE;

DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_looks, regress_publishes;
DROP ROLE regress_looks, regress_publishes;
