/* The opening of the install script: guard and what must exist before all else. */
\echo Use "CREATE EXTENSION casesync" to load this file. \quit

DO $$
DECLARE
	holder name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'casesync');
	in_the_way text;
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = 'casesync needs a database with encoding UTF8',
			detail = format('This database has encoding %s.', current_setting('server_encoding')),
			hint = 'CREATE DATABASE name ENCODING ''UTF8'' LOCALE ''C'' TEMPLATE template0;';
	END IF;
	/* The script has been read by now: a backslash in it already means something else. */
	IF current_setting('standard_conforming_strings') <> 'on' THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = 'casesync needs standard_conforming_strings to be on',
			hint = 'SET standard_conforming_strings = on; and CREATE EXTENSION again.';
	END IF;
	/* The owner of a schema may drop and add what he likes in it, and our functions run with
	 * the rights of a superuser. */
	IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = holder) THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = format('schema casesync exists and belongs to "%s"', holder),
			detail = 'It must belong to a superuser.',
			hint = 'DROP SCHEMA casesync; if it is empty, else ALTER SCHEMA casesync RENAME TO '
				'other_name;';
	END IF;
	IF to_regnamespace('casesync_internal') IS NOT NULL THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = 'schema casesync_internal exists',
			detail = 'The extension makes and fills it.',
			hint = 'DROP SCHEMA casesync_internal; if it is empty, else ALTER SCHEMA '
				'casesync_internal RENAME TO other_name;';
	END IF;
	/* An empty one is what pg_dump makes before the extension. */
	SELECT string_agg(o.name, ', ' ORDER BY o.name) INTO in_the_way
	  FROM (SELECT pg_describe_object(d.classid, d.objid, 0) AS name FROM pg_depend d
			 WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'casesync'::regnamespace
			   AND d.classid <> 'pg_extension'::regclass ORDER BY name LIMIT 5) o;
	IF in_the_way IS NOT NULL THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = 'schema casesync exists and is not empty',
			detail = format('It holds %s.', in_the_way),
			hint = 'ALTER SCHEMA casesync RENAME TO other_name;';
	END IF;
END
$$;

CREATE SCHEMA casesync_internal;
COMMENT ON SCHEMA casesync IS 'functions to call and views to look at';
COMMENT ON SCHEMA casesync_internal IS
	'tables, and what the functions and views of casesync are made of: for nobody to call';
