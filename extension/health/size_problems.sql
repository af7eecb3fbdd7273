/* Our own tables, where they take more room than somebody may expect. */

/*
 * By what was looked at within the last hour: whoever watches waits for no table. A gigabyte is
 * nothing to be told of, whatever share it is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.size_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH size AS (
		SELECT sum(s.bytes) FILTER (WHERE s.what <> 'the whole database') AS bytes,
			sum(s.grown) FILTER (WHERE s.what <> 'the whole database') AS grown,
			min(s.since) AS since,
			max(s.bytes) FILTER (WHERE s.what = 'the whole database') AS all_bytes,
			(SELECT string_agg(format('%s %s', m.what, pg_size_pretty(m.bytes)), ', '
					ORDER BY m.bytes DESC)
			   FROM (SELECT x.* FROM casesync.sizes x WHERE x.what <> 'the whole database'
					 ORDER BY x.bytes DESC LIMIT 2) m) AS most
		  FROM casesync.sizes s)
	SELECT 'warning', format('casesync''s own tables have %s, more than half of the database: %s',
			pg_size_pretty(z.bytes), z.most),
		'SELECT * FROM casesync.sizes ORDER BY bytes DESC;  -- then perhaps '
		'casesync.set_retention(…)'
	  FROM size z WHERE z.bytes > 1073741824 AND z.bytes > z.all_bytes / 2
	UNION ALL
	SELECT 'warning', format('casesync''s own tables have grown by %s since %s, to %s: %s',
			pg_size_pretty(z.grown), to_char(z.since, 'YYYY-MM-DD HH24:MI'),
			pg_size_pretty(z.bytes), z.most),
		'SELECT * FROM casesync.sizes ORDER BY grown DESC;  -- and casesync.queue, for what waits'
	  FROM size z WHERE z.grown > 1073741824 AND z.grown > z.bytes / 5
$$;
COMMENT ON FUNCTION casesync_internal.size_problems() IS
	'when our own tables take much room, or grow fast';
