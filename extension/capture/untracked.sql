/* Tables that a registry's view reads and nobody tracks: their changes are told to nobody. */

/*
 * Tables that the body of an application's function names behind FROM or JOIN. Which ones it really
 * reads, only running it shows; but a table by that name that nobody tracks is better said once too
 * often. Without a schema it means nothing there, unless the function sets a path: the router reads
 * views with none.
 */
CREATE OR REPLACE FUNCTION casesync_internal.relations_named(function oid)
RETURNS SETOF oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.oid FROM pg_proc p
	  JOIN pg_namespace f ON f.oid = p.pronamespace AND f.nspname NOT IN ('pg_catalog',
		'information_schema', 'casesync', 'casesync_internal')
	  JOIN pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
	 CROSS JOIN LATERAL regexp_matches(p.prosrc, E'\\m(?:from|join)\\s+(?:only\\s+)?'
		'((?:"[^"]+"|[a-z_]\\w*)(?:\\.(?:"[^"]+"|[a-z_]\\w*))?)', 'gi') m
	 CROSS JOIN LATERAL parse_ident(m[1], false) i
	  JOIN pg_class c ON c.relkind IN ('r', 'p', 'f', 'm', 'v') AND c.relname = i[cardinality(i)]
	  JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE p.oid = relations_named.function AND CASE cardinality(i) WHEN 2 THEN n.nspname = i[1]
		ELSE EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s ^@ 'search_path='
			AND n.nspname = ANY (regexp_split_to_array(substr(s, 13), '[", ]+'))) END
$$;
COMMENT ON FUNCTION casesync_internal.relations_named(oid) IS
	'part of relations_read(): tables and views that a function''s body names';

/*
 * Through views over views, and functions that they call, as far as their bodies show it. A
 * materialized view is an end: what is behind it counts only when it is refreshed.
 */
CREATE OR REPLACE FUNCTION casesync_internal.relations_read(view oid)
RETURNS SETOF oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE reads(class, object) AS (
		SELECT 'pg_class'::regclass::oid, relations_read.view
		UNION
		SELECT x.* FROM reads r CROSS JOIN LATERAL (
			SELECT d.refclassid, d.refobjid FROM pg_class c
			  JOIN pg_rewrite w ON w.ev_class = c.oid
			  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
			 WHERE c.oid = r.object AND c.relkind = 'v' AND r.class = 'pg_class'::regclass
				AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
				AND d.deptype = 'n'
			UNION ALL
			SELECT d.refclassid, d.refobjid FROM pg_depend d
			 WHERE d.classid = 'pg_proc'::regclass AND d.objid = r.object
				AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
				AND d.deptype = 'n' AND r.class = 'pg_proc'::regclass
			UNION ALL
			SELECT 'pg_class'::regclass::oid, n FROM casesync_internal.relations_named(r.object) n
			 WHERE r.class = 'pg_proc'::regclass) x
	)
	SELECT c.oid FROM reads r
	  JOIN pg_class c ON c.oid = r.object AND r.class = 'pg_class'::regclass
	  JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname NOT IN ('pg_catalog',
		'information_schema', 'casesync', 'casesync_internal')
$$;
COMMENT ON FUNCTION casesync_internal.relations_read(oid) IS
	'the tables and materialized views that a view reads, also through other views and, as far as '
	'it can be seen, functions';

/* A partition is tracked with its table, and a table with the one it is a partition of. */
CREATE OR REPLACE FUNCTION casesync_internal.is_tracked(relation oid, registry text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE above(relation) AS (
		SELECT is_tracked.relation
		UNION
		SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.relation
	)
	SELECT EXISTS (SELECT FROM casesync_internal.tracking t JOIN above a ON t.relation = a.relation
		WHERE NOT t.removed AND is_tracked.registry = ANY (t.registries))
$$;
COMMENT ON FUNCTION casesync_internal.is_tracked(oid, text) IS
	'whether changes of a table are recorded for a registry';

CREATE OR REPLACE FUNCTION casesync_internal.untracked_for(registry text)
RETURNS TABLE (relation regclass, kind "char")
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.oid::regclass, c.relkind FROM casesync_internal.registry r
	 CROSS JOIN LATERAL casesync_internal.relations_read(r.view) x(relation)
	  JOIN pg_class c ON c.oid = x.relation
	 WHERE r.registry = untracked_for.registry
	   AND (c.relkind IN ('f', 'm') OR NOT casesync_internal.is_tracked(x.relation, r.registry))
	   AND NOT EXISTS (SELECT FROM casesync_internal.left_untracked l
			WHERE l.registry = r.registry AND l.relation = x.relation)
	 ORDER BY c.oid::regclass::text
$$;
COMMENT ON FUNCTION casesync_internal.untracked_for(text) IS
	'what a registry reads and nobody tracks for it, but for what somebody has said need not be';

/*
 * A registry that is only asked needs no tracking: it is one for which something is tracked, or
 * whose changes an agreement promises.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_told(registry text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM casesync_internal.tracking t
			WHERE NOT t.removed AND is_told.registry = ANY (t.registries))
		OR EXISTS (SELECT FROM casesync_internal.agreement a
			WHERE a.state = 'active' AND a.direction = 'out' AND 'notify' = ANY (a.services)
				AND is_told.registry = ANY (a.registries))
$$;
COMMENT ON FUNCTION casesync_internal.is_told(text) IS
	'whether changes of a registry are told, or are to be';

CREATE OR REPLACE FUNCTION casesync_internal.leave_untracked_for(caller regrole,
	relation regclass, registry text, reason text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(registry);
BEGIN
	PERFORM casesync_internal.registry_must_be_own(caller, registry);
	IF relation IS NULL OR NOT EXISTS (SELECT FROM casesync_internal.relations_read(r.view) x
		WHERE x = relation)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('registry %s does not read "%s"', registry, relation),
			hint => format('SELECT pg_get_viewdef(%L);', r.view));
	END IF;
	DELETE FROM casesync_internal.left_untracked l
	 WHERE l.registry = registry AND l.relation = relation;
	IF coalesce(reason, '') <> '' THEN
		INSERT INTO casesync_internal.left_untracked (registry, relation, reason, who)
		VALUES (registry, relation, reason, session_user);
	END IF;
	PERFORM casesync_internal.audit_note('leave_untracked', registry,
		jsonb_build_object('relation', relation::text, 'reason', reason));
	RETURN CASE WHEN coalesce(reason, '') <> ''
		THEN format('changes of %s are told to nobody, and health is silent about it', relation)
		ELSE format('health says it when changes of %s are told to nobody', relation) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.leave_untracked_for(regrole, regclass, text, text) IS
	'see casesync.leave_untracked()';

CREATE OR REPLACE FUNCTION casesync.leave_untracked(relation regclass, registry text, reason text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.leave_untracked(regclass, text, text) IS
	'a table that a registry of one''s own reads needs no tracking; health is silent about it from '
	'now on; reason NULL: it is not';

/* What somebody mistyped must not look as if it had been done. */
CREATE OR REPLACE FUNCTION casesync_internal.relation_must_be_tracked(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.tracking g
		WHERE NOT g.removed AND (g.relation = relation_must_be_tracked.relation
			OR g.relation_name = relation_must_be_tracked.relation::text))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('table "%s" is not tracked', relation),
			hint => 'SELECT relation, registries FROM casesync.tracked;');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.relation_must_be_tracked(regclass) IS
	'an error for a table that has no tracking';
