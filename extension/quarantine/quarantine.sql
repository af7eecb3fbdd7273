/* Subjects that cannot be rendered now, and when it is worth to try them again. */
/* A view's columns may get other names, and rights may be given for one column or by membership. */
CREATE OR REPLACE FUNCTION casesync_internal.relation_mark(relation oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(' ', c.xmin, o.rolbypassrls,
		(SELECT string_agg(a.xmin::text, '.' ORDER BY a.attnum) FROM pg_attribute a
		  WHERE a.attrelid = c.oid AND (c.relkind = 'v' OR a.attacl IS NOT NULL)),
		(SELECT string_agg(y.xmin::text, '.' ORDER BY y.oid) FROM pg_policy y
		  WHERE y.polrelid = c.oid),
		(SELECT string_agg(m.roleid::text, '.' ORDER BY m.roleid) FROM pg_auth_members m
		  WHERE m.member = c.relowner))
	  FROM pg_class c LEFT JOIN pg_roles o ON o.oid = c.relowner
	 WHERE c.oid = relation_mark.relation
$$;
COMMENT ON FUNCTION casesync_internal.relation_mark(oid) IS
	'part of mark_of(): changes when a relation, its columns, its policies, its owner or rights do';

CREATE OR REPLACE FUNCTION casesync_internal.type_mark(type oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(' ',
		(SELECT string_agg(k.xmin::text, '.' ORDER BY k.oid) FROM pg_constraint k
		  WHERE k.contypid = type_mark.type),
		(SELECT string_agg(l.xmin::text, '.' ORDER BY l.oid) FROM pg_enum l
		  WHERE l.enumtypid = type_mark.type))
$$;
COMMENT ON FUNCTION casesync_internal.type_mark(oid) IS
	'part of mark_of(): changes when a domain''s constraints or an enum''s labels do';

/*
 * By xmin: each ALTER, CREATE OR REPLACE and GRANT writes the catalog row anew. UNION, since views
 * share what they read: else each way to it would be walked. A mark that changes for nothing costs
 * one more try; one that does not would leave subjects untold.
 */
CREATE OR REPLACE FUNCTION casesync_internal.mark_of(registry text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE used(class, object) AS (
		SELECT 'pg_class'::regclass::oid, r.view::oid FROM casesync_internal.registry r
			WHERE r.registry = mark_of.registry
		UNION
		SELECT d.refclassid, d.refobjid FROM used u
		  JOIN pg_rewrite w ON w.ev_class = u.object AND u.class = 'pg_class'::regclass
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
		 WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
	)
	SELECT md5(concat_ws(' ', casesync_internal.crosswalk_mark(),
		(SELECT string_agg(concat_ws(' ', a.agreement, a.version), ',' ORDER BY a.agreement)
		   FROM casesync_internal.agreement a
		  WHERE a.state = 'active' AND mark_of.registry = ANY (a.registries)),
		(SELECT string_agg(g.role, ',' ORDER BY g.role) FROM casesync_internal.registry_grant g
		  WHERE g.registry = mark_of.registry),
		(SELECT string_agg(x.xmin::text, ',' ORDER BY x.id) FROM casesync_internal.tracking x
		  WHERE mark_of.registry = ANY (x.registries)),
		string_agg(concat_ws(' ', u.object, w.xmin, p.xmin, CASE u.class
			WHEN 'pg_class'::regclass THEN casesync_internal.relation_mark(u.object)
			WHEN 'pg_type'::regclass THEN casesync_internal.type_mark(u.object) END),
			',' ORDER BY u.class, u.object, w.oid)))
	  FROM used u
	  LEFT JOIN pg_rewrite w ON w.ev_class = u.object AND u.class = 'pg_class'::regclass
	  LEFT JOIN pg_proc p ON p.oid = u.object AND u.class = 'pg_proc'::regclass
$$;
COMMENT ON FUNCTION casesync_internal.mark_of(text) IS
	'changes when the registry''s view, what it reads and calls, rights on it, its trackings, '
	'agreements, consents or the crosswalk do, so that quarantined subjects are tried again';

/*
 * Who fails for a reason that lies in the data waits until something changes; only what passes by
 * itself (too slow, locks, memory) is tried by the clock, after 20 s and then at longer intervals,
 * every ten minutes at last. What the router could not get past (CS003) costs everybody minutes
 * when it fails again: it is tried after ten minutes, and once a day at last.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_rest(error_code text, tries integer)
RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN error_code = 'CS003' OR left(error_code, 2) IN ('42', '3F')
			THEN least(86400, 300 * 2 ^ least(tries, 10))
		WHEN error_code = 'CS002' OR casesync_internal.is_transient(error_code)
			THEN least(600, 10 * 2 ^ least(tries, 10)) END * interval '1 second'
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_rest(text, integer) IS
	'how long to wait after so many tries; NULL: until something changes';

/*
 * The mark is of now, and the same for all: what is repaired while this is being written makes
 * another one. It costs as much as rendering a few subjects.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_add_all(registry text, tracking integer,
	keys text[], event_types text[], error_codes text[], reasons text[], mark text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.quarantine_entry AS q (registry, tracking, key, event_type,
		error_code, reason, mark, again_at)
	SELECT registry, tracking, d.key, d.event_type, d.error_code, left(d.reason, 2000),
		coalesce(quarantine_add_all.mark, m.mark),
		clock_timestamp() + casesync_internal.quarantine_rest(d.error_code, 1)
	  FROM (SELECT DISTINCT ON (u.key, u.event_type) u.*
			  FROM unnest(keys, event_types, error_codes, reasons)
				u(key, event_type, error_code, reason)
			 ORDER BY u.key, u.event_type) d
		CROSS JOIN (SELECT casesync_internal.mark_of(registry) AS mark OFFSET 0) m
	ON CONFLICT (registry, tracking, md5(key), event_type) DO UPDATE
		SET error_code = excluded.error_code, reason = excluded.reason, mark = excluded.mark,
			tries = q.tries + 1, at = excluded.at,
			again_at = excluded.at
				+ casesync_internal.quarantine_rest(excluded.error_code, q.tries + 1)
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_add_all(text, integer, text[], text[], text[],
	text[], text) IS
	'remember which subjects (or keys'' subjects) could not be rendered, each with its event type '
	'and its reason; the mark when that was not now';

CREATE OR REPLACE FUNCTION casesync_internal.quarantine_add(registry text, tracking integer,
	keys text[], event_type text, error_code text, reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.quarantine_add_all(registry, tracking, keys,
		array_fill(event_type, ARRAY[n]), array_fill(error_code, ARRAY[n]),
		array_fill(reason, ARRAY[n]))
	  FROM cardinality(keys) n WHERE n > 0
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_add(text, integer, text[], text, text, text) IS
	'remember that subjects (or keys'' subjects) could not be rendered, and why, for all the same';

/* One step of the index for each: there may be as many entries as a registry has subjects. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_groups()
RETURNS TABLE (registry text, tracking integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
	SET enable_sort = off SET enable_incremental_sort = off
AS $$
BEGIN
	LOOP
		SELECT e.registry, e.tracking INTO registry, tracking
		  FROM casesync_internal.quarantine_entry e
		 WHERE (e.registry, e.tracking) > (coalesce(quarantine_groups.registry, ''),
			coalesce(quarantine_groups.tracking, -1))
		 ORDER BY e.registry, e.tracking LIMIT 1;
		EXIT WHEN NOT FOUND;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_groups() IS
	'the registries and trackings that have something in quarantine';

/* An entry whose registry or tracking is gone can never succeed. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_drop(registry text, tracking integer,
	max_entries integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
	DELETE FROM casesync_internal.quarantine_entry q WHERE q.id = ANY (ARRAY(
		SELECT e.id FROM casesync_internal.quarantine_entry e
		 WHERE e.registry = quarantine_drop.registry AND e.tracking = quarantine_drop.tracking
		 LIMIT max_entries))
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_drop(text, integer, integer) IS
	'part of quarantine_next(): forget some of what is there of a registry and tracking';

/* By the index in three steps, since it has no word for "another": none, less, greater. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_unlike(registry text, mark text,
	max_entries integer)
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
	SET enable_sort = off SET enable_incremental_sort = off
AS $$
BEGIN
	RETURN QUERY
	SELECT * FROM (
		(SELECT e.* FROM casesync_internal.quarantine_entry e
		  WHERE e.registry = quarantine_unlike.registry AND e.mark IS NULL
		  ORDER BY e.registry, e.mark, e.id LIMIT max_entries)
		UNION ALL
		(SELECT e.* FROM casesync_internal.quarantine_entry e
		  WHERE e.registry = quarantine_unlike.registry AND e.mark < quarantine_unlike.mark
		  ORDER BY e.registry, e.mark, e.id LIMIT max_entries)
		UNION ALL
		(SELECT e.* FROM casesync_internal.quarantine_entry e
		  WHERE e.registry = quarantine_unlike.registry AND e.mark > quarantine_unlike.mark
		  ORDER BY e.registry, e.mark, e.id LIMIT max_entries)) x
	 LIMIT max_entries;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_unlike(text, text, integer) IS
	'part of quarantine_next(): entries of a registry with another mark than this, or none';

CREATE OR REPLACE FUNCTION casesync_internal.quarantine_by_clock(registry text,
	max_entries integer)
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
	SET enable_sort = off SET enable_incremental_sort = off
AS $$
DECLARE
	/* The index knows no clock that moves. */
	now constant timestamptz := clock_timestamp();
BEGIN
	RETURN QUERY
	SELECT * FROM (
		(SELECT e.* FROM casesync_internal.quarantine_entry e
		  WHERE e.registry = quarantine_by_clock.registry AND e.again_at <= now
		  ORDER BY e.registry, e.again_at LIMIT max_entries)
		UNION ALL
		/* As in rest_is_over(). */
		(SELECT e.* FROM casesync_internal.quarantine_entry e
		  WHERE e.registry = quarantine_by_clock.registry
			AND e.again_at > now + interval '25 hours'
		  ORDER BY e.registry, e.again_at LIMIT max_entries)) x
	 LIMIT max_entries;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_by_clock(text, integer) IS
	'part of quarantine_next(): entries of a registry whose time has come';

/*
 * The router asks at every look, and all may be in quarantine for days: it costs something for each
 * registry that has entries and for each entry that is given, and nothing for the others.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_next(max_entries integer,
	but_of text[] DEFAULT '{}')
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g record;
	looked text := '';
	entries casesync_internal.quarantine_entry[] := '{}';
BEGIN
	FOR g IN SELECT * FROM casesync_internal.quarantine_groups() LOOP
		IF NOT EXISTS (SELECT FROM casesync_internal.registry r WHERE r.registry = g.registry)
			OR g.tracking <> 0 AND NOT EXISTS (SELECT FROM casesync_internal.tracking x
				WHERE x.id = g.tracking) THEN
			PERFORM casesync_internal.quarantine_drop(g.registry, g.tracking, 10000);
			CONTINUE;
		END IF;
		CONTINUE WHEN g.registry = looked OR g.registry = ANY (but_of)
			OR cardinality(entries) >= max_entries;
		looked := g.registry;
		entries := entries || ARRAY(SELECT q FROM casesync_internal.quarantine_unlike(looked,
			casesync_internal.mark_of(looked), max_entries - cardinality(entries)) q);
		entries := entries || ARRAY(SELECT q FROM casesync_internal.quarantine_by_clock(looked,
			max_entries - cardinality(entries)) q);
	END LOOP;
	RETURN QUERY
	SELECT DISTINCT ON (e.id) e.* FROM unnest(entries) e
	 WHERE e.tracking = 0 OR EXISTS (SELECT FROM casesync_internal.tracking x
		WHERE x.id = e.tracking)
	 ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_next(integer, text[]) IS
	'what to try again: asked for, changed since, or failed for a reason that passes by itself; '
	'nothing of some registries';

CREATE OR REPLACE FUNCTION casesync_internal.quarantine_of(registry text, keys text[])
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	/* Key by key by the index: a view that breaks puts a whole registry in quarantine. */
	RETURN QUERY
	SELECT q.* FROM (SELECT DISTINCT u.k FROM unnest(keys) u(k)) d
	 CROSS JOIN LATERAL (
		SELECT * FROM casesync_internal.quarantine_entry e
		 WHERE e.registry = quarantine_of.registry AND e.tracking = 0
		   AND md5(e.key) = md5(d.k) AND e.key = d.k
		OFFSET 0) q;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_of(text, text[]) IS
	'what of these subjects is in quarantine now';

/* It happened before it could not be rendered: nobody knows how long. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_holds(registry text, key text,
	event_type text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.quarantine_entry q
		WHERE q.registry = quarantine_holds.registry AND q.tracking = 0
		  AND md5(q.key) = md5(quarantine_holds.key) AND q.key = quarantine_holds.key
		  AND q.event_type = quarantine_holds.event_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_holds(text, text, text) IS
	'whether an event of a subject could not be told until now';

/* Nothing is wrong with it, and it is tried again within moments: see route_later(). */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_is_short(registry text, key text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.quarantine_entry e
		WHERE e.registry = quarantine_is_short.registry AND e.tracking = 0
		  AND md5(e.key) = md5(quarantine_is_short.key) AND e.key = quarantine_is_short.key
		  AND e.error_code = '55P03' AND e.tries = 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_is_short(text, text) IS
	'whether a subject is in quarantine only because somebody had it locked for a moment';

/* By the time too: quarantine_add() sets it anew, and what failed after it was read must stay. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_done(
	entries casesync_internal.quarantine_entry[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	DELETE FROM casesync_internal.quarantine_entry q WHERE q.id = ANY (ARRAY(
		SELECT x.id FROM unnest(entries) e
		 CROSS JOIN LATERAL (SELECT y.id FROM casesync_internal.quarantine_entry y
			WHERE y.id = e.id AND y.at = e.at OFFSET 0) x));
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_done(casesync_internal.quarantine_entry[]) IS
	'these were tried again; those that failed again meanwhile stay';

/* The mark is taken away and nothing else: the number of tries and the reason still hold. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_retry(registry text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint;
BEGIN
	UPDATE casesync_internal.quarantine_entry q SET mark = NULL
	 WHERE quarantine_retry.registry IS NULL OR q.registry = quarantine_retry.registry;
	GET DIAGNOSTICS asked = ROW_COUNT;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_retry(text) IS
	'have what is in quarantine (of one registry) tried again; returns how much';
