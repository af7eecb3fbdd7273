-- The casework schema is its maker's: under any name, several at once, gone without trace; who works in it has no more rights than that takes.
\set ECHO none
\i test/scene/try.sql
CREATE EXTENSION casesync;
CREATE ROLE regress_ministry;
CREATE ROLE regress_worker;
CREATE ROLE regress_supervisor;
SELECT casesync.grant_access('regress_ministry', 'publisher') IS NULL AS none, casesync.set_node('sp', 'https://sp.example', four_eyes => false) IS NULL AS none;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_ministry', current_database()) \gexec
GRANT USAGE ON SCHEMA app TO regress_ministry, regress_worker, regress_supervisor;

-- what can be no name
SELECT app.try(format('SELECT casesync.create_casework(%L)', n)) FROM unnest('{NULL,"",casesync,pg_catalog,pg_mine,app}'::text[]) n;
SELECT app.try('SELECT casesync.publish_casework(''app'')');
SELECT app.try('SELECT casesync.grant_casework(''nowhere'', ''regress_worker'', ''worker'')');

-- by an application's owner, with nothing but CREATE on the database; names of all sorts, and a schema that is there already
SET ROLE regress_ministry;
SET search_path = public;
SELECT casesync.create_casework('casework');
SELECT casesync.create_casework(n) FROM unnest(ARRAY['Ca"se''', 'select', 'a.b $body$ $part$ %I', repeat('x', 63), 'été']) n;
SELECT app.try('SELECT casesync.create_casework(''casework'')');
SHOW search_path;
RESET ROLE;
CREATE SCHEMA given AUTHORIZATION regress_ministry;
SET ROLE regress_ministry;
SELECT casesync.create_casework('given');
RESET ROLE;
-- as much in each; all of it the ministry's; and every table has a primary key, every table, view and function a comment
SELECT n.nspname, count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = n.nspowner
	WHERE r.rolname = 'regress_ministry' AND c.relowner = r.oid AND c.relkind IN ('r', 'v') GROUP BY 1 ORDER BY 1;
SELECT c.relname AS without FROM pg_class c WHERE c.relnamespace = 'casework'::regnamespace AND (c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL
	OR c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'casework'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
-- whoever's rights they run with, functions find what is in their schema and nothing before it
SELECT DISTINCT p.proconfig FROM pg_proc p WHERE p.pronamespace = 'casework'::regnamespace;
-- nothing of them belongs to the extension, or needs more of it than types, operators and builders
SELECT count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
	LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('casework', 'given'));
SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'casework'::regnamespace AND p.prosrc LIKE '%casesync_internal%';
SELECT app.try('DROP EXTENSION casesync') LIKE '2BP01: cannot drop extension casesync because other objects depend on it%' AS is_refused;

-- published and tracked by one call, as often as one likes
SET ROLE regress_ministry;
SELECT * FROM casesync.publish_casework('casework');
SELECT * FROM casesync.publish_casework('casework');
SELECT * FROM casesync.publish_casework('Ca"se''', 'second', 'Social');
SELECT app.try($$SELECT casesync.publish_casework('given', 'Second')$$);
SELECT registry, view, record_type, reg_type FROM casesync.registries ORDER BY 1;
SELECT relation, registries, key, on_insert, on_update, condition FROM casesync.tracked WHERE relation::text LIKE 'casework.%' ORDER BY relation::text, on_update;
SELECT DISTINCT on_insert, on_update FROM casesync.tracked WHERE relation::text LIKE '"Ca%' ORDER BY 1;
RESET ROLE;
SELECT problem, mend FROM casesync.health WHERE problem LIKE '%casework%' OR problem LIKE '%Ca"%' OR problem LIKE '%second%';
-- looking up one person reads no table from end to end
UPDATE casework.review_rule SET rule = 'none', percent = NULL;
INSERT INTO casework.organisation VALUES ('sp', 'SP', true);
INSERT INTO casework.person (id, birth_date) SELECT i, '1990-01-01' FROM generate_series(1, 2000) i;
INSERT INTO casework.identifier SELECT i, 'UIN', i::text FROM generate_series(1, 2000) i;
INSERT INTO casework.case_file (id, person_id, lead_organisation) SELECT i, i, 'sp' FROM generate_series(1, 2000) i;
INSERT INTO casework.plan (id, case_file_id) SELECT i, i FROM generate_series(1, 2000) i;
INSERT INTO casework.enrolment (person_id, programme, status) SELECT i, 'Public works', 'Active' FROM generate_series(1, 2000) i;
INSERT INTO casework.consent (person_id, purpose, given_on) SELECT i, 'sharing', '2026-01-01' FROM generate_series(1, 2000) i;
ANALYZE casework.person, casework.identifier, casework.case_file, casework.plan, casework.enrolment, casework.consent;
SET ROLE regress_ministry;
SELECT * FROM casesync.publish('casework.member', 'casework.shared_member', 'Member');
SELECT * FROM casesync.publish('casework.beneficiary', 'casework.shared_beneficiary', 'Beneficiary');

-- who works here
INSERT INTO casework.office (id, organisation, name) VALUES (1, 'sp', 'Centre');
INSERT INTO casework.worker (id, office_id, name, role, login, supervisor_id) VALUES (2, 1, 'Saba', 'supervisor', 'regress_supervisor', NULL), (1, 1, 'Sami', 'case_manager', 'regress_worker', 2);
SELECT app.try($$UPDATE casework.worker SET supervisor_id = 1 WHERE id = 2$$);
SELECT casesync.grant_casework('casework', 'regress_worker', 'worker');
SELECT casesync.grant_casework('casework', 'regress_supervisor', 'supervisor');
SELECT app.try($$SELECT casesync.grant_casework('casework', 'regress_worker', 'king')$$);
RESET ROLE;
SELECT casesync.grant_access('regress_worker', 'types') IS NULL AS none, casesync.grant_access('regress_supervisor', 'types') IS NULL AS none;
UPDATE casework.review_rule SET rule = 'all', percent = NULL;
SET ROLE regress_worker;
-- a worker's own login is that worker, whatever it says
SET casesync.actor = '2';
UPDATE casework.person SET employment_status = 'Employed' WHERE id = 7;
SELECT changed_by, row_version FROM casework.person WHERE id = 7;
SELECT person_id, event_type, organisation, why, supervisor_id FROM casework.review;
-- nobody writes what the rules write, and nobody decides about their own
SELECT app.try(s) FROM unnest(ARRAY[$$INSERT INTO casework.trail (what, verb) VALUES ('x', 'y')$$, $$DELETE FROM casework.trail$$, $$UPDATE casework.review SET decision = 'approved'$$,
	$$SELECT casework.decide(id, 'approved') FROM casework.review$$, $$DELETE FROM casework.review_worker$$, $$DELETE FROM casework.held$$, $$UPDATE casework.review_rule SET rule = 'none'$$,
	$$SELECT casework.review_open(1, 'plan_change', 2, 'x')$$, $$UPDATE casework.worker SET role = 'supervisor'$$, $$DELETE FROM casework.person$$,
	$$UPDATE casework.plan_approval SET worker_id = 2$$, $$ALTER TABLE casework.plan DISABLE TRIGGER ALL$$, $$CREATE TABLE casework.worker2 ()$$, $$TRUNCATE casework.goal$$]) s;
SET ROLE regress_supervisor;
SELECT kind, person_id, detail FROM casework.review_due WHERE supervisor_id = 2 AND kind = 'review';
SELECT casework.decide(review_id, 'approved') IS NULL AS none FROM casework.review_due WHERE kind = 'review';
SELECT app.try($$UPDATE casework.review SET decided_by = 1$$);
SET ROLE regress_ministry;
SELECT worker_id, what, row_id, verb, columns, status_after FROM casework.trail WHERE person_id = 7 ORDER BY id DESC LIMIT 2;
SELECT app.try(s) FROM unnest('{UPDATE casework.trail SET what = NULL,DELETE FROM casework.trail,TRUNCATE casework.trail}'::text[]) s;
RESET casesync.actor;

-- only apply functions, which run as the owner, write what a message told; not who works here, nor who did
UPDATE casework.worker SET left_on = current_date WHERE id = 1;
SET ROLE regress_worker;
UPDATE casework.person SET employment_status = 'Not Employed', told_by = 'message 1' WHERE id = 7;
SELECT app.try($$INSERT INTO casework.plan (case_file_id, status, told_by) VALUES (8, 'active', 'message 1')$$);
SELECT app.try($$INSERT INTO casework.delivery (plan_id, plan_version, action_id, told_by) VALUES ('7', 1, 'x', 'message 1')$$);
SET ROLE regress_ministry;
SELECT changed_by, told_by FROM casework.person WHERE id = 7;
UPDATE casework.person SET employment_status = 'Employed', told_by = 'message 2' WHERE id = 7;
SELECT changed_by, told_by FROM casework.person WHERE id = 7;

-- taken back, and gone without trace
SELECT casesync.receive_casework('casework') IS NOT NULL AS receives;
SELECT casesync.unpublish_casework('casework');
SELECT casesync.unpublish_casework('casework');
DROP SCHEMA casework, given CASCADE;
SELECT count(*) FROM casesync.tracked WHERE relation::text LIKE 'casework.%' OR relation::text ~ '^\d+$';
RESET ROLE;
SELECT count(*) AS named FROM casesync_internal.handler;
SET ROLE regress_ministry;
SELECT casesync.receive_casework('Ca"se''') IS NOT NULL AS receives;
-- dropped first: what was published is said, with what takes it back
DROP SCHEMA "Ca""se'" CASCADE;
RESET ROLE;
SELECT regexp_replace(problem, '(since|until) \d{4}-\d\d-\d\d \d\d:\d\d', '\1 …', 'g') AS problem FROM casesync.health WHERE problem LIKE '%second%' ORDER BY problem COLLATE "C";
SET ROLE regress_ministry;
SELECT casesync.unpublish_casework('Ca"se''', 'second');
SELECT count(*) FROM casesync.registries;
RESET ROLE;
SELECT count(casesync.fill_gap(g.gap)) AS gaps FROM casesync.gaps g;
SELECT severity, problem FROM casesync.health WHERE problem LIKE '%second%';
SELECT count(*) FROM casesync_internal.tracking WHERE NOT removed;
SELECT format('DROP SCHEMA %I CASCADE', n.nspname) FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner AND r.rolname = 'regress_ministry' ORDER BY n.oid \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM regress_ministry', current_database()) \gexec
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_ministry, regress_worker, regress_supervisor;
DROP ROLE regress_ministry, regress_worker, regress_supervisor;
