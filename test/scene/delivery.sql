\set ECHO none
-- What the router makes of what was captured, and what is sent of it. Wants a schema app.
CREATE FUNCTION app.route_all(max_changes integer DEFAULT 1000, OUT chunks integer, OUT changes integer, OUT notifications integer)
LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	chunks := 0; changes := 0; notifications := 0;
	LOOP
		SELECT * INTO r FROM casesync_internal.route(max_changes);
		chunks := chunks + 1; changes := changes + r.changes; notifications := notifications + r.notifications;
		EXIT WHEN NOT r.more;
	END LOOP;
END
$$;
CREATE FUNCTION app.route() RETURNS TABLE (changes integer, notifications integer) LANGUAGE sql AS
	'SELECT r.changes, r.notifications FROM app.route_all() r';
-- sends all that is due to a partner, each message with the same outcome; what was sent
CREATE FUNCTION app.send(whose text, verdict text DEFAULT 'delivered', kind text DEFAULT 'notify') RETURNS SETOF casesync_internal.parcel
LANGUAGE plpgsql AS $$
DECLARE
	l integer;
	p casesync_internal.parcel;
BEGIN
	FOR l IN SELECT x.lane FROM casesync_internal.lane x WHERE x.partner = whose AND x.kind = $3 ORDER BY x.lane LOOP
		-- what is refused for ever must not be sent for ever
		FOR turn IN 1 .. 1000 LOOP
			SELECT * INTO p FROM casesync_internal.take(l);
			EXIT WHEN NOT FOUND;
			PERFORM casesync_internal.record_outcome(l, p.message_id, verdict, 0, 200, 'ACK', NULL, NULL);
			RETURN NEXT p;
		END LOOP;
	END LOOP;
END
$$;
\set ECHO all
