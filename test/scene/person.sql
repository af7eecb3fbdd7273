\set ECHO none
-- An application: people, what of them may be shared, and tables that are watched. After try.sql.
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, status text, shared boolean DEFAULT true, district text, secret text);
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret) AS record
	  FROM app.person p;
DO $$ BEGIN
	PERFORM casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
	ASSERT (SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member')) = 0, 'no warning';
	PERFORM casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change',
		on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
END $$;
\set ECHO all
