-- A joint plan and a referral, among the additional attributes of a record. See README.md.
CREATE EXTENSION casesync;
SET timezone = 'Asia/Kolkata';

-- builders: what is NULL is left out, words go as codes, times in UTC
SELECT jsonb_pretty(casesync.plan('P-7', 2, 'active', '2026-10-01', '2027-03-31', '2026-12-15', '{sp.gov.example,ess.gov.example}',
	ARRAY[casesync.plan_goal('G-1', 'a job within six months', 'open', '2027-03-31')],
	ARRAY[casesync.plan_action('A-1', 'G-1', 'training', 'welding, evening course', 'ess.gov.example', 'client', 'In progress',
			'2026-10-05', '2026-12-18', '2026-12-18', 12.5),
		casesync.plan_action('A-2', organisation => 'sp.gov.example', responsible => 'joint', status => 'done', delivered_on => '2026-10-20',
			row_version => 3, last_updated => '2026-10-20 15:00+05:30'),
		NULL]));
SELECT casesync.plan(NULL), casesync.plan_goal(NULL), casesync.plan_action(NULL), casesync.referral(NULL);
SELECT casesync.referral('R-1', 'requested', 'sp.gov.example', 'ess.gov.example', 'job search', 'able-bodied, no job', '2026-11-02',
	'2026-11-16 00:00+00');
SELECT casesync.plan('P-1', status => 'halfway');

-- readers find them wherever a partner puts them
CREATE FUNCTION pg_temp.joint(record text) RETURNS TABLE (plan jsonb, referral jsonb) LANGUAGE sql
AS $$ SELECT casesync.plan_of(record::jsonb), casesync.referral_of(record::jsonb) $$;
SELECT r, j.* FROM unnest(ARRAY[
	'{}', '[]', '"x"', '{"plan": {"plan_id": "P"}}', '{"additional_attributes": "x"}', '{"additional_attributes": ["plan", {"plan": "basic"}]}',
	'{"additional_attributes": [{"shift": "night"}, {"plan": {"plan_id": "P"}}, {"referral": {"referral_id": "R"}}]}',
	'{"additional_attributes": [{"key": "plan", "value": {"plan_id": "P"}}, {"name": "referral", "value": {}}]}',
	'{"additional_attributes": {"plan": {"plan_id": "P"}, "referral": []}}',
	'{"member": {"additional_attributes": [{"plan": {"plan_id": "P"}}]}, "additional_attributes": [{"referral": {"referral_id": "R"}}]}']) r,
	pg_temp.joint(r) j;
SELECT casesync.plan_of(casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', '1')], enrolment_status => 'Active',
		additional_attributes => jsonb_build_object('plan', casesync.plan('P-1', status => 'agreed')))) ->> 'plan_status' AS status;

-- what is wrong with one is a warning: others may mean something else by these names, and records that were valid stay so
SELECT * FROM casesync.check_record('Member', casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', '1')],
	additional_attributes => jsonb_build_object(
		'plan', casesync.plan('P-1', 1, 'active', '2026-10-01', goals => ARRAY[casesync.plan_goal('G-1')],
			actions => ARRAY[casesync.plan_action('A-1', status => 'missed', hours_per_week => 7.5)]),
		'referral', casesync.referral('R-1', 'rejected', reason => 'no place'))));
SELECT * FROM casesync.check_record('Member', '{"additional_attributes": [{"plan": {"plan_status": "halfway", "start_date": "soon", "colour": "red",
	"plan_version": 1.5, "goals": {"goal_id": 7}, "actions": ["A-1", {"due_date": "2026-02-30", "responsible": "nobody"}]}},
	{"referral": {"respond_by": "tomorrow"}}, {"plan": "basic"}]}') ORDER BY path COLLATE "C";
SELECT casesync.is_valid_record('Member', '{"additional_attributes": [{"plan": {"plan_status": {}, "actions": "x"}}]}');
SELECT path, problem, severity FROM casesync.check_record('Member', jsonb_build_object('additional_attributes', jsonb_build_array(jsonb_build_object('plan',
	jsonb_build_object('reason', repeat('x', 70000))))));

-- agreed and filtered field by field
SELECT casesync_internal.project(casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', '1')],
		additional_attributes => jsonb_build_object('shift', 'night', 'plan', casesync.plan('P-1', 1, 'active', reason => 'not for them',
			goals => ARRAY[casesync.plan_goal('G-1', 'a job', 'open', '2027-03-31')],
			actions => ARRAY[casesync.plan_action('A-1', 'G-1', 'training', 'evening course', status => 'planned')]))),
	ARRAY['additional_attributes.plan.plan_status', 'additional_attributes.plan.goals', 'additional_attributes.plan.actions.action_status'],
	'{NATIONAL_ID}');

SELECT event_type, reg_type FROM casesync.event_types WHERE event_type IN ('plan_change', 'referral') ORDER BY event_type, reg_type;
DROP EXTENSION casesync CASCADE;
