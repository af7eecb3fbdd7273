-- A change that cannot be routed at all: set aside, and what comes after it is routed.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) s;
-- as if it took all memory to tell of person 3
CREATE FUNCTION app.too_much() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.key = '3' THEN RAISE EXCEPTION USING errcode = 'out_of_memory', message = 'no memory for this'; END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER too_much BEFORE INSERT ON casesync_internal.notification_0 FOR EACH ROW EXECUTE FUNCTION app.too_much();
CREATE VIEW app.sent AS SELECT n.key, n.record->>'employment_status' AS status FROM casesync_internal.notification n ORDER BY n.id;
CREATE VIEW app.aside AS SELECT registry, key, tracking IS NOT NULL AS by_key, event_type, error_code, reason, tries FROM casesync.quarantine ORDER BY key;
INSERT INTO app.person VALUES (2, 'U2', '1');
INSERT INTO app.person VALUES (3, 'U3', '1');
INSERT INTO app.person VALUES (4, 'U4', '1');
SELECT app.try('SELECT casesync_internal.route()');
SELECT changes, notifications, more FROM casesync_internal.route(1);
SELECT app.try('SELECT casesync_internal.route(1)');
SELECT * FROM casesync_internal.route_aside('no memory for this');
SELECT * FROM app.aside;
SELECT * FROM casesync_internal.route();
SELECT * FROM app.sent;
SELECT severity, regexp_replace(problem, 'since .*', 'since (time)') AS problem FROM casesync.health WHERE problem ~ 'people';
-- nothing to set aside: nothing is done
SELECT * FROM casesync_internal.route_aside('nothing');
SELECT * FROM casesync_internal.route();
-- not tried again at once, but when somebody asks for it: then it fails again, and waits longer
SELECT count(*) FROM casesync_internal.quarantine_next(10);
SELECT casesync.retry_quarantine();
SELECT app.try('SELECT casesync_internal.route(1)');
SELECT * FROM casesync_internal.route_aside('still no memory');
SELECT * FROM app.aside;
UPDATE casesync_internal.quarantine_entry SET again_at = again_at - interval '19 minutes';
SELECT count(*) FROM casesync_internal.quarantine_next(10);
UPDATE casesync_internal.quarantine_entry SET again_at = again_at - interval '2 minutes';
SELECT count(*) FROM casesync_internal.quarantine_next(10);
-- its subject, once it is known, is set aside alone; and when the cause is gone it is told
DROP TRIGGER too_much ON casesync_internal.notification_0;
SELECT changes, notifications FROM casesync_internal.route();
SELECT * FROM app.aside;
SELECT * FROM app.sent;
-- what somebody wants looked at again is set aside by its subject, one at a time
SELECT casesync.look_again('people');
SELECT * FROM casesync_internal.route_aside('again');
SELECT * FROM app.aside;
SELECT count(*) FROM casesync_internal.look_again_entry;
SELECT changes, notifications FROM casesync_internal.route();
SELECT casesync.retry_quarantine();
SELECT changes FROM casesync_internal.route();
SELECT * FROM app.aside;
-- a filter that could not learn who is inside begins without it
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"employment_status": {"$eq": "1"}}')) s;
SELECT * FROM casesync_internal.route_aside('too slow');
SELECT is_seeded FROM casesync_internal.subscription WHERE tree IS NOT NULL;
-- a change of the key touches two; a transaction that is split
UPDATE app.person SET id = 40 WHERE id = 4;
SELECT * FROM casesync_internal.route_aside('split');
SELECT * FROM app.aside;
SELECT casesync.retry_quarantine();
SELECT changes FROM casesync_internal.route();
SELECT * FROM app.aside;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
