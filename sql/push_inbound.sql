-- What a partner pushes to us: taken like what we subscribed to where that is agreed, refused where it is not; and what a
-- case worker sees of it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
INSERT INTO app.person VALUES (1, 'U1', '1', true, 'North', 'secret'), (2, 'U2', '1', true, 'North', 'secret');
CREATE FUNCTION app.pushed(message jsonb, way text DEFAULT 'push') RETURNS TABLE (ack text, error_code text, error_message text) LANGUAGE sql AS $$
	SELECT * FROM app.say('notify', $1, header => jsonb_build_object('meta', jsonb_build_object('items', jsonb_build_array(
		jsonb_build_object('code', 'theirs', 'way', $2, 'seq', 1)))))
$$;
CREATE VIEW app.items AS SELECT reference_id, subject, state, mode, reason FROM casesync_internal.inbox_item ORDER BY id;

-- not agreed: refused whole, nothing is stored; what does not say that it is pushed waits for a person, as ever
SELECT * FROM app.pushed(app.notify(app.event('r1', app.record('U1'))));
SELECT count(*) FROM casesync_internal.inbox_item;
SELECT * FROM app.pushed(app.notify(app.event('r1', app.record('U1'))), NULL);
SELECT * FROM app.items;
SELECT partner, state, heard_as, heard_state FROM casesync.shared_status('people', '1');
-- agreed: as the agreement says
SELECT casesync.set_agreement('IN', 'ess.test', 'in', services => '{notify,push}');
SELECT casesync.activate('IN');
SELECT * FROM app.pushed(app.notify(app.event('r2', app.record('U2'))));
SELECT * FROM app.pushed(app.notify(app.event('r3', app.record('U1', '2'))), NULL);
SELECT * FROM app.items;
-- within it: event types, fields, and deaths for a person
SELECT * FROM app.pushed(app.notify(app.event('r4', app.record('U1'), '{"reg_event_type": "enrolment"}')));
SELECT * FROM app.pushed(app.notify(app.event('r5', app.record('U1', '3', '{"phone_number": "1", "demographic_info": {"death_date": "2026-01-01"}}'))));
SELECT reference_id, state, mode, record ? 'phone_number' AS phone FROM casesync_internal.inbox_item WHERE reference_id = 'r5';
-- once, however often it comes
SELECT * FROM app.pushed(app.notify(app.event('r2', app.record('U2'))));
SELECT count(*) FROM casesync_internal.inbox_item WHERE reference_id = 'r2';
SELECT partner, state, heard_as, heard_state FROM casesync.shared_status('people', '1');
SELECT partner, state, heard_as, heard_state FROM casesync.shared_status('people', '2');
SELECT partner FROM casesync.shared_status('people', '99');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
