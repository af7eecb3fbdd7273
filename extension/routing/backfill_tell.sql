/*
 * What a backfill tells one subscription of rendered subjects. As news is told (routing_partner.sql
 * and routing_filter.sql), but whatever the partner knows, and to nobody else.
 */

/*
 * What waits already and says the same is enough: it was put there by a change a moment ago.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_untold(registry text, subscription bigint,
	drafts casesync_internal.draft[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	keys constant text[] := ARRAY(SELECT (d.event).key FROM unnest(drafts) d);
	waiting constant casesync_internal.notification[] := ARRAY(
		SELECT n FROM casesync_internal.notification n
		 WHERE n.registry = backfill_untold.registry AND n.key = ANY (keys) AND n.state = 'due'
		   AND n.subscription = backfill_untold.subscription);
BEGIN
	RETURN ARRAY(SELECT d FROM unnest(drafts) d WHERE NOT EXISTS (
		SELECT FROM unnest(waiting) w WHERE w.key = (d.event).key AND w.hmac = d.hmac)
		ORDER BY (d.event).position);
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_untold(text, bigint, casesync_internal.draft[]) IS
	'those of what is to be told to a subscription that do not wait to be sent to it already';

/*
 * What a filter was told is forgotten first: then whoever is inside is news to it, and who has left
 * since is told once more, as ever.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_drafts(a casesync_internal.agreement,
	r casesync_internal.registry, s casesync_internal.subscription,
	events casesync_internal.subject_event[], offers casesync_internal.offer[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	IF s.tree IS NOT NULL THEN
		PERFORM casesync_internal.knowledge_owe_to(s.partner, r.registry,
			ARRAY(SELECT o.key FROM unnest(offers) o WHERE o.state = 'pass'), s.id);
		RETURN casesync_internal.route_filters_of(a, r, events, offers, ARRAY[s]);
	END IF;
	RETURN ARRAY(
		SELECT ROW(e, ARRAY[s.id], o.record, o.hmac, false)::casesync_internal.draft
		  FROM unnest(offers) o
		  JOIN unnest(events) e ON e.key = o.key
		 WHERE o.state = 'pass' AND EXISTS (SELECT
			FROM casesync_internal.wanted_by(a, r, e.event_type, o.record) w WHERE w = s.id));
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_drafts(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subscription, casesync_internal.subject_event[],
	casesync_internal.offer[]) IS
	'what to tell a subscription of these subjects under an agreement';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_agreement(a casesync_internal.agreement,
	r casesync_internal.registry, s casesync_internal.subscription,
	events casesync_internal.subject_event[], subjects casesync_internal.rendered[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	offers constant casesync_internal.offer[] := ARRAY(SELECT o
		FROM casesync_internal.offers(a, r, subjects) o);
	news constant casesync_internal.draft[] := casesync_internal.backfill_untold(r.registry, s.id,
		casesync_internal.backfill_drafts(a, r, s, events, offers));
	appended integer := 0;
BEGIN
	IF news <> '{}' THEN
		PERFORM casesync_internal.clear_way(a, r.registry, news);
		appended := casesync_internal.append_drafts(a, news);
		PERFORM casesync_internal.tell(a, news, is_sent => true);
	END IF;
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(o.key),
		array_agg(s.event_type), array_agg(o.error_code), array_agg(o.reason))
	   FROM unnest(offers) o WHERE o.reason IS NOT NULL HAVING count(*) > 0;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_agreement(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subscription,
	casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'tell a subscription of rendered subjects what an agreement lets pass';

/*
 * In place of route_registry_in_one_look(), for subjects of which nothing has happened: what waits
 * for their own changes still does, and what has left is found by those who look for it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_backfilled(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	b constant casesync_internal.backfill :=
		casesync_internal.backfill_running((events[1]).only_to);
	s constant casesync_internal.subscription := (SELECT t FROM casesync_internal.subscription t
		WHERE t.id = b.subscription AND t.state = 'active');
	subjects constant casesync_internal.rendered[] := ARRAY(SELECT x
		FROM casesync_internal.render(r, ARRAY(SELECT DISTINCT e.key FROM unnest(events) e)) x);
	own casesync_internal.subject_event[];
	x casesync_internal.search_source;
	appended integer := 0;
BEGIN
	own := casesync_internal.events_by_key(events, subjects);
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(f.key),
		array_agg(s.event_type), array_agg(f.error_code), array_agg(f.reason))
	   FROM unnest(subjects) f WHERE f.state = 'quarantine' HAVING count(*) > 0;
	FOR x IN SELECT y.* FROM casesync_internal.backfill_sources(b.is_initial, s) y
			  WHERE (y.r).registry = r.registry AND (y.a).state = 'active' LOOP
		appended := appended + casesync_internal.backfill_agreement(x.a, r, s, own, subjects);
	END LOOP;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_backfilled(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'render a slice of one registry''s subjects once and tell one subscription of them';
