-- Local words and the codes they mean.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA crosswalk_test;
SET search_path = crosswalk_test;
\pset null '(null)'

-- As on a first day.
SELECT casesync.map_code('sp', w, c::casesync.enrolment_status)
  FROM (VALUES ('ACTIF', 'Active'), ('SUSPENDU', 'Suspended'), ('SORTI', 'Exited'), ('RADIE', 'Exited')) m(w, c);
SELECT * FROM casesync.crosswalk ORDER BY code, preferred DESC, word;
SELECT w, casesync.to_code('sp', w, NULL::casesync.enrolment_status)
  FROM (VALUES ('ACTIF'), ('SUSPENDU'), ('SORTI'), ('RADIE'), (NULL)) v(w);
SELECT c, casesync.to_word('sp', c) FROM (SELECT n::casesync.enrolment_status FROM generate_series(1, 7) n) v(c);
SELECT casesync.to_word('sp', NULL::casesync.enrolment_status), casesync.to_word('other', 'Active'::casesync.enrolment_status);
-- Words are taken as they are stored; padding of char(n) does not count.
SELECT casesync.to_code('sp', 'ACTIF'::char(20), NULL::casesync.enrolment_status);
SELECT casesync.to_code('sp', 'actif', NULL::casesync.enrolment_status);
SELECT casesync.map_code('sp', '', 'Inactive'::casesync.enrolment_status);
SELECT casesync.to_code('sp', '', NULL::casesync.enrolment_status);

-- Lists and directories are apart; local codes and domains work alike.
SELECT casesync.map_code('ess', 'ACTIF', 'Inactive'::casesync.enrolment_status);
SELECT casesync.map_code('sp', 'ACTIF', 'Employed'::casesync.employment_status);
SELECT casesync.map_code('sp', 'EN ATTENTE', 'local:900'::casesync.enrolment_status);
CREATE DOMAIN status AS casesync.enrolment_status;
SELECT casesync.to_code('sp', 'ACTIF', NULL::casesync.enrolment_status) AS sp, casesync.to_code('ess', 'ACTIF', NULL::casesync.enrolment_status) AS ess,
	   casesync.to_code('sp', 'ACTIF', NULL::casesync.employment_status) AS employment, casesync.to_code('sp', 'EN ATTENTE', NULL::status) AS local,
	   pg_typeof(casesync.to_code('sp', 'ACTIF', NULL::status)), casesync.to_word('sp', 'local:900'::status);

-- Which word is written: the first, the preferred, never one that must not.
SELECT casesync.map_code('sp', 'RADIE', 'Exited'::casesync.enrolment_status, preferred => true);
SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status) AS radie;
SELECT casesync.map_code('sp', 'SORTI', 'Exited'::casesync.enrolment_status, preferred => true);
SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status) AS sorti;
SELECT casesync.map_code('sp', 'SORTI', 'Exited'::casesync.enrolment_status, preferred => false);
SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status) AS radie;
SELECT casesync.map_code('sp', 'RADIE', 'Exited'::casesync.enrolment_status, preferred => false);
SELECT casesync.to_word('sp', 'Exited'::casesync.enrolment_status) AS nothing;
SELECT * FROM casesync.crosswalk WHERE code = 'Exited' ORDER BY word;
-- Mapping a word again moves it, with its place in the order.
SELECT casesync.map_code('sp', 'SUSPENDU', 'Inactive'::casesync.enrolment_status);
SELECT casesync.to_word('sp', 'Suspended'::casesync.enrolment_status) AS nothing, casesync.to_word('sp', 'Inactive'::casesync.enrolment_status) AS empty_word,
	   casesync.to_code('sp', 'SUSPENDU', NULL::casesync.enrolment_status);
SELECT casesync.unmap_code('sp', 'SUSPENDU', NULL::casesync.enrolment_status), casesync.unmap_code('sp', 'SUSPENDU', NULL::casesync.enrolment_status);

-- Words nobody has mapped, with names that need quoting.
CREATE TABLE "Odd ""Table" (id integer, "Le Statut" varchar(20), at date);
INSERT INTO "Odd ""Table" SELECT i, (ARRAY['ACTIF', 'RADIE', 'NOUVEAU', 'nouveau', NULL, 'PERDU; DROP TABLE x'])[1 + i % 6] FROM generate_series(1, 20) i;
SELECT * FROM casesync.unmapped_words('sp', '"Odd ""Table"', 'Le Statut', NULL::casesync.enrolment_status);
SELECT * FROM casesync.unmapped_words('sp', '"Odd ""Table"', 'Le Statut', NULL::casesync.sex);
SELECT * FROM casesync.unmapped_words('sp', '"Odd ""Table"', 'at', NULL::casesync.enrolment_status);
CREATE VIEW statuses AS SELECT "Le Statut" AS s FROM "Odd ""Table";
SELECT count(*) FROM casesync.unmapped_words('sp', 'statuses', 's', NULL::casesync.enrolment_status);

-- It reads with the rights of the caller; mapping does not need rights on the table of words, but the consent of who began the list.
CREATE ROLE crosswalk_test_publisher;
GRANT USAGE ON SCHEMA casesync, casesync_internal, crosswalk_test TO crosswalk_test_publisher;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA casesync, casesync_internal TO crosswalk_test_publisher;
SET ROLE crosswalk_test_publisher;
SELECT * FROM casesync.unmapped_words('sp', '"Odd ""Table"', 'Le Statut', NULL::casesync.enrolment_status);
SELECT word FROM casesync_internal.crosswalk_word;
RESET ROLE;
SELECT casesync.grant_word_list('sp', 'crosswalk_test_publisher');
SET ROLE crosswalk_test_publisher;
SELECT casesync.map_code('sp', 'NOUVEAU', 'Active'::casesync.enrolment_status);
SELECT casesync.to_code('sp', 'NOUVEAU', NULL::casesync.enrolment_status), casesync.to_word('sp', 'Active'::casesync.enrolment_status);
RESET ROLE;
GRANT SELECT ON "Odd ""Table" TO crosswalk_test_publisher;
SET ROLE crosswalk_test_publisher;
SELECT * FROM casesync.unmapped_words('sp', '"Odd ""Table"', 'Le Statut', NULL::casesync.enrolment_status);
RESET ROLE;

-- An operator of the same name in a caller's schema changes nothing.
CREATE FUNCTION never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR = (FUNCTION = never, LEFTARG = text, RIGHTARG = text);
SET search_path = crosswalk_test, pg_catalog;
SELECT 'a'::text = 'a'::text AS hijacked;
SELECT casesync.to_word('sp', 'Active'::casesync.enrolment_status), casesync.to_code('sp', 'NOUVEAU', NULL::casesync.enrolment_status);
SET search_path = crosswalk_test;

-- The mark grows with every change, and only with committed ones.
CREATE TABLE seen (mark bigint);
CREATE FUNCTION mark_moved() RETURNS boolean LANGUAGE sql AS $$
	WITH now AS (SELECT casesync_internal.crosswalk_mark() AS mark), old AS (UPDATE seen SET mark = now.mark FROM now RETURNING 1)
	SELECT now.mark > seen.mark FROM now, seen
$$;
INSERT INTO seen VALUES (casesync_internal.crosswalk_mark());
SELECT casesync.to_code('sp', 'NOUVEAU', NULL::casesync.enrolment_status), mark_moved() AS after_reading;
SELECT casesync.map_code('sp', 'PERDU', 'Inactive'::casesync.enrolment_status);
SELECT mark_moved() AS after_mapping;
SELECT casesync.map_code('sp', 'PERDU', 'Exited'::casesync.enrolment_status);
SELECT mark_moved() AS after_moving;
BEGIN;
SELECT casesync.map_code('sp', 'PERDU', 'Active'::casesync.enrolment_status);
ROLLBACK;
SELECT mark_moved() AS after_rollback;
SELECT casesync.unmap_code('sp', 'PERDU', NULL::casesync.enrolment_status);
SELECT mark_moved() AS after_unmapping;
COPY casesync_internal.crosswalk_word (list, directory, word, code, mapped) FROM stdin;
sp	enrolment_status	RESTORED	Active	1000
\.
SELECT mark_moved() AS after_restoring;

-- a word is found without its index, too
BEGIN;
SELECT casesync.to_code('sp', 'RESTORED', NULL::casesync.enrolment_status);
ALTER TABLE casesync_internal.crosswalk_word DROP CONSTRAINT crosswalk_word_pkey;
SELECT casesync.to_code('sp', 'RESTORED', NULL::casesync.enrolment_status);
SELECT casesync_internal.mapped_code('sp', 'enrolment_status', 'NOBODY') IS NULL AS not_mapped, casesync_internal.mapped_code('other', 'enrolment_status', 'RESTORED') IS NULL AS of_another_list;
ROLLBACK;

DROP SCHEMA crosswalk_test CASCADE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA casesync, casesync_internal FROM crosswalk_test_publisher;
REVOKE ALL ON SCHEMA casesync, casesync_internal FROM crosswalk_test_publisher;
DROP EXTENSION casesync CASCADE;
DROP ROLE crosswalk_test_publisher;
