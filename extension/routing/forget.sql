/* Forgetting what rehearsals counted and showed: of a partner, of a person, long ago. */
CREATE OR REPLACE FUNCTION casesync_internal.routing_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.rehearsal_count c USING casesync_internal.agreement a
	 WHERE a.partner = routing_forget.partner AND c.agreement = a.agreement;
$$;
COMMENT ON FUNCTION casesync_internal.routing_forget(text) IS
	'part of drop_partner(): what rehearsals of its agreements counted; before these go';

CREATE OR REPLACE FUNCTION casesync_internal.routing_erase(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	erased bigint;
BEGIN
	DELETE FROM casesync_internal.rehearsal_told t WHERE t.registry = p.registry AND t.key = p.key;
	DELETE FROM casesync_internal.rehearsal_sample s
	 WHERE s.registry = p.registry AND s.key = p.key;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_erase(casesync_internal.person) IS
	'part of erase(): samples of rehearsals';

CREATE OR REPLACE FUNCTION casesync_internal.routing_prune(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.rehearsal_sample s WHERE s.at < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.routing_prune(timestamptz) IS
	'part of prune(): samples of rehearsals before a time';
