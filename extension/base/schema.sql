/* The opening of the install script: guard and what must exist before all else. */
\echo Use "CREATE EXTENSION casesync" to load this file. \quit

DO $$
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = 'casesync needs a database with encoding UTF8',
			detail = format('This database has encoding %s.', current_setting('server_encoding')),
			hint = 'CREATE DATABASE … ENCODING ''UTF8'' TEMPLATE template0;';
	END IF;
END
$$;

CREATE SCHEMA casesync_internal;
COMMENT ON SCHEMA casesync IS 'functions to call and views to look at';
COMMENT ON SCHEMA casesync_internal IS
	'tables, and what the functions and views of casesync are made of: for nobody to call';
