-- Two households of the desk, registered by the SP's case worker: who can work and agreed is referred by the SP's own trigger.
-- And what the desk's case manager needs besides the application: to read codes.
SELECT casesync.grant_access('agent', 'types');
SET ROLE agent;
BEGIN;
INSERT INTO social.menage VALUES (90001, 'M-90001', 'Kéra', 31.50), (90011, 'M-90011', 'Plateau', 27.20);
INSERT INTO social.personne (id, menage_id, numero_national, nom, prenom, sexe, date_naissance, handicap) VALUES
	(90001, 90001, '9404-7710001-3', 'Diallo', 'Awa', 'F', '1994-04-12', false),
	(90002, 90001, '9101-7710002-6', 'Diallo', 'Issa', 'M', '1991-01-20', true),
	(90003, 90001, '1903-7710003-9', 'Diallo', 'Rama', 'F', '2019-03-03', false),
	(90011, 90011, '8803-7720002-1', 'Mensah', 'Koffi', 'M', '1988-03-09', false),
	(90012, 90011, '5602-7720003-4', 'Mensah', 'Adjoa', 'F', '1956-02-17', false);
INSERT INTO social.consentement SELECT id, 'ESS', true, current_date FROM social.personne WHERE menage_id IN (90001, 90011);
COMMIT;
