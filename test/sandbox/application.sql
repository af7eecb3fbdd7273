-- The sandbox's application: a few invented people in four registries, and one function that changes
-- something on request. Nothing in this file knows of casesync.
CREATE SCHEMA casesync_sandbox;
CREATE TABLE casesync_sandbox.person (
	id integer PRIMARY KEY,
	uin text NOT NULL UNIQUE,
	birth_reg_no text NOT NULL UNIQUE,
	farmer_id text UNIQUE,                   -- farmers only
	surname text NOT NULL,
	given_name text NOT NULL,
	sex text NOT NULL,
	birth_date date NOT NULL,
	death_date date,
	region text NOT NULL,
	marital_status text NOT NULL DEFAULT 'Never Married',
	enrolment_status text NOT NULL DEFAULT 'Active',
	employment_status text NOT NULL DEFAULT 'Not Employed',
	farm_size_ha numeric(6, 2),
	last_updated timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON casesync_sandbox.person (enrolment_status);
CREATE INDEX ON casesync_sandbox.person (region);
CREATE INDEX ON casesync_sandbox.person (last_updated);

CREATE FUNCTION casesync_sandbox.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.last_updated := clock_timestamp();
	RETURN NEW;
END
$$;
CREATE TRIGGER touch BEFORE UPDATE ON casesync_sandbox.person
	FOR EACH ROW EXECUTE FUNCTION casesync_sandbox.touch();

INSERT INTO casesync_sandbox.person (id, uin, birth_reg_no, farmer_id, surname, given_name, sex, birth_date,
	region, employment_status, farm_size_ha)
VALUES (1, 'TEST-001', 'BIRTH-TEST-001', 'FARMER-TEST-001', 'Diallo', 'Aminata', 'female', '1990-04-12', 'North',
		'Not Employed', 1.75),
	(2, 'TEST-002', 'BIRTH-TEST-002', 'FARMER-TEST-002', 'Okoro', 'Chidi', 'male', '1984-11-02', 'South', 'Employed', 4.2),
	(3, 'TEST-003', 'BIRTH-TEST-003', NULL, 'Mensah', 'Efua', 'female', '2001-07-23', 'South', 'Unknown', NULL),
	(4, 'TEST-004', 'BIRTH-TEST-004', NULL, 'Traoré', 'Moussa', 'male', '1958-01-30', 'Centre', 'Not Employed', NULL),
	(5, 'TEST-005', 'BIRTH-TEST-005', 'FARMER-TEST-005', 'Haile', 'Sara', 'female', '1995-09-09', 'North', 'Employed', 0.8);

-- Active and Suspended by turns; whoever has another status becomes Active.
CREATE FUNCTION casesync_sandbox.change_status(identifier text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed text;
BEGIN
	UPDATE casesync_sandbox.person p
	   SET enrolment_status = CASE p.enrolment_status WHEN 'Active' THEN 'Suspended' ELSE 'Active' END
	 WHERE identifier IN (p.uin, p.birth_reg_no, p.farmer_id) RETURNING p.enrolment_status INTO changed;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING errcode = 'no_data_found', message = format('nobody here has the identifier "%s"', identifier),
			hint = 'SELECT uin, birth_reg_no, farmer_id FROM casesync_sandbox.person;';
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION casesync_sandbox.change_status(text) IS
	'change the enrolment status of the person with this UIN, birth or farmer number; gives the new one';

GRANT USAGE ON SCHEMA casesync_sandbox TO sandbox;
GRANT SELECT, INSERT, UPDATE, DELETE ON casesync_sandbox.person TO sandbox;
