-- People that partners are told of, and what it takes to route their changes. Variables: people, subscriptions.
CREATE SCHEMA bench;
CREATE TABLE bench.person (id integer PRIMARY KEY, uin text, status integer) WITH (fillfactor = 80);
INSERT INTO bench.person SELECT i, 'U' || i, 1 FROM generate_series(1, :people) i;
CREATE VIEW bench.people AS SELECT id::text AS subject_key, jsonb_build_object('member_identifier',
    jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin)),
    'employment_status', status::text) AS record FROM bench.person;
SELECT casesync.publish('people', 'bench.people', 'Member');
SELECT casesync.track('bench.person', '{people}', 'id', on_update => 'enrolment_status_change');
SELECT casesync.set_partner('ess.test', 'https://ess.test');
SELECT casesync.set_agreement('A', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
    fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('A');
-- to single persons, of whom ten are here; more than a partner may ask for in the time that a bench has
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', jsonb_build_object('type', 'UIN', 'value', 'U' || i))
  FROM generate_series(1, 10) i;
INSERT INTO casesync_internal.subscription (partner, event_type, record_type, id_type, id_value, transaction_id, state)
SELECT 'ess.test', 'enrolment_status_change', 'Member', 'UIN', 'V' || i, 't', 'active' FROM generate_series(11, :subscriptions) i;
CREATE PROCEDURE bench.route() LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT more FROM casesync_internal.route(1000)) LOOP
        COMMIT;
    END LOOP;
    COMMIT;
END
$$;
-- in transactions of the usual size: one of more than a hundred rows would be a bulk load
CREATE PROCEDURE bench.change(people integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR begins IN 1 .. people BY 50 LOOP
        UPDATE bench.person SET status = 1 + status % 7 WHERE id BETWEEN begins AND begins + 49;
        COMMIT;
    END LOOP;
END
$$;
VACUUM ANALYZE;
