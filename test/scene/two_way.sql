\set ECHO none
-- A partner that both tells and is told of the people. After notice.sql and delivery.sql.
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
	UPDATE person SET status = e.record->>'employment_status' WHERE uin = casesync.identifier_of(e.record, 'UIN');
	RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody' END;
END
$$;
CREATE FUNCTION app.apply_all() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	r record; n integer := 0;
BEGIN
	LOOP
		UPDATE casesync_internal.inbox_item SET next_try = NULL WHERE next_try IS NOT NULL;
		SELECT * INTO r FROM casesync_internal.apply_inbox();
		n := n + r.items;
		EXIT WHEN NOT r.more OR n > 50;
	END LOOP;
	RETURN n;
END
$$;
-- the partner tells of one person, whose status it changed so many seconds ago; with versions it says so for that field
CREATE FUNCTION app.hear(uin text, status text, ago float DEFAULT 0, is_versioned boolean DEFAULT false, over float DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT s.ack FROM app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record($1, $2),
		jsonb_build_object()) || jsonb_build_object('timestamp', to_char((clock_timestamp() - ago * interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))),
		header => jsonb_build_object('message_ts', clock_timestamp()) || CASE WHEN is_versioned THEN jsonb_build_object('meta', jsonb_build_object('items', jsonb_build_array(
			jsonb_build_object('changed', jsonb_build_object('employment_status', jsonb_build_array(
				casesync_internal.microseconds_of(clock_timestamp() - ago * interval '1 s'), casesync_internal.version_mark('ess.test'),
				casesync_internal.microseconds_of(clock_timestamp() - over * interval '1 s'))))))) ELSE '{}' END) s
$$;
DO $$ BEGIN
	PERFORM casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
	PERFORM casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member');
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');
END $$;
CREATE VIEW app.statuses AS SELECT uin, status FROM app.person ORDER BY id;
-- what is sent to the partner now
CREATE FUNCTION app.told() RETURNS TABLE (uin text, status text) LANGUAGE sql AS $$
	SELECT casesync.identifier_of(e #> '{data,reg_records}', 'UIN'), e #>> '{data,reg_records,employment_status}'
	  FROM app.send('ess.test') p CROSS JOIN jsonb_array_elements(p.message::jsonb->'notify_event') e
$$;
\set ECHO all
