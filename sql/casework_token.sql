-- Tokens of people: none is made that the audit does not say, and what is done with them has bounds.
CREATE EXTENSION casesync;
\set schema casework
\set me :USER
\i test/scene/casework.sql
\i test/scene/state.sql
\set ECHO all
\pset format unaligned
SET casesync.actor = '';
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE ROLE regress_portal LOGIN;
CREATE ROLE regress_login LOGIN;
SELECT casesync.set_node('sp.example.org', 'https://sp.example', four_eyes => false) IS NOT NULL AS done;
SELECT casesync.grant_access('regress_portal', 'portal'), casesync.grant_access('regress_login', 'portal_login') \g /dev/null
SELECT casesync.grant_casework('casework', 'regress_portal', 'portal'), casesync.grant_casework('casework', 'regress_login', 'portal_login') \g /dev/null
UPDATE review_rule SET rule = 'none', percent = NULL;

-- each token has a line: for whom, until when, by which login; never the token
SET SESSION AUTHORIZATION regress_login;
SELECT casework.person_token(1) AS kept, casework.person_token(2, '1 minute') AS other \gset
BEGIN;
SELECT casework.person_token(1) AS undone \gset
ROLLBACK;
BEGIN READ ONLY;
SELECT casework.person_token(1);
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT who, what, about, detail - 'until' AS detail, date_trunc('minute', (detail ->> 'until')::timestamptz - at + interval '1 second') AS valid FROM casesync.audit WHERE what = 'person_token' ORDER BY id;
SELECT count(*) FROM casesync_internal.audit_entry e WHERE position(split_part(:'kept', '.', 4) IN e::text) > 0 OR position(split_part(:'other', '.', 4) IN e::text) > 0;
-- one that was made in a transaction that never was proves nobody; one that is noted does, in whatever time zone
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'undone');
ROLLBACK;
SET TimeZone = 'Asia/Kathmandu';
BEGIN READ ONLY;
SELECT casework.as_person(:'kept');
COMMIT;
RESET TimeZone;

-- what a portal writes is one line that can be read
BEGIN;
SELECT casework.as_person(:'kept');
SELECT code, message, detail, hint FROM unnest(ARRAY[E'UPDATE casework.person SET phone = E\'1\\n<b>\'', E'UPDATE casework.person SET email = E\'a\\x7f@example.org\'']) s, app.state_of(s);
ROLLBACK;

-- how often somebody changes the own record is bounded, but for a consent that is withdrawn; others, and who works here, go on
RESET SESSION AUTHORIZATION;
SELECT * FROM app.state_of('UPDATE casework.setting SET own_changes_an_hour = 0');
UPDATE setting SET own_changes_an_hour = 3;
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'kept');
UPDATE casework.person SET phone = '1';
UPDATE casework.person SET phone = '2';
COMMIT;
BEGIN;
SELECT casework.as_person(:'kept');
UPDATE casework.person SET phone = '3';
COMMIT;
BEGIN;
SELECT casework.as_person(:'kept');
SELECT code, message, detail LIKE 'It can be changed again at %:%' AS says_when, hint FROM unnest(ARRAY[$$UPDATE casework.person SET phone = '4'$$, $$UPDATE casework.person SET email = 'a'$$, $$UPDATE casework.consent SET withdrawn_on = current_date$$]) s, app.state_of(s);
ROLLBACK;
BEGIN;
SELECT casework.as_person(:'other');
UPDATE casework.person SET phone = '4';
COMMIT;
RESET SESSION AUTHORIZATION;
UPDATE person SET phone = '5' WHERE id = 1;
SELECT id, phone FROM person WHERE id < 3 ORDER BY id;
-- when one of them is longer ago than an hour, there is room for one
ALTER TABLE trail DISABLE TRIGGER stays;
UPDATE trail SET at = at - interval '1 hour' WHERE id = (SELECT min(id) FROM trail WHERE channel = 'beneficiary');
ALTER TABLE trail ENABLE TRIGGER stays;
SET SESSION AUTHORIZATION regress_portal;
BEGIN;
SELECT casework.as_person(:'kept');
UPDATE casework.person SET phone = '6';
SELECT code, message FROM app.state_of($$UPDATE casework.person SET phone = '7'$$);
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT id, phone FROM person WHERE id < 3 ORDER BY id;
DROP SCHEMA casework, app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_portal, regress_login;
DROP ROLE regress_portal, regress_login;
