/*
 * Why a partner was told of a subject, or was not: its last changes, what came of each, and how it
 * stands now. Ids, codes and names; nothing that a record or a row says.
 */

/* The newest changes of all subjects: keys have no index, since each change would pay for it. */
CREATE OR REPLACE FUNCTION casesync_internal.changes_newest(tracking integer, most integer)
RETURNS TABLE (id bigint, xid xid8, era integer, op "char", key text, old_key text, at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT x.id, x.xid, x.era, x.op, x.key, x.old_key, x.at
	  FROM (SELECT c.id, c.xid, c.era, c.op, c.key, c.old_key, c.at, c.tracking
		  FROM casesync_internal.change c ORDER BY c.xid DESC, c.id DESC LIMIT most) x
	 WHERE x.tracking = changes_newest.tracking AND x.op <> 'G';
END
$$;
COMMENT ON FUNCTION casesync_internal.changes_newest(integer, integer) IS
	'those of the newest changes that one tracking has captured';

/* Asked as the router does. What cannot be asked is about somebody else, as far as is known. */
CREATE OR REPLACE FUNCTION casesync_internal.is_about(t casesync_internal.tracking, captured text,
	subject text, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
BEGIN
	RETURN subject = ANY (casesync_internal.subjects_page(t, captured, until, NULL,
		casesync_internal.turn_limit('slice')));
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.is_about(casesync_internal.tracking, text, text,
	timestamptz) IS
	'whether a captured key is about a subject';

CREATE OR REPLACE FUNCTION casesync_internal.captured_keys(t casesync_internal.tracking,
	subject text, until timestamptz)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF t.key_is_column AND t.subjects IS NULL THEN
		RETURN ARRAY(SELECT DISTINCT k FROM casesync_internal.changes_newest(t.id,
				casesync_internal.review_limit('changes')) c
			CROSS JOIN LATERAL (VALUES (c.key), (c.old_key)) v(k)
			WHERE k = subject OR casesync_internal.key_is_padded(t) AND rtrim(k, ' ') = subject);
	END IF;
	RETURN ARRAY(SELECT x.k FROM (SELECT v.k FROM casesync_internal.changes_newest(t.id,
				casesync_internal.review_limit('changes')) c
			CROSS JOIN LATERAL (VALUES (c.key), (c.old_key)) v(k) WHERE v.k IS NOT NULL
			GROUP BY v.k ORDER BY max(c.at) DESC LIMIT casesync_internal.review_limit('records')) x
		WHERE casesync_internal.is_about(t, x.k, subject, until));
END
$$;
COMMENT ON FUNCTION casesync_internal.captured_keys(casesync_internal.tracking, text,
	timestamptz) IS
	'under which captured keys changes are about a subject';

CREATE OR REPLACE FUNCTION casesync_internal.is_routed(era integer, xid xid8, id bigint)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT pg_visible_in_snapshot(is_routed.xid, s.last)
			OR s.now IS NOT NULL AND pg_visible_in_snapshot(is_routed.xid, s.now)
				AND (is_routed.xid, is_routed.id) <= (s.done_xid, s.done_id)
		  FROM casesync_internal.routing_state s WHERE s.era = is_routed.era
		 ORDER BY s.id DESC LIMIT 1), false)
		AND NOT EXISTS (SELECT FROM casesync_internal.bulk_transaction b
			WHERE b.era = is_routed.era AND b.xid = is_routed.xid AND b.done_id < is_routed.id)
$$;
COMMENT ON FUNCTION casesync_internal.is_routed(integer, xid8, bigint) IS
	'whether the router has come to a change';

/* As fold() has them: of one transaction what happened to a key is one event of each type. */
CREATE OR REPLACE FUNCTION casesync_internal.events_about(r casesync_internal.registry,
	subject text, until timestamptz)
RETURNS TABLE (at timestamptz, what text, event_type text, is_routed boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.at, format('%s of %s', x.ops, t.relation_name), e, x.is_routed
	  FROM casesync_internal.tracking t
	 CROSS JOIN LATERAL casesync_internal.captured_keys(t, subject, until) k(keys)
	 CROSS JOIN LATERAL (
		SELECT max(c.at) AS at, bool_or(c.op = 'I') AS i, bool_or(c.op = 'U') AS u,
			bool_or(c.op = 'D') AS d, bool_and(casesync_internal.is_routed(c.era, c.xid, c.id))
				AS is_routed,
			string_agg(DISTINCT CASE c.op WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE'
				ELSE 'DELETE' END, ', ') AS ops
		  FROM casesync_internal.changes_newest(t.id, casesync_internal.review_limit('changes')) c
		 WHERE c.key = ANY (k.keys) OR c.old_key = ANY (k.keys)
		 GROUP BY c.xid) x
	 CROSS JOIN LATERAL unnest(casesync_internal.event_types_of(t, x.i, x.u, x.d, false)) e
	 WHERE NOT t.removed AND r.registry = ANY (t.registries)
$$;
COMMENT ON FUNCTION casesync_internal.events_about(casesync_internal.registry, text,
	timestamptz) IS
	'the events that the log still has about a subject';

/* A lane's own words: they quote nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.item_said(n casesync_internal.notification,
	OUT outcome text, OUT reason text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE n.state WHEN 'due' THEN 'waiting' WHEN 'delivered' THEN 'sent'
			WHEN 'dead' THEN 'refused' ELSE n.state END,
		concat_ws('; ', CASE WHEN n.state = 'due' THEN coalesce(l.reason,
				'its turn has not come') ELSE n.state_reason END,
			CASE WHEN n.state = 'due' THEN 'next attempt ' || l.next_attempt::text END,
			format('item %s of subscription %s, agreement %s version %s', coalesce(n.seq::text,
				'without number'), coalesce(s.code, '?'), n.agreement, n.agreement_version))
	  FROM (SELECT (casesync_internal.lane_now(n.lane)).*) l
	  LEFT JOIN casesync_internal.subscription s ON s.id = n.subscription
$$;
COMMENT ON FUNCTION casesync_internal.item_said(casesync_internal.notification) IS
	'what became of an item, and why';

/* The one that counted at that time, be it over by now. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_then(partner text, registry text,
	at timestamptz)
RETURNS casesync_internal.agreement
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.* FROM casesync_internal.agreement a
	 WHERE a.partner = agreement_then.partner AND a.direction = 'out'
	   AND agreement_then.registry = ANY (a.registries) AND a.activated_at <= agreement_then.at
	   AND (a.ended_at IS NULL OR a.ended_at > agreement_then.at)
	 ORDER BY a.activated_at DESC LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.agreement_then(text, text, timestamptz) IS
	'the agreement with a partner about a registry that was in force at a time';

/* In the order in which the router asks. */
CREATE OR REPLACE FUNCTION casesync_internal.why_no_item(partner text,
	r casesync_internal.registry, subject text, event_type text, at timestamptz,
	OUT outcome text, OUT reason text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement := casesync_internal.agreement_then(partner,
		r.registry, at);
	s casesync_internal.subscription;
BEGIN
	SELECT x.* INTO s FROM casesync_internal.subscription x WHERE x.partner = why_no_item.partner
		AND x.event_type = why_no_item.event_type AND lower(x.record_type) = lower(r.record_type)
		AND NOT x.is_push AND x.state IN ('pending', 'active')
	 ORDER BY x.state, x.created_at LIMIT 1;
	outcome := 'unwanted';
	reason := CASE
		WHEN a.agreement IS NULL THEN format('no agreement with %s about registry %s was active',
			partner, r.registry)
		WHEN event_type <> ALL (a.event_types) THEN format('agreement %s version %s has no event '
			'type %s', a.agreement, a.version, event_type)
		WHEN NOT (a.valid_from <= at AND at < a.valid_to) THEN format('agreement %s version %s was '
			'not valid at that time', a.agreement, a.version)
		WHEN s.id IS NULL THEN format('no subscription of %s is to event type %s of %s', partner,
			event_type, r.record_type)
		WHEN s.state = 'pending' THEN format('subscription %s waits for %s', s.code, s.waits_for)
		WHEN s.created_at > at THEN format('subscription %s began later', s.code)
		END;
	IF reason IS NULL AND EXISTS (SELECT FROM casesync_internal.told t
		WHERE t.partner = why_no_item.partner AND t.registry = r.registry AND t.key = subject
		  AND t.hmac IS NOT NULL)
	THEN
		outcome := 'known';
		reason := 'what is agreed of the record is what the partner was told before, or told us';
	ELSIF reason IS NULL THEN
		outcome := 'withheld';
		reason := format('when it was looked at it was not in the view, not among the subjects of '
			'agreement %s version %s, or outside of the filters of its subscriptions',
			a.agreement, a.version);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.why_no_item(text, casesync_internal.registry, text, text,
	timestamptz) IS
	'why an event about a subject made no item for a partner';

CREATE OR REPLACE FUNCTION casesync_internal.what_waits(partner text, registry text, subject text,
	event_type text, OUT outcome text, OUT reason text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.outcome, x.reason FROM (
		SELECT 1, 'waiting', format('the router is to look once more: %s', l.reason)
		  FROM casesync_internal.look_again_entry l WHERE l.registry = what_waits.registry
			AND l.key = subject AND l.event_type = what_waits.event_type
		UNION ALL
		SELECT 1, 'waiting', format('the router is to look once more: %s', l.reason)
		  FROM casesync_internal.look_again_note l WHERE l.registry = what_waits.registry
			AND l.key = subject AND l.event_type = what_waits.event_type
		UNION ALL
		SELECT 2, 'quarantine', format('it cannot be rendered (%s): SELECT * FROM '
			'casesync.quarantine WHERE registry = %L;', q.error_code, q.registry)
		  FROM casesync_internal.quarantine_entry q WHERE q.registry = what_waits.registry
			AND q.key = subject AND q.event_type = what_waits.event_type AND q.tracking = 0
		UNION ALL
		SELECT 3, 'held', format('sharing by agreement %s is stopped: it is looked at when it is '
			'resumed', m.agreement)
		  FROM casesync_internal.missed m
		  JOIN casesync_internal.agreement a ON a.agreement = m.agreement AND a.state = 'suspended'
		 WHERE m.registry = what_waits.registry AND m.key = subject
		   AND m.event_type = what_waits.event_type AND a.partner = what_waits.partner
		UNION ALL
		SELECT 4, 'waiting', format('subscription %s is told at %s', s.code, d.due_at)
		  FROM casesync_internal.scheduled_subject d
		  JOIN casesync_internal.subscription s ON s.id = d.subscription
		 WHERE d.registry = what_waits.registry AND d.key = subject
		   AND s.partner = what_waits.partner AND s.event_type = what_waits.event_type
		) x(rank, outcome, reason) ORDER BY x.rank LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.what_waits(text, text, text, text) IS
	'what keeps an event about a subject from being told now';

/*
 * The state is promised, and not each step to it: so an event is told by the first item that is as
 * new as it is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.explain_event(partner text,
	r casesync_internal.registry, subject text, event_type text, at timestamptz,
	is_routed boolean, OUT outcome text, OUT reason text, OUT reference_id uuid)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.notification;
BEGIN
	IF NOT explain_event.is_routed THEN
		outcome := 'waiting';
		reason := 'the router has not come to it: SELECT * FROM casesync.health;';
		RETURN;
	END IF;
	SELECT x.* INTO n FROM casesync_internal.notification x
	  JOIN casesync_internal.lane l ON l.lane = x.lane AND l.partner = explain_event.partner
	 WHERE x.registry = r.registry AND x.key = subject AND x.at >= explain_event.at
	   AND x.event_type = explain_event.event_type ORDER BY x.at, x.id LIMIT 1;
	IF n.id IS NULL THEN
		SELECT w.* INTO outcome, reason FROM casesync_internal.what_waits(explain_event.partner,
			r.registry, subject, explain_event.event_type) w;
		IF outcome IS NULL THEN
			SELECT w.* INTO outcome, reason FROM casesync_internal.why_no_item(
				explain_event.partner, r, subject, explain_event.event_type,
				explain_event.at) w;
		END IF;
		RETURN;
	END IF;
	reference_id := n.reference_id;
	SELECT i.* INTO outcome, reason FROM casesync_internal.item_said(n) i;
	IF n.at > explain_event.at THEN
		reason := format('a later state was told instead (%s): %s', outcome, reason);
		outcome := 'folded';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.explain_event(text, casesync_internal.registry, text, text,
	timestamptz, boolean) IS
	'what came of one event about a subject for a partner';

/* Who mistypes a key is told so: the view, asked for the key alone, does not take it either. */
CREATE OR REPLACE FUNCTION casesync_internal.why_not_rendered(r casesync_internal.registry,
	subject text, code text)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN f.error_code LIKE '22%' THEN format('view %s takes no such key (%s): its '
			'%I is %s', r.view, f.error_code, r.key_column, r.key_type)
		ELSE format('it cannot be rendered (%s)', code) END
	  FROM casesync_internal.review_found(r, CASE WHEN code LIKE '22%' THEN ARRAY[subject]
		ELSE '{}' END, casesync_internal.warn_until()) f
$$;
COMMENT ON FUNCTION casesync_internal.why_not_rendered(casesync_internal.registry, text, text) IS
	'part of explain(): why a subject''s record cannot be had';

/* As the router would, but nothing is kept of it. */
CREATE OR REPLACE FUNCTION casesync_internal.explain_now(partner text,
	r casesync_internal.registry, subject text, OUT outcome text, OUT reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement := casesync_internal.agreement_then(partner,
		r.registry, now());
	rows casesync_internal.rendered[];
	o casesync_internal.offer;
	known bytea := (SELECT t.hmac FROM casesync_internal.told t
		WHERE t.partner = explain_now.partner AND t.registry = r.registry AND t.key = subject);
BEGIN
	IF a.agreement IS NULL THEN
		outcome := 'unwanted';
		reason := format('no agreement with %s about registry %s is active', partner, r.registry);
		RETURN;
	END IF;
	rows := ARRAY(SELECT s FROM casesync_internal.render(r, ARRAY[subject]) s);
	SELECT x.* INTO o FROM casesync_internal.offers(a, r, rows) x WHERE x.key = subject;
	outcome := CASE WHEN casesync_internal.is_stopped(partner) OR a.state = 'suspended' THEN 'held'
		WHEN o.state = 'keep' THEN 'quarantine' WHEN o.state = 'leave' THEN 'withheld'
		WHEN o.hmac = known THEN 'known' ELSE 'news' END;
	reason := CASE outcome WHEN 'held' THEN format('sharing with %s is stopped', partner)
		WHEN 'quarantine' THEN casesync_internal.why_not_rendered(r, subject,
			coalesce(o.error_code, rows[1].error_code))
		WHEN 'withheld' THEN CASE WHEN rows[1].state = 'gone' THEN format('it is not in view %s',
				r.view) ELSE format('it is not among the subjects of agreement %s version %s, or '
				'nothing of it is agreed', a.agreement, a.version) END
		WHEN 'known' THEN format('%s was told, or is about to be, what it is now', partner)
		ELSE format('%s does not know what it is now: it would be told at its next change',
			partner) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.explain_now(text, casesync_internal.registry, text) IS
	'what would be told of a subject now';

/*
 * With the extension's rights; the view and queries for subjects are run as their owners. Who may
 * ask learns whom a partner was told of, and so may auditors and those who decide about agreements.
 */
CREATE OR REPLACE FUNCTION casesync.explain(registry text, key text, partner text,
	max_rows integer DEFAULT 20)
RETURNS TABLE (at timestamptz, what text, event_type text, outcome text, reason text,
	reference_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(explain.registry);
	until constant timestamptz := clock_timestamp()
		+ casesync_internal.review_limit('verb') * interval '1 ms';
BEGIN
	PERFORM casesync_internal.require_partner(explain.partner);
	IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 1000 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'max_rows must be between 1 and 1000');
	END IF;
	RETURN QUERY SELECT now(), 'now', NULL::text, n.outcome, n.reason, NULL::uuid
		FROM casesync_internal.explain_now(explain.partner, r, explain.key) n;
	RETURN QUERY
	SELECT x.* FROM (
		SELECT e.at, e.what, e.event_type, w.outcome, w.reason, w.reference_id
		  FROM (SELECT v.* FROM casesync_internal.events_about(r, explain.key, until) v
				ORDER BY v.at DESC LIMIT max_rows) e
		 CROSS JOIN LATERAL casesync_internal.explain_event(explain.partner, r, explain.key,
			e.event_type, e.at, e.is_routed) w
		UNION ALL
		SELECT m.at, CASE WHEN m.removal THEN 'item: it left' ELSE 'item' END, m.event_type,
			i.outcome, i.reason, m.reference_id
		  FROM (SELECT n.* FROM casesync_internal.notification n
			  JOIN casesync_internal.lane l ON l.lane = n.lane AND l.partner = explain.partner
			 WHERE n.registry = r.registry AND n.key = explain.key
			 ORDER BY n.id DESC LIMIT max_rows) m
		 CROSS JOIN LATERAL casesync_internal.item_said(m) i) x
	 ORDER BY x.at DESC, x.what COLLATE "C", x.event_type COLLATE "C", x.reference_id
	 LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION casesync.explain(text, text, text, integer) IS
	'the last changes of a subject, and why a partner was told of each or was not: sent, waiting, '
	'folded, known, unwanted, withheld, held, refused or quarantine; first how it stands now';
