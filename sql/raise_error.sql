-- What a caller sees of an error: no lines of casesync's own functions, all lines of the caller's.
CREATE EXTENSION casesync;
CREATE FUNCTION add_partner(url text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casesync.set_partner('ess.test', url);
	RETURN 'added';
END
$$;
SELECT casesync.set_partner('ess.test', 'ftp://ess.test');
SELECT add_partner('ftp://ess.test');
-- caught, it leaves the context of later errors whole
CREATE FUNCTION try_partner(url text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	PERFORM add_partner(url);
	RETURN 0;
EXCEPTION WHEN invalid_parameter_value THEN
	PERFORM 1 / 0;
END
$$;
SELECT try_partner('ftp://ess.test');
SELECT casesync_internal.raise_error('no such condition');
SELECT casesync_internal.raise_error('22012');
SELECT casesync_internal.raise_error(NULL);
-- a function of the site is not one of ours for the first word of its name
ALTER FUNCTION add_partner(text) RENAME TO casesync_add_partner;
SELECT casesync_add_partner('ftp://ess.test');
-- an error in a call with nothing around it, and a text that is no expression
SELECT casesync_internal.row_expression('pg_class', 'key', 'nothing', 'pg_catalog');
SELECT casesync_internal.row_expression('pg_class', 'key', '*', 'pg_catalog');
DROP EXTENSION casesync CASCADE;
DROP FUNCTION try_partner, casesync_add_partner;
