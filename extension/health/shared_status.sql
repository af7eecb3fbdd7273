/*
 * How it stands between partners and one subject, for who works on the case: no record, no reason
 * that may quote one. Like disclosures(), it answers for any key of a registry: it tells who shares
 * a case, which the worker must know to work on it, and nothing of what is in it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.may_know(partner text, r casesync_internal.registry,
	key text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
	asked record;
	answer text := 'no';
BEGIN
	FOR a IN SELECT * FROM casesync_internal.agreement g
		 WHERE g.partner = may_know.partner AND g.direction = 'out'
		   AND g.state IN ('active', 'suspended') AND r.registry = ANY (g.registries)
		   AND g.valid_from <= now() AND now() < g.valid_to ORDER BY g.state DESC
	LOOP
		IF a.state = 'suspended' OR casesync_internal.is_stopped(partner) THEN
			answer := 'stopped';
			CONTINUE;
		END IF;
		asked := casesync_internal.door_ask(a, r, ARRAY[key]);
		IF key = ANY (asked.inside) THEN
			RETURN 'yes';
		ELSIF cardinality(asked.bad_keys) > 0 THEN
			answer := 'unknown';
		END IF;
	END LOOP;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.may_know(text, casesync_internal.registry, text) IS
	'whether a partner may be told of a subject now: yes, no, stopped, or unknown where it cannot '
	'be asked';

/* The newest of what was to be told, whether it was made by the router yet or not. */
CREATE OR REPLACE FUNCTION casesync_internal.telling_state(partner text, registry text, key text,
	OUT state text, OUT since timestamptz, OUT reason text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.state, x.since, x.reason
	  FROM (
		(SELECT CASE n.state WHEN 'due' THEN 'waiting' WHEN 'delivered' THEN 'acknowledged'
				WHEN 'dead' THEN 'refused' ELSE n.state END AS state,
			CASE n.state WHEN 'delivered' THEN coalesce((
				SELECT max(d.at) FROM casesync_internal.disclosure d
				 WHERE d.reference_id = n.reference_id AND d.outcome = 'delivered'), n.at)
				ELSE n.at END AS since,
			CASE n.state WHEN 'due' THEN (casesync_internal.lane_now(n.lane)).reason
				ELSE n.state_reason END AS reason, n.at, 2 AS rank
		  FROM casesync_internal.notification n
		  JOIN casesync_internal.lane l ON l.lane = n.lane AND l.partner = telling_state.partner
		 WHERE n.registry = telling_state.registry AND n.key = telling_state.key
		 ORDER BY n.id DESC LIMIT 1)
		UNION ALL
		(SELECT CASE WHEN p.dropped IS NULL THEN 'waiting' ELSE 'withheld' END, p.at, p.dropped,
			p.at, 1
		  FROM casesync_internal.push p
		 WHERE p.partner = telling_state.partner AND p.registry = telling_state.registry
		   AND p.key = telling_state.key AND (p.event IS NULL OR p.dropped IS NOT NULL)
		 ORDER BY p.id DESC LIMIT 1)) x
	 ORDER BY x.at DESC, x.rank LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.telling_state(text, text, text) IS
	'what became of the last that a partner was, or is, to be told of a subject';

CREATE OR REPLACE FUNCTION casesync_internal.subject_names(r casesync_internal.registry, key text)
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT concat(upper(i.identifier_type), ':', i.identifier_value)
		  FROM casesync_internal.render(r, ARRAY[subject_names.key]) s
		 CROSS JOIN LATERAL casesync.record_identifiers(s.record) i)
$$;
COMMENT ON FUNCTION casesync_internal.subject_names(casesync_internal.registry, text) IS
	'by what partners'' records are found to be about a subject';

CREATE OR REPLACE FUNCTION casesync.shared_status(registry text, key text)
RETURNS TABLE (partner text, may_know text, told_at timestamptz, told_as text, told_by text,
	state text, since timestamptz, reason text, heard_at timestamptz, heard_as text,
	heard_state text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(
		shared_status.registry);
	names constant text[] := casesync_internal.subject_names(r, shared_status.key);
BEGIN
	RETURN QUERY
	SELECT w.partner, casesync_internal.may_know(w.partner, r, shared_status.key),
		d.at, d.event_type, d.way, coalesce(t.state, CASE WHEN d.at IS NOT NULL THEN 'answered'
			ELSE 'never told' END), coalesce(t.since, d.at), t.reason,
		h.received_at, h.event_type, h.state
	  FROM casesync_internal.partner w
	 CROSS JOIN LATERAL casesync_internal.telling_state(w.partner, r.registry,
		shared_status.key) t
	  LEFT JOIN LATERAL (
		SELECT x.at, x.way, n.event_type FROM casesync.disclosures(r.registry,
			shared_status.key) x
		  LEFT JOIN casesync_internal.notification n ON n.reference_id = x.reference_id
		 WHERE x.partner = w.partner AND x.outcome <> 'refused'
		 ORDER BY x.at DESC LIMIT 1) d ON true
	  LEFT JOIN LATERAL (
		SELECT i.received_at, i.event_type, i.state FROM unnest(names) s(name)
		 CROSS JOIN LATERAL casesync_internal.inbox_last_of(w.partner, s.name) i
		 WHERE i.id IS NOT NULL ORDER BY i.id DESC LIMIT 1) h ON true
	 WHERE d.at IS NOT NULL OR t.state IS NOT NULL OR h.received_at IS NOT NULL OR EXISTS (
		SELECT FROM casesync_internal.agreement a
		 WHERE a.partner = w.partner AND a.direction = 'out'
		   AND a.state IN ('active', 'suspended') AND r.registry = ANY (a.registries))
	 ORDER BY w.partner COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync.shared_status(text, text) IS
	'how it stands between each partner and one subject: whether it may know, what it was told '
	'last, whether that was acknowledged, waits or was refused, and what it told us last';
