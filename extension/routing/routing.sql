/* Change to event to notification: the router's turn. What a partner gets is decided elsewhere. */

/*
 * Events of one registry, at most a slice of subjects at a time. Rendered once for all agreements,
 * so that all of them see the same state. Quarantine is done with last, and by the time at which
 * each entry was written: what fails again in this turn stays.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_registry(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys constant text[] := ARRAY(SELECT DISTINCT e.key FROM unnest(events) e);
	/* Read before the subjects are rendered: what is asked for meanwhile is not done by this. */
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
COMMENT ON FUNCTION casesync_internal.route_registry(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'render a slice of one registry''s subjects once and offer them to every agreement';

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
		RETURN casesync_internal.route_registry(r, events);
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
 * A thousand subjects bound what a failure costs, and what one statement holds in memory. Slices go
 * in the order of their first change, as far as that can be: lanes send in the order of ids.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_events(events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	slice record;
	appended integer := 0;
BEGIN
	PERFORM casesync_internal.plan_for(cardinality(events));
	FOR slice IN
		SELECT x.r, array_agg(x.e ORDER BY (x.e).position) AS events
		  FROM (SELECT r, e, dense_rank() OVER (PARTITION BY r.registry ORDER BY e.key) / 1000 AS n
				  FROM unnest(events) e
					JOIN casesync_internal.registry r ON r.registry = e.registry) x
		 GROUP BY x.r, x.n
		 ORDER BY min((x.e).position)
	LOOP
		appended := appended + casesync_internal.route_slice(slice.r, slice.events);
	END LOOP;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_events(casesync_internal.subject_event[]) IS
	'events to notifications, registry by registry, a thousand subjects at a time';

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
 * One router at a time, by a lock that is not waited for. Router and window move in one transaction
 * with what they made: a crash routes the chunk again, and nothing is sent twice or left out. The
 * window's end is kept (routing_state.now) until all its chunks are done: with a new end for each
 * chunk, what committed in between with a lower id would lie behind the place already reached. A
 * turn that finds nothing writes nothing, since the bridge looks many times a second.
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
	s casesync_internal.routing_state;
	upto pg_snapshot;
	chunk casesync_internal.change[];
	newest casesync_internal.change; /* of a chunk that may not be the end of the window */
	again casesync_internal.subject_event[];
	has_new_filters boolean;
	/* Before the window is opened: changes after this look are in it. */
	wanted bigint[] := ARRAY(SELECT w.id FROM casesync_internal.routing_turn_wanted w);
BEGIN
	PERFORM casesync_internal.check_route(max_changes);
	changes := 0; notifications := 0; more := false;
	IF NOT casesync_internal.may_speak() OR NOT casesync_internal.lock_for_transaction(1, 0) THEN
		RETURN NEXT;
		RETURN;
	END IF;
	has_new_filters := casesync_internal.seed_filters();
	s := casesync_internal.routing_position();
	upto := coalesce(s.now, pg_current_snapshot());
	chunk := ARRAY(SELECT c FROM casesync_internal.window_chunk(s, upto, max_changes) c);
	again := casesync_internal.events_again(max_changes);
	changes := cardinality(chunk) + cardinality(again);
	newest := CASE WHEN cardinality(chunk) = max_changes THEN chunk[max_changes] END;
	/* A window that was opened by an earlier call is over: there may be a next one. */
	more := newest.id IS NOT NULL OR cardinality(again) = max_changes OR s.now IS NOT NULL
		OR has_new_filters;
	PERFORM casesync_internal.plan_for(changes);
	notifications := casesync_internal.route_events(again);
	IF cardinality(chunk) > 0 THEN
		PERFORM casesync_internal.gap_found(c) FROM unnest(chunk) c WHERE c.op = 'G';
		notifications := notifications + casesync_internal.route_events(ARRAY(SELECT e
			FROM casesync_internal.expand(chunk, split => ARRAY[s.done_xid, newest.xid]) e));
	END IF;
	IF cardinality(chunk) > 0 OR s.now IS NOT NULL THEN
		PERFORM casesync_internal.routing_advance(s, upto, newest);
	END IF;
	PERFORM casesync_internal.routing_turn_done(wanted);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.route(integer) IS
	'one chunk of the routing window, in this transaction; call again while more';
