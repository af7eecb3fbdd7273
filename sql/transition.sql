-- Which enrolment status may follow which.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned

WITH status AS (SELECT n, n::text::casesync.enrolment_status AS status FROM generate_series(1, 7) n)
SELECT old.status AS old, string_agg(new.status::text, ', ' ORDER BY new.n)
	FILTER (WHERE casesync.is_valid_transition(old.status, new.status)) AS may_become
  FROM status old, status new GROUP BY old.n, old.status ORDER BY old.n;
SELECT casesync.check_transition('Deceased', 'Active'), casesync.check_transition('Active', 'Reinstated'),
	casesync.check_transition('Suspended', 'Reinstated'), casesync.check_transition('Active', NULL),
	casesync.check_transition(NULL, 'Reinstated'), casesync.check_transition(NULL, 'Deceased'),
	casesync.check_transition(NULL, NULL), casesync.check_transition('Deceased', NULL);
SELECT casesync.check_transition('local:900', 'Reinstated'), casesync.check_transition('Deceased', 'local:900'),
	casesync.check_transition('Active', 'local:901');
-- the two functions never differ
SELECT count(*) FROM (SELECT n::text::casesync.enrolment_status s FROM generate_series(1, 7) n
		UNION ALL SELECT 'local:900' UNION ALL SELECT NULL) a,
	(SELECT n::text::casesync.enrolment_status s FROM generate_series(1, 7) n
		UNION ALL SELECT 'local:900' UNION ALL SELECT NULL) b
 WHERE casesync.is_valid_transition(a.s, b.s) IS DISTINCT FROM (casesync.check_transition(a.s, b.s) IS NULL);

-- as a trigger would use it
CREATE TABLE enrolment (id int PRIMARY KEY, status casesync.enrolment_status NOT NULL);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING errcode = 'check_violation',
		message = casesync.check_transition(OLD.status, NEW.status);
END $$;
CREATE TRIGGER transition BEFORE UPDATE ON enrolment FOR EACH ROW
	WHEN (NOT casesync.is_valid_transition(OLD.status, NEW.status)) EXECUTE FUNCTION refuse();
INSERT INTO enrolment VALUES (1, 'Suspended');
UPDATE enrolment SET status = 'Reinstated';
UPDATE enrolment SET status = 'Deceased';
\set VERBOSITY terse
UPDATE enrolment SET status = 'Active';
SELECT * FROM enrolment;

DROP TABLE enrolment;
DROP FUNCTION refuse();
DROP EXTENSION casesync CASCADE;
