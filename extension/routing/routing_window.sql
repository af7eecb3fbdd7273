/* Which changes are routed next: nothing twice and nothing lost, in whatever order they commit. */

/*
 * Of a transaction that was open in s.last: its rows after the last one done. Without seqscan and
 * bitmap scan, and with a generic plan, for the reason of window_after().
 */
CREATE OR REPLACE FUNCTION casesync_internal.window_of(s casesync_internal.routing_state,
	transaction xid8, max_changes integer)
RETURNS SETOF casesync_internal.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT c.* FROM casesync_internal.change c
	 WHERE c.xid = transaction AND c.era = s.era
	   AND c.id > CASE WHEN transaction = s.done_xid THEN s.done_id ELSE -1 END
	 ORDER BY c.xid, c.id LIMIT max_changes;
END
$$;
COMMENT ON FUNCTION casesync_internal.window_of(casesync_internal.routing_state, xid8, integer) IS
	'part of window_chunk(): the next changes of one transaction';

/*
 * From a place on, always by the index and from that place: the planner may know nothing of tables
 * that were empty a minute ago, and a chunk must cost what it holds, not what the window holds.
 */
CREATE OR REPLACE FUNCTION casesync_internal.window_after(after_xid xid8, after_id bigint,
	era integer, upto pg_snapshot, max_changes integer)
RETURNS SETOF casesync_internal.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT c.* FROM casesync_internal.change c
	 WHERE (c.xid, c.id) > (after_xid, after_id) AND c.xid < pg_snapshot_xmax(upto)
	   AND c.era = window_after.era AND pg_visible_in_snapshot(c.xid, upto)
	 ORDER BY c.xid, c.id LIMIT max_changes;
END
$$;
COMMENT ON FUNCTION casesync_internal.window_after(xid8, bigint, integer, pg_snapshot, integer) IS
	'part of window_chunk(): the next changes after a place in the log that are visible';

/*
 * Two parts, each by index: transactions that were open in s.last, one by one, and all that began
 * after it. In the order of transaction ids, so that (done_xid, done_id) alone says what is done.
 */
CREATE OR REPLACE FUNCTION casesync_internal.window_chunk(s casesync_internal.routing_state,
	upto pg_snapshot, max_changes integer)
RETURNS SETOF casesync_internal.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	start constant xid8 := pg_snapshot_xmax(s.last);
	transaction xid8;
	wanted integer := max_changes;
	found_here integer;
BEGIN
	FOR transaction IN
		SELECT x FROM pg_snapshot_xip(s.last) x
		 WHERE (s.done_xid IS NULL OR x >= s.done_xid) AND pg_visible_in_snapshot(x, upto)
		 ORDER BY x
	LOOP
		RETURN QUERY SELECT * FROM casesync_internal.window_of(s, transaction, wanted);
		GET DIAGNOSTICS found_here = ROW_COUNT;
		wanted := wanted - found_here;
		IF wanted = 0 THEN
			RETURN;
		END IF;
	END LOOP;
	IF s.done_xid >= start THEN
		RETURN QUERY
			SELECT *
			  FROM casesync_internal.window_after(s.done_xid, s.done_id, s.era, upto, wanted);
	ELSE
		RETURN QUERY
			SELECT * FROM casesync_internal.window_after(start, -1, s.era, upto, wanted);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.window_chunk(casesync_internal.routing_state, pg_snapshot,
	integer) IS
	'the next changes, in order, that are visible in upto and not in s.last; never by id alone, '
	'since ids commit out of order';

/*
 * The newest state of the oldest era that may still have something to route. What was written
 * before a restore is routed first: it is older, and leaves cannot be emptied before.
 */
CREATE OR REPLACE FUNCTION casesync_internal.routing_position()
RETURNS casesync_internal.routing_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.routing_state;
	current integer := (casesync_internal.this_node()).era;
BEGIN
	FOR s IN
		SELECT DISTINCT ON (r.era) r.* FROM casesync_internal.routing_state r
		 ORDER BY r.era, r.id DESC
	LOOP
		IF s.era >= current THEN
			RETURN s;
		END IF;
		/* A window that was open when the database was copied is finished as it was. */
		IF s.now IS NOT NULL THEN
			RETURN s;
		END IF;
		/* Of an older era all is written: one window to the end of its numbers. */
		s.now := '9223372036854775807:9223372036854775807:';
		IF EXISTS (SELECT FROM casesync_internal.window_chunk(s, s.now, 1)) THEN
			RETURN s;
		END IF;
	END LOOP;
	/* Never routed in this era: the window begins before the first transaction. */
	INSERT INTO casesync_internal.routing_state (era, last) VALUES (current, '1:1:')
		RETURNING * INTO s;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_position() IS 'where routing goes on';

/*
 * Of a transaction that routes itself only a part may be written yet: what it writes after this
 * would count as routed. A snapshot takes no notice of its own transaction; here it is one that is
 * still open, and all of it is routed after its commit.
 */
CREATE OR REPLACE FUNCTION casesync_internal.window_end()
RETURNS pg_snapshot
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	visible constant pg_snapshot := pg_current_snapshot();
	own constant xid8 := pg_current_xact_id_if_assigned();
BEGIN
	IF own IS NULL OR NOT pg_visible_in_snapshot(own, visible) THEN
		RETURN visible;
	END IF;
	RETURN format('%s:%s:%s', least(pg_snapshot_xmin(visible), own), pg_snapshot_xmax(visible),
		(SELECT string_agg(x::text, ',' ORDER BY x)
		   FROM (SELECT pg_snapshot_xip(visible) UNION SELECT own) open(x)));
END
$$;
COMMENT ON FUNCTION casesync_internal.window_end() IS
	'all that is visible now, but for what this transaction has written';

/* All of the older eras is routed, so that their rows may go. */
CREATE OR REPLACE FUNCTION casesync_internal.earlier_eras_routed(current integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.routing_state;
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.bulk_transaction b WHERE b.era < current) THEN
		RETURN false;
	END IF;
	FOR s IN
		SELECT DISTINCT ON (r.era) r.* FROM casesync_internal.routing_state r WHERE r.era < current
		 ORDER BY r.era, r.id DESC
	LOOP
		IF s.now IS NOT NULL OR EXISTS (SELECT FROM casesync_internal.window_chunk(s,
			'9223372036854775807:9223372036854775807:', 1)) THEN
			RETURN false;
		END IF;
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.earlier_eras_routed(integer) IS
	'whether nothing that was written before the last restore waits for routing';

/*
 * Appended: a row that is updated at every turn bloats without end under a held snapshot. What is
 * older goes at once, else the search for the newest would walk all of it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.routing_advance(s casesync_internal.routing_state,
	upto pg_snapshot, newest casesync_internal.change)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF newest.id IS NOT NULL THEN
		INSERT INTO casesync_internal.routing_state (era, last, now, done_xid, done_id)
		VALUES (s.era, s.last, upto, newest.xid, newest.id);
	ELSE
		INSERT INTO casesync_internal.routing_state (era, last) VALUES (s.era, upto);
	END IF;
	DELETE FROM casesync_internal.routing_state r WHERE r.era = s.era AND r.id <= s.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_advance(casesync_internal.routing_state, pg_snapshot,
	casesync_internal.change) IS
	'the window up to upto is routed, or (with newest) all of it up to that change';
