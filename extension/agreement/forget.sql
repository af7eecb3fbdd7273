/* Forgetting agreements with a partner, whom they missed, how much was looked up. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.missed m USING casesync_internal.agreement a
	 WHERE a.partner = agreement_forget.partner AND m.agreement = a.agreement;
	DELETE FROM casesync_internal.agreement a WHERE a.partner = agreement_forget.partner;
	DELETE FROM casesync_internal.sharing_stop s WHERE s.partner = agreement_forget.partner;
	DELETE FROM casesync_internal.lookup_day d WHERE d.partner = agreement_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.agreement_forget(text) IS
	'part of drop_partner(): agreements with the partner, and what is counted under them';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.missed m WHERE m.registry = p.registry AND m.key = p.key;
$$;
COMMENT ON FUNCTION casesync_internal.agreement_erase(casesync_internal.person) IS
	'part of erase(): that a subject changed while an agreement was suspended';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_prune(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.lookup_day d WHERE d.day < before::date;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_prune(timestamptz) IS
	'part of prune(): counts of lookups before a day';
