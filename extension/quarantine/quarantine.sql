/* Subjects that cannot be rendered now, and when it is worth to try them again. */
CREATE OR REPLACE FUNCTION casesync_internal.mark_of(registry text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE used(class, object) AS (
		SELECT 'pg_class'::regclass::oid, r.view::oid FROM casesync_internal.registry r
			WHERE r.registry = $1
		UNION
		SELECT d.refclassid, d.refobjid FROM used u
		  JOIN pg_rewrite w ON w.ev_class = u.object AND u.class = 'pg_class'::regclass
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
		 WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
	)
	SELECT md5(concat_ws(' ', casesync_internal.crosswalk_mark(),
		(SELECT string_agg(concat_ws(' ', a.agreement, a.version), ',' ORDER BY a.agreement)
			FROM casesync_internal.agreement a
		  WHERE a.state = 'active' AND $1 = ANY (a.registries)),
		string_agg(concat_ws(' ', u.object, c.xmin, w.xmin, p.xmin),
		',' ORDER BY u.class, u.object, w.oid)))
	  FROM used u
	  LEFT JOIN pg_class c ON c.oid = u.object AND u.class = 'pg_class'::regclass
	  LEFT JOIN pg_rewrite w ON w.ev_class = c.oid
	  LEFT JOIN pg_proc p ON p.oid = u.object AND u.class = 'pg_proc'::regclass
$$;
COMMENT ON FUNCTION casesync_internal.mark_of(text) IS
	'changes when the registry''s view, what it reads and calls, rights on it, agreements or the '
	'crosswalk do, so that quarantined subjects are tried again';

CREATE OR REPLACE FUNCTION casesync_internal.quarantine_add(registry text, tracking integer,
	keys text[], event_type text,
	error_code text, reason text)
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
			tries = q.tries + 1, at = excluded.at, is_requested = false
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_add(text, integer, text[], text, text, text) IS
	'remember that a subject (or a key''s subjects) could not be rendered, and why';
