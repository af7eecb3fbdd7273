/*
 * A partner that does not answer has a backlog, and that has a limit (set_quota()). What is beyond
 * it is compacted, here and nowhere else, in small steps that the bridge asks for (prune_step()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.lanes_failing()
RETURNS TABLE (lane integer, max_backlog bigint)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.lane, p.max_backlog
	  FROM casesync_internal.lane l
	  JOIN casesync_internal.partner p ON p.partner = l.partner
	 CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) s
	 WHERE l.kind = 'notify' AND (s.attempt >= 3 OR s.is_stopped)
$$;
COMMENT ON FUNCTION casesync_internal.lanes_failing() IS
	'lanes of partners that do not answer, or that nothing is sent to any more';

/* Where there are too many is asked now and then: it costs as much as waits. */
CREATE OR REPLACE FUNCTION casesync_internal.backlog_look()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.backlog b
	 WHERE b.lane NOT IN (SELECT f.lane FROM casesync_internal.lanes_failing() f);
	INSERT INTO casesync_internal.backlog AS b (lane, cut)
	SELECT f.lane, casesync_internal.backlog_cut(f.lane, f.max_backlog)
	  FROM casesync_internal.lanes_failing() f
	 WHERE NOT EXISTS (SELECT FROM casesync_internal.backlog x WHERE x.lane = f.lane
		AND (x.cut IS NOT NULL OR x.looked_at > clock_timestamp() - interval '10 minutes'))
	ON CONFLICT ON CONSTRAINT backlog_pkey DO UPDATE SET cut = excluded.cut,
		looked_at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION casesync_internal.backlog_look() IS
	'part of backlog_step(): up to where the backlogs of which partners are to be compacted';

/* Of subscriptions whose lanes work, also if what was left out had waited in another one. */
CREATE OR REPLACE FUNCTION casesync_internal.backlog_release(max_subjects integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ready bigint[];
	released bigint := 0;
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.compacted c WHERE c.is_waiting) THEN
		RETURN 0;
	END IF;
	ready := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		  JOIN casesync_internal.lane l ON l.partner = s.partner AND l.kind = 'notify'
			AND CASE WHEN s.lane IS NULL THEN l.address = '' ELSE l.lane = s.lane END
		 WHERE s.id IN (SELECT c.subscription FROM casesync_internal.compacted c
			WHERE c.is_waiting)
		   AND NOT casesync_internal.is_stopped(s.partner)
		   AND l.lane NOT IN (SELECT f.lane FROM casesync_internal.lanes_failing() f)
		   AND NOT EXISTS (SELECT FROM casesync_internal.lane_now(l.lane) n WHERE n.attempt > 0));
	WITH again AS (
		SELECT * FROM casesync_internal.compacted_release(ready, max_subjects)
	), looked AS (
		SELECT casesync_internal.look_again_add(a.registry, array_agg(a.key), a.event_type,
			'older states were left out of a long backlog') AS subjects
		  FROM again a GROUP BY a.registry, a.event_type ORDER BY a.registry, a.event_type)
	SELECT coalesce(sum(l.subjects), 0) INTO released FROM looked l;
	IF released > 0 THEN
		PERFORM casesync_internal.ring();
	END IF;
	RETURN released;
END
$$;
COMMENT ON FUNCTION casesync_internal.backlog_release(integer) IS
	'part of backlog_step(): subjects of which states were left out are looked at, since the '
	'partner answers again; how many';

CREATE OR REPLACE FUNCTION casesync_internal.backlog_step(OUT rows bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	b casesync_internal.backlog;
	done integer;
BEGIN
	PERFORM casesync_internal.backlog_look();
	rows := casesync_internal.backlog_release(1000);
	SELECT x.* INTO b FROM casesync_internal.backlog x WHERE x.cut IS NOT NULL LIMIT 1;
	IF FOUND THEN
		done := casesync_internal.notification_compact(b.lane, b.cut, 1000);
		rows := rows + done;
		IF done = 0 THEN
			UPDATE casesync_internal.backlog x SET cut = NULL, looked_at = clock_timestamp()
			 WHERE x.lane = b.lane;
		END IF;
	END IF;
	PERFORM casesync_internal.compacted_tidy(1000);
	more := rows > 0;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	rows := 0; more := false;
END
$$;
COMMENT ON FUNCTION casesync_internal.backlog_step() IS
	'part of prune_step(): of a backlog beyond its limit some is compacted, and some of what was '
	'is looked at again where the partner is back';
