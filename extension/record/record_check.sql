/* Records and changes of status against the standard. */

/*
 * IMMUTABLE, for CHECK: what counts as an error must not change without a new version saying so, or
 * a dump would not load.
 */
CREATE OR REPLACE FUNCTION casesync.is_valid_record(record_type text, record jsonb)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_valid_record' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_valid_record(text, jsonb) IS
	'whether a record is free of errors (warnings do not count); for use in CHECK';

CREATE OR REPLACE FUNCTION casesync.check_record(record_type text, record jsonb)
RETURNS TABLE (path text, problem text, severity text)
AS 'MODULE_PATHNAME', 'casesync_check_record' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION casesync.check_record(text, jsonb) IS
	'every problem of a record: errors, which nobody could use, and warnings';

CREATE OR REPLACE FUNCTION casesync.check_transition(old casesync.enrolment_status,
	new casesync.enrolment_status)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_check_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.check_transition(casesync.enrolment_status,
	casesync.enrolment_status) IS
	'why the new enrolment status may not follow the old one; NULL when it may';

CREATE OR REPLACE FUNCTION casesync.is_valid_transition(old casesync.enrolment_status,
	new casesync.enrolment_status)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_valid_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_valid_transition(casesync.enrolment_status,
	casesync.enrolment_status) IS 'whether the new enrolment status may follow the old one';
