/* Tables that a registry's view reads and nobody tracks: their changes are told to nobody. */

/*
 * Through views over views, and not what functions read, which nobody can know. A materialized view
 * is an end: what is behind it counts only when it is refreshed.
 */
CREATE OR REPLACE FUNCTION casesync_internal.relations_read(view oid)
RETURNS SETOF oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE reads(relation) AS (
		SELECT relations_read.view
		UNION
		SELECT d.refobjid FROM reads r
		  JOIN pg_class c ON c.oid = r.relation AND c.relkind = 'v'
		  JOIN pg_rewrite w ON w.ev_class = r.relation
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
			AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
	)
	SELECT c.oid FROM reads r JOIN pg_class c ON c.oid = r.relation
	  JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname NOT IN ('pg_catalog',
		'information_schema', 'casesync', 'casesync_internal')
$$;
COMMENT ON FUNCTION casesync_internal.relations_read(oid) IS
	'the tables and materialized views that a view reads, also through other views';

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

/*
 * A registry that is only asked needs no tracking: it is one for which something is tracked, or
 * whose changes an agreement promises.
 */
CREATE OR REPLACE FUNCTION casesync_internal.untracked_tables()
RETURNS TABLE (registry text, relation regclass, kind "char")
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.registry, c.oid::regclass, c.relkind FROM casesync_internal.registry r
	 CROSS JOIN LATERAL casesync_internal.relations_read(r.view) x(relation)
	  JOIN pg_class c ON c.oid = x.relation
	 WHERE (EXISTS (SELECT FROM casesync_internal.tracking t
				WHERE NOT t.removed AND r.registry = ANY (t.registries))
			OR EXISTS (SELECT FROM casesync_internal.agreement a
				WHERE a.state = 'active' AND a.direction = 'out' AND 'notify' = ANY (a.services)
					AND r.registry = ANY (a.registries)))
	   AND (c.relkind IN ('f', 'm') OR NOT casesync_internal.is_tracked(x.relation, r.registry))
	   AND NOT EXISTS (SELECT FROM casesync_internal.left_untracked l
			WHERE l.registry = r.registry AND l.relation = x.relation)
	 ORDER BY r.registry, c.oid::regclass::text
$$;
COMMENT ON FUNCTION casesync_internal.untracked_tables() IS
	'what registries read and nobody tracks for them, but for what somebody has said need not be';

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
