/* Forgetting agreements with a partner: whom they missed, how they were rehearsed and used. */

/* What is found through agreements goes before them. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.missed m USING casesync_internal.agreement a
	 WHERE a.partner = agreement_forget.partner AND m.agreement = a.agreement;
	DELETE FROM casesync_internal.rehearsal_count c USING casesync_internal.agreement a
	 WHERE a.partner = agreement_forget.partner AND c.agreement = a.agreement;
	DELETE FROM casesync_internal.agreement a WHERE a.partner = agreement_forget.partner;
	DELETE FROM casesync_internal.sharing_stop s WHERE s.partner = agreement_forget.partner;
	DELETE FROM casesync_internal.lookup_day d WHERE d.partner = agreement_forget.partner;
	DELETE FROM casesync_internal.lookup_walk w WHERE w.partner = agreement_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.agreement_forget(text) IS
	'part of drop_partner(): agreements with the partner, and what is counted under them';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_erase(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	samples bigint;
BEGIN
	DELETE FROM casesync_internal.rehearsal_told t WHERE t.registry = p.registry AND t.key = p.key;
	DELETE FROM casesync_internal.rehearsal_sample s
	 WHERE s.registry = p.registry AND s.key = p.key;
	GET DIAGNOSTICS samples = ROW_COUNT;
	DELETE FROM casesync_internal.missed m WHERE m.registry = p.registry AND m.key = p.key;
	RETURN samples;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_erase(casesync_internal.person) IS
	'part of erase(): samples of rehearsals, and that a subject changed while an agreement was '
	'suspended; returns how many samples';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_prune(before timestamptz,
	OUT samples bigint, OUT lookups bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.rehearsal_sample s WHERE s.at < before;
	GET DIAGNOSTICS samples = ROW_COUNT;
	DELETE FROM casesync_internal.lookup_day d WHERE d.day < before::date;
	GET DIAGNOSTICS lookups = ROW_COUNT;
	DELETE FROM casesync_internal.lookup_walk w WHERE w.day < casesync_internal.lookup_today();
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_prune(timestamptz) IS
	'part of prune(): samples of rehearsals before a time, counts of lookups before its day';
