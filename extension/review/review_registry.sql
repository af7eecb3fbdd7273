/*
 * What is wrong with a registry before anybody is told of it. Faults of names need no look at
 * anybody's rows, and health says them too; faults of rows are looked for when somebody asks, or
 * has just published the view.
 */

/* A country may have types of its own, which it says once; what is near to a known one is none. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_faults(r casesync_internal.registry)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN n.near IS NULL THEN 'note' ELSE 'warning' END, format('registry %s',
			r.registry),
		format('record type %s is none of the standard''s for people%s', r.record_type,
			casesync_internal.did_you_mean(r.record_type, n.types)),
		format('SELECT * FROM casesync.publish(%L, %L, %L, %L, %L, %L);', r.registry, r.view,
			coalesce(n.near, 'Member'), r.reg_type, r.key_column, r.record_column)
	  FROM (SELECT t, casesync_internal.nearest_name(r.record_type, t)
			FROM (VALUES ('{Member,Person,Group,Beneficiary}'::text[])) v(t)) n(types, near)
	 WHERE r.record_type <> ALL (n.types)
	UNION ALL
	SELECT 'warning', format('registry %s', r.registry),
		format('registry type %s is not known here%s', r.reg_type,
			casesync_internal.did_you_mean(r.reg_type, n.types)),
		format('SELECT casesync.add_registry_type(%L);  -- or SELECT * FROM casesync.publish(%L, '
			'%L, %L, %L, %L, %L);', r.reg_type, r.registry, r.view, r.record_type,
			coalesce(casesync_internal.nearest_name(r.reg_type, n.types), 'ESS'), r.key_column,
			r.record_column)
	  FROM (SELECT array_agg(t.reg_type ORDER BY t.reg_type)
			FROM casesync_internal.registry_type t) n(types)
	 WHERE NOT EXISTS (SELECT FROM casesync_internal.registry_type t
		WHERE lower(casesync_internal.plain_name(r.reg_type)) = ANY (t.spellings))
$$;
COMMENT ON FUNCTION casesync_internal.registry_faults(casesync_internal.registry) IS
	'types of a registry that nobody knows';

CREATE OR REPLACE FUNCTION casesync_internal.key_faults(r casesync_internal.registry,
	seen casesync_internal.sampled)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN f.is_late THEN 'note' ELSE 'warning' END, format('registry %s', r.registry),
		f.problem, f.mend
	  FROM (SELECT casesync_internal.is_late(seen.error_code)) e(is_late)
	 CROSS JOIN LATERAL (VALUES
		(e.is_late, seen.error_code IS NOT NULL, CASE WHEN e.is_late
			THEN format('the first %s rows of view %s could not be read in time: their keys are '
				'not compared (%s)', casesync_internal.review_limit('rows'), r.view,
				seen.error_code)
			ELSE format('view %s cannot be read (%s)', r.view, seen.error_code) END,
			format('SELECT %I, %I FROM %s LIMIT 1;', r.key_column, r.record_column, r.view)),
		(false, seen.doubled > 0, format('view %s has several rows for each of %s of %s subjects: '
			'of these nobody is told', r.view, seen.doubled, seen.keys_seen),
			format('SELECT %1$I, count(*) FROM %2$s GROUP BY 1 HAVING count(*) > 1;  -- one row a '
				'subject: collect the others with jsonb_agg()', r.key_column, r.view)),
		(false, seen.without_key > 0, format('%s of %s rows of view %s have no %s: of these nobody '
			'is told', seen.without_key, seen.rows_seen, r.view, r.key_column),
			format('SELECT count(*) FROM %s WHERE %I IS NULL;', r.view, r.key_column)))
		f(is_late, is_so, problem, mend)
	 WHERE f.is_so
$$;
COMMENT ON FUNCTION casesync_internal.key_faults(casesync_internal.registry,
	casesync_internal.sampled) IS
	'what is wrong with the keys of a registry''s rows, of which some were looked at';

/* Nothing that a record says is in here: paths come from the standard, or are names. */
CREATE OR REPLACE FUNCTION casesync_internal.record_faults(r casesync_internal.registry,
	shown casesync_internal.sampled)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH looked AS (
		SELECT (SELECT count(*) FROM unnest(shown.records) x) + shown.unfound + shown.failed AS n
	)
	SELECT CASE WHEN f.is_late THEN 'note' ELSE 'warning' END, format('registry %s', r.registry),
		f.problem, f.mend
	  FROM looked l CROSS JOIN LATERAL (VALUES
		(false, shown.unfound * 2 > l.n, format('%s of %s keys of view %s are not found again: a '
			'key must stay the same, and be the same value when it is read back from its text',
			shown.unfound, l.n, r.view),
			format('SELECT %1$I FROM %2$s LIMIT 3;  -- twice: no row_number(), no random uuid',
				r.key_column, r.view)),
		(casesync_internal.is_late(shown.failed_code), shown.failed > 0, format('%s of %s records '
			'of view %s cannot be rendered (%s)', shown.failed, l.n, r.view, shown.failed_code),
			format('SELECT %I, %I FROM %s;  -- with some of its keys; or later: SELECT * FROM '
				'casesync.quarantine;', r.key_column, r.record_column, r.view)))
		f(is_late, is_so, problem, mend)
	 WHERE f.is_so
	UNION ALL
	SELECT 'warning', format('registry %s', r.registry),
		format('%s of %s records are not what the standard has: %s', x.records, l.n, x.path),
		format('SELECT c.* FROM %s v CROSS JOIN LATERAL casesync.check_record(%L, v.%I) c LIMIT 5;',
			r.view, r.record_type, r.record_column)
	  FROM looked l
	 /* Of other types the standard says nothing. */
	 CROSS JOIN (SELECT r.record_type WHERE casesync_internal.standard_fields(r.record_type, '')
		IS NOT NULL) k(type)
	 CROSS JOIN LATERAL (
		SELECT count(DISTINCT s.n) AS records, left(string_agg(DISTINCT
				regexp_replace(c.path, E'\\[\\d+\\]', '', 'g'), ', '), 300) AS path
		  FROM unnest(shown.records) WITH ORDINALITY s(record, n)
		 CROSS JOIN LATERAL casesync.check_record(k.type, s.record) c
		 WHERE c.severity = 'error') x
	 WHERE x.records > 0
$$;
COMMENT ON FUNCTION casesync_internal.record_faults(casesync_internal.registry,
	casesync_internal.sampled) IS
	'what is wrong with the records of a registry that were looked at';

/* Warnings: what such a table says may never change, or matter to nobody. */
CREATE OR REPLACE FUNCTION casesync_internal.untracked_faults(registry text)
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format(CASE WHEN u.kind = 'm' THEN 'registry %s reads materialized view %s: '
				'nobody is told when it is refreshed'
			WHEN u.kind = 'f' THEN 'registry %s reads foreign table %s: what changes there is told '
				'to nobody'
			ELSE 'registry %s reads table %s, which nobody tracks for it: what changes there is '
				'told to nobody' END, untracked_faults.registry, u.relation),
		format(CASE WHEN u.kind IN ('m', 'f') THEN 'SELECT casesync.look_again(%2$L);  -- each '
				'time; and then SELECT casesync.leave_untracked(%1$L, %2$L, reason);'
			ELSE 'SELECT casesync.track(%1$L, %3$L, %4$s, on_insert => …, on_update => …, '
				'on_delete => …);  -- or SELECT casesync.leave_untracked(%1$L, %2$L, reason);' END,
			u.relation, untracked_faults.registry, ARRAY[untracked_faults.registry],
			coalesce((SELECT quote_literal(m.names[1]) FROM casesync_internal.registry r
				CROSS JOIN LATERAL casesync_internal.key_meant(u.relation, r) m
				WHERE r.registry = untracked_faults.registry), 'key'))
	  FROM casesync_internal.untracked_for(untracked_faults.registry) u
$$;
COMMENT ON FUNCTION casesync_internal.untracked_faults(text) IS
	'what a registry reads and nobody tracks for it, in words, and what to do';
