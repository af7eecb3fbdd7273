-- A social protection system as it was before casesync: its own tables, its own French words.
-- Nothing in this file knows that partners exist.
CREATE ROLE social_app NOLOGIN;
CREATE ROLE agent LOGIN;                -- a case worker's login: rights on the application, no others
CREATE SCHEMA social AUTHORIZATION social_app;
SET ROLE social_app;

CREATE TABLE social.menage (
	id integer PRIMARY KEY,
	code text NOT NULL UNIQUE,
	quartier text NOT NULL,
	score_pauvrete numeric(5, 2) NOT NULL
);

CREATE TABLE social.personne (
	id integer PRIMARY KEY,
	menage_id integer NOT NULL REFERENCES social.menage,
	numero_national text NOT NULL UNIQUE,            -- written with hyphens: 8403-4521907-6
	nom text NOT NULL,
	prenom text NOT NULL,
	sexe char(1) NOT NULL CHECK (sexe IN ('F', 'M')),
	date_naissance date NOT NULL,
	date_deces date,
	situation text NOT NULL DEFAULT 'INCONNU' CHECK (situation IN ('OCCUPE', 'CHOMEUR', 'INCONNU')),
	maj_le timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON social.personne (replace(numero_national, '-', ''));

CREATE TABLE social.programme (
	id integer PRIMARY KEY,
	code text NOT NULL UNIQUE,
	libelle text NOT NULL
);

CREATE TABLE social.inscription (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	personne_id integer NOT NULL REFERENCES social.personne,
	programme_id integer NOT NULL REFERENCES social.programme,
	statut text NOT NULL,                  -- ACTIF SUSPENDU SORTI RADIE INACTIF REINTEGRE ...
	debut date NOT NULL,
	maj_le timestamptz NOT NULL DEFAULT now(),
	UNIQUE (personne_id, programme_id)
);

CREATE TABLE social.emploi (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	personne_id integer NOT NULL REFERENCES social.personne,
	employeur text NOT NULL,
	poste text NOT NULL,
	contrat text NOT NULL CHECK (contrat IN ('CDI', 'CDD', 'JOURNALIER', 'SAISONNIER', 'STAGE')),
	debut date NOT NULL,
	fin date
);

CREATE TABLE social.consentement (
	personne_id integer NOT NULL REFERENCES social.personne,
	finalite text NOT NULL,
	donne boolean NOT NULL,
	le date NOT NULL,
	PRIMARY KEY (personne_id, finalite)
);

CREATE FUNCTION social.dater() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.maj_le := clock_timestamp();
	RETURN NEW;
END
$$;
CREATE TRIGGER dater BEFORE UPDATE ON social.personne FOR EACH ROW EXECUTE FUNCTION social.dater();
CREATE TRIGGER dater BEFORE UPDATE ON social.inscription FOR EACH ROW EXECUTE FUNCTION social.dater();

GRANT USAGE ON SCHEMA social TO agent;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA social TO agent;
RESET ROLE;

\set first 1
\set last 10000
\if :{?few}
\set last 300
\endif
\ir people.sql

INSERT INTO social.menage
SELECT household, 'M-' || lpad(household::text, 6, '0'), min(district),
	20 + pg_temp.pick(household, 'score', 6000) / 100.0
  FROM resident GROUP BY household;

INSERT INTO social.personne
SELECT n, household, substr(national_id, 1, 4) || '-' || substr(national_id, 5, 7) || '-' || right(national_id, 1),
	surname, given_name, sex, born, died,
	CASE WHEN NOT of_working_age THEN 'INCONNU'
		ELSE '{"Employed":"OCCUPE","Not Employed":"CHOMEUR","Unknown":"INCONNU"}'::jsonb ->> employment_status END,
	since + time '08:00'
  FROM resident;

INSERT INTO social.programme VALUES
	(3, 'TM', 'Transferts monétaires'), (5, 'CS', 'Cantines scolaires'), (7, 'TP', 'Travaux publics');

INSERT INTO social.inscription (personne_id, programme_id, statut, debut)
SELECT n, 3, pg_temp.pick_word(n, 'cash', '{ACTIF,ACTIF,ACTIF,ACTIF,SUSPENDU,SORTI,RADIE}'), since
  FROM resident WHERE place = 1 AND died IS NULL
UNION ALL
SELECT n, 5, 'ACTIF', since FROM resident WHERE born > '2013-01-01' AND pg_temp.pick(n, 'school', 10) < 6
UNION ALL
SELECT n, 7, '{"Active":"ACTIF","Suspended":"SUSPENDU","Exited":"SORTI","Inactive":"INACTIF",
		"Awaiting Renewal":"A RENOUVELER"}'::jsonb ->> public_works_status, since
  FROM resident WHERE in_public_works AND n > 2000;

INSERT INTO social.emploi (personne_id, employeur, poste, contrat, debut)
SELECT n, pg_temp.pick_word(n, 'employer', '{Coopérative du Lac,Briqueterie Sahel,Mairie,Marché central,Transports Faso}'),
	pg_temp.pick_word(n, 'job', '{maçon,vendeuse,chauffeur,couturière,gardien,manœuvre}'),
	pg_temp.pick_word(n, 'contract', '{CDI,CDD,JOURNALIER,JOURNALIER,SAISONNIER,STAGE}'), since
  FROM resident WHERE of_working_age AND died IS NULL AND employment_status = 'Employed';

INSERT INTO social.consentement
SELECT n, 'ESS', consents, since FROM resident WHERE of_working_age;
ANALYZE;
