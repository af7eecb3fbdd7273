/*
 * How long a turn of the router may take. One turn is one transaction, which the bridge's
 * statement_timeout ends after a minute: then all of it was in vain, for everybody. So whatever may
 * take long asks here how much is left, and what does not fit is left for a later turn.
 */
CREATE OR REPLACE FUNCTION casesync_internal.turn_limit(name text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE name
	WHEN 'most' THEN 40000			/* milliseconds until which others' code may run */
	WHEN 'share' THEN 2000			/* milliseconds after which nothing new is begun */
	WHEN 'slow' THEN 1000			/* milliseconds of one slice: the next ones are shorter */
	WHEN 'very slow' THEN 3000		/* milliseconds of a slice of few: others go first */
	WHEN 'few' THEN 100				/* subjects */
	WHEN 'rest' THEN 4				/* times as long as it took, others go first */
	WHEN 'longest rest' THEN 300	/* seconds */
	WHEN 'slice' THEN 1000			/* subjects */
	WHEN 'bulk' THEN 100			/* changes of one transaction: more than that wait */
	WHEN 'window' THEN 10			/* times as many changes are looked through as are routed */
	WHEN 'bulk part' THEN 4			/* times as many of a large transaction are put aside */
	WHEN 'page' THEN 10000			/* subjects of one key that are read at a time */
	WHEN 'ahead' THEN 1000			/* notifications of a backfill that wait in a lane */
	WHEN 'again' THEN 100000		/* subjects that a turn of itself has looked at again */
	END;
COMMENT ON FUNCTION casesync_internal.turn_limit(text) IS
	'how much the router does, and how long, before others have their turn; the only place where '
	'that is written';

CREATE OR REPLACE FUNCTION casesync_internal.turn_begin()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM set_config('casesync_internal.turn_until', (extract(epoch FROM clock_timestamp())
		+ casesync_internal.turn_limit('most') / 1000)::text, true);
END
$$;
COMMENT ON FUNCTION casesync_internal.turn_begin() IS
	'from now on, until turn_end() or the end of the transaction, time is counted';

CREATE OR REPLACE FUNCTION casesync_internal.turn_end()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM set_config('casesync_internal.turn_until', '', true);
END
$$;
COMMENT ON FUNCTION casesync_internal.turn_end() IS 'time is not counted any more';

CREATE OR REPLACE FUNCTION casesync_internal.turn_until()
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN coalesce(to_timestamp(nullif(
		current_setting('casesync_internal.turn_until', true), '')::double precision), 'infinity');
COMMENT ON FUNCTION casesync_internal.turn_until() IS
	'until when others'' code may run in this turn; infinity outside of one';

CREATE OR REPLACE FUNCTION casesync_internal.turn_has_time()
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN clock_timestamp() < casesync_internal.turn_until() - interval '1 millisecond'
		* (casesync_internal.turn_limit('most') - casesync_internal.turn_limit('share'));
COMMENT ON FUNCTION casesync_internal.turn_has_time() IS
	'whether something new may be begun in this turn';
