-- How many records a second are built, checked, projected and written for the wire by one process.
-- Usage: psql -X -f test/bench/record_check.sql DATABASE   (casesync installed there)
\set records 10000
\set rounds 10
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TEMP TABLE bench_record AS
SELECT n, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('UIN', (100000000 + n)::text)],
	programmes => ARRAY[casesync.enrolment('Cash transfer', (1 + n % 7)::text::casesync.enrolment_status, 'C-1', date '2026-01-01' + n % 300),
		casesync.enrolment('Public works', 'Active'::casesync.enrolment_status, 'W-1')],
	member => casesync.member(
		demographic_info => casesync.person(name => casesync.name('Okoro', 'Ada ' || n), sex => 'F',
			birth_date => date '1970-01-01' + n % 10000, phone_number => ARRAY['+23480' || (10000000 + n)],
			address => ARRAY[casesync.address('12 Market Road', locality => 'Aba', country_code => 'NG')]),
		employment_status => '2', education_level => '3', marital_status => 'M', language_code => '{en}',
		employment_info => ARRAY[casesync.employment_info('2020-01-01', '2024-01-01', 'mason', 'Roads', 'Casual')],
		additional_attributes => '{"extra_work": "volunteer"}', last_updated => '2026-11-22 01:02:03+00')) AS record
  FROM generate_series(1, :records) n;
ANALYZE bench_record;
CREATE FUNCTION pg_temp.measure(what text, query text, rounds integer, records integer)
RETURNS TABLE (measured text, records_per_second numeric) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	best interval;
BEGIN
	FOR i IN 1 .. rounds LOOP
		started := clock_timestamp();
		EXECUTE query;
		best := least(best, clock_timestamp() - started);
	END LOOP;
	RETURN QUERY SELECT what, round(records / extract(epoch FROM best));
END
$$;
SELECT round(avg(length(record::text))) AS bytes_per_record FROM bench_record;
SELECT m.* FROM (VALUES
	('read only (floor)', 'SELECT count(*) FROM bench_record WHERE jsonb_typeof(record) = ''object'''),
	('is_valid_record', 'SELECT count(*) FROM bench_record WHERE casesync.is_valid_record(''Beneficiary'', record)'),
	('check_record', 'SELECT count(*) FROM bench_record, casesync.check_record(''Beneficiary'', record)'),
	('project (names and status)', 'SELECT count(casesync_internal.project(record, ''{programme_identifier.programme_name,enrollment_status}'', ''{UIN}'')) FROM bench_record'),
	('project (nearly all)', 'SELECT count(casesync_internal.project(record, ''{member,programme_identifier,enrollment_status}'', ''{UIN}'')) FROM bench_record'),
	('wire', 'SELECT count(casesync_internal.wire(record)) FROM bench_record'),
	('keyed_hash', 'SELECT count(casesync_internal.keyed_hash(''\x000102030405060708090a0b0c0d0e0f'', record)) FROM bench_record'),
	('record_identifiers', 'SELECT count(*) FROM bench_record, casesync.record_identifiers(record)'),
	('record_contains (itself)', 'SELECT count(*) FROM bench_record WHERE casesync_internal.record_contains(record, record)'),
	('beneficiary (as in the first day)', 'SELECT count(casesync.beneficiary(
		identifiers => ARRAY[casesync.identifier(''NATIONAL_ID'', n::text)],
		programmes => ARRAY[casesync.enrolment(''Cash'', ''Active''::casesync.enrolment_status)])) FROM bench_record')
	) b(what, query), pg_temp.measure(b.what, b.query, :rounds, :records) m;
