/* A turn of the router: what of all that there is to do is done now, and what waits. */

CREATE OR REPLACE FUNCTION casesync_internal.check_route(max_changes integer)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_transaction_state',
			message => 'route() needs the isolation level READ COMMITTED',
			detail => 'With an older snapshot than its own it could not see what it has to route.');
	END IF;
	IF max_changes IS NULL OR max_changes NOT BETWEEN 1 AND 100000 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'max_changes must be between 1 and 100000');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_route(integer) IS
	'whether route() may be called so, or an error';

/*
 * What was committed while no bridge was there is to be known before anything is sent. A row is
 * only written when a session of a bridge begins: a turn that finds nothing writes nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_want()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted bigint;
BEGIN
	INSERT INTO casesync_internal.routing_turn_wanted DEFAULT VALUES RETURNING id INTO wanted;
	PERFORM casesync_internal.ring();
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_want() IS
	'ask for a turn of the router that begins after this; see routing_turn_was()';

CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_was(wanted bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN NOT EXISTS (SELECT FROM casesync_internal.routing_turn_wanted w WHERE w.id = wanted);
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_was(bigint) IS
	'whether the router has had a turn since it was asked for';

CREATE OR REPLACE FUNCTION casesync_internal.routing_turn_done(wanted bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF wanted <> '{}' THEN
		DELETE FROM casesync_internal.routing_turn_wanted w WHERE w.id = ANY (wanted);
		PERFORM casesync_internal.ring();
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_turn_done(bigint[]) IS
	'a turn is over that began after these were asked for';

/*
 * Of more changes than one turn routes those go first that came in small transactions: somebody has
 * just saved something. The rest of a load waits for them in the queue.
 */
CREATE OR REPLACE FUNCTION casesync_internal.chunk_part(chunk casesync_internal.change[],
	max_changes integer, OUT live casesync_internal.change[], OUT bulk casesync_internal.change[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	live := chunk; bulk := '{}';
	IF cardinality(chunk) <= max_changes THEN
		RETURN;
	END IF;
	WITH sized AS (
		SELECT c, row_number() OVER (ORDER BY c.xid, c.id) AS n,
			count(*) OVER (PARTITION BY c.xid) > casesync_internal.turn_limit('bulk') AS is_bulk
		  FROM unnest(chunk) c
	), counted AS (
		SELECT z.c, z.n, z.is_bulk,
			count(*) FILTER (WHERE NOT z.is_bulk) OVER (ORDER BY z.n) AS live_so_far
		  FROM sized z
	)
	SELECT coalesce(array_agg(t.c ORDER BY t.n) FILTER (WHERE NOT t.is_bulk), '{}'),
		coalesce(array_agg(t.c ORDER BY t.n) FILTER (WHERE t.is_bulk), '{}')
	  INTO live, bulk
	  FROM counted t WHERE t.live_so_far <= max_changes;
END
$$;
COMMENT ON FUNCTION casesync_internal.chunk_part(casesync_internal.change[], integer) IS
	'of a chunk what is routed at once (live) and what goes into the queue (bulk); together they '
	'are its beginning';

/* All that waits goes into the queue by one statement: see look_again_add_all(). */
CREATE OR REPLACE FUNCTION casesync_internal.route_changes(live casesync_internal.change[],
	bulk casesync_internal.change[], split xid8[], OUT notifications integer,
	OUT routed integer, OUT put_off integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	slow constant text[] := (casesync_internal.slow_registries()).slow;
	known record;
	asked record;
	waiting casesync_internal.subject_event[];
BEGIN
	PERFORM casesync_internal.gap_found(c) FROM unnest(live || bulk) c WHERE c.op = 'G';
	known := casesync_internal.route_events(ARRAY(SELECT e
		FROM casesync_internal.expand(live, split, is_asking => false) e), slow);
	notifications := known.appended; routed := known.routed;
	put_off := cardinality(known.left_over); waiting := known.left_over;
	IF casesync_internal.anybody_asks() THEN
		asked := casesync_internal.route_events(ARRAY(SELECT e
			FROM casesync_internal.expand(live, split, is_asking => true) e), slow);
		notifications := notifications + asked.appended; routed := routed + asked.routed;
		put_off := put_off + cardinality(asked.left_over); waiting := waiting || asked.left_over;
	END IF;
	IF bulk <> '{}' THEN
		waiting := waiting || ARRAY(
			SELECT e FROM casesync_internal.expand(bulk, split, is_asking => false) e
			UNION ALL
			SELECT e FROM casesync_internal.expand(bulk, split, is_asking => true, room => 0) e);
	END IF;
	IF waiting = '{}' THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.look_again_add_all(array_agg(e.registry), array_agg(e.key),
		array_agg(e.event_type), array_agg(e.origin), array_agg(least(e.since, e.at)),
		'others go first: they are fewer, or quick')
	   FROM unnest(waiting) e WHERE octet_length(e.key) <= 1000 HAVING count(*) > 0;
	/* The queue has no such keys, and nobody renders them. */
	PERFORM casesync_internal.quarantine_add(e.registry, 0, ARRAY[e.key], e.event_type, '54000',
		format('the subject key has %s bytes, more than 1000', octet_length(e.key)))
	   FROM unnest(waiting) e WHERE octet_length(e.key) > 1000;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_changes(casesync_internal.change[],
	casesync_internal.change[], xid8[]) IS
	'part of route(): changes to notifications; those of bulk, of slow registries, and what '
	'does not fit this turn go into the queue of subjects to be looked at';

/* None of others, in a turn of theirs. */
CREATE OR REPLACE FUNCTION casesync_internal.but_of_slow()
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pace constant record := casesync_internal.slow_registries();
BEGIN
	RETURN ARRAY(SELECT r.registry FROM casesync_internal.registry r
		WHERE r.registry <> ALL (pace.slow) OR r.registry = ANY (pace.at_rest));
END
$$;
COMMENT ON FUNCTION casesync_internal.but_of_slow() IS
	'all registries but those that are slow and have rested';

CREATE OR REPLACE FUNCTION casesync_internal.slow_waits()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	others constant text[] := casesync_internal.but_of_slow();
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.routing_pace p WHERE p.rest_until IS NOT NULL
		AND casesync_internal.rest_is_over(p.rest_until)) THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM casesync_internal.look_again_next(1, others))
		OR EXISTS (SELECT FROM casesync_internal.quarantine_next(1, others))
		OR EXISTS (SELECT FROM casesync_internal.push_next(1, others))
		OR EXISTS (SELECT FROM casesync_internal.expansion e
			JOIN casesync_internal.routing_pace p ON p.registry = '' AND p.tracking = e.tracking
			WHERE p.rest_until IS NOT NULL AND casesync_internal.rest_is_over(p.rest_until));
END
$$;
COMMENT ON FUNCTION casesync_internal.slow_waits() IS
	'whether something that is slow has rested and has work';

/*
 * What waits in queues: a quarter of a turn in which something else was routed, and nothing that is
 * slow, since what was routed is committed with it. That has its turn next, or when there is
 * nothing of others.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_waiting(max_subjects integer, is_alone boolean,
	is_slow_turn boolean, OUT notifications integer, OUT changes integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := CASE WHEN is_alone THEN max_subjects
		ELSE greatest(1, max_subjects / 4) END;
	pace constant record := casesync_internal.slow_registries();
	events casesync_internal.subject_event[] := '{}';
	outcome record;
BEGIN
	notifications := 0; changes := 0;
	more := false;
	IF is_slow_turn THEN
		PERFORM casesync_internal.expand_next(with_slow => true);
	END IF;
	IF casesync_internal.turn_has_time() THEN
		events := casesync_internal.events_again(most, CASE WHEN is_slow_turn
			THEN casesync_internal.but_of_slow() ELSE pace.slow END);
		IF cardinality(events) = 0 AND is_alone AND (
			casesync_internal.expand_next(with_slow => true) > 0 OR cardinality(pace.slow) > 0) THEN
			events := casesync_internal.events_again(most, pace.at_rest);
			IF cardinality(events) = 0 AND cardinality(pace.at_rest) > 0 THEN
				events := casesync_internal.events_again(most, '{}');
			END IF;
		END IF;
	ELSE
		more := true;
	END IF;
	IF cardinality(events) > 0 THEN
		outcome := casesync_internal.route_events(events, '{}');
		notifications := outcome.appended; changes := outcome.routed;
		/* Each registry has its share of a turn, so there may be more though these are few. */
		more := cardinality(events) >= most OR cardinality(outcome.left_over) > 0
			OR EXISTS (SELECT FROM casesync_internal.look_again_entry)
			OR EXISTS (SELECT FROM casesync_internal.look_again_note);
		PERFORM casesync_internal.expand_next(with_slow => false);
	END IF;
	more := more OR EXISTS (SELECT FROM casesync_internal.expansion);
END
$$;
COMMENT ON FUNCTION casesync_internal.route_waiting(integer, boolean, boolean) IS
	'part of route(): subjects in quarantine that may be tried again, and those in the queue';

/*
 * The window's next chunk. A transaction that fills it alone is passed over (bulk.sql). A turn of
 * few changes, as after one that failed, looks at no others and passes over nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.window_live(s casesync_internal.routing_state,
	upto pg_snapshot, max_changes integer, OUT place casesync_internal.routing_state,
	OUT chunk casesync_internal.change[], OUT is_full boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_usual constant boolean := max_changes >= casesync_internal.turn_limit('bulk');
	size constant integer := max_changes
		* CASE WHEN is_usual THEN casesync_internal.turn_limit('window') ELSE 1 END;
BEGIN
	place := s;
	LOOP
		chunk := ARRAY(SELECT c FROM casesync_internal.window_chunk(place, upto, size) c);
		is_full := cardinality(chunk) = size;
		EXIT WHEN NOT is_usual OR NOT is_full OR (chunk[1]).xid <> (chunk[size]).xid
			OR NOT casesync_internal.turn_has_time();
		PERFORM casesync_internal.bulk_add(s.era, (chunk[1]).xid, (chunk[1]).id - 1);
		place.now := upto;
		place.done_xid := (chunk[1]).xid;
		place.done_id := 9223372036854775807;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.window_live(casesync_internal.routing_state, pg_snapshot,
	integer) IS
	'part of route_window(): the next changes, and the place where they begin';

CREATE OR REPLACE FUNCTION casesync_internal.route_window(s casesync_internal.routing_state,
	max_changes integer, OUT changes integer, OUT notifications integer, OUT routed integer,
	OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	upto constant pg_snapshot := coalesce(s.now, casesync_internal.window_end());
	ahead constant record := casesync_internal.window_live(s, upto, max_changes);
	part constant record := casesync_internal.chunk_part(ahead.chunk, max_changes);
	looked constant integer := cardinality(part.live) + cardinality(part.bulk);
	newest casesync_internal.change; /* of a chunk that may not be the end of the window */
BEGIN
	changes := 0; notifications := 0; routed := 0;
	s := ahead.place;
	IF looked > 0 AND (looked < cardinality(ahead.chunk) OR ahead.is_full) THEN
		newest := ahead.chunk[looked];
	END IF;
	PERFORM casesync_internal.plan_for(looked);
	IF looked > 0 THEN
		/* What is put off is counted when it is routed. */
		SELECT r.notifications, r.routed, CASE WHEN r.put_off = 0 THEN cardinality(part.live)
				ELSE least(cardinality(part.live), r.routed) END
		  INTO notifications, routed, changes
		  FROM casesync_internal.route_changes(part.live, part.bulk,
			ARRAY[s.done_xid, newest.xid]) r;
	END IF;
	IF looked > 0 OR s.now IS NOT NULL THEN
		PERFORM casesync_internal.routing_advance(s, upto, newest);
	END IF;
	/* A window that was opened by an earlier call is over: there may be a next one. */
	more := newest.id IS NOT NULL OR s.now IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_window(casesync_internal.routing_state, integer) IS
	'part of route(): the next changes of the window';

CREATE OR REPLACE FUNCTION casesync_internal.route_bulk(max_changes integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := max_changes * CASE
		WHEN max_changes >= casesync_internal.turn_limit('bulk')
			THEN casesync_internal.turn_limit('bulk part') ELSE 1 END;
	b casesync_internal.bulk_transaction;
	chunk casesync_internal.change[];
BEGIN
	SELECT * INTO b FROM casesync_internal.bulk_next();
	IF NOT FOUND OR NOT casesync_internal.turn_has_time() THEN
		RETURN FOUND;
	END IF;
	chunk := ARRAY(SELECT c FROM casesync_internal.bulk_chunk(b, size) c);
	PERFORM casesync_internal.plan_for(cardinality(chunk));
	PERFORM casesync_internal.route_changes('{}', chunk, ARRAY[b.xid]);
	PERFORM casesync_internal.bulk_advance(b, chunk, is_last => cardinality(chunk) < size);
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_bulk(integer) IS
	'part of route(): some changes of a transaction that was passed over; whether there may be '
	'more';

CREATE OR REPLACE FUNCTION casesync_internal.route_may_begin()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.may_speak() OR NOT casesync_internal.begin_turn() THEN
		RETURN false;
	END IF;
	PERFORM casesync_internal.turn_begin();
	/* First: who changed as well is looked at once for both. */
	PERFORM casesync_internal.route_notes();
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_may_begin() IS
	'part of route(): begins a turn, unless the node may not speak or another turn is under way';

/* Mostly nothing does: that is seen by one question instead of one for each queue. */
CREATE OR REPLACE FUNCTION casesync_internal.anything_waits()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.look_again_entry)
		OR EXISTS (SELECT FROM casesync_internal.quarantine_entry)
		OR EXISTS (SELECT FROM casesync_internal.push p WHERE p.is_new)
		OR EXISTS (SELECT FROM casesync_internal.expansion)
		OR EXISTS (SELECT FROM casesync_internal.gap g
			WHERE g.again AND g.filled IS NULL AND g.ended IS NOT NULL)
		OR EXISTS (SELECT FROM casesync_internal.scheduled_subject x
			WHERE x.due_at <= clock_timestamp())
		OR casesync_internal.backfill_is_due();
END
$$;
COMMENT ON FUNCTION casesync_internal.anything_waits() IS
	'whether route_rest() can have anything to do: something in quarantine, in a queue, pushed, to '
	'be asked for, in a gap, or due by the clock';

CREATE OR REPLACE FUNCTION casesync_internal.route_rest(max_changes integer, routed integer,
	is_more boolean, is_slow_turn boolean, OUT notifications integer, OUT changes integer,
	OUT waited integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting record;
	told record;
BEGIN
	notifications := 0; changes := 0; waited := 0; more := false;
	IF NOT casesync_internal.anything_waits() THEN
		RETURN;
	END IF;
	waiting := casesync_internal.route_waiting(max_changes, is_slow_turn OR routed = 0
		AND NOT is_more, is_slow_turn);
	told := casesync_internal.route_to_one(CASE WHEN routed + waiting.changes = 0
		AND NOT is_more THEN max_changes ELSE greatest(1, max_changes / 4) END);
	notifications := waiting.notifications + told.notifications;
	changes := waiting.changes + told.changes;
	waited := waiting.changes;
	more := waiting.more OR told.more;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_rest(integer, integer, boolean, boolean) IS
	'part of route(): what is not in the window; changes with those that are told by the clock, '
	'waited without';

/*
 * One router at a time, by a lock that is not waited for. Router and window move in one transaction
 * with what they made: a crash routes the chunk again, and nothing is sent twice or left out. The
 * window's end is kept (routing_state.now) until all its chunks are done: with a new end for each
 * chunk, what committed in between with a lower id would lie behind the place already reached. A
 * turn that finds nothing writes nothing, since the bridge looks many times a second. There is none
 * while somebody decides who wants none (hold_router()), and who rings when he is done.
 *
 * Plans are generic: planning would take longer than a turn with one change; see plan_for().
 */
CREATE OR REPLACE FUNCTION casesync_internal.route(max_changes integer DEFAULT 1000)
RETURNS TABLE (changes integer, notifications integer, more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	is_slow_turn constant boolean := casesync_internal.slow_turn_is_due();
	fresh record;
	rest record;
	is_more boolean := false;
	/* Before the window is opened: changes after this look are in it. */
	wanted bigint[] := ARRAY(SELECT w.id FROM casesync_internal.routing_turn_wanted w);
BEGIN
	PERFORM casesync_internal.check_route(max_changes);
	changes := 0; notifications := 0; more := false;
	IF NOT casesync_internal.route_may_begin() THEN
		RETURN NEXT; RETURN;
	END IF;
	IF is_slow_turn THEN
		SELECT 0 AS changes, 0 AS notifications, 0 AS routed, true AS more INTO fresh;
	ELSE
		is_more := casesync_internal.seed_filters();
		fresh := casesync_internal.route_window(casesync_internal.routing_position(), max_changes);
		is_more := casesync_internal.route_bulk(max_changes) OR is_more;
		is_more := casesync_internal.version_seeds() OR is_more;
	END IF;
	rest := casesync_internal.route_rest(max_changes, fresh.routed, fresh.more, is_slow_turn);
	changes := fresh.changes + rest.changes;
	notifications := fresh.notifications + rest.notifications;
	IF NOT is_slow_turn THEN
		PERFORM casesync_internal.routing_turn_done(wanted);
	END IF;
	PERFORM casesync_internal.slow_turn_set(NOT is_slow_turn AND fresh.routed + rest.waited > 0
		AND casesync_internal.slow_waits());
	more := fresh.more OR rest.more OR is_more OR casesync_internal.slow_turn_is_due();
	PERFORM casesync_internal.turn_end();
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.route(integer) IS
	'one turn, in this transaction: a chunk of the routing window, and some of what waits; call '
	'again while more';
