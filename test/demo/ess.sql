-- An employment support system as it was before casesync: other tables, one-letter states.
-- Nothing in this file knows that partners exist.
CREATE ROLE jobs_app NOLOGIN;
CREATE ROLE counsellor LOGIN;           -- an employment counsellor's login: rights on the application only
CREATE SCHEMA jobs AUTHORIZATION jobs_app;
SET ROLE jobs_app;

CREATE TABLE jobs.household (
	id integer PRIMARY KEY,
	district text NOT NULL
);

CREATE TABLE jobs.person (
	id integer PRIMARY KEY,
	household_id integer NOT NULL REFERENCES jobs.household,
	nid text NOT NULL UNIQUE CHECK (nid ~ '^[0-9]{12}$'),
	last_name text NOT NULL,
	first_name text NOT NULL,
	gender smallint NOT NULL CHECK (gender IN (1, 2)),
	born_on date NOT NULL,
	died_on date,
	labour char(1) NOT NULL CHECK (labour IN ('W', 'J', '?')),   -- works, jobless, not known
	referral text,                         -- the file number under which social protection sent them
	updated timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE jobs.scheme (
	code text PRIMARY KEY,
	title text NOT NULL
);

CREATE TABLE jobs.enrolment (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id integer NOT NULL REFERENCES jobs.person,
	scheme text NOT NULL REFERENCES jobs.scheme,
	state char(1) NOT NULL,                -- A S G X I N R D, see the counsellors' handbook
	site text NOT NULL,
	since date NOT NULL,
	updated timestamptz NOT NULL DEFAULT now(),
	UNIQUE (person_id, scheme)
);

CREATE TABLE jobs.job (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id integer NOT NULL REFERENCES jobs.person,
	employer text NOT NULL,
	title text NOT NULL,
	contract char(1) NOT NULL CHECK (contract IN ('P', 'F', 'C', 'S', 'T')),
	started date NOT NULL,
	ended date
);

CREATE TABLE jobs.consent (
	person_id integer NOT NULL REFERENCES jobs.person,
	purpose text NOT NULL,
	given boolean NOT NULL,
	signed_on date NOT NULL,
	PRIMARY KEY (person_id, purpose)
);

CREATE FUNCTION jobs.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated := clock_timestamp();
	RETURN NEW;
END
$$;
CREATE TRIGGER stamp BEFORE UPDATE ON jobs.person FOR EACH ROW EXECUTE FUNCTION jobs.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON jobs.enrolment FOR EACH ROW EXECUTE FUNCTION jobs.stamp();

GRANT USAGE ON SCHEMA jobs TO counsellor;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO counsellor;
RESET ROLE;

\set first 2001
\set last 16000
\if :{?few}
\set first 101
\set last 400
\endif
\ir people.sql

INSERT INTO jobs.household SELECT household, min(district) FROM resident GROUP BY household;

INSERT INTO jobs.person
SELECT 500000 + n, household, national_id, surname, given_name, CASE sex WHEN 'M' THEN 1 ELSE 2 END,
	born, died, '{"Employed":"W","Not Employed":"J","Unknown":"?"}'::jsonb ->> employment_status,
	CASE WHEN n <= 10000 THEN 'SP/2024/' || n END, since + time '09:30'
  FROM resident WHERE of_working_age;

INSERT INTO jobs.scheme VALUES
	('PW', 'Public works'), ('VT', 'Vocational training'), ('WS', 'Wage subsidy');

INSERT INTO jobs.enrolment (person_id, scheme, state, site, since)
SELECT 500000 + n, 'PW', '{"Active":"A","Suspended":"S","Exited":"G","Inactive":"I","Awaiting Renewal":"N"}'::jsonb
		->> public_works_status, pg_temp.pick_word(n, 'site', '{Dam,Market road,Nursery,Drainage,School wall}'), since
  FROM resident WHERE in_public_works
UNION ALL
SELECT 500000 + n, 'VT', pg_temp.pick_word(n, 'training', '{A,A,A,G,X}'), 'Centre ' || 1 + pg_temp.pick(n, 'centre', 4), since
  FROM resident WHERE of_working_age AND died IS NULL AND born > '2000-01-01' AND pg_temp.pick(n, 'vocational', 10) < 3;

INSERT INTO jobs.job (person_id, employer, title, contract, started)
SELECT 500000 + n, pg_temp.pick_word(n, 'employer', '{Coopérative du Lac,Briqueterie Sahel,Mairie,Marché central,Transports Faso}'),
	pg_temp.pick_word(n, 'job', '{mason,market seller,driver,tailor,guard,labourer}'),
	pg_temp.pick_word(n, 'contract', '{P,F,C,C,S,T}'), since
  FROM resident WHERE of_working_age AND died IS NULL AND employment_status = 'Employed';

INSERT INTO jobs.consent SELECT 500000 + n, 'SP', consents, since FROM resident WHERE of_working_age;
ANALYZE;
