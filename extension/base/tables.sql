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
/* ---- person ---- */
CREATE TYPE casesync_internal.person AS (registry text, key text, erased text, words text[],
	names text[]);
COMMENT ON TYPE casesync_internal.person IS
	'who is to be forgotten: identifiers as values (words) and as TYPE:value (names), as found in '
	'inbox subjects';
