/*
 * A few rows of a registry as the bridge would send them, for those who review it. As the view's
 * owner, in bounded time. What records say stays here: only names, codes and counts go on.
 */

/* How much is looked at. */
CREATE OR REPLACE FUNCTION casesync_internal.review_limit(name text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE name
	WHEN 'rows' THEN 10000			/* of a view, to count keys */
	WHEN 'records' THEN 50			/* that are rendered */
	WHEN 'bytes' THEN 1000000		/* of them that are looked through */
	WHEN 'table rows' THEN 20		/* whose subjects are looked for */
	WHEN 'subjects' THEN 100		/* that those are about */
	WHEN 'query' THEN 1000			/* milliseconds */
	WHEN 'verb' THEN 2000			/* milliseconds, beside what somebody asked for */
	WHEN 'review' THEN 60000		/* milliseconds, for who asked for nothing else */
	END;
COMMENT ON FUNCTION casesync_internal.review_limit(text) IS
	'how much a review looks at, and how long; the only place where that is written';

CREATE OR REPLACE FUNCTION casesync_internal.review_time(until timestamptz)
RETURNS integer
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(1, least(casesync_internal.review_limit('query'),
		extract(epoch FROM until - clock_timestamp()) * 1000)::integer)
$$;
COMMENT ON FUNCTION casesync_internal.review_time(timestamptz) IS
	'how many milliseconds one query of a review may take';

/* A machine that is busy says nothing about a view. */
CREATE OR REPLACE FUNCTION casesync_internal.is_late(error_code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(error_code IN ('57014', 'CS002', '55P03'), false)
$$;
COMMENT ON FUNCTION casesync_internal.is_late(text) IS
	'whether something could not be looked at in time, and not whether it can be';

/*
 * The first rows that the view gives; of these the keys of one row each, in an order that has
 * nothing to do with their age.
 */
CREATE OR REPLACE FUNCTION casesync_internal.review_keys(r casesync_internal.registry,
	until timestamptz)
RETURNS casesync_internal.sampled
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	found jsonb;
	s casesync_internal.sampled;
BEGIN
	s.registry := r.registry;
	s.keys := '{}';
	SELECT q.record INTO found FROM casesync_internal.owner_query(r.author, r.view, format(
		'WITH seen AS MATERIALIZED (SELECT %s AS k FROM %s LIMIT $1), by_key AS (
			SELECT s.k, count(*) AS n FROM seen s WHERE s.k IS NOT NULL GROUP BY s.k)
		SELECT NULL::text, jsonb_build_object(''rows'', (SELECT count(*) FROM seen),
			''without'', (SELECT count(*) FROM seen s WHERE s.k IS NULL),
			''keys'', (SELECT count(*) FROM by_key),
			''doubled'', (SELECT count(*) FROM by_key b WHERE b.n > 1),
			''list'', (SELECT jsonb_agg(x.k ORDER BY x.k COLLATE "C") FROM (
				SELECT b.k FROM by_key b WHERE b.n = 1 ORDER BY md5(b.k) LIMIT %s) x))',
		casesync_internal.key_text(r), r.view, casesync_internal.review_limit('records')),
		casesync_internal.review_limit('rows'), casesync_internal.review_time(until)) q;
	s.rows_seen := found->'rows';
	s.without_key := found->'without';
	s.keys_seen := found->'keys';
	s.doubled := found->'doubled';
	s.keys := ARRAY(SELECT k FROM jsonb_array_elements_text(casesync_internal.list_of(
		found->'list')) k);
	RETURN s;
EXCEPTION WHEN OTHERS THEN
	s.error_code := SQLSTATE;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.review_keys(casesync_internal.registry, timestamptz) IS
	'the keys of a registry''s first rows, counted, and some of them; or the code of what failed';

/* By the query that the bridge uses: without it a record is not what would be sent. */
CREATE OR REPLACE FUNCTION casesync_internal.review_sample(r casesync_internal.registry,
	until timestamptz)
RETURNS casesync_internal.sampled
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	s casesync_internal.sampled := casesync_internal.review_keys(r, until);
	rows record;
BEGIN
	s.records := '{}';
	s.unfound := 0;
	s.failed := 0;
	rows := casesync_internal.rows_by_key(r.author, r.view, casesync_internal.render_query(r),
		s.keys, NULL, casesync_internal.review_time(until), least(until,
			clock_timestamp() + casesync_internal.review_limit('query') * interval '1 ms'));
	s.records := ARRAY(SELECT x.record FROM (SELECT f.record, f.n,
				sum(pg_column_size(f.record)) OVER (ORDER BY f.n) AS bytes
			FROM unnest(rows.found_records) WITH ORDINALITY f(record, n)) x
		WHERE x.record IS NOT NULL AND x.bytes <= casesync_internal.review_limit('bytes')
		ORDER BY x.n);
	s.failed := cardinality(rows.bad_keys)
		+ (SELECT count(*) FROM unnest(rows.found_records) x WHERE x IS NULL);
	s.failed_code := coalesce(rows.bad_codes[1], '22004');
	s.unfound := (SELECT count(*) FROM (SELECT unnest(s.keys) EXCEPT SELECT unnest(rows.found_keys)
		EXCEPT SELECT unnest(rows.bad_keys)) u);
	RETURN s;
EXCEPTION WHEN OTHERS THEN
	s.failed := cardinality(s.keys);
	s.failed_code := SQLSTATE;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.review_sample(casesync_internal.registry, timestamptz) IS
	'the keys of a registry''s first rows, and some of its records; with how many keys were not '
	'found again, and how many records could not be rendered';
