/* Forgetting a person who could not be rendered. */
CREATE OR REPLACE FUNCTION casesync_internal.quarantine_erase(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	erased bigint;
BEGIN
	DELETE FROM casesync_internal.quarantine_entry q
	 WHERE q.registry = p.registry AND q.key = p.key AND q.tracking = 0;
	GET DIAGNOSTICS erased = ROW_COUNT;
	/* Whom an entry of a tracking is about is not known: the error may quote anybody. */
	UPDATE casesync_internal.quarantine_entry q SET reason = 'the reason was erased'
	 WHERE q.registry = p.registry AND q.tracking <> 0;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casesync_internal.quarantine_erase(casesync_internal.person) IS
	'part of erase(): why a subject could not be rendered';
