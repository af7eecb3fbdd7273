/* The tables and types of base/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- audit ---- */
CREATE TABLE casesync_internal.audit_entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	who name NOT NULL DEFAULT session_user,
	what text NOT NULL,
	about text,
	detail jsonb
);
COMMENT ON TABLE casesync_internal.audit_entry IS
	'administrative calls: who, when, what, about which thing';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.audit_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.audit_entry_id_seq', '');
