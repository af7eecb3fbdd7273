/*
 * Whether anything may leave now: stopped and resumed, waited for, counted. Whoever reads what is
 * to leave calls sharing_begin() first. Knows nothing of what leaves.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_stopped(partner text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.sharing_stop s WHERE s.partner IN ('', $1));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_stopped(text) IS
	'whether nothing may leave to this partner';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_begin(partner text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lane integer := (SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = $1 AND l.kind = 'control' AND l.address = '');
BEGIN
	IF lane IS NULL OR NOT casesync_internal.sharing_enter(lane) THEN
		RETURN false;
	END IF;
	/* A statement of its own: its snapshot is younger than the lock. */
	RETURN NOT casesync_internal.is_stopped($1);
END
$$;
COMMENT ON FUNCTION casesync_internal.sharing_begin(text) IS
	'called before reading what is to leave: stop_sharing() waits until this transaction ends; '
	'false: sharing is stopped, answer as if nothing were agreed';
/* ---- how many people a partner may ask for ---------------------------------------------------- */

CREATE OR REPLACE FUNCTION casesync_internal.lookup_limit(partner text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT max(a.lookups_per_day) FROM casesync_internal.agreement a
		WHERE a.partner = $1 AND a.state = 'active' AND a.direction = 'out'
		  AND a.services && '{search,check_enrollment}' AND a.valid_from <= now()
			AND now() < a.valid_to), 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.lookup_limit(text) IS
	'how many people a partner may ask for in a day: the highest of its agreements';

CREATE OR REPLACE FUNCTION casesync_internal.lookup_today()
RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (clock_timestamp() AT TIME ZONE coalesce(
		(SELECT n.time_zone FROM casesync_internal.node n), 'UTC'))::date
$$;
COMMENT ON FUNCTION casesync_internal.lookup_today() IS
	'the day that lookups count for, in the node''s time zone';

/* Questions under way at the same moment do not see each other: the limit may be passed by as many. */
CREATE OR REPLACE FUNCTION casesync_internal.lookup_allowed(partner text, lookups integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	today date := casesync_internal.lookup_today();
	most integer := casesync_internal.lookup_limit($1);
	is_allowed boolean;
BEGIN
	IF $2 IS NULL OR $2 < 1 OR most = 0 THEN
		RETURN coalesce($2, 0) < 1;
	END IF;
	is_allowed := $2 + coalesce((SELECT sum(d.lookups) FROM casesync_internal.lookup_day d
		WHERE d.partner = $1 AND d.day = today), 0) <= most;
	INSERT INTO casesync_internal.lookup_day AS d (partner, day, worker, lookups, refused)
	VALUES ($1, today, pg_backend_pid(), CASE WHEN is_allowed THEN $2 ELSE 0 END, CASE
		WHEN is_allowed THEN 0 ELSE $2 END)
	ON CONFLICT ON CONSTRAINT lookup_day_pkey DO UPDATE
		SET lookups = d.lookups + excluded.lookups, refused = d.refused + excluded.refused;
	RETURN is_allowed;
END
$$;
COMMENT ON FUNCTION casesync_internal.lookup_allowed(text, integer) IS
	'count that a partner asks for so many people; false: more than it may in a day, answer as if '
	'they were unknown';
/* ---- what is missed while an agreement is suspended --------------------------------------------- */

/*
 * Called by routing before it offers anything. The lock on the agreement's row makes resume_sharing()
 * wait until what is noted here can be seen.
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
	FOR a IN
		SELECT g.* FROM casesync_internal.agreement g
		 WHERE g.state = 'suspended' AND g.direction = 'out' AND $1 = ANY (g.registries)
		 ORDER BY g.agreement FOR SHARE
	LOOP
		INSERT INTO casesync_internal.missed (agreement, registry, key, event_type)
		SELECT DISTINCT a.agreement, $1, e.key, e.event_type FROM unnest(events) e
		 WHERE e.event_type = ANY (a.event_types) AND octet_length(e.key) <= 1000
		ON CONFLICT DO NOTHING;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.note_missed(text, casesync_internal.subject_event[]) IS
	'remember, for suspended agreements, which subjects changed';

CREATE OR REPLACE FUNCTION casesync_internal.missed_requeue(agreement text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked bigint;
BEGIN
	WITH gone AS (DELETE FROM casesync_internal.missed m WHERE m.agreement = $1 RETURNING m.*)
	SELECT coalesce(sum(casesync_internal.look_again_add(g.registry, g.keys, g.event_type,
		'sharing was stopped: to be looked at again')), 0)
	  INTO asked
	  FROM (SELECT x.registry, x.event_type, array_agg(x.key) AS keys FROM gone x
			 GROUP BY x.registry, x.event_type) g;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.missed_requeue(text) IS
	'have the subjects that an agreement missed rendered again; partners are told what they do not '
	'know';

/* Nothing that was projected before the stop is sent after it: consent may have gone meanwhile. */
CREATE OR REPLACE FUNCTION casesync_internal.withhold_stopped(agreement text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	/* Not the rows: a backlog of a million records is more than one value can hold. */
	waiting uuid[] := ARRAY(SELECT n.reference_id FROM casesync_internal.notification n
		WHERE n.agreement = $1 AND n.state = 'due');
BEGIN
	INSERT INTO casesync_internal.missed (agreement, registry, key, event_type)
	SELECT DISTINCT $1, n.registry, n.key, n.event_type
	  FROM unnest(waiting) u(id) JOIN casesync_internal.notification n ON n.reference_id = u.id
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.withhold(waiting, 'sharing was stopped');
	RETURN cardinality(waiting);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold_stopped(text) IS
	'withhold what waits under an agreement and remember whom it was about';
/* ---- stop and resume ------------------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION casesync_internal.suspend_agreements(reason text, partner text,
	agreement text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	scope text := CASE WHEN $3 IS NOT NULL THEN 'agreement' WHEN $2 IS NOT NULL THEN 'partner'
		ELSE 'everybody' END;
	suspended text[];
BEGIN
	WITH done AS (
		UPDATE casesync_internal.agreement a SET state = 'suspended',
			stopped_at = coalesce(a.stopped_at, clock_timestamp()),
			stop_reason = $1, stop_scope = scope
		 WHERE a.direction = 'out' AND ($2 IS NULL OR a.partner = $2)
			AND ($3 IS NULL OR a.agreement = $3)
		   AND (a.state = 'active' OR a.state = 'suspended' AND
			CASE scope WHEN 'agreement' THEN true WHEN 'partner' THEN a.stop_scope = 'everybody'
				ELSE false END)
		RETURNING a.agreement)
	SELECT coalesce(array_agg(d.agreement ORDER BY d.agreement), '{}') INTO suspended FROM done d;
	RETURN suspended;
END
$$;
COMMENT ON FUNCTION casesync_internal.suspend_agreements(text, text, text) IS
	'active agreements are suspended; what was stopped for itself stays stopped for itself';

CREATE OR REPLACE FUNCTION casesync_internal.check_stop(reason text, partner text, agreement text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	IF coalesce(reason, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'the reason must not be empty',
			hint => 'SELECT * FROM casesync.stop_sharing(''what happened'', partner => …);');
	END IF;
	IF partner IS NOT NULL THEN
		PERFORM casesync_internal.require_partner(partner);
	END IF;
	IF agreement IS NULL THEN
		RETURN;
	END IF;
	a := casesync_internal.latest_agreement(agreement);
	IF a.direction <> 'out' OR a.partner <> partner THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('agreement "%s" is with "%s", direction %s', agreement, a.partner,
				a.direction),
			detail => 'Sharing goes out; what a partner tells us is ended by end_agreement().',
			hint => format('SELECT * FROM casesync.agreements WHERE agreement = %L;', agreement));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_stop(text, text, text) IS
	'a reason and names that exist, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.drain_lanes(lanes integer[], wait interval)
RETURNS integer[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = 0
AS $$
DECLARE
	until timestamptz := clock_timestamp() + wait;
	busy integer[] := '{}';
	lane integer;
BEGIN
	FOREACH lane IN ARRAY lanes LOOP
		BEGIN
			PERFORM set_config('lock_timeout', greatest(1, least(86400000,
				ceil(extract(epoch FROM until - clock_timestamp()) * 1000)))::bigint::text, true);
			IF NOT casesync_internal.sharing_drain(lane, until > clock_timestamp()) THEN
				busy := busy || lane;
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			busy := busy || lane;
		END;
	END LOOP;
	RETURN busy;
END
$$;
COMMENT ON FUNCTION casesync_internal.drain_lanes(integer[], interval) IS
	'wait until nothing of these closed lanes is under way; gives those of which something still '
	'is';

CREATE OR REPLACE FUNCTION casesync_internal.warn_of_senders(busy integer[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	partners text;
	senders text;
BEGIN
	SELECT string_agg(DISTINCT format('"%s"', l.partner), ', ') INTO partners
	  FROM casesync_internal.lane l WHERE l.lane = ANY (busy);
	SELECT string_agg(
		DISTINCT format('process %s (%s%s)', k.pid,
		coalesce(nullif(a.application_name, ''), a.usename, 'unknown'),
			' at ' || host(a.client_addr)), ', ') INTO senders
	  FROM pg_locks k LEFT JOIN pg_stat_activity a ON a.pid = k.pid
	 WHERE k.locktype = 'advisory' AND k.objsubid = 3 AND k.classid IN (4, 5)
		AND k.objid = ANY (busy::oid[])
	   AND k.granted AND k.pid <> pg_backend_pid()
	   AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
	RAISE WARNING USING errcode = 'lock_not_available',
		message = format('sharing is stopped, but something is still under way to %s', partners),
		detail = format('It was read before the stop, by %s. Nothing else begins.',
			coalesce(senders, 'a process that has just ended')),
		hint = 'Call stop_sharing() once more to wait for its end.';
END
$$;
COMMENT ON FUNCTION casesync_internal.warn_of_senders(integer[]) IS
	'part of stop_sharing(): who did not come to an end in time; an error would undo the stop';

CREATE OR REPLACE FUNCTION casesync_internal.sent_lately(lanes integer[], since timestamptz)
RETURNS TABLE (sent_to text, message_id text, sent_at timestamptz, subjects integer)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.partner, x.message_id::text, x.at, x.items
	  FROM (SELECT a.lane, a.message_id, a.started_at AS at, a.items
		FROM casesync_internal.attempt a
			 WHERE a.lane = ANY (lanes) AND a.ended_at >= since
			 UNION ALL
			SELECT s.lane, s.message_id, s.at, cardinality(s.items)
			  FROM unnest(lanes) g CROSS JOIN LATERAL casesync_internal.lane_now(g) s
				WHERE s.message_id IS NOT NULL) x
	  JOIN casesync_internal.lane l ON l.lane = x.lane AND l.kind = 'notify'
	UNION ALL
	SELECT d.partner, d.reference_id::text, min(d.at), count(DISTINCT (d.registry, d.key))::integer
	  FROM casesync_internal.disclosure d
	 WHERE d.way <> 'notify' AND d.at >= since
	   AND d.partner IN (SELECT l.partner FROM casesync_internal.lane l WHERE l.lane = ANY (lanes))
	 GROUP BY d.partner, d.reference_id
	 ORDER BY 3, 1, 2
$$;
COMMENT ON FUNCTION casesync_internal.sent_lately(integer[], timestamptz) IS
	'messages that left on these lanes since a time, or are still under way, and answers to '
	'questions';

CREATE OR REPLACE FUNCTION casesync.stop_sharing(reason text, partner text DEFAULT NULL,
	agreement text DEFAULT NULL,
	wait interval DEFAULT '1 min')
RETURNS TABLE (sent_to text, message_id text, sent_at timestamptz, subjects integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	began timestamptz := clock_timestamp();
	suspended text[];
	lanes integer[];
	busy integer[];
	withheld integer;
BEGIN
	PERFORM casesync_internal.check_stop($1, $2, $3);
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	IF $3 IS NULL THEN
		INSERT INTO casesync_internal.sharing_stop AS s (partner, reason)
			VALUES (coalesce($2, ''), $1)
		ON CONFLICT ON CONSTRAINT sharing_stop_pkey DO UPDATE SET reason = excluded.reason;
	END IF;
	suspended := casesync_internal.suspend_agreements($1, $2, $3);
	lanes := ARRAY(SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = $2 OR $2 IS NULL
			AND ($3 IS NULL OR l.partner = (casesync_internal.latest_agreement($3)).partner)
		ORDER BY l.lane);
	/* From here on nothing begins, also before this transaction commits. */
	PERFORM casesync_internal.sharing_close(l) FROM unnest(lanes) l;
	busy := casesync_internal.drain_lanes(lanes, coalesce($4, '0'));
	IF cardinality(busy) > 0 THEN
		PERFORM casesync_internal.warn_of_senders(busy);
	END IF;
	SELECT coalesce(sum(casesync_internal.withhold_stopped(s)), 0) INTO withheld
		FROM unnest(suspended) s;
	PERFORM casesync_internal.audit_note('stop_sharing', coalesce($3, $2, 'everybody'),
		jsonb_build_object('reason', $1,
		'agreements', suspended, 'withheld', withheld, 'still_under_way', cardinality(busy)));
	RETURN QUERY SELECT * FROM casesync_internal.sent_lately(lanes, began - interval '1 minute');
END
$$;
COMMENT ON FUNCTION casesync.stop_sharing(text, text, text, interval) IS
	'nothing leaves any more to a partner, under an agreement, or at all; returns when nothing is '
	'under way, with what left in the last minute';

CREATE OR REPLACE FUNCTION casesync_internal.check_resume(partner text, agreement text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
	whose text := partner;
	stop casesync_internal.sharing_stop;
BEGIN
	IF partner IS NOT NULL THEN
		PERFORM casesync_internal.require_partner(partner);
	END IF;
	IF agreement IS NOT NULL THEN
		PERFORM casesync_internal.check_stop('resume', partner, agreement);
		SELECT * INTO a FROM casesync_internal.agreement t
			WHERE t.agreement = $2 AND t.state = 'suspended';
		IF NOT FOUND THEN
			PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
				message => format('agreement "%s" is not suspended', $2),
				hint => format(
					'SELECT version, state FROM casesync.agreements WHERE agreement = %L;', $2));
		END IF;
		whose := a.partner;
	END IF;
	SELECT * INTO stop FROM casesync_internal.sharing_stop s
	 WHERE s.partner = '' AND whose IS NOT NULL OR s.partner = whose AND agreement IS NOT NULL
	 ORDER BY s.partner LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE stop.partner WHEN '' THEN 'sharing with everybody is stopped'
				ELSE format('sharing with "%s" is stopped', stop.partner) END,
			detail => format('Stopped by %s: %s', stop.who, stop.reason),
			hint => CASE stop.partner WHEN '' THEN 'SELECT casesync.resume_sharing();'
				ELSE format('SELECT casesync.resume_sharing(%L);', stop.partner) END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_resume(text, text) IS
	'whether this may be resumed for itself: nothing wider is stopped, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.resume_agreements(partner text, agreement text)
RETURNS SETOF casesync_internal.agreement
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	a casesync_internal.agreement;
	rival text;
BEGIN
	FOR a IN
		SELECT t.* FROM casesync_internal.agreement t
		 WHERE t.state = 'suspended' AND CASE WHEN $2 IS NOT NULL THEN t.agreement = $2
			WHEN $1 IS NOT NULL THEN t.partner = $1 AND t.stop_scope <> 'agreement'
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
		PERFORM casesync_internal.missed_requeue(a.agreement);
		RETURN NEXT a;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.resume_agreements(text, text) IS
	'suspended agreements count again, and what they missed is looked at';

CREATE OR REPLACE FUNCTION casesync_internal.resume_lanes(partner text)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	s casesync_internal.lane_state;
BEGIN
	FOR s IN
		SELECT n.* FROM casesync_internal.lane l
			CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) n
		 WHERE ($1 IS NULL OR l.partner = $1) AND n.is_stopped
	LOOP
		s.is_stopped := false; s.next_attempt := NULL; s.attempt := 0; s.refusals := 0;
		s.reason := NULL;
		PERFORM casesync_internal.lane_set(s);
		RETURN NEXT (SELECT l.partner FROM casesync_internal.lane l WHERE l.lane = s.lane);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.resume_lanes(text) IS
	'lanes that stopped by themselves (too many refusals, a moved address) go on';

/* What was found before the stop is looked up again: it may not be agreed any more, or be another. */
CREATE OR REPLACE FUNCTION casesync_internal.answers_anew(partners text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH anew AS (
		UPDATE casesync_internal.request_in r SET state = 'new', outgoing = NULL, tries = 0,
			next_try = NULL
		  FROM casesync_internal.outgoing o JOIN casesync_internal.lane l ON l.lane = o.lane
		 WHERE r.outgoing = o.reference_id AND r.message IS NOT NULL AND o.action = 'on-search'
			AND o.state = 'due'
		   AND (l.partner = ANY (partners) OR '' = ANY (partners))
		RETURNING o.id)
	DELETE FROM casesync_internal.outgoing o USING anew a WHERE o.id = a.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.answers_anew(text[]) IS
	'search answers that wait for these partners (the empty name: for all) are worked anew';

CREATE OR REPLACE FUNCTION casesync.resume_sharing(partner text DEFAULT NULL,
	agreement text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	resumed casesync_internal.agreement[];
	whose text[] := '{}';
	lifted text[];
	subscriptions integer;
BEGIN
	PERFORM casesync_internal.check_resume($1, $2);
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	resumed := ARRAY(SELECT a FROM casesync_internal.resume_agreements($1, $2) a);
	IF $2 IS NULL THEN
		WITH gone AS (DELETE FROM casesync_internal.sharing_stop s
			WHERE s.partner = coalesce($1, '') RETURNING s.partner)
		SELECT coalesce(array_agg(g.partner), '{}') INTO lifted FROM gone g;
		PERFORM casesync_internal.answers_anew(lifted);
		whose := lifted || ARRAY(SELECT l FROM casesync_internal.resume_lanes($1) l);
	END IF;
	/* By kind, of which there are few; OFFSET 0 so that nothing is asked of each subscription. */
	SELECT coalesce(sum(k.n), 0) INTO subscriptions FROM (
		SELECT s.partner, s.event_type, s.record_type, count(*) AS n
			FROM casesync_internal.subscription s
		 WHERE s.state = 'active' GROUP BY s.partner, s.event_type, s.record_type OFFSET 0) k
	 WHERE NOT casesync_internal.is_stopped(k.partner)
		AND (k.partner = ANY (whose) OR '' = ANY (whose) OR EXISTS (
		SELECT FROM unnest(resumed) a
			JOIN casesync_internal.registry r ON r.registry = ANY (a.registries)
		 WHERE a.partner = k.partner AND k.event_type = ANY (a.event_types)
			AND lower(r.record_type) = lower(k.record_type)));
	PERFORM casesync_internal.audit_note('resume_sharing', coalesce($2, $1, 'everybody'),
		jsonb_build_object(
		'agreements', ARRAY(SELECT a.agreement FROM unnest(resumed) a), 'subscriptions',
		subscriptions));
	PERFORM casesync_internal.ring();
	RETURN subscriptions;
END
$$;
COMMENT ON FUNCTION casesync.resume_sharing(text, text) IS
	'what stop_sharing() stopped goes on, and lanes that stopped by themselves; subjects that '
	'changed meanwhile are looked at again; returns how many subscriptions go on';
