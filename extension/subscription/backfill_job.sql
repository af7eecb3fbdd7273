/*
 * Backfills: a subscription whose partner is told of all subjects as they are now, because somebody
 * has asked for it or because the agreement gives it to every new one. Here it is kept how far each
 * is; the router does the work (routing/backfill.sql), a little in each turn. What is done is
 * committed with what came of it, so whoever dies, the next turn goes on behind it.
 */

/* Under which agreements: of suspended ones it waits, without any it ends. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_lets(a casesync_internal.agreement,
	event_type text, is_initial boolean)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT event_type = ANY (a.event_types)
		AND CASE WHEN is_initial THEN a.initial_state ELSE 'backfill' = ANY (a.services) END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_lets(casesync_internal.agreement, text, boolean) IS
	'whether an agreement lets a subscription to such events be told of all subjects';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_add(subscription bigint, is_initial boolean,
	subjects text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.backfill (subscription, is_initial, subjects)
	VALUES (subscription, is_initial, subjects) ON CONFLICT DO NOTHING RETURNING id
$$;
COMMENT ON FUNCTION casesync_internal.backfill_add(bigint, boolean, text) IS
	'the router is to tell a subscription of all subjects; NULL when it does already';

/*
 * Once for a subscription, when its partner knows of it: whoever is told what it cannot place would
 * refuse it. What changes meanwhile is told like any news.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_initial(subscriptions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	begun bigint[] := ARRAY(
		SELECT casesync_internal.backfill_add(s.id, is_initial => true)
		  FROM casesync_internal.subscription s
		 WHERE s.id = ANY (subscriptions) AND s.state || '' = 'active' AND s.is_confirmed
		   AND NOT s.is_push AND EXISTS (SELECT FROM casesync_internal.agreements_about(s) a
			WHERE casesync_internal.backfill_lets(a, s.event_type, is_initial => true))
		   AND NOT EXISTS (SELECT FROM casesync_internal.backfill b
			WHERE b.subscription = s.id AND b.is_initial)
		 ORDER BY s.id);
BEGIN
	IF begun <> '{}' THEN
		PERFORM casesync_internal.ring();
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_initial(bigint[]) IS
	'these count from now and their partner knows it: those whose agreement says so are told of '
	'all subjects';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_running(subscription bigint)
RETURNS casesync_internal.backfill
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN (SELECT b FROM casesync_internal.backfill b
		WHERE b.subscription = backfill_running.subscription AND b.state = 'running');
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_running(bigint) IS
	'the backfill of a subscription that is not at its end; NULL: there is none';

/* Who has it locked stops it, or has the lane's room told: not waited for. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_next()
RETURNS casesync_internal.backfill
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET jit = off
AS $$
DECLARE
	b casesync_internal.backfill;
BEGIN
	SELECT * INTO b FROM casesync_internal.backfill x
	 WHERE x.state = 'running' AND x.next_at <= clock_timestamp()
	 ORDER BY x.next_at, x.id LIMIT 1 FOR UPDATE SKIP LOCKED;
	RETURN b;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_next() IS
	'the backfill that has waited longest and may go on, locked; NULL: none';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_is_due()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.backfill b
		WHERE b.state = 'running' AND b.next_at <= clock_timestamp());
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_is_due() IS 'whether a backfill may go on now';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_page(backfill bigint, registry text,
	keys text[], is_last boolean)
RETURNS casesync_internal.backfill
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.backfill b SET registry = backfill_page.registry,
		keys = backfill_page.keys, place = 0, is_last = backfill_page.is_last
	 WHERE b.id = backfill RETURNING b
$$;
COMMENT ON FUNCTION casesync_internal.backfill_page(bigint, text, text[], boolean) IS
	'the next page of a backfill: whom it is about';

/* To the end of the row, so that several take turns. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_advance(backfill bigint, slice integer,
	notifications integer)
RETURNS casesync_internal.backfill
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.backfill b SET place = b.place + slice,
		looked = b.looked + slice, told = b.told + notifications, reason = NULL,
		waits_lane = NULL, next_at = clock_timestamp(), moved_at = clock_timestamp()
	 WHERE b.id = backfill RETURNING b
$$;
COMMENT ON FUNCTION casesync_internal.backfill_advance(bigint, integer, integer) IS
	'so many subjects more were looked at, and so many notifications made';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_wait(backfill bigint, why text, wait interval,
	lane integer DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.backfill b SET reason = why, waits_lane = lane,
		next_at = clock_timestamp() + wait
	 WHERE b.id = backfill
$$;
COMMENT ON FUNCTION casesync_internal.backfill_wait(bigint, text, interval, integer) IS
	'a backfill stands still for so long, or until a lane has room';

/* Whose keys they were nobody needs to know any more. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_end(backfill bigint, how text, why text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.backfill b SET state = how, reason = why, keys = '{}', place = 0,
		waits_lane = NULL, ended_at = clock_timestamp()
	 WHERE b.id = backfill AND b.state = 'running'
$$;
COMMENT ON FUNCTION casesync_internal.backfill_end(bigint, text, text) IS
	'a backfill is at its end: done, or stopped, and why';

/*
 * By senders, who wait for nobody: one that the router is at just now goes on by the next outcome,
 * or by the clock.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_has_room(lane integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	waiting bigint[] := ARRAY(SELECT b.id FROM casesync_internal.backfill b
		WHERE b.waits_lane = lane AND b.state = 'running' ORDER BY b.id FOR UPDATE SKIP LOCKED);
BEGIN
	UPDATE casesync_internal.backfill b SET next_at = clock_timestamp(), waits_lane = NULL
	 WHERE b.id = ANY (waiting);
	RETURN waiting <> '{}';
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_has_room(integer) IS
	'a lane has room again: what waits for that goes on; whether something does';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_waits_for(lane integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.backfill b
		WHERE b.waits_lane = lane AND b.state = 'running');
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_waits_for(integer) IS
	'whether a backfill waits for room in a lane';

CREATE OR REPLACE VIEW casesync.backfills AS
	SELECT b.id, s.code, s.partner, s.event_type, b.is_initial, b.subjects, b.state, b.reason,
		b.registry, b.looked, b.told, b.who, b.started_at, b.moved_at, b.ended_at
	  FROM casesync_internal.backfill b
	  JOIN casesync_internal.subscription s ON s.id = b.subscription;
COMMENT ON VIEW casesync.backfills IS
	'subscriptions whose partner is, or was, told of all subjects, and how far that is';
COMMENT ON COLUMN casesync.backfills.id IS 'what backfill() has returned';
COMMENT ON COLUMN casesync.backfills.code IS 'the subscription; for stop_backfill()';
COMMENT ON COLUMN casesync.backfills.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.backfills.event_type IS 'as what it is told';
COMMENT ON COLUMN casesync.backfills.is_initial IS
	'begun by itself with the subscription, since the agreement says so';
COMMENT ON COLUMN casesync.backfills.subjects IS 'only of whom this holds; NULL: of all';
COMMENT ON COLUMN casesync.backfills.state IS 'running, done or stopped';
COMMENT ON COLUMN casesync.backfills.reason IS 'why it stands still, or has ended early';
COMMENT ON COLUMN casesync.backfills.registry IS 'the registry under way, or the last one';
COMMENT ON COLUMN casesync.backfills.looked IS 'how many subjects were looked at';
COMMENT ON COLUMN casesync.backfills.told IS 'how many notifications that made';
COMMENT ON COLUMN casesync.backfills.who IS 'who has asked for it';
COMMENT ON COLUMN casesync.backfills.started_at IS 'since when';
COMMENT ON COLUMN casesync.backfills.moved_at IS 'when subjects were looked at last';
COMMENT ON COLUMN casesync.backfills.ended_at IS 'when it was done, or stopped';
