/* Events to notifications, slice by slice. What a partner gets is decided elsewhere. */

/* By the changes themselves: when others asked for a look says nothing of when it was changed. */
CREATE OR REPLACE FUNCTION casesync_internal.route_versions(r casesync_internal.registry,
	events casesync_internal.subject_event[], subjects casesync_internal.rendered[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.versions_note(r, array_agg(e.key), array_agg(e.at), subjects)
	  FROM unnest(casesync_internal.events_by_key(events, subjects)) e;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_versions(casesync_internal.registry,
	casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'part of route_registry_in_one_look(): remember what was changed, and when';

/* Such a subject counts as one of very many only where it is looked at as one. */
CREATE OR REPLACE FUNCTION casesync_internal.events_waiting(
	events casesync_internal.subject_event[], waiting casesync_internal.quarantine_entry[],
	asked casesync_internal.look_again_entry[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live constant text[] := ARRAY(SELECT DISTINCT e.key FROM unnest(events) e
		WHERE e.is_bulk IS NOT TRUE);
BEGIN
	RETURN ARRAY(
		SELECT ROW(gen_random_uuid(), w.registry, w.key, w.event_type, NULL, w.at, w.id,
			w.key <> ALL (live), NULL, NULL, NULL)::casesync_internal.subject_event
		  FROM (SELECT q.registry, q.key, q.event_type, q.at, q.id FROM unnest(waiting) q
				UNION ALL
				SELECT l.registry, l.key, l.event_type, l.at, l.id FROM unnest(asked) l) w);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_waiting(casesync_internal.subject_event[],
	casesync_internal.quarantine_entry[], casesync_internal.look_again_entry[]) IS
	'part of route_registry_in_one_look(): what else the subjects of these events wait for';

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
	pushes constant bigint[] := casesync_internal.push_new_of(r.registry, keys);
	subjects casesync_internal.rendered[] := ARRAY(SELECT s
		FROM casesync_internal.render(r, keys) s);
	a casesync_internal.agreement;
	appended integer := 0;
BEGIN
	IF (events[1]).only_to IS NOT NULL THEN
		RETURN casesync_internal.route_only_to(r, events);
	END IF;
	PERFORM casesync_internal.route_versions(r, events, subjects);
	/* Who waits for an event type of a subject must get it also when it is looked at by another. */
	events := events || casesync_internal.events_waiting(events, waiting, asked);
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
	PERFORM casesync_internal.quarantine_done(waiting), casesync_internal.look_again_done(asked)
	  WHERE waiting <> '{}' OR asked <> '{}';
	PERFORM casesync_internal.retellings_done(r.registry, keys);
	PERFORM casesync_internal.push_unagreed(r.registry, keys);
	PERFORM casesync_internal.push_looked(pushes);
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

/*
 * Tried again when quarantine says so; what has asked for a look is answered by that, also for
 * other event types than these events have.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_later(registry text, keys text[],
	events casesync_internal.subject_event[], error_code text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked constant casesync_internal.look_again_entry[] := ARRAY(SELECT l
		FROM casesync_internal.look_again_of(registry, keys) l);
BEGIN
	PERFORM casesync_internal.quarantine_add_all(route_later.registry, 0, array_agg(x.key),
		array_agg(x.event_type), array_agg(route_later.error_code), array_agg(route_later.reason))
	   FROM (SELECT e.key, e.event_type FROM unnest(events) e WHERE e.key = ANY (keys)
			UNION
			SELECT l.key, l.event_type FROM unnest(asked) l) x;
	PERFORM casesync_internal.look_again_done(asked);
	PERFORM casesync_internal.push_looked(
		casesync_internal.push_new_of(route_later.registry, keys));
END
$$;
COMMENT ON FUNCTION casesync_internal.route_later(text, text[],
	casesync_internal.subject_event[], text, text) IS
	'these subjects are not routed now: into quarantine, with all that they wait for';

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
			PERFORM casesync_internal.route_later(r.registry, busy, events, '55P03',
				'somebody else is deciding about what waits to be sent of it');
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
			PERFORM casesync_internal.route_later(r.registry, keys, events, SQLSTATE, SQLERRM);
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
