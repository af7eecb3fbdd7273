-- Valid and invalid text of every format, one a line in test/corpus.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset format unaligned
\getenv abs_srcdir PG_ABS_SRCDIR
\set valid :abs_srcdir '/test/corpus/text_valid.txt'
\set invalid :abs_srcdir '/test/corpus/text_invalid.txt'
CREATE TEMP TABLE valid (line integer GENERATED ALWAYS AS IDENTITY, kind text, value text);
CREATE TEMP TABLE invalid (LIKE valid INCLUDING IDENTITY);
COPY valid (kind, value) FROM :'valid' (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', NULL '(null)');
COPY invalid (kind, value) FROM :'invalid' (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', NULL '(null)');
CREATE FUNCTION pg_temp.judge(kind text, value text) RETURNS boolean LANGUAGE sql RETURN
	CASE kind WHEN 'date' THEN casesync.is_date(value) WHEN 'date_time' THEN casesync.is_date_time(value)
		WHEN 'locale' THEN casesync.is_locale(value) WHEN 'email' THEN casesync.is_email(value)
		WHEN 'phone' THEN casesync.is_phone(value) WHEN 'identifier' THEN casesync.is_identifier(value) END;

SELECT kind, count(*) AS valid FROM valid GROUP BY 1 ORDER BY 1;
SELECT kind, count(*) AS invalid FROM invalid GROUP BY 1 ORDER BY 1;
SELECT line, kind, value AS refused_although_valid FROM valid WHERE pg_temp.judge(kind, value) IS NOT TRUE ORDER BY line;
SELECT line, kind, value AS accepted_although_invalid FROM invalid WHERE pg_temp.judge(kind, value) IS NOT FALSE ORDER BY line;

-- control characters cannot stand in a corpus of lines
SELECT v, casesync.is_date(v), casesync.is_date_time(v), casesync.is_locale(v), casesync.is_email(v),
	casesync.is_phone(v), casesync.is_identifier(v)
  FROM unnest(ARRAY[E'2026-01-01\n', E'eng\n', E'a@example.org\n', E'+15550100\n', E'47\t11', E'47\x7f11', E'\n',
	E'2026-01-01T00:00:00Z\n']) v;
-- every day of two hundred years agrees with the server's calendar
SELECT count(*) FILTER (WHERE casesync.is_date(to_char(d, 'YYYY-MM-DD'))) AS days
  FROM generate_series(timestamp '1896-01-01', timestamp '2095-12-31', interval '1 day') d;
SELECT count(*) AS no_days FROM generate_series(1896, 2095) y, generate_series(1, 12) m, generate_series(29, 31) d
 WHERE casesync.is_date(format('%s-%s-%s', y, lpad(m::text, 2, '0'), lpad(d::text, 2, '0')))
	IS DISTINCT FROM (d <= extract(day FROM make_date(y, m, 1) + interval '1 month' - interval '1 day'));
-- what is a date and time can be read by the server
SELECT count(value::timestamptz) = count(*) AS all_read FROM valid WHERE kind = 'date_time';
-- NULL stays NULL, and a CHECK may use them
SELECT casesync.is_date(NULL) IS NULL AND casesync.is_phone(NULL) IS NULL AS is_null;
CREATE TEMP TABLE contact (phone text CHECK (casesync.is_phone(phone)), died text CHECK (casesync.is_date(died)));
INSERT INTO contact VALUES ('+15550100', '2026-01-01'), (NULL, NULL);
\set VERBOSITY terse
INSERT INTO contact VALUES ('555-0100', NULL);
INSERT INTO contact VALUES (NULL, '2026-02-30');

DROP EXTENSION casesync CASCADE;
