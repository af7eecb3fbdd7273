/*
 * Builders of record JSON: what is NULL is left out, codes go as codes, times in UTC. A builder
 * without anything to say gives NULL. The argument names are the attributes of the standard.
 */
CREATE OR REPLACE FUNCTION casesync.identifier(type text, value text)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.identifier(text, text) IS
	'an identifier; NULL when there is no value';

CREATE OR REPLACE FUNCTION casesync.identifier(type casesync.identifier_type, value text)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.identifier(casesync.identifier_type, text) IS
	'an identifier; NULL when there is no value';

CREATE OR REPLACE FUNCTION casesync.name(surname text DEFAULT NULL, given_name text DEFAULT NULL,
	second_name text DEFAULT NULL, maiden_name text DEFAULT NULL, prefix text DEFAULT NULL,
	suffix text DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.name(text, text, text, text, text, text) IS 'the name of a person';

CREATE OR REPLACE FUNCTION casesync.geo_coordinates(latitude numeric, longitude numeric)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.geo_coordinates(numeric, numeric) IS 'a point on the earth';

CREATE OR REPLACE FUNCTION casesync.place(name text DEFAULT NULL, address_line text DEFAULT NULL,
	geo jsonb DEFAULT NULL, contained_in_place jsonb DEFAULT NULL,
	contains_place jsonb[] DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.place(text, text, jsonb, jsonb, jsonb[]) IS 'a place';

CREATE OR REPLACE FUNCTION casesync.address(address_line_1 text DEFAULT NULL,
	address_line_2 text DEFAULT NULL,
	locality text DEFAULT NULL, sub_region_code text DEFAULT NULL, region_code text DEFAULT NULL,
	postal_code text DEFAULT NULL, country_code text DEFAULT NULL,
	geo_location jsonb DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.address(text, text, text, text, text, text, text, jsonb) IS
	'an address';

CREATE OR REPLACE FUNCTION casesync.person(identifiers jsonb[] DEFAULT NULL,
	name jsonb DEFAULT NULL,
	sex casesync.sex DEFAULT NULL, birth_date date DEFAULT NULL, death_date date DEFAULT NULL,
	address jsonb[] DEFAULT NULL, phone_number text[] DEFAULT NULL, email text[] DEFAULT NULL,
	registration_date timestamptz DEFAULT NULL, last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.person(jsonb[], jsonb, casesync.sex, date, date, jsonb[], text[],
	text[], timestamptz, timestamptz) IS 'a person: record type Person, or demographic_info';

CREATE OR REPLACE FUNCTION casesync.related_person(relationship_type casesync.relationship_type,
	related_member jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.related_person(casesync.relationship_type, jsonb) IS
	'somebody related to a member, and how';

CREATE OR REPLACE FUNCTION casesync.disability_info(
	disability_limitation_type casesync.functional_limitation_type,
	functional_severity casesync.functional_severity DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.disability_info(casesync.functional_limitation_type,
	casesync.functional_severity) IS 'one functional limitation and its severity';

CREATE OR REPLACE FUNCTION casesync.employment_info(start_date date DEFAULT NULL,
	end_date date DEFAULT NULL,
	job_title text DEFAULT NULL, employer text DEFAULT NULL,
	employment_type casesync.employment_type DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.employment_info(date, date, text, text, casesync.employment_type) IS
	'one employment';

CREATE OR REPLACE FUNCTION casesync.additional_attributes(attributes jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_additional_attributes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.additional_attributes(jsonb) IS
	'an object of names and values as the standard''s list of pairs';

CREATE OR REPLACE FUNCTION casesync.member(identifiers jsonb[] DEFAULT NULL,
	demographic_info jsonb DEFAULT NULL, related_person jsonb[] DEFAULT NULL,
	is_disabled boolean DEFAULT NULL, disability_info jsonb[] DEFAULT NULL,
	marital_status casesync.marital_status DEFAULT NULL,
	employment_status casesync.employment_status DEFAULT NULL,
	occupation casesync.occupation DEFAULT NULL, income_level casesync.income_level DEFAULT NULL,
	language_code text[] DEFAULT NULL, education_level casesync.education_level DEFAULT NULL,
	employment_info jsonb[] DEFAULT NULL,
	unemployment_reason casesync.unemployment_reason DEFAULT NULL,
	enrolment_status casesync.enrolment_status DEFAULT NULL,
	additional_attributes jsonb DEFAULT NULL, registration_date timestamptz DEFAULT NULL,
	last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.member(jsonb[], jsonb, jsonb[], boolean, jsonb[],
	casesync.marital_status, casesync.employment_status, casesync.occupation,
	casesync.income_level, text[], casesync.education_level, jsonb[],
	casesync.unemployment_reason, casesync.enrolment_status, jsonb, timestamptz, timestamptz) IS
	'record type Member; its enrolment status travels among the additional attributes';

CREATE OR REPLACE FUNCTION casesync.group_record(identifiers jsonb[] DEFAULT NULL,
	group_type casesync.assistance_unit DEFAULT NULL, geographical_location jsonb DEFAULT NULL,
	address jsonb[] DEFAULT NULL, place_address boolean DEFAULT NULL,
	poverty_score numeric DEFAULT NULL, poverty_score_type text DEFAULT NULL,
	group_head_info jsonb DEFAULT NULL, group_size integer DEFAULT NULL,
	member_list jsonb[] DEFAULT NULL, additional_attributes jsonb DEFAULT NULL,
	registration_date timestamptz DEFAULT NULL, last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.group_record(jsonb[], casesync.assistance_unit, jsonb, jsonb[],
	boolean, numeric, text, jsonb, integer, jsonb[], jsonb, timestamptz, timestamptz) IS
	'record type Group: a household or family';

CREATE OR REPLACE FUNCTION casesync.benefit(benefit_type casesync.benefit_type DEFAULT NULL,
	benefit_date date DEFAULT NULL, benefit_value text DEFAULT NULL,
	benefit_description text DEFAULT NULL, benefit_quantity integer DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.benefit(casesync.benefit_type, date, text, text, integer) IS
	'a benefit given';

CREATE OR REPLACE FUNCTION casesync.programme(programme_name text DEFAULT NULL,
	programme_identifier text DEFAULT NULL, programme_description text DEFAULT NULL,
	implementing_institution text DEFAULT NULL,
	institution_type casesync.institution_type DEFAULT NULL,
	legal_status casesync.legal_status DEFAULT NULL,
	social_protection_functions casesync.social_protection_function[] DEFAULT NULL,
	contribution_type casesync.contribution_type DEFAULT NULL,
	programme_type casesync.programme_type DEFAULT NULL, benefit jsonb[] DEFAULT NULL,
	benefit_frequency jsonb[] DEFAULT NULL,
	enrolment_status casesync.enrolment_status DEFAULT NULL,
	enrolment_date date DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.programme(text, text, text, text, casesync.institution_type,
	casesync.legal_status, casesync.social_protection_function[], casesync.contribution_type,
	casesync.programme_type, jsonb[], jsonb[], casesync.enrolment_status, date) IS
	'a programme, and what a beneficiary''s enrolment in it is';

/*
 * As three functions, by what the status is: a code of either list, or a word of which only the
 * list decides (A2).
 */
CREATE OR REPLACE FUNCTION casesync.enrolment(programme_name text, status casesync.enrolment_status,
	programme_identifier text DEFAULT NULL, enrolment_date date DEFAULT NULL,
	benefit jsonb[] DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.enrolment(text, casesync.enrolment_status, text, date, jsonb[]) IS
	'one programme a beneficiary is enrolled in, with the status there';

CREATE OR REPLACE FUNCTION casesync.enrolment(programme_name text,
	status casesync.ibr_enrollment_status,
	programme_identifier text DEFAULT NULL, enrolment_date date DEFAULT NULL,
	benefit jsonb[] DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.enrolment(text, casesync.ibr_enrollment_status, text, date, jsonb[]) IS
	'the same from the list of beneficiary registries, sent as the code of the ESS list';

CREATE OR REPLACE FUNCTION casesync.enrolment(programme_name text, status text,
	programme_identifier text DEFAULT NULL, enrolment_date date DEFAULT NULL,
	benefit jsonb[] DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.enrolment(text, text, text, date, jsonb[]) IS
	'the same with a label or code of either list; another word is an error';

CREATE OR REPLACE FUNCTION casesync.beneficiary(identifiers jsonb[] DEFAULT NULL,
	programmes jsonb[] DEFAULT NULL, enrolment_status casesync.enrolment_status DEFAULT NULL,
	enrolment_date date DEFAULT NULL, benefits jsonb[] DEFAULT NULL, member jsonb DEFAULT NULL,
	group_record jsonb DEFAULT NULL, assistance_unit casesync.assistance_unit DEFAULT NULL,
	status_change_date timestamptz[] DEFAULT NULL, additional_attributes jsonb DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.beneficiary(jsonb[], jsonb[], casesync.enrolment_status, date,
	jsonb[], jsonb, jsonb, casesync.assistance_unit, timestamptz[], jsonb) IS
	'record type Beneficiary; without a status of its own it has that of its programmes';
/* What an apply function reads from the record of a partner. */

CREATE OR REPLACE FUNCTION casesync.enrolment_status_of(record jsonb)
RETURNS casesync.enrolment_status
AS 'MODULE_PATHNAME', 'casesync_enrolment_status_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.enrolment_status_of(jsonb) IS
	'the enrolment status, from wherever partners put it and in either list; NULL when none';

/* As removal_record() writes it, in either form in which attributes are told. */
CREATE OR REPLACE FUNCTION casesync.is_removal(record jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_path_exists(record, '$.additional_attributes[*].removed ? (@ == "true" '
		'|| @ == true)')
$$;
COMMENT ON FUNCTION casesync.is_removal(jsonb) IS
	'whether all that a record says is that its subject has left what is shared with us';

CREATE OR REPLACE FUNCTION casesync.death_date_of(record jsonb)
RETURNS date
AS 'MODULE_PATHNAME', 'casesync_death_date_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.death_date_of(jsonb) IS
	'the date of death of the record''s subject; NULL when none';

CREATE OR REPLACE FUNCTION casesync.identifier_of(record jsonb, identifier_type text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_identifier_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.identifier_of(jsonb, text) IS
	'the subject''s identifier of that type; NULL when none';
