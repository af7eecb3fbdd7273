CREATE EXTENSION casesync;
\i test/scene/capture.sql

-- values of all kinds: those without "=" too, and those whose "=" is no equality ------------------------
CREATE TYPE pair AS (a integer, b text);
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE thing (id integer, j json, jb jsonb, p point, b box, n numeric, f float8, t text COLLATE no_case,
	ct char(5), a text[], c pair, m mood, d date, ts timestamptz, iv interval, by bytea, u uuid, r int4range, code casesync.sex);
SELECT casesync.track('thing', '{people}', 'id', on_update => 'enrolment_status_change');
SELECT cardinality(columns) FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
INSERT INTO thing VALUES (1, '{"a":1}', '{"a":1}', '(1,2)', '((0,0),(1,1))', 1.0, 0, 'abc', 'x', '{a,b}', '(1,x)', 'low',
	'2026-01-31', '2026-01-31 12:00+00', '1 day', '\x00ff', '00000000-0000-0000-0000-000000000001', '[1,5)', 'Male');
SET timezone = 'UTC';
UPDATE thing SET j = '{"a":1}', jb = '{"a":1}', p = '(1,2)', b = '((0,0),(1,1))', n = 1.0, f = 0, t = 'abc', ct = 'x',
	a = '{a,b}', c = '(1,x)', m = 'low', d = '2026-01-31', by = '\x00ff', r = '[1,5)', code = 'Male';
SELECT * FROM seen() WHERE op = 'U';
UPDATE thing SET j = '{"a": 1}';
UPDATE thing SET jb = '{"a":2}';
UPDATE thing SET p = '(1,2.5)';
UPDATE thing SET b = '((0,0),(2,0.5))';
UPDATE thing SET n = 1.00;
UPDATE thing SET f = '-0';
UPDATE thing SET t = 'ABC';
UPDATE thing SET ct = 'y';
UPDATE thing SET a = '{a,c}';
UPDATE thing SET c = '(1,y)';
UPDATE thing SET m = 'high';
UPDATE thing SET by = '\x00';
UPDATE thing SET u = NULL, r = '[1,6)';
UPDATE thing SET code = 'Female';
SELECT op, changed FROM seen();
-- written in one way, whatever the session prefers
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
UPDATE thing SET by = '\x01', d = '28/02/2026', iv = '2 days 3 hours', f = 0.1::float8 + 0.2, ts = '01/03/2026 08:00+02';
SELECT changed FROM seen();
SHOW datestyle;
RESET bytea_output;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
-- long values -----------------------------------------------------------------------------------------
CREATE TABLE document (id integer, title text, body text);
ALTER TABLE document ALTER body SET STORAGE EXTERNAL;
SELECT casesync.track('document', '{people}', 'id', on_update => 'enrolment_status_change');
INSERT INTO document VALUES (1, 'a', repeat('x', 1048576));
CREATE FUNCTION toast_reads() RETURNS bigint LANGUAGE sql AS
	$$SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_all_tables WHERE relid =
		(SELECT reltoastrelid FROM pg_class WHERE oid = 'app.document'::regclass)$$;
-- an update that leaves the long text alone does not read it
BEGIN;
SELECT toast_reads() AS before \gset
UPDATE document SET title = 'b';
UPDATE document SET title = title;
SELECT toast_reads() - :before AS reads;
-- reading it is seen by this test
SELECT length(lower(body)) FROM document;
SELECT toast_reads() - :before AS reads;
COMMIT;
UPDATE document SET body = repeat('x', 1048575) || 'y';
UPDATE document SET body = repeat('x', 1048575) || 'y';
UPDATE document SET title = repeat('é', 128);
UPDATE document SET title = repeat('é', 128) || 'x';
UPDATE document SET body = NULL, title = 'c';
SELECT op, key, changed FROM seen();

-- key expressions: only the columns they name, evaluated later -------------------------------------------
CREATE TABLE link (person jsonb, kind text, on_day date, note text);
SELECT casesync.track('link', '{people}', '(person ->> ''id'') || ''/'' || kind || to_char(on_day, ''YYYY'')',
	on_update => 'enrolment_status_change', columns => '{note}');
SELECT key, key_columns, key_query FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1 \gset
SET datestyle = 'German';
INSERT INTO link VALUES ('{"id": 5, "name": "A \"quoted\" name"}', 'x''y', '31.01.2026'), ('"text"', NULL, NULL), (NULL, 'k', NULL);
RESET datestyle;
SELECT key FROM casesync_internal.change WHERE relation = 'link'::regclass ORDER BY xid, cid, id;
SELECT key AS captured, :'key_query' AS key_query FROM casesync_internal.change WHERE relation = 'link'::regclass ORDER BY xid, cid, id LIMIT 1 \gset
PREPARE evaluate(text) AS :key_query;
EXECUTE evaluate(:'captured');
UPDATE link SET person = jsonb_set(person, '{id}', '6') WHERE kind = 'x''y';
SELECT op, key, old_key FROM casesync_internal.change WHERE relation = 'link'::regclass AND op = 'U';
DEALLOCATE evaluate;

-- what differs is stored as the server would store it: many columns, long values, empty ones, none at all -----------------
CREATE TABLE wide (id integer PRIMARY KEY);
DO $$ BEGIN EXECUTE (SELECT 'ALTER TABLE app.wide ' || string_agg(format('ADD COLUMN %I text', repeat('é', i % 7) || 'c' || i), ', ') FROM generate_series(1, 70) i); END $$;
SELECT casesync.track('wide', '{people}', 'id', on_update => 'enrolment_status_change') IS NOT NULL AS tracked;
INSERT INTO wide (id) VALUES (1), (2);
CREATE FUNCTION widen(upto integer, content text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT 'UPDATE app.wide SET ' || string_agg(format('%I = %s', attname, replace(content, '#', attnum::text)), ', ')
		FROM pg_attribute WHERE attrelid = 'app.wide'::regclass AND attnum BETWEEN 2 AND upto);
END $$;
SELECT widen(71, $$CASE # % 4 WHEN 0 THEN repeat('x', 300) WHEN 1 THEN '' WHEN 2 THEN repeat('ü', #) ELSE NULLIF(repeat('y', id), 'y') END$$);
SELECT widen(9, $$'only'$$);
SELECT widen(34, $$'{"a": "\'$$);
SELECT widen(71, 'NULL');
SELECT key, (SELECT count(*) FROM jsonb_object_keys(changed)) AS columns, md5(changed::text) AS content, record_image_eq(ROW(changed), ROW(changed::text::jsonb)) AS as_the_server
	FROM casesync_internal.change WHERE relation = 'wide'::regclass AND op = 'U' ORDER BY xid, cid, id;

RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
