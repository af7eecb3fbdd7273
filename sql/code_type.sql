-- The code types: what is frozen, round trips, casts, local codes, binds.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA code_type_test;
SET search_path = code_type_test;
\pset null '(null)'

-- Numbers, codes and written texts are frozen: a change of a line here breaks stored data.
\pset format unaligned
\pset tuples_only on
SELECT directory, directory_id, number, code, canonical FROM casesync.code_directory
 WHERE directory <> 'language_code' ORDER BY directory, number;
SELECT directory, string_agg(number || '=' || canonical, ' ' ORDER BY number)
  FROM casesync.code_directory WHERE directory = 'language_code' GROUP BY 1;
\pset format aligned
\pset tuples_only off

-- Every directory is a type of two bytes by value, and there is no other code type.
SELECT count(*) AS types, count(*) FILTER (WHERE t.typlen = 2 AND t.typbyval AND t.typalign = 's'
		AND t.typmodin = 0 AND t.typarray <> 0 AND t.typtype = 'b') AS sound
  FROM pg_type t WHERE t.typname IN (SELECT directory FROM casesync.code_directory)
   AND t.typnamespace = 'casesync'::regnamespace;
SELECT count(DISTINCT directory) AS directories FROM casesync.code_directory;
-- Rows below mean: an operator class that the server finds unsound.
SELECT a.amname, c.opcname FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
 WHERE c.opcnamespace = 'casesync_internal'::regnamespace AND NOT amvalidate(c.oid);
SELECT a.amname, count(*) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
 WHERE c.opcnamespace = 'casesync_internal'::regnamespace AND c.opcdefault GROUP BY 1 ORDER BY 1;
-- A type's own functions are immutable, strict and parallel safe.
SELECT p.proname FROM pg_type t JOIN pg_proc p ON p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend)
 WHERE t.typname IN (SELECT directory FROM casesync.code_directory)
   AND t.typnamespace = 'casesync'::regnamespace
   AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's');
-- Casts: text on assignment, integer on request, nothing implicit.
WITH code_type AS (SELECT DISTINCT directory::name AS typname FROM casesync.code_directory),
	 side AS (
	SELECT c.castcontext, c.castmethod, s.typname AS source, t.typname AS target,
		   s.typname IN (TABLE code_type) AS from_code, t.typname IN (TABLE code_type) AS to_code
	  FROM pg_cast c JOIN pg_type s ON s.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget)
SELECT CASE WHEN from_code AND NOT to_code THEN 'a code type' ELSE source END AS source,
	   CASE WHEN to_code AND NOT from_code THEN 'a code type' ELSE target END AS target,
	   castcontext, castmethod, count(*)
  FROM side WHERE from_code OR to_code GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- Round trip of every code: text, binary, integer, and every way to write it.
CREATE FUNCTION read_code(directory text, spelling text, OUT written text, OUT number integer)
	LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT v::text, v::integer FROM (SELECT %L::casesync.%I AS v) q', spelling, directory)
		INTO written, number;
EXCEPTION WHEN invalid_text_representation THEN
	written := 'refused';
END
$$;
CREATE TABLE way AS
SELECT d.directory, d.number, d.canonical, d.code, w.way, w.spelling
  FROM casesync.code_directory d, LATERAL (VALUES
	('canonical', d.canonical), ('upper case', upper(d.canonical)), ('lower case', lower(d.canonical)),
	('blanks around', E'\t ' || d.canonical || E' \n'), ('code', d.code),
	('padded code', CASE WHEN d.code ~ '^\d+$' THEN '00' || d.code END),
	('code:', 'code:' || d.code), ('directory:', d.directory || ':' || d.code),
	('label', d.label)) w(way, spelling)
 WHERE w.spelling IS NOT NULL;
SELECT w.way, count(*) AS spellings,
	   count(*) FILTER (WHERE r.written = w.canonical AND r.number = w.number) AS read_back
  FROM way w, LATERAL read_code(w.directory, w.spelling) r GROUP BY 1 ORDER BY 1;
-- The labels that cannot stand for their code: shared, or another row's code.
SELECT w.directory, w.code, w.spelling, r.written
  FROM way w, LATERAL read_code(w.directory, w.spelling) r
 WHERE (r.written, r.number) IS DISTINCT FROM (w.canonical, w.number) ORDER BY 1, 2;
CREATE FUNCTION round_trips(directory text, OUT numbers bigint, OUT wires bigint, OUT labels bigint,
							OUT descriptions bigint)
	LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) FILTER (WHERE d.number::integer::casesync.%1$I::text = d.canonical),
			count(*) FILTER (WHERE casesync.code(d.canonical::casesync.%1$I) = d.code),
			count(*) FILTER (WHERE casesync.label(d.canonical::casesync.%1$I) = d.label),
			count(*) FILTER (WHERE casesync.description(d.canonical::casesync.%1$I) = d.description)
		FROM casesync.code_directory d WHERE d.directory = %1$L', directory)
		INTO numbers, wires, labels, descriptions;
END
$$;
SELECT count(*), sum(d.codes) AS codes, sum(r.numbers) AS numbers, sum(r.wires) AS wires,
	   sum(r.labels) AS labels, sum(r.descriptions) AS descriptions
  FROM (SELECT directory, count(*) AS codes FROM casesync.code_directory GROUP BY 1) d,
	   LATERAL round_trips(d.directory) r;

-- Binary: two bytes, the number.
SELECT casesync_internal.enrolment_status_send('Exited'), casesync_internal.enrolment_status_send('local:900');
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/code_type.data'
CREATE TABLE binary_copy (status casesync.enrolment_status, relation casesync.relationship_type);
INSERT INTO binary_copy VALUES ('Active', 'wife'), ('local:901', NULL), (NULL, 'local:32767');
COPY binary_copy TO :'file' (FORMAT binary);
TRUNCATE binary_copy;
COPY binary_copy FROM :'file' (FORMAT binary);
SELECT * FROM binary_copy ORDER BY 1, 2;

-- Casts.
SELECT '3'::text::casesync.enrolment_status, 3::casesync.enrolment_status, 0::casesync.education_level,
	   900::casesync.sex, 'Exited'::casesync.enrolment_status::integer;
SELECT i AS ibr, i::casesync.enrolment_status AS ess,
	   i::casesync.enrolment_status::casesync.ibr_enrollment_status = i AS same
  FROM generate_series(1, 7) n, LATERAL (SELECT n::casesync.ibr_enrollment_status) v(i);
SELECT i AS icse93, i::casesync.employment_status AS employment_status
  FROM generate_series(1, 7) n, LATERAL (SELECT n::casesync.employment_status_icse93) v(i);
CREATE DOMAIN decided AS casesync.enrolment_status CHECK (VALUE <> 'Awaiting Renewal');
SELECT '03'::decided, casesync_internal.code_type_directory('decided'::regtype), casesync.label('3'::decided);
SELECT '{Active,local:900,"Awaiting Renewal",NULL}'::casesync.enrolment_status[];

-- Local codes: accepted without any row; a label when there is one.
SELECT ' LOCAL:900 '::casesync.identifier_type AS code, casesync.label('local:900'::casesync.identifier_type),
	   casesync.code('local:900'::casesync.identifier_type);
SELECT casesync.add_local_code('identifier_type', 'local:900', 'National ID', 'Number on the identity card.');
SELECT casesync.add_local_code('identifier_type', 901, 'Household number');
SELECT casesync.add_local_code('identifier_type', '901', 'Household No.');
SELECT casesync.label('local:900'::casesync.identifier_type), casesync.description('local:900'::casesync.identifier_type),
	   casesync.label('local:901'::casesync.identifier_type), casesync.description('local:901'::casesync.identifier_type),
	   casesync.label('local:900'::casesync.sex);
SELECT * FROM casesync.code_directory WHERE local ORDER BY directory, number;
-- Who wants registered codes only has a table of them and a foreign key.
CREATE TABLE permitted (type casesync.identifier_type PRIMARY KEY);
INSERT INTO permitted SELECT canonical FROM casesync.code_directory WHERE directory = 'identifier_type';
CREATE TABLE card (type casesync.identifier_type REFERENCES permitted, value text);
INSERT INTO card VALUES ('UIN', '1'), ('local:901', '2');
INSERT INTO card VALUES ('local:902', '3');
SELECT casesync.drop_local_code('identifier_type', 'local:901'), casesync.drop_local_code('identifier_type', '901');

-- Binds of a driver that types its texts as varchar.
CREATE TABLE enrolment (id integer PRIMARY KEY, status casesync.enrolment_status NOT NULL DEFAULT 'Active');
PREPARE insert_one(integer, varchar) AS INSERT INTO enrolment VALUES ($1, $2) RETURNING *;
EXECUTE insert_one(1, 'Suspended');
EXECUTE insert_one(2, '05');
EXECUTE insert_one(3, 'ACTIF');
PREPARE update_one(varchar, integer) AS UPDATE enrolment SET status = $1 WHERE id = $2 RETURNING *;
EXECUTE update_one('local:900', 2);
PREPARE find_wrong(varchar) AS SELECT * FROM enrolment WHERE status = $1;
PREPARE find_cast(varchar) AS SELECT * FROM enrolment WHERE status = $1::casesync.enrolment_status;
EXECUTE find_cast('4');
PREPARE find_text(varchar) AS SELECT * FROM enrolment WHERE status::text = $1;
EXECUTE find_text('Suspended');
PREPARE find_untyped AS SELECT * FROM enrolment WHERE status = $1;
EXECUTE find_untyped('suspended');
PREPARE find_list(varchar[]) AS SELECT * FROM enrolment WHERE status = ANY ($1::casesync.enrolment_status[]) ORDER BY id;
EXECUTE find_list('{4,local:900}');
INSERT INTO enrolment SELECT 4, 'Active'::char(20);
INSERT INTO enrolment SELECT 5, '{"status": "6"}'::jsonb ->> 'status';
INSERT INTO enrolment VALUES (6, 3);
SELECT * FROM enrolment ORDER BY id;

-- Legacy text columns become codes in place; local codes live in defaults and checks.
CREATE TABLE legacy (id integer, status varchar(20) DEFAULT 'Active');
INSERT INTO legacy VALUES (1, '1'), (2, 'exited'), (3, 'local:955');
ALTER TABLE legacy ALTER status DROP DEFAULT,
	ALTER status TYPE casesync.enrolment_status USING status::casesync.enrolment_status,
	ALTER status SET DEFAULT 'local:955', ADD CHECK (status <> 'local:956');
INSERT INTO legacy VALUES (4);
SELECT * FROM legacy ORDER BY id;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'legacy'::regclass;

-- Nothing of ours without a comment.
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
  FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
 WHERE d.deptype = 'e' AND e.extname = 'casesync'
   AND NOT EXISTS (SELECT FROM pg_type t         -- row and array types follow their own
					WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0))
   AND pg_describe_object(d.classid, d.objid, 0) ~ 'cod(e|es)\M|code_|_code|local_|word|crosswalk'
   AND NOT EXISTS (SELECT FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = 0);

SET client_min_messages = error;
DROP SCHEMA code_type_test CASCADE;
DROP EXTENSION casesync CASCADE;
-- The operators in pg_catalog went with it.
SELECT count(*) FROM pg_operator o WHERE o.oid >= 16384;
