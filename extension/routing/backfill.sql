/*
 * A subscription's partner is told of all subjects as they are now: of each what its agreement and
 * its filter let pass, also where the partner knows it. It has asked for it because it cannot rely
 * on what it has, and nobody here can tell which of it that is. No other subscription hears of it.
 *
 * Subjects are read a page of keys at a time, in the order of keys, and looked at a slice at a
 * time, in turns of the router that have time for it. So much is in the lane at most that a partner
 * who is away, or slow, does not make it grow: what comes later is looked at when it can be sent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_sources(is_initial boolean,
	s casesync_internal.subscription)
RETURNS SETOF casesync_internal.search_source
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT a, r FROM casesync_internal.agreements_about(s) a
	  JOIN casesync_internal.registry r ON r.registry = ANY (a.registries)
	 WHERE casesync_internal.backfill_lets(a, s.event_type, is_initial) AND a.valid_from <= now()
	   AND lower(r.record_type) = lower(s.record_type)
	   AND (s.reg_type IS NULL OR casesync_internal.reg_type_name(r.reg_type) = s.reg_type)
	   AND (s.registry IS NULL OR r.registry = s.registry)
	 ORDER BY r.registry COLLATE "C", a.agreement COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_sources(boolean,
	casesync_internal.subscription) IS
	'the registries that a subscription is told of, each with an agreement that says so; those of '
	'suspended ones too';

/*
 * By the operator of the key's type, so that an index gives a page. Of a type of an extension it is
 * not known that it has an order: such keys are read as texts.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_page_query(r casesync_internal.registry,
	is_first boolean, has_condition boolean)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_ordered constant boolean := casesync_internal.key_base_type(r.key_type)::oid < 16384;
	place constant text := CASE WHEN is_ordered THEN quote_ident(r.key_column)
		ELSE format('((%s) COLLATE "C")', casesync_internal.key_text(r)) END;
BEGIN
	/* Not under the name of the column: ORDER BY would go by the text. */
	RETURN format('SELECT %s AS "?key?", NULL::jsonb FROM %s WHERE %I IS NOT NULL%s%s ORDER BY '
		'%s LIMIT ($1->>''size'')::integer', casesync_internal.key_text(r), r.view, r.key_column,
		CASE WHEN NOT is_first THEN format(' AND %s OPERATOR(pg_catalog.>) ($1->>''after'')::%s',
			place, CASE WHEN is_ordered THEN casesync_internal.key_type_name(r.key_type)
				ELSE 'text' END) END,
		CASE WHEN has_condition THEN ' AND $2' END, place);
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_page_query(casesync_internal.registry, boolean,
	boolean) IS
	'the query for the next keys of a registry in their order: as many as $1 says, behind the one '
	'that it names, of whom $2 holds';

/* Looked for as by a search: a million wishes about one person must not be a million walks. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_keys_of_one(registry text,
	s casesync_internal.subscription, sources casesync_internal.search_source[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tree constant jsonb := (casesync_internal.filter_parse(s.filter, s.filter_type)).tree;
	until constant timestamptz := clock_timestamp() + interval '1 millisecond' * coalesce(
		nullif(casesync_internal.milliseconds_of('casesync.render_timeout'), 0), 5000);
	x casesync_internal.search_source;
	answer record;
	keys text[] := '{}';
BEGIN
	FOREACH x IN ARRAY sources LOOP
		CONTINUE WHEN (x.r).registry <> backfill_keys_of_one.registry;
		answer := casesync_internal.search_keys(x, tree, NULL,
			casesync_internal.turn_limit('slice'), until);
		IF answer.failed IS NOT NULL THEN
			PERFORM casesync_internal.raise_error(errcode => 'data_exception',
				message => 'a record stands in the way', detail => answer.failed);
		END IF;
		keys := keys || answer.keys;
	END LOOP;
	RETURN ARRAY(SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_keys_of_one(text, casesync_internal.subscription,
	casesync_internal.search_source[]) IS
	'the subjects of a registry that have the identifier of a subscription to one';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_read_page(b casesync_internal.backfill,
	r casesync_internal.registry, s casesync_internal.subscription,
	sources casesync_internal.search_source[])
RETURNS casesync_internal.backfill
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := casesync_internal.turn_limit('page');
	after constant text := CASE WHEN b.registry = r.registry THEN b.keys[cardinality(b.keys)] END;
	found_here text[];
BEGIN
	IF s.id_type IS NOT NULL THEN
		RETURN casesync_internal.backfill_page(b.id, r.registry,
			casesync_internal.backfill_keys_of_one(r.registry, s, sources), is_last => true);
	END IF;
	found_here := ARRAY(SELECT q.key FROM casesync_internal.owner_query(r.author, r.view,
		casesync_internal.backfill_page_query(r, after IS NULL, b.subjects IS NOT NULL),
		jsonb_build_object('size', size, 'after', after),
		casesync_internal.milliseconds_of('casesync.render_timeout'), b.subjects)
			WITH ORDINALITY q(key, record, n) ORDER BY q.n);
	RETURN casesync_internal.backfill_page(b.id, r.registry, found_here,
		is_last => cardinality(found_here) < size);
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_read_page(casesync_internal.backfill,
	casesync_internal.registry, casesync_internal.subscription,
	casesync_internal.search_source[]) IS
	'read the next page of a registry';

/* What a view raises may quote it: of that the code alone is kept. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_try_page(b casesync_internal.backfill,
	r casesync_internal.registry, s casesync_internal.subscription,
	sources casesync_internal.search_source[])
RETURNS casesync_internal.backfill
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.backfill_read_page(b, r, s, sources);
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	PERFORM casesync_internal.backfill_wait(b.id, format('the keys of registry %s cannot be read: '
		'SQLSTATE %s', r.registry, SQLSTATE), interval '1 minute');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_try_page(casesync_internal.backfill,
	casesync_internal.registry, casesync_internal.subscription,
	casesync_internal.search_source[]) IS
	'read the next page of a registry; NULL: it cannot be read, and is tried again later';

/* Also by another address: what waits there goes first, and is as much the partner's. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_lane(s casesync_internal.subscription)
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(s.lane, (SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = s.partner AND l.kind = 'notify' AND l.address = ''))
$$;
COMMENT ON FUNCTION casesync_internal.backfill_lane(casesync_internal.subscription) IS
	'the lane by which a subscription is told';

CREATE OR REPLACE FUNCTION casesync_internal.lane_has_bulk(lane integer, items integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT count(*) FROM casesync_internal.waiting_from(lane, 0, true,
		coalesce((casesync_internal.lane_now(lane)).bulk_from, 0), items)) >= items;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_has_bulk(integer, integer) IS
	'whether so much that is bulk waits in a lane';

/* Some messages before the lane is empty, so that it never has to wait for the router. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_wake(lane integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF casesync_internal.backfill_waits_for(lane) AND NOT casesync_internal.lane_has_bulk(lane,
		casesync_internal.turn_limit('ahead') / 2)
		AND casesync_internal.backfill_has_room(lane)
	THEN
		PERFORM casesync_internal.ring();
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_wake(integer) IS
	'part of record_outcome(): backfills that wait for room in a lane go on when it has some';

/*
 * Why a backfill cannot go on now, and how long to wait: no time at all means never. An end of the
 * subscription is seen here and not told by who ends it, who would have to wait for the router.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_obstacle(b casesync_internal.backfill,
	s casesync_internal.subscription, sources casesync_internal.search_source[],
	OUT why text, OUT wait interval, OUT lane integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own constant integer := casesync_internal.backfill_lane(s);
BEGIN
	wait := '10 s';
	IF s.state IS DISTINCT FROM 'active' THEN
		why := 'the subscription has ended'; wait := NULL;
	ELSIF sources = '{}' THEN
		why := 'no agreement allows it any more'; wait := NULL;
	ELSIF NOT s.is_confirmed THEN
		why := 'the partner has not acknowledged the subscription yet';
	ELSIF s.starts > now() THEN
		why := 'the subscription has not begun'; wait := least(s.starts - now(), '1 hour');
	ELSIF s.paused_at IS NOT NULL THEN
		why := 'the filter of the subscription is paused';
	ELSIF EXISTS (SELECT FROM unnest(sources) x WHERE (x.a).state = 'suspended') THEN
		why := 'sharing is stopped';
	ELSIF casesync_internal.lane_has_bulk(own, casesync_internal.turn_limit('ahead')) THEN
		why := 'the partner has not received what was made before'; wait := '1 s'; lane := own;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_obstacle(casesync_internal.backfill,
	casesync_internal.subscription, casesync_internal.search_source[]) IS
	'what a backfill waits for, or why it ends; nothing: it may go on';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_place(b casesync_internal.backfill,
	s casesync_internal.subscription, sources casesync_internal.search_source[])
RETURNS casesync_internal.backfill
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	x casesync_internal.search_source;
BEGIN
	IF b.place < cardinality(b.keys) AND EXISTS (SELECT FROM unnest(sources) y
		WHERE (y.r).registry = b.registry) THEN
		RETURN b;
	END IF;
	FOREACH x IN ARRAY sources LOOP
		CONTINUE WHEN (x.r).registry COLLATE "C" < b.registry
			OR (x.r).registry = b.registry AND b.is_last;
		b := casesync_internal.backfill_try_page(b, x.r, s, sources);
		IF b.id IS NULL OR b.keys <> '{}' THEN
			RETURN b;
		END IF;
	END LOOP;
	PERFORM casesync_internal.backfill_end(b.id, 'done', NULL);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_place(casesync_internal.backfill,
	casesync_internal.subscription, casesync_internal.search_source[]) IS
	'a backfill with a page of which subjects are left, of the next registry that has some; NULL: '
	'it is done, or cannot go on now';

/*
 * One slice at most, so that it is routed as a whole. Whoever cannot be looked at is in quarantine,
 * and is told when he comes out of it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_slice(b casesync_internal.backfill,
	s casesync_internal.subscription, room integer, OUT subjects integer, OUT notifications integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := least(room, coalesce((SELECT p.slice
		FROM casesync_internal.routing_pace p WHERE p.registry = b.registry AND p.tracking = 0),
		casesync_internal.turn_limit('slice')));
	keys constant text[] := b.keys[b.place + 1 : b.place + size];
	failed text[];
	outcome record;
BEGIN
	outcome := casesync_internal.route_events(ARRAY(
		SELECT ROW(gen_random_uuid(), b.registry, k, s.event_type, NULL, clock_timestamp(), n,
			NOT b.is_last OR cardinality(b.keys) > casesync_internal.turn_limit('bulk'), NULL,
			s.id, false)::casesync_internal.subject_event
		  FROM unnest(keys) WITH ORDINALITY u(k, n)), '{}');
	failed := ARRAY(SELECT DISTINCT q.key
		FROM casesync_internal.quarantine_of(b.registry, keys) q);
	PERFORM casesync_internal.knowledge_owe_to(s.partner, b.registry, failed, s.id);
	subjects := cardinality(keys);
	notifications := outcome.appended;
	PERFORM casesync_internal.backfill_advance(b.id, subjects, notifications);
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_slice(casesync_internal.backfill,
	casesync_internal.subscription, integer) IS
	'tell of the next subjects of a page, at most so many';

CREATE OR REPLACE FUNCTION casesync_internal.backfill_step(b casesync_internal.backfill,
	room integer, OUT subjects integer, OUT notifications integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s constant casesync_internal.subscription := (SELECT t FROM casesync_internal.subscription t
		WHERE t.id = b.subscription);
	sources constant casesync_internal.search_source[] := ARRAY(SELECT x
		FROM casesync_internal.backfill_sources(b.is_initial, s) x);
	obstacle constant record := casesync_internal.backfill_obstacle(b, s, sources);
BEGIN
	subjects := 0; notifications := 0;
	IF obstacle.why IS NOT NULL AND obstacle.wait IS NULL THEN
		PERFORM casesync_internal.backfill_end(b.id, 'stopped', obstacle.why);
		RETURN;
	ELSIF obstacle.why IS NOT NULL THEN
		PERFORM casesync_internal.backfill_wait(b.id, obstacle.why, obstacle.wait, obstacle.lane);
		RETURN;
	END IF;
	b := casesync_internal.backfill_place(b, s, sources);
	IF b.id IS NULL THEN
		RETURN;
	ELSIF b.registry = ANY ((casesync_internal.slow_registries()).at_rest) THEN
		PERFORM casesync_internal.backfill_wait(b.id, format('registry %s is slow: others go '
			'first', b.registry), interval '1 s');
		RETURN;
	END IF;
	SELECT x.subjects, x.notifications INTO subjects, notifications
	  FROM casesync_internal.backfill_slice(b, s, room) x;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_step(casesync_internal.backfill, integer) IS
	'go on with a backfill by at most so many subjects';

/*
 * Whatever is wrong with one, the others and all that was routed in this turn stay as they are: it
 * is tried again later, and health says what it was.
 */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_try(b casesync_internal.backfill,
	room integer, OUT subjects integer, OUT notifications integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT x.subjects, x.notifications INTO subjects, notifications
	  FROM casesync_internal.backfill_step(b, room) x;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	subjects := 0; notifications := 0;
	PERFORM casesync_internal.backfill_wait(b.id, 'it fails: SQLSTATE ' || SQLSTATE, interval
		'1 minute');
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_try(casesync_internal.backfill, integer) IS
	'go on with a backfill, or have it wait when that fails';

/* Behind all else. */
CREATE OR REPLACE FUNCTION casesync_internal.route_backfills(room integer,
	OUT notifications integer, OUT changes integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	b casesync_internal.backfill;
	step record;
BEGIN
	notifications := 0; changes := 0;
	/* Each step costs something, also one that finds nobody. */
	FOR steps IN 1 .. 100 LOOP
		EXIT WHEN room <= 0 OR NOT casesync_internal.turn_has_time();
		b := casesync_internal.backfill_next();
		EXIT WHEN b.id IS NULL;
		PERFORM casesync_internal.plan_for(room);
		step := casesync_internal.backfill_try(b, room);
		room := room - step.subjects;
		changes := changes + step.subjects;
		notifications := notifications + step.notifications;
	END LOOP;
	more := casesync_internal.backfill_is_due();
END
$$;
COMMENT ON FUNCTION casesync_internal.route_backfills(integer) IS
	'part of route(): subscriptions that are told of all subjects go on; whether there is more';

/* Asked for with what is wrong, since each of these would end it or have it wait at once. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_check(s casesync_internal.subscription,
	subjects text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement := (SELECT x
		FROM casesync_internal.agreements_about(s) x WHERE s.event_type = ANY (x.event_types)
		ORDER BY 'backfill' = ANY (x.services) DESC, x.agreement LIMIT 1);
BEGIN
	IF s.state <> 'active' OR s.is_push THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('subscription "%s" is %s', s.code,
				CASE WHEN s.is_push THEN 'not a wish of the partner' ELSE s.state END),
			hint => 'SELECT code, partner, state FROM casesync.subscriptions;');
	ELSIF NOT s.is_confirmed THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('"%s" has not acknowledged subscription "%s" yet', s.partner, s.code),
			hint => format('SELECT * FROM casesync.attempts WHERE partner = %L;', s.partner));
	ELSIF 'backfill' = ANY (a.services) IS NOT TRUE THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('no agreement lets "%s" be told of all subjects', s.partner),
			detail => 'It would be told of people of whom nothing has changed.',
			hint => format('SELECT casesync.set_agreement(%L, %L, services => %L);  -- then SELECT '
				'casesync.activate(%1$L);', coalesce(a.agreement, 'name'), s.partner,
				casesync_internal.one_more(coalesce(a.services, '{notify}'), 'backfill')));
	ELSIF subjects IS NOT NULL AND s.id_type IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('subscription "%s" is about one subject', s.code),
			hint => format('SELECT casesync.backfill(%L);', s.code));
	END IF;
	IF subjects IS NOT NULL THEN
		PERFORM casesync_internal.check_subjects(ARRAY(SELECT DISTINCT (x.r).registry
			FROM casesync_internal.backfill_sources(false, s) x), subjects);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.backfill_check(casesync_internal.subscription, text) IS
	'a subscription that may be told of all subjects, and a condition that can be read, or an '
	'error';

CREATE OR REPLACE FUNCTION casesync.backfill(code text, subjects text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s constant casesync_internal.subscription := casesync_internal.require_subscription(code);
	id bigint;
BEGIN
	PERFORM casesync_internal.backfill_check(s, subjects);
	id := casesync_internal.backfill_add(s.id, is_initial => false, subjects => subjects);
	IF id IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('subscription "%s" is being told of all subjects already', code),
			hint => format('SELECT * FROM casesync.backfills WHERE code = %1$L;  -- or first '
				'SELECT casesync.stop_backfill(%1$L, reason);', code));
	END IF;
	PERFORM casesync_internal.audit_note('backfill', code, jsonb_build_object(
		'partner', s.partner, 'backfill', id, 'subjects', subjects));
	PERFORM casesync_internal.ring();
	RETURN id;
END
$$;
COMMENT ON FUNCTION casesync.backfill(text, text) IS
	'tell a subscription''s partner of all subjects as they are now, what it knows too; progress '
	'in backfills; returns its id there';

/* Behind the turn under way: what that has made is on its way, and nothing comes after it. */
CREATE OR REPLACE FUNCTION casesync.stop_backfill(code text, reason text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s constant casesync_internal.subscription := casesync_internal.require_subscription(code);
	b casesync_internal.backfill;
BEGIN
	PERFORM casesync_internal.hold_router();
	b := casesync_internal.backfill_running(s.id);
	IF b.id IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('subscription "%s" is not being told of all subjects', code),
			hint => 'SELECT code, partner FROM casesync.backfills WHERE state = ''running'';');
	END IF;
	PERFORM casesync_internal.backfill_end(b.id, 'stopped', reason);
	PERFORM casesync_internal.audit_note('stop_backfill', code, jsonb_build_object(
		'partner', s.partner, 'backfill', b.id, 'reason', reason));
	PERFORM casesync_internal.ring();
	RETURN format('%s was told of %s of the %s subjects looked at so far; nothing comes after that',
		s.partner, b.told, b.looked);
END
$$;
COMMENT ON FUNCTION casesync.stop_backfill(text, text) IS
	'no more subjects are told by a backfill; what waits in the lane is still sent';
