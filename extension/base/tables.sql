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
	names text[], marks text[], said text[]);
COMMENT ON TYPE casesync_internal.person IS
	'who is to be forgotten: identifiers as values (words) and as TYPE:value (names), as found in '
	'inbox subjects; marks: spellings of them that are looked for within texts; said: words that '
	'only together are about this person, as first and last name';
/* ---- reason ---- */
CREATE TYPE casesync_internal.verdict AS (code text, why text);
COMMENT ON TYPE casesync_internal.verdict IS
	'why something is refused, with the standard''s code; a code of NULL: it is not';
