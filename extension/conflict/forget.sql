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

CREATE OR REPLACE FUNCTION casesync_internal.conflict_prune(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.conflict c
	 WHERE c.state = 'settled' AND greatest(c.at, c.decided_at) < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	DELETE FROM casesync_internal.retelling t WHERE NOT t.is_due AND t.at < before;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.conflict_prune(timestamptz) IS
	'part of prune(): conflicts settled before a time';
