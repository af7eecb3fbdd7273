-- A table that a published view reads and nobody tracks is said by health, until it is tracked or somebody says that it need not be.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\i test/scene/try.sql
\set ECHO none
SET search_path = app;
CREATE TABLE person (id integer PRIMARY KEY, status text);
CREATE TABLE consent (person_id integer, given boolean) PARTITION BY LIST (given);
CREATE TABLE consent_given PARTITION OF consent FOR VALUES IN (true);
CREATE TABLE word (word text, meaning text);
CREATE MATERIALIZED VIEW total AS SELECT count(*) AS people FROM person;
CREATE EXTENSION file_fdw SCHEMA app;
CREATE SERVER far FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE elsewhere (id integer) SERVER far OPTIONS (filename '/dev/null', format 'csv');
CREATE VIEW agreed AS SELECT person_id FROM consent_given WHERE given;
CREATE VIEW inner_people AS SELECT p.*, w.meaning FROM person p LEFT JOIN word w ON w.word = p.status;
CREATE VIEW people AS SELECT id AS subject_key, EXISTS (SELECT FROM agreed WHERE person_id = id) AS agreed,
	jsonb_build_object('employment_status', meaning, 'n', (SELECT people FROM total)) AS record FROM inner_people;
CREATE VIEW others AS SELECT id AS subject_key, '{}'::jsonb AS record FROM elsewhere UNION SELECT id, '{}' FROM person;
DO $$ BEGIN
	PERFORM casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
	PERFORM casesync.publish('people', 'people', 'Member');
	PERFORM casesync.publish('others', 'others', 'Member');
END $$;
CREATE VIEW health AS SELECT severity, problem, mend FROM casesync.health WHERE problem !~ 'four eyes';
\set ECHO all
-- a registry that is only asked
SELECT * FROM health;
SELECT casesync.track('person', '{people}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
SELECT * FROM health;
SELECT casesync.track('consent', '{others}', 'person_id', on_update => 'enrolment_status_change') <> '' AS tracked;
SELECT problem FROM health;
SELECT casesync.untrack('consent');
SELECT casesync.track('consent', '{people}', 'person_id', on_update => 'enrolment_status_change') <> '' AS tracked;
SELECT casesync.leave_untracked('word', 'people', 'words never change');
SELECT casesync.leave_untracked('total', 'people', 'refreshed at night, with look_again()');
SELECT problem FROM health;
SELECT casesync.leave_untracked('word', 'people', NULL);
SELECT problem FROM health;
-- what an agreement promises counts too
DO $$ BEGIN
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test');
	PERFORM casesync.add_key('ess.test', '{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{others}', event_types => '{enrolment_status_change}',
		fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
	PERFORM casesync.activate('OUT');
END $$;
SELECT problem FROM health WHERE problem ~ 'others';
-- who may say so, and of what
SELECT app.try($$SELECT casesync.leave_untracked('consent', 'others', 'why')$$);
SELECT app.try($$SELECT casesync.leave_untracked(NULL, 'people', 'why')$$);
SELECT app.try($$SELECT casesync.leave_untracked('word', 'nobody', 'why')$$);
CREATE ROLE regress_other;
SELECT casesync.grant_access('regress_other', 'publisher') <> '' AS granted;
GRANT USAGE ON SCHEMA app TO regress_other;
SET ROLE regress_other;
SELECT app.try($$SELECT casesync.leave_untracked('app.word', 'people', 'why')$$);
RESET ROLE;
SELECT what, about, detail FROM casesync.audit WHERE what = 'leave_untracked' ORDER BY id;

-- what the view's functions read, as far as their bodies show it
CREATE TABLE by_name (id integer, n integer);
CREATE TABLE by_path (id integer, n integer);
CREATE TABLE by_body (id integer, n integer);
CREATE TABLE by_view (id integer, n integer);
CREATE TABLE "Sometimes Quoted" (id integer, n integer);
CREATE TABLE only_mentioned (id integer, n integer);
CREATE VIEW view_in_body AS SELECT * FROM by_view;
CREATE FUNCTION by_name(id integer) RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF only_mentioned(id) THEN RETURN NULL; END IF;
	RETURN (SELECT b.n FROM App.By_Name b JOIN app."Sometimes Quoted" q USING (id) WHERE b.id = by_name.id AND b.n > extract(year FROM now()));
END $$;
CREATE FUNCTION by_path(id integer) RETURNS integer LANGUAGE sql STABLE SET search_path = pg_catalog, app AS
	'SELECT p.n FROM by_path p LEFT JOIN LATERAL (SELECT * FROM ONLY view_in_body) v ON true WHERE p.id = $1';
CREATE FUNCTION only_mentioned(id integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT id = 0 AND 'app.only_mentioned' <> ''$$;
CREATE FUNCTION by_body(x integer) RETURNS integer LANGUAGE sql STABLE RETURN (SELECT b.n FROM by_body b WHERE b.id = x AND NOT only_mentioned(x));
CREATE VIEW called AS SELECT id AS subject_key, jsonb_build_object('n', by_name(id), 'm', by_path(id), 'o', by_body(id)) AS record FROM person;
DO $$ BEGIN PERFORM casesync.publish('called', 'called', 'Member'); END $$;
SELECT casesync.track('person', '{people,called}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
SELECT problem FROM health WHERE problem ~ 'called' ORDER BY 1;
SELECT casesync.leave_untracked('by_name', 'called', 'numbers never change');
SELECT casesync.track('by_body', '{called}', 'id', on_update => 'enrolment_status_change') <> '' AS tracked;
SELECT problem FROM health WHERE problem ~ 'called' ORDER BY 1;

-- what would notice it is off
DELETE FROM casesync_internal.left_untracked;
ALTER EVENT TRIGGER casesync_drop DISABLE;
ALTER EXTENSION casesync DROP EVENT TRIGGER casesync_rewrite;
DROP EVENT TRIGGER casesync_rewrite;
DROP TRIGGER casesync_1_unseen ON person;
SELECT problem, mend FROM health WHERE problem !~ 'registry';
SELECT casesync_internal.event_triggers_make();
SELECT casesync.retrack();
SELECT evtname, evtenabled, pg_describe_object('pg_event_trigger'::regclass, oid, 0) IN (SELECT pg_describe_object(classid, objid, 0) FROM pg_depend WHERE deptype = 'e') AS ours
  FROM pg_event_trigger ORDER BY 1;
SELECT problem, mend FROM health WHERE problem !~ 'registry';

DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_other;
DROP ROLE regress_other;
