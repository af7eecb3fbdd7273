-- One case on two systems: the SQL of one-case.md, for both sides. In a database that has casesync, its node and its partner:
--     psql -v ON_ERROR_STOP=1 -d … -v me=sp.example.org -v other=ess.example.org -f one-case.sql

CREATE TABLE household (id integer PRIMARY KEY, village text NOT NULL);
CREATE TABLE person (id integer PRIMARY KEY, household integer NOT NULL REFERENCES household,
  national_id text NOT NULL UNIQUE, born date NOT NULL, disabled boolean NOT NULL, died date, consents boolean NOT NULL);
CREATE TABLE referral (id text PRIMARY KEY, person integer NOT NULL UNIQUE REFERENCES person, service text NOT NULL,
  state text NOT NULL DEFAULT 'requested', referred_on date NOT NULL DEFAULT current_date,
  respond_by timestamptz NOT NULL DEFAULT now() + interval '30 days', answered_on date, outcome text);
CREATE TABLE intake (partner text, id text, key text NOT NULL GENERATED ALWAYS AS (partner || ' ' || id) STORED,
  national_id text NOT NULL, service text, respond_by timestamptz, state text NOT NULL DEFAULT 'received'
    CHECK (state IN ('received', 'accepted', 'rejected', 'in_progress', 'completed', 'cancelled')),
  decided_on date, outcome text, PRIMARY KEY (partner, id));
CREATE TABLE working_age (youngest integer NOT NULL, oldest integer NOT NULL);
INSERT INTO working_age VALUES (18, 59);
CREATE FUNCTION refer_able_bodied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO referral (id, person, service)
  SELECT 'R-' || NEW.id, NEW.id, 'public works' FROM working_age w
   WHERE NOT NEW.disabled AND NEW.died IS NULL
     AND extract(year FROM age(NEW.born)) BETWEEN w.youngest AND w.oldest
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER refer_able_bodied AFTER INSERT ON person
  FOR EACH ROW EXECUTE FUNCTION refer_able_bodied();
CREATE VIEW referred AS
SELECT r.id AS subject_key, p.consents, p.died IS NULL AS alive, casesync.member(
  identifiers => ARRAY[casesync.identifier('NATIONAL_ID', p.national_id)],
  additional_attributes => jsonb_build_object('referral', casesync.referral(r.id,
    CASE r.state WHEN 'cancelled' THEN 'cancelled'::casesync.referral_status ELSE 'requested' END,
    referred_by => :'me', service => r.service, referred_on => r.referred_on, respond_by => r.respond_by))) AS record
  FROM referral r JOIN person p ON p.id = r.person;
CREATE VIEW answered AS
SELECT i.key AS subject_key, i.partner = :'other' AS is_theirs, casesync.member(
  identifiers => ARRAY[casesync.identifier('NATIONAL_ID', i.national_id)],
  additional_attributes => jsonb_build_object('referral', casesync.referral(i.id,
    i.state::casesync.referral_status, referred_by => i.partner, responded_on => i.decided_on, outcome => i.outcome))) AS record
  FROM intake i;
SELECT * FROM casesync.publish('referrals', 'referred', 'Member');
SELECT * FROM casesync.publish('answers', 'answered', 'Member');
SELECT casesync.track('referral', '{referrals}', 'id', on_insert => 'referral', on_update => 'referral');
SELECT casesync.track('person', '{referrals}', 'id', on_update => 'referral',
  subjects => 'SELECT id FROM referral WHERE person = $1::integer');
SELECT casesync.track('intake', '{answers}', 'key', on_insert => 'referral', on_update => 'referral');
SELECT casesync.set_agreement('REFERRALS', :'other', registries => '{referrals}', event_types => '{referral}',
  fields => '{additional_attributes.referral}', identifier_types => '{NATIONAL_ID}', subjects => 'consents AND alive',
  subscribing => 'auto', valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 9', purpose => 'referral');
SELECT casesync.activate('REFERRALS');
SELECT casesync.set_agreement('ANSWERS', :'other', registries => '{answers}', event_types => '{referral}',
  fields => '{additional_attributes.referral}', identifier_types => '{NATIONAL_ID}', subjects => 'is_theirs',
  subscribing => 'auto', valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 9', purpose => 'answers to referrals');
SELECT casesync.activate('ANSWERS');
CREATE FUNCTION hear_referral(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
DECLARE
  r constant jsonb := casesync.referral_of(i.record);
  who constant text := casesync.identifier_of(i.record, 'NATIONAL_ID');
  said constant text := r->>'referral_status';
BEGIN
  IF r->>'referred_by' = i.partner THEN
    INSERT INTO intake (partner, id, national_id, service, respond_by, state)
    VALUES (i.partner, r->>'referral_id', who, r->>'service', (r->>'respond_by')::timestamptz,
      CASE said WHEN 'cancelled' THEN said ELSE 'received' END)
    ON CONFLICT (partner, id) DO UPDATE SET respond_by = excluded.respond_by,
      state = CASE said WHEN 'cancelled' THEN said ELSE intake.state END;
  ELSE
    UPDATE referral SET state = said, answered_on = (r->>'responded_on')::date, outcome = r->>'outcome'
     WHERE id = r->>'referral_id' AND state <> 'cancelled'
       AND person = (SELECT id FROM person WHERE national_id = who);
  END IF;
  RETURN CASE WHEN said <> 'cancelled' AND EXISTS (SELECT FROM referral WHERE id = r->>'referral_id' AND state = 'cancelled')
    THEN 'kept' ELSE 'applied' END;
END $$;
SELECT casesync.on_notify('Member', 'referral', 'hear_referral(casesync.inbound)');
SELECT casesync.set_agreement('REFERRALS-IN', :'other', direction => 'in', event_types => '{referral}',
  fields => '{additional_attributes.referral}', identifier_types => '{NATIONAL_ID}', apply_mode => 'auto',
  valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 9');
SELECT casesync.activate('REFERRALS-IN');
CREATE TABLE plan (national_id text PRIMARY KEY, id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), lead text NOT NULL DEFAULT :'me',
  state casesync.plan_status NOT NULL DEFAULT 'draft', objective text NOT NULL, starts date NOT NULL, ends date NOT NULL,
  was_shared boolean NOT NULL DEFAULT false);
CREATE TABLE action (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), national_id text NOT NULL REFERENCES plan,
  organisation text NOT NULL DEFAULT :'me', kind text NOT NULL, due date, hours integer,
  state casesync.plan_action_status NOT NULL DEFAULT 'planned', done_on date);
CREATE TABLE approval (national_id text REFERENCES plan, organisation text DEFAULT :'me', content text NOT NULL,
  PRIMARY KEY (national_id, organisation));
CREATE FUNCTION content_of(who text) RETURNS text STABLE LANGUAGE sql RETURN (
  SELECT md5(jsonb_build_array(id, objective, starts, ends, (SELECT jsonb_agg(jsonb_build_array(id, organisation, kind, due, hours) ORDER BY id)
    FROM action WHERE national_id = who AND state <> 'cancelled'))::text) FROM plan WHERE national_id = who);
CREATE FUNCTION approve(who text) RETURNS void LANGUAGE sql BEGIN ATOMIC
  INSERT INTO approval (national_id, content) VALUES (who, content_of(who))
  ON CONFLICT (national_id, organisation) DO UPDATE SET content = excluded.content;
END;
CREATE FUNCTION approved_by_both(who text) RETURNS boolean STABLE LANGUAGE sql RETURN (
  SELECT count(*) = 2 FROM approval WHERE national_id = who AND content = content_of(who));
CREATE FUNCTION end_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE plan SET state = 'ended', was_shared = true
   WHERE lead = TG_ARGV[0] AND state NOT IN ('draft', 'completed', 'ended')
     AND national_id = coalesce(to_jsonb(NEW)->>'national_id',
       (SELECT p.national_id FROM person p WHERE p.id::text = to_jsonb(NEW)->>'person'));
  RETURN NULL;
END $$;
CREATE TRIGGER end_plan AFTER UPDATE ON referral FOR EACH ROW
  WHEN (OLD.state IN ('accepted', 'in_progress', 'completed') AND NEW.state IN ('rejected', 'cancelled'))
  EXECUTE FUNCTION end_plan(:'me');
CREATE TRIGGER end_plan AFTER UPDATE ON intake FOR EACH ROW
  WHEN (OLD.state IN ('accepted', 'in_progress', 'completed') AND NEW.state IN ('rejected', 'cancelled'))
  EXECUTE FUNCTION end_plan(:'me');
CREATE VIEW planned AS
SELECT l.national_id AS subject_key,
  EXISTS (SELECT FROM person p JOIN referral r ON r.person = p.id WHERE p.national_id = l.national_id AND p.consents
      AND p.died IS NULL AND (r.state IN ('accepted', 'in_progress', 'completed') OR l.was_shared AND l.state = 'ended'))
    OR EXISTS (SELECT FROM intake i WHERE i.national_id = l.national_id AND i.partner = :'other'
      AND (i.state IN ('accepted', 'in_progress', 'completed') OR l.was_shared AND l.state = 'ended')) AS is_shared,
  casesync.member(
    identifiers => ARRAY[casesync.identifier('NATIONAL_ID', l.national_id)],
    additional_attributes => jsonb_build_object('plan', casesync.plan(l.id::text, 1, l.state, l.starts, l.ends,
      organisations => CASE l.lead WHEN :'me' THEN ARRAY[:'me', :'other'] ELSE ARRAY[:'other', :'me'] END,
      goals => ARRAY[casesync.plan_goal('1', l.objective)],
      actions => ARRAY(SELECT casesync.plan_action(a.id::text, '1', a.kind, organisation => a.organisation, status => a.state,
          due_date => a.due, hours_per_week => a.hours, delivered_on => a.done_on)
        FROM action a WHERE a.national_id = l.national_id ORDER BY a.id)) || jsonb_build_object('@content', jsonb_build_object('plan_id', l.id), 'approvals', (
      SELECT jsonb_agg(jsonb_build_object('organisation', o, 'content', coalesce(v.content, ''),
          'approved', coalesce(v.content = content_of(l.national_id), false)) ORDER BY o)
        FROM unnest(ARRAY[:'me', :'other']) o
        LEFT JOIN approval v ON v.national_id = l.national_id AND v.organisation = o)))) AS record
  FROM plan l WHERE l.state <> 'draft';
SELECT * FROM casesync.publish('plans', 'planned', 'Member');
SELECT casesync.track(t, '{plans}', 'national_id', on_insert => 'plan_change', on_update => 'plan_change')
  FROM unnest('{plan,action,approval,person,intake}'::regclass[]) t;
SELECT casesync.track('referral', '{plans}', 'person', on_update => 'plan_change', subjects => 'SELECT national_id FROM person WHERE id = $1::integer');
CREATE FUNCTION hear_plan(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
DECLARE
  said constant jsonb := casesync.plan_of(i.record);
  who constant text := casesync.identifier_of(i.record, 'NATIONAL_ID');
  ours plan;
BEGIN
  IF NOT EXISTS (SELECT FROM person WHERE national_id = who)
    AND NOT EXISTS (SELECT FROM intake WHERE national_id = who AND partner = i.partner) THEN
    RETURN 'review: nobody here has this national id';
  END IF;
  INSERT INTO plan VALUES (who, (said->>'plan_id')::uuid, i.partner, (said->>'plan_status')::casesync.plan_status,
    said->'goals'->0->>'description', (said->>'start_date')::date, (said->>'end_date')::date)
  ON CONFLICT (national_id) DO UPDATE SET state = excluded.state, objective = excluded.objective,
    starts = excluded.starts, ends = excluded.ends WHERE plan.lead = i.partner;
  SELECT * INTO ours FROM plan WHERE national_id = who FOR UPDATE;
  IF ours.id::text <> said#>>'{@content,plan_id}' OR ours.lead <> said->'organisations'->>0 THEN
    RETURN 'review: both sides have begun a plan for this person';
  END IF;
  INSERT INTO action AS o
  SELECT (a->>'action_id')::uuid, who, i.partner, a->>'kind', (a->>'due_date')::date, (a->>'hours_per_week')::integer,
    (a->>'action_status')::casesync.plan_action_status, (a->>'delivered_on')::date
    FROM jsonb_array_elements(said->'actions') a WHERE a->>'organisation' = i.partner
  ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, due = excluded.due, hours = excluded.hours, state = excluded.state,
    done_on = excluded.done_on WHERE o.organisation = i.partner AND o.national_id = who;
  INSERT INTO approval
  SELECT who, i.partner, v->>'content' FROM jsonb_array_elements(said->'approvals') v
   WHERE v->>'organisation' = i.partner AND v->>'content' <> ''
  ON CONFLICT (national_id, organisation) DO UPDATE SET content = excluded.content;
  RETURN CASE WHEN said - 'last_updated' = (SELECT casesync.plan_of(record) FROM planned WHERE subject_key = who)
    THEN 'applied' ELSE 'kept' END;
END $$;
SELECT casesync.on_notify('Member', 'plan_change', 'hear_plan(casesync.inbound)');
SELECT casesync.set_agreement('PLANS', :'other', registries => '{plans}', event_types => '{plan_change}',
  fields => '{additional_attributes.plan}', identifier_types => '{NATIONAL_ID}', subjects => 'is_shared',
  subscribing => 'auto', valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 9', purpose => 'joint plan');
SELECT casesync.activate('PLANS');
SELECT casesync.set_agreement('PLANS-IN', :'other', direction => 'in', event_types => '{plan_change}',
  fields => '{additional_attributes.plan}', identifier_types => '{NATIONAL_ID}', apply_mode => 'auto',
  valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 9');
SELECT casesync.activate('PLANS-IN');
CREATE VIEW not_shared AS
SELECT national_id, state FROM plan JOIN planned ON subject_key = national_id WHERE NOT is_shared AND state NOT IN ('completed', 'ended');
