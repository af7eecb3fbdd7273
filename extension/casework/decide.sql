/* Deciding a review, and what partners see until then. */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(800, 'who decides', $part$
CREATE FUNCTION review_four_eyes(v review, actor bigint) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN CASE
	WHEN NOT EXISTS (SELECT FROM worker w WHERE w.id = actor AND w.role = 'supervisor')
		THEN 'Supervisors decide reviews.'
	WHEN organisation_of(actor) <> v.organisation
		THEN format('It is about the work of %s.', v.organisation)
	WHEN EXISTS (SELECT FROM review_worker w WHERE w.review_id = v.id AND w.worker_id = actor
		AND w.part = 'changed') THEN 'The change is its own.'
	WHEN EXISTS (SELECT FROM review_worker w WHERE w.review_id = v.id AND w.worker_id = actor)
		THEN 'It has escalated it.' END;
COMMENT ON FUNCTION review_four_eyes(review, bigint) IS 'why a worker cannot decide; NULL: it can';

CREATE FUNCTION review_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	actor constant bigint := must_be_worker('decide a review');
	why constant text := review_four_eyes(OLD, actor);
BEGIN
	IF why IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('worker %s cannot decide review %s', actor, OLD.id), DETAIL = why,
			HINT = format('SELECT supervisor_id, kind, detail FROM %I.review_due '
				'WHERE review_id = %s;', TG_TABLE_SCHEMA, OLD.id);
	ELSIF OLD.decision = 'approved' OR NEW.decision IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('review %s is %s', OLD.id, coalesce(OLD.decision, 'open')),
			HINT = format('SELECT * FROM %I.review_due WHERE person_id = %s;', TG_TABLE_SCHEMA,
				OLD.person_id);
	ELSIF NEW.updates <> OLD.updates THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
			MESSAGE = format('review %s has %s changes, not %s', OLD.id, OLD.updates, NEW.updates),
			DETAIL = 'Something changed after you looked.',
			HINT = format('SELECT * FROM %I.trail WHERE person_id = %s ORDER BY id DESC;',
				TG_TABLE_SCHEMA, OLD.person_id);
	END IF;
	NEW.decided_by := actor;
	NEW.decided_at := clock_timestamp();
	IF NEW.decision = 'escalated' THEN
		NEW.supervisor_id := (SELECT w.supervisor_id FROM worker w WHERE w.id = actor);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION review_decision() IS
	'trigger: a supervisor of the organisation decides, who has no part in it';
CREATE TRIGGER decision BEFORE UPDATE OF decision, reason ON review
	FOR EACH ROW EXECUTE FUNCTION review_decision();
$part$),

(810, 'what a decision does', $part$
CREATE FUNCTION review_settle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
BEGIN
	INSERT INTO trail (worker_id, person_id, what, row_id, verb, status_before, status_after, note)
	VALUES (NEW.decided_by, NEW.person_id, 'review', NEW.id, 'decide', OLD.decision, NEW.decision,
		NEW.reason);
	INSERT INTO review_worker (review_id, worker_id, part)
	SELECT NEW.id, NEW.decided_by, 'escalated' WHERE NEW.decision = 'escalated'
	ON CONFLICT DO NOTHING;
	/* In each organisation the last word counts. */
	DELETE FROM held h WHERE h.person_id = NEW.person_id AND h.event_type = NEW.event_type
	   AND NOT EXISTS (SELECT FROM (SELECT DISTINCT ON (v.organisation) v.decision FROM review v
			WHERE v.person_id = NEW.person_id AND v.event_type = NEW.event_type AND v.holds
			ORDER BY v.organisation, v.id DESC) l
		WHERE l.decision IS DISTINCT FROM 'approved');
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION review_settle() IS
	'trigger: the trail, and what was held goes out when all of it is approved';
CREATE TRIGGER settle AFTER UPDATE OF decision, reason ON review
	FOR EACH ROW EXECUTE FUNCTION review_settle();

CREATE FUNCTION decide(review bigint, decision text, reason text DEFAULT NULL,
	updates integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
#variable_conflict use_variable
DECLARE
	v review;
BEGIN
	SELECT * INTO v FROM review r WHERE r.id = decide.review;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('there is no review %s', coalesce(decide.review::text, 'NULL'));
	ELSIF decision IS NULL OR decision NOT IN ('approved', 'returned', 'escalated')
		OR (decision <> 'approved' AND coalesce(reason, '') = '')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'a review is approved, or returned or escalated for a reason',
			HINT = format('SELECT %I.decide(%s, ''returned'', ''…'');', current_schema(), v.id);
	END IF;
	/* In the order in which writers lock. */
	PERFORM held_lock(v.person_id, v.event_type);
	UPDATE review r SET decision = decide.decision, reason = decide.reason,
		updates = coalesce(decide.updates, v.updates)
	 WHERE r.id = v.id RETURNING * INTO v;
	RETURN format('review %s is %s', v.id, v.decision) || CASE
		WHEN EXISTS (SELECT FROM held h WHERE h.person_id = v.person_id
			AND h.event_type = v.event_type) THEN '; partners go on seeing what was so before'
		WHEN v.holds THEN '; partners are told' ELSE '' END;
END
$body$;
COMMENT ON FUNCTION decide(bigint, text, text, integer) IS
	'approved, returned or escalated (with a reason); updates: how many changes you saw';
$part$),

/*
 * The record goes on showing what was so, for this person and this kind of news only: there is no
 * notification to hold, no gap and no queue. The row of held is locked by whoever changes, so that
 * an approval waits for a change under way, and a change after an approval is held again.
 */
(820, 'what partners see meanwhile', $part$
CREATE FUNCTION held_lock(person bigint, topic text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT FROM held h WHERE h.person_id = person AND h.event_type = topic FOR UPDATE;
END;
COMMENT ON FUNCTION held_lock(bigint, text) IS 'waits for changes under way of what is held';

CREATE FUNCTION shown_now(person bigint, topic text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $body$
BEGIN
	IF topic = 'plan_change' THEN
		RETURN (SELECT l.plan FROM live_plan l WHERE l.person_id = person);
	ELSIF topic = 'referral' THEN
		RETURN (SELECT l.referral FROM live_referral l WHERE l.person_id = person);
	END IF;
	RETURN (SELECT to_jsonb(l) - 'person_id' FROM live_person l WHERE l.person_id = person);
END
$body$;
COMMENT ON FUNCTION shown_now(bigint, text) IS 'what a record says now, if nothing of it is held';

CREATE FUNCTION withhold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
DECLARE
	n constant jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	r constant jsonb := coalesce(n, to_jsonb(OLD));
	person constant bigint := r ->> CASE TG_TABLE_NAME WHEN 'person' THEN 'id' ELSE 'person_id' END;
BEGIN
	IF n ->> 'told_by' IS NULL AND EXISTS (SELECT FROM review_rule u
		WHERE u.event_type = TG_ARGV[0] AND u.rule = 'before_sharing')
		AND EXISTS (SELECT FROM person p WHERE p.id = person)
		AND (TG_OP <> 'UPDATE' OR n <> to_jsonb(OLD))
	THEN
		INSERT INTO held AS h (person_id, event_type, shown)
		SELECT person, TG_ARGV[0], CASE TG_WHEN WHEN 'BEFORE' THEN shown_now(person, TG_ARGV[0]) END
		ON CONFLICT (person_id, event_type) DO UPDATE SET since = h.since;
	END IF;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$body$;
COMMENT ON FUNCTION withhold() IS
	'trigger: under the rule before_sharing partners go on seeing what was so before the change';
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON plan
	FOR EACH ROW EXECUTE FUNCTION withhold('plan_change');
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON goal
	FOR EACH ROW EXECUTE FUNCTION withhold('plan_change');
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON action
	FOR EACH ROW EXECUTE FUNCTION withhold('plan_change');
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON delivery
	FOR EACH ROW EXECUTE FUNCTION withhold('plan_change');
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON referral
	FOR EACH ROW EXECUTE FUNCTION withhold('referral');
CREATE TRIGGER withhold BEFORE UPDATE ON person
	FOR EACH ROW EXECUTE FUNCTION withhold('enrolment_status_change');
CREATE TRIGGER withhold_new AFTER INSERT ON person
	FOR EACH ROW EXECUTE FUNCTION withhold('enrolment_status_change');
CREATE TRIGGER withhold BEFORE INSERT OR UPDATE OR DELETE ON enrolment
	FOR EACH ROW EXECUTE FUNCTION withhold('enrolment_status_change');
$part$);
