/* Subjects that cannot be rendered now, and when it is worth to try them again. */
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
		 WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
	)
	SELECT md5(concat_ws(' ', casesync_internal.crosswalk_mark(),
		(SELECT string_agg(concat_ws(' ', a.agreement, a.version), ',' ORDER BY a.agreement)
		   FROM casesync_internal.agreement a
		  WHERE a.state = 'active' AND mark_of.registry = ANY (a.registries)),
		(SELECT string_agg(g.role, ',' ORDER BY g.role) FROM casesync_internal.registry_grant g
		  WHERE g.registry = mark_of.registry),
		string_agg(concat_ws(' ', u.object, c.xmin, w.xmin, p.xmin, o.rolbypassrls),
			',' ORDER BY u.class, u.object, w.oid)))
	  FROM used u
	  LEFT JOIN pg_class c ON c.oid = u.object AND u.class = 'pg_class'::regclass
	  LEFT JOIN pg_roles o ON o.oid = c.relowner
	  LEFT JOIN pg_rewrite w ON w.ev_class = c.oid
	  LEFT JOIN pg_proc p ON p.oid = u.object AND u.class = 'pg_proc'::regclass
$$;
COMMENT ON FUNCTION casesync_internal.mark_of(text) IS
	'changes when the registry''s view, what it reads and calls, rights on it, agreements, '
	'consents or the crosswalk do, so that quarantined subjects are tried again';

/*
 * The mark is of now: what is repaired while this is being written makes another one. With tries
 * the wait grows; see quarantine_next().
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_add(registry text, tracking integer,
	keys text[], event_type text, error_code text, reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.quarantine_entry AS q (registry, tracking, key, event_type,
		error_code, reason, mark)
	SELECT registry, tracking, k, event_type, error_code, left(reason, 2000), m.mark
	  FROM (SELECT DISTINCT u.k FROM unnest(keys) u(k)) d
		CROSS JOIN (SELECT casesync_internal.mark_of(registry) AS mark) m
	ON CONFLICT (registry, tracking, md5(key), event_type) DO UPDATE
		SET error_code = excluded.error_code, reason = excluded.reason, mark = excluded.mark,
			tries = q.tries + 1, at = excluded.at
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_add(text, integer, text[], text, text, text) IS
	'remember that a subject (or a key''s subjects) could not be rendered, and why';

/*
 * Who fails for a reason that lies in the data waits until something changes; only what passes by
 * itself (too slow, locks, memory) is tried by the clock, after 20 s and then at longer intervals,
 * every ten minutes at last. What the router could not get past (CS003) costs everybody minutes
 * when it fails again: it is tried after ten minutes, and once a day at last. An entry whose
 * registry or tracking is gone can never succeed.
 */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_next(max_entries integer)
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* The marks cost something, and mostly nothing is in quarantine. */
	IF NOT EXISTS (SELECT FROM casesync_internal.quarantine_entry) THEN
		RETURN;
	END IF;
	DELETE FROM casesync_internal.quarantine_entry e
	 WHERE NOT EXISTS (SELECT FROM casesync_internal.registry g WHERE g.registry = e.registry)
		OR e.tracking <> 0 AND NOT EXISTS (SELECT FROM casesync_internal.tracking x
			WHERE x.id = e.tracking);
	RETURN QUERY
	/* Once for a registry and for a code, not for each entry. */
	WITH marks AS MATERIALIZED (
		SELECT g.registry, casesync_internal.mark_of(g.registry) AS mark
		  FROM casesync_internal.registry g
	), passing AS MATERIALIZED (
		SELECT c.error_code FROM (SELECT DISTINCT x.error_code
			FROM casesync_internal.quarantine_entry x) c
		 WHERE c.error_code = 'CS002' OR casesync_internal.is_transient(c.error_code)
	)
	SELECT e.* FROM casesync_internal.quarantine_entry e
	  JOIN marks m ON m.registry = e.registry
	 WHERE e.mark IS DISTINCT FROM m.mark
		OR e.error_code IN (SELECT p.error_code FROM passing p)
			AND e.at < clock_timestamp() - least(
				600, 10 * 2 ^ least(e.tries, 10)) * interval '1 second'
		OR e.error_code = 'CS003' AND e.at < clock_timestamp() - least(
				86400, 300 * 2 ^ least(e.tries, 10)) * interval '1 second'
	 ORDER BY e.id LIMIT max_entries;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_next(integer) IS
	'what to try again: asked for, changed since, or failed for a reason that passes by itself';

CREATE OR REPLACE FUNCTION casesync_internal.quarantine_of(registry text, keys text[])
RETURNS SETOF casesync_internal.quarantine_entry
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
	/* Key by key by the index: a view that breaks puts a whole registry in quarantine. */
	SELECT q.* FROM (SELECT DISTINCT u.k FROM unnest(keys) u(k)) d
	 CROSS JOIN LATERAL (
		SELECT * FROM casesync_internal.quarantine_entry e
		 WHERE e.registry = quarantine_of.registry AND e.tracking = 0
		   AND md5(e.key) = md5(d.k) AND e.key = d.k
		OFFSET 0) q
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_of(text, text[]) IS
	'what of these subjects is in quarantine now';

/* By the time too: quarantine_add() sets it anew, and what failed after it was read must stay. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_done(
	entries casesync_internal.quarantine_entry[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.quarantine_entry q USING unnest(entries) e
	 WHERE q.id = e.id AND q.at = e.at
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
