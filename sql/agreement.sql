CREATE EXTENSION casesync;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA app;
\i test/scene/state.sql
SET search_path = app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE person (id integer PRIMARY KEY, given boolean, born date);
CREATE VIEW people AS SELECT id AS subject_key, given AS consents, born, jsonb_build_object('v', id) AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.set_node('sp', 'https://sp.example');
SELECT sender_id, four_eyes FROM casesync.this_node;
SELECT casesync.set_partner('p', 'https://p.example');
SELECT casesync.set_partner('q', 'https://q.example');

-- versions: what is left out stays as it was; nothing is changed in place ------------------------------------------
SELECT casesync.set_agreement('A', 'p', registries => '{people}');
SELECT version, state, registries, fields, subscribing, on_leave, apply_mode FROM casesync.agreements WHERE agreement = 'A' ORDER BY version DESC LIMIT 1;
SELECT casesync.set_agreement('A', 'p', fields => '{v}', event_types => '{enrolment}', on_leave => 'identifier_only');
SELECT version, state, registries, fields FROM casesync.agreements WHERE agreement = 'A' ORDER BY version DESC LIMIT 1;
SELECT version, state, registries, fields, on_leave FROM casesync.agreements ORDER BY version;

-- every refusal ------------------------------------------------------------------------------------------------------
\x on
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'nobody')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'q')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', direction => 'in')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('X', 'p', direction => 'sideways')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('', 'p')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', registries => '{people,unknown}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', fields => '{v,"a b!"}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', filter_fields => '{a..b}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', fields => '{NULL}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', fields => array_agg('f' || i)) FROM generate_series(1, 501) i$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', apply_mode => 'sometimes')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', on_leave => 'loudly')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', valid_from => '2026-02-01', valid_to => '2026-01-01')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', services => '{push}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', services => '{backfill}')$$);
SELECT * FROM state_of($$SELECT casesync.set_agreement('A', 'p', services => '{telex}')$$);
SELECT * FROM state_of($$SELECT casesync.preview('nothing')$$);
SELECT * FROM state_of($$SELECT casesync.activate('nothing')$$);
SELECT * FROM state_of($$SELECT casesync.end_agreement('nothing', 'x')$$);
-- incomplete
SELECT * FROM state_of($$SELECT casesync.activate('A')$$);
\x off

-- conditions: one boolean expression over the view's columns, and nothing else ------------------------------------------
CREATE TABLE trace (n integer);
GRANT INSERT, SELECT ON trace TO PUBLIC;
CREATE FUNCTION writes(integer) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO app.trace VALUES ($1); RETURN true; END $$;
CREATE FUNCTION lies(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN EXECUTE 'INSERT INTO app.trace VALUES (1)'; RETURN true; END $$;
SELECT condition, e.code, e.message FROM unnest(ARRAY['true', 'consents', 'consents AND born > ''1990-01-01''', 'subject_key = ANY (''{1,2}'')', 'people.consents',
	'subject_key', 'consents; DROP TABLE app.person', 'consents) OR (true', 'true -- comment', '', ' ', 'SELECT true', 'true AS x', 'true, true',
	'EXISTS (SELECT 1)', '(SELECT given FROM app.person LIMIT 1)', 'consents IN (SELECT given FROM app.person)', 'count(*) > 1', 'rank() OVER () = 1', 'consents FROM app.person',
	'true UNION SELECT true', 'true LIMIT 1', 'no_such_column', 'other.consents', '$1', '$1 = 1', 'people IS NOT NULL', 'ctid IS NOT NULL', 'random() > 0.5', 'born > now()', 'app.writes(1)',
	'app.lies(subject_key)', 'app.lies(1)', 'generate_series(1, 2) > 1', 'pg_sleep(1) IS NULL', 'lo_import(''/etc/passwd'') > 0',
	'pg_read_file(''/etc/passwd'') IS NOT NULL', E'consents\u0027', 'consents /* open']) WITH ORDINALITY c(condition, n)
	CROSS JOIN LATERAL state_of(format('SELECT casesync.set_agreement(%L, %L, registries => %L, subjects => %L)', 'C', 'p', '{people}', condition)) e ORDER BY n;
SELECT count(*) FROM trace;
SELECT to_regclass('app.person');

-- four eyes --------------------------------------------------------------------------------------------------------------
CREATE ROLE regress_admin LOGIN;
CREATE ROLE regress_officer LOGIN;
CREATE ROLE regress_reader LOGIN;
SELECT casesync.grant_access('regress_admin', 'admin');
SELECT casesync.grant_access('regress_officer', 'approver');
SELECT casesync.grant_access('regress_reader', 'reader');
SET SESSION AUTHORIZATION regress_admin;
SELECT casesync.set_agreement('A', 'p', identifier_types => '{UIN}', subjects => 'consents', valid_from => '2026-01-01', legal_basis => 'Act');
SELECT version, author FROM casesync.agreements WHERE agreement = 'A' ORDER BY version DESC LIMIT 1;
SELECT casesync.activate('A');
SET SESSION AUTHORIZATION regress_reader;
SELECT casesync.activate('A');
SELECT casesync.set_agreement('A', 'p', subjects => 'true');
SELECT agreement, version, state FROM casesync.agreements ORDER BY 1, 2;
SELECT * FROM casesync_internal.agreement;
RESET SESSION AUTHORIZATION;
-- the author stays the author under another role
GRANT regress_officer TO regress_admin;
SET SESSION AUTHORIZATION regress_admin;
SET ROLE regress_officer;
\x on
SELECT * FROM state_of($$SELECT casesync.activate('A')$$);
\x off
SET SESSION AUTHORIZATION regress_officer;
SELECT casesync.set_agreement('A', 'p', subjects => 'true');
SELECT casesync.activate('A');
SELECT version, state, author, activated_by FROM casesync.agreements WHERE agreement = 'A' ORDER BY version DESC LIMIT 1;
\x on
SELECT * FROM state_of($$SELECT casesync.activate('A')$$);
\x off
RESET SESSION AUTHORIZATION;
-- a new version takes over from the old one when it is activated, not before
SELECT casesync.set_agreement('A', 'p', fields => '{v,w}');
SELECT version, state, end_reason FROM casesync.agreements WHERE agreement = 'A' ORDER BY version;
SET SESSION AUTHORIZATION regress_officer;
SELECT casesync.activate('A');
RESET SESSION AUTHORIZATION;
SELECT version, state, end_reason FROM casesync.agreements WHERE agreement = 'A' ORDER BY version;
SELECT casesync.set_node('sp', four_eyes => false);
SELECT four_eyes FROM casesync.this_node;

-- a rival -----------------------------------------------------------------------------------------------------------------
SELECT casesync.set_agreement('RIVAL', 'p', registries => '{people}', event_types => '{x}', fields => '{v}', identifier_types => '{UIN}',
	subjects => 'true', valid_from => '2026-06-01', legal_basis => 'x');
\x on
SELECT * FROM state_of($$SELECT casesync.activate('RIVAL')$$);
\x off
-- not at the same time, or with another partner: no rival
SELECT casesync.set_agreement('A', 'p', valid_to => '2026-06-01');
SELECT casesync.activate('A');
SELECT casesync.activate('RIVAL');
SELECT casesync.set_agreement('Q', 'q', registries => '{people}', event_types => '{x}', fields => '{v}', identifier_types => '{UIN}',
	subjects => 'true', valid_from => '2026-06-01', legal_basis => 'x');
SELECT casesync.activate('Q');
-- which decides when: the day belongs to one of them
SELECT d.at::date, array_agg(a.agreement ORDER BY a.agreement) FROM (VALUES ('2025-12-31'::timestamptz), ('2026-01-01'), ('2026-05-31'), ('2026-06-01'), ('2027-01-01')) d(at)
	LEFT JOIN casesync.agreements a ON a.state = 'active' AND 'people' = ANY (a.registries) AND a.valid_from <= d.at AND d.at < a.valid_to GROUP BY 1 ORDER BY 1;

-- what an older version took, or a view that lost a column: health says it before anything is looked at
BEGIN;
UPDATE casesync_internal.agreement SET subjects = 'app.lies(1)' WHERE agreement = 'Q' AND state = 'active';
SELECT * FROM casesync.health WHERE problem LIKE '%subjects%' \gx
UPDATE casesync_internal.agreement SET subjects = 'lost > 0' WHERE agreement = 'Q' AND state = 'active';
SELECT problem FROM casesync.health WHERE problem LIKE '%subjects%';
ROLLBACK;
BEGIN;
DROP VIEW app.people;
SELECT problem, mend FROM casesync.health WHERE problem LIKE '%subjects%' OR problem LIKE '%registry people%';
ROLLBACK;
SELECT count(*) FROM casesync.health WHERE problem LIKE '%subjects%';

-- inbound: needs no registry and no condition -------------------------------------------------------------------------------
SELECT casesync.set_agreement('IN', 'p', direction => 'in', event_types => '{enrolment}', fields => '{v}', identifier_types => '{UIN}',
	valid_from => '2026-01-01', legal_basis => 'x', apply_mode => 'auto,death=review');
SELECT version, apply_mode FROM casesync.agreements WHERE agreement = 'IN' ORDER BY version DESC LIMIT 1;
SELECT casesync.activate('IN');

-- the end -------------------------------------------------------------------------------------------------------------------
SELECT casesync.end_agreement('Q', 'over');
SELECT state, end_reason, ended_at IS NOT NULL AS at FROM casesync.agreements WHERE agreement = 'Q';
SELECT casesync.end_agreement('Q', 'over again');
SELECT end_reason FROM casesync.agreements WHERE agreement = 'Q';
SELECT what, about, who = 'regress_officer' AS by_the_officer FROM casesync.audit WHERE what IN ('activate', 'end_agreement') ORDER BY id;
UPDATE casesync_internal.audit_entry SET who = 'somebody else';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_admin, regress_officer, regress_reader;
DROP ROLE regress_admin, regress_officer, regress_reader;
