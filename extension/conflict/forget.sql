/* Forgetting what met, and when fields were changed. */
CREATE OR REPLACE FUNCTION casesync_internal.conflict_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.field_version v WHERE v.registry = p.registry AND v.key = p.key;
	DELETE FROM casesync_internal.conflict c WHERE c.registry = p.registry AND c.key = p.key;
	DELETE FROM casesync_internal.retelling t WHERE t.registry = p.registry AND t.key = p.key;
$$;
COMMENT ON FUNCTION casesync_internal.conflict_erase(casesync_internal.person) IS
	'part of erase(): values that met, and when fields were changed';

CREATE OR REPLACE FUNCTION casesync_internal.conflict_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.conflict c
	 WHERE c.ctid >= first_row AND c.ctid < behind
	   AND c.state = 'settled' AND greatest(c.at, c.decided_at) < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.conflict_prune(timestamptz, bigint, bigint) IS
	'part of prune(): conflicts settled before a time, of these pages';

CREATE OR REPLACE FUNCTION casesync_internal.retelling_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.retelling t
	 WHERE t.ctid >= first_row AND t.ctid < behind AND NOT t.is_due AND t.at < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.retelling_prune(timestamptz, bigint, bigint) IS
	'part of prune(): that subjects were told once more, of these pages';
