-- Records against the standard's data objects; the corpora have one a line in test/corpus.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned
\getenv abs_srcdir PG_ABS_SRCDIR
\set clean :abs_srcdir '/test/corpus/records_clean.txt'
\set tolerated :abs_srcdir '/test/corpus/records_tolerated.txt'
\set invalid :abs_srcdir '/test/corpus/records_invalid.txt'
CREATE TEMP TABLE clean (line integer GENERATED ALWAYS AS IDENTITY, record_type text, record jsonb);
CREATE TEMP TABLE tolerated (line integer GENERATED ALWAYS AS IDENTITY, record_type text, record jsonb, path text);
CREATE TEMP TABLE invalid (LIKE tolerated INCLUDING IDENTITY);
COPY clean (record_type, record) FROM :'clean' (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', NULL '(null)');
COPY tolerated (record_type, record, path) FROM :'tolerated' (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', NULL '(null)');
COPY invalid (record_type, record, path) FROM :'invalid' (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', NULL '(null)');

-- clean: no problem at all
SELECT count(*) > 15 AS enough FROM clean;
SELECT line, record, c.* FROM clean, casesync.check_record(record_type, record) c ORDER BY line;
SELECT line, record FROM clean WHERE casesync.is_valid_record(record_type, record) IS NOT TRUE ORDER BY line;
-- tolerated: warnings at the place named, no error
SELECT line, record FROM tolerated t WHERE casesync.is_valid_record(record_type, record) IS NOT TRUE
	OR NOT EXISTS (SELECT FROM casesync.check_record(record_type, record) c WHERE c.path = t.path AND c.severity = 'warning') ORDER BY line;
SELECT line, path, problem FROM tolerated t, LATERAL (SELECT c.problem, c.severity, c.path AS at FROM casesync.check_record(record_type, record) c) c
 WHERE at = path ORDER BY line, problem;
-- invalid: an error at the place named
SELECT line, record FROM invalid t WHERE casesync.is_valid_record(record_type, record) IS NOT FALSE
	OR NOT EXISTS (SELECT FROM casesync.check_record(record_type, record) c WHERE c.path = t.path AND c.severity = 'error') ORDER BY line;
SELECT line, path, problem FROM invalid t, LATERAL (SELECT c.problem, c.severity, c.path AS at FROM casesync.check_record(record_type, record) c) c
 WHERE at = path AND severity = 'error' ORDER BY line, problem;
-- valid is: no row of severity error, whatever the record
SELECT r.record FROM (SELECT record_type, record FROM clean UNION ALL SELECT record_type, record FROM tolerated
	UNION ALL SELECT record_type, record FROM invalid) r
 WHERE casesync.is_valid_record(record_type, record)
	IS DISTINCT FROM NOT EXISTS (SELECT FROM casesync.check_record(record_type, record) c WHERE c.severity = 'error');
-- what the builders make has no problem
SELECT c.* FROM casesync.check_record('Beneficiary', casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('UIN', '4711')],
	programmes => ARRAY[casesync.enrolment('Cash', 'Active', 'C-1', '2026-01-01',
		ARRAY[casesync.benefit('1', '2026-01-01', '100 EUR', benefit_quantity => 1)])],
	assistance_unit => 'Household', status_change_date => '{2026-01-01 00:00+00}',
	group_record => casesync.group_record(group_type => 'Family', poverty_score => 0.5, group_size => 4),
	member => casesync.member(demographic_info => casesync.person(name => casesync.name('Okoro'), sex => 'f',
			birth_date => '1990-05-20', phone_number => '{+15550100}', address => ARRAY[casesync.address('1 Road')]),
		related_person => ARRAY[casesync.related_person('SPS', casesync.person(name => casesync.name('Bello')))],
		disability_info => ARRAY[casesync.disability_info('Mobility', '2')], marital_status => 'married',
		employment_status => '2', occupation => '1', income_level => '1', language_code => '{en}', education_level => '6',
		employment_info => ARRAY[casesync.employment_info('2020-01-01', NULL, 'mason', 'Roads', 'Casual')],
		unemployment_reason => '2', enrolment_status => 'Suspended', additional_attributes => '{"shift": "night"}',
		registration_date => '2026-01-10 08:00+00'))) c;

-- no problem text has the value in it
SELECT count(*) FROM casesync.check_record('Member', '{"marital_status": "SECRET", "occupation": "SECRET",
	"member_identifier": "SECRET", "demographic_info": {"birth_date": "SECRET", "email": ["SECRET"], "phone_number": "SECRET",
	"sex": "SECRET"}, "is_disabled": "SECRET", "registration_date": "SECRET"}') c WHERE problem LIKE '%SECRET%';

-- bounds: depth, length, number of values, number of problems
SELECT depth, casesync.is_valid_record('Member', ('{"x":' || repeat('[', depth - 1) || repeat(']', depth - 1) || '}')::jsonb)
  FROM unnest(ARRAY[26, 27, 28, 1000]) depth;
SELECT c.* FROM casesync.check_record('Group', (repeat('{"geographical_location":{"contained_in_place":', 20) || '{}' || repeat('}}', 20))::jsonb) c
 WHERE severity = 'error';
SELECT casesync.is_valid_record('Group', (repeat('{"contained_in_place":', 5000) || '{}' || repeat('}', 5000))::jsonb);
SELECT c.* FROM casesync.check_record('Member', jsonb_build_object('employment_info',
	jsonb_build_array(jsonb_build_object('employer', repeat('x', 65537))))) c;
SELECT casesync.is_valid_record('Member', jsonb_build_object('employment_info',
	jsonb_build_array(jsonb_build_object('employer', repeat('x', 65536)))));
SELECT c.* FROM casesync.check_record('Person', jsonb_build_object('phone_number',
	(SELECT jsonb_agg('+15550100'::text) FROM generate_series(1, 100001)))) c;
SELECT severity, count(*), max(problem) FILTER (WHERE problem LIKE '%not shown%')
  FROM casesync.check_record('Person', jsonb_build_object('phone_number',
	(SELECT jsonb_agg('x'::text) FROM generate_series(1, 500)), 'sex', 'x')) c GROUP BY severity ORDER BY 1;

SELECT length(path), problem FROM casesync.check_record('Member', jsonb_build_object(repeat('é', 40000), 1));

-- NULL, unknown types, and the table of facts itself
SELECT casesync.is_valid_record(NULL, '{}'), casesync.is_valid_record('Member', NULL);
SELECT count(*) FROM casesync.check_record('Member', NULL);
SELECT casesync.is_valid_record('Farmer', '{}');
SELECT * FROM casesync.check_record('', '{}');

-- in a CHECK, and in an index
CREATE TEMP TABLE record (record jsonb CHECK (casesync.is_valid_record('Member', record)));
INSERT INTO record VALUES ('{"marital_status": "M"}'), ('{"marital_status": "married"}'), (NULL);
CREATE INDEX ON record (casesync.is_valid_record('Member', record));
\set VERBOSITY terse
INSERT INTO record VALUES ('{"marital_status": "nonsense"}');

DROP EXTENSION casesync CASCADE;
