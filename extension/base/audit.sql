/* What administrators did: one row a call, never changed. */
CREATE OR REPLACE FUNCTION casesync_internal.audit_note(what text, about text, detail jsonb DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.audit_entry (what, about, detail) VALUES (what, about, detail)
$$;
COMMENT ON FUNCTION casesync_internal.audit_note(text, text, jsonb) IS
	'write one line of the audit; called by the administrative functions';
