/*
 * Subjects that are routed although no change of them was captured: those that come out of
 * quarantine, and those that somebody has had looked at again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_events(max_entries integer)
RETURNS SETOF casesync_internal.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync_internal.quarantine_entry;
	t casesync_internal.tracking;
BEGIN
	FOR q IN SELECT * FROM casesync_internal.quarantine_next(max_entries) LOOP
		IF q.tracking = 0 THEN
			RETURN NEXT ROW(gen_random_uuid(), q.registry, q.key, q.event_type, NULL, q.at,
				q.id)::casesync_internal.subject_event;
			CONTINUE;
		END IF;
		/* A key whose subjects are found now: they are routed, and quarantined by themselves. */
		SELECT * INTO t FROM casesync_internal.tracking x WHERE x.id = q.tracking;
		BEGIN
			IF q.registry <> ALL (casesync_internal.tracking_feeds(t)) THEN
				RAISE insufficient_privilege USING MESSAGE = format(
					'tables of role "%s" may not feed registry "%s"', t.author, q.registry);
			END IF;
			RETURN QUERY SELECT gen_random_uuid(), q.registry, s, q.event_type, NULL::bigint, q.at,
				q.id
				FROM unnest(casesync_internal.subjects_of(t, q.key,
					casesync_internal.subjects_until())) s WHERE s IS NOT NULL;
			PERFORM casesync_internal.quarantine_done(ARRAY[q]);
		EXCEPTION WHEN OTHERS THEN
			PERFORM casesync_internal.quarantine_add(q.registry, q.tracking, ARRAY[q.key],
				q.event_type, SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_events(integer) IS
	'the subjects in quarantine to try again; routing them takes them out or writes that they '
	'failed again';

CREATE OR REPLACE FUNCTION casesync_internal.events_again(max_subjects integer)
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	events casesync_internal.subject_event[] := ARRAY(SELECT e
		FROM casesync_internal.quarantine_events(max_subjects) e);
BEGIN
	RETURN events || ARRAY(
		SELECT ROW(gen_random_uuid(), l.registry, l.key, l.event_type, NULL, l.at,
			l.id)::casesync_internal.subject_event
		  FROM casesync_internal.look_again_next(
			greatest(max_subjects - cardinality(events), 0)) l);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_again(integer) IS
	'the next subjects to route again: first those in quarantine, which are fewer, then those that '
	'somebody has had looked at again';

CREATE OR REPLACE FUNCTION casesync.retry_quarantine(registry text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint := casesync_internal.quarantine_retry(registry);
BEGIN
	PERFORM casesync_internal.audit_note('retry_quarantine', registry,
		jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.retry_quarantine(text) IS
	'try quarantined subjects again soon; returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.registry_told_as(registry text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(t.on_update, t.on_insert, t.on_delete)
	  FROM casesync_internal.tracking t
	 WHERE registry_told_as.registry = ANY (t.registries) AND NOT t.removed ORDER BY t.id LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.registry_told_as(text) IS
	'the event type that subjects of a registry are told by of which no change is known';

/*
 * What changed in a gap nobody knows, so all subjects of its registries are looked at again, those
 * too that partners were told of and that are gone. Partners get only what they do not know.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_at(r casesync_internal.registry,
	reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told_as constant text := casesync_internal.registry_told_as(r.registry);
BEGIN
	/* Nobody can say what partners have: asked first, or the look would find nothing new. */
	IF casesync_internal.look_again_all_take(r.registry) IS NOT NULL THEN
		PERFORM casesync_internal.knowledge_open_registry(r.registry);
	END IF;
	IF told_as IS NULL THEN
		RETURN 0;
	END IF;
	RETURN casesync_internal.look_again_add(r.registry,
		casesync_internal.view_keys(r) || ARRAY(SELECT t.key
			FROM casesync_internal.told t WHERE t.registry = r.registry),
		told_as, reason);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text) IS
	'have every subject of a registry rendered and compared again; returns how many';

/*
 * One registry a call: each is one statement's work, and may be large. Routing stands still
 * meanwhile, by its own lock.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_due()
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	l casesync_internal.look_again_registry;
BEGIN
	IF NOT casesync_internal.may_speak() OR NOT casesync_internal.lock_for_transaction(1, 0) THEN
		RETURN false;
	END IF;
	SELECT * INTO l FROM casesync_internal.look_again_registry x ORDER BY x.registry LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.look_again_at(r, l.reason)
		   FROM casesync_internal.registry r WHERE r.registry = l.registry;
		/* Also where it is not published any more. */
		PERFORM casesync_internal.look_again_all_take(l.registry);
	END IF;
	RETURN EXISTS (SELECT FROM casesync_internal.look_again_registry);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_due() IS
	'the next registry of which all subjects are to be looked at again; whether there are more';

/* In the caller's transaction: the router sees all of it or nothing, and is woken at the commit. */
CREATE OR REPLACE FUNCTION casesync.look_again(registry text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint := casesync_internal.look_again_at(casesync_internal.require_registry(registry),
		'to be looked at again');
BEGIN
	PERFORM casesync_internal.audit_note('look_again', registry,
		jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.look_again(text) IS
	'look again at every subject of a registry; partners are told what they do not know; returns '
	'how many are looked at';

/*
 * The gap is locked (require_ended_gap()): that waits for a start_capture() that has not committed,
 * until which rows are still written unseen, and nobody fills it twice.
 */
CREATE OR REPLACE FUNCTION casesync.fill_gap(gap bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap := casesync_internal.require_ended_gap(gap);
	asked bigint;
BEGIN
	SELECT coalesce(
		sum(casesync_internal.look_again_at(r, format('gap %s: to be looked at again', g.id))), 0)
		INTO asked
	  FROM casesync_internal.registry r WHERE r.registry = ANY (g.registries);
	PERFORM casesync_internal.gap_filled(g.id);
	PERFORM casesync_internal.audit_note('fill_gap', gap::text,
		jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.fill_gap(bigint) IS
	'look again at every subject of a gap''s registries; partners are told what they do not know; '
	'returns how many are looked at';
