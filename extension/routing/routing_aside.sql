/*
 * What the router cannot get past. The bridge asks for it when a turn with a single change has
 * failed again and again (it took too long, or too much memory): then that change stands in
 * quarantine, and all that come after it are routed.
 */

/* Nothing of anybody runs: for which subjects a key stands is asked when it is tried again. */
CREATE OR REPLACE FUNCTION casesync_internal.changes_aside(chunk casesync_internal.change[],
	why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.gap_found(c) FROM unnest(chunk) c WHERE c.op = 'G';
	PERFORM casesync_internal.quarantine_add(r, f.tracking, ARRAY[f.key], f.event_type, 'CS003',
		why)
	   FROM casesync_internal.fold(chunk, ARRAY[(chunk[1]).xid]) f
	   JOIN casesync_internal.tracking t ON t.id = f.tracking
	  CROSS JOIN unnest(t.registries) r;
END
$$;
COMMENT ON FUNCTION casesync_internal.changes_aside(casesync_internal.change[], text) IS
	'part of route_aside(): changes go into quarantine, by the keys they were captured with';

/* Those that route() would have looked at first, too: nobody knows which one it was. */
CREATE OR REPLACE FUNCTION casesync_internal.again_aside(why text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting constant casesync_internal.quarantine_entry[] := ARRAY(SELECT q
		FROM casesync_internal.quarantine_next(1) q);
	asked constant casesync_internal.look_again_entry[] := ARRAY(SELECT l
		FROM casesync_internal.look_again_next(1 - cardinality(waiting)) l);
	unseeded constant bigint := casesync_internal.filter_unseeded();
BEGIN
	PERFORM casesync_internal.quarantine_add(q.registry, q.tracking, ARRAY[q.key], q.event_type,
		'CS003', why)
	   FROM unnest(waiting) q;
	PERFORM casesync_internal.quarantine_add(l.registry, 0, ARRAY[l.key], l.event_type, 'CS003',
		why)
	   FROM unnest(asked) l;
	PERFORM casesync_internal.look_again_done(asked);
	PERFORM casesync_internal.subscription_seeded(unseeded);
	RETURN cardinality(waiting) + cardinality(asked);
END
$$;
COMMENT ON FUNCTION casesync_internal.again_aside(text) IS
	'part of route_aside(): the next subject that was to be looked at again, and the next filter '
	'that was to learn who is inside';

CREATE OR REPLACE FUNCTION casesync_internal.bulk_aside(why text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	b casesync_internal.bulk_transaction;
	chunk casesync_internal.change[];
BEGIN
	SELECT * INTO b FROM casesync_internal.bulk_next();
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	chunk := ARRAY(SELECT c FROM casesync_internal.bulk_chunk(b, 1) c);
	PERFORM casesync_internal.changes_aside(chunk, why);
	PERFORM casesync_internal.bulk_advance(b, chunk, is_last => chunk = '{}');
	RETURN cardinality(chunk);
END
$$;
COMMENT ON FUNCTION casesync_internal.bulk_aside(text) IS
	'part of route_aside(): the next change of a transaction that was passed over';

/* As route(1), but for what is done with the one change. */
CREATE OR REPLACE FUNCTION casesync_internal.route_aside(why text)
RETURNS TABLE (changes integer, notifications integer, more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	s casesync_internal.routing_state;
	upto pg_snapshot;
	chunk casesync_internal.change[];
BEGIN
	PERFORM casesync_internal.check_route(1);
	changes := 0; notifications := 0; more := false;
	IF casesync_internal.may_speak() AND casesync_internal.begin_turn() THEN
		s := casesync_internal.routing_position();
		upto := coalesce(s.now, casesync_internal.window_end());
		chunk := ARRAY(SELECT c FROM casesync_internal.window_chunk(s, upto, 1) c);
		changes := casesync_internal.again_aside(why) + casesync_internal.bulk_aside(why)
			+ cardinality(chunk);
		more := changes > 0;
		PERFORM casesync_internal.changes_aside(chunk, why);
		IF cardinality(chunk) > 0 THEN
			PERFORM casesync_internal.routing_advance(s, upto, chunk[1]);
		END IF;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_aside(text) IS
	'put the change that is next to be routed into quarantine, since routing it fails; the bridge '
	'calls it when a single change has failed twice';
