/* Who has begun to deliver waits for a turn of the router. Must not know what a turn does. */

/*
 * What was committed while no bridge was there is to be known before anything is sent. A row is
 * only written when a session of a bridge begins: a turn that finds nothing writes nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_want()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted bigint;
BEGIN
	INSERT INTO casesync_internal.routing_turn_wanted DEFAULT VALUES RETURNING id INTO wanted;
	PERFORM casesync_internal.ring();
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_want() IS
	'ask for a turn of the router that begins after this; see routing_turn_was()';

CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_was(wanted bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN NOT EXISTS (SELECT FROM casesync_internal.routing_turn_wanted w WHERE w.id = wanted);
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_was(bigint) IS
	'whether the router has had a turn since it was asked for';

CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_done(wanted bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF wanted <> '{}' THEN
		DELETE FROM casesync_internal.routing_turn_wanted w WHERE w.id = ANY (wanted);
		PERFORM casesync_internal.ring();
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_done(bigint[]) IS
	'a turn is over that began after these were asked for';
