-- The machine's clock was years ahead and was put right: what rested then does not rest until that year comes.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT count(*) FROM (SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member')) s;
SELECT rest, casesync_internal.rest_is_over(clock_timestamp() + rest) AS is_over
  FROM unnest('{NULL,-1 s,1 min,1 day,26 hours,4 years}'::interval[]) rest;

-- a lane: the partner was away
INSERT INTO app.person VALUES (1, 'U1', '1');
SELECT * FROM app.route();
SELECT o FROM casesync_internal.lane l, casesync_internal.take(l.lane) m,
	casesync_internal.record_outcome(l.lane, m.message_id, 'retry', 60000, 503, NULL, NULL, NULL) o WHERE l.kind = 'notify';
UPDATE casesync_internal.lane_state SET next_attempt = clock_timestamp() + interval '1 day';
SELECT count(*) FROM app.send('ess.test');
UPDATE casesync_internal.lane_state SET next_attempt = clock_timestamp() + interval '4 years';
SELECT wait_ms FROM casesync_internal.lanes();
SELECT count(*) FROM app.send('ess.test');

-- a subject in quarantine: its view was too slow
INSERT INTO app.person VALUES (2, 'U2', '1');
SELECT * FROM app.route();
SELECT count(*) FROM app.send('ess.test');
SELECT count(*) FROM (SELECT casesync_internal.quarantine_add('people', 0, '{2}', 'enrolment_status_change', 'CS002', 'too slow')) q;
UPDATE casesync_internal.quarantine_entry SET again_at = clock_timestamp() + interval '1 day';
SELECT changes FROM app.route();
UPDATE casesync_internal.quarantine_entry SET again_at = clock_timestamp() + interval '4 years';
SELECT changes FROM app.route();
SELECT count(*) FROM casesync.quarantine;

-- a registry that is slow
INSERT INTO casesync_internal.routing_pace (registry, tracking, slice, rest_until) VALUES ('people', 0, 1, clock_timestamp() + interval '1 day');
SELECT at_rest FROM casesync_internal.slow_registries();
UPDATE casesync_internal.routing_pace SET rest_until = clock_timestamp() + interval '4 years';
SELECT at_rest FROM casesync_internal.slow_registries();

-- what a partner sent, and what it asks
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, agreement, agreement_version,
	mode, state, next_try) VALUES ('ess.test', 'm', 1, '', 'enrolment', 'Member', 'A', 1, 'auto', 'new', clock_timestamp() + interval '1 day');
INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id, correlation_id, state, next_try)
	VALUES ('ess.test', 'search', 'm', 't', 'c', 'new', clock_timestamp() + interval '1 day');
SELECT casesync_internal.inbox_due(1) <> '{}' AS inbox_goes_on, casesync_internal.request_claim() AS requests_go_on;
UPDATE casesync_internal.inbox_item SET next_try = clock_timestamp() + interval '4 years';
UPDATE casesync_internal.request_in SET next_try = clock_timestamp() + interval '4 years';
SELECT casesync_internal.inbox_due(1) <> '{}' AS inbox_goes_on, casesync_internal.request_claim() AS requests_go_on;

-- published keys
SELECT casesync.set_partner('ess.test', jwks_url => 'https://ess.test/keys');
SELECT count(*) FROM casesync_internal.next_jwks();
SELECT count(*) FROM casesync_internal.next_jwks();
UPDATE casesync_internal.jwks_source SET next_at = clock_timestamp() + interval '4 years';
SELECT count(*) FROM casesync_internal.next_jwks();
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
