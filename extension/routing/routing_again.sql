/*
 * Subjects that are routed although no change of them was captured: those that come out of
 * quarantine, and those that somebody has had looked at again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_events(max_entries integer,
	but_of text[])
RETURNS SETOF casesync_internal.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync_internal.quarantine_entry;
	t casesync_internal.tracking;
	subjects text[];
BEGIN
	FOR q IN SELECT * FROM casesync_internal.quarantine_next(max_entries, but_of) LOOP
		IF q.tracking = 0 THEN
			RETURN NEXT ROW(gen_random_uuid(), q.registry, q.key, q.event_type, NULL, q.at,
				q.id, false, NULL, NULL, NULL)::casesync_internal.subject_event;
			CONTINUE;
		END IF;
		/*
		 * A key whose subjects are found now: they are routed, and quarantined by themselves. When
		 * its row was changed is not known: whatever was told of them may have had it already.
		 */
		SELECT * INTO t FROM casesync_internal.tracking x WHERE x.id = q.tracking;
		BEGIN
			IF q.registry <> ALL (casesync_internal.tracking_feeds(t)) THEN
				RAISE insufficient_privilege USING MESSAGE = format(
					'tables of role "%s" may not feed registry "%s"', t.author, q.registry);
			END IF;
			subjects := casesync_internal.subjects_page(t, q.key,
				casesync_internal.subjects_until(), NULL, max_entries + 1);
			IF cardinality(subjects) > max_entries THEN
				PERFORM casesync_internal.expansion_add(t.id, ARRAY[q.key], ARRAY[q.event_type],
					ARRAY[NULL::bigint], ARRAY[timestamptz '-infinity']);
			ELSE
				RETURN QUERY SELECT gen_random_uuid(), q.registry, s, q.event_type, NULL::bigint,
					q.at, q.id, false, timestamptz '-infinity', NULL::bigint,
						NULL::boolean
					  FROM unnest(subjects) s;
			END IF;
			PERFORM casesync_internal.quarantine_done(ARRAY[q]);
		EXCEPTION WHEN OTHERS THEN
			PERFORM casesync_internal.quarantine_add(q.registry, q.tracking, ARRAY[q.key],
				q.event_type, SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_events(integer, text[]) IS
	'the subjects in quarantine to try again; routing them takes them out or writes that they '
	'failed again';

/* A queue that is longer than a turn is bulk, in which one more does not wait noticeably longer. */
CREATE OR REPLACE FUNCTION casesync_internal.events_again(max_subjects integer, but_of text[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	events casesync_internal.subject_event[] := ARRAY(SELECT e
		FROM casesync_internal.quarantine_events(max_subjects, but_of) e);
	room integer;
	looks casesync_internal.look_again_entry[];
BEGIN
	PERFORM casesync_internal.fill_mended();
	events := events || casesync_internal.push_events(max_subjects - cardinality(events), but_of);
	room := greatest(max_subjects - cardinality(events), 0);
	looks := ARRAY(SELECT l FROM casesync_internal.look_again_next(room, but_of) l);
	RETURN events || ARRAY(
		SELECT ROW(gen_random_uuid(), l.registry, l.key, l.event_type, l.origin, l.at, l.id,
			cardinality(looks) = room, NULL, NULL, NULL)::casesync_internal.subject_event
		  FROM unnest(looks) l);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_again(integer, text[]) IS
	'the next subjects to route again: first those in quarantine, which are fewer, then what case '
	'workers push, then those that wait to be looked at; of some registries none';

CREATE OR REPLACE FUNCTION casesync.retry_quarantine(registry text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint;
BEGIN
	PERFORM casesync_internal.hold_router();
	asked := casesync_internal.quarantine_retry(registry);
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
 * too that partners were told of and that are gone. Partners get only what they do not know; as
 * which event nobody knows either, so each subscription gets it as the one that it asked for. But
 * who is there is not told as an event of deletes, unless there is no other.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_types(registry text, is_there boolean)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(DISTINCT x.e ORDER BY x.e) FILTER (WHERE NOT x.is_of_delete),
			array_agg(DISTINCT x.e ORDER BY x.e), '{}')
	  FROM (SELECT u.e, is_there AND bool_and(u.is_of_delete) AS is_of_delete
			  FROM casesync_internal.tracking t
			 CROSS JOIN LATERAL (VALUES (t.on_insert, false), (t.on_update, false),
				(t.on_delete, true)) u(e, is_of_delete)
			 WHERE look_again_types.registry = ANY (t.registries) AND NOT t.removed
			   AND u.e IS NOT NULL
			 GROUP BY u.e) x
$$;
COMMENT ON FUNCTION casesync_internal.look_again_types(text, boolean) IS
	'as which events subjects of a registry are told, when nobody knows what happened to them';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_at(r casesync_internal.registry,
	reason text, happened timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text[];
	gone text[];
	asked bigint;
	added bigint;
BEGIN
	/* Whom the turn under way tells partners of is among those whom partners know. */
	PERFORM casesync_internal.await_router();
	keys := casesync_internal.view_keys(r);
	gone := ARRAY(SELECT t.key FROM casesync_internal.told t WHERE t.registry = r.registry
		EXCEPT SELECT k FROM unnest(keys) k);
	/* Only now, since the view may take long: a turn that writes the same would wait for us. */
	PERFORM casesync_internal.hold_router();
	/* Nobody can say what partners have: open, or the look would find nothing new. */
	IF casesync_internal.look_again_all_take(r.registry) IS NOT NULL THEN
		PERFORM casesync_internal.knowledge_open_registry(r.registry);
	END IF;
	/* In one statement, in the queue's order: others add to it at the same time. */
	SELECT count(DISTINCT w.key), casesync_internal.look_again_add_all(array_agg(r.registry),
			array_agg(w.key), array_agg(w.event_type), array_agg(NULL::bigint),
			array_agg(w.happened), reason)
	  INTO asked, added
	  FROM (SELECT k AS key, e AS event_type, look_again_at.happened
			  FROM unnest(keys) k
			 CROSS JOIN unnest(casesync_internal.look_again_types(r.registry, is_there => true)) e
			UNION ALL
			SELECT k, e, NULL FROM unnest(gone) k
			 CROSS JOIN unnest(casesync_internal.look_again_types(r.registry, is_there => false)) e
			) w
	 WHERE octet_length(w.key) <= 1000 HAVING count(*) > 0;
	RETURN coalesce(asked, 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text,
	timestamptz) IS
	'have every subject of a registry rendered and compared again, for what may have happened '
	'since then; returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.gap_look_again(g casesync_internal.gap)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(casesync_internal.look_again_at(r,
			format('gap %s: to be looked at again', g.id), g.started)), 0)::bigint
	  FROM (SELECT x.* FROM casesync_internal.registry x WHERE x.registry = ANY (g.registries)
			 ORDER BY x.registry) r
$$;
COMMENT ON FUNCTION casesync_internal.gap_look_again(casesync_internal.gap) IS
	'have every subject of a gap''s registries looked at again; returns how many';

/* Within a turn, of which others need something too: an error when a view takes too long. */
CREATE OR REPLACE FUNCTION casesync_internal.gap_is_small(g casesync_internal.gap)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.turn_limit('again');
	subjects bigint;
BEGIN
	SELECT sum(v.n + t.n) INTO subjects
	  FROM casesync_internal.registry r
	 CROSS JOIN LATERAL (SELECT count(*) FROM casesync_internal.owner_query(r.author, r.view,
			format('SELECT v.%I::text, NULL::jsonb FROM %s v LIMIT $1', r.key_column, r.view),
			most + 1, casesync_internal.milliseconds_of('casesync.render_timeout'))) v(n)
	 CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT FROM casesync_internal.told x
			WHERE x.registry = r.registry LIMIT most + 1) y) t(n)
	 WHERE r.registry = ANY (g.registries);
	RETURN coalesce(subjects, 0) <= most;
END
$$;
COMMENT ON FUNCTION casesync_internal.gap_is_small(casesync_internal.gap) IS
	'whether the router can make up for a gap within a turn';

/*
 * What retrack() could not do itself while it held the table. A view that fails, or has too many
 * subjects to be read in a turn, is left to fill_gap(), as health says.
 */
CREATE OR REPLACE FUNCTION casesync_internal.fill_mended()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
BEGIN
	FOR g IN SELECT * FROM casesync_internal.gap x
		WHERE x.again AND x.filled IS NULL AND x.ended IS NOT NULL
		ORDER BY x.id LIMIT 1 FOR UPDATE SKIP LOCKED
	LOOP
		IF casesync_internal.gap_is_small(g) THEN
			PERFORM casesync_internal.gap_look_again(g);
			PERFORM casesync_internal.gap_filled(g.id);
		ELSE
			PERFORM casesync_internal.gap_left(g.id);
		END IF;
	END LOOP;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	PERFORM casesync_internal.gap_left(g.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.fill_mended() IS
	'part of events_again(): one hole that retrack() has mended is made up for';

/*
 * One registry a call: each is one statement's work, and may be large. Routing stands still
 * meanwhile, by its own lock.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_due()
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
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
		PERFORM casesync_internal.holes_again(l.registry);
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
 * until which rows are still written unseen, and nobody fills it twice. Behind the turn under way,
 * which may tell of somebody whom the gap has hidden the end of.
 */
CREATE OR REPLACE FUNCTION casesync.fill_gap(gap bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
	asked bigint;
BEGIN
	PERFORM casesync_internal.hold_router();
	g := casesync_internal.require_ended_gap(gap);
	asked := casesync_internal.gap_look_again(g);
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

/* What senders found at the door. It happened when they did, which may be long before this. */
CREATE OR REPLACE FUNCTION casesync_internal.route_notes()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	notes casesync_internal.look_again_note[];
BEGIN
	/* A turn that finds nothing writes nothing. */
	IF NOT EXISTS (SELECT FROM casesync_internal.look_again_note) THEN
		RETURN;
	END IF;
	notes := ARRAY(SELECT n FROM casesync_internal.look_again_notes_take(10000) n);
	PERFORM casesync_internal.look_again_add_all(array_agg(n.registry), array_agg(n.key),
		array_agg(n.event_type), array_agg(NULL::bigint), array_agg(n.at), n.reason)
	   FROM unnest(notes) n WHERE n.error_code IS NULL GROUP BY n.reason;
	PERFORM casesync_internal.quarantine_add_all(n.registry, 0, array_agg(n.key),
		array_agg(n.event_type), array_agg(n.error_code), array_agg(n.reason), n.mark)
	   FROM unnest(notes) n JOIN casesync_internal.registry r ON r.registry = n.registry
	  WHERE n.error_code IS NOT NULL GROUP BY n.registry, n.mark;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_notes() IS
	'part of route_may_begin(): what senders asked to be looked at goes into the '
	'queue, or into quarantine';
