/* What a supervisor looks at: planned beside delivered, what clashes, what is late. */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(1000, 'planned beside delivered', $part$
CREATE VIEW plan_progress AS
SELECT a.person_id, a.plan_id, a.plan_version, p.status AS plan_status, a.id AS action_id, a.kind,
	a.organisation, a.worker_id, w.office_id, a.status, a.start_date,
	coalesce(a.due_date, a.end_date) AS due_date, a.hours_per_week,
	d.deliveries, d.hours, d.first_delivered, d.last_delivered,
	CASE WHEN a.status = 'cancelled' THEN 'cancelled'
		WHEN a.status = 'missed' THEN 'missed'
		WHEN a.status = 'done' AND d.deliveries = 0 THEN 'without evidence'
		WHEN a.status = 'done' AND d.first_delivered > coalesce(a.due_date, a.end_date) THEN 'late'
		WHEN a.status = 'done' THEN 'on time'
		WHEN coalesce(a.due_date, a.end_date) < current_date THEN 'overdue'
		WHEN a.start_date < current_date AND d.deliveries = 0 THEN 'not begun'
		ELSE 'not due' END AS outcome
  FROM action a JOIN plan p ON p.id = a.plan_id AND p.version = a.plan_version
  LEFT JOIN worker w ON w.id = a.worker_id
 CROSS JOIN LATERAL (SELECT count(*)::integer AS deliveries, sum(d.hours) AS hours,
		min(d.delivered_on) AS first_delivered, max(d.delivered_on) AS last_delivered
	FROM delivery d WHERE d.plan_id = a.plan_id AND d.action_id = a.id) d
 WHERE p.status IN ('active', 'completed', 'ended');
COMMENT ON VIEW plan_progress IS
	'each action of plans that are or were followed, with what was given; outcome says which it is';

CREATE VIEW adherence AS
SELECT CASE WHEN grouping(a.plan_id) = 0 THEN 'plan' WHEN grouping(a.worker_id) = 0 THEN 'worker'
		ELSE 'office' END AS scope,
	a.plan_id, a.plan_version, a.worker_id, a.office_id,
	round(100.0 * count(*) FILTER (WHERE a.outcome = 'on time') / nullif(count(*) FILTER (
		WHERE a.outcome NOT IN ('cancelled', 'not due', 'not begun')), 0)) AS percent,
	count(*) FILTER (WHERE a.outcome NOT IN ('cancelled', 'not due', 'not begun')) AS due,
	count(*) FILTER (WHERE a.outcome = 'on time') AS on_time,
	count(*) FILTER (WHERE a.outcome = 'late') AS late,
	count(*) FILTER (WHERE a.outcome = 'without evidence') AS without_evidence,
	count(*) FILTER (WHERE a.outcome = 'missed') AS missed,
	count(*) FILTER (WHERE a.outcome = 'overdue') AS overdue,
	count(*) FILTER (WHERE a.outcome = 'not begun') AS not_begun,
	count(*) FILTER (WHERE a.outcome = 'not due') AS not_due,
	count(*) FILTER (WHERE a.outcome = 'cancelled') AS cancelled
  FROM plan_progress a
 GROUP BY GROUPING SETS ((a.plan_id, a.plan_version), (a.worker_id), (a.office_id))
 HAVING grouping(a.plan_id) = 0 OR a.worker_id IS NOT NULL OR a.office_id IS NOT NULL;
COMMENT ON VIEW adherence IS
	'how far plans are followed, by plan, by worker and by office, and what the number is made of';
COMMENT ON COLUMN adherence.percent IS 'of what was due, how much was delivered on time';
$part$),

(1010, 'what clashes', $part$
CREATE TABLE conflict_rule (
	rule text PRIMARY KEY,
	test text NOT NULL CHECK (test IN ('overlap', 'hours', 'after_exit', 'after_death')),
	first_kind text,
	second_kind text,
	hours_limit numeric,
	explanation text NOT NULL,
	is_on boolean NOT NULL DEFAULT true,
	CHECK ((test = 'hours') = (hours_limit IS NOT NULL))
);
COMMENT ON TABLE conflict_rule IS 'what in a plan does not go together; add rows of your own';
COMMENT ON COLUMN conflict_rule.test IS
	'overlap: the two kinds at one time; hours: together more than hours_limit a week; after_exit: '
	'going on after the exit from a programme (second_kind); after_death';
COMMENT ON COLUMN conflict_rule.first_kind IS
	'kind of an action, or job: what somebody works; NULL: any';
INSERT INTO conflict_rule VALUES
	('two trainings at once', 'overlap', 'training', 'training', NULL,
		'Nobody attends two trainings at one time.'),
	('training during public works', 'overlap', 'training', 'public works', NULL,
		'Both are in working hours.'),
	('hours beside a job', 'hours', 'job', NULL, 48,
		'The job and what the plan asks for are more hours a week than somebody can work.'),
	('after exit', 'after_exit', 'public works', NULL, NULL,
		'The action goes on after the person has left the programme.'),
	('after death', 'after_death', NULL, NULL, NULL, 'The person has died.');

CREATE VIEW obligation AS
SELECT a.person_id, a.plan_id, a.plan_version, a.id, a.kind, a.hours_per_week,
	tstzrange(a.start_date, coalesce(a.end_date, a.due_date) + 1) AS period
  FROM action a JOIN plan p ON p.id = a.plan_id AND p.version = a.plan_version
 WHERE p.status IN ('draft', 'proposed', 'agreed', 'active')
   AND a.status IN ('planned', 'in_progress')
   AND NOT (p.status = 'active' AND EXISTS (SELECT FROM plan n WHERE n.id = p.id
	AND n.version > p.version AND n.status IN ('draft', 'proposed', 'agreed')))
UNION ALL
SELECT j.person_id, NULL, NULL, j.id::text, 'job', j.hours_per_week,
	tstzrange(j.started_on, j.ended_on + 1) FROM job j;
COMMENT ON VIEW obligation IS
	'what takes a person''s time: jobs, and actions of the plan in force or of the one after it';
$part$),

(1020, 'conflicts', $part$
CREATE VIEW plan_conflicts AS
SELECT r.rule, r.explanation, a.person_id, coalesce(a.plan_id, b.plan_id) AS plan_id,
	a.id AS first_id, b.id AS second_id, a.period * b.period AS period, NULL::numeric AS hours
  FROM conflict_rule r JOIN obligation a ON a.kind = coalesce(r.first_kind, a.kind)
  JOIN obligation b ON b.kind = coalesce(r.second_kind, b.kind) AND b.person_id = a.person_id
	AND a.period && b.period AND (a.kind, a.id) <> (b.kind, b.id)
	AND ((a.kind, a.id) < (b.kind, b.id) OR NOT (b.kind = coalesce(r.first_kind, b.kind)
		AND a.kind = coalesce(r.second_kind, a.kind)))
 WHERE r.is_on AND r.test = 'overlap'
UNION ALL
SELECT r.rule, r.explanation, a.person_id, coalesce(a.plan_id, m.plan_id), a.id, m.ids,
	a.period * m.period, a.hours_per_week + m.hours
  FROM conflict_rule r JOIN obligation a ON a.kind = coalesce(r.first_kind, a.kind)
 CROSS JOIN LATERAL (
	/* When it is most: at the beginning of something. */
	SELECT min(b.plan_id) AS plan_id, string_agg(b.id, ', ' ORDER BY b.id) AS ids,
		sum(b.hours_per_week) AS hours,
		tstzrange(max(lower(b.period)), min(upper(b.period))) AS period
	  FROM obligation s JOIN obligation b ON b.person_id = s.person_id
		AND b.period @> greatest(lower(s.period), lower(a.period), '-infinity')
	 WHERE s.person_id = a.person_id AND s.period && a.period
	   AND b.kind = coalesce(r.second_kind, b.kind) AND (a.kind, a.id) <> (b.kind, b.id)
	 GROUP BY s.kind, s.id ORDER BY hours DESC NULLS LAST, ids LIMIT 1) m
 WHERE r.is_on AND r.test = 'hours' AND a.hours_per_week + m.hours > r.hours_limit
UNION ALL
SELECT r.rule, r.explanation, a.person_id, a.plan_id, a.id, e.programme,
	a.period * tstzrange(e.since + 1, NULL), NULL
  FROM conflict_rule r
  JOIN obligation a ON a.kind = coalesce(r.first_kind, a.kind) AND a.kind <> 'job'
  JOIN enrolment e ON e.person_id = a.person_id AND e.status = 'Exited'
	AND e.programme = coalesce(r.second_kind, e.programme)
	AND a.period && tstzrange(e.since + 1, NULL)
 WHERE r.is_on AND r.test = 'after_exit'
UNION ALL
SELECT r.rule, r.explanation, a.person_id, a.plan_id, a.id, NULL,
	a.period * tstzrange(p.death_date + 1, NULL), NULL
  FROM conflict_rule r JOIN obligation a ON a.kind = coalesce(r.first_kind, a.kind)
  JOIN person p ON p.id = a.person_id AND a.period && tstzrange(p.death_date + 1, NULL)
 WHERE r.is_on AND r.test = 'after_death' AND p.death_date IS NOT NULL;
COMMENT ON VIEW plan_conflicts IS
	'what in plans does not go together, by the rules in conflict_rule; between the two sides'' '
	'actions, and with jobs';
$part$),

/* Sharing ends without a word to the other side; to this one it is said here. */
(1025, 'what is no longer shared', $part$
CREATE VIEW unshared_plan AS
SELECT p.case_file_id, p.id AS plan_id, 'not shared' AS kind, w.since::timestamptz AS since,
	format('the consent to share it was withdrawn: %s is told nothing that needs it', w.others)
	AS why
  FROM plan p JOIN facts f ON f.person_id = p.person_id AND NOT f.consents
 CROSS JOIN LATERAL (
	SELECT (SELECT max(c.withdrawn_on) FROM consent c WHERE c.person_id = p.person_id
			AND c.purpose = 'sharing') AS since,
		(SELECT string_agg(o.id, ', ' ORDER BY o.id) FROM case_party x JOIN organisation o
			ON o.id = x.organisation AND NOT o.is_own
		  WHERE x.case_file_id = p.case_file_id) AS others) w
 WHERE p.status IN ('proposed', 'agreed', 'active') AND w.since IS NOT NULL
   AND w.others IS NOT NULL
UNION ALL
SELECT p.case_file_id, p.id, 'referral ended', r.changed_at, format('referral %s was %s', r.id,
		r.status)
  FROM plan p CROSS JOIN LATERAL (SELECT * FROM referral r WHERE r.person_id = p.person_id
	 ORDER BY r.changed_at DESC LIMIT 1) r
 WHERE p.status IN ('proposed', 'agreed', 'active') AND r.status IN ('rejected', 'cancelled');
COMMENT ON VIEW unshared_plan IS
	'plans that go on although what they are shared for has ended: the consent, or the referral';
$part$),

/* Who made the schema may see this of casesync, while it may publish; who works in it need not. */
(1030, 'what waits for a supervisor', $part$
CREATE FUNCTION open_conflicts()
RETURNS TABLE (id bigint, person_id bigint, partner text, field text, at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
BEGIN
	RETURN QUERY SELECT c.id, c.key::bigint, c.partner, c.field, c.at FROM own_conflicts c
		 WHERE c.state = 'open'
		   AND c.view IN ('shared_member'::regclass, 'shared_beneficiary'::regclass);
EXCEPTION WHEN insufficient_privilege THEN
	RETURN;
END
$body$;
COMMENT ON FUNCTION open_conflicts() IS
	'fields of people that differ on the two sides and wait for somebody''s decision; without the '
	'values';

CREATE VIEW review_due AS
SELECT v.supervisor_id, 'review' AS kind, v.person_id, v.opened_at AS since,
	v.due_by < now() AS is_late,
	format('%s: %s changes of %s%s', v.why, v.updates, v.event_type,
		CASE WHEN v.holds THEN ', held' ELSE '' END) AS detail, v.id AS review_id
  FROM review v WHERE v.decision IS NULL OR v.decision = 'escalated'
UNION ALL
SELECT c.supervisor_id, d.kind, f.person_id, d.since, true, d.detail, NULL
  FROM case_file f JOIN case_party c ON c.case_file_id = f.id
  JOIN organisation o ON o.id = c.organisation
  JOIN intensity i ON i.intensity = f.intensity
 CROSS JOIN LATERAL (
	SELECT 'late review' AS kind, f.next_review::timestamptz AS since,
		format('the case was to be reviewed on %s', f.next_review) AS detail
	 WHERE f.next_review < current_date
	UNION ALL
	SELECT 'no contact', l.last, format('no contact for %s days', current_date - l.last)
	  FROM (SELECT greatest(f.opened_on, (SELECT max(t.contacted_on) FROM contact t
			WHERE t.person_id = f.person_id), (SELECT max(x.delivered_on) FROM delivery x
			WHERE x.person_id = f.person_id)) AS last) l
	 WHERE l.last < current_date - i.contact_days
	UNION ALL
	SELECT a.outcome, a.due_date, format('action %s: %s', a.action_id, a.kind) FROM plan_progress a
	 WHERE a.person_id = f.person_id AND a.organisation = c.organisation
	   AND a.plan_status = 'active' AND a.outcome IN ('overdue', 'without evidence', 'not begun')
	UNION ALL
	SELECT 'other side', x.at, format('%s says another %s: SELECT casesync.decide_conflict(%s, '
			'''ours'', ''…'');', x.partner, x.field, x.id)
	  FROM open_conflicts() x WHERE x.person_id = f.person_id
	UNION ALL
	SELECT 'conflict', lower(x.period), format('%s: %s', x.rule, concat_ws(' and ', x.first_id,
		x.second_id)) FROM plan_conflicts x WHERE x.person_id = f.person_id
	UNION ALL
	SELECT x.kind, x.since, format('plan %s goes on, and %s', x.plan_id, x.why)
	  FROM unshared_plan x WHERE x.case_file_id = f.id
	) d WHERE f.closed_on IS NULL AND o.is_own
UNION ALL
SELECT coalesce(w.supervisor_id, c.supervisor_id), 'referral unanswered', r.person_id,
	r.respond_by, true, CASE WHEN o.is_own THEN format('referral %s to %s', r.id, r.referred_to)
		ELSE format('referral %s of %s', r.id, r.referred_by) END, NULL
  FROM referral r JOIN organisation o ON o.id = r.referred_by
  LEFT JOIN worker w ON w.id = r.changed_by
  LEFT JOIN case_party c ON c.person_id = r.person_id
	AND c.organisation = CASE WHEN o.is_own THEN r.referred_by ELSE r.referred_to END
	AND EXISTS (SELECT FROM case_file f WHERE f.id = c.case_file_id AND f.closed_on IS NULL)
 WHERE r.status IN ('requested', 'received') AND r.respond_by < now();
COMMENT ON VIEW review_due IS
	'what waits for each supervisor: reviews to decide, late reviews and contacts, what is planned '
	'and not delivered, or done without evidence, conflicts in plans and with the other side, '
	'plans that go on without the consent or the referral that they are shared for, referrals '
	'without an answer';
COMMENT ON COLUMN review_due.supervisor_id IS 'NULL: any supervisor';
$part$);
