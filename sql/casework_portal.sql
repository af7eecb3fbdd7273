-- A beneficiary's own update: one person in a transaction, proven by a token that the portal's role cannot make; what it may do, and all that it may not.
\set ECHO none
CREATE EXTENSION casesync;
\set schema casework
\set me :USER
\i test/scene/casework.sql
\i test/scene/state.sql
\i test/scene/delivery.sql
\set ECHO none
\pset format unaligned
\pset null '(null)'
SET casesync.actor = '';
UPDATE review_rule SET rule = 'none', percent = NULL;
SELECT casesync.create_casework('elsewhere') IS NOT NULL AS made \gset
CREATE ROLE regress_ministry;
CREATE ROLE regress_portal LOGIN;
CREATE ROLE regress_login LOGIN;
CREATE ROLE regress_clerk LOGIN;
CREATE ROLE regress_nosy LOGIN;
-- what a statement answers, run by whoever calls: for roles that have nothing
CREATE FUNCTION app.try_as(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint; m text; d text; h text;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	m := concat_ws(E'\n  ', SQLSTATE || ' ' || m, nullif(d, ''), nullif(h, ''));
	RETURN regexp_replace(replace(m, format('database "%s"', current_database()), 'database "(this)"'), '(changed it at|date of death is) [^\n]*', '\1 (then).');
END $$;
-- waits until a token's time is over
CREATE FUNCTION app.pass(token text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	WHILE extract(epoch FROM clock_timestamp()) * 1000 <= split_part(token, '.', 2)::bigint LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN true;
END $$;
CREATE FUNCTION app.lend(token text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT casework.as_person(token)';
ALTER FUNCTION app.lend(text) OWNER TO regress_portal;
-- whether a statement looks at rows of the table that it names first
CREATE FUNCTION app.explains(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text; seen text := 'nothing';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) ' || statement LOOP
		seen := CASE WHEN line ~ '(Scan|Heap).* on .*rows=' OR line ~ 'Rows Removed' THEN 'rows' ELSE seen END;
	END LOOP;
	RETURN seen;
END $$;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE FUNCTION app.spy(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
\set ECHO all
-- a token needs the node's key
SELECT * FROM app.state_of($$SELECT casework.person_token(1)$$);
SELECT casesync.set_node('sp.example.org', 'https://sp.example', four_eyes => false) IS NOT NULL AS done;

-- who may let whom in
SELECT casesync.grant_access('regress_portal', 'portal');
SELECT casesync.grant_access('regress_login', 'portal_login');
SELECT casesync.grant_casework('casework', 'regress_clerk', 'worker');
SELECT casesync.grant_access('regress_clerk', 'types');
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
SELECT casesync.grant_casework('casework', 'regress_portal', 'portal');
SELECT casesync.grant_casework('casework', 'regress_login', 'portal_login');
INSERT INTO worker (id, office_id, name, role, supervisor_id, login) VALUES (9, 1, 'Cleo', 'case_manager', 3, 'regress_clerk');
SELECT casesync.grant_casework('elsewhere', 'regress_login', 'portal_login') IS NOT NULL AS done;
-- a role is one of them: no worker is a portal, no portal makes tokens, nobody above row security is one person
SELECT * FROM app.state_of($$SELECT casesync.grant_casework('casework', 'regress_clerk', 'portal')$$);
SELECT * FROM app.state_of($$SELECT casesync.grant_casework('casework', 'regress_portal', 'worker')$$);
SELECT * FROM app.state_of($$SELECT casesync.grant_casework('casework', 'regress_portal', 'portal_login')$$);
SELECT code FROM app.state_of(format('SELECT casesync.grant_casework(%L, %L, %L)', 'casework', current_user, 'portal'));
ALTER ROLE regress_nosy BYPASSRLS;
SELECT * FROM app.state_of($$SELECT casesync.grant_casework('casework', 'regress_nosy', 'portal')$$);
ALTER ROLE regress_nosy NOBYPASSRLS;
SELECT code, message FROM app.state_of($$SELECT casesync.grant_casework('app', 'regress_portal', 'portal')$$);
-- by the owner, with the owner's rights: no superuser runs what another has put there
CREATE SCHEMA theirs AUTHORIZATION regress_ministry;
SELECT casesync.grant_access('regress_ministry', 'publisher') IS NOT NULL AS done;
SET ROLE regress_ministry;
SELECT casesync.create_casework('theirs') IS NOT NULL AS done;
RESET ROLE;
SELECT code, regexp_replace(message, '\S+$', '(me)') AS message, hint FROM app.state_of($$SELECT casesync.grant_casework('theirs', 'regress_portal', 'portal')$$);
SELECT code FROM app.state_of($$SELECT casesync.renew_portal('theirs')$$) UNION ALL SELECT code FROM app.state_of($$SELECT casesync.grant_casework('theirs', 'regress_login', 'portal_login')$$);
SET ROLE regress_ministry;
SELECT casesync.grant_casework('theirs', 'regress_login', 'portal_login');
SELECT casesync.grant_casework('theirs', 'regress_portal', 'portal') IS NOT NULL AS done;
INSERT INTO theirs.portal_field VALUES ('person', 'surname');
SELECT code FROM app.state_of($$SELECT casesync.grant_casework('casework', 'regress_nosy', 'portal')$$);
RESET ROLE;
SELECT has_column_privilege('regress_portal', 'theirs.person', 'surname', 'UPDATE'), has_column_privilege('regress_portal', 'casework.person', 'surname', 'UPDATE');
-- who owns the schema makes no token without the access for it
SET ROLE regress_ministry;
SELECT app.try_as('SELECT theirs.person_token(1)');
RESET ROLE;
DROP SCHEMA theirs CASCADE;
-- again is no error, and a second portal leaves the first one what it has
CREATE ROLE regress_kiosk LOGIN;
SELECT casesync.grant_access('regress_kiosk', 'portal') IS NOT NULL AS done, casesync.grant_casework('casework', 'regress_kiosk', 'portal') IS NOT NULL AS done,
	casesync.grant_casework('casework', 'regress_portal', 'portal') IS NOT NULL AS done;
SELECT p.polname, p.polpermissive, count(*) AS tables, min(ARRAY(SELECT r::regrole::text FROM unnest(p.polroles) r WHERE r <> 0 ORDER BY 1)::text) AS roles
	FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'casework'::regnamespace GROUP BY 1, 2 ORDER BY 1;
-- what a portal has: columns, and not one table
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) FILTER (WHERE has_column_privilege('regress_portal', c.oid, a.attnum, 'SELECT')) AS reads,
	string_agg(a.attname, ' ' ORDER BY a.attnum) FILTER (WHERE has_column_privilege('regress_portal', c.oid, a.attnum, 'UPDATE')) AS changes
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = 'casework'::regnamespace AND c.relkind IN ('r', 'v')
	GROUP BY 1 HAVING bool_or(has_column_privilege('regress_portal', c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')) ORDER BY 1;
SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'casework'::regnamespace AND c.relkind IN ('r', 'v', 'S')
	AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('regress_portal', c.oid, 'USAGE, SELECT, UPDATE') ELSE has_table_privilege('regress_portal', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END;
-- what runs with the owner's rights is nobody's to call, but to ask who one is
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'casework'::regnamespace AND p.prosecdef AND has_function_privilege('regress_nosy', p.oid, 'EXECUTE');
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'casework'::regnamespace AND p.prosecdef AND has_function_privilege('regress_login', p.oid, 'EXECUTE') ORDER BY 1;

-- what is to be seen of persons 1 and 2
SELECT app.make_plan(1, 'proposed', 'P1');
SELECT app.make_plan(2, 'active', 'P2');
SELECT app.make_plan(3, 'draft', 'P3');
UPDATE plan SET client_agreed_on = NULL WHERE id = 'P1';
SELECT app.act(2);
INSERT INTO delivery (plan_id, action_id, delivered_on, evidence) VALUES ('P2', 'A-ESS', '2026-10-12', 'list of 12 October');
INSERT INTO referral (id, person_id, status, referred_by, referred_to, service, consent_id) VALUES ('R1', 1, 'requested', 'sp.example.org', 'ess.example.org', 'job search', 1),
	('R2', 2, 'requested', 'sp.example.org', 'ess.example.org', 'job search', 2), ('R3', 3, 'draft', 'sp.example.org', 'ess.example.org', 'job search', 3);
INSERT INTO consent (id, person_id, purpose, override_reason) VALUES (11, 1, 'emergency', 'a court said so');
INSERT INTO enrolment (person_id, programme, status) VALUES (1, 'Public works', 'Active'), (2, 'Cash transfer', 'Active');
SELECT app.act(NULL);

-- tokens: by the login, for somebody, for some minutes
SET SESSION AUTHORIZATION regress_login;
SELECT app.try_as(s) FROM unnest(ARRAY[$$SELECT casework.person_token(1, '16 minutes')$$, $$SELECT casework.person_token(1, '0')$$, $$SELECT casework.person_token(1, '-1 minute')$$, $$SELECT casework.person_token(NULL)$$,
	$$SELECT casework.person_token(1, NULL)$$, $$SELECT casework.person_token(1, 'infinity')$$, $$SELECT casesync.person_token('app', 1)$$, $$SELECT casesync.person_token(NULL, 1)$$, $$SELECT * FROM casework.person$$, $$SELECT casework.as_person('x')$$]) s;
SELECT casework.person_known_by('NATIONAL_ID', '100001'), casework.person_known_by('NATIONAL_ID', 'nobody');
SELECT casework.person_token(1) ~ '^1\.\d{13}\.[1-9]\d*\.[0-9a-f]{64}$' AS is_token, casework.person_token(1) <> casework.person_token(1) AS is_new;
SELECT casework.person_token(1, '15 minutes') AS token1, casework.person_token(2, '15 minutes') AS token2, casework.person_token(3) AS token3, casework.person_token(77) AS token77, casework.person_token(1, '10 milliseconds') AS late,
	elsewhere.person_token(1) AS foreign \gset
SET SESSION AUTHORIZATION regress_portal;

-- without a token there is nobody, and nothing
SELECT app.try_as(format('SELECT %s FROM casework.%s', c, t)) FROM (VALUES ('person', 'id'), ('consent', 'id'), ('enrolment', 'id'), ('case_file', 'id'), ('plan', 'id'), ('goal', 'id'), ('action', 'id'), ('delivery', 'id'), ('referral', 'id')) x(t, c);
SELECT app.try_as($$UPDATE casework.person SET phone = '1'$$);
SELECT app.try_as('SELECT * FROM casework.my_disclosures()');
SELECT app.try_as('SELECT * FROM casework.my_identifiers()');
SELECT app.try_as('SELECT * FROM casesync.my_disclosures(''casework'')');
SELECT casework.own_person();

-- with one: the own, and nobody else's
BEGIN;
SELECT casework.as_person(:'token1');
SELECT casework.own_person(), casesync.proven_person('casework'), casesync.proven_person('app');
SELECT id, surname, phone, row_version FROM casework.person;
SELECT * FROM casework.my_identifiers();
SELECT id, purpose, given_on, withdrawn_on FROM casework.consent;
SELECT person_id, programme, status FROM casework.enrolment;
SELECT id, lead_organisation FROM casework.case_file;
SELECT id, version, status, client_agreed_on FROM casework.plan;
SELECT plan_id, id, description FROM casework.goal;
SELECT plan_id, id, kind, status FROM casework.action ORDER BY id;
SELECT count(*) FROM casework.delivery;
SELECT id, status FROM casework.referral;
SELECT count(*) FROM casework.person WHERE id = 2;
-- nor by what a condition lets slip: it is computed for one's own rows only
DO $$ BEGIN PERFORM id FROM casework.person WHERE 1 / (id - 2) > 0; RAISE NOTICE 'no row of person 2 was looked at'; END $$;
COMMIT;
SET client_min_messages = notice;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT count(*) FROM casework.person WHERE app.spy(surname);
SELECT count(*) FROM casework.my_identifiers() WHERE app.spy(value);
SELECT count(*) FROM casework.action WHERE app.spy(plan_id || id);
SELECT count(*) FROM casework.plan p JOIN casework.referral r USING (person_id) WHERE app.spy(p.id) AND app.spy(r.id);
COMMIT;
SET client_min_messages = warning;

-- after the transaction nothing remains: a pooled connection is nobody's again
SELECT casework.own_person();
SELECT app.try_as('SELECT id FROM casework.person');
BEGIN; SELECT casework.as_person(:'token1') AS person; ROLLBACK;
SELECT casework.own_person();
BEGIN; SELECT casework.as_person(:'token1') AS person; COMMIT AND CHAIN;
SELECT casework.own_person();
COMMIT;
BEGIN; SAVEPOINT s; SELECT casework.as_person(:'token1') AS person; ROLLBACK TO s; SELECT casework.own_person(); COMMIT;
BEGIN; SAVEPOINT s; SAVEPOINT t; SELECT casework.as_person(:'token1') AS person; RELEASE t; ROLLBACK TO s; SELECT casework.own_person(); COMMIT;
BEGIN; SAVEPOINT s; SELECT casework.as_person(:'token1') AS person; RELEASE s; SELECT casework.own_person(); COMMIT;
-- also where nothing may be written
BEGIN READ ONLY; SELECT casework.as_person(:'token1') AS person; SELECT id FROM casework.person; COMMIT;
-- a statement prepared for one person is not another's
PREPARE mine AS SELECT id FROM casework.person;
BEGIN; SELECT casework.as_person(:'token1') AS person; EXECUTE mine; COMMIT;
BEGIN; SELECT casework.as_person(:'token2') AS person; EXECUTE mine; COMMIT;
SELECT app.try_as('EXECUTE mine');

-- what proves nobody: one error for all of it, and nothing that remains
SELECT app.pass(:'late');
BEGIN;
SELECT n, casework.own_person(), split_part(app.try_as(format('SELECT casework.as_person(%L)', t)), E'\n', 1) AS answer FROM (VALUES ('nothing', NULL), ('empty', ''), ('a word', 'x'), ('its time is over', :'late'), ('a sign more', :'token1' || 'a'), ('a sign before', ' ' || :'token1'), ('a line more', :'token1' || E'\n'),
	('in capitals', upper(:'token1')), ('another person', regexp_replace(:'token1', '^1', '2')), ('written otherwise', regexp_replace(:'token1', '^1', '01')), ('less than nobody', regexp_replace(:'token1', '^1', '-1')),
	('too large a number', regexp_replace(:'token1', '^1', '999999999999999999999')), ('longer', regexp_replace(:'token1', '\.(\d)', '.9\1')), ('for ever', regexp_replace(:'token1', '\.\d+\.', '.9999999999999.')),
	('another line of the audit', regexp_replace(:'token1', '\.(\d+\.[0-9a-f]{64})$', '.9\1')), ('that of another', regexp_replace(:'token1', '\.\d+(\.[0-9a-f]{64})$', '.' || split_part(:'token2', '.', 3) || '\1')), ('another signature', regexp_replace(:'token1', '[0-9a-f]{64}$', repeat('0', 64))), ('cut', left(:'token1', -1)), ('very long', repeat('1', 1000000)),
	('signature of another', regexp_replace(:'token2', '^2', '1')), ('without time', '1..1.' || repeat('0', 64)), ('too large a line', regexp_replace(:'token1', '\.\d+(\.[0-9a-f]{64})$', '.9999999999999999999\1')), ('other digits', '١' || substr(:'token1', 2)), ('of another schema', :'foreign'), ('of nobody here', :'token77')) x(n, t);
SELECT casework.own_person();
SELECT * FROM app.state_of('SELECT casework.as_person(''x'')');
ROLLBACK;
-- its time may be over within a transaction
SELECT casework.own_person();
SET SESSION AUTHORIZATION regress_login;
SELECT casework.person_token(1, '500 milliseconds') AS soon \gset
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'soon') AS person;
SELECT id FROM casework.person;
SELECT app.pass(:'soon');
SELECT app.try_as('SELECT id FROM casework.person');
SELECT app.try_as('UPDATE casework.person SET phone = ''3''');
COMMIT;
-- one person in a transaction
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT casework.as_person(:'token1') AS person;
SELECT app.try_as(format('SELECT casework.as_person(%L)', :'token2'));
SELECT casework.own_person();
COMMIT;
-- nor a setting, another role, a right of one's own, or what casesync does itself
BEGIN;
SELECT app.try_as(s) FROM unnest(ARRAY['SET LOCAL casesync.person = ''2''', 'SELECT casesync_internal.prove_person(''casework''::regnamespace, 2, ''infinity'')', 'SELECT casework.person_token(2)', 'SELECT casesync.person_token(''casework'', 2)',
	'SELECT casesync_internal.person_token_for(''regress_login'', ''casework'', 2, ''1 minute'')', 'SELECT casesync_internal.as_person_for(''regress_login'', ''casework'', ''x'')', 'SELECT casesync_internal.person_signature(1, 2, 3, 4)',
	'SELECT hash_key FROM casesync_internal.node_secret', 'SELECT casesync_internal.node_hash(''1'')', 'SELECT casework.person_known_by(''NATIONAL_ID'', ''100002'')', 'SET LOCAL row_security = off; SELECT id FROM casework.person', 'SET ROLE regress_login',
	'ALTER TABLE casework.person DISABLE ROW LEVEL SECURITY', 'DROP POLICY portal ON casework.person', 'CREATE POLICY mine ON casework.person USING (true)', 'SELECT casesync.grant_casework(''casework'', ''regress_portal'', ''worker'')',
	'SELECT casesync.renew_portal(''casework'')', 'ALTER ROLE regress_portal BYPASSRLS', 'SELECT casesync.disclosures(''casework.member'', ''2'')', 'SELECT casesync.push(''ess.example.org'', ''casework.member'', ''2'', ''plan_change'')',
	'SELECT casesync.shared_status(''casework.member'', ''2'')', 'CREATE TEMP TABLE trail (id bigint)', 'SELECT casesync.as_person(''app'', ''x'')', 'SELECT casesync.as_person(NULL, NULL)']) s;
ROLLBACK;
-- a setting of a session that has loaded nothing yet is no proof
\c - regress_portal
SET client_min_messages = warning;
SELECT app.try_as(s) FROM unnest('{SET casesync.person = 2,SET casesync.proven_person = 2,SET casesync.actor = 3,SET casework.person = 2}'::text[]) s;
SELECT app.try_as('SELECT id FROM casework.person');
SELECT casework.own_person();
-- other sessions of the role do not see the token of the last statement
BEGIN; SELECT casework.as_person(:'token1') AS person\; SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid(); COMMIT;
-- what else there is of the schema
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT count(*) FILTER (WHERE a LIKE '42501%') AS refused, count(*) AS relations FROM (SELECT app.try_as('SELECT * FROM casework.' || quote_ident(c.relname)) AS a FROM pg_class c
	WHERE c.relnamespace = 'casework'::regnamespace AND c.relkind IN ('r', 'v', 'S') AND c.relname <> 'portal_field') x;
SELECT app.try_as(s) FROM unnest(ARRAY['SELECT changed_by FROM casework.person', 'SELECT override_reason FROM casework.consent', 'SELECT evidence FROM casework.delivery', 'SELECT worker_id FROM casework.action', 'SELECT person FROM casework.person',
	'SELECT FROM casework.person WHERE changed_by > 0', 'COPY casework.person TO STDOUT', 'LOCK TABLE casework.person', 'SELECT id FROM casework.person FOR UPDATE', 'SELECT last_value FROM casework.person_id_seq', 'SELECT nextval(''casework.person_id_seq'')']) s;
SELECT count(*) FROM pg_stats WHERE schemaname = 'casework' AND tablename = 'person';
COMMIT;

-- nor what an index has: a search for another's number ends before it begins, and nothing that tells who somebody is leads an index
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SET LOCAL enable_seqscan = off;
SELECT t, app.explains(format('SELECT FROM casework.%s WHERE %s = 2', t, c)) AS looks FROM (VALUES ('person', 'id'), ('consent', 'person_id'), ('enrolment', 'person_id'), ('case_file', 'person_id'), ('plan', 'person_id'), ('goal', 'person_id'),
	('action', 'person_id'), ('delivery', 'person_id'), ('referral', 'person_id')) x(t, c);
SELECT app.try_as(s) FROM unnest(ARRAY['SELECT FROM casework.identifier WHERE value > ''1''', 'SELECT count(*) FROM casework.identifier', 'SELECT FROM casework.identifier WHERE type = ''UIN''']) s;
COMMIT;

-- changing: what is listed, of the own record
BEGIN;
SELECT casework.as_person(:'token1') AS person;
UPDATE casework.person SET phone = '+221 77 000 00 01', email = 'awa@example.org' RETURNING id, phone, row_version;
SELECT s, app.try_as(s) FROM unnest(ARRAY['UPDATE casework.person SET phone = ''x'' WHERE id = 2', 'UPDATE casework.person SET surname = ''x''', 'UPDATE casework.person SET employment_status = ''Employed''', 'UPDATE casework.person SET id = 2',
	'UPDATE casework.person SET household_id = NULL', 'UPDATE casework.person SET told_by = ''m''', 'UPDATE casework.person SET changed_by = 3', 'UPDATE casework.person SET death_date = NULL', 'UPDATE casework.person SET phone = repeat(''1'', 100)',
	'UPDATE casework.person SET email = repeat(''1'', 256)', 'INSERT INTO casework.person (id) VALUES (5)', 'DELETE FROM casework.person', 'TRUNCATE casework.person',
	'INSERT INTO casework.identifier VALUES (1, ''NATIONAL_ID'', ''100002'')', 'UPDATE casework.identifier SET value = ''100002''', 'DELETE FROM casework.identifier', 'UPDATE casework.goal SET status = ''reached''', 'UPDATE casework.action SET status = ''done''',
	'INSERT INTO casework.delivery (plan_id, action_id) VALUES (''P1'', ''A-SP'')', 'UPDATE casework.referral SET status = ''accepted''', 'UPDATE casework.case_file SET closed_on = current_date', 'INSERT INTO casework.plan_approval (plan_id, plan_version) VALUES (''P1'', 1)',
	'INSERT INTO casework.plan_author (plan_id, plan_version) VALUES (''P1'', 1)', 'UPDATE casework.enrolment SET status = ''Exited''', 'INSERT INTO casework.consent (person_id, purpose, given_on) VALUES (1, ''research'', current_date)',
	'INSERT INTO casework.portal_field VALUES (''person'', ''surname'')', 'DELETE FROM casework.portal_field', 'INSERT INTO casework.trail (what, verb) VALUES (''x'', ''y'')', 'SELECT casework.decide(1, ''approved'')', 'SELECT casework.revise_plan(''P1'')',
	'SELECT casework.held_lock(2, ''plan_change'')', 'SELECT casework.review_open(2, ''plan_change'', 3, ''x'')', 'SELECT casework.organisation_of(1)']) s;
COMMIT;
-- who was faster is not named by the name of staff
\c - :me
SET client_min_messages = warning;
SELECT set_config('casesync.actor', '1', false);
UPDATE casework.person SET surname = 'Diop' WHERE id = 1;
RESET casesync.actor;
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT app.try_as('UPDATE casework.person SET phone = ''2'', row_version = 2');
-- a wish to be a worker is none; and its channel is not the session's to say
SET LOCAL casesync.actor = '3';
SET LOCAL casesync.channel = 'counter';
SELECT casework.acting_worker(), casework.may_tell();
UPDATE casework.person SET phone = '2', row_version = 3 RETURNING phone;
SET LOCAL casesync.channel = 'counter';
COMMIT;

-- withdrawing what one gave: from today on, for good; not what others wrote, nor others'
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT s, app.try_as(s) FROM unnest(ARRAY['UPDATE casework.consent SET withdrawn_on = current_date + 1 WHERE id = 1', 'UPDATE casework.consent SET withdrawn_on = ''2026-02-01'' WHERE id = 1', 'UPDATE casework.consent SET withdrawn_on = current_date WHERE id = 11',
	'UPDATE casework.consent SET withdrawn_on = current_date WHERE id = 2', 'UPDATE casework.consent SET purpose = ''x'' WHERE id = 1', 'UPDATE casework.consent SET withdrawn_on = current_date WHERE id = 1', 'UPDATE casework.consent SET withdrawn_on = NULL WHERE id = 1']) s;
COMMIT;
-- agreeing to the plan that is proposed, today, or no longer
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT s, app.try_as(s) FROM unnest(ARRAY['UPDATE casework.plan SET client_agreed_on = current_date - 1', 'UPDATE casework.plan SET status = ''agreed''', 'UPDATE casework.plan SET client_agreed_how = ''signed''', 'UPDATE casework.plan SET client_agreed_on = current_date WHERE id <> ''P1''',
	'UPDATE casework.plan SET client_agreed_on = current_date', 'UPDATE casework.plan SET client_agreed_on = NULL', 'UPDATE casework.plan SET client_agreed_on = current_date, row_version = 4']) s;
SELECT status, client_agreed_on = current_date AS today, client_agreed_how FROM casework.plan;
COMMIT;
BEGIN;
SELECT casework.as_person(:'token2') AS person;
SELECT s, app.try_as(s) FROM unnest(ARRAY['UPDATE casework.plan SET client_agreed_on = NULL', 'UPDATE casework.plan SET client_agreed_on = current_date']) s;
SELECT count(*) FROM casework.delivery;
COMMIT;
-- a draft is nobody's business yet
BEGIN;
SELECT casework.as_person(:'token3') AS person;
SELECT (SELECT count(*) FROM casework.plan) AS plans, (SELECT count(*) FROM casework.goal) AS goals, (SELECT count(*) FROM casework.action) AS actions, (SELECT count(*) FROM casework.referral) AS referrals;
COMMIT;
\c - :me
SET client_min_messages = warning;
SET search_path = casework, casesync, public;
-- who did it: nobody who works here, by the portal
SELECT login, worker_id, channel, person_id, what, row_id, verb, columns, review_id FROM trail WHERE login = 'regress_portal' ORDER BY id;
SELECT id, phone, changed_by, told_by FROM person WHERE id = 1;
SELECT worker_id, person_id, what, row_id, columns, review_id, decision FROM beneficiary_news ORDER BY at, worker_id;
SET SESSION AUTHORIZATION regress_clerk;
SELECT count(*) FROM casework.beneficiary_news;
RESET SESSION AUTHORIZATION;
-- captured so, whatever the session claims; by others as they say
SELECT count(*) FROM casesync.publish_casework('casework');
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SET LOCAL casesync.actor = '3';
SET LOCAL casesync.channel = 'counter';
UPDATE casework.person SET phone = '33';
UPDATE casework.plan SET client_agreed_on = current_date;
COMMIT;
SET SESSION AUTHORIZATION regress_clerk;
SET casesync.channel = 'counter';
UPDATE casework.person SET phone = '34' WHERE id IN (1, 2);
RESET casesync.channel;
RESET SESSION AUTHORIZATION;
SELECT relation::regclass, key, actor, channel, "session_user" FROM casesync_internal.change ORDER BY id;
DO $$ BEGIN
	PERFORM casesync.set_partner(p, 'https://' || p || '/dci') FROM unnest('{ess.example.org,other.example.org}'::text[]) p;
	PERFORM casesync.set_agreement('ESS', 'ess.example.org', registries => '{casework.member,casework.beneficiary}', event_types => '{plan_change,referral,enrolment,enrolment_status_change}',
		fields => '{employment_status,demographic_info.phone_number,additional_attributes.plan,enrollment_status}', identifier_types => '{NATIONAL_ID}', subjects => 'consents', valid_from => '2020-01-01', legal_basis => 'Act 12/2024 s. 9',
		purpose => 'one case, two systems', subscribing => 'auto');
	PERFORM casesync.set_agreement('OTHER', 'other.example.org', registries => '{casework.member}', event_types => '{enrolment_status_change}', fields => '{employment_status}', identifier_types => '{NATIONAL_ID}',
		subjects => 'true', valid_from => '2020-01-01', legal_basis => 'decree 7', purpose => 'statistics', subscribing => 'auto');
	PERFORM casesync.activate(a) FROM unnest('{ESS,OTHER}'::text[]) a;
	PERFORM casesync.subscribe('ess.example.org', t, 'Member') FROM unnest('{plan_change,enrolment_status_change}'::text[]) t;
	PERFORM casesync.subscribe('other.example.org', 'enrolment_status_change', 'Member');
END $$;
CREATE FUNCTION app.told(partner text) RETURNS TABLE (person text, phone text, employment text, agreed boolean) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('search_path', 'public', true);
	PERFORM app.route_all();
	RETURN QUERY SELECT jsonb_path_query_first(r, '$.**.identifier_value') #>> '{}', r #>> '{demographic_info,phone_number,0}', r ->> 'employment_status', casesync.plan_of(r) ? 'client_agreed_on'
		FROM app.send(partner) p CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') e CROSS JOIN LATERAL (SELECT e->'data'->'reg_records' AS r) x ORDER BY 1;
END $$;
-- partners are told of it as of any change: contact data where that is agreed; who has withdrawn is not in the agreement that asks for consent
SELECT * FROM app.told('ess.example.org');
INSERT INTO consent (id, person_id, purpose, given_on) VALUES (21, 1, 'sharing', current_date);
SELECT * FROM app.told('ess.example.org');
SELECT * FROM app.told('other.example.org');

-- who was told what about me
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT at > now() - interval '1 hour' AS at, partner, event_type, way, fields, purpose, legal_basis FROM casework.my_disclosures();
COMMIT;
BEGIN;
SELECT casework.as_person(:'token2') AS person;
SELECT partner, event_type FROM casework.my_disclosures();
COMMIT;
BEGIN;
SELECT casework.as_person(:'token3') AS person;
SELECT count(*) FROM casework.my_disclosures();
SELECT app.try_as('SELECT * FROM casesync.my_disclosures(''elsewhere'')');
SELECT app.try_as('SELECT * FROM casesync.my_disclosures(NULL)');
COMMIT;
RESET SESSION AUTHORIZATION;

-- reviewed where a rule says so, by the supervisor of who leads the case
UPDATE review_rule SET rule = 'all', percent = NULL WHERE event_type = 'enrolment_status_change';
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
UPDATE casework.person SET phone = '35';
UPDATE casework.person SET phone = '36';
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT supervisor_id, kind, person_id, detail FROM review_due WHERE kind = 'review' AND person_id = 1;
SELECT n.worker_id, n.columns, v.why, v.updates, n.decision FROM beneficiary_news n JOIN review v ON v.id = n.review_id ORDER BY n.at, 1;
SELECT app.act(3);
SELECT regexp_replace(decide(review_id, 'approved', updates => 2), '\d+', 'N') FROM review_due WHERE kind = 'review' AND person_id = 1;
SELECT app.act(NULL);
SELECT DISTINCT n.columns, n.decision FROM beneficiary_news n WHERE n.review_id IS NOT NULL;
SELECT * FROM app.told('ess.example.org');
-- before_sharing: partners go on seeing what was so, until it is approved
UPDATE review_rule SET rule = 'before_sharing' WHERE event_type = 'enrolment_status_change';
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
UPDATE casework.person SET phone = '37';
SELECT phone FROM casework.person;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT * FROM app.told('ess.example.org');
SELECT record #>> '{demographic_info,phone_number,0}' AS partners_see FROM shared_member WHERE subject_key = 1;
SELECT app.act(3);
SELECT regexp_replace(decide(review_id, 'approved'), '\d+', 'N') FROM review_due WHERE kind = 'review' AND person_id = 1;
SELECT app.act(NULL);
SELECT * FROM app.told('ess.example.org');
UPDATE review_rule SET rule = 'none', percent = NULL;

-- what a portal may change are rows, within bounds; they count at once, for every portal
SELECT * FROM app.state_of($$INSERT INTO casework.portal_field VALUES ('person', 'death_date')$$);
SELECT f, code FROM unnest('{id,household_id,told_by,row_version,changed_by,nothing,xmin}'::text[]) f CROSS JOIN LATERAL app.state_of(format('INSERT INTO casework.portal_field VALUES (''person'', %L)', f));
SELECT r, f, code FROM (VALUES ('consent', 'given_on'), ('plan', 'status'), ('referral', 'status'), ('worker', 'role')) x(r, f) CROSS JOIN LATERAL app.state_of(format('INSERT INTO casework.portal_field VALUES (%L, %L)', r, f));
SELECT code FROM app.state_of($$UPDATE casework.portal_field SET field = 'surname' WHERE field = 'phone'$$);
ALTER TABLE person ADD card text UNIQUE, ADD parent_id bigint REFERENCES person, ADD "Preferred; name" text, ADD twice text GENERATED ALWAYS AS (phone || phone) STORED;
SELECT f, code FROM unnest('{card,parent_id,twice}'::text[]) f CROSS JOIN LATERAL app.state_of(format('INSERT INTO casework.portal_field VALUES (''person'', %L)', f));
ALTER TABLE person DROP card, DROP parent_id, DROP twice;
INSERT INTO portal_field VALUES ('person', 'employment_status'), ('person', 'Preferred; name');
DELETE FROM portal_field WHERE relation IN ('consent', 'plan');
SELECT c.relname, r.rolname, string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_roles r ON r.rolname IN ('regress_portal', 'regress_kiosk')
	WHERE c.relnamespace = 'casework'::regnamespace AND has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE') GROUP BY 1, 2 ORDER BY 1, 2;
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
UPDATE casework.person SET employment_status = 'Employed', "Preferred; name" = 'Awa' RETURNING employment_status, "Preferred; name";
SELECT app.try_as($$UPDATE casework.consent SET withdrawn_on = current_date WHERE id = 21$$);
SELECT app.try_as($$UPDATE casework.person SET "Preferred; name" = repeat('x', 256)$$);
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT * FROM app.told('other.example.org');
-- rights given by mistake let nobody do more: row security and the trigger hold
GRANT ALL ON ALL TABLES IN SCHEMA casework TO regress_kiosk;
SET SESSION AUTHORIZATION regress_kiosk;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT count(*) FROM casework.person;
SELECT s, app.try_as(s) FROM unnest(ARRAY['UPDATE casework.person SET surname = ''x''', 'UPDATE casework.person SET id = 1, household_id = NULL', 'UPDATE casework.person SET phone = ''x'' WHERE id = 2', 'DELETE FROM casework.person', 'INSERT INTO casework.person (id) VALUES (50)',
	'INSERT INTO casework.person (id) VALUES (1)', 'INSERT INTO casework.person (id) VALUES (2)', 'INSERT INTO casework.consent (person_id, purpose, given_on) VALUES (2, ''x'', current_date)', 'INSERT INTO casework.consent (person_id, purpose, given_on) VALUES (1, ''x'', current_date)',
	'DELETE FROM casework.plan', 'UPDATE casework.plan SET status = ''ended'', reason = ''x''', 'INSERT INTO casework.identifier VALUES (2, ''X'', ''1'')']) s;
ROLLBACK;
RESET SESSION AUTHORIZATION;
REVOKE ALL ON ALL TABLES IN SCHEMA casework FROM regress_kiosk;
-- a trigger of one's own, over a table of one's own, has none of the owner's rights, and hides nothing
GRANT TEMPORARY ON DATABASE :"DBNAME" TO regress_portal;
SET SESSION AUTHORIZATION regress_portal;
CREATE TEMP TABLE person (id bigint, phone text, told_by text, person_id bigint, plan_id text, plan_version integer, version integer, status text);
SELECT s, app.try_as(s) FROM unnest(ARRAY['note_change(''plan_change'')', 'withhold(''plan_change'')', 'content_written()', 'plan_taken_back()', 'review_settle()']) f CROSS JOIN LATERAL (SELECT 'CREATE TRIGGER t AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION casework.' || f AS s) x;
CREATE FUNCTION pg_temp.inner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE casework.person SET phone = NEW.phone WHERE id = NEW.id; RETURN NEW; END $$;
CREATE TRIGGER t AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION pg_temp.inner();
BEGIN;
SELECT casework.as_person(:'token1') AS person;
INSERT INTO person VALUES (1, '38'), (2, '38');
SELECT id, phone FROM casework.person;
COMMIT;
-- nor do tables of that name before it fool what casework does
SELECT casework.own_person();
DROP TABLE person;
RESET SESSION AUTHORIZATION;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM regress_portal;
SELECT channel, login, columns FROM trail WHERE what = 'person' ORDER BY id DESC LIMIT 1;

-- others have what they had: workers, and whoever was given a right
SELECT count(*), count(DISTINCT phone) FROM person;
CREATE ROLE regress_report;
GRANT USAGE ON SCHEMA casework TO regress_report;
GRANT SELECT, UPDATE ON person TO regress_report;
GRANT SELECT ON worker TO regress_report;
SET ROLE regress_report;
SELECT count(*) FROM casework.person;
UPDATE casework.person SET surname = surname || '!';
RESET ROLE;
SET SESSION AUTHORIZATION regress_clerk;
SELECT count(*) FROM casework.person;
UPDATE casework.person SET surname = 'Fall' WHERE id = 2 RETURNING changed_by;
INSERT INTO casework.person (id) VALUES (60) RETURNING id;
SELECT app.try_as(format('SELECT casework.as_person(%L)', :'token1'));
SELECT app.try_as('SELECT casework.person_token(1)');
-- nor by a function of the portal's that a worker is made to call
SELECT app.try_as(format('SELECT app.lend(%L)', :'token1'));
UPDATE casework.person SET surname = 'Faye' WHERE id = 2 RETURNING changed_by;
RESET SESSION AUTHORIZATION;
SELECT code FROM app.state_of(format('SELECT casework.as_person(%L)', :'token1'));
-- who has row security already keeps it
ALTER TABLE elsewhere.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY north ON elsewhere.person TO regress_report USING (surname = 'North');
SELECT casesync.grant_casework('elsewhere', 'regress_portal', 'portal') IS NOT NULL AS done;
SELECT polname, polpermissive, ARRAY(SELECT CASE r WHEN 0 THEN 'all' ELSE r::regrole::text END FROM unnest(polroles) r) AS roles FROM pg_policy WHERE polrelid = 'elsewhere.person'::regclass ORDER BY 1;
-- a login that becomes the portal's role is the portal
SET ROLE regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT id FROM casework.person;
COMMIT;
RESET ROLE;
-- one login that makes tokens and takes them could be anybody
SELECT casesync.grant_access('regress_kiosk', 'portal_login') IS NOT NULL AS done;
SELECT problem, mend FROM casesync.health WHERE problem LIKE 'login regress_kiosk %';
SELECT casesync.revoke_access('regress_kiosk', 'portal_login') IS NOT NULL AS done;
-- one person in a transaction, in one schema
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token1') AS person;
SELECT app.try_as('SELECT id FROM elsewhere.person');
SELECT elsewhere.own_person();
COMMIT;
RESET SESSION AUTHORIZATION;

-- an index that is made later is told by health, with what helps
SELECT count(*) FROM casesync.health WHERE problem LIKE '%portal%';
CREATE INDEX person_surname ON person (surname, id);
CREATE INDEX person_phone ON person (phone);
SELECT problem, mend FROM casesync.health WHERE problem LIKE '%portal%' ORDER BY 1;
DROP INDEX person_surname, person_phone;
-- a death shuts it for changes; who is deleted is nobody
UPDATE person SET death_date = current_date WHERE id = 2;
DELETE FROM person WHERE id = 3;
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'token2') AS person;
SELECT app.try_as($$UPDATE casework.person SET phone = '1'$$);
COMMIT;
SELECT split_part(app.try_as(format('SELECT casework.as_person(%L)', :'token3')), E'\n', 1);
RESET SESSION AUTHORIZATION;
-- the access is taken back, or the right in the schema: either is enough
SELECT casesync.revoke_access('regress_portal', 'portal');
SET SESSION AUTHORIZATION regress_portal;
SELECT split_part(app.try_as(format('SELECT casework.as_person(%L)', :'token1')), E'\n', 1);
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_login;
SET SESSION AUTHORIZATION regress_login;
SELECT app.try_as('SELECT casework.person_token(1)');
RESET SESSION AUTHORIZATION;
SELECT casesync.grant_access('regress_login', 'portal_login') IS NOT NULL AS done;
SET SESSION AUTHORIZATION regress_login;
SELECT app.try_as('SELECT casesync.person_token(''casework'', 1)');
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_portal;
DROP ROLE regress_portal;
SELECT p.polname, ARRAY(SELECT r::regrole::text FROM unnest(p.polroles) r WHERE r <> 0) FROM pg_policy p WHERE p.polrelid = 'casework.person'::regclass ORDER BY 1;
DROP SCHEMA casework, elsewhere, app CASCADE;
DROP EXTENSION casesync CASCADE;
GRANT TEMPORARY ON DATABASE :"DBNAME" TO PUBLIC;
DROP OWNED BY regress_ministry, regress_login, regress_clerk, regress_nosy, regress_kiosk, regress_report;
DROP ROLE regress_ministry, regress_login, regress_clerk, regress_nosy, regress_kiosk, regress_report;
