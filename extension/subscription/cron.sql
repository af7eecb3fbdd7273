/* Cron expressions: when a scheduled subscription is due. Knows no subscription. */

/*
 * Forms of five, six and seven fields are in use (B15). A sentence and no error, since partners
 * send them: it goes into the answer.
 */
CREATE OR REPLACE FUNCTION casesync.cron_check(expression text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_cron_check' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.cron_check(text) IS
	'what is wrong with a cron expression of 5, 6 or 7 fields, as a sentence; NULL when nothing is';

CREATE OR REPLACE FUNCTION casesync.cron_next(expression text, after timestamptz, zone text)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'casesync_cron_next' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.cron_next(text, timestamptz, text) IS
	'the first time of a cron expression after the one given, by the clocks of a time zone; NULL: '
	'never again';
