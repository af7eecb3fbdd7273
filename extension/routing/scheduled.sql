/*
 * What subscriptions with a frequency are told when their time has come
 * (subscription/schedule.sql), and the turn of all that is told to one subscription only.
 */

/*
 * A removal goes at once: it says no more than who is gone, and at the appointed time nobody could
 * say it any more. So does what a person pushes, and what was tried already, neither of which comes
 * by here.
 */
CREATE OR REPLACE FUNCTION casesync_internal.hold_scheduled(a casesync_internal.agreement,
	r casesync_internal.registry, news casesync_internal.draft[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held bigint[];
BEGIN
	IF news = '{}' OR NOT casesync_internal.has_schedules(a.partner) THEN
		RETURN news;
	END IF;
	SELECT casesync_internal.schedule_put(r.registry, array_agg((d.event).key), array_agg(s))
	  INTO held FROM unnest(news) d CROSS JOIN unnest(d.subscriptions) s WHERE NOT d.removal;
	RETURN ARRAY(
		SELECT ROW(x.event, x.rest, x.record, x.hmac, x.removal)::casesync_internal.draft
		  FROM (SELECT d.*, CASE WHEN d.removal THEN d.subscriptions ELSE ARRAY(
					SELECT s FROM unnest(d.subscriptions) s WHERE s <> ALL (held)) END AS rest
				  FROM unnest(news) d) x
		 WHERE x.rest <> '{}');
END
$$;
COMMENT ON FUNCTION casesync_internal.hold_scheduled(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.draft[]) IS
	'of the news for a partner what goes at once; for subscriptions that are told at certain times '
	'its subjects are marked';

/*
 * Whether a filter still fits is not asked: it did, or has just ceased to, when the subject was
 * marked, and either is told. Who cannot be looked at now stays marked.
 */
CREATE OR REPLACE FUNCTION casesync_internal.scheduled_agreement(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	subjects casesync_internal.rendered[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	offers constant casesync_internal.offer[] := ARRAY(SELECT o
		FROM casesync_internal.offers(a, r, subjects) o);
	own constant casesync_internal.subject_event[] := ARRAY(SELECT e FROM unnest(events) e
		JOIN casesync_internal.subscription s ON s.id = e.only_to AND s.partner = a.partner
			AND s.state = 'active' AND s.event_type = ANY (a.event_types) ORDER BY e.position);
	news constant casesync_internal.draft[] := ARRAY(
		SELECT ROW(e, ARRAY[e.only_to], o.record, o.hmac, false)::casesync_internal.draft
		  FROM unnest(own) e JOIN unnest(offers) o ON o.key = e.key AND o.state = 'pass'
		 ORDER BY e.position);
BEGIN
	PERFORM casesync_internal.schedule_done(ARRAY(
		SELECT ROW(e.registry, e.key, e.only_to, NULL, NULL)::casesync_internal.scheduled_subject
		  FROM unnest(own) e JOIN unnest(offers) o ON o.key = e.key AND o.state <> 'keep'));
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(o.key),
		array_agg(e.event_type), array_agg(o.error_code), array_agg(o.reason))
	   FROM unnest(offers) o JOIN unnest(own) e ON e.key = o.key WHERE o.reason IS NOT NULL
	 HAVING count(*) > 0;
	IF news = '{}' THEN
		RETURN 0;
	END IF;
	PERFORM casesync_internal.clear_way(a, r.registry, news);
	PERFORM casesync_internal.tell(a, news, is_sent => true);
	RETURN casesync_internal.append_drafts(a, news);
END
$$;
COMMENT ON FUNCTION casesync_internal.scheduled_agreement(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'tell rendered subjects to the subscriptions that they were marked for, by one agreement';

CREATE OR REPLACE FUNCTION casesync_internal.route_scheduled_slice(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	subjects constant casesync_internal.rendered[] := ARRAY(SELECT x
		FROM casesync_internal.render(r, ARRAY(SELECT DISTINCT e.key FROM unnest(events) e)) x);
	a casesync_internal.agreement;
	appended integer := 0;
BEGIN
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(f.key),
		array_agg(e.event_type), array_agg(f.error_code), array_agg(f.reason))
	   FROM unnest(subjects) f JOIN unnest(events) e ON e.key = f.key
	  WHERE f.state = 'quarantine' HAVING count(*) > 0;
	FOR a IN SELECT g.* FROM casesync_internal.agreement g
		 WHERE g.state = 'active' AND g.direction = 'out' AND r.registry = ANY (g.registries)
		   AND g.valid_from <= now() AND now() < g.valid_to AND 'notify' = ANY (g.services)
		   AND g.partner IN (SELECT s.partner FROM unnest(events) e
			JOIN casesync_internal.subscription s ON s.id = e.only_to)
		 ORDER BY g.agreement
	LOOP
		appended := appended + casesync_internal.scheduled_agreement(a, r, events, subjects);
	END LOOP;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_scheduled_slice(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'render subjects whose time has come and tell each to the subscription that it was marked for';

CREATE OR REPLACE FUNCTION casesync_internal.schedule_fate(
	marks casesync_internal.scheduled_subject[])
RETURNS TABLE (subscription bigint, event_type text, fate text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT m.subscription, s.event_type,
		CASE WHEN s.state IS DISTINCT FROM 'active' OR g.is_open IS NULL THEN 'drop'
			WHEN g.is_open THEN 'tell' ELSE 'wait' END
	  FROM (SELECT DISTINCT x.subscription FROM unnest(marks) x) m
	  LEFT JOIN casesync_internal.subscription s ON s.id = m.subscription
	  LEFT JOIN LATERAL (SELECT bool_and(a.state = 'active')
		FROM casesync_internal.agreements_about(s) a
		WHERE s.event_type = ANY (a.event_types) AND a.valid_from <= now()) g(is_open) ON true;
END
$$;
COMMENT ON FUNCTION casesync_internal.schedule_fate(casesync_internal.scheduled_subject[]) IS
	'what becomes of marked subjects, for each subscription: tell, wait (sharing is stopped), or '
	'drop';

/* What is told is marked no more; what still is after that, is tried again. */
CREATE OR REPLACE FUNCTION casesync_internal.route_scheduled(room integer,
	OUT notifications integer, OUT changes integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	marks constant casesync_internal.scheduled_subject[] := CASE WHEN
		casesync_internal.turn_has_time() THEN ARRAY(SELECT m
			FROM casesync_internal.schedule_next(least(room,
				casesync_internal.turn_limit('slice'))) m) END;
	outcome record;
BEGIN
	notifications := 0; changes := 0; more := false;
	IF coalesce(marks, '{}') = '{}' THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.plan_for(cardinality(marks));
	outcome := casesync_internal.route_events(ARRAY(
		SELECT ROW(gen_random_uuid(), m.registry, m.key, f.event_type, NULL, clock_timestamp(), m.n,
			cardinality(marks) > casesync_internal.turn_limit('bulk'), NULL, m.subscription,
			true)::casesync_internal.subject_event
		  FROM unnest(marks) WITH ORDINALITY m(registry, key, subscription, due_at, at, n)
		  JOIN casesync_internal.schedule_fate(marks) f ON f.subscription = m.subscription
			AND f.fate = 'tell'), '{}');
	PERFORM casesync_internal.schedule_done(ARRAY(SELECT m FROM unnest(marks) m
		JOIN casesync_internal.schedule_fate(marks) f ON f.subscription = m.subscription
		WHERE f.fate = 'drop'));
	PERFORM casesync_internal.schedule_later(marks);
	notifications := outcome.appended; changes := cardinality(marks);
	more := casesync_internal.schedule_is_due();
END
$$;
COMMENT ON FUNCTION casesync_internal.route_scheduled(integer) IS
	'part of route(): subscriptions whose time has come are told what was news to them; whether '
	'there is more';

CREATE OR REPLACE FUNCTION casesync_internal.route_only_to(r casesync_internal.registry,
	events casesync_internal.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN (events[1]).is_scheduled
		THEN casesync_internal.route_scheduled_slice(r, events)
		ELSE casesync_internal.route_backfilled(r, events) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_only_to(casesync_internal.registry,
	casesync_internal.subject_event[]) IS
	'part of route_registry_in_one_look(): subjects that one subscription each is told of';

/* Those whose time has come go before those who have everybody told. */
CREATE OR REPLACE FUNCTION casesync_internal.route_to_one(room integer, OUT notifications integer,
	OUT changes integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	timed constant record := casesync_internal.route_scheduled(room);
	told constant record := casesync_internal.route_backfills(room - timed.changes);
BEGIN
	notifications := timed.notifications + told.notifications;
	changes := timed.changes + told.changes;
	more := timed.more OR told.more;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_to_one(integer) IS
	'part of route(): what is told to one subscription only, behind all else';
