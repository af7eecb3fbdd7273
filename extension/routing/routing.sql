/* Change to event to notification: the router's turn. What a partner gets is decided elsewhere. */

/*
 * Events of one registry, at most a slice of subjects at a time. In one look (route_registry()):
 * what a subject is like, what an agreement's condition and filters say of it, what partners know
 * and wish, and which agreements count, is all of the same moment. Rendered once for all
 * agreements. Quarantine is done with last, and by the time at which each entry was written: what
 * fails again in this turn stays.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_registry_in_one_look(
	r casesync_internal.registry, events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys constant text[] := ARRAY(SELECT DISTINCT e.key FROM unnest(events) e);
	waiting constant casesync_internal.quarantine_entry[] := ARRAY(SELECT q
		FROM casesync_internal.quarantine_of(r.registry, keys) q);
	asked constant casesync_internal.look_again_entry[] := ARRAY(SELECT l
		FROM casesync_internal.look_again_of(r.registry, keys) l);
	subjects casesync_internal.rendered[] := ARRAY(SELECT s
		FROM casesync_internal.render(r, keys) s);
	a casesync_internal.agreement;
	appended integer := 0;
BEGIN
	/* Who waits for an event type of a subject must get it also when it is looked at by another. */
	events := events || ARRAY(
		SELECT ROW(gen_random_uuid(), w.registry, w.key, w.event_type, NULL, w.at,
			w.id)::casesync_internal.subject_event
		  FROM (SELECT q.registry, q.key, q.event_type, q.at, q.id FROM unnest(waiting) q
				UNION ALL
				SELECT l.registry, l.key, l.event_type, l.at, l.id FROM unnest(asked) l) w);
	events := casesync_internal.events_by_key(events, subjects);
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(s.key),
		array_agg(e.event_type), array_agg(s.error_code), array_agg(s.reason))
	   FROM unnest(subjects) s JOIN unnest(events) e ON e.key = s.key WHERE s.state = 'quarantine'
	 HAVING count(*) > 0;
	PERFORM casesync_internal.route_unshared(r, events, subjects);
	FOR a IN
		SELECT g.* FROM casesync_internal.agreement g
		 WHERE g.state = 'active' AND g.direction = 'out' AND r.registry = ANY (g.registries)
		   AND now() < g.valid_to AND 'notify' = ANY (g.services)
		 ORDER BY g.agreement
	LOOP
		appended := appended + casesync_internal.route_agreement(a, r, events, subjects);
	END LOOP;
	PERFORM casesync_internal.quarantine_done(waiting);
	PERFORM casesync_internal.look_again_done(asked);
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_registry_in_one_look(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'render a slice of one registry''s subjects once and offer them to every agreement';

CREATE OR REPLACE FUNCTION casesync_internal.route_registry(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_one_look';
COMMENT ON FUNCTION casesync_internal.route_registry(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'route_registry_in_one_look(), with one snapshot; an error (40001) when somebody else has '
	'decided about one of the subjects since';

/* Tried again by the clock; what has asked for a look is answered by that. */
CREATE OR REPLACE FUNCTION casesync_internal.route_later(registry text, keys text[],
	events casesync_internal.subject_event[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.quarantine_add(route_later.registry, 0, array_agg(e.key),
		e.event_type, '55P03', 'somebody else is deciding about what waits to be sent of it')
	   FROM unnest(events) e WHERE e.key = ANY (keys) GROUP BY e.event_type;
	PERFORM casesync_internal.look_again_done(ARRAY(SELECT l
		FROM casesync_internal.look_again_of(registry, keys) l));
END
$$;
COMMENT ON FUNCTION casesync_internal.route_later(text, text[],
	casesync_internal.subject_event[]) IS
	'part of route_locked(): subjects that somebody keeps locked';

/*
 * The locks first, and then the look: whoever decides about a subject of the slice has committed
 * before it, or waits behind this turn. Whom somebody keeps locked for long comes later. Rows that
 * nobody locks for us may have changed all the same (an item was sent for the first time, or
 * refused; a person wants quarantine tried again): then everything is looked at anew.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_locked(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	busy text[];
BEGIN
	FOR try IN 1 .. 5 LOOP
		busy := casesync_internal.notification_lock(r.registry,
			ARRAY(SELECT DISTINCT e.key FROM unnest(events) e), is_alone => try > 1);
		IF busy <> '{}' THEN
			PERFORM casesync_internal.route_later(r.registry, busy, events);
			events := ARRAY(SELECT e FROM unnest(events) e WHERE e.key <> ALL (busy));
		END IF;
		BEGIN
			RETURN CASE WHEN events = '{}' THEN 0
				ELSE casesync_internal.route_registry(r, events) END;
		EXCEPTION WHEN serialization_failure THEN
			IF try = 5 THEN
				RAISE;
			END IF;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_locked(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'route a slice whose subjects nobody else decides about meanwhile';

/*
 * Whatever else goes wrong about a subject must not stop the others: halved until the one is alone.
 * Deadlocks, shutdowns and full disks are nobody's fault and would put everybody into quarantine:
 * they undo the turn, and the next one has the same changes.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_slice(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text[] := ARRAY(SELECT DISTINCT e.key FROM unnest(events) e);
	half integer := cardinality(keys) / 2;
BEGIN
	BEGIN
		RETURN casesync_internal.route_locked(r, events);
	EXCEPTION WHEN OTHERS THEN
		IF casesync_internal.is_transient(SQLSTATE) THEN
			RAISE;
		END IF;
		IF half = 0 THEN
			PERFORM casesync_internal.quarantine_add(r.registry, 0, keys, e.event_type, SQLSTATE,
				SQLERRM)
			   FROM (SELECT DISTINCT x.event_type FROM unnest(events) x) e;
			/* From now on it is tried when quarantine says so, not at every turn. */
			PERFORM casesync_internal.look_again_done(ARRAY(SELECT l
				FROM casesync_internal.look_again_of(r.registry, keys) l));
			RETURN 0;
		END IF;
	END;
	RETURN casesync_internal.route_slice(r,
			ARRAY(SELECT e FROM unnest(events) e WHERE e.key = ANY (keys[1:half])))
		+ casesync_internal.route_slice(r,
			ARRAY(SELECT e FROM unnest(events) e WHERE e.key = ANY (keys[half + 1:])));
END
$$;
COMMENT ON FUNCTION casesync_internal.route_slice(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'route a slice; subjects that make it fail are put in quarantine';

/*
 * Plans that do not know how long the arrays are join them by nested loops: right for a few rows,
 * where planning would take longer than all the rest, and quadratic for many.
 */
CREATE OR REPLACE FUNCTION casesync_internal.plan_for(rows integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF rows > 50 THEN
		PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.plan_for(integer) IS
	'from now on in this turn, plan for that many rows';

/*
 * A slice bounds what a failure costs, and what one statement holds in memory. They go in the order
 * of their first change, as far as that can be: lanes send in the order of ids. But what is slow
 * comes last and has a turn of its own, and what is not begun in this turn is given back.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_events(events casesync_internal.subject_event[],
	but_of text[], OUT appended integer, OUT routed integer,
	OUT left_over casesync_internal.subject_event[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	slice record;
	begun timestamptz;
BEGIN
	appended := 0; routed := 0; left_over := '{}';
	PERFORM casesync_internal.plan_for(cardinality(events));
	FOR slice IN
		SELECT x.r, x.is_slow, array_agg(x.e ORDER BY (x.e).position) AS events
		  FROM (SELECT r, e, p.rest_until IS NOT NULL AS is_slow, (dense_rank() OVER (
					PARTITION BY r.registry ORDER BY e.key) - 1) / coalesce(p.slice,
					casesync_internal.turn_limit('slice')) AS n
				  FROM unnest(events) e
					JOIN casesync_internal.registry r ON r.registry = e.registry
					LEFT JOIN casesync_internal.routing_pace p ON p.registry = r.registry
						AND p.tracking = 0) x
		 GROUP BY x.r, x.n, x.is_slow
		 ORDER BY x.is_slow, min((x.e).position)
	LOOP
		IF (slice.r).registry = ANY (but_of) OR routed > 0
			AND (slice.is_slow OR NOT casesync_internal.turn_has_time()) THEN
			left_over := left_over || slice.events;
			CONTINUE;
		END IF;
		begun := clock_timestamp();
		appended := appended + casesync_internal.route_slice(slice.r, slice.events);
		routed := routed + cardinality(slice.events);
		PERFORM casesync_internal.pace_note((slice.r).registry, 0,
			(SELECT count(DISTINCT e.key)::integer FROM unnest(slice.events) e),
			clock_timestamp() - begun);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_events(casesync_internal.subject_event[], text[]) IS
	'events to notifications, registry by registry, a slice of subjects at a time; what belongs to '
	'some registries, or does not fit this turn, is left over';

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
BEGIN
	PERFORM casesync_internal.gap_found(c) FROM unnest(live || bulk) c WHERE c.op = 'G';
	known := casesync_internal.route_events(ARRAY(SELECT e
		FROM casesync_internal.expand(live, split, is_asking => false) e), slow);
	asked := casesync_internal.route_events(ARRAY(SELECT e
		FROM casesync_internal.expand(live, split, is_asking => true) e), slow);
	PERFORM casesync_internal.look_again_add_all(array_agg(e.registry), array_agg(e.key),
		array_agg(e.event_type), array_agg(e.origin), 'others go first: they are fewer, or quick')
	   FROM (SELECT * FROM unnest(known.left_over || asked.left_over)
			UNION ALL
			SELECT * FROM casesync_internal.expand(bulk, split, is_asking => false)
			UNION ALL
			SELECT * FROM casesync_internal.expand(bulk, split, is_asking => true, room => 0)) e
	 HAVING count(*) > 0;
	notifications := known.appended + asked.appended;
	routed := known.routed + asked.routed;
	put_off := cardinality(known.left_over) + cardinality(asked.left_over);
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
	IF NOT EXISTS (SELECT FROM casesync_internal.routing_pace p WHERE p.rest_until < now()) THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM casesync_internal.look_again_next(1, others))
		OR EXISTS (SELECT FROM casesync_internal.quarantine_next(1, others))
		OR EXISTS (SELECT FROM casesync_internal.expansion e
			JOIN casesync_internal.routing_pace p ON p.registry = '' AND p.tracking = e.tracking
			WHERE p.rest_until < now());
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
		more := cardinality(events) >= most OR cardinality(outcome.left_over) > 0;
		PERFORM casesync_internal.expand_next(with_slow => false);
	END IF;
	more := more OR EXISTS (SELECT FROM casesync_internal.expansion);
END
$$;
COMMENT ON FUNCTION casesync_internal.route_waiting(integer, boolean, boolean) IS
	'part of route(): subjects in quarantine that may be tried again, and those in the queue';

/* The window's next chunk; a turn of few changes, as after one that failed, looks at no others. */
CREATE OR REPLACE FUNCTION casesync_internal.route_window(s casesync_internal.routing_state,
	max_changes integer, OUT changes integer, OUT notifications integer, OUT routed integer,
	OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := max_changes * CASE
		WHEN max_changes >= casesync_internal.turn_limit('bulk')
			THEN casesync_internal.turn_limit('window') ELSE 1 END;
	upto constant pg_snapshot := coalesce(s.now, casesync_internal.window_end());
	chunk constant casesync_internal.change[] := ARRAY(SELECT c
		FROM casesync_internal.window_chunk(s, upto, size) c);
	part constant record := casesync_internal.chunk_part(chunk, max_changes);
	looked constant integer := cardinality(part.live) + cardinality(part.bulk);
	newest casesync_internal.change; /* of a chunk that may not be the end of the window */
BEGIN
	changes := 0; notifications := 0; routed := 0;
	IF looked > 0 AND (looked < cardinality(chunk) OR looked = size) THEN
		newest := chunk[looked];
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
AS $$
#variable_conflict use_variable
DECLARE
	is_slow_turn constant boolean := casesync_internal.slow_turn_is_due();
	fresh record;
	waiting record;
	has_new_filters boolean := false;
	/* Before the window is opened: changes after this look are in it. */
	wanted bigint[] := ARRAY(SELECT w.id FROM casesync_internal.routing_turn_wanted w);
BEGIN
	PERFORM casesync_internal.check_route(max_changes);
	changes := 0; notifications := 0; more := false;
	IF NOT casesync_internal.may_speak() OR NOT casesync_internal.begin_turn() THEN
		RETURN NEXT;
		RETURN;
	END IF;
	PERFORM casesync_internal.turn_begin();
	IF is_slow_turn THEN
		SELECT 0 AS changes, 0 AS notifications, 0 AS routed, true AS more INTO fresh;
	ELSE
		/* Before the window is opened: changes after this look are in it. */
		has_new_filters := casesync_internal.seed_filters();
		fresh := casesync_internal.route_window(casesync_internal.routing_position(), max_changes);
	END IF;
	waiting := casesync_internal.route_waiting(max_changes, is_slow_turn OR fresh.routed = 0
		AND NOT fresh.more, is_slow_turn);
	changes := fresh.changes + waiting.changes;
	notifications := fresh.notifications + waiting.notifications;
	IF NOT is_slow_turn THEN
		PERFORM casesync_internal.routing_turn_done(wanted);
	END IF;
	PERFORM casesync_internal.slow_turn_set(NOT is_slow_turn AND fresh.routed + waiting.changes > 0
		AND casesync_internal.slow_waits());
	more := fresh.more OR waiting.more OR has_new_filters OR casesync_internal.slow_turn_is_due();
	PERFORM casesync_internal.turn_end();
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.route(integer) IS
	'one turn, in this transaction: a chunk of the routing window, and some of what waits; call '
	'again while more';
