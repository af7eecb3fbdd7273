/*
 * Whether anything may leave now, and what becomes of agreements while it may not. Whoever reads
 * what is to leave calls sharing_begin() first. delivery/stop_sharing.sql stops it.
 */

/* The empty name stands for everybody, as in sharing_stop_set(). */
CREATE OR REPLACE FUNCTION casesync_internal.is_stopped(partner text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.sharing_stop s
		WHERE s.partner IN ('', is_stopped.partner));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_stopped(text) IS
	'whether nothing may leave to this partner';

/* One for all that a partner is answered, also at once and without a message. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_lane(partner text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = answer_lane.partner AND l.kind = 'control' AND l.address = '');
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_lane(text) IS
	'the lane on which a partner gets answers';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_begin(partner text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lane constant integer := casesync_internal.answer_lane(partner);
BEGIN
	IF lane IS NULL OR NOT casesync_internal.sharing_enter(lane) THEN
		RETURN false;
	END IF;
	/* A statement of its own: its snapshot is younger than the lock. */
	RETURN NOT casesync_internal.is_stopped(partner);
END
$$;
COMMENT ON FUNCTION casesync_internal.sharing_begin(text) IS
	'called before reading what is to leave: stop_sharing() waits until this transaction ends; '
	'false: sharing is stopped, answer as if nothing were agreed';

/* A second stop gives a new reason and keeps who stopped it first, and since when. */
CREATE OR REPLACE FUNCTION casesync_internal.sharing_stop_set(partner text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.sharing_stop (partner, reason)
	VALUES (sharing_stop_set.partner, sharing_stop_set.reason)
	ON CONFLICT ON CONSTRAINT sharing_stop_pkey DO UPDATE SET reason = excluded.reason;
END
$$;
COMMENT ON FUNCTION casesync_internal.sharing_stop_set(text, text) IS
	'nothing leaves to this partner from now on; the empty name: to nobody';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_stop_lift(partner text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.sharing_stop s WHERE s.partner = sharing_stop_lift.partner;
	RETURN CASE WHEN FOUND THEN ARRAY[partner] ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION casesync_internal.sharing_stop_lift(text) IS
	'something may leave to this partner again; returns its name, or nothing when that was so';
/* ---- what is missed while an agreement is suspended ------------------------------------------ */

CREATE OR REPLACE FUNCTION casesync_internal.missed_add(agreement text, registry text,
	events casesync_internal.subject_event[], event_types text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.missed AS m (agreement, registry, key, event_type, at)
	SELECT missed_add.agreement, missed_add.registry, e.key, e.event_type, min(least(e.since, e.at,
			casesync_internal.look_again_since(missed_add.registry, e.key, e.event_type)))
	  FROM unnest(events) e
	 WHERE e.event_type = ANY (event_types) AND octet_length(e.key) <= 1000
	 GROUP BY e.key, e.event_type
	ON CONFLICT ON CONSTRAINT missed_pkey DO UPDATE SET at = excluded.at
		WHERE excluded.at < m.at;
END
$$;
COMMENT ON FUNCTION casesync_internal.missed_add(text, text, casesync_internal.subject_event[],
	text[]) IS
	'remember of which subjects an agreement''s partner, or its filters, are not told, and since '
	'when';

/*
 * Called by routing before it offers anything. The lock on the agreement's row makes whoever
 * changes its state wait until what is noted here can be seen. Who has changed it already, and has
 * not committed, is not waited for; what is noted beside him is found by filters_catch_up().
 */
CREATE OR REPLACE FUNCTION casesync_internal.note_missed(registry text,
	events casesync_internal.subject_event[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	PERFORM FROM casesync_internal.agreement g
	  WHERE g.state = 'suspended' AND g.direction = 'out'
		AND note_missed.registry = ANY (g.registries)
	  ORDER BY g.agreement FOR SHARE SKIP LOCKED;
	FOR a IN
		SELECT g.* FROM casesync_internal.agreement g
		 WHERE g.state = 'suspended' AND g.direction = 'out'
		   AND note_missed.registry = ANY (g.registries)
		 ORDER BY g.agreement
	LOOP
		PERFORM casesync_internal.missed_add(a.agreement, registry, events, a.event_types);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.note_missed(text, casesync_internal.subject_event[]) IS
	'remember, for suspended agreements, which subjects changed';

CREATE OR REPLACE FUNCTION casesync_internal.missed_requeue(agreements text[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	x record;
BEGIN
	WITH gone AS (
		DELETE FROM casesync_internal.missed m WHERE m.agreement = ANY (agreements)
		RETURNING m.*)
	SELECT array_agg(g.registry) AS registries, array_agg(g.key) AS keys,
		array_agg(g.event_type) AS event_types, array_agg(g.at) AS happened
	  INTO x FROM gone g;
	RETURN casesync_internal.look_again_add_all(x.registries, x.keys, x.event_types,
		array_fill(NULL::bigint, ARRAY[coalesce(cardinality(x.keys), 0)]), x.happened,
		'sharing was stopped, or filters paused: to be looked at again');
END
$$;
COMMENT ON FUNCTION casesync_internal.missed_requeue(text[]) IS
	'have the subjects that agreements missed rendered again; partners are told what they do not '
	'know';

/*
 * Nothing that was projected before the stop is sent after it: consent may have gone meanwhile.
 * What the router has locked stays due: resume_agreements() withholds it, or whoever takes it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.withhold_stopped(agreement text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	/* Not the rows: a backlog of a million records is more than one value can hold. */
	waiting uuid[] := ARRAY(SELECT n.reference_id FROM casesync_internal.notification n
		WHERE n.agreement = withhold_stopped.agreement AND n.state = 'due');
BEGIN
	INSERT INTO casesync_internal.missed AS m (agreement, registry, key, event_type, at)
	SELECT withhold_stopped.agreement, n.registry, n.key, n.event_type, min(n.at)
	  FROM unnest(waiting) u(id) JOIN casesync_internal.notification n ON n.reference_id = u.id
	 GROUP BY n.registry, n.key, n.event_type
	ON CONFLICT ON CONSTRAINT missed_pkey DO UPDATE SET at = excluded.at
		WHERE excluded.at < m.at;
	RETURN cardinality(casesync_internal.withhold(waiting, 'sharing was stopped'));
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold_stopped(text) IS
	'withhold what waits under an agreement and remember whom it was about';
/* ---- suspended, and active again ------------------------------------------------------------- */

/*
 * The scope says for whom an agreement was stopped: what was stopped for itself, or for its
 * partner, does not go on when something wider is resumed. So a narrower stop takes over what a
 * wider one has suspended, and never the other way round.
 */
CREATE OR REPLACE FUNCTION casesync_internal.suspend_agreements(reason text, partner text,
	agreement text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whose constant text := partner;
	which constant text := agreement;
	scope constant text := CASE WHEN which IS NOT NULL THEN 'agreement'
		WHEN whose IS NOT NULL THEN 'partner' ELSE 'everybody' END;
	suspended text[];
BEGIN
	WITH done AS (
		UPDATE casesync_internal.agreement a SET state = 'suspended',
			stopped_at = coalesce(a.stopped_at, clock_timestamp()),
			stop_reason = suspend_agreements.reason, stop_scope = scope
		 WHERE a.direction = 'out' AND (whose IS NULL OR a.partner = whose)
		   AND (which IS NULL OR a.agreement = which)
		   AND (a.state = 'active' OR a.state = 'suspended' AND CASE scope
			WHEN 'agreement' THEN true
			WHEN 'partner' THEN a.stop_scope = 'everybody' ELSE false END)
		RETURNING a.agreement)
	SELECT coalesce(array_agg(d.agreement ORDER BY d.agreement), '{}') INTO suspended FROM done d;
	RETURN suspended;
END
$$;
COMMENT ON FUNCTION casesync_internal.suspend_agreements(text, text, text) IS
	'active agreements are suspended; what was stopped for itself stays stopped for itself';

/*
 * In the order of names, as note_missed() locks them. An agreement whose place was taken meanwhile
 * stops the whole call: half resumed would be neither.
 */
CREATE OR REPLACE FUNCTION casesync_internal.resume_agreements(partner text, agreement text)
RETURNS SETOF casesync_internal.agreement
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whose constant text := partner;
	which constant text := agreement;
	a casesync_internal.agreement;
	rival text;
	resumed text[] := '{}';
BEGIN
	FOR a IN
		SELECT t.* FROM casesync_internal.agreement t
		 WHERE t.state = 'suspended' AND CASE
			WHEN which IS NOT NULL THEN t.agreement = which
			WHEN whose IS NOT NULL THEN t.partner = whose AND t.stop_scope <> 'agreement'
			ELSE t.stop_scope = 'everybody' END
		 ORDER BY t.agreement
	LOOP
		rival := casesync_internal.agreement_rival(a);
		IF rival IS NOT NULL THEN
			PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
				message => format('agreement "%s" now decides about what "%s" was about', rival,
					a.agreement),
				hint => format('SELECT casesync.end_agreement(%L, reason);', a.agreement));
		END IF;
		UPDATE casesync_internal.agreement t SET state = 'active', stopped_at = NULL,
			stop_reason = NULL, stop_scope = NULL
		 WHERE t.agreement = a.agreement AND t.version = a.version RETURNING t.* INTO a;
		/* What a routing that was under way at the stop has appended after it. */
		PERFORM casesync_internal.withhold_stopped(a.agreement);
		resumed := resumed || a.agreement;
		RETURN NEXT a;
	END LOOP;
	PERFORM casesync_internal.missed_requeue(resumed);
END
$$;
COMMENT ON FUNCTION casesync_internal.resume_agreements(text, text) IS
	'suspended agreements count again, and what they missed is looked at';
