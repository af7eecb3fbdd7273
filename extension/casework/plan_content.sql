/*
 * What a plan says changes in a draft only; afterwards only what became of it. Bookkeeping runs as
 * the schema's owner: who may write plans may not write who wrote them.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(500, 'content of a plan', $part$
CREATE FUNCTION content_agreed(content jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN content - '{status,reason,worker_id,told_by,row_version,changed_at,changed_by}'::text[];
COMMENT ON FUNCTION content_agreed(jsonb) IS 'of a goal or action, what the two sides agreed on';

CREATE FUNCTION content_place() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF NEW.plan_version IS NULL THEN
		SELECT max(p.version) INTO NEW.plan_version FROM plan p WHERE p.id = NEW.plan_id
		   AND (TG_TABLE_NAME <> 'delivery' OR p.status = 'active');
	END IF;
	NEW.person_id := (plan_at(NEW.plan_id, NEW.plan_version)).person_id;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION content_place() IS
	'trigger: the newest version when none is named (of deliveries the active one), and its person';
CREATE TRIGGER place BEFORE INSERT ON goal FOR EACH ROW EXECUTE FUNCTION content_place();
CREATE TRIGGER place BEFORE INSERT ON action FOR EACH ROW EXECUTE FUNCTION content_place();
CREATE TRIGGER place BEFORE INSERT ON delivery FOR EACH ROW EXECUTE FUNCTION content_place();

CREATE FUNCTION content_stays(p plan, o jsonb, n jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF p.status = 'draft' OR n ->> 'told_by' IS NOT NULL
		OR p.status = 'proposed' AND n IS NOT NULL AND is_elsewhere(p.case_file_id)
	THEN
		RETURN false;
	ELSIF content_agreed(o) IS DISTINCT FROM content_agreed(n) THEN
		RETURN true;
	END IF;
	RETURN p.status <> 'active'
		AND NOT EXISTS (SELECT FROM person h
			WHERE h.id = p.person_id AND h.death_date IS NOT NULL)
		AND NOT EXISTS (SELECT FROM action a
			JOIN plan f ON f.id = a.plan_id AND f.version = a.plan_version AND f.status = 'active'
			WHERE a.plan_id = p.id AND a.id = n ->> 'id' AND a.status::text = n ->> 'status'
			  AND a.reason IS NOT DISTINCT FROM n ->> 'reason');
END
$body$;
COMMENT ON FUNCTION content_stays(plan, jsonb, jsonb) IS
	'whether a goal or action may not change so: it was laid before both sides';

CREATE FUNCTION content_is_theirs(p plan, o jsonb, n jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $body$
BEGIN
	IF n ->> 'told_by' IS NOT NULL OR p.proposed_at IS NULL OR o IS NULL
		OR NOT is_elsewhere(p.case_file_id) OR EXISTS (SELECT FROM person h
			WHERE h.id = p.person_id AND h.death_date IS NOT NULL)
	THEN
		RETURN NULL;
	ELSIF n IS NULL THEN
		RETURN 'The other side has it.';
	ELSIF o ->> 'told_by' IS NULL OR content_agreed(o) = content_agreed(n)
		AND (o -> 'status', o -> 'reason') = (n -> 'status', n -> 'reason')
	THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT format('It is %s''s: its system says what becomes of it.', x.owner) FROM (
			SELECT coalesce(o ->> 'organisation', (SELECT c.lead_organisation FROM case_file c
				WHERE c.id = p.case_file_id)) AS owner) x
		WHERE NOT is_own(x.owner));
END
$body$;
COMMENT ON FUNCTION content_is_theirs(plan, jsonb, jsonb) IS
	'why a goal or action is for the other side''s system to change; NULL: it is not';

CREATE FUNCTION content_way(p plan, schema name) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN format(CASE WHEN p.status IN ('proposed', 'agreed')
	THEN 'UPDATE %1$I.plan SET status = %4$L WHERE id = %2$L AND version = %3$s;'
	ELSE 'SELECT %1$I.revise_plan(%2$L);  -- a new version' END,
	schema, p.id, p.version,
	CASE WHEN is_elsewhere(p.case_file_id) THEN 'proposed' ELSE 'draft' END);
COMMENT ON FUNCTION content_way(plan, name) IS 'how what was laid before both sides is changed';

CREATE FUNCTION content_change() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	o constant jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	n constant jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	p plan;
	why text;
BEGIN
	SELECT * INTO p FROM plan WHERE id = coalesce(n, o) ->> 'plan_id'
	   AND version = (coalesce(n, o) ->> 'plan_version')::integer FOR SHARE;
	/* The plan itself is deleted, or is none, which the foreign key says. */
	why := CASE WHEN p.id IS NOT NULL THEN content_is_theirs(p, o, n) END;
	IF why IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = TG_TABLE_NAME,
			MESSAGE = format('%s %s of plan %s cannot be %s here', TG_TABLE_NAME, OLD.id, p.id,
				CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END), DETAIL = why,
			HINT = format(CASE WHEN n IS NULL THEN 'UPDATE %1$I.%2$I SET status = %5$L '
				'WHERE plan_id = %3$L AND id = %4$L;  -- with a reason'
				ELSE 'SELECT * FROM %1$I.%2$I WHERE plan_id = %3$L AND id = %4$L;' END,
				TG_TABLE_SCHEMA, TG_TABLE_NAME, p.id, OLD.id,
				CASE TG_TABLE_NAME WHEN 'goal' THEN 'dropped' ELSE 'cancelled' END);
	ELSIF p.id IS NOT NULL AND content_stays(p, o, n) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = TG_TABLE_NAME,
			MESSAGE = format('plan %s, version %s, is %s: its %ss stay as they are', p.id,
				p.version, p.status, TG_TABLE_NAME),
			DETAIL = 'What was laid before both sides changes in a draft only; in an active plan '
				'status, reason and worker go on.',
			HINT = content_way(p, TG_TABLE_SCHEMA);
	ELSIF TG_OP = 'UPDATE' AND o ->> 'told_by' IS NOT NULL
		AND content_agreed(o) = content_agreed(n) AND OLD.status = NEW.status
	THEN
		NEW.told_by := OLD.told_by;
	END IF;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$body$;
COMMENT ON FUNCTION content_change() IS
	'trigger: what is agreed stays, and what is the other side''s is for its system to change';
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON goal FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON action FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER step BEFORE INSERT OR UPDATE OR DELETE ON goal
	FOR EACH ROW EXECUTE FUNCTION content_change();
CREATE TRIGGER step BEFORE INSERT OR UPDATE OR DELETE ON action
	FOR EACH ROW EXECUTE FUNCTION content_change();
$part$),

(510, 'authors and approvals', $part$
CREATE FUNCTION content_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
BEGIN
	IF TG_OP = 'UPDATE' AND content_agreed(to_jsonb(OLD)) = content_agreed(to_jsonb(NEW))
		AND (OLD.status::text IN ('cancelled', 'dropped')) = (NEW.status::text IN ('cancelled',
			'dropped'))
	THEN
		RETURN NULL;
	END IF;
	INSERT INTO plan_author (plan_id, plan_version, organisation, worker_id, told_by)
	SELECT p.id, p.version, coalesce(organisation_of(NEW.changed_by),
			to_jsonb(NEW) ->> 'organisation'), NEW.changed_by, NEW.told_by FROM plan p
	 WHERE p.id = NEW.plan_id AND p.version = NEW.plan_version
	   AND (NEW.changed_by IS NOT NULL AND p.status IN ('draft', 'proposed')
		OR NEW.told_by IS NOT NULL AND NOT is_own(to_jsonb(NEW) ->> 'organisation'))
	ON CONFLICT DO NOTHING;
	DELETE FROM plan_approval a USING plan p
	 WHERE p.id = NEW.plan_id AND p.version = NEW.plan_version
	   AND p.status IN ('proposed', 'agreed')
	   AND a.plan_id = p.id AND a.plan_version = p.version
	   /* What a death cancels nobody approves anew: who had approved it stays on record. */
	   AND NOT EXISTS (SELECT FROM person h
		WHERE h.id = p.person_id AND h.death_date IS NOT NULL);
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION content_written() IS
	'trigger: who wrote is an author, and what was approved before is not what there is now';
CREATE TRIGGER written AFTER INSERT OR UPDATE ON goal
	FOR EACH ROW EXECUTE FUNCTION content_written();
CREATE TRIGGER written AFTER INSERT OR UPDATE ON action
	FOR EACH ROW EXECUTE FUNCTION content_written();

CREATE FUNCTION plan_taken_back() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
BEGIN
	DELETE FROM plan_approval a WHERE a.plan_id = NEW.id AND a.plan_version = NEW.version;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION plan_taken_back() IS
	'trigger: a draft has no approvals, nor has what is proposed anew';
CREATE TRIGGER taken_back AFTER UPDATE ON plan
	FOR EACH ROW WHEN (OLD.status <> 'draft' AND NEW.status = 'draft'
		OR OLD.status = 'agreed' AND NEW.status = 'proposed'
		OR NEW.status = 'proposed' AND (OLD.start_date, OLD.end_date)
			IS DISTINCT FROM (NEW.start_date, NEW.end_date))
	EXECUTE FUNCTION plan_taken_back();

CREATE FUNCTION state_goes_on() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	UPDATE action a SET status = NEW.status, reason = NEW.reason, told_by = NEW.told_by
	  FROM plan p, plan f
	 WHERE f.id = NEW.plan_id AND f.version = NEW.plan_version AND f.status = 'active'
	   AND p.id = f.id AND p.version > f.version AND p.status IN ('draft', 'proposed', 'agreed')
	   AND a.plan_id = p.id AND a.plan_version = p.version AND a.id = NEW.id
	   AND (a.status, a.reason) IS DISTINCT FROM (NEW.status, NEW.reason);
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION state_goes_on() IS
	'trigger: what becomes of an action while a new version is made is so in that as well';
CREATE TRIGGER state AFTER UPDATE ON action FOR EACH ROW
	WHEN ((OLD.status, OLD.reason) IS DISTINCT FROM (NEW.status, NEW.reason))
	EXECUTE FUNCTION state_goes_on();
$part$),

/* Of a worker's row everything but the plan is what is known of the worker. */
(520, 'four eyes on a plan', $part$
CREATE FUNCTION author_is_worker() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	/* Written by content_written(), which knows. */
	IF pg_trigger_depth() > 1 THEN
		RETURN NEW;
	END IF;
	IF NOT may_tell() OR NEW.told_by IS NULL THEN
		NEW.worker_id := must_be_worker('be an author');
		NEW.organisation := organisation_of(NEW.worker_id);
		NEW.told_by := NULL;
	END IF;
	IF (plan_at(NEW.plan_id, NEW.plan_version)).status <> 'draft' AND NEW.told_by IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s, version %s, is no draft', NEW.plan_id, NEW.plan_version),
			HINT = format('SELECT id, version, status FROM %I.plan WHERE id = %L;',
				TG_TABLE_SCHEMA, NEW.plan_id);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION author_is_worker() IS 'trigger: authors of a draft, each for itself';
CREATE TRIGGER step BEFORE INSERT ON plan_author
	FOR EACH ROW EXECUTE FUNCTION author_is_worker();

CREATE FUNCTION approver_is_no_author() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	p plan;
BEGIN
	IF NOT may_tell() OR NEW.told_by IS NULL THEN
		NEW.worker_id := must_be_worker('approve');
		NEW.organisation := organisation_of(NEW.worker_id);
		NEW.told_by := NULL;
	END IF;
	p := plan_at(NEW.plan_id, NEW.plan_version);
	NEW.person_id := p.person_id;
	IF p.status NOT IN ('proposed', 'agreed') THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s, version %s, is %s', p.id, p.version, p.status),
			DETAIL = 'What is proposed is approved.',
			HINT = format('UPDATE %I.plan SET status = ''proposed'' '
				'WHERE id = %L AND version = %s;', TG_TABLE_SCHEMA, p.id, p.version);
	ELSIF EXISTS (SELECT FROM plan_author a WHERE a.plan_id = p.id AND a.plan_version = p.version
		AND a.worker_id = NEW.worker_id)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('worker %s wrote in plan %s and cannot approve it', NEW.worker_id,
				p.id),
			HINT = format('Somebody else of %s does: INSERT INTO %I.plan_approval (plan_id, '
				'plan_version) VALUES (%L, %s);', NEW.organisation, TG_TABLE_SCHEMA, p.id,
				p.version);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION approver_is_no_author() IS
	'trigger: a worker approves for its organisation what it has not written';
CREATE TRIGGER step BEFORE INSERT ON plan_approval
	FOR EACH ROW EXECUTE FUNCTION approver_is_no_author();
$part$),

(530, 'evidence', $part$
CREATE FUNCTION done_needs_evidence() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF NOT EXISTS (SELECT FROM delivery d WHERE d.plan_id = NEW.plan_id AND d.action_id = NEW.id)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('action %s is not done: nothing was delivered', NEW.id),
			HINT = format('INSERT INTO %I.delivery (plan_id, plan_version, action_id) '
				'VALUES (%L, %s, %L);', TG_TABLE_SCHEMA, NEW.plan_id, NEW.plan_version, NEW.id);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION done_needs_evidence() IS
	'trigger: what is done has a delivery; what a message told is in review_due when it has none';
CREATE TRIGGER step_done BEFORE INSERT OR UPDATE ON action
	FOR EACH ROW WHEN (NEW.status = 'done' AND NEW.told_by IS NULL)
	EXECUTE FUNCTION done_needs_evidence();

CREATE FUNCTION delivery_by_worker() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	p plan;
BEGIN
	IF NOT may_tell() OR NEW.told_by IS NULL THEN
		NEW.worker_id := must_be_worker('record a delivery');
		NEW.organisation := organisation_of(NEW.worker_id);
		NEW.told_by := NULL;
	END IF;
	p := plan_at(NEW.plan_id, NEW.plan_version);
	IF p.status <> 'active' AND NEW.told_by IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('plan %s, version %s, is %s: nothing is delivered under it', p.id,
				p.version, p.status),
			HINT = format('SELECT version FROM %I.plan WHERE id = %L AND status = ''active'';',
				TG_TABLE_SCHEMA, p.id);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION delivery_by_worker() IS 'trigger: who gave it, under a plan that is followed';
CREATE TRIGGER step BEFORE INSERT ON delivery
	FOR EACH ROW EXECUTE FUNCTION delivery_by_worker();
$part$),

(540, 'evidence stays', $part$
CREATE FUNCTION evidence_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	a action;
BEGIN
	SELECT * INTO a FROM action WHERE plan_id = OLD.plan_id AND id = OLD.action_id
	   AND status = 'done' LIMIT 1 FOR SHARE;
	/* With its plan it may go. */
	IF a.status = 'done' AND NOT (OLD.told_by IS NOT NULL AND may_tell())
		AND EXISTS (SELECT FROM plan p
		WHERE p.id = OLD.plan_id AND p.version = OLD.plan_version)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('delivery %s is evidence that action %s is done', OLD.id, a.id),
			HINT = format('UPDATE %I.action SET status = ''in_progress'' WHERE plan_id = %L '
				'AND plan_version = %s AND id = %L;', TG_TABLE_SCHEMA, a.plan_id, a.plan_version,
				a.id);
	END IF;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$body$;
COMMENT ON FUNCTION evidence_stays() IS 'trigger: deliveries of what is done stay as they are';
CREATE TRIGGER evidence BEFORE UPDATE OR DELETE ON delivery
	FOR EACH ROW EXECUTE FUNCTION evidence_stays();
$part$);
