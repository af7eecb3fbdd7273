/* Records and changes of status against the standard. */

CREATE FUNCTION casesync.check_transition(old casesync.enrolment_status,
	new casesync.enrolment_status) RETURNS text
	AS 'MODULE_PATHNAME', 'check_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.check_transition(casesync.enrolment_status,
	casesync.enrolment_status) IS
	'why the new enrolment status may not follow the old one; NULL when it may';

CREATE FUNCTION casesync.is_valid_transition(old casesync.enrolment_status,
	new casesync.enrolment_status) RETURNS boolean
	AS 'MODULE_PATHNAME', 'is_valid_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_valid_transition(casesync.enrolment_status,
	casesync.enrolment_status) IS 'whether the new enrolment status may follow the old one';
