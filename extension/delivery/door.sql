/*
 * Asked again at the door: it may be days since an item was routed, or it is tried once more, and
 * what its subject's owner may let pass is what counts now. Nothing is rendered here: that a record
 * cannot be made at present says nothing about who may be told of it.
 */

/*
 * One query for all subjects of a registry, by the view's owner as in offers(). The bridge has one
 * session for all lanes, so a slow view gets less time here than when it is rendered.
 */
CREATE OR REPLACE FUNCTION casesync_internal.door_ask(a casesync_internal.agreement,
	r casesync_internal.registry, keys text[], OUT inside text[], OUT bad_keys text[],
	OUT bad_codes text[], OUT bad_reasons text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = on
AS $$
DECLARE
	budget constant integer := least(5000, nullif(
		casesync_internal.milliseconds_of('casesync.render_timeout'), 0));
BEGIN
	SELECT x.found_keys, x.bad_keys, x.bad_codes,
		ARRAY(SELECT format('agreement %s: %s', a.agreement, b.reason)
			FROM unnest(x.bad_reasons) WITH ORDINALITY b(reason, n) ORDER BY b.n)
	  INTO inside, bad_keys, bad_codes, bad_reasons
	  FROM casesync_internal.rows_by_key(r.author, r.view, casesync_internal.condition_query(r),
		keys, a.subjects, budget, clock_timestamp() + 2 * budget * interval '1 millisecond') x;
END
$$;
COMMENT ON FUNCTION casesync_internal.door_ask(casesync_internal.agreement,
	casesync_internal.registry, text[]) IS
	'which of these subjects an agreement is about now, and of which that cannot be said';

/*
 * Not only those that were to leave now: when the subject comes back they tell what it is like
 * then, and what waits in another subscription would come after that with an older state.
 */
CREATE OR REPLACE FUNCTION casesync_internal.door_all(items casesync_internal.notification[])
RETURNS casesync_internal.notification[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF items = '{}' THEN
		RETURN items;
	END IF;
	/* One by one by the index: there may be a million others. */
	RETURN ARRAY(SELECT DISTINCT ON (n.id) n FROM unnest(items) i
		 CROSS JOIN LATERAL (SELECT x.* FROM casesync_internal.notification x
			WHERE x.registry = i.registry AND x.key = i.key AND x.state = 'due'
			  AND x.agreement = i.agreement AND NOT x.removal OFFSET 0) n
		 ORDER BY n.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.door_all(casesync_internal.notification[]) IS
	'part of door_refuse(): all that waits under the same agreement of the subjects of these';

/*
 * As the router does with who has left: withheld, and looked at again, which tells of the removal
 * where the agreement says so. Of whom nobody can say whether he may pass he does not: in
 * quarantine, like a subject that cannot be rendered.
 */
CREATE OR REPLACE FUNCTION casesync_internal.door_refuse(
	leaving casesync_internal.notification[], bad casesync_internal.notification[],
	code text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	all_leaving constant casesync_internal.notification[] := casesync_internal.door_all(leaving);
	all_bad constant casesync_internal.notification[] := casesync_internal.door_all(bad);
	/* Without those that the router is deciding about just now: they are not sent either. */
	left_out constant uuid[] := casesync_internal.withhold(ARRAY(SELECT i.reference_id
		FROM unnest(all_leaving) i), 'the subject left the agreement');
	unsaid constant uuid[] := casesync_internal.withhold(ARRAY(SELECT i.reference_id
		FROM unnest(all_bad) i), 'nobody can say whether the agreement is about the subject');
BEGIN
	PERFORM casesync_internal.look_again_note(x.registry, x.keys, x.event_type,
		door_refuse.reason, door_refuse.code, casesync_internal.mark_of(x.registry))
	   FROM (SELECT i.registry, i.event_type, array_agg(i.key) AS keys FROM unnest(all_bad) i
			 WHERE i.reference_id = ANY (unsaid)
			 GROUP BY i.registry, i.event_type ORDER BY i.registry, i.event_type) x;
	PERFORM casesync_internal.look_again_note(x.registry, x.keys, x.event_type,
		'the subject left the agreement before it was told of')
	   FROM (SELECT i.registry, i.event_type, array_agg(i.key) AS keys FROM unnest(all_leaving) i
			 WHERE i.reference_id = ANY (left_out)
			 GROUP BY i.registry, i.event_type ORDER BY i.registry, i.event_type) x;
	IF left_out <> '{}' OR unsaid <> '{}' THEN
		PERFORM casesync_internal.ring();
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.door_refuse(casesync_internal.notification[],
	casesync_internal.notification[], text, text) IS
	'part of door_pass(): who left the agreement, and those of whom it cannot be said: not sent';

/* One question about all that are of one agreement; what could not be asked only now stays due. */
CREATE OR REPLACE FUNCTION casesync_internal.door_part(items casesync_internal.notification[],
	keys text[], OUT passed casesync_internal.notification[],
	OUT stays casesync_internal.notification[], OUT waiting text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	x record;
	b record;
BEGIN
	stays := '{}';
	SELECT d.* INTO x
	  FROM casesync_internal.agreement a
	  JOIN casesync_internal.registry r ON r.registry = items[1].registry
	 CROSS JOIN LATERAL casesync_internal.door_ask(a, r, keys) d
	 WHERE a.agreement = items[1].agreement AND a.version = items[1].agreement_version;
	/* Mostly all are inside. */
	IF NOT EXISTS (SELECT unnest(keys) EXCEPT SELECT unnest(x.inside)) THEN
		passed := items;
		RETURN;
	END IF;
	PERFORM casesync_internal.door_refuse(ARRAY(SELECT i FROM unnest(items) i
		WHERE i.key <> ALL (coalesce(x.inside || x.bad_keys, '{}'))), '{}');
	FOR b IN
		SELECT u.code, min(u.reason) AS reason, array_agg(i) AS items
		  FROM unnest(x.bad_keys, x.bad_codes, x.bad_reasons) u(key, code, reason)
		  JOIN unnest(items) i ON i.key = u.key
		 GROUP BY u.code
	LOOP
		IF b.code = 'CS002' OR casesync_internal.is_transient(b.code) THEN
			stays := stays || b.items; waiting := coalesce(waiting, b.reason);
		ELSE
			PERFORM casesync_internal.door_refuse('{}', b.items, b.code, b.reason);
		END IF;
	END LOOP;
	passed := ARRAY(SELECT i FROM unnest(items) i WHERE i.key IN (SELECT unnest(x.inside)));
END
$$;
COMMENT ON FUNCTION casesync_internal.door_part(casesync_internal.notification[], text[]) IS
	'part of door_pass(): items of one registry under one version of an agreement, about these '
	'subjects';

/*
 * Removals pass: whom they are about has left, and who they tell it to was told of him. What could
 * not be asked only now (too slow, a lock) stays due, and with it what comes after it of the same
 * subject. Of a registry that is not published any more nobody passes.
 */
CREATE OR REPLACE FUNCTION casesync_internal.door_pass(items casesync_internal.notification[],
	OUT passed casesync_internal.notification[], OUT waiting text, OUT unasked bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g record;
	part record;
	stays casesync_internal.notification[] := '{}';
BEGIN
	passed := ARRAY(SELECT i FROM unnest(items) i WHERE i.removal);
	FOR g IN
		SELECT array_agg(DISTINCT i.key) AS keys, array_agg(i) AS items
		  FROM unnest(items) i WHERE NOT i.removal
		 GROUP BY i.registry, i.agreement, i.agreement_version
	LOOP
		part := casesync_internal.door_part(g.items, g.keys);
		passed := passed || part.passed;
		stays := stays || part.stays;
		waiting := coalesce(waiting, part.waiting);
	END LOOP;
	unasked := ARRAY(SELECT s.id FROM unnest(stays) s);
	passed := ARRAY(SELECT i FROM unnest(passed) i
		 WHERE stays = '{}' OR NOT EXISTS (SELECT FROM unnest(stays) s
			WHERE s.registry = i.registry AND s.key = i.key AND s.id < i.id)
		 ORDER BY i.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.door_pass(casesync_internal.notification[]) IS
	'those of these notifications that may leave now; the others are withheld, or stay due where '
	'it could not be asked (unasked; waiting says why)';
