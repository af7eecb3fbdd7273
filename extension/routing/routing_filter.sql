/*
 * Subscriptions to a filter: which subjects are inside, who came in, who has left. Knows the
 * projected record and the agreed filter columns, nothing else of a subject.
 *
 * Each of them has a memory of its own (filter_inside): what it was told of whom. Suppression by
 * what the partner knows at all (told) would be wrong here: a subject that the partner knows by
 * another subscription, and that now comes into the filter by a column which is not in the record,
 * is news in this one. One that leaves is told once more, with its record of now, and then no
 * longer; if that record was told already, nothing is sent, since it would say nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filters_of(a casesync_internal.agreement,
	r casesync_internal.registry, event_types text[])
RETURNS casesync_internal.subscription[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	/* By the index that has this order: see waiting_from(). */
	RETURN ARRAY(SELECT f.s FROM (
		SELECT s FROM casesync_internal.subscription s
		 WHERE s.partner = ANY (ARRAY[a.partner]) AND s.state = 'active' AND s.id_type IS NULL
		   AND s.tree IS NOT NULL
		   AND s.event_type = ANY (a.event_types)
		   AND s.event_type = ANY (filters_of.event_types)
		   AND lower(s.record_type) = lower(r.record_type)
		   AND (s.reg_type IS NULL OR s.reg_type = casesync_internal.reg_type_name(r.reg_type))
		   AND (s.registry IS NULL OR s.registry = r.registry)
		   AND (s.starts IS NULL OR s.starts <= now()) AND (s.ends IS NULL OR now() < s.ends)
		 ORDER BY s.partner, s.event_type OFFSET 0) f
		ORDER BY (f.s).id);
END
$$;
COMMENT ON FUNCTION casesync_internal.filters_of(casesync_internal.agreement,
	casesync_internal.registry, text[]) IS
	'a partner''s subscriptions to filters over a registry that want such events; paused ones too';

/* A subject whose columns cannot be read is judged when they can. */
CREATE OR REPLACE FUNCTION casesync_internal.filter_rows(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], OUT keys text[], OUT columns jsonb[], OUT unread text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rows record;
BEGIN
	keys := '{}'; columns := '{}'; unread := '{}';
	IF a.filter_fields = '{}' THEN
		RETURN;
	END IF;
	rows := casesync_internal.rows_by_key(r.author, r.view,
		format('SELECT %s, %s FROM %s WHERE %s', casesync_internal.key_text(r),
			casesync_internal.filter_columns(r, a), r.view, casesync_internal.key_among(r)),
		ARRAY(SELECT o.key FROM unnest(offers) o WHERE o.state = 'pass'), is_record => false);
	keys := rows.found_keys; columns := rows.found_records; unread := rows.bad_keys;
	PERFORM casesync_internal.quarantine_add(r.registry, 0, array_agg(b.key), e.event_type, b.code,
		b.reason)
	   FROM unnest(rows.bad_keys, rows.bad_codes, rows.bad_reasons) b(key, code, reason)
	   JOIN unnest(events) e ON e.key = b.key
	  GROUP BY e.event_type, b.code, b.reason;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_rows(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[]) IS
	'the agreed filter columns of these subjects, read as the view''s owner; those that cannot be '
	'read go into quarantine';

/*
 * A subject with several events is told by the first that a subscription wants: all of them carry
 * the record of now. That it is news is asked of the subscription's own memory, by the hash;
 * whether it is the partner's own message, of what came in.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_moves(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], filters casesync_internal.subscription[])
RETURNS SETOF casesync_internal.filter_move
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rows record := casesync_internal.filter_rows(a, r, events, offers);
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (x.key, f.id) x.e, f.id, x.record, x.hmac, m.is_inside,
		i.hmac IS DISTINCT FROM x.hmac
			AND NOT ((x.e).origin IS NOT NULL
				AND casesync_internal.is_echo((x.e).origin, a.partner, x.record, x.told_at))
	  /* Joined before it is filtered: the planner underrates filters, and then loops. */
	  FROM (SELECT o.key, o.record, o.hmac, e, c.columns, t.at AS told_at
			  FROM unnest(offers) o
			  JOIN unnest(events) e ON e.key = o.key
			  LEFT JOIN unnest(rows.keys, rows.columns) c(key, columns) ON c.key = o.key
			  LEFT JOIN LATERAL (SELECT y.* FROM casesync_internal.told y
				WHERE y.partner = a.partner AND y.registry = r.registry AND y.key = o.key
				OFFSET 0) t ON true
			 WHERE o.state = 'pass' AND o.key <> ALL (rows.unread)
			OFFSET 0) x
	  JOIN unnest(filters) f ON f.event_type = (x.e).event_type
	  LEFT JOIN LATERAL (SELECT y.* FROM casesync_internal.filter_inside y
		WHERE y.registry = r.registry AND y.key = x.key AND y.subscription = f.id OFFSET 0) i
		ON true
	 CROSS JOIN LATERAL (
		SELECT coalesce(casesync_internal.filter_judge(f.id, f.tree, x.record, x.columns), false)
			AS is_inside) m
	 WHERE a.valid_from <= (x.e).at AND (x.e).at < a.valid_to
		AND (m.is_inside OR i.subscription IS NOT NULL)
	 ORDER BY x.key, f.id, (x.e).position;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_moves(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[],
	casesync_internal.subscription[]) IS
	'who is, or was when it was last told, inside the filters';

CREATE OR REPLACE FUNCTION casesync_internal.filter_time_said(offers casesync_internal.offer[])
RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('the filters took %s ms for %s subjects',
		round(casesync_internal.filter_meter_used()::numeric, 1), cardinality(offers))
$$;
COMMENT ON FUNCTION casesync_internal.filter_time_said(casesync_internal.offer[]) IS
	'why filters are paused';

/*
 * The partner's own time. Who uses it up is told nothing by its filters from now on; the others
 * have not lost more than that time. What it may have missed is remembered.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_moves_in_time(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], filters casesync_internal.subscription[])
RETURNS casesync_internal.filter_move[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	running constant casesync_internal.subscription[] := ARRAY(SELECT f FROM unnest(filters) f
		WHERE f.paused_at IS NULL ORDER BY f.id);
	moves casesync_internal.filter_move[] := '{}';
	is_over boolean := false;
BEGIN
	IF running <> '{}' THEN
		PERFORM casesync_internal.filter_meter_start(cardinality(offers));
		moves := ARRAY(SELECT m
			FROM casesync_internal.filter_moves(a, r, events, offers, running) m);
		is_over := casesync_internal.filter_meter_is_over();
	END IF;
	IF is_over THEN
		PERFORM casesync_internal.filters_pause(a.partner,
			casesync_internal.filter_time_said(offers));
		moves := '{}';
	END IF;
	PERFORM casesync_internal.missed_add(a.agreement, r.registry, events, ARRAY(
		SELECT DISTINCT f.event_type FROM unnest(filters) f
		 WHERE is_over OR f.paused_at IS NOT NULL));
	RETURN moves;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_moves_in_time(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[],
	casesync_internal.subscription[]) IS
	'filter_moves() of the filters that are not paused, within the time that the partner has; else '
	'they are paused';

/*
 * Remembered here and not at sending: the next look may come before that. Who is inside and no news
 * is remembered too, else its leaving would not be told.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_filters_of(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], filters casesync_internal.subscription[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	moves casesync_internal.filter_move[];
BEGIN
	IF filters = '{}' THEN
		RETURN '{}';
	END IF;
	moves := casesync_internal.filter_moves_in_time(a, r, events, offers, filters);
	PERFORM casesync_internal.knowledge_enter(ARRAY(
		SELECT ROW(a.partner, r.registry, (m.event).key, m.hmac, NULL,
			m.subscription)::casesync_internal.known
		  FROM unnest(moves) m WHERE m.is_inside));
	PERFORM casesync_internal.knowledge_leave(ARRAY(
		SELECT ROW(a.partner, r.registry, (m.event).key, NULL, NULL,
			m.subscription)::casesync_internal.known
		  FROM unnest(moves) m WHERE NOT m.is_inside));
	/* What was found in time is told; but remembering it for many filters takes time as well. */
	IF moves <> '{}' AND casesync_internal.filter_meter_is_over() THEN
		PERFORM casesync_internal.filters_pause(a.partner,
			casesync_internal.filter_time_said(offers));
	END IF;
	RETURN ARRAY(
		SELECT ROW(m.event, array_agg(m.subscription), m.record, m.hmac,
			false)::casesync_internal.draft
		  FROM unnest(moves) m WHERE m.is_news GROUP BY m.event, m.record, m.hmac);
END
$$;
COMMENT ON FUNCTION casesync_internal.route_filters_of(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[],
	casesync_internal.subscription[]) IS
	'what to tell these subscriptions to filters; remembers that they were told';

CREATE OR REPLACE FUNCTION casesync_internal.route_filters(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.route_filters_of(a, r, events, offers,
		casesync_internal.filters_of(a, r,
			ARRAY(SELECT DISTINCT e.event_type FROM unnest(events) e)));
END
$$;
COMMENT ON FUNCTION casesync_internal.route_filters(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[]) IS
	'what to tell a partner''s subscriptions to filters; remembers that they were told';

/*
 * Whoever is inside when a subscription begins is not told (without initial_state), but must be
 * told of when it leaves. The router looks them up once, at most so many and for a quarter of a
 * second: a filter that takes more begins knowing nobody, and tells of leaving only who was told of
 * before. Of whom something is just taken back is left to who does that (knowledge_open()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.seed_filter(s casesync_internal.subscription)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + interval '250 ms';
	a casesync_internal.agreement;
	r casesync_internal.registry;
	wanted record;
	keys text[];
BEGIN
	FOR a IN SELECT g.* FROM casesync_internal.agreements_about(s) g
			  WHERE g.state = 'active' AND g.valid_from <= now()
				AND s.event_type = ANY (g.event_types) LOOP
		FOR r IN SELECT g.* FROM casesync_internal.registry g
			WHERE g.registry = ANY (a.registries) LOOP
			CONTINUE WHEN NOT s.id = ANY (
				ARRAY(SELECT f.id FROM unnest(casesync_internal.filters_of(a, r,
					ARRAY[s.event_type])) f));
			wanted := casesync_internal.filter_condition(s.tree, r, a);
			keys := casesync_internal.search_run(
				r, a, casesync_internal.search_query(r, a, wanted.condition, NULL, 50001),
				wanted.arguments, until);
			CONTINUE WHEN cardinality(keys) > 50000;
			PERFORM casesync_internal.knowledge_seed(s.id, r.registry,
				casesync_internal.notification_keep(s.id, r.registry, keys));
		END LOOP;
	END LOOP;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.seed_filter(casesync_internal.subscription) IS
	'remember who is inside a new subscription''s filter now';

CREATE OR REPLACE FUNCTION casesync_internal.filter_unseeded()
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT t.id FROM casesync_internal.subscription t
		WHERE t.state = 'active' AND t.tree IS NOT NULL AND NOT t.is_seeded
		  AND t.paused_at IS NULL AND NOT EXISTS (SELECT FROM casesync_internal.filter_seed f
			WHERE f.partner = t.partner
			  AND NOT casesync_internal.rest_is_over(f.next_at))
		ORDER BY t.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_unseeded() IS
	'the oldest subscription to a filter that does not know yet who is inside, and may learn it '
	'now; NULL: none';

/*
 * One a turn: a search may take a quarter of a second, and changes wait meanwhile. After one that
 * is not quick the partner's next one waits two hundred times as long, so that others hardly ever
 * meet one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.seed_filters()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unseeded constant bigint := casesync_internal.filter_unseeded();
	s casesync_internal.subscription;
	took interval;
BEGIN
	IF unseeded IS NULL THEN
		RETURN false;
	END IF;
	SELECT * INTO s FROM casesync_internal.subscription t WHERE t.id = unseeded;
	PERFORM casesync_internal.filter_meter_start(1);
	PERFORM casesync_internal.seed_filter(s);
	took := casesync_internal.filter_meter_used() * interval '1 ms';
	PERFORM casesync_internal.filter_seed_rest(s.partner, 200 * took)
	  WHERE took > interval '20 ms';
	PERFORM casesync_internal.subscription_seeded(s.id);
	RETURN casesync_internal.filter_unseeded() IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.seed_filters() IS
	'one new subscription to a filter learns who is inside; true when another one waits';
