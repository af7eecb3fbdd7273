/* The tables and types of forget/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TYPE casesync_internal.person AS (registry text, key text, erased text, words text[],
	names text[]);
COMMENT ON TYPE casesync_internal.person IS
	'who is to be forgotten: identifiers as values (words) and as TYPE:value (names), as found in '
	'inbox subjects';
