-- What the social protection system has for case work, on tables of its own, and what its DBA adds so that the other
-- system follows it. After sp_casesync.sql.
-- our words and the standard's codes
SELECT casesync.map_code('sp', word, code::casesync.referral_status) FROM (VALUES ('DEMANDEE', 'requested'), ('RECUE', 'received'),
	('ACCEPTEE', 'accepted'), ('REFUSEE', 'rejected'), ('EN COURS', 'in_progress'), ('TERMINEE', 'completed'), ('ANNULEE', 'cancelled')) m (word, code);
SELECT casesync.map_code('sp', word, code::casesync.plan_status) FROM (VALUES ('BROUILLON', 'draft'), ('PROPOSE', 'proposed'),
	('CONVENU', 'agreed'), ('EN VIGUEUR', 'active'), ('ACHEVE', 'completed'), ('REVISE', 'revised'), ('ABANDONNE', 'ended')) m (word, code);
SELECT casesync.map_code('sp', word, code::casesync.plan_action_status) FROM (VALUES ('PREVUE', 'planned'), ('EN COURS', 'in_progress'),
	('FAITE', 'done'), ('MANQUEE', 'missed'), ('ANNULEE', 'cancelled')) m (word, code);

SET ROLE social_app;
CREATE TABLE social.orientation (
	id text PRIMARY KEY,
	personne_id integer NOT NULL UNIQUE REFERENCES social.personne,
	service text NOT NULL,
	etat text NOT NULL DEFAULT 'DEMANDEE',     -- DEMANDEE RECUE ACCEPTEE REFUSEE EN COURS TERMINEE ANNULEE
	le date NOT NULL DEFAULT current_date,
	repondre_avant timestamptz NOT NULL DEFAULT date_trunc('day', now()) + interval '14 days',
	repondu_le date,
	resultat text,
	motif text
);
CREATE TABLE social.plan (
	id text PRIMARY KEY,
	personne_id integer NOT NULL UNIQUE REFERENCES social.personne,
	etat text NOT NULL DEFAULT 'BROUILLON',    -- BROUILLON PROPOSE CONVENU EN VIGUEUR ACHEVE REVISE ABANDONNE
	objectif text NOT NULL,
	debut date NOT NULL DEFAULT current_date,
	fin date NOT NULL,
	accord_client date,
	motif text
);
CREATE TABLE social.action (
	plan_id text NOT NULL REFERENCES social.plan,
	id text NOT NULL,
	organisme text NOT NULL,
	nature text NOT NULL,
	echeance date,
	heures integer,
	etat text NOT NULL DEFAULT 'PREVUE',       -- PREVUE EN COURS FAITE MANQUEE ANNULEE
	fait_le date,
	motif text,
	PRIMARY KEY (plan_id, id)
);
CREATE TABLE social.accord (
	plan_id text NOT NULL REFERENCES social.plan,
	organisme text NOT NULL,
	PRIMARY KEY (plan_id, organisme)
);
CREATE TABLE social.age_actif (de integer NOT NULL, a integer NOT NULL);
INSERT INTO social.age_actif VALUES (18, 59);

-- who can work and has consented is sent to the employment service; a death ends what goes on
CREATE FUNCTION social.orienter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO social.orientation (id, personne_id, service)
	SELECT 'OR-' || p.id, p.id, 'recherche d''emploi' FROM social.personne p, social.age_actif g
	 WHERE p.id = NEW.personne_id AND NEW.donne AND NEW.finalite = 'ESS' AND p.date_deces IS NULL AND NOT p.handicap
	   AND extract(year FROM age(p.date_naissance)) BETWEEN g.de AND g.a
	ON CONFLICT DO NOTHING;
	RETURN NULL;
END
$$;
CREATE FUNCTION social.deces() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE social.action a SET etat = 'ANNULEE', motif = 'décès' FROM social.plan p
	 WHERE p.personne_id = NEW.id AND a.plan_id = p.id AND a.etat IN ('PREVUE', 'EN COURS') AND a.organisme = 'sp.social.gov.xx';
	UPDATE social.plan SET etat = 'ABANDONNE', motif = 'décès' WHERE personne_id = NEW.id AND etat IN ('PROPOSE', 'CONVENU', 'EN VIGUEUR');
	RETURN NULL;
END
$$;
-- an approval is of what was approved: whoever changes that, nobody has approved it any more
CREATE FUNCTION social.reviser() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM social.accord WHERE plan_id = to_jsonb(NEW) ->> TG_ARGV[0];
	RETURN NULL;
END
$$;
CREATE TRIGGER ajouter AFTER INSERT ON social.action FOR EACH ROW EXECUTE FUNCTION social.reviser('plan_id');
CREATE TRIGGER reviser AFTER UPDATE ON social.action FOR EACH ROW
	WHEN ((OLD.nature, OLD.echeance, OLD.heures) IS DISTINCT FROM (NEW.nature, NEW.echeance, NEW.heures)) EXECUTE FUNCTION social.reviser('plan_id');
CREATE TRIGGER reviser AFTER UPDATE ON social.plan FOR EACH ROW
	WHEN ((OLD.objectif, OLD.debut, OLD.fin) IS DISTINCT FROM (NEW.objectif, NEW.debut, NEW.fin)) EXECUTE FUNCTION social.reviser('id');
ALTER TABLE social.personne ADD COLUMN handicap boolean NOT NULL DEFAULT false;
CREATE TRIGGER orienter AFTER INSERT OR UPDATE ON social.consentement FOR EACH ROW EXECUTE FUNCTION social.orienter();
CREATE TRIGGER deces AFTER UPDATE ON social.personne FOR EACH ROW
	WHEN (OLD.date_deces IS NULL AND NEW.date_deces IS NOT NULL) EXECUTE FUNCTION social.deces();
GRANT SELECT, INSERT, UPDATE, DELETE ON social.orientation, social.plan, social.action, social.accord TO agent;
GRANT SELECT ON social.age_actif TO agent;

-- what we have to tell of a case: names, the referral, the plan once it is proposed
CREATE VIEW share.dossier AS
SELECT p.id AS subject_key, coalesce(c.donne, false) AS consents, casesync.member(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', replace(p.numero_national, '-', ''))],
	demographic_info => casesync.person(name => casesync.name(p.nom, p.prenom)),
	additional_attributes => nullif(jsonb_strip_nulls(jsonb_build_object('referral', (
		SELECT casesync.referral(o.id, casesync.to_code('sp', o.etat, NULL::casesync.referral_status), 'sp.social.gov.xx',
			'ess.labour.gov.xx', o.service, o.motif, o.le, o.repondre_avant, o.repondu_le, o.resultat)
		  FROM social.orientation o WHERE o.personne_id = p.id), 'plan', (
		SELECT casesync.plan(l.id, 1, casesync.to_code('sp', l.etat, NULL::casesync.plan_status), l.debut, l.fin,
			organisations => '{ess.labour.gov.xx,sp.social.gov.xx}',
			goals => ARRAY[casesync.plan_goal(l.id || '-B', l.objectif, 'open')],
			actions => ARRAY(SELECT casesync.plan_action(a.id, l.id || '-B', a.nature, organisation => a.organisme, responsible => 'joint',
					status => casesync.to_code('sp', a.etat, NULL::casesync.plan_action_status), due_date => a.echeance,
					hours_per_week => a.heures, delivered_on => a.fait_le, reason => a.motif)
				FROM social.action a WHERE a.plan_id = l.id ORDER BY a.id),
			reason => l.motif, client_agreed_on => l.accord_client,
			approved_by => ARRAY(SELECT organisme FROM social.accord WHERE plan_id = l.id ORDER BY 1))
		  FROM social.plan l WHERE l.personne_id = p.id AND l.etat <> 'BROUILLON'))), '{}')) AS record
  FROM social.personne p LEFT JOIN social.consentement c ON c.personne_id = p.id AND c.finalite = 'ESS'
 WHERE p.id IN (SELECT personne_id FROM social.orientation);
SELECT * FROM casesync.publish('dossier', 'share.dossier', 'Member', 'Social');
SELECT casesync.track('social.orientation', '{dossier}', 'personne_id', on_insert => 'referral', on_update => 'referral');
SELECT casesync.track('social.plan', '{dossier}', 'personne_id', on_insert => 'plan_change', on_update => 'plan_change');
SELECT casesync.track(t, '{dossier}', 'plan_id', on_insert => 'plan_change', on_update => 'plan_change', on_delete => 'plan_change',
	subjects => 'SELECT personne_id FROM social.plan WHERE id = $1') FROM unnest('{social.action,social.accord}'::regclass[]) t;
SELECT casesync.leave_untracked(t, 'dossier', 'a case begins with its referral') FROM unnest('{social.personne,social.consentement}'::regclass[]) t;

-- what we do with what the other side tells: its answer, its actions, its approval. The plan itself is ours.
CREATE FUNCTION share.apply_dossier(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	qui integer := (SELECT id FROM social.personne p WHERE replace(p.numero_national, '-', '') = casesync.identifier_of(event.record, 'NATIONAL_ID'));
	r jsonb := casesync.referral_of(event.record);
	projet jsonb := casesync.plan_of(event.record);
	a jsonb;
BEGIN
	IF qui IS NULL THEN
		RETURN 'review: nobody here has this national id';
	END IF;
	UPDATE social.orientation SET etat = casesync.to_word('sp', (r ->> 'referral_status')::casesync.referral_status),
		repondu_le = (r ->> 'responded_on')::date, resultat = r ->> 'outcome', motif = r ->> 'reason'
	 WHERE id = r ->> 'referral_id' AND personne_id = qui AND r ->> 'referral_status' <> 'requested';
	FOR a IN SELECT x FROM jsonb_array_elements(projet -> 'actions') x
			WHERE x ->> 'organisation' = event.partner AND EXISTS (SELECT FROM social.plan WHERE id = projet ->> 'plan_id') LOOP
		INSERT INTO social.action AS o VALUES (projet ->> 'plan_id', a ->> 'action_id', event.partner, a ->> 'kind', (a ->> 'due_date')::date,
			(a ->> 'hours_per_week')::integer, casesync.to_word('sp', (a ->> 'action_status')::casesync.plan_action_status),
			(a ->> 'delivered_on')::date, a ->> 'reason')
		ON CONFLICT (plan_id, id) DO UPDATE SET nature = excluded.nature, echeance = excluded.echeance, heures = excluded.heures,
			etat = excluded.etat, fait_le = excluded.fait_le, motif = excluded.motif WHERE o.organisme = event.partner;
	END LOOP;
	-- its approval is of the actions that it names: it counts when those are ours
	IF NOT projet -> 'approved_by' ? event.partner THEN
		DELETE FROM social.accord WHERE plan_id = projet ->> 'plan_id' AND organisme = event.partner;
	ELSE
		INSERT INTO social.accord SELECT id, event.partner FROM social.plan l WHERE id = projet ->> 'plan_id' AND NOT EXISTS (
			SELECT FROM social.action c WHERE plan_id = l.id AND NOT projet -> 'actions' @> jsonb_build_array(jsonb_strip_nulls(
				jsonb_build_object('action_id', c.id, 'kind', c.nature, 'due_date', c.echeance, 'hours_per_week', c.heures))))
		ON CONFLICT DO NOTHING;
	END IF;
	-- what it says of the rest is not taken: it is told once more as we have it
	RETURN CASE WHEN projet IS NULL OR EXISTS (SELECT FROM share.dossier d WHERE d.subject_key = qui
		AND casesync.plan_of(d.record) @> (projet - '{last_updated,approved_by,@content}'::text[])) THEN 'applied' ELSE 'kept' END;
END
$$;
RESET ROLE;
SELECT casesync.on_notify('Member', e, 'share.apply_dossier(casesync.inbound)') FROM unnest('{plan_change,referral}'::text[]) e;
SELECT casesync.grant_access('agent', 'caseworker');

SELECT casesync.set_agreement('CASES-SP-ESS', 'ess.labour.gov.xx', registries => '{dossier}', event_types => '{plan_change,referral}',
	fields => '{demographic_info.name,additional_attributes.plan,additional_attributes.referral,additional_attributes.push_note}', identifier_types => '{NATIONAL_ID}',
	services => '{notify,push}', subjects => 'consents', subscribing => 'auto', valid_from => '2026-01-01 00:00+00', legal_basis => 'Act 12/2024 s. 9', purpose => 'one case');
SELECT casesync.set_agreement('CASES-ESS-SP', 'ess.labour.gov.xx', direction => 'in', event_types => '{plan_change,referral}',
	fields => '{additional_attributes.plan,additional_attributes.referral}', identifier_types => '{NATIONAL_ID}',
	services => '{notify,push}', apply_mode => 'auto', valid_from => '2026-01-01 00:00+00', legal_basis => 'Act 12/2024 s. 9');
