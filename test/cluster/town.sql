-- The application: persons with a number that grows with each change, and all numbers that were ever committed.
CREATE TABLE person (id integer PRIMARY KEY, v integer NOT NULL);
CREATE TABLE history (person integer NOT NULL, v integer NOT NULL, PRIMARY KEY (person, v));
CREATE EXTENSION casesync;
CREATE ROLE casesync_bridge LOGIN;
SELECT casesync.grant_access('casesync_bridge', 'bridge');
CREATE VIEW shared_person AS
SELECT id::text AS subject_key, casesync.beneficiary(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', 'ID-' || id)],
	programmes => ARRAY[casesync.enrolment('Cash ' || v, 'Active'::casesync.enrolment_status)]) AS record
  FROM person;
SELECT * FROM casesync.publish('person', 'shared_person', 'Beneficiary', 'ESS');
SELECT casesync.track('person', '{person}', 'id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
