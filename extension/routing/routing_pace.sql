/*
 * Who goes first. Of a registry whose view takes long fewer subjects are looked at together: not
 * very few, since a view may take as long for one as for many; unless its time has run out, until
 * who is slow stands alone. One that takes long even for few has turns of its own, and then rests
 * for some time: it has its share of the router's time, and all of it while nobody else has work.
 * Of a registry that is quick nothing is kept, so that the usual turn writes nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.pace_note(registry text, tracking integer,
	subjects integer, took interval)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.turn_limit('slice');
	few constant integer := casesync_internal.turn_limit('few');
	slow constant integer := casesync_internal.turn_limit('slow');
	limit_ms constant integer := nullif(
		casesync_internal.milliseconds_of('casesync.render_timeout'), 0);
	ms constant double precision := extract(epoch FROM took) * 1000;
	p casesync_internal.routing_pace;
BEGIN
	SELECT * INTO p FROM casesync_internal.routing_pace r
	 WHERE r.registry = pace_note.registry AND r.tracking = pace_note.tracking;
	IF NOT FOUND AND ms < slow THEN
		RETURN;
	END IF;
	p.slice := coalesce(p.slice, most);
	p.slice := CASE WHEN ms >= limit_ms THEN greatest(1, least(p.slice, subjects) / 2)
		WHEN ms >= slow
			THEN greatest(least(p.slice, few), least(p.slice, subjects * slow / 2 / ms))
		WHEN ms < slow / 4 THEN least(most, p.slice * 2) ELSE p.slice END;
	p.rest_until := CASE WHEN ms >= casesync_internal.turn_limit('very slow') AND subjects <= few
		THEN clock_timestamp() + least(took * casesync_internal.turn_limit('rest'),
			casesync_internal.turn_limit('longest rest') * interval '1 second') END;
	DELETE FROM casesync_internal.routing_pace r
	 WHERE r.registry = pace_note.registry AND r.tracking = pace_note.tracking;
	IF p.slice < most OR p.rest_until IS NOT NULL THEN
		INSERT INTO casesync_internal.routing_pace (registry, tracking, slice, rest_until)
		VALUES (registry, tracking, p.slice, p.rest_until);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.pace_note(text, integer, integer, interval) IS
	'so long took a slice of a registry, or (with a tracking) a question for subjects';

CREATE OR REPLACE FUNCTION casesync_internal.slow_registries(OUT slow text[], OUT at_rest text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT coalesce(array_agg(p.registry), '{}'),
		coalesce(array_agg(p.registry) FILTER (
			WHERE NOT casesync_internal.rest_is_over(p.rest_until)), '{}')
	  INTO slow, at_rest
	  FROM casesync_internal.routing_pace p WHERE p.tracking = 0 AND p.rest_until IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.slow_registries() IS
	'registries that are slow even for few subjects, and those that had their turn a little '
	'while ago';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_is_slow(t casesync_internal.tracking)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.routing_pace p
		WHERE p.registry = '' AND p.tracking = t.id AND p.rest_until IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_is_slow(casesync_internal.tracking) IS
	'whether asking for the subjects of a captured key took long last time';

/* Kept by the session: who follows it as the router knows soon enough. */
CREATE OR REPLACE FUNCTION casesync_internal.slow_turn_is_due()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN coalesce(current_setting('casesync_internal.slow_waits', true), '') = 'on';
COMMENT ON FUNCTION casesync_internal.slow_turn_is_due() IS
	'whether this turn belongs to what is slow, since the last one passed it over';

CREATE OR REPLACE FUNCTION casesync_internal.slow_turn_set(is_due boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM set_config('casesync_internal.slow_waits',
		CASE WHEN is_due THEN 'on' ELSE '' END, false)
	 WHERE is_due <> casesync_internal.slow_turn_is_due();
END
$$;
COMMENT ON FUNCTION casesync_internal.slow_turn_set(boolean) IS
	'whether the next turn belongs to what is slow';
