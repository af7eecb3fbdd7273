/* A received item beside what we have: what of it is applied. */

CREATE OR REPLACE FUNCTION casesync_internal.inbox_event(i casesync_internal.inbox_item,
	record jsonb)
RETURNS casesync.inbound
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	event casesync.inbound;
BEGIN
	event.inbox_id := i.id; event.partner := i.partner; event.event_type := i.event_type;
	event.record_type := i.record_type; event.record := inbox_event.record;
	event.reference_id := i.reference_id; event.sent_at := i.sent_at;
	event.received_at := i.received_at;
	RETURN event;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_event(casesync_internal.inbox_item, jsonb) IS
	'what the apply function gets of an item';

/* A person who has decided about an item knows better than any clock. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_arrival(i casesync_internal.inbox_item)
RETURNS casesync_internal.arrival
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ROW(i.id, i.partner, i.record, CASE WHEN i.mode <> 'decision' THEN i.changed END,
		i.changed_at, i.received_at,
		EXISTS (SELECT FROM casesync_internal.node n WHERE n.sender_id = ANY (i.hops)),
		i.decided_by IS NOT NULL,
		CASE WHEN i.mode = 'decision' THEN i.changed #>> '{}' END)::casesync_internal.arrival;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_arrival(casesync_internal.inbox_item) IS
	'an item as merge() takes it';

CREATE OR REPLACE FUNCTION casesync_internal.inbox_agreement(i casesync_internal.inbox_item)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.agreement;
BEGIN
	SELECT a.* INTO g FROM casesync_internal.agreement a
	 WHERE a.agreement = i.agreement AND a.version = i.agreement_version;
	RETURN g;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_agreement(casesync_internal.inbox_item) IS
	'the agreement under which an item came';

/* Where we have nothing to compare it with: messages may overtake each other. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_is_overtaken(i casesync_internal.inbox_item)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN i.decided_by IS NULL AND EXISTS (
		SELECT FROM casesync_internal.inbox_item o
		 WHERE o.partner = i.partner AND o.subject = i.subject AND o.event_type = i.event_type
		   AND o.state = 'applied' AND o.changed_at > i.changed_at);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_is_overtaken(casesync_internal.inbox_item) IS
	'whether something newer of its partner was applied to its subject before';

/*
 * A change of ours that is not routed yet has no time: the router is waited for, a few seconds at
 * most, and then it counts as made just now.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_merge(i casesync_internal.inbox_item,
	OUT m casesync_internal.merged, OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.arrival := casesync_internal.inbox_arrival(i);
	g constant casesync_internal.agreement := casesync_internal.inbox_agreement(i);
	ours record;
	is_waiting boolean := false;
BEGIN
	ours := casesync_internal.own_subjects(a, g, i.record_type, '{}', searches => false);
	/* Somebody may be here whom the router has not looked at: not of what came after the item. */
	IF cardinality(ours.subjects) = 0 AND ours.why IS NULL
		AND EXISTS (SELECT FROM casesync_internal.registry r
			WHERE lower(r.record_type) = lower(i.record_type))
		AND (NOT casesync_internal.versions_are_seeded(i.record_type)
			OR casesync_internal.unrouted_since() < i.received_at) THEN
		ours := casesync_internal.own_subjects(a, g, i.record_type, '{}', searches => true);
	END IF;
	IF ours.why IS NOT NULL THEN
		why := ours.why;
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM unnest(ours.subjects) s WHERE NOT casesync_internal.own_is_noted(s))
	THEN
		is_waiting := casesync_internal.unrouted_since() IS NOT NULL;
	END IF;
	IF is_waiting AND i.tries < 6 THEN
		RAISE EXCEPTION USING errcode = 'serialization_failure',
			message = 'a change of ours to the same subject is to be routed first';
	END IF;
	m := casesync_internal.merge(a, g, ours.subjects, is_waiting);
	IF m.news = 0 THEN
		why := 'nothing in it is newer than what we have';
	ELSIF m.news IS NULL AND casesync_internal.inbox_is_overtaken(i) THEN
		m.news := 0;
		why := 'something newer was applied before it';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_merge(casesync_internal.inbox_item) IS
	'what of an item is to be applied; why: it is not, or, with news, a person is to look';

CREATE OR REPLACE FUNCTION casesync_internal.inbox_merged(i casesync_internal.inbox_item,
	m casesync_internal.merged, is_kept boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.arrival := casesync_internal.inbox_arrival(i);
	g constant casesync_internal.agreement := casesync_internal.inbox_agreement(i);
BEGIN
	PERFORM casesync_internal.merge_done(a, g, m, i.record_type);
	IF is_kept THEN
		PERFORM casesync_internal.merge_kept(a, g, m, i.record_type);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_merged(casesync_internal.inbox_item,
	casesync_internal.merged, boolean) IS
	'keep what was applied of an item; is_kept: not all of it, and what stands here counts';
