/* The types of review/: made once; changed by the scripts of upgrade/ only. */
CREATE TYPE casesync_internal.sampled AS (registry text, rows_seen integer,
	without_key integer, keys_seen integer, doubled integer, error_code text, keys text[], records jsonb[],
	unfound integer, failed integer, failed_code text);
COMMENT ON TYPE casesync_internal.sampled IS
	'the first rows of a registry, counted, and some of its records';
