/*
 * Waiting until nothing is under way to a partner. Two locks make that so (base/session_lock.c):
 * transactions that read what leaves hold one, and bridges another from reading a message to
 * recording its outcome.
 */

/* That of the message in flight counts too when its session has ended, as the caller knows. */
CREATE OR REPLACE FUNCTION casesync_internal.lost_until(s casesync_internal.lane_state)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(s.lost_until, CASE WHEN s.message_id IS NOT NULL THEN s.begins_until END)
$$;
COMMENT ON FUNCTION casesync_internal.lost_until(casesync_internal.lane_state) IS
	'by when what lost bridges have taken of a lane has begun to leave or never will';

/*
 * Nobody holds the lock of the lane any more, but its message has no outcome: the session of its
 * bridge has ended, perhaps not the bridge. It sends nothing once it knows that, which takes it no
 * more than a moment (one second here), and begins nothing after begins_until, however long it was
 * stopped itself.
 */
CREATE OR REPLACE FUNCTION casesync_internal.outlast_lost(lane integer, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.lane_state := casesync_internal.lane_now(lane);
	last constant timestamptz := casesync_internal.lost_until(s);
	/* A minute is the longest that a bridge can have promised: more is a clock set back. */
	is_over constant timestamptz := least(clock_timestamp() + interval '1 minute',
		greatest(last, clock_timestamp() + interval '1 second'));
BEGIN
	IF last IS NULL OR last < clock_timestamp() - interval '5 minutes' THEN
		RETURN true;
	END IF;
	PERFORM pg_sleep(greatest(0, extract(epoch FROM least(is_over, until) - clock_timestamp())));
	RETURN is_over <= until;
END
$$;
COMMENT ON FUNCTION casesync_internal.outlast_lost(integer, timestamptz) IS
	'wait until nothing can leave any more of a message whose session has ended; false when that '
	'is later than until';

/*
 * A session that the server sends something to a stopped bridge waits for its client, and no
 * timeout ends that: so every few seconds such are looked for, since there may be no other bridge.
 */
CREATE OR REPLACE FUNCTION casesync_internal.drain_lane(lane integer, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = 0
AS $$
BEGIN
	LOOP
		BEGIN
			/* 0 would be no limit at all. */
			PERFORM set_config('lock_timeout', greatest(1, least(5000,
				ceil(extract(epoch FROM until - clock_timestamp()) * 1000)))::bigint::text, true);
			RETURN casesync_internal.sharing_drain(lane, until > clock_timestamp())
				AND casesync_internal.outlast_lost(lane, until);
		EXCEPTION WHEN lock_not_available THEN
			IF until <= clock_timestamp() THEN
				RETURN false;
			END IF;
		END;
		PERFORM pg_stat_clear_snapshot();
		PERFORM casesync_internal.end_stopped_bridges();
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.drain_lane(integer, timestamptz) IS
	'wait until nothing of this closed lane is under way; false when that is later than until';

/* All together have this long; who has none left is still asked, without waiting. */
CREATE OR REPLACE FUNCTION casesync_internal.drain_lanes(lanes integer[], wait interval)
RETURNS integer[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + wait;
	busy integer[] := '{}';
	lane integer;
BEGIN
	FOREACH lane IN ARRAY lanes LOOP
		IF NOT casesync_internal.drain_lane(lane, until) THEN
			busy := busy || lane;
		END IF;
	END LOOP;
	RETURN busy;
END
$$;
COMMENT ON FUNCTION casesync_internal.drain_lanes(integer[], interval) IS
	'wait until nothing of these closed lanes is under way; gives those of which something still '
	'is';

/* By their locks: those of the transactions that read what leaves (4), and of the senders (5). */
CREATE OR REPLACE FUNCTION casesync_internal.warn_of_senders(busy integer[], done text, next text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	partners text;
	senders text;
	last timestamptz := (SELECT max(casesync_internal.lost_until(s))
		FROM unnest(busy) b CROSS JOIN LATERAL casesync_internal.lane_now(b) s);
BEGIN
	SELECT string_agg(DISTINCT format('"%s"', l.partner), ', ') INTO partners
	  FROM casesync_internal.lane l WHERE l.lane = ANY (busy);
	SELECT string_agg(DISTINCT format('process %s (%s%s)', k.pid,
		coalesce(nullif(a.application_name, ''), a.usename, 'unknown'),
		' at ' || host(a.client_addr)), ', ') INTO senders
	  FROM pg_locks k LEFT JOIN pg_stat_activity a ON a.pid = k.pid
	 WHERE k.locktype = 'advisory' AND k.objsubid = 3 AND k.classid IN (4, 5)
	   AND k.objid = ANY (busy::oid[]) AND k.granted AND k.pid <> pg_backend_pid()
	   AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
	RAISE WARNING USING errcode = 'lock_not_available',
		message = format('%s, but something is still under way to %s', done, partners),
		detail = format('It was read before, by %s. Nothing else begins.',
			coalesce(senders, 'a bridge whose session has ended since; what it has not begun to '
				'send by ' || last::timestamptz(0) || ' never leaves',
				'a process that has just ended')),
		hint = next;
END
$$;
COMMENT ON FUNCTION casesync_internal.warn_of_senders(integer[], text, text) IS
	'a warning of who did not come to an end in time: an error would undo what was done';

/* Whoever reads what leaves from here on comes after this transaction, and sees what it did. */
CREATE OR REPLACE FUNCTION casesync_internal.outlast_messages(partner text, done text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lanes constant integer[] := ARRAY(SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = outlast_messages.partner AND l.kind = 'notify' ORDER BY l.lane);
	busy integer[];
BEGIN
	PERFORM casesync_internal.sharing_close(l) FROM unnest(lanes) l;
	busy := casesync_internal.drain_lanes(lanes, '1 min');
	IF cardinality(busy) > 0 THEN
		PERFORM casesync_internal.warn_of_senders(busy, done,
			'SELECT * FROM casesync.lane_status;  -- shows when it has come to an end');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.outlast_messages(text, text) IS
	'wait until no notification is under way to a partner, a minute at most; then a warning says '
	'what was done and who has not come to an end';
