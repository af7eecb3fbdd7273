-- Valid and invalid text of code types, one a line in test/corpus.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA code_corpus_test;
SET search_path = code_corpus_test;
\getenv abs_srcdir PG_ABS_SRCDIR
\set valid :abs_srcdir '/test/corpus/codes_valid.txt'
\set invalid :abs_srcdir '/test/corpus/codes_invalid.txt'
CREATE TABLE valid (line integer GENERATED ALWAYS AS IDENTITY, directory text, spelling text, canonical text);
CREATE TABLE invalid (line integer GENERATED ALWAYS AS IDENTITY, directory text, spelling text);
COPY valid (directory, spelling, canonical) FROM :'valid' (NULL '(null)');
COPY invalid (directory, spelling) FROM :'invalid' (NULL '(null)');
CREATE FUNCTION read_code(directory text, spelling text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	written text;
BEGIN
	EXECUTE format('SELECT %L::casesync.%I::text', spelling, directory) INTO written;
	RETURN written;
EXCEPTION WHEN OTHERS THEN
	RETURN 'SQLSTATE ' || SQLSTATE;
END
$$;

SELECT count(*) AS valid, count(DISTINCT directory) AS directories FROM valid;
SELECT line, directory, spelling, canonical, r AS written
  FROM valid, LATERAL read_code(directory, spelling) r WHERE r IS DISTINCT FROM canonical ORDER BY line;
-- find_code agrees with the types.
SELECT line, directory, spelling FROM valid WHERE casesync_internal.find_code(directory, spelling) IS NULL ORDER BY line;

SELECT count(*) AS invalid, count(DISTINCT directory) AS directories FROM invalid;
SELECT line, directory, spelling, r AS written
  FROM invalid, LATERAL read_code(directory, spelling) r WHERE r IS DISTINCT FROM 'SQLSTATE 22P02' ORDER BY line;
SELECT line, directory, spelling FROM invalid WHERE casesync_internal.find_code(directory, spelling) IS NOT NULL ORDER BY line;

-- Every directory takes its own local codes and no code of nothing.
SELECT count(*) AS directories,
	   count(*) FILTER (WHERE read_code(directory, 'local:900') = 'local:900'
						  AND read_code(directory, 'Local:32767 ') = 'local:32767') AS take_local,
	   count(*) FILTER (WHERE read_code(directory, '') = 'SQLSTATE 22P02'
						  AND read_code(directory, ':') = 'SQLSTATE 22P02'
						  AND read_code(directory, 'code:') = 'SQLSTATE 22P02'
						  AND read_code(directory, 'local:') = 'SQLSTATE 22P02'
						  AND read_code(directory, 'local:899') = 'SQLSTATE 22P02'
						  AND read_code(directory, 'local:32768') = 'SQLSTATE 22P02'
						  AND read_code(directory, 'local:99999999999999999999') = 'SQLSTATE 22P02'
						  AND read_code(directory, repeat('0', 200)) = 'SQLSTATE 22P02'
						  AND read_code(directory, repeat('x', 100000)) = 'SQLSTATE 22P02') AS refuse_rest
  FROM (SELECT DISTINCT directory FROM casesync.code_directory) d;

DROP SCHEMA code_corpus_test CASCADE;
DROP EXTENSION casesync CASCADE;
