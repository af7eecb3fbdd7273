/* Referrals of the casework schema, and what a death ends. */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(600, 'referrals', $part$
CREATE TABLE referral (
	id text PRIMARY KEY DEFAULT gen_random_uuid(),
	person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE,
	status referral_status NOT NULL DEFAULT 'draft',
	is_open boolean,
	referred_by text NOT NULL REFERENCES organisation,
	referred_to text NOT NULL REFERENCES organisation CHECK (referred_to <> referred_by),
	service text,
	reason text,
	referred_on date,
	respond_by timestamptz,
	responded_on date,
	outcome text,
	consent_id bigint REFERENCES consent,
	override_reason text,
	told_by text,
	row_version integer NOT NULL DEFAULT 1,
	changed_at timestamptz NOT NULL DEFAULT now(),
	changed_by bigint REFERENCES worker,
	CONSTRAINT one_referral_of_a_person UNIQUE (person_id, is_open),
	CHECK (is_open IS NOT DISTINCT FROM CASE
		WHEN status IN ('requested', 'received', 'accepted', 'in_progress') THEN true END),
	CONSTRAINT referring_needs_consent CHECK (status IN ('draft', 'cancelled')
		OR told_by IS NOT NULL OR consent_id IS NOT NULL
		OR nullif(override_reason, '') IS NOT NULL),
	CONSTRAINT refusing_needs_a_reason
		CHECK (status NOT IN ('rejected', 'cancelled') OR nullif(reason, '') IS NOT NULL),
	CONSTRAINT completing_needs_an_outcome
		CHECK (status <> 'completed' OR nullif(outcome, '') IS NOT NULL)
);
COMMENT ON TABLE referral IS 'who is referred to another organisation, and what it answers';
COMMENT ON COLUMN referral.override_reason IS
	'why somebody is referred who did not agree to it; never sent';
COMMENT ON COLUMN referral.is_open IS 'true, or NULL; follows status';
CREATE INDEX ON referral (person_id, changed_at);
$part$),

(610, 'steps of a referral', $part$
CREATE FUNCTION referral_steps(status referral_status) RETURNS referral_status[]
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN CASE status
	WHEN 'draft' THEN '{requested,cancelled}'::referral_status[]
	WHEN 'requested' THEN '{received,accepted,rejected,cancelled}'
	WHEN 'received' THEN '{accepted,rejected,cancelled}'
	WHEN 'accepted' THEN '{in_progress,completed,cancelled}'
	WHEN 'in_progress' THEN '{completed,cancelled}' ELSE '{}' END;
COMMENT ON FUNCTION referral_steps(referral_status) IS 'where a referral can go from a state';

CREATE FUNCTION referral_check(r referral) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	other text;
BEGIN
	IF r.status NOT IN ('draft', 'cancelled') AND r.told_by IS NULL
		AND nullif(r.override_reason, '') IS NULL AND NOT EXISTS (SELECT FROM consent c
		WHERE c.id = r.consent_id AND c.person_id = r.person_id
		  AND (c.withdrawn_on IS NULL OR c.withdrawn_on > r.referred_on))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('person %s has not agreed to referral %s', r.person_id, r.id),
			HINT = format('SELECT id FROM %1$I.consent WHERE person_id = %2$s AND withdrawn_on IS '
				'NULL; UPDATE %1$I.referral SET consent_id = … (or override_reason = ''…'') '
				'WHERE id = %3$L;', current_schema(), r.person_id, r.id);
	END IF;
	SELECT o.id INTO other FROM referral o
	 WHERE o.person_id = r.person_id AND o.id <> r.id AND o.is_open AND r.is_open;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation',
			MESSAGE = format('person %s has a referral already: %s', r.person_id, other),
			HINT = format('UPDATE %I.referral SET status = ''cancelled'', reason = ''…'' '
				'WHERE id = %L;', current_schema(), other);
	END IF;
END
$body$;
COMMENT ON FUNCTION referral_check(referral) IS
	'an error unless the person agreed to be referred, or somebody wrote why it is done without; '
	'and for a second one: a record has room for one';

CREATE FUNCTION referral_step() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	was constant referral_status := CASE WHEN TG_OP = 'UPDATE' THEN OLD.status ELSE 'draft' END;
BEGIN
	IF NEW.status <> was AND NEW.told_by IS NULL AND NEW.status <> ALL (referral_steps(was)) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('referral %s cannot go from %s to %s', NEW.id, was, NEW.status),
			DETAIL = coalesce('It can go to ' || nullif(array_to_string(referral_steps(was), ', '),
				'') || '.', 'That is the end of it.'),
			HINT = format('INSERT INTO %I.referral (person_id, referred_by, referred_to) '
				'VALUES (%s, %L, %L);  -- a new one', TG_TABLE_SCHEMA, NEW.person_id,
				NEW.referred_by, NEW.referred_to);
	END IF;
	IF TG_OP = 'UPDATE' AND NEW.told_by IS NULL AND was <> 'draft'
		AND (OLD.id, OLD.person_id, OLD.referred_by, OLD.referred_to)
			IS DISTINCT FROM (NEW.id, NEW.person_id, NEW.referred_by, NEW.referred_to)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('referral %s was sent: who is referred to whom stays', OLD.id),
			HINT = format('UPDATE %I.referral SET status = ''cancelled'', reason = ''…'' '
				'WHERE id = %L;', TG_TABLE_SCHEMA, OLD.id);
	END IF;
	NEW.is_open := CASE
		WHEN NEW.status IN ('requested', 'received', 'accepted', 'in_progress') THEN true END;
	IF NEW.is_open THEN
		PERFORM person_must_live(NEW.person_id, 'nobody is referred');
	END IF;
	IF NEW.status = 'requested' OR (NEW.status <> 'draft' AND NEW.told_by IS NOT NULL) THEN
		NEW.referred_on := coalesce(NEW.referred_on, current_date);
	END IF;
	IF NEW.status <> was AND NEW.status IN ('accepted', 'rejected') THEN
		NEW.responded_on := coalesce(NEW.responded_on, current_date);
	END IF;
	PERFORM referral_check(NEW);
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION referral_step() IS 'trigger: the steps that a referral may take';

CREATE FUNCTION refer(person bigint, organisation text, service text DEFAULT NULL,
	respond_within interval DEFAULT '14 days') RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	made text;
	agreed bigint;
BEGIN
	SELECT c.id INTO agreed FROM consent c WHERE c.person_id = refer.person
	   AND c.purpose IN (refer.service, 'sharing')
	   AND (c.withdrawn_on IS NULL OR c.withdrawn_on > current_date)
	 ORDER BY c.purpose = 'sharing', c.id DESC LIMIT 1;
	IF agreed IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('person %s has not agreed to be referred', refer.person),
			HINT = format('INSERT INTO %I.consent (person_id, purpose, given_on) '
				'VALUES (%s, ''sharing'', current_date);', current_schema(), refer.person);
	END IF;
	INSERT INTO referral AS r (person_id, status, referred_by, referred_to, service, consent_id,
		respond_by)
	VALUES (refer.person, 'requested', coalesce(organisation_of(acting_worker()),
			(SELECT min(o.id) FROM organisation o WHERE o.is_own AND o.id <> refer.organisation)),
		refer.organisation, refer.service, agreed, now() + respond_within)
	RETURNING r.id INTO made;
	RETURN made;
END
$body$;
COMMENT ON FUNCTION refer(bigint, text, text, interval) IS
	'ask another organisation for a service for a person who agreed to it; returns the '
	'referral''s id';

CREATE TABLE referral_rule (
	organisation text PRIMARY KEY REFERENCES organisation,
	service text,
	respond_within interval NOT NULL DEFAULT '14 days',
	is_on boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE referral_rule IS
	'to whom the able-bodied are referred by themselves, once they have agreed to be shared';

CREATE FUNCTION refer_by_rule() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	PERFORM refer(f.person_id, r.organisation, r.service, r.respond_within)
	   FROM facts f CROSS JOIN LATERAL (
		SELECT * FROM referral_rule x WHERE x.is_on ORDER BY x.organisation LIMIT 1) r
	  WHERE f.person_id = (to_jsonb(NEW) ->> TG_ARGV[0])::bigint
	    AND f.is_able_bodied AND f.consents
	    AND NOT EXISTS (SELECT FROM referral o WHERE o.person_id = f.person_id)
	    AND NOT EXISTS (SELECT FROM case_file c WHERE c.person_id = f.person_id);
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION refer_by_rule() IS
	'trigger: somebody who can work and agreed is referred, once';
CREATE TRIGGER refer AFTER INSERT OR UPDATE OF birth_date, is_disabled ON person
	FOR EACH ROW EXECUTE FUNCTION refer_by_rule('id');
CREATE TRIGGER refer AFTER INSERT OR UPDATE ON consent
	FOR EACH ROW WHEN (NEW.withdrawn_on IS NULL) EXECUTE FUNCTION refer_by_rule('person_id');
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON referral FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER step BEFORE INSERT OR UPDATE ON referral
	FOR EACH ROW EXECUTE FUNCTION referral_step();
$part$),

(620, 'a death', $part$
CREATE FUNCTION death_ends() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	UPDATE action SET status = 'cancelled', reason = 'death'
	 WHERE person_id = NEW.id AND status IN ('planned', 'in_progress', 'missed')
	   AND EXISTS (SELECT FROM plan p WHERE p.id = action.plan_id
		AND p.version = action.plan_version
		AND p.status IN ('draft', 'proposed', 'agreed', 'active'));
	UPDATE plan SET status = 'ended', reason = 'death'
	 WHERE person_id = NEW.id AND status IN ('draft', 'proposed', 'agreed', 'active');
	UPDATE referral SET status = 'cancelled', reason = 'death'
	 WHERE person_id = NEW.id
	   AND status IN ('draft', 'requested', 'received', 'accepted', 'in_progress');
	UPDATE enrolment SET status = 'Deceased', since = NEW.death_date
	 WHERE person_id = NEW.id AND status NOT IN ('Exited', 'Deceased');
	UPDATE case_file SET closed_on = greatest(NEW.death_date, opened_on), closed_why = 'death'
	 WHERE person_id = NEW.id AND closed_on IS NULL;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION death_ends() IS 'trigger: nothing goes on for who has died';
CREATE TRIGGER death AFTER UPDATE ON person
	FOR EACH ROW WHEN (OLD.death_date IS NULL AND NEW.death_date IS NOT NULL)
	EXECUTE FUNCTION death_ends();

CREATE FUNCTION action_of_living() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	PERFORM person_must_live(NEW.person_id, 'nothing is done for them');
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION action_of_living() IS 'trigger: an action begins for who is alive';
CREATE TRIGGER step_living BEFORE INSERT OR UPDATE ON action
	FOR EACH ROW WHEN (NEW.status = 'in_progress' AND NEW.told_by IS NULL)
	EXECUTE FUNCTION action_of_living();
$part$);
