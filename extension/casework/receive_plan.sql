/*
 * What partners tell of joint plans: each side's actions are its own, the rest is the leading
 * organisation's. Rows are written in one statement each, since a second one under the same
 * reference would not be a message's.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(1130, 'what is told of a plan''s content', $part$
CREATE FUNCTION receive_goals(p plan, goals jsonb, is_led boolean, told text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	g jsonb;
	o goal;
	kept boolean := false;
BEGIN
	FOR g IN SELECT * FROM jsonb_array_elements(goals) LOOP
		SELECT * INTO o FROM goal x WHERE x.plan_id = p.id AND x.plan_version = p.version
		   AND x.id = g ->> 'goal_id';
		IF o.id IS NULL AND (is_led OR p.status IN ('draft', 'proposed')) THEN
			INSERT INTO goal (id, plan_id, plan_version, description, status, due_date, told_by)
			VALUES (g ->> 'goal_id', p.id, p.version, coalesce(g ->> 'description', '-'),
				coalesce((g ->> 'goal_status')::plan_goal_status, 'open'),
				(g ->> 'due_date')::date, told);
		ELSIF is_led THEN
			UPDATE goal x SET description = coalesce(g ->> 'description', x.description),
				status = coalesce((g ->> 'goal_status')::plan_goal_status, x.status),
				due_date = (g ->> 'due_date')::date, told_by = told
			 WHERE x.plan_id = p.id AND x.plan_version = p.version AND x.id = o.id
			   AND (x.description, x.status, x.due_date) IS DISTINCT FROM (
				coalesce(g ->> 'description', x.description),
				coalesce((g ->> 'goal_status')::plan_goal_status, x.status),
				(g ->> 'due_date')::date);
		ELSE
			kept := kept OR (g ->> 'description', (g ->> 'goal_status')::plan_goal_status,
				(g ->> 'due_date')::date) IS DISTINCT FROM (o.description, o.status, o.due_date);
		END IF;
	END LOOP;
	RETURN kept;
END
$body$;
COMMENT ON FUNCTION receive_goals(plan, jsonb, boolean, text) IS
	'writes a partner''s goals: new ones, and of those that are here what the leading one says';

CREATE FUNCTION action_told(p plan, a jsonb, told text) RETURNS action
LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT jsonb_populate_record(NULL::action, a || jsonb_build_object('id', a -> 'action_id',
		'plan_id', p.id, 'plan_version', p.version, 'person_id', p.person_id, 'told_by', told,
		'kind', coalesce(a ->> 'kind', '-'), 'responsible', coalesce(a ->> 'responsible', 'joint'),
		'status', coalesce(a ->> 'action_status', 'planned'), 'row_version', 1));
END;
COMMENT ON FUNCTION action_told(plan, jsonb, text) IS 'a partner''s action as a row';

CREATE FUNCTION action_new(p plan, a jsonb, partner text, told text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	n action := action_told(p, a, told);
	o action;
BEGIN
	PERFORM told_organisation(n.organisation);
	IF n.organisation <> partner THEN
		SELECT * INTO o FROM action x WHERE x.plan_id = p.id AND x.id = n.id
		   AND x.plan_version < p.version ORDER BY x.plan_version DESC LIMIT 1;
		n.status := coalesce(o.status, 'planned');
		n.reason := o.reason;
		n.worker_id := o.worker_id;
	END IF;
	INSERT INTO action (id, plan_id, plan_version, goal_id, organisation, responsible, kind,
		description, start_date, end_date, due_date, hours_per_week, status, reason, worker_id,
		told_by)
	VALUES (n.id, p.id, p.version, n.goal_id, n.organisation, n.responsible, n.kind,
		n.description, n.start_date, n.end_date, n.due_date, n.hours_per_week, n.status, n.reason,
		n.worker_id, told);
END
$body$;
COMMENT ON FUNCTION action_new(plan, jsonb, text, text) IS
	'a partner''s new action; one that it plans for us begins as we have it, or planned';

CREATE FUNCTION action_content(p plan, n action, is_taken boolean) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	o action;
BEGIN
	SELECT * INTO o FROM action x
	 WHERE x.plan_id = p.id AND x.plan_version = p.version AND x.id = n.id;
	IF (o.goal_id, o.organisation, o.responsible, o.kind, o.description, o.start_date, o.end_date,
		o.due_date, o.hours_per_week) IS NOT DISTINCT FROM (n.goal_id, n.organisation,
		n.responsible, n.kind, n.description, n.start_date, n.end_date, n.due_date,
		n.hours_per_week)
	THEN
		RETURN false;
	ELSIF NOT is_taken THEN
		RETURN true;
	END IF;
	UPDATE action x SET goal_id = n.goal_id, responsible = n.responsible, kind = n.kind,
		description = n.description, start_date = n.start_date, end_date = n.end_date,
		due_date = n.due_date, hours_per_week = n.hours_per_week,
		told_by = n.told_by || '/content'
	 WHERE x.plan_id = p.id AND x.plan_version = p.version AND x.id = n.id;
	RETURN o.organisation <> n.organisation;
END
$body$;
COMMENT ON FUNCTION action_content(plan, action, boolean) IS
	'what is planned by an action, as told; true: what stands here counts';
$part$),

(1140, 'what became of actions, as told', $part$
CREATE FUNCTION action_state(p plan, n action, delivered date) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	INSERT INTO delivery (plan_id, plan_version, action_id, organisation, delivered_on, told_by)
	SELECT p.id, p.version, n.id, n.organisation, delivered, n.told_by
	 WHERE delivered IS NOT NULL AND NOT EXISTS (SELECT FROM delivery d WHERE d.plan_id = p.id
		AND d.action_id = n.id AND d.delivered_on = delivered);
	DELETE FROM delivery d WHERE d.plan_id = p.id AND d.action_id = n.id
	   AND d.told_by IS NOT NULL AND d.delivered_on > delivered;
	UPDATE action x SET status = n.status, reason = n.reason, told_by = n.told_by
	 WHERE x.plan_id = p.id AND x.id = n.id AND (x.status, x.reason) IS DISTINCT FROM
		(n.status, n.reason)
	   AND (x.plan_version = p.version OR EXISTS (SELECT FROM plan v WHERE v.id = p.id
		AND v.version = x.plan_version AND v.status IN ('draft', 'proposed', 'agreed', 'active')));
END
$body$;
COMMENT ON FUNCTION action_state(plan, action, date) IS
	'what became of a partner''s action, in this version and in all that are followed or made';

CREATE FUNCTION receive_actions(p plan, actions jsonb, partner text, is_led boolean,
	with_content boolean, told text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	a jsonb;
	n action;
	o action;
	kept boolean := false;
BEGIN
	FOR a IN SELECT * FROM jsonb_array_elements(actions) LOOP
		n := action_told(p, a, told);
		SELECT * INTO o FROM action x WHERE x.plan_id = p.id AND x.plan_version = p.version
		   AND x.id = n.id;
		IF o.id IS NULL AND with_content AND p.status IN ('draft', 'proposed', 'agreed') THEN
			PERFORM action_new(p, a, partner, told);
		ELSIF o.id IS NULL THEN
			kept := true;
			CONTINUE;
		ELSIF with_content THEN
			kept := action_content(p, n, p.status IN ('draft', 'proposed', 'agreed')
				AND (o.organisation = partner OR is_led)) OR kept;
		END IF;
		IF coalesce(o.organisation, n.organisation) = partner THEN
			PERFORM action_state(p, n, (a ->> 'delivered_on')::date);
		ELSE
			kept := kept OR o.id IS NOT NULL
				AND (o.status, o.reason) IS DISTINCT FROM (n.status, n.reason);
		END IF;
	END LOOP;
	RETURN kept;
END
$body$;
COMMENT ON FUNCTION receive_actions(plan, jsonb, text, boolean, boolean, text) IS
	'writes what a partner tells of actions: all of its own, of ours what is planned while the '
	'leading one agrees on it; true: what stands here counts';
$part$),

(1150, 'what is told of a plan', $part$
CREATE FUNCTION approval_told(plan jsonb, organisation text, here jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN coalesce(
	(SELECT a FROM jsonb_array_elements(plan -> 'approvals') a
	  WHERE a ->> 'organisation' = approval_told.organisation LIMIT 1),
	CASE WHEN plan -> 'approved_by' ? organisation THEN jsonb_build_object('organisation',
		organisation, 'approved', true, 'content', coalesce(plan #> '{@content,md5}',
			here #> '{@content,md5}')) END,
	jsonb_build_object('organisation', organisation, 'approved', false));
COMMENT ON FUNCTION approval_told(jsonb, text, jsonb) IS
	'an organisation''s approval as a partner tells it; who says no content means what is here';

CREATE FUNCTION receive_approval(p plan, plan jsonb, partner text, told text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	here jsonb := (SELECT l.plan FROM live_plan l WHERE l.person_id = p.person_id);
	said constant jsonb := approval_told(receive_approval.plan, partner, here);
BEGIN
	IF here ->> 'plan_id' <> p.id OR (here ->> 'plan_version')::integer <> p.version THEN
		RETURN false;
	ELSIF (said ->> 'approved')::boolean AND said ->> 'content' = here #>> '{@content,md5}' THEN
		INSERT INTO plan_approval (plan_id, plan_version, organisation, person_id, told_by)
		VALUES (p.id, p.version, partner, p.person_id, told) ON CONFLICT DO NOTHING;
	ELSE
		DELETE FROM plan_approval v WHERE v.plan_id = p.id AND v.plan_version = p.version
		   AND v.organisation = partner AND v.told_by IS NOT NULL;
	END IF;
	here := (SELECT l.plan FROM live_plan l WHERE l.person_id = p.person_id);
	RETURN receive_approval.plan ? 'approvals' AND EXISTS (
		SELECT FROM jsonb_array_elements(here -> 'approvals') a
		 WHERE a - '@type'
			<> approval_told(receive_approval.plan, a ->> 'organisation', here) - '@type');
END
$body$;
COMMENT ON FUNCTION receive_approval(plan, jsonb, text, text) IS
	'a partner''s own approval, of what is exactly the plan here, and nobody else''s; true: what '
	'stands here counts';

CREATE FUNCTION receive_header(p plan, n plan, is_led boolean) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF (p.status, p.start_date, p.end_date, p.next_review, p.reason, p.client_agreed_on)
		IS NOT DISTINCT FROM (n.status, n.start_date, n.end_date, n.next_review, n.reason,
			n.client_agreed_on)
	THEN
		RETURN false;
	ELSIF NOT is_led OR p.status IN ('completed', 'revised', 'ended')
		AND n.status NOT IN ('completed', 'revised', 'ended')
	THEN
		RETURN true;
	ELSIF n.status IN ('agreed', 'active') AND p.status <> 'active' AND NOT EXISTS (
		SELECT FROM plan_approval v JOIN organisation o ON o.id = v.organisation AND o.is_own
		 WHERE v.plan_id = p.id AND v.plan_version = p.version)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
			'plan %s is told to be %s, and nobody here has approved it: INSERT INTO '
			'%I.plan_approval (plan_id, plan_version) VALUES (%1$L, %4$s); then accept it', p.id,
			n.status, current_schema(), p.version);
	END IF;
	UPDATE plan x SET status = n.status, start_date = n.start_date, end_date = n.end_date,
		next_review = n.next_review, reason = n.reason, client_agreed_on = n.client_agreed_on,
		told_by = n.told_by || '/header'
	 WHERE x.id = p.id AND x.version = p.version;
	RETURN false;
END
$body$;
COMMENT ON FUNCTION receive_header(plan, plan, boolean) IS
	'state and dates of a plan, as the leading organisation tells them; true: what stands here '
	'counts';

CREATE FUNCTION plan_heard(person bigint, plan jsonb, n plan, partner text) RETURNS plan
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	us constant text := (SELECT min(o.id) FROM organisation o
		WHERE o.is_own AND plan_heard.plan -> 'organisations' ? o.id);
	f case_file;
BEGIN
	IF us IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('plan %s is not one that anybody here takes part in', n.id);
	END IF;
	SELECT * INTO f FROM case_file c WHERE c.id = told_case(person, partner, us, n.told_by);
	IF f.lead_organisation <> partner AND n.status <> 'proposed' THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
			'%s tells of plan %s, unknown here, as %s, and %s leads the case', partner, n.id,
			n.status, f.lead_organisation);
	END IF;
	INSERT INTO plan (id, version, case_file_id, status, start_date, end_date, next_review,
		client_agreed_on, told_by)
	VALUES (n.id, n.version, f.id, 'proposed', n.start_date, n.end_date, n.next_review,
		n.client_agreed_on, n.told_by)
	RETURNING * INTO n;
	RETURN n;
END
$body$;
COMMENT ON FUNCTION plan_heard(bigint, jsonb, plan, text) IS
	'a plan, or a version, that was not here: as proposed, whatever it is by now';
$part$),

(1160, 'a plan as it is told', $part$
CREATE FUNCTION receive_plan(person bigint, plan jsonb, partner text, told text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	a constant jsonb := receive_plan.plan;
	n plan := jsonb_populate_record(NULL::plan, a || jsonb_build_object('person_id', person,
		'id', coalesce(a #>> '{@content,plan_id}', a ->> 'plan_id'), 'told_by', told,
		'version', coalesce(a #>> '{@content,plan_version}', a ->> 'plan_version', '1'),
		'status', a ->> 'plan_status', 'row_version', 1));
	is_same constant boolean := (n.id, n.version)
		= (a ->> 'plan_id', coalesce(a ->> 'plan_version', '1')::integer);
	p plan;
	is_led boolean;
	kept boolean;
BEGIN
	SELECT * INTO p FROM plan x WHERE x.id = n.id AND x.version = n.version FOR UPDATE;
	IF n.id <> a ->> 'plan_id' OR p.person_id <> person THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('%s has another plan, %s; here it is %s', partner, n.id,
				a ->> 'plan_id');
	ELSIF p.id IS NULL THEN
		IF n.status IS NULL OR NOT is_same OR n.status NOT IN ('proposed', 'agreed', 'active') THEN
			RETURN false;
		END IF;
		p := plan_heard(person, a, n, partner);
	END IF;
	is_led := (SELECT f.lead_organisation = partner FROM case_file f WHERE f.id = p.case_file_id);
	kept := is_same AND receive_goals(p, a -> 'goals', is_led, told);
	kept := receive_actions(p, a -> 'actions', partner, is_led, is_same, told) OR kept;
	IF is_same AND p.status IN ('proposed', 'agreed') THEN
		kept := receive_approval(p, a, partner, told) OR kept;
	END IF;
	RETURN is_same AND receive_header(p, n, is_led) OR kept;
END
$body$;
COMMENT ON FUNCTION receive_plan(bigint, jsonb, text, text) IS
	'writes what a partner tells of a plan; true: of a part of it what stands here counts';
$part$);
