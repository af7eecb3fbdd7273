/*
 * What health says of capture: what is not captured, or was not; what a registry reads and nobody
 * tracks; what cannot be rendered.
 */

/*
 * What is captured wrongly is critical, however little it is: it is lost without anybody seeing it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.gap_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', format('tracking %s of %s: %s', t.id, t.relation_name, d),
		casesync_internal.drift_mend(t, t.relation::text)
	  FROM casesync_internal.tracking t
		CROSS JOIN LATERAL unnest(casesync_internal.tracking_drift(t)) d
	 WHERE t.enabled AND NOT t.removed
	UNION ALL
	SELECT 'critical', l.problem, l.mend FROM casesync_internal.lost_triggers() l
	UNION ALL
	SELECT 'critical',
		format('%s was not captured since %s: %s', coalesce(g.relation::text, 'everything'),
			to_char(g.started, 'YYYY-MM-DD HH24:MI'), g.reason),
		casesync_internal.gap_mend(g)
	  FROM casesync_internal.gap g WHERE g.filled IS NULL AND NOT g.hole
	UNION ALL
	SELECT 'critical', format('changes of %s since %s%s may be missing for %s: %s',
			casesync_internal.gap_relation(g, g.relation::text),
			to_char(g.started, 'YYYY-MM-DD HH24:MI'),
			to_char(g.ended, '" until "YYYY-MM-DD HH24:MI'), array_to_string(g.registries, ', '),
			g.reason),
		casesync_internal.gap_mend(g) || CASE WHEN g.ended IS NULL
			THEN '  -- as the owner of the table' ELSE '  -- with the access admin' END
	  FROM casesync_internal.gap g WHERE g.filled IS NULL AND g.hole
$$;
COMMENT ON FUNCTION casesync_internal.gap_problems() IS 'what is not captured, or was not';

/* The minute's look is what there is without event triggers. */
CREATE OR REPLACE FUNCTION casesync_internal.watch_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT u.* FROM casesync_internal.registry r
	 CROSS JOIN LATERAL casesync_internal.untracked_faults(r.registry) u
	 WHERE casesync_internal.is_told(r.registry)
	UNION ALL
	SELECT 'warning', format('event trigger %s is %s: what DDL hides of tracked tables is noticed '
			'within a minute only', n.name, CASE WHEN e.oid IS NULL THEN 'missing'
			ELSE 'not always enabled' END),
		'SELECT casesync_internal.event_triggers_make();  -- as a superuser'
	  FROM unnest('{casesync_ddl,casesync_drop,casesync_rewrite}'::name[]) n(name)
	  LEFT JOIN pg_event_trigger e ON e.evtname = n.name
	 WHERE e.oid IS NULL OR e.evtenabled <> 'A'
	UNION ALL
	SELECT 'warning', format('%s tables do not notice what session_replication_role = replica '
			'writes', count(*)), 'SELECT casesync.retrack();  -- as their owner, or a superuser'
	  FROM casesync_internal.tracking t
	 CROSS JOIN LATERAL casesync_internal.unseen_missing(t) u HAVING count(*) > 0
$$;
COMMENT ON FUNCTION casesync_internal.watch_problems() IS
	'what could change without anybody noticing';

/* What cannot be rendered waits, and is not critical. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM casesync_internal.gap_problems()
	UNION ALL
	SELECT * FROM casesync_internal.watch_problems()
	UNION ALL
	SELECT 'critical', format('changes of %s do not reach registry %s: its owner has not let role '
			'"%s" feed it', t.relation_name, r, coalesce(o.owner, t.author, '?')),
		CASE WHEN casesync_internal.registry_fed_by(r, to_regrole(quote_ident(o.owner)))
			THEN format('SELECT casesync.retrack(%L);', t.relation_name)
			ELSE format('SELECT casesync.grant_registry(%L, %L);', r,
				coalesce(o.owner, t.author)) END
	  FROM casesync_internal.tracking t CROSS JOIN LATERAL unnest(t.registries) r
	 CROSS JOIN LATERAL casesync_internal.relation_owner(t.relation) o(owner)
	 WHERE t.enabled AND NOT t.removed AND r <> ALL (casesync_internal.tracking_feeds(t))
	UNION ALL
	SELECT 'critical', format('registry %s is not read: view %s belongs to role "%s", who has not '
			'published it', r.registry, r.view, casesync_internal.relation_owner(r.view)),
		casesync_internal.as_publisher(casesync_internal.relation_owner(r.view))
			|| format('SELECT * FROM casesync.publish(%L, %L, %L, %L, %L, %L);', r.registry,
				r.view, r.record_type, r.reg_type, r.key_column, r.record_column)
	  FROM casesync_internal.registry r
	 WHERE casesync_internal.relation_owner(r.view) IS NOT NULL
	   AND NOT casesync_internal.author_counts(r.author, r.view)
	UNION ALL
	SELECT 'warning', format('%s subjects of registry %s cannot be rendered (%s), since %s',
		q.subjects, q.registry,
			q.error_code, to_char(q.oldest, 'YYYY-MM-DD HH24:MI')),
		format('SELECT * FROM casesync.quarantine WHERE registry = %L;', q.registry)
	  FROM casesync.quarantined q
$$;
COMMENT ON FUNCTION casesync_internal.capture_problems() IS
	'what is not captured or cannot be rendered';
