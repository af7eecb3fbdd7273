/* The tables and types of registry/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- render ---- */
/* What became of a subject at rendering. */
CREATE TYPE casesync_internal.rendered AS (key text, state text, record jsonb, error_code text,
	reason text);
COMMENT ON TYPE casesync_internal.rendered IS
	'a subject''s record: state is found, gone, quarantine (with the reason), or alias (of the key '
	'that stands in reason)';
/* One subject's state under one agreement. */
CREATE TYPE casesync_internal.offer AS (key text, record jsonb, hmac bytea, state text,
	error_code text, reason text);
COMMENT ON TYPE casesync_internal.offer IS
	'what an agreement lets pass of a subject: state is pass, leave or keep';
/* ---- search ---- */
/* One agreement and one registry that a partner's question may be about. */
CREATE TYPE casesync_internal.search_source AS (a casesync_internal.agreement,
	r casesync_internal.registry);
COMMENT ON TYPE casesync_internal.search_source IS
	'a registry that may be asked, and the agreement that says what of it';
