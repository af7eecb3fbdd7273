-- The employment support system has no case system: its DBA makes casesync's casework schema. After ess_casesync.sql.
GRANT CREATE ON DATABASE ess TO jobs_app;
CREATE ROLE chief LOGIN;                -- a supervisor of counsellors
CREATE ROLE portal LOGIN;               -- one for all beneficiaries who look at their own case
CREATE ROLE portal_login LOGIN;         -- the side that knows who they are
SELECT casesync.grant_access('counsellor', 'types'), casesync.grant_access('chief', 'types'), casesync.grant_access('chief', 'reviewer');
SELECT casesync.grant_access('portal', 'portal'), casesync.grant_access('portal_login', 'portal_login');
SET ROLE jobs_app;
SELECT casesync.create_casework('casework');
INSERT INTO casework.organisation VALUES ('ess.labour.gov.xx', 'Employment support', true, 'counsellor'),
	('sp.social.gov.xx', 'Social protection', false, 'case_manager');
INSERT INTO casework.office (id, organisation, name) VALUES (1, 'ess.labour.gov.xx', 'Centre');
INSERT INTO casework.worker (id, office_id, name, role, login, supervisor_id) VALUES
	(2, 1, 'Emil', 'supervisor', 'chief', NULL), (1, 1, 'Elin', 'counsellor', 'counsellor', 2);
SELECT casesync.grant_casework('casework', 'counsellor', 'worker'), casesync.grant_casework('casework', 'chief', 'supervisor');
SELECT casesync.grant_casework('casework', 'portal', 'portal'), casesync.grant_casework('casework', 'portal_login', 'portal_login');
UPDATE casework.review_rule SET rule = 'all', percent = NULL WHERE event_type = 'plan_change';
SELECT * FROM casesync.publish_casework('casework');
SELECT casesync.receive_casework('casework', '{plan_change,referral}');

-- people are in two places here now: a death that social protection reports is written in both
CREATE OR REPLACE FUNCTION share.apply_person(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	number text := casesync.identifier_of(event.record, 'NATIONAL_ID');
	death date := casesync.death_date_of(event.record);
	status casesync.employment_status := (event.record ->> 'employment_status')::casesync.employment_status;
	people integer := 0;
	more integer;
BEGIN
	UPDATE jobs.person p SET died_on = coalesce(death, p.died_on), labour = coalesce(casesync.to_word('ess', status), p.labour)
	 WHERE p.nid = number;
	GET DIAGNOSTICS people = ROW_COUNT;
	UPDATE casework.person p SET death_date = coalesce(death, p.death_date), employment_status = coalesce(status, p.employment_status),
		told_by = event.reference_id
	  FROM casework.identifier i WHERE i.person_id = p.id AND i.type = 'NATIONAL_ID' AND i.value = number;
	GET DIAGNOSTICS more = ROW_COUNT;
	RETURN CASE WHEN people + more > 0 THEN 'applied' ELSE 'review: nobody here has this national id' END;
END
$$;
RESET ROLE;
SELECT casesync.set_agreement('CASES-ESS-SP', 'sp.social.gov.xx', registries => '{casework.member}', event_types => '{plan_change,referral}',
	fields => '{demographic_info.name,additional_attributes.plan,additional_attributes.referral}', identifier_types => '{NATIONAL_ID}',
	services => '{notify,push}', subjects => '''sp.social.gov.xx'' = ANY (organisations)', subscribing => 'auto', valid_from => '2026-01-01 00:00+00',
	legal_basis => 'Act 12/2024 s. 9', purpose => 'one case');
SELECT casesync.set_agreement('CASES-SP-ESS', 'sp.social.gov.xx', direction => 'in', event_types => '{plan_change,referral}',
	fields => '{demographic_info.name,additional_attributes.plan,additional_attributes.referral}', identifier_types => '{NATIONAL_ID}',
	services => '{notify,push}', apply_mode => 'auto', valid_from => '2026-01-01 00:00+00', legal_basis => 'Act 12/2024 s. 9');
