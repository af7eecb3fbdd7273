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
			subjects := casesync_internal.subjects_page(t, q.key,
				casesync_internal.subjects_until(), NULL, max_entries + 1);
			IF cardinality(subjects) > max_entries THEN
				PERFORM casesync_internal.expansion_add(t.id, ARRAY[q.key], ARRAY[q.event_type],
					ARRAY[NULL::bigint]);
			ELSE
				RETURN QUERY SELECT gen_random_uuid(), q.registry, s, q.event_type, NULL::bigint,
					q.at, q.id FROM unnest(subjects) s;
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

CREATE OR REPLACE FUNCTION casesync_internal.events_again(max_subjects integer, but_of text[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	events casesync_internal.subject_event[] := ARRAY(SELECT e
		FROM casesync_internal.quarantine_events(max_subjects, but_of) e);
BEGIN
	PERFORM casesync_internal.fill_mended();
	RETURN events || ARRAY(
		SELECT ROW(gen_random_uuid(), l.registry, l.key, l.event_type, l.origin, l.at,
			l.id)::casesync_internal.subject_event
		  FROM casesync_internal.look_again_next(
			greatest(max_subjects - cardinality(events), 0), but_of) l);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_again(integer, text[]) IS
	'the next subjects to route again: first those in quarantine, which are fewer, then those that '
	'wait to be looked at; of some registries none';

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
	reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text[];
	gone text[];
	asked bigint;
BEGIN
	/* Whom the turn under way tells partners of is among those whom partners know. */
	PERFORM casesync_internal.await_router();
	keys := casesync_internal.view_keys(r);
	gone := ARRAY(SELECT t.key FROM casesync_internal.told t WHERE t.registry = r.registry
		EXCEPT SELECT k FROM unnest(keys) k);
	/* Only now, since the view may take long: a turn that wrote the queue too could wait for us. */
	PERFORM casesync_internal.hold_router();
	SELECT coalesce(max(casesync_internal.look_again_add(r.registry, keys, e, reason)), 0)
	  INTO asked FROM unnest(casesync_internal.look_again_types(r.registry, is_there => true)) e;
	RETURN asked + (SELECT coalesce(max(casesync_internal.look_again_add(r.registry, gone, e,
			reason)), 0)
		FROM unnest(casesync_internal.look_again_types(r.registry, is_there => false)) e);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text) IS
	'have every subject of a registry rendered and compared again; returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.gap_look_again(g casesync_internal.gap)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(casesync_internal.look_again_at(r,
			format('gap %s: to be looked at again', g.id))), 0)::bigint
	  FROM (SELECT x.* FROM casesync_internal.registry x WHERE x.registry = ANY (g.registries)
			 ORDER BY x.registry) r
$$;
COMMENT ON FUNCTION casesync_internal.gap_look_again(casesync_internal.gap) IS
	'have every subject of a gap''s registries looked at again; returns how many';

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
		PERFORM casesync_internal.gap_look_again(g);
		PERFORM casesync_internal.gap_filled(g.id);
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
