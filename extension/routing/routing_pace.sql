/*
 * Who goes first. A registry whose view takes long is remembered here, and for some time others go
 * before it: it has its share of the router's time, and all of it while nobody else has work. Its
 * slices get shorter, until the one subject that is slow stands alone. Of a registry that is quick
 * nothing is kept, so that the usual turn writes nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.pace_note(registry text, tracking integer,
	subjects integer, took interval)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.turn_limit('slice');
	ms constant double precision := extract(epoch FROM took) * 1000;
	p casesync_internal.routing_pace;
BEGIN
	SELECT * INTO p FROM casesync_internal.routing_pace r
	 WHERE r.registry = pace_note.registry AND r.tracking = pace_note.tracking;
	IF p.registry IS NULL AND ms < casesync_internal.turn_limit('slow') THEN
		RETURN;
	END IF;
	p.slice := CASE WHEN ms > casesync_internal.turn_limit('too slow')
			THEN greatest(1, least(coalesce(p.slice, most), subjects) / 2)
		WHEN ms < casesync_internal.turn_limit('slow') / 2
			THEN least(most, p.slice * 2) ELSE coalesce(p.slice, most) END;
	DELETE FROM casesync_internal.routing_pace r
	 WHERE r.registry = pace_note.registry AND r.tracking = pace_note.tracking;
	INSERT INTO casesync_internal.routing_pace (registry, tracking, slice, rest_until)
	SELECT registry, tracking, p.slice, clock_timestamp() + least(
		took * casesync_internal.turn_limit('rest'),
		casesync_internal.turn_limit('longest rest') * interval '1 second')
	 WHERE ms >= casesync_internal.turn_limit('slow') OR p.slice < most;
END
$$;
COMMENT ON FUNCTION casesync_internal.pace_note(text, integer, integer, interval) IS
	'so long took a slice of a registry, or (with a tracking) a question for subjects';

CREATE OR REPLACE FUNCTION casesync_internal.registries_at_rest()
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT p.registry FROM casesync_internal.routing_pace p
		WHERE p.tracking = 0 AND p.rest_until > clock_timestamp())
$$;
COMMENT ON FUNCTION casesync_internal.registries_at_rest() IS
	'registries that took long, and before which others go now';
