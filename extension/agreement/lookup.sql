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

CREATE OR REPLACE FUNCTION casesync_internal.lookups_of(partner text, day date)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(d.lookups), 0)::bigint FROM casesync_internal.lookup_day d
	 WHERE d.partner = lookups_of.partner AND d.day = lookups_of.day
$$;
COMMENT ON FUNCTION casesync_internal.lookups_of(text, date) IS
	'how many lookups of a partner were counted on a day';

/*
 * Questions under way at the same moment do not see each other yet: see lookups_settled(). Each
 * backend counts in a row of its own, so that none waits for another's search. What was
 * refused is counted as well, to be seen; it does not use up anything. To be called outside of what
 * may fail: a question counts however it ends.
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
	is_allowed := lookup_allowed.lookups + casesync_internal.lookups_of(partner, today) <= most;
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
	'count that a partner asks for so many people; false: more than it may in a day';

/*
 * Asked before an answer leaves. Here questions of one partner wait for each other, so that each
 * sees what the others have counted: else as many could be told as are asked at the same moment.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lookups_settled(partner text, lookups integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.wait_for_lookups(hashtext(partner));
	RETURN casesync_internal.lookup_allowed(partner, lookups)
		AND casesync_internal.lookups_of(partner, casesync_internal.lookup_today())
			<= casesync_internal.lookup_limit(partner);
END
$$;
COMMENT ON FUNCTION casesync_internal.lookups_settled(text, integer) IS
	'count that an answer is about so many more people; false: it may not be given, since the '
	'partner has asked for more than it may in a day';

/*
 * How many people fit is told, so each of them counts, also those on no page that was given. Who
 * goes on page by page is told the same number again and pays only for what it has grown by;
 * whatever else is asked again counts again. A page behind the end is no next page: it tells
 * nothing but the number.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lookup_people(partner text, question bytea,
	page_size integer, page_number integer, people integer, counted integer,
	OUT is_allowed boolean, OUT is_next boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	today constant date := casesync_internal.lookup_today();
	before integer;
BEGIN
	DELETE FROM casesync_internal.lookup_walk w
	 WHERE w.partner = lookup_people.partner AND w.day <> today;
	SELECT w.people INTO before FROM casesync_internal.lookup_walk w
	 WHERE w.partner = lookup_people.partner AND w.question = lookup_people.question
	   AND w.page_size = lookup_people.page_size
	   AND w.page_number = lookup_people.page_number - 1
	   AND w.page_number::bigint * w.page_size < lookup_people.people;
	is_next := FOUND;
	is_allowed := casesync_internal.lookups_settled(partner,
		people - CASE WHEN is_next THEN before ELSE counted END);
	IF is_allowed THEN
		INSERT INTO casesync_internal.lookup_walk AS w (partner, question, page_size, page_number,
			people, day)
		VALUES (partner, question, page_size, page_number, people, today)
		ON CONFLICT ON CONSTRAINT lookup_walk_pkey DO UPDATE
			SET page_size = excluded.page_size, page_number = excluded.page_number,
				people = excluded.people, day = excluded.day;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.lookup_people(text, bytea, integer, integer, integer,
	integer) IS
	'count the people whom a question fits, less those counted for it already; false: more than '
	'the partner may ask for in a day';
