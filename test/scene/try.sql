\set ECHO none
-- How a test shows things, the schema of its application, and statements that may fail.
SET client_min_messages = warning;
\pset null '(null)'
\pset format unaligned
CREATE SCHEMA app;
-- runs a statement; an error as SQLSTATE, message, detail and hint, without what differs from run to run
CREATE FUNCTION app.try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m text; d text; h text;
BEGIN
	EXECUTE sql;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	m := concat_ws(E'\n  ', SQLSTATE || ': ' || m, nullif(d, ''), nullif(h, ''));
	m := regexp_replace(m, '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '(uuid)', 'g');
	m := regexp_replace(m, '\w{3} \w{3} \d\d \d\d:\d\d:\d\d\.\d+ \d{4} \w+', '(time)', 'g');
	RETURN regexp_replace(m, '\m' || session_user || '\M', '(me)', 'g');
END
$$;
\set ECHO all
