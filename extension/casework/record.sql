/*
 * What the casework schema shows to partners: no names of staff, no evidence, no contacts. Drafts
 * are nobody's business yet. Nor are versions and times of rows: each system has its own, and both
 * would go on telling each other.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(790, 'what is so now', $part$
CREATE FUNCTION plan_content(plan jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN md5(jsonb_build_array(plan -> 'start_date', plan -> 'end_date',
	(SELECT jsonb_agg(g - '{@type,goal_status}'::text[]
			|| jsonb_build_object('dropped', g ->> 'goal_status' = 'dropped')
			ORDER BY g ->> 'goal_id' COLLATE "C")
	   FROM jsonb_array_elements(plan -> 'goals') g),
	(SELECT jsonb_agg(a - '{@type,action_status,reason,delivered_on}'::text[]
			|| jsonb_build_object('cancelled', a ->> 'action_status' = 'cancelled')
			ORDER BY a ->> 'action_id' COLLATE "C")
	   FROM jsonb_array_elements(plan -> 'actions') a))::text);
COMMENT ON FUNCTION plan_content(jsonb) IS
	'what stands for the content of a plan: the same where it is the same';

CREATE FUNCTION plan_shown(plan jsonb, approved_by text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN plan || jsonb_build_object('approved_by', to_jsonb(approved_by),
	'approvals', (SELECT coalesce(jsonb_agg(jsonb_build_object('organisation', o, 'approved',
			o = ANY (approved_by), '@type', 'PlanApproval') || CASE WHEN o = ANY (approved_by)
				THEN jsonb_build_object('content', plan_content(plan)) ELSE '{}' END ORDER BY o),
			'[]')
		FROM jsonb_array_elements_text(plan -> 'organisations') o),
	'@content', jsonb_build_object('plan_id', plan -> 'plan_id',
		'plan_version', plan -> 'plan_version', 'md5', plan_content(plan)));
COMMENT ON FUNCTION plan_shown(jsonb, text[]) IS
	'a plan with each organisation''s approval or that there is none, and of what exactly';

CREATE VIEW live_plan AS
SELECT h.id AS person_id, plan_shown(plan(p.id, p.version, p.status, p.start_date, p.end_date,
		p.next_review,
		organisations => ARRAY(SELECT c.organisation FROM case_party c
			WHERE c.case_file_id = p.case_file_id ORDER BY c.organisation),
		goals => ARRAY(SELECT plan_goal(g.id, g.description, g.status, g.due_date)
			FROM goal g WHERE g.plan_id = p.id AND g.plan_version = p.version ORDER BY g.id),
		actions => ARRAY(SELECT plan_action(a.id, a.goal_id, a.kind, a.description,
				a.organisation, a.responsible, a.status, a.start_date, a.end_date, a.due_date,
				a.hours_per_week, (SELECT max(d.delivered_on) FROM delivery d
					WHERE d.plan_id = a.plan_id AND d.action_id = a.id),
				a.reason)
			FROM action a WHERE a.plan_id = p.id AND a.plan_version = p.version ORDER BY a.id),
		reason => p.reason, last_updated => p.changed_at,
		client_agreed_on => p.client_agreed_on),
	ARRAY(SELECT v.organisation FROM plan_approval v
		WHERE v.plan_id = p.id AND v.plan_version = p.version ORDER BY v.organisation)) AS plan
  FROM person h CROSS JOIN LATERAL (
	SELECT * FROM plan p WHERE p.person_id = h.id AND p.proposed_at IS NOT NULL
	   AND p.status <> 'draft'
	 ORDER BY CASE WHEN p.status IN ('proposed', 'agreed') THEN 1
		WHEN p.status = 'active' THEN 2 ELSE 3 END, p.changed_at DESC LIMIT 1) p;
COMMENT ON VIEW live_plan IS
	'the plan of each person: what lies before both sides, else the one in force, else the last';

CREATE VIEW live_referral AS
SELECT h.id AS person_id, referral(r.id, r.status, r.referred_by, r.referred_to, r.service,
		r.reason, r.referred_on, r.respond_by, r.responded_on, r.outcome, r.changed_at) AS referral
  FROM person h CROSS JOIN LATERAL (
	SELECT * FROM referral r WHERE r.person_id = h.id AND r.referred_on IS NOT NULL
	   AND r.status <> 'draft' ORDER BY r.changed_at DESC LIMIT 1) r;
COMMENT ON VIEW live_referral IS 'the last referral of each person';

CREATE VIEW live_person AS
SELECT p.id AS person_id, member(identifiers => i.list,
		demographic_info => person(name => name(p.surname, p.given_name), sex => p.sex,
			birth_date => p.birth_date, death_date => p.death_date,
			phone_number => CASE WHEN p.phone <> '' THEN ARRAY[p.phone] END,
			email => CASE WHEN p.email <> '' THEN ARRAY[p.email] END),
		is_disabled => p.is_disabled, employment_status => p.employment_status,
		unemployment_reason => p.unemployment_reason, last_updated => p.changed_at) AS member,
	(SELECT beneficiary(identifiers => i.list,
			programmes => array_agg(enrolment(e.programme, e.status) ORDER BY e.programme))
	   FROM enrolment e WHERE e.person_id = p.id HAVING count(*) > 0) AS beneficiary
  FROM person p CROSS JOIN LATERAL (SELECT ARRAY(SELECT identifier(i.type, i.value)
	FROM identifier i WHERE i.person_id = p.id ORDER BY i.type, i.value) AS list) i;
COMMENT ON VIEW live_person IS 'each person as a Member and, if enrolled, as a Beneficiary';
$part$),

(910, 'what an agreement may ask', $part$
CREATE VIEW facts AS
SELECT p.id AS person_id, p.death_date IS NULL AS is_alive,
	extract(year FROM age(p.birth_date))::integer <@ s.working_age AS is_of_working_age,
	p.death_date IS NULL AND NOT coalesce(p.is_disabled, false)
		AND coalesce(extract(year FROM age(p.birth_date))::integer <@ s.working_age, false)
		AS is_able_bodied,
	EXISTS (SELECT FROM consent c WHERE c.person_id = p.id AND c.purpose = 'sharing'
		AND (c.withdrawn_on IS NULL OR c.withdrawn_on > current_date)) AS consents,
	ARRAY(SELECT f.lead_organisation FROM case_file f WHERE f.person_id = p.id
		UNION SELECT c.organisation FROM case_party c WHERE c.person_id = p.id
		UNION SELECT r.referred_to FROM referral r WHERE r.person_id = p.id
			AND r.referred_on IS NOT NULL) AS organisations
  FROM person p CROSS JOIN (SELECT working_age FROM setting LIMIT 1) s;
COMMENT ON VIEW facts IS
	'what selects people: for conditions of agreements, and nothing of it is sent';
COMMENT ON COLUMN facts.is_able_bodied IS 'alive, of working age, no disability';
COMMENT ON COLUMN facts.organisations IS 'who shares a case of the person, or was sent it';
$part$),

(920, 'what partners see', $part$
CREATE VIEW shared_member AS
SELECT p.id AS subject_key, f.is_alive, f.is_able_bodied, f.consents, f.organisations,
	CASE WHEN hp.person_id IS NULL
		THEN (SELECT l.member FROM live_person l WHERE l.person_id = p.id)
		ELSE hp.shown -> 'member' END
	|| coalesce(jsonb_build_object('additional_attributes', additional_attributes(
		nullif(jsonb_strip_nulls(jsonb_build_object(
			'plan', CASE WHEN hl.person_id IS NULL
				THEN (SELECT l.plan FROM live_plan l WHERE l.person_id = p.id)
				ELSE hl.shown END,
			'referral', CASE WHEN hr.person_id IS NULL
				THEN (SELECT l.referral FROM live_referral l WHERE l.person_id = p.id)
				ELSE hr.shown END)), '{}'))), '{}') AS record
  FROM person p JOIN facts f ON f.person_id = p.id
  LEFT JOIN held hp ON hp.person_id = p.id AND hp.event_type = 'enrolment_status_change'
  LEFT JOIN held hl ON hl.person_id = p.id AND hl.event_type = 'plan_change'
  LEFT JOIN held hr ON hr.person_id = p.id AND hr.event_type = 'referral'
 WHERE hp.person_id IS NULL OR hp.shown IS NOT NULL;
COMMENT ON VIEW shared_member IS
	'people with their plan and referral; of what is held, what was so before';

CREATE VIEW shared_beneficiary AS
SELECT b.subject_key, f.is_alive, f.is_able_bodied, f.consents, f.organisations, b.record
  FROM (SELECT p.id AS subject_key, CASE WHEN hp.person_id IS NULL
			THEN (SELECT l.beneficiary FROM live_person l WHERE l.person_id = p.id)
			ELSE nullif(hp.shown -> 'beneficiary', 'null') END AS record
	  FROM person p LEFT JOIN held hp
		ON hp.person_id = p.id AND hp.event_type = 'enrolment_status_change') b
  JOIN facts f ON f.person_id = b.subject_key
 WHERE b.record IS NOT NULL;
COMMENT ON VIEW shared_beneficiary IS 'who is enrolled in programmes, and how';
$part$);
