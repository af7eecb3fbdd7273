/* What administrators did: one row a call, never changed. */

CREATE TABLE casesync.audit_entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	who name NOT NULL DEFAULT session_user,
	what text NOT NULL,
	about text,
	detail jsonb
);
COMMENT ON TABLE casesync.audit_entry IS 'administrative calls: who, when, what, about which thing';
SELECT pg_catalog.pg_extension_config_dump('casesync.audit_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.audit_entry_id_seq', '');

CREATE FUNCTION casesync.audit_note(what text, about text, detail jsonb DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync.audit_entry (what, about, detail) VALUES (what, about, detail)
$$;
COMMENT ON FUNCTION casesync.audit_note(text, text, jsonb) IS
	'write one line of the audit; called by the administrative functions';
