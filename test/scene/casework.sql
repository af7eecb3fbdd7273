\set ECHO none
-- A casework schema with both sides of a case in it: a social case manager (1) and an employment counsellor (2), a supervisor
-- on each side (3 and 4) and above those (5 and 6). Person 1 is the one of the examples. Wants :schema.
CREATE SCHEMA app;
SET client_min_messages = warning;
SELECT casesync.create_casework(:'schema') IS NOT NULL AS made \gset
SELECT set_config('search_path', format('%I, casesync, public', :'schema'), false) AS path \gset
INSERT INTO organisation VALUES ('sp.example.org', 'Social affairs', true), ('ess.example.org', 'Employment office', true);
INSERT INTO office (id, organisation, name) VALUES (1, 'sp.example.org', 'District 1'), (2, 'ess.example.org', 'Centre');
INSERT INTO worker (id, office_id, name, role, supervisor_id) VALUES (5, 1, 'Sira', 'supervisor', NULL), (6, 2, 'Enzo', 'supervisor', NULL),
	(3, 1, 'Saba', 'supervisor', 5), (4, 2, 'Emil', 'supervisor', 6), (1, 1, 'Sami', 'case_manager', 3), (2, 2, 'Elin', 'counsellor', 4);
UPDATE review_rule SET rule = 'none', percent = NULL;
INSERT INTO household (id, office_id) VALUES (1, 1);
INSERT INTO person (id, household_id, surname, given_name, sex, birth_date, is_disabled, employment_status)
	SELECT i, 1, 'Surname ' || i, 'Name ' || i, 'Female', date '1990-01-01', false, 'Not Employed' FROM generate_series(1, 3) i;
INSERT INTO identifier SELECT id, 'NATIONAL_ID', (100000 + id)::text FROM person;
INSERT INTO consent (id, person_id, purpose, given_on) SELECT id, id, 'sharing', '2026-01-01' FROM person;
INSERT INTO case_file (id, person_id, lead_organisation, opened_on) SELECT id, id, 'sp.example.org', current_date FROM person;
INSERT INTO case_party (case_file_id, person_id, organisation, part, worker_id, supervisor_id)
	SELECT id, id, o, p, w, s FROM person CROSS JOIN (VALUES ('sp.example.org', 'case_manager', 1, 3), ('ess.example.org', 'counsellor', 2, 4)) x(o, p, w, s);
UPDATE review_rule SET rule = 'sample', percent = 10 WHERE event_type = 'plan_change';
-- whoever acts from now on, as an application says it
CREATE FUNCTION app.act(worker bigint) RETURNS void LANGUAGE sql AS $$ SELECT set_config('casesync.actor', coalesce(worker::text, ''), false) $$;
-- what a statement answers: its error with all that helps
CREATE FUNCTION app.try_all(statement text) RETURNS TABLE (said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN QUERY VALUES ('done');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT l FROM (VALUES (1, state || ' ' || message), (2, '  ' || nullif(regexp_replace(detail, '^Failing row.*', ''), '')), (3, '  > ' || nullif(hint, ''))) x(n, l)
		WHERE l IS NOT NULL ORDER BY n;
END $$;
-- a plan of two sides for a person, as far as it is wished
CREATE FUNCTION app.make_plan(person bigint, status text, id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM app.act(1);
	INSERT INTO plan (id, case_file_id, start_date, end_date) VALUES (id, person, '2026-10-01', '2030-03-31');
	INSERT INTO goal (id, plan_id, description) VALUES ('G', id, 'a job within six months');
	INSERT INTO action (id, plan_id, goal_id, organisation, responsible, kind, start_date, due_date, worker_id)
		VALUES ('A-SP', id, 'G', 'sp.example.org', 'worker', 'child care', '2026-10-01', '2030-01-01', 1);
	PERFORM app.act(2);
	INSERT INTO action (id, plan_id, goal_id, organisation, responsible, kind, start_date, due_date, hours_per_week, worker_id)
		VALUES ('A-ESS', id, 'G', 'ess.example.org', 'client', 'training', '2026-10-01', '2030-01-01', 20, 2);
	IF status <> 'draft' THEN
		UPDATE plan p SET status = 'proposed', client_agreed_on = '2026-09-30' WHERE p.id = make_plan.id;
	END IF;
	IF status IN ('agreed', 'active') THEN
		PERFORM app.act(3);
		INSERT INTO plan_approval (plan_id, plan_version) VALUES (id, 1);
		PERFORM app.act(4);
		INSERT INTO plan_approval (plan_id, plan_version) VALUES (id, 1);
		PERFORM app.act(1);
		UPDATE plan p SET status = 'agreed' WHERE p.id = make_plan.id;
	END IF;
	IF status = 'active' THEN
		UPDATE plan p SET status = 'active' WHERE p.id = make_plan.id;
	END IF;
END $$;
\set ECHO all
