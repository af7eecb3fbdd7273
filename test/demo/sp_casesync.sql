-- casesync in the social protection system: the whole of what its DBA types on the first day.
-- base_url, partner_url and partner_jwk come from the demo's driver.
CREATE EXTENSION casesync;
CREATE ROLE casesync_bridge LOGIN;
CREATE ROLE officer LOGIN;              -- the data protection officer, who activates agreements
CREATE ROLE supervisor LOGIN;           -- decides about what waits for review
SELECT casesync.grant_access('social_app', 'publisher');
SELECT casesync.grant_access('casesync_bridge', 'bridge');
SELECT casesync.grant_access('officer', 'approver');
SELECT casesync.grant_access('supervisor', 'reviewer');

SELECT casesync.set_node('sp.social.gov.xx', :'base_url');

-- our words and the standard's codes
SELECT casesync.map_code('sp', word, code::casesync.enrolment_status)
  FROM (VALUES ('ACTIF', 'Active'), ('SUSPENDU', 'Suspended'), ('SORTI', 'Exited'), ('RADIE', 'Exited'),
		('INACTIF', 'Inactive'), ('REINTEGRE', 'Reinstated'), ('A RENOUVELER', 'Awaiting Renewal'),
		('DECEDE', 'Deceased')) m (word, code);
SELECT casesync.map_code('sp', word, code::casesync.employment_status)
  FROM (VALUES ('OCCUPE', 'Employed'), ('CHOMEUR', 'Not Employed'), ('INCONNU', 'Unknown')) m (word, code);
SELECT * FROM casesync.unmapped_words('sp', 'social.inscription', 'statut', NULL::casesync.enrolment_status);
SELECT * FROM casesync.unmapped_words('sp', 'social.personne', 'situation', NULL::casesync.employment_status);

-- what we have to tell: views of what partners may see, this much and no more
CREATE SCHEMA share AUTHORIZATION social_app;
SET ROLE social_app;
CREATE VIEW share.works AS
SELECT p.id AS subject_key, coalesce(c.donne, false) AS consents,
	casesync.beneficiary(
		identifiers => ARRAY[casesync.identifier('NATIONAL_ID', replace(p.numero_national, '-', ''))],
		programmes => ARRAY[casesync.enrolment('Public works',
			casesync.to_code('sp', i.statut, NULL::casesync.enrolment_status))]) AS record
  FROM social.inscription i JOIN social.personne p ON p.id = i.personne_id
  LEFT JOIN social.consentement c ON c.personne_id = p.id AND c.finalite = 'ESS'
 WHERE i.programme_id = 7;

CREATE VIEW share.person AS
SELECT p.id AS subject_key, coalesce(c.donne, false) AS consents,
	casesync.member(
		identifiers => ARRAY[casesync.identifier('NATIONAL_ID', replace(p.numero_national, '-', ''))],
		demographic_info => casesync.person(death_date => p.date_deces),
		employment_status => casesync.to_code('sp', p.situation, NULL::casesync.employment_status)) AS record
  FROM social.personne p
  LEFT JOIN social.consentement c ON c.personne_id = p.id AND c.finalite = 'ESS';

SELECT * FROM casesync.publish('works', 'share.works', 'Beneficiary', 'Social');
SELECT * FROM casesync.publish('person', 'share.person', 'Member', 'Social');
SELECT casesync.track('social.inscription', '{works}', 'personne_id',
	on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change',
	columns => '{statut,programme_id,personne_id}', condition => 'programme_id = 7');
SELECT casesync.track('social.personne', '{person}', 'id',
	on_update => 'enrolment_status_change', columns => '{date_deces,situation}');
SELECT casesync.leave_untracked('social.consentement', r, 'a consent is given before the first change'),
	casesync.leave_untracked('social.personne', 'works', 'numbers do not change') FROM unnest('{works,person}'::text[]) r;

-- what we do with what others tell us: our own code, with our own rights
CREATE FUNCTION share.apply_works(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	personne integer;
	mot text := casesync.to_word('sp', casesync.enrolment_status_of(event.record));
BEGIN
	SELECT p.id INTO personne FROM social.personne p
	 WHERE replace(p.numero_national, '-', '') = casesync.identifier_of(event.record, 'NATIONAL_ID');
	IF NOT FOUND THEN
		RETURN 'review: nobody here has this national id';
	END IF;
	INSERT INTO social.inscription AS i (personne_id, programme_id, statut, debut)
	VALUES (personne, 7, mot, current_date)
	ON CONFLICT (personne_id, programme_id) DO UPDATE SET statut = mot
	 WHERE i.statut IS DISTINCT FROM mot;
	RETURN 'applied';
END
$$;

CREATE FUNCTION share.apply_person(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deces date := casesync.death_date_of(event.record);
	mot text := casesync.to_word('sp', (event.record ->> 'employment_status')::casesync.employment_status);
BEGIN
	UPDATE social.personne p SET date_deces = coalesce(deces, p.date_deces), situation = coalesce(mot, p.situation)
	 WHERE replace(p.numero_national, '-', '') = casesync.identifier_of(event.record, 'NATIONAL_ID');
	RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody here has this national id' END;
END
$$;
RESET ROLE;
SELECT casesync.on_notify('Beneficiary', 'enrolment', 'share.apply_works(casesync.inbound)');
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'share.apply_works(casesync.inbound)');
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'share.apply_person(casesync.inbound)');

-- the other system, and what may pass in each direction
SELECT casesync.set_partner('ess.labour.gov.xx', :'partner_url', networks => '{127.0.0.0/8}');
SELECT casesync.add_key('ess.labour.gov.xx', :'partner_jwk');
SELECT casesync.set_agreement('SP-ESS-2026', 'ess.labour.gov.xx', registries => '{works,person}',
	event_types => '{enrolment_status_change}', identifier_types => '{NATIONAL_ID}',
	fields => '{programme_identifier.programme_name,enrollment_status,demographic_info.death_date,employment_status}',
	subjects => 'consents', subscribing => 'auto', valid_from => '2026-01-01 00:00+00',
	legal_basis => 'Act 12/2024 s. 7');
SELECT casesync.set_agreement('ESS-SP-2026', 'ess.labour.gov.xx', direction => 'in',
	event_types => '{enrolment,enrolment_status_change}', identifier_types => '{NATIONAL_ID}',
	fields => '{programme_identifier.programme_name,enrollment_status,demographic_info.death_date,employment_status}',
	apply_mode => 'auto', valid_from => '2026-01-01 00:00+00', legal_basis => 'Act 12/2024 s. 7');
