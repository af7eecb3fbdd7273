-- What a change costs to route while a partner has no filter, one of the usual size, and as many conditions as it may have.
-- Usage: psql -X -f test/bench/routing_filters.sql DATABASE   (casesync installed there, nothing else)
\set changes 1000
SET client_min_messages = warning;
SET jit = off;
\o /dev/null
CREATE SCHEMA bench;
CREATE TABLE bench.person (id integer PRIMARY KEY, uin text, status integer);
INSERT INTO bench.person SELECT i, 'U' || i, 1 FROM generate_series(1, :changes) i;
CREATE VIEW bench.people AS SELECT id::text AS subject_key, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin)),
	'employment_status', status::text) AS record FROM bench.person;
SELECT casesync.set_node('bench.test', 'https://bench.test', four_eyes => false);
SELECT casesync.publish('people', 'bench.people', 'Member');
SELECT casesync.track('bench.person', '{people}', 'id', on_update => 'enrolment_status_change');
SELECT casesync.set_partner('ess.test', 'https://ess.test');
SELECT casesync.set_agreement('A', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('A');
CREATE TABLE bench.result (id integer GENERATED ALWAYS AS IDENTITY, filters text, microseconds numeric, one_ms numeric);
CREATE PROCEDURE bench.measure(filters text) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	best interval;
	one interval;
BEGIN
	FOR i IN 1 .. 5 LOOP
		UPDATE bench.person SET status = 1 + status % 7;
		COMMIT;
		started := clock_timestamp();
		WHILE (SELECT more FROM casesync_internal.route(1000)) LOOP
			COMMIT;
		END LOOP;
		COMMIT;
		best := least(best, clock_timestamp() - started);
	END LOOP;
	FOR i IN 1 .. 30 LOOP
		UPDATE bench.person SET status = 1 + status % 7 WHERE id = i;
		COMMIT;
		started := clock_timestamp();
		PERFORM casesync_internal.route(1000);
		COMMIT;
		one := least(one, clock_timestamp() - started);
	END LOOP;
	INSERT INTO bench.result (filters, microseconds, one_ms) SELECT measure.filters,
		round(extract(epoch FROM best) * 1000000 / (SELECT count(*) FROM bench.person), 1),
		round(extract(epoch FROM one) * 1000, 2);
END
$$;
CREATE FUNCTION bench.filters(count integer, conditions integer, vals integer) RETURNS void LANGUAGE sql AS $$
	SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', jsonb_build_object('query', jsonb_build_object('$or',
		(SELECT jsonb_agg(jsonb_build_object('employment_status', jsonb_build_object('$in',
			(SELECT jsonb_agg(format('w%s-%s-%s', i, j, k)) FROM generate_series(1, vals) k)))) FROM generate_series(1, conditions) j))))
	  FROM generate_series(1, count) i
$$;
CALL bench.measure('none');
SELECT bench.filters(5, 2, 2);
CALL bench.measure('5 of 2 conditions with 2 values');
SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE state = 'active';
SELECT bench.filters(10, 249, 1);
CALL bench.measure('10 of 249 conditions with 1 value');
SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE state = 'active';
SELECT bench.filters(5, 1, 998);
CALL bench.measure('5 of 1 condition with 998 values');
\o
SELECT filters, microseconds AS microseconds_per_change, one_ms AS milliseconds_of_one_change FROM bench.result ORDER BY id;
SELECT count(*) AS paused FROM casesync_internal.subscription s WHERE to_jsonb(s)->>'paused_at' IS NOT NULL;
