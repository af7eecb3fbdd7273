-- What roles with access types and publisher can do with codes and words, and what they cannot.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA code_access_test;
SET search_path = code_access_test;
\pset null '(null)'
CREATE ROLE code_access_nothing;
CREATE ROLE code_access_types;
CREATE ROLE code_access_publisher;
GRANT USAGE ON SCHEMA code_access_test TO code_access_nothing, code_access_types, code_access_publisher;
GRANT CREATE ON SCHEMA code_access_test TO code_access_types;
SELECT casesync.grant_access('code_access_types', 'types');
SELECT casesync.grant_access('code_access_publisher', 'publisher');
SELECT casesync.add_local_code('enrolment_status', 900, 'Waiting', 'Waits for a place.');

-- An application: its own tables, every operator, cast and function.
SET ROLE code_access_types;
CREATE TABLE enrolment (id integer PRIMARY KEY, status casesync.enrolment_status DEFAULT 'local:900',
	ibr casesync.ibr_enrollment_status, history casesync.enrolment_status[]);
CREATE INDEX ON enrolment (status);
INSERT INTO enrolment SELECT i, (1 + i % 7)::casesync.enrolment_status FROM generate_series(1, 20) i;
INSERT INTO enrolment (id) VALUES (0);
UPDATE enrolment SET ibr = status::casesync.ibr_enrollment_status, history = ARRAY[status] WHERE status <> 'local:900';
SELECT status, status::integer, casesync.code(status), casesync.label(status), casesync.description(status), count(*)
  FROM enrolment WHERE status IN ('2', '3', 'local:900') OR status < 'Deceased' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM enrolment a JOIN enrolment b ON a.status = b.status WHERE a.status > '1' AND a.status <= 'Suspended' AND a.status >= '4' AND a.history @> '{4}';
SELECT * FROM casesync.code_directory WHERE directory = 'enrolment_status' AND number IN (1, 900);
SELECT casesync_internal.find_code('sex', 'M'), casesync_internal.standard_label('sex', 1::smallint);
-- It may read words, not decide them.
SELECT casesync.to_word('sp', 'Active'::casesync.enrolment_status);
SELECT casesync.map_code('sp', 'ACTIF', 'Active'::casesync.enrolment_status);
SELECT casesync.add_local_code('enrolment_status', 901, 'Other');
INSERT INTO casesync_internal.crosswalk_word VALUES ('sp', 'enrolment_status', 'ACTIF', 'Active');
UPDATE casesync_internal.local_code SET label = 'x';
DELETE FROM casesync_internal.crosswalk_change;
SELECT casesync_internal.crosswalk_mark();
RESET ROLE;

-- A publisher decides words, and reads only what it may read.
GRANT SELECT ON enrolment TO code_access_publisher;
CREATE TABLE hidden (status text);
SET ROLE code_access_publisher;
SELECT casesync.map_code('sp', 'ACTIF', 'Active'::casesync.enrolment_status);
SELECT * FROM casesync.unmapped_words('sp', 'enrolment', 'status', NULL::casesync.enrolment_status) LIMIT 2;
SELECT casesync.add_local_code('enrolment_status', 901, 'Other'), casesync.drop_local_code('enrolment_status', '901');
SELECT casesync.to_code('sp', 'ACTIF', NULL::casesync.enrolment_status), casesync.unmap_code('sp', 'ACTIF', NULL::casesync.enrolment_status);
SELECT count(*) FROM casesync.crosswalk;
DO $$
BEGIN
	PERFORM * FROM casesync.unmapped_words('sp', 'hidden', 'status', NULL::casesync.enrolment_status);
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING '%', SQLERRM;
END
$$;
RESET ROLE;

-- What a type of the caller's brings along, the CHECK of a domain or a cast, runs with the caller's rights only.
SELECT casesync.map_code('sp', 'M', 'male'::casesync.sex);
SET ROLE code_access_types;
CREATE TABLE seen (by_whom name);
CREATE FUNCTION look(value text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO code_access_test.seen VALUES (current_user); RETURN true; END $$;
CREATE DOMAIN looking AS casesync.sex CHECK (code_access_test.look(VALUE::text));
CREATE TYPE cast_to_text AS (a integer);
CREATE FUNCTION look(value cast_to_text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'x' FROM (SELECT code_access_test.look('x')) s $$;
CREATE CAST (cast_to_text AS text) WITH FUNCTION look(cast_to_text);
SELECT casesync.to_code('sp', 'M', NULL::looking), casesync.to_code('sp', NULL, NULL::looking), casesync.to_word('sp', 'male'::looking);
SELECT casesync.to_word('sp', ROW (1)::cast_to_text);
SELECT DISTINCT by_whom FROM seen;
DROP TYPE cast_to_text CASCADE;
RESET ROLE;

-- A role without any access cannot use the types, and is told so.
GRANT SELECT, INSERT ON enrolment TO code_access_nothing;
SET ROLE code_access_nothing;
SELECT casesync.label('Active'::casesync.enrolment_status);
-- Reading and writing a table somebody else made with them needs no right of ours, comparing does.
INSERT INTO enrolment VALUES (100, 'Exited');
SELECT status FROM enrolment WHERE id = 100;
SELECT count(*) FROM enrolment GROUP BY status HAVING count(*) > 3;
SELECT id FROM enrolment WHERE status = 'Exited';
RESET ROLE;

DROP SCHEMA code_access_test CASCADE;
SELECT casesync.revoke_access('code_access_types', 'types');
SELECT casesync.revoke_access('code_access_publisher', 'publisher');
DROP EXTENSION casesync CASCADE;
DROP OWNED BY code_access_types, code_access_publisher, code_access_nothing;
DROP ROLE code_access_types;
DROP ROLE code_access_publisher;
DROP ROLE code_access_nothing;
