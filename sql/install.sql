-- What stands in the way of CREATE EXTENSION is said, with what to do about it.
CREATE ROLE install_app LOGIN;
CREATE DATABASE casesync_install_ascii ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0;
CREATE DATABASE casesync_install ENCODING UTF8 LOCALE 'C' TEMPLATE template0;
\set home :DBNAME
\set VERBOSITY default
\set SHOW_CONTEXT never

-- another encoding
\connect casesync_install_ascii
CREATE EXTENSION casesync;

-- backslashes that mean something in plain literals; the server warns of each of them
\connect casesync_install
SET client_min_messages = error;
SET standard_conforming_strings = off;
CREATE EXTENSION casesync;
RESET standard_conforming_strings;
RESET client_min_messages;

-- a schema of that name: somebody else's, one in use, one that is empty
CREATE SCHEMA casesync AUTHORIZATION install_app;
CREATE EXTENSION casesync;
DROP SCHEMA casesync;
CREATE SCHEMA casesync;
CREATE TABLE casesync.node (id integer);
CREATE FUNCTION casesync.setting(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE EXTENSION casesync;
DROP TABLE casesync.node;
DROP FUNCTION casesync.setting(text);
GRANT ALL ON SCHEMA casesync TO install_app;
CREATE EXTENSION casesync;
DROP EXTENSION casesync;

-- rights on all that is new do not reach what is casesync's, nor does what was given on an empty schema
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO install_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO install_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO install_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO install_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO install_app;
CREATE TABLE public.probe (id integer);
CREATE EXTENSION casesync;
SELECT has_table_privilege('install_app', 'public.probe', 'SELECT') AS rights_are_given;
SELECT pg_describe_object(s.classid, s.objid, 0) AS reaches_casesync
  FROM pg_shdepend s
 WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = 'install_app'::regrole AND s.deptype = 'a'
   AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND pg_describe_object(s.classid, s.objid, 0) ~ 'casesync';
SELECT has_schema_privilege('install_app', 'casesync', 'USAGE');

-- what an access gives is given all the same, and nothing beside
SELECT casesync.grant_access('install_app', 'types');
SET SESSION AUTHORIZATION install_app;
SELECT casesync.label('4'::casesync.enrolment_status);
SELECT count(*) FROM casesync_internal.inbox_item;
RESET SESSION AUTHORIZATION;

\connect :home
DROP DATABASE casesync_install;
DROP DATABASE casesync_install_ascii;
DROP ROLE install_app;
