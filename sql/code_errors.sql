-- Every error of code types and crosswalk: SQLSTATE, message, detail and hint.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA code_errors_test;
SET search_path = code_errors_test;
CREATE FUNCTION try(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text)
	LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	message := 'NO ERROR';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;
\pset expanded on
\pset format unaligned
\pset footer off

-- input
SELECT * FROM try($$SELECT 'ACTIF'::casesync.enrolment_status$$);
SELECT * FROM try($$SELECT ''::casesync.enrolment_status$$);
SELECT * FROM try($$SELECT 'foster son'::casesync.relationship_type$$);
SELECT * FROM try($$SELECT ' FOSTER SON '::casesync.relationship_type$$);
SELECT * FROM try($$SELECT 'local:899'::casesync.enrolment_status$$);
SELECT * FROM try(format('SELECT %L::casesync.enrolment_status', repeat('é', 300)));
SELECT * FROM try($$SELECT 'Active'::casesync.enrolment_status(7)$$);
-- the code of another directory
SELECT * FROM try($$SELECT 'male'::casesync.marital_status$$);
-- integer
SELECT * FROM try($$SELECT 8::casesync.enrolment_status$$);
SELECT * FROM try($$SELECT (-1)::casesync.enrolment_status$$);
SELECT * FROM try($$SELECT 65537::casesync.enrolment_status$$);
-- binary
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/code_errors.data'
CREATE TABLE target (status casesync.enrolment_status);
COPY (SELECT 57::smallint) TO :'file' (FORMAT binary);
SELECT * FROM try(format('COPY target FROM %L (FORMAT binary)', :'file'));
COPY (SELECT 1::integer) TO :'file' (FORMAT binary);
SELECT * FROM try(format('COPY target FROM %L (FORMAT binary)', :'file'));
-- types that do not mix
SELECT * FROM try($$SELECT 'Active'::casesync.enrolment_status = 'Active'::casesync.ibr_enrollment_status$$);
SELECT * FROM try($$SELECT 'Active'::casesync.enrolment_status = 1$$);
SELECT * FROM try($$INSERT INTO target VALUES (1)$$);
SELECT * FROM try($$INSERT INTO target VALUES ('Graduated'::casesync.ibr_enrollment_status)$$);
SELECT * FROM try($$SELECT 'local:900'::casesync.enrolment_status::casesync.ibr_enrollment_status$$);
-- a number on disk that this library does not know
CREATE TABLE later (number smallint);
INSERT INTO later VALUES (57);
SET allow_system_table_mods = on;
UPDATE pg_attribute SET atttypid = 'casesync.enrolment_status'::regtype WHERE attrelid = 'later'::regclass AND attname = 'number';
RESET allow_system_table_mods;
SELECT * FROM try($$SELECT number::text FROM later$$);
SELECT * FROM try($$SELECT casesync.code(number) FROM later$$);
SELECT * FROM try($$SELECT number::casesync.ibr_enrollment_status FROM later$$);

-- directories and local codes
SELECT * FROM try($$SELECT casesync_internal.standard_label('colour', 1::smallint)$$);
SELECT * FROM try($$SELECT casesync.add_local_code('colour', 900, 'blue')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 5, 'Fifth')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 32768, 'Fifth')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 'male', 'Fifth')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 900, ' ')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 900, NULL)$$);
SELECT * FROM try($$SELECT casesync.add_local_code(NULL, 900, 'x')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 900, 'm')$$);
SELECT * FROM try($$SELECT casesync.add_local_code('sex', 900, 'Not told') IS NULL, casesync.add_local_code('sex', 901, 'not told')$$);
SELECT * FROM try($$SELECT casesync.drop_local_code('sex', 'male')$$);

-- crosswalk
SELECT * FROM try($$SELECT casesync.map_code('sp', 'ACTIF', 'Active'::text)$$);
SELECT * FROM try($$SELECT casesync.map_code('sp', 'ACTIF', 1)$$);
SELECT * FROM try($$SELECT casesync.map_code('sp', 'ACTIF', 'Active')$$);
SELECT * FROM try($$SELECT casesync.map_code('sp', 'ACTIF', '{Active}'::casesync.enrolment_status[])$$);
SELECT * FROM try($$SELECT casesync.map_code('sp', 'ACTIF', NULL::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.map_code('sp', NULL, 'Active'::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.map_code(NULL, 'ACTIF', 'Active'::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.map_code(' ', 'ACTIF', 'Active'::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.to_code('sp', 'L''ACTIF', NULL::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.to_code(NULL, 'ACTIF', NULL::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT casesync.to_code('sp', 'ACTIF', NULL::text)$$);
SELECT * FROM try($$SELECT casesync.to_word('sp', 'Active'::text)$$);
SELECT * FROM try($$SELECT * FROM casesync.unmapped_words('sp', 'target', 'Status', NULL::casesync.enrolment_status)$$);
SELECT * FROM try($$SELECT * FROM casesync.unmapped_words('sp', 'target', 'status', NULL::integer)$$);
-- a number is no type
SELECT casesync_internal.code_type_directory(0::regtype);

DROP SCHEMA code_errors_test CASCADE;
DROP EXTENSION casesync CASCADE;
