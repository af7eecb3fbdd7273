-- What a change costs to route while a partner has 10, then 1 000 000 subscriptions to single persons.
-- Usage: psql -X -f test/bench/routing_subscriptions.sql DATABASE   (casesync installed there, nothing else)
\set changes 2000
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
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', jsonb_build_object('type', 'UIN', 'value', 'U' || i))
  FROM generate_series(1, 10) i;
CREATE TABLE bench.result (subscriptions bigint, microseconds numeric);
CREATE PROCEDURE bench.measure() LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	best interval;
BEGIN
	FOR i IN 1 .. 12 LOOP
		UPDATE bench.person SET status = 1 + status % 7;
		COMMIT;
		started := clock_timestamp();
		WHILE (SELECT more FROM casesync_internal.route(1000)) LOOP
			COMMIT;
		END LOOP;
		best := least(best, clock_timestamp() - started);
		COMMIT;
	END LOOP;
	INSERT INTO bench.result SELECT (SELECT count(*) FROM casesync_internal.subscription),
		round(extract(epoch FROM best) * 1000000 / (SELECT count(*) FROM bench.person), 1);
END
$$;
CALL bench.measure();
INSERT INTO casesync_internal.subscription (partner, event_type, record_type, id_type, id_value, transaction_id, state)
SELECT 'ess.test', 'enrolment_status_change', 'Member', 'UIN', 'V' || i, 't', 'active' FROM generate_series(1, 1000000) i;
VACUUM ANALYZE casesync_internal.subscription;
CALL bench.measure();
-- once more with 10: what the logs have grown by meanwhile is no fault of the subscriptions
DELETE FROM casesync_internal.subscription WHERE id_value ^@ 'V';
VACUUM FULL casesync_internal.subscription;
CALL bench.measure();
\o
SELECT subscriptions, min(microseconds) AS microseconds_per_change,
	round(min(microseconds) / first_value(min(microseconds)) OVER (ORDER BY subscriptions), 2) AS ratio
  FROM bench.result GROUP BY 1 ORDER BY 1;
