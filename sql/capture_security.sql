CREATE EXTENSION casesync;
\i test/scene/capture.sql

-- the application has no right on anything of casesync, and needs none -----------------------------------
CREATE ROLE regress_application;
CREATE ROLE regress_publisher;
CREATE ROLE regress_other_publisher;
GRANT USAGE ON SCHEMA app TO regress_application, regress_publisher, regress_other_publisher;
CREATE ROLE regress_reader;
SELECT casesync.grant_access('regress_publisher', 'publisher');
SELECT casesync.grant_access('regress_other_publisher', 'publisher');
SELECT casesync.grant_access('regress_reader', 'reader');
SELECT casesync.grant_registry('people', 'regress_publisher');
CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer, status text);
ALTER TABLE enrolment OWNER TO regress_publisher;
CREATE TABLE other (id integer, person_id integer);
ALTER TABLE other OWNER TO regress_other_publisher;
GRANT ALL ON enrolment, other TO regress_application;
SET ROLE regress_publisher;
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT tracking AS id, columns FROM casesync.tracked ORDER BY tracking DESC LIMIT 1;
RESET ROLE;

SET SESSION AUTHORIZATION regress_application;
SET search_path = app;
INSERT INTO enrolment VALUES (1, 1, 'Active');
UPDATE enrolment SET status = 'Suspended';
SELECT has_schema_privilege('casesync', 'USAGE');
-- read, forge, hide, silence: nothing of it
SELECT * FROM casesync_internal.change;
INSERT INTO casesync_internal.change_0 SELECT * FROM casesync_internal.change_0;
DELETE FROM casesync_internal.change_0;
SELECT casesync_internal.set_origin(1);
SELECT casesync_internal.capture_change();
SELECT casesync.stop_capture('I want to');
SET casesync.capture = off;
UPDATE enrolment SET status = 'Exited';
ALTER TABLE enrolment DISABLE TRIGGER ALL;
ALTER TABLE enrolment DISABLE TRIGGER casesync_1_update;
SET session_replication_role = replica;
CREATE TABLE pg_temp.mine (id integer, person_id integer);
CREATE TRIGGER forged AFTER INSERT ON pg_temp.mine FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change('1');
TRUNCATE enrolment;
-- functions of the application with names that casesync uses change nothing
CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
CREATE TABLE pg_temp.tracking (id integer);
SET search_path = pg_temp, app;
DELETE FROM enrolment;
RESET SESSION AUTHORIZATION;
SET search_path = app;
SELECT c.op, c.key, c.changed, c."session_user" FROM casesync_internal.change c ORDER BY xid, cid, id;

-- a setting made before the library is there is checked when it comes ---------------------------------------
\c -
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_application;
SET casesync.capture = off;
SET search_path = app;
INSERT INTO enrolment VALUES (2, 2, 'Active');
SHOW casesync.capture;
RESET SESSION AUTHORIZATION;
SET search_path = app;
SELECT op, key FROM casesync_internal.change WHERE key = '2';

-- publishers have power over their own tables only ------------------------------------------------------------
SET ROLE regress_other_publisher;
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment');
SELECT casesync.untrack('enrolment');
SELECT casesync.retrack('enrolment');
SELECT casesync.retrack();
SELECT casesync.stop_capture('because', 'enrolment');
SELECT casesync.stop_capture('because');
SELECT casesync_internal.tracking_store(t) FROM casesync_internal.tracking t;
SELECT casesync_internal.gap_begin('{1}', NULL, 'because');
UPDATE casesync_internal.tracking SET enabled = false;
INSERT INTO casesync_internal.gap (registries, reason, who, started) VALUES ('{}', 'x', 'y', now());
-- a trigger with another's tracking records nothing
CREATE TRIGGER casesync_1_insert AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change('1');
INSERT INTO other VALUES (1, 666);
DROP TRIGGER casesync_1_insert ON other;
CREATE TRIGGER casesync_1_insert BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change('1');
INSERT INTO other VALUES (1, 666);
DROP TRIGGER casesync_1_insert ON other;
CREATE TRIGGER casesync_1_insert AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change('999');
INSERT INTO other VALUES (1, 666);
DROP TRIGGER casesync_1_insert ON other;
CREATE TRIGGER casesync_1_insert AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION casesync_internal.capture_change();
INSERT INTO other VALUES (1, 666);
DROP TRIGGER casesync_1_insert ON other;
RESET ROLE;
SELECT count(*) FROM casesync_internal.change WHERE key = '666';
-- reading a key runs its immutable functions: nobody has them run with another's rights
CREATE FUNCTION who(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
	AS $$BEGIN RAISE WARNING 'run by %', current_user; RETURN true; END$$;
CREATE TABLE watched (id integer, person_id integer);
ALTER TABLE watched OWNER TO regress_publisher;
SET ROLE regress_other_publisher;
SELECT plain FROM casesync_internal.row_expression('watched', 'key', 'app.who(1)::text || person_id', 'pg_catalog');
SELECT plain FROM casesync_internal.row_expression('pg_class', 'key', 'app.who(1)::text || relname', 'pg_catalog');
SELECT plain FROM casesync_internal.row_expression('watched', 'condition', 'app.who(1)', 'pg_catalog');
SELECT casesync_internal.renamed_condition('watched', 'app.who(1)', '{id}', '{1}');
RESET ROLE;
SET ROLE regress_publisher;
SELECT casesync.track('watched', '{people}', 'person_id', on_insert => 'enrolment', condition => 'app.who(1)');
RESET ROLE;
SELECT casesync.track('watched', '{people}', 'app.who(1)::text || person_id', on_insert => 'enrolment');
SELECT casesync.retrack('watched');
SELECT casesync.untrack('watched');
DROP TABLE watched;
-- the owner may stop, and it is written down
SET ROLE regress_publisher;
SELECT casesync.stop_capture('the weekly load', 'enrolment');
INSERT INTO enrolment VALUES (3, 3, 'Active');
SELECT gap, relation, registries, reason, state, hint FROM casesync.gaps;
RESET ROLE;
SET ROLE regress_reader;
SELECT tracking, drift FROM casesync.tracked;
SELECT gap, state FROM casesync.gaps;
SELECT * FROM casesync_internal.change;
RESET ROLE;
SET ROLE regress_publisher;
SELECT casesync_internal.set_origin(1);
SELECT * FROM casesync_internal.change;
SELECT registry FROM casesync.start_capture(1);
INSERT INTO enrolment VALUES (4, 4, 'Active');
SELECT casesync.untrack('enrolment');
RESET ROLE;
SELECT op, key FROM casesync_internal.change WHERE key IN ('3', '4');

DROP TABLE enrolment, other;
DROP OWNED BY regress_application, regress_publisher, regress_other_publisher, regress_reader;
DROP ROLE regress_application, regress_publisher, regress_other_publisher, regress_reader;
RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
