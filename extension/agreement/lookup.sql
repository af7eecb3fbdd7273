/* How many people a partner may ask for in a day, and has asked for. */

/* With the extension's rights, since a view's reader needs the rights that its functions use. */
CREATE OR REPLACE FUNCTION casesync_internal.lookup_limit(partner text)
RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT max(a.lookups_per_day) FROM casesync_internal.agreement a
		 WHERE a.partner = lookup_limit.partner AND a.state = 'active' AND a.direction = 'out'
		   AND a.services && '{search,check_enrollment}'
		   AND a.valid_from <= now() AND now() < a.valid_to), 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.lookup_limit(text) IS
	'how many people a partner may ask for in a day: the highest of its agreements';

/* By the clock, not by the transaction's beginning: a long one would count for the day before. */
CREATE OR REPLACE FUNCTION casesync_internal.lookup_today()
RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (clock_timestamp() AT TIME ZONE
		coalesce((SELECT n.time_zone FROM casesync_internal.node n), 'UTC'))::date
$$;
COMMENT ON FUNCTION casesync_internal.lookup_today() IS
	'the day that lookups count for, in the node''s time zone';

/*
 * Questions under way at the same moment do not see each other: the limit may be passed by as many.
 * Each backend counts in a row of its own, so that none waits for another's answer. What was
 * refused is counted as well, to be seen; it does not use up anything. An answer that fails later
 * takes its count with it, like all it did.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lookup_allowed(partner text, lookups integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	today constant date := casesync_internal.lookup_today();
	most constant integer := casesync_internal.lookup_limit(partner);
	is_allowed boolean;
BEGIN
	IF lookups IS NULL OR lookups < 1 OR most = 0 THEN
		RETURN coalesce(lookups, 0) < 1;
	END IF;
	is_allowed := lookup_allowed.lookups + coalesce((
		SELECT sum(d.lookups) FROM casesync_internal.lookup_day d
		 WHERE d.partner = lookup_allowed.partner AND d.day = today), 0) <= most;
	INSERT INTO casesync_internal.lookup_day AS d (partner, day, worker, lookups, refused)
	VALUES (lookup_allowed.partner, today, pg_backend_pid(),
		CASE WHEN is_allowed THEN lookup_allowed.lookups ELSE 0 END,
		CASE WHEN is_allowed THEN 0 ELSE lookup_allowed.lookups END)
	ON CONFLICT ON CONSTRAINT lookup_day_pkey DO UPDATE
		SET lookups = d.lookups + excluded.lookups, refused = d.refused + excluded.refused;
	RETURN is_allowed;
END
$$;
COMMENT ON FUNCTION casesync_internal.lookup_allowed(text, integer) IS
	'count that a partner asks for so many people; false: more than it may in a day, answer as if '
	'they were unknown';
