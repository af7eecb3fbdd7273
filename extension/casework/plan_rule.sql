/*
 * What holds a plan together. Triggers run as whoever writes, and lock what they decide by: the
 * plan while its content changes, the person while something begins.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(400, 'steps of a plan', $part$
CREATE FUNCTION plan_steps(status plan_status) RETURNS plan_status[]
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN CASE status
	WHEN 'draft' THEN '{proposed,ended}'::plan_status[]
	WHEN 'proposed' THEN '{agreed,draft,ended}'
	WHEN 'agreed' THEN '{active,draft,proposed,ended}'
	WHEN 'active' THEN '{completed,revised,ended}' ELSE '{}' END;
COMMENT ON FUNCTION plan_steps(plan_status) IS
	'where a plan can go from a state; back to draft or proposed gives up its approvals';

CREATE FUNCTION is_elsewhere(case_file bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $body$
BEGIN
	RETURN EXISTS (SELECT FROM case_party c JOIN organisation o ON o.id = c.organisation
		WHERE c.case_file_id = is_elsewhere.case_file AND NOT o.is_own);
END
$body$;
COMMENT ON FUNCTION is_elsewhere(bigint) IS
	'whether a side of a case has a system of its own, which has a copy of the plan';

CREATE FUNCTION is_own(organisation text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $body$
BEGIN
	RETURN (SELECT o.is_own FROM organisation o WHERE o.id = is_own.organisation);
END
$body$;
COMMENT ON FUNCTION is_own(text) IS 'whether an organisation''s cases are kept here';

CREATE FUNCTION person_must_live(person bigint, what text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	died date;
BEGIN
	SELECT p.death_date INTO died FROM person p WHERE p.id = person_must_live.person FOR SHARE;
	IF died IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('person %s has died: %s', person, what),
			DETAIL = format('The date of death is %s.', died),
			HINT = format('If that is wrong: UPDATE %I.person SET death_date = NULL WHERE id = %s;',
				current_schema(), person);
	END IF;
END
$body$;
COMMENT ON FUNCTION person_must_live(bigint, text) IS
	'an error for who has died; until the transaction ends nobody reports a death';

CREATE FUNCTION plan_at(plan_id text, version integer) RETURNS plan
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	o plan;
BEGIN
	SELECT * INTO o FROM plan p
	 WHERE p.id = plan_at.plan_id AND p.version = plan_at.version FOR SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',
			MESSAGE = format('there is no plan %s, version %s', coalesce(plan_id, 'NULL'),
				coalesce(version::text, 'NULL')),
			HINT = format('SELECT id, version, status FROM %I.plan WHERE id = %L;',
				current_schema(), plan_id);
	END IF;
	RETURN o;
END
$body$;
COMMENT ON FUNCTION plan_at(text, integer) IS
	'a version of a plan, or an error; its state stays until the transaction ends';

CREATE FUNCTION plan_missing(plan_id text, version integer) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT format('%s has written nothing in it.', c.organisation) FROM plan p
	  JOIN case_party c ON c.case_file_id = p.case_file_id
	 WHERE p.id = plan_missing.plan_id AND p.version = plan_missing.version
	   AND NOT EXISTS (SELECT FROM plan_author a WHERE a.plan_id = p.id
		AND a.plan_version = p.version AND a.organisation = c.organisation)
	UNION ALL
	SELECT 'Its case file has no two sides.' FROM plan p
	 WHERE p.id = plan_missing.plan_id AND p.version = plan_missing.version
	   AND 2 > (SELECT count(*) FROM case_party c WHERE c.case_file_id = p.case_file_id);
END;
COMMENT ON FUNCTION plan_missing(text, integer) IS 'why a version is not the work of two sides yet';

CREATE FUNCTION plan_unapproved(plan_id text, version integer) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT format('%s has not approved it.', c.organisation) FROM plan p
	  JOIN case_party c ON c.case_file_id = p.case_file_id
	 WHERE p.id = plan_unapproved.plan_id AND p.version = plan_unapproved.version
	   AND NOT EXISTS (SELECT FROM plan_approval a WHERE a.plan_id = p.id
		AND a.plan_version = p.version AND a.organisation = c.organisation);
END;
COMMENT ON FUNCTION plan_unapproved(text, integer) IS 'who has still to approve a version';
$part$),

(410, 'changes of a plan''s state', $part$
CREATE FUNCTION plan_is_led_elsewhere(old plan, new plan) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $body$
DECLARE
	other text;
BEGIN
	SELECT c.lead_organisation INTO other FROM case_file c
	  JOIN organisation o ON o.id = c.lead_organisation
	 WHERE c.id = new.case_file_id AND NOT o.is_own;
	RETURN CASE WHEN old.proposed_at IS NOT NULL AND new.status = 'draft'
			AND is_elsewhere(new.case_file_id)
		THEN 'The other side has it: each goes on writing its own part while it is proposed.'
		WHEN other IS NOT NULL AND new.status <> 'proposed'
			AND NOT (new.status = 'ended' AND old.proposed_at IS NULL)
			OR other IS NOT NULL AND old.status <> 'draft' AND new.status = 'proposed'
		THEN format('%s leads the case, and its system says so.', other) END;
END
$body$;
COMMENT ON FUNCTION plan_is_led_elsewhere(plan, plan) IS
	'why a step of a plan is not to be taken here, since the other side has a system of its own';

CREATE FUNCTION plan_step_ready(old plan, new plan) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	other text := plan_is_led_elsewhere(old, new);
BEGIN
	IF other IS NOT NULL THEN
		RETURN other;
	END IF;
	SELECT string_agg(m, ' ' ORDER BY m) INTO other FROM plan_missing(new.id, new.version) m;
	IF new.status IN ('agreed', 'active') AND other IS NOT NULL THEN
		RETURN other;
	ELSIF new.status = 'proposed' AND NOT EXISTS (SELECT FROM plan_author a
		WHERE a.plan_id = new.id AND a.plan_version = new.version)
	THEN
		RETURN 'Nobody has written in it.';
	END IF;
	SELECT string_agg(m, ' ' ORDER BY m) INTO other FROM plan_unapproved(new.id, new.version) m;
	IF new.status IN ('agreed', 'active') AND other IS NOT NULL THEN
		RETURN other;
	ELSIF new.status IN ('agreed', 'active') AND new.client_agreed_on IS NULL THEN
		RETURN 'The client has not agreed to it.';
	ELSIF new.status = 'completed' AND EXISTS (SELECT FROM action a WHERE a.plan_id = new.id
		AND a.plan_version = new.version AND a.status IN ('planned', 'in_progress'))
	THEN
		RETURN 'Some of its actions are still open.';
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION plan_step_ready(plan, plan) IS
	'why a plan cannot take a step yet; NULL: it can';

CREATE FUNCTION plan_step_check(old plan, new plan) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	why text;
BEGIN
	IF new.status <> ALL (plan_steps(old.status)) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('plan %s cannot go from %s to %s', new.id, old.status, new.status),
			DETAIL = coalesce('It can go to ' || nullif(array_to_string(plan_steps(old.status),
				', '), '') || '.', 'That is the end of this version.'),
			HINT = format(CASE WHEN plan_steps(old.status) = '{}'
				THEN 'SELECT %1$I.revise_plan(%2$L);  -- a new version'
				ELSE 'UPDATE %1$I.plan SET status = %4$L WHERE id = %2$L AND version = %3$s;' END,
				current_schema(), new.id, new.version, (plan_steps(old.status))[1]);
	END IF;
	why := plan_step_ready(old, new);
	IF why IS NOT NULL AND NOT EXISTS (SELECT FROM person p
		WHERE p.id = new.person_id AND p.death_date IS NOT NULL)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s cannot be %s yet', new.id, new.status),
			DETAIL = why,
			HINT = format(CASE WHEN why LIKE 'The client%'
				THEN 'UPDATE %1$I.plan SET client_agreed_on = current_date '
					'WHERE id = %2$L AND version = %3$s;'
				WHEN why LIKE '%approved it.'
				THEN 'INSERT INTO %1$I.plan_approval (plan_id, plan_version) VALUES (%2$L, %3$s);'
					'  -- by a worker of that organisation who is no author'
				WHEN why LIKE '%its system says so.'
				THEN 'SELECT * FROM casesync.inbox ORDER BY id DESC LIMIT 20;'
				WHEN why LIKE 'Some of its%' THEN 'SELECT id, kind, status FROM %1$I.action '
					'WHERE plan_id = %2$L AND plan_version = %3$s;'
				WHEN why LIKE 'The other side has it%'
				THEN 'INSERT INTO %1$I.action (plan_id, plan_version, organisation, …) '
					'VALUES (%2$L, %3$s, …);'
				WHEN why LIKE '%no two sides.' THEN 'INSERT INTO %1$I.case_party '
					'(case_file_id, organisation, part) VALUES (%4$s, ''…'', ''counsellor'');'
				ELSE 'INSERT INTO %1$I.plan_author (plan_id, plan_version) VALUES (%2$L, %3$s);'
					'  -- by a worker of that organisation, while it is a draft' END,
				current_schema(), new.id, new.version, new.case_file_id);
	END IF;
END
$body$;
COMMENT ON FUNCTION plan_step_check(plan, plan) IS 'an error for a step that a plan cannot take';
$part$),

/*
 * What a message told is the other system's, which leads: its states may be folded into one
 * another. A death still ends everything.
 */
(420, 'the life of a plan', $part$
CREATE FUNCTION plan_begin(new plan) RETURNS plan
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	SELECT c.person_id INTO new.person_id FROM case_file c
	 WHERE c.id = new.case_file_id AND c.closed_on IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',
			MESSAGE = format('there is no open case file %s',
				coalesce(new.case_file_id::text, 'NULL')),
			HINT = format('INSERT INTO %I.case_file (person_id, lead_organisation) '
				'VALUES (…, ''…'');', current_schema());
	ELSIF new.status <> 'draft' AND new.told_by IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = 'a plan begins as a draft',
			HINT = format('INSERT INTO %I.plan (case_file_id) VALUES (%s);', current_schema(),
				new.case_file_id);
	END IF;
	RETURN new;
END
$body$;
COMMENT ON FUNCTION plan_begin(plan) IS 'a new plan, of the person of its case file, as a draft';

/* A beneficiary sees nothing of the sides of the case: asked about only where dates change. */
CREATE FUNCTION plan_keeps(old plan, new plan) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF (old.id, old.version, old.case_file_id, old.person_id)
		IS DISTINCT FROM (new.id, new.version, new.case_file_id, new.person_id)
		OR (CASE WHEN (old.start_date, old.end_date) IS DISTINCT FROM (new.start_date, new.end_date)
			AND old.status <> 'draft' AND new.status <> 'draft'
			THEN NOT (old.status = 'proposed' AND is_elsewhere(old.case_file_id)) END)
		OR (old.status IN ('agreed', 'active') AND new.status NOT IN ('draft', 'proposed')
			AND (old.client_agreed_on, old.client_agreed_how)
				IS DISTINCT FROM (new.client_agreed_on, new.client_agreed_how))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s, version %s, is %s: what it says stays as it is', old.id,
				old.version, old.status),
			DETAIL = 'It stays with its person and case file; dates change in a draft only.',
			HINT = format(CASE WHEN old.status IN ('proposed', 'agreed')
				THEN 'UPDATE %1$I.plan SET status = ''draft'' WHERE id = %2$L AND version = %3$s;'
				ELSE 'SELECT %1$I.revise_plan(%2$L);  -- a new version' END,
				current_schema(), old.id, old.version);
	END IF;
END
$body$;
COMMENT ON FUNCTION plan_keeps(plan, plan) IS
	'an error for changing what two sides and the client agreed on';

CREATE FUNCTION plan_is_led(old plan, new plan) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	lead text;
BEGIN
	SELECT c.lead_organisation INTO lead FROM case_file c WHERE c.id = new.case_file_id;
	IF old.proposed_at IS NOT NULL AND NOT is_own(lead)
		AND (old.start_date, old.end_date, old.next_review, old.client_agreed_on, old.reason)
			IS DISTINCT FROM (new.start_date, new.end_date, new.next_review,
				new.client_agreed_on, new.reason)
		AND NOT EXISTS (SELECT FROM person p
			WHERE p.id = new.person_id AND p.death_date IS NOT NULL)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s leads the case: its system says what plan %s is', lead, new.id),
			DETAIL = 'Your own side''s actions, deliveries and approval are yours.',
			HINT = format('SELECT id, kind, status FROM %I.action WHERE plan_id = %L '
				'AND plan_version = %s;', current_schema(), new.id, new.version);
	END IF;
END
$body$;
COMMENT ON FUNCTION plan_is_led(plan, plan) IS
	'an error for changing what the leading organisation''s system says of a plan';

CREATE FUNCTION plan_step() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF TG_OP = 'INSERT' THEN
		NEW := plan_begin(NEW);
	ELSIF NEW.status <> OLD.status AND NEW.told_by IS NULL THEN
		PERFORM plan_step_check(OLD, NEW);
	ELSIF OLD.status IN ('completed', 'revised', 'ended') AND NEW.told_by IS NULL
		AND NEW IS DISTINCT FROM OLD
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s, version %s, is %s', NEW.id, NEW.version, OLD.status),
			HINT = format('SELECT %I.revise_plan(%L);  -- a new version', TG_TABLE_SCHEMA, NEW.id);
	END IF;
	IF TG_OP = 'UPDATE' AND NEW.told_by IS NULL THEN
		PERFORM plan_keeps(OLD, NEW);
		PERFORM plan_is_led(OLD, NEW);
	END IF;
	NEW.stage := CASE WHEN NEW.status = 'active' THEN 'in force'
		WHEN NEW.status IN ('draft', 'proposed', 'agreed') THEN 'in preparation' END;
	IF NEW.stage IS NOT NULL THEN
		PERFORM person_must_live(NEW.person_id, 'no plan is made or followed');
	END IF;
	IF TG_OP = 'UPDATE' AND OLD.status <> 'draft' AND NEW.told_by IS NULL
		AND (NEW.status = 'draft' OR NEW.status = 'proposed' AND OLD.status = 'agreed')
	THEN
		NEW.client_agreed_on := NULL;
		NEW.client_agreed_how := NULL;
	ELSIF NEW.status <> 'draft' AND NEW.proposed_at IS NULL
		AND (NEW.status = 'proposed' OR NEW.told_by IS NOT NULL)
	THEN
		NEW.proposed_at := now();
	END IF;
	IF NEW.status = 'active' THEN
		UPDATE plan p SET status = 'revised', told_by = NEW.told_by
		 WHERE p.id = NEW.id AND p.version < NEW.version AND p.status = 'active';
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION plan_step() IS 'trigger: the steps that a plan may take';
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON plan FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER step BEFORE INSERT OR UPDATE ON plan FOR EACH ROW EXECUTE FUNCTION plan_step();
$part$),

(430, 'one plan at a time', $part$
CREATE FUNCTION plan_alone() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	o plan;
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.status, NEW.person_id) = (OLD.status, OLD.person_id) THEN
		RETURN NEW;
	END IF;
	SELECT * INTO o FROM plan p WHERE p.person_id = NEW.person_id
	   AND (TG_OP = 'INSERT' OR (p.id, p.version) <> (NEW.id, NEW.version))
	   AND CASE WHEN NEW.status = 'active' THEN p.status = 'active'
		WHEN NEW.status IN ('draft', 'proposed', 'agreed')
		THEN p.status IN ('draft', 'proposed', 'agreed')
			OR (p.status = 'active' AND p.id <> NEW.id) END;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation',
			MESSAGE = format('person %s has a plan: %s, version %s, is %s', NEW.person_id, o.id,
				o.version, o.status),
			HINT = format('To change it: SELECT %1$I.revise_plan(%2$L); to give it up: '
				'UPDATE %1$I.plan SET status = ''ended'', reason = ''…'' '
				'WHERE id = %2$L AND version = %3$s;', TG_TABLE_SCHEMA, o.id, o.version);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION plan_alone() IS
	'trigger: one plan of a person, said clearly; of two at once a constraint keeps one';
CREATE TRIGGER step_alone BEFORE INSERT OR UPDATE ON plan
	FOR EACH ROW EXECUTE FUNCTION plan_alone();

CREATE FUNCTION revise_plan(plan_id text) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	o plan;
BEGIN
	SELECT * INTO o FROM plan p WHERE p.id = revise_plan.plan_id
	 ORDER BY p.version DESC LIMIT 1 FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('there is no plan %s', coalesce(quote_literal(plan_id), 'NULL'));
	END IF;
	INSERT INTO plan (id, version, case_file_id, start_date, end_date, next_review)
	VALUES (o.id, o.version + 1, o.case_file_id, o.start_date, o.end_date, o.next_review);
	INSERT INTO goal (id, plan_id, plan_version, description, status, due_date)
	SELECT g.id, o.id, o.version + 1, g.description, g.status, g.due_date FROM goal g
	 WHERE g.plan_id = o.id AND g.plan_version = o.version AND g.status <> 'dropped';
	INSERT INTO action (id, plan_id, plan_version, goal_id, organisation, responsible, kind,
		description, start_date, end_date, due_date, hours_per_week, worker_id, status)
	SELECT a.id, o.id, o.version + 1, a.goal_id, a.organisation, a.responsible, a.kind,
		a.description, a.start_date, a.end_date, a.due_date, a.hours_per_week, a.worker_id, a.status
	  FROM action a WHERE a.plan_id = o.id AND a.plan_version = o.version
	   AND a.status NOT IN ('missed', 'cancelled')
	   AND (a.goal_id IS NULL OR EXISTS (SELECT FROM goal g WHERE g.plan_id = o.id
		AND g.plan_version = o.version + 1 AND g.id = a.goal_id));
	RETURN o.version + 1;
END
$body$;
COMMENT ON FUNCTION revise_plan(text) IS
	'a new version, as a draft with the goals and actions that still count; the one in force stays '
	'so until the new one is active';
$part$);
