-- The builders of record JSON, and what an apply function reads from a record.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned
SET DateStyle = 'ISO';
SET TimeZone = 'Asia/Kolkata';

SELECT casesync.identifier('NATIONAL_ID', '4711');
SELECT casesync.identifier('uin', '4711'), casesync.identifier('BRN'::casesync.identifier_type, '1');
SELECT casesync.identifier('UIN', NULL), casesync.identifier('UIN', ''), casesync.identifier(NULL::text, '1');
SELECT casesync.name(surname => 'Okoro', given_name => 'Ada'), casesync.name('a', 'b', 'c', 'd', 'e', 'f'),
	casesync.name(), casesync.name(suffix => '');
SELECT casesync.address('12 Market Road', locality => 'Aba', country_code => 'NG');
SELECT casesync.place('Aba', geo => casesync.geo_coordinates(5.1167, 7.3667),
	contained_in_place => casesync.place('Abia'));
SELECT casesync.person(identifiers => ARRAY[casesync.identifier('UIN', '4711'), casesync.identifier('BRN', NULL)],
	name => casesync.name('Okoro', 'Ada'), sex => 'F', birth_date => '1990-05-20', death_date => 'infinity',
	address => ARRAY[casesync.address(locality => 'Aba'), NULL], phone_number => '{+23480000000,NULL}',
	email => '{}', last_updated => '2026-11-22 06:30:00.5');
SELECT casesync.member(
	identifiers => ARRAY[casesync.identifier('UIN', '4711')],
	demographic_info => casesync.person(name => casesync.name('Okoro')),
	related_person => ARRAY[casesync.related_person('SPS', casesync.person(name => casesync.name('Bello')))],
	is_disabled => false, disability_info => ARRAY[casesync.disability_info('Mobility', '2')],
	marital_status => 'married', employment_status => '2', occupation => '0', education_level => '0',
	language_code => '{eng,fr,xx-local}',
	employment_info => ARRAY[casesync.employment_info('2020-01-01', 'infinity', 'mason', 'Roads', 'Casual')],
	unemployment_reason => '02', enrolment_status => 'Suspended',
	additional_attributes => '{"shift": "night", "hours": 3.5, "on_call": true, "none": null, "union": {"local": 12}}',
	registration_date => '2026-01-10 08:00+00');
SELECT casesync.member(enrolment_status => 'Active'),
	casesync.member(enrolment_status => 'Active', additional_attributes => '[{"a": "1"}]'),
	casesync.member(additional_attributes => '"plain"');
SELECT casesync.additional_attributes('{"b": 2, "a": "1"}'), casesync.additional_attributes(NULL);
SELECT casesync.additional_attributes('[1]');
SELECT casesync.group_record(identifiers => ARRAY[casesync.identifier('UIN', 'H-1')], group_type => 'Household',
	poverty_score => 0.25, group_size => 2, place_address => true,
	member_list => ARRAY[casesync.member(is_disabled => true)]);
SELECT casesync.programme('Cash', 'C-1', social_protection_functions => '{1,2}', programme_type => '3',
	benefit => ARRAY[casesync.benefit('1', '2026-01-01', '100.00 EUR', benefit_quantity => 2)],
	benefit_frequency => '{"\"Monthly\""}');
SELECT casesync.enrolment('Cash', 'Active'), casesync.enrolment('Cash', '03', 'C-1', '2026-01-01'),
	casesync.enrolment('Cash', 'Graduated'::casesync.ibr_enrollment_status),
	casesync.enrolment('Cash', 'graduated'), casesync.enrolment('Cash', NULL::casesync.enrolment_status),
	casesync.enrolment('Cash', 'local:900'::casesync.enrolment_status);
SELECT casesync.enrolment('Cash', 'ACTIF');
SELECT casesync.person(), casesync.member(), casesync.group_record(), casesync.beneficiary(),
	casesync.programme(), casesync.benefit(), casesync.employment_info(), casesync.address(), casesync.place();
SELECT casesync.person(identifiers => '{}'), casesync.member(identifiers => ARRAY[NULL::jsonb]),
	casesync.member(demographic_info => 'null'), casesync.geo_coordinates('NaN', 'Infinity');

-- a beneficiary: the identifiers go to its member (or group), the status comes from the programmes
SELECT casesync.beneficiary(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', '4711')],
	programmes => ARRAY[casesync.enrolment('Cash', 'Active'), casesync.enrolment('Works', 'Active')]);
SELECT casesync.beneficiary(identifiers => ARRAY[casesync.identifier('UIN', '4711')],
	member => casesync.member(identifiers => ARRAY[casesync.identifier('BRN', '9')], is_disabled => true),
	group_record => casesync.group_record(group_size => 4),
	assistance_unit => 'Household', enrolment_date => '2026-01-01',
	status_change_date => '{2026-01-02 00:00+00,2026-01-03 00:00+05:30}',
	benefits => ARRAY[casesync.benefit('1')]);
SELECT casesync.beneficiary(identifiers => ARRAY[casesync.identifier('UIN', 'H-1')],
	group_record => casesync.group_record(group_size => 4));
SELECT casesync.beneficiary(member => casesync.member(is_disabled => true)),
	casesync.beneficiary(enrolment_status => 'Exited', programmes => ARRAY[casesync.enrolment('Cash', 'Active')]);
SELECT array_agg(a || ' + ' || b || ' = ' || casesync.enrolment_status_of(casesync.beneficiary(
		programmes => ARRAY[casesync.enrolment('1', a), casesync.enrolment('2', b)])) ORDER BY a, b)
  FROM unnest(ARRAY['1', '2', '3', '4', '5', '6', '7', 'local:900']) a, unnest(ARRAY['1', '2', '3', '4', '5', '6', '7', 'local:900']) b
 WHERE a < b;
SELECT casesync.beneficiary(programmes => ARRAY[casesync.programme('Cash'), '"text"', '[]', NULL]);

-- what is read is what was built
CREATE SCHEMA build_test;
CREATE TABLE build_test.person (id bigint PRIMARY KEY, national_id text, died date);
CREATE TABLE build_test.enrolment (person_id bigint, programme text, status casesync.enrolment_status);
INSERT INTO build_test.person VALUES (1, '4711', NULL), (2, '4712', '2026-03-01');
INSERT INTO build_test.enrolment VALUES (1, 'CASH', 'Active'), (1, 'PWP', 'Suspended'), (2, 'CASH', 'Deceased');
CREATE VIEW build_test.ess_member AS
SELECT p.id::text AS subject_key,
       casesync.beneficiary(
         identifiers => ARRAY[casesync.identifier('NATIONAL_ID', p.national_id)],
         member => casesync.member(demographic_info => casesync.person(death_date => p.died)),
         programmes  => array_agg(casesync.enrolment(e.programme, e.status) ORDER BY e.programme)) AS record
  FROM build_test.person p JOIN build_test.enrolment e ON e.person_id = p.id GROUP BY p.id;
SELECT subject_key, casesync.enrolment_status_of(record), casesync.death_date_of(record),
	casesync.identifier_of(record, 'national_id'), casesync.identifier_of(record, 'UIN')
  FROM build_test.ess_member ORDER BY 1;
SELECT casesync_internal.project(record, '{programme_identifier.programme_name,enrollment_status}', '{NATIONAL_ID}')
  FROM build_test.ess_member ORDER BY subject_key;
SELECT casesync_internal.project(record, '{programme_identifier.enrolment_status}', '{}')
  FROM build_test.ess_member ORDER BY subject_key;

-- a builder keeps its plan only for itself: several in one query, prepared, from plpgsql
PREPARE build(text) AS SELECT casesync.member(identifiers => ARRAY[casesync.identifier('UIN', $1)]) || casesync.name($1);
EXECUTE build('1');
EXECUTE build(NULL);
SELECT count(DISTINCT casesync.person(identifiers => ARRAY[casesync.identifier('UIN', n::text)]))
  FROM generate_series(1, 1000) n;

-- the status, wherever it stands and however it is written
SELECT r, casesync.enrolment_status_of(r) FROM unnest(ARRAY[
	'{}', '[]', '"1"', 'null', '{"enrolment_status": "4"}', '{"enrollment_status": 4}', '{"enrolled_status": "04"}',
	'{"enrolment_status": null, "enrollment_status": "suspended"}', '{"enrollment_status": ""}',
	'{"enrolment_status": "code:4"}', '{"enrollment_status": "Graduated"}', '{"enrollment_status": "Awaiting Renewal"}',
	'{"additional_attributes": [{"a": "1"}, "x", {"enrolment_status": "4"}]}',
	'{"additional_attributes": {"enrolment_status": "4"}}',
	'{"additional_attributes": [{"key": "enrolment_status", "value": "4"}]}',
	'{"additional_attributes": [{"name": "Enrolled_Status", "value": "Suspended"}]}',
	'{"additional_attributes": [{"key": "other", "value": "nonsense"}]}',
	'{"additional_attributes": "x"}', '{"additional_attributes": ["x"]}',
	'{"member": {"additional_attributes": [{"enrolment_status": "4"}]}}', '{"member": {"enrollment_status": "4"}}',
	'{"member": []}', '{"member": "x"}', '{"demographic_info": {"enrolment_status": "4"}}',
	'{"programme_identifier": [{"enrolment_status": "3"}, {"enrollment_status": "4"}]}',
	'{"programme_identifier": {"enrolment_status": "4"}}', '{"programme_identifier": ["C-1"]}',
	'{"enrollment_status": "1", "programme_identifier": [{"enrolment_status": "4"}]}']::jsonb[]) r
 ORDER BY r::text COLLATE "C";
SELECT casesync.enrolment_status_of('{"enrollment_status": "SUSPENDU"}');
SELECT casesync.enrolment_status_of(jsonb_build_object('enrolment_status', repeat('é', 50)));
SELECT casesync.enrolment_status_of('{"enrolment_status": true}');
SELECT casesync.enrolment_status_of('{"member": {"enrolment_status": {"a": 4}}}');
SELECT casesync.enrolment_status_of(NULL);
-- what says that somebody has left
SELECT r, casesync.is_removal(r) FROM unnest(ARRAY['{"additional_attributes": [{"removed": "true"}]}', '{"additional_attributes": {"removed": true}}',
	'{"additional_attributes": [{"x": "1"}, {"removed": "true"}]}', '{"additional_attributes": [{"removed": "false"}]}', '{"removed": "true"}', '[]', '7', NULL]::jsonb[]) r;
SELECT casesync_internal.project('{"member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": "1"}]}, "additional_attributes": [{"removed": "true"}, {"x": 1}]}',
	'{additional_attributes.removed}', '{UIN}') AS what_passes;

SELECT r, casesync.death_date_of(r) FROM unnest(ARRAY[
	'{}', '[]', '"2026-03-01"', '{"death_date": "2026-03-01"}', '{"death_date": null}', '{"death_date": ""}',
	'{"demographic_info": {"death_date": "2026-03-01T23:59:59.999-11:00"}}',
	'{"member": {"demographic_info": {"death_date": "2026-03-01T00:00:00"}}}',
	'{"member": {"death_date": "2024-02-29"}}', '{"demographic_info": []}', '{"demographic_info": "x"}',
	'{"related_person": [{"related_member": {"death_date": "2026-03-01"}}]}']::jsonb[]) r
 ORDER BY r::text COLLATE "C";
SELECT casesync.death_date_of('{"death_date": "2026-02-29"}');
SELECT casesync.death_date_of('{"death_date": 20260228}');
SELECT casesync.death_date_of('{"death_date": {"day": 1}}');
SELECT casesync.identifier_of('{"identifier": [{"identifier_type": "code:uin", "identifier_value": 12}]}', 'Uin'),
	casesync.identifier_of('{"identifier": "12"}', 'UIN'), casesync.identifier_of('[]', 'UIN'), casesync.identifier_of('{}', NULL);

DROP SCHEMA build_test CASCADE;
DROP EXTENSION casesync CASCADE;
