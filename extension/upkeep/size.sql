/* How much room casesync's own tables take, and how fast that grows: looked at once an hour. */
CREATE OR REPLACE FUNCTION casesync_internal.size_group(relation name)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN relation ~ '^change_\d$' THEN 'captured changes'
	WHEN relation ~ '^notification_\d$' OR relation IN ('event', 'open_number', 'compacted',
		'outgoing', 'push') THEN 'what is sent'
	WHEN relation IN ('message_in', 'inbox_item', 'request_in') THEN 'what was received'
	WHEN relation IN ('told', 'filter_inside', 'field_version', 'conflict', 'retelling')
		THEN 'what partners know'
	WHEN relation = 'disclosure' THEN 'disclosures'
	WHEN relation IN ('attempt', 'audit_entry') THEN 'attempts and audit'
	WHEN relation IN ('look_again_entry', 'quarantine_entry', 'expansion')
		THEN 'what waits for a look'
	ELSE 'others' END;
COMMENT ON FUNCTION casesync_internal.size_group(name) IS
	'what a table of ours is counted as in casesync.sizes';

/*
 * Kept for eight days: at most two hundred looks. A table that somebody has for himself is not
 * waited for: then this look is left out.
 */
CREATE OR REPLACE FUNCTION casesync_internal.sizes_look()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
BEGIN
	INSERT INTO casesync_internal.size_sample (at, what, bytes)
	SELECT now(), casesync_internal.size_group(c.relname), sum(pg_total_relation_size(c.oid))
	  FROM pg_class c
	 WHERE c.relnamespace = 'casesync_internal'::regnamespace AND c.relkind = 'r'
	 GROUP BY 2
	UNION ALL SELECT now(), 'the whole database', pg_database_size(current_database())
	ON CONFLICT DO NOTHING;
	DELETE FROM casesync_internal.size_sample s WHERE s.at < now() - interval '8 days';
EXCEPTION WHEN lock_not_available THEN
	NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.sizes_look() IS
	'part of prune_step(): how many bytes our tables have now';

CREATE OR REPLACE VIEW casesync.sizes AS
	SELECT n.what, n.bytes, n.bytes - o.bytes AS grown, o.at AS since, n.at
	  FROM casesync_internal.size_sample n
	  LEFT JOIN LATERAL (SELECT x.at, x.bytes FROM casesync_internal.size_sample x
		WHERE x.what = n.what AND x.at < n.at AND x.at > n.at - interval '25 hours'
		ORDER BY x.at LIMIT 1) o ON true
	 WHERE n.at = (SELECT max(x.at) FROM casesync_internal.size_sample x);
COMMENT ON VIEW casesync.sizes IS
	'how many bytes casesync''s own tables have with their indexes, by what is in them, as of an '
	'hour ago at most; and the whole database';
COMMENT ON COLUMN casesync.sizes.what IS 'what is in these tables';
COMMENT ON COLUMN casesync.sizes.bytes IS 'how many bytes they have';
COMMENT ON COLUMN casesync.sizes.grown IS
	'how many more than about a day before; NULL: that is not known yet';
COMMENT ON COLUMN casesync.sizes.since IS 'since when that counts';
COMMENT ON COLUMN casesync.sizes.at IS 'when it was looked at';
