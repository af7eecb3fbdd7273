-- casesync in the employment support system: the whole of what its DBA types on the first day.
-- base_url, partner_url and partner_jwk come from the demo's driver.
CREATE EXTENSION casesync;
CREATE ROLE casesync_bridge LOGIN;
CREATE ROLE officer LOGIN;              -- the data protection officer, who activates agreements
SELECT casesync.grant_access('jobs_app', 'publisher');
SELECT casesync.grant_access('casesync_bridge', 'bridge');
SELECT casesync.grant_access('officer', 'approver');

SELECT casesync.set_node('ess.labour.gov.xx', :'base_url');

-- our letters and the standard's codes
SELECT casesync.map_code('ess', word, code::casesync.enrolment_status)
  FROM (VALUES ('A', 'Active'), ('S', 'Suspended'), ('X', 'Exited'), ('G', 'Exited'), ('I', 'Inactive'),
		('R', 'Reinstated'), ('N', 'Awaiting Renewal'), ('D', 'Deceased')) m (word, code);
SELECT casesync.map_code('ess', word, code::casesync.employment_status)
  FROM (VALUES ('W', 'Employed'), ('J', 'Not Employed'), ('?', 'Unknown')) m (word, code);
SELECT * FROM casesync.unmapped_words('ess', 'jobs.enrolment', 'state', NULL::casesync.enrolment_status);
SELECT * FROM casesync.unmapped_words('ess', 'jobs.person', 'labour', NULL::casesync.employment_status);

-- what we have to tell: only whom social protection sent us, only public works
CREATE SCHEMA share AUTHORIZATION jobs_app;
SET ROLE jobs_app;
CREATE VIEW share.works AS
SELECT p.id AS subject_key, p.referral IS NOT NULL AS referred, coalesce(c.given, false) AS consents,
	casesync.beneficiary(
		identifiers => ARRAY[casesync.identifier('NATIONAL_ID', p.nid)],
		programmes => ARRAY[casesync.enrolment('Public works',
			casesync.to_code('ess', e.state, NULL::casesync.enrolment_status))]) AS record
  FROM jobs.enrolment e JOIN jobs.person p ON p.id = e.person_id
  LEFT JOIN jobs.consent c ON c.person_id = p.id AND c.purpose = 'SP'
 WHERE e.scheme = 'PW';

CREATE VIEW share.person AS
SELECT p.id AS subject_key, p.referral IS NOT NULL AS referred, coalesce(c.given, false) AS consents,
	casesync.member(
		identifiers => ARRAY[casesync.identifier('NATIONAL_ID', p.nid)],
		demographic_info => casesync.person(death_date => p.died_on),
		employment_status => casesync.to_code('ess', p.labour, NULL::casesync.employment_status)) AS record
  FROM jobs.person p
  LEFT JOIN jobs.consent c ON c.person_id = p.id AND c.purpose = 'SP';

SELECT * FROM casesync.publish('works', 'share.works', 'Beneficiary', 'ESS');
SELECT * FROM casesync.publish('person', 'share.person', 'Member', 'ESS');
SELECT casesync.track('jobs.enrolment', '{works}', 'person_id',
	on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change',
	columns => '{state,scheme,person_id}', condition => $$scheme = 'PW'$$);
SELECT casesync.track('jobs.person', '{person}', 'id',
	on_update => 'enrolment_status_change', columns => '{died_on,labour}');
SELECT casesync.track('jobs.consent', '{works}', 'person_id',
	on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change', condition => $$purpose = 'SP'$$);
SELECT casesync.leave_untracked('jobs.consent', 'person', 'tracked for works'),
	casesync.leave_untracked('jobs.person', 'works', 'numbers do not change');

-- what we do with what others tell us: our own code, with our own rights
CREATE FUNCTION share.apply_works(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	letter text := casesync.to_word('ess', casesync.enrolment_status_of(event.record));
BEGIN
	UPDATE jobs.enrolment e SET state = letter FROM jobs.person p
	 WHERE p.nid = casesync.identifier_of(event.record, 'NATIONAL_ID')
	   AND e.person_id = p.id AND e.scheme = 'PW';
	RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody of this national id is enrolled here' END;
END
$$;

CREATE FUNCTION share.apply_person(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	death date := casesync.death_date_of(event.record);
	letter text := casesync.to_word('ess', (event.record ->> 'employment_status')::casesync.employment_status);
BEGIN
	UPDATE jobs.person p SET died_on = coalesce(death, p.died_on), labour = coalesce(letter, p.labour)
	 WHERE p.nid = casesync.identifier_of(event.record, 'NATIONAL_ID');
	RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody here has this national id' END;
END
$$;
RESET ROLE;
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'share.apply_works(casesync.inbound)');
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'share.apply_person(casesync.inbound)');

-- the other system, and what may pass in each direction
SELECT casesync.set_partner('sp.social.gov.xx', :'partner_url', networks => '{127.0.0.0/8}');
SELECT casesync.add_key('sp.social.gov.xx', :'partner_jwk');
SELECT casesync.set_agreement('ESS-SP-2026', 'sp.social.gov.xx', registries => '{works,person}',
	event_types => '{enrolment,enrolment_status_change}', identifier_types => '{NATIONAL_ID}',
	fields => '{programme_identifier.programme_name,enrollment_status,demographic_info.death_date,employment_status}',
	subjects => 'consents AND referred', subscribing => 'auto', valid_from => '2026-01-01 00:00+00',
	legal_basis => 'Act 12/2024 s. 7');
SELECT casesync.set_agreement('SP-ESS-2026', 'sp.social.gov.xx', direction => 'in',
	event_types => '{enrolment_status_change}', identifier_types => '{NATIONAL_ID}',
	fields => '{programme_identifier.programme_name,enrollment_status,demographic_info.death_date,employment_status}',
	apply_mode => 'auto', valid_from => '2026-01-01 00:00+00', legal_basis => 'Act 12/2024 s. 7');
