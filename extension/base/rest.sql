/*
 * No rest is longer than a day. One that ends later was written while the machine's clock was
 * ahead, and would last for years once somebody has put it right.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rest_is_over(until timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN until IS NULL OR until <= clock_timestamp()
	OR until > clock_timestamp() + interval '25 hours';
COMMENT ON FUNCTION casesync_internal.rest_is_over(timestamptz) IS
	'whether what was to wait until then need not wait any more';
