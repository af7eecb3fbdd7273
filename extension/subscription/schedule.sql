/*
 * Subscriptions that are told at certain times (frequency). What is news to one meanwhile is kept
 * as a mark for each subject, and not as what it was: when its time has come the router tells the
 * subject as it is then, once, by the agreement of then (routing/scheduled.sql). So nothing waits
 * in the lane, where it would stand before what others are to get now.
 */

/* At the end of the subscription what is marked is told a minute before that. */
CREATE OR REPLACE FUNCTION casesync_internal.schedule_due(s casesync_internal.subscription)
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT least(casesync.cron_next(s.cron, clock_timestamp(), s.time_zone),
			s.ends - interval '1 minute')
	 WHERE casesync.cron_next(s.cron, clock_timestamp(), s.time_zone) IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.schedule_due(casesync_internal.subscription) IS
	'when a subscription is told next of what is news; NULL: at once';

CREATE OR REPLACE FUNCTION casesync_internal.has_schedules(partner text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.subscription s
		WHERE s.partner = has_schedules.partner AND s.state = 'active' AND s.cron IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.has_schedules(text) IS
	'whether a partner has subscriptions that are told at certain times';

/* Who is marked already is told at the time that he was marked for. */
CREATE OR REPLACE FUNCTION casesync_internal.schedule_put(registry text, keys text[],
	subscriptions bigint[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	ids bigint[];
	times timestamptz[];
BEGIN
	SELECT array_agg(t.id), array_agg(t.due_at) INTO ids, times
	  FROM (SELECT s.id, casesync_internal.schedule_due(s) AS due_at
			  FROM casesync_internal.subscription s
			 WHERE s.id = ANY (subscriptions) AND s.cron IS NOT NULL) t
	 WHERE t.due_at > clock_timestamp();
	INSERT INTO casesync_internal.scheduled_subject (registry, key, subscription, due_at)
	SELECT DISTINCT schedule_put.registry, u.key, t.id, t.due_at
	  FROM unnest(keys, subscriptions) u(key, subscription)
	  JOIN unnest(ids, times) t(id, due_at) ON t.id = u.subscription
	ON CONFLICT DO NOTHING;
	RETURN coalesce(ids, '{}');
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_put(text, text[], bigint[]) IS
	'mark subjects, each for the subscription in the same place, if that is told at certain times; '
	'returns the subscriptions that are';

CREATE OR REPLACE FUNCTION casesync_internal.schedule_next(max_subjects integer)
RETURNS SETOF casesync_internal.scheduled_subject
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
DECLARE
	first_here text := (SELECT x.registry FROM casesync_internal.scheduled_subject x
		WHERE x.due_at <= clock_timestamp() ORDER BY x.due_at, x.registry, x.key LIMIT 1);
BEGIN
	RETURN QUERY SELECT f.* FROM (
		SELECT x.* FROM casesync_internal.scheduled_subject x
		 WHERE x.due_at <= clock_timestamp() ORDER BY x.due_at, x.registry, x.key
		 LIMIT greatest(max_subjects, 0)) f
	 WHERE f.registry = first_here;
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_next(integer) IS
	'the first subjects of one registry whose time has come';

CREATE OR REPLACE FUNCTION casesync_internal.schedule_is_due()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.scheduled_subject x
		WHERE x.due_at <= clock_timestamp());
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_is_due() IS
	'whether subjects are marked whose time has come';

CREATE OR REPLACE FUNCTION casesync_internal.schedule_done(
	marks casesync_internal.scheduled_subject[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	DELETE FROM casesync_internal.scheduled_subject x USING unnest(marks) m
	 WHERE x.registry = m.registry AND x.key = m.key AND x.subscription = m.subscription;
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_done(casesync_internal.scheduled_subject[]) IS
	'these were told, or never will be';

CREATE OR REPLACE FUNCTION casesync_internal.schedule_later(
	marks casesync_internal.scheduled_subject[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	UPDATE casesync_internal.scheduled_subject x
	   SET due_at = clock_timestamp() + interval '1 minute'
	  FROM unnest(marks) m
	 WHERE x.registry = m.registry AND x.key = m.key AND x.subscription = m.subscription;
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_later(casesync_internal.scheduled_subject[]) IS
	'these cannot be told now, and are tried again soon';
