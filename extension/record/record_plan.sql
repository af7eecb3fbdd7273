/*
 * What travels of a joint plan and of a referral (PRS.EMP.04, Example 1). The standard has no
 * object for either: they are additional attributes named plan and referral. Builders as those of
 * records.
 */
CREATE OR REPLACE FUNCTION casesync.plan_goal(goal_id text, description text DEFAULT NULL,
	status casesync.plan_goal_status DEFAULT NULL, due_date date DEFAULT NULL,
	last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.plan_goal(text, text, casesync.plan_goal_status, date, timestamptz) IS
	'one goal of a joint plan';

CREATE OR REPLACE FUNCTION casesync.plan_action(action_id text, goal_id text DEFAULT NULL,
	kind text DEFAULT NULL, description text DEFAULT NULL, organisation text DEFAULT NULL,
	responsible casesync.plan_responsible DEFAULT NULL,
	status casesync.plan_action_status DEFAULT NULL, start_date date DEFAULT NULL,
	end_date date DEFAULT NULL, due_date date DEFAULT NULL, hours_per_week numeric DEFAULT NULL,
	delivered_on date DEFAULT NULL, reason text DEFAULT NULL, row_version integer DEFAULT NULL,
	last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.plan_action(text, text, text, text, text, casesync.plan_responsible,
	casesync.plan_action_status, date, date, date, numeric, date, text, integer, timestamptz) IS
	'one action of a joint plan: who owns it, who does it, until when, and what came of it';

CREATE OR REPLACE FUNCTION casesync.plan(plan_id text, version integer DEFAULT NULL,
	status casesync.plan_status DEFAULT NULL, start_date date DEFAULT NULL,
	end_date date DEFAULT NULL, next_review date DEFAULT NULL, organisations text[] DEFAULT NULL,
	goals jsonb[] DEFAULT NULL, actions jsonb[] DEFAULT NULL, reason text DEFAULT NULL,
	last_updated timestamptz DEFAULT NULL, approved_by text[] DEFAULT NULL,
	client_agreed_on date DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.plan(text, integer, casesync.plan_status, date, date, date, text[],
	jsonb[], jsonb[], text, timestamptz, text[], date) IS
	'a person''s joint plan, for the additional attribute plan';

CREATE OR REPLACE FUNCTION casesync.referral(referral_id text,
	status casesync.referral_status DEFAULT NULL, referred_by text DEFAULT NULL,
	referred_to text DEFAULT NULL, service text DEFAULT NULL, reason text DEFAULT NULL,
	referred_on date DEFAULT NULL, respond_by timestamptz DEFAULT NULL,
	responded_on date DEFAULT NULL, outcome text DEFAULT NULL,
	last_updated timestamptz DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_record_build' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync.referral(text, casesync.referral_status, text, text, text, text, date,
	timestamptz, date, text, timestamptz) IS
	'a person''s referral to another organisation, for the additional attribute referral';

CREATE OR REPLACE FUNCTION casesync.plan_of(record jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_plan_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.plan_of(jsonb) IS
	'the joint plan in a record, as an object; NULL when none';

CREATE OR REPLACE FUNCTION casesync.referral_of(record jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_referral_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.referral_of(jsonb) IS
	'the referral in a record, as an object; NULL when none';
