/*
 * What partners tell of the people of a casework schema. These are apply functions like any others:
 * of whoever made the schema, called with a record in which our own values stand where they are
 * newer. Whose word counts beyond that is decided here: an action's and a delivery's organisation,
 * for a plan the one that leads the case, for a referral who asks and who answers. Approvals are
 * each organisation's own. What a rule of the tables refuses waits for a person, with that rule's
 * own words.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(1100, 'whom a message is about', $part$
CREATE FUNCTION told_by(event inbound) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN format('%s/%s/%s', event.reference_id, event.inbox_id, pg_current_xact_id());
COMMENT ON FUNCTION told_by(inbound) IS 'what is noted in told_by: another one each time';

CREATE FUNCTION told_person(event inbound, OUT person bigint, OUT why text)
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	people bigint[];
BEGIN
	SELECT array_agg(DISTINCT i.person_id) INTO people FROM record_identifiers(event.record) t
	  JOIN identifier i ON i.value = t.identifier_value
		AND upper(i.type) = upper(t.identifier_type);
	IF cardinality(people) = 1 THEN
		person := people[1];
	ELSIF people IS NULL AND NOT EXISTS (SELECT FROM record_identifiers(event.record)) THEN
		why := 'it has none of the agreed identifiers';
	ELSE
		why := format('%s people here have its identifiers', coalesce(cardinality(people), 0));
	END IF;
END
$body$;
COMMENT ON FUNCTION told_person(inbound) IS
	'the person that a record is about, by its agreed identifiers; or why nobody can tell';

CREATE FUNCTION told_organisation(id text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF NOT EXISTS (SELECT FROM organisation o WHERE o.id = told_organisation.id) THEN
		RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = format('%s is no '
			'organisation here: INSERT INTO %I.organisation VALUES (%1$L, ''…'', false); then '
			'accept it', id, current_schema());
	END IF;
END
$body$;
COMMENT ON FUNCTION told_organisation(text) IS
	'an error for an organisation that is not known here';

CREATE FUNCTION told_case(person bigint, lead text, other text, told text) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	found bigint;
BEGIN
	SELECT f.id INTO found FROM case_file f
	 WHERE f.person_id = told_case.person AND f.closed_on IS NULL FOR UPDATE;
	IF found IS NULL THEN
		PERFORM person_must_live(person, 'no case is opened');
		INSERT INTO case_file (person_id, lead_organisation, told_by) VALUES (person, lead, told)
		RETURNING id INTO found;
	END IF;
	IF 2 > (SELECT count(*) FROM case_party c WHERE c.case_file_id = found) THEN
		INSERT INTO case_party (case_file_id, person_id, organisation, part)
		SELECT found, person, o.id, coalesce((SELECT CASE c.part WHEN 'counsellor'
				THEN 'case_manager' ELSE 'counsellor' END
				FROM case_party c WHERE c.case_file_id = found AND c.organisation <> o.id),
			o.part, (SELECT CASE p.part WHEN 'counsellor' THEN 'case_manager' ELSE 'counsellor' END
				FROM organisation p WHERE p.id IN (lead, other) AND p.id <> o.id
				 AND p.part IS NOT NULL),
			CASE o.id WHEN lead THEN 'case_manager' ELSE 'counsellor' END)
		  FROM organisation o WHERE o.id IN (lead, other)
		ON CONFLICT DO NOTHING;
	END IF;
	RETURN found;
END
$body$;
COMMENT ON FUNCTION told_case(bigint, text, text, text) IS
	'the open case file of a person, with these two sides; begun if there is none';
$part$),

(1110, 'what is told of a person', $part$
CREATE FUNCTION receive_person(person bigint, record jsonb, told text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	d constant jsonb := record -> 'demographic_info';
BEGIN
	UPDATE person p SET told_by = told, surname = n.surname, given_name = n.given_name, sex = n.sex,
		birth_date = n.birth_date, death_date = n.death_date, is_disabled = n.is_disabled,
		employment_status = n.employment_status, unemployment_reason = n.unemployment_reason
	  FROM (SELECT o.id, coalesce(d #>> '{name,surname}', o.surname) AS surname,
			coalesce(d #>> '{name,given_name}', o.given_name) AS given_name,
			coalesce((d ->> 'sex')::sex, o.sex) AS sex,
			coalesce((d ->> 'birth_date')::date, o.birth_date) AS birth_date,
			coalesce(death_date_of(record), o.death_date) AS death_date,
			coalesce((record ->> 'is_disabled')::boolean, o.is_disabled) AS is_disabled,
			coalesce((record ->> 'employment_status')::employment_status, o.employment_status)
				AS employment_status,
			coalesce((record ->> 'unemployment_reason')::unemployment_reason,
				o.unemployment_reason) AS unemployment_reason
		  FROM person o WHERE o.id = receive_person.person) n
	 WHERE p.id = n.id AND (p.surname, p.given_name, p.sex, p.birth_date, p.death_date,
		p.is_disabled, p.employment_status, p.unemployment_reason) IS DISTINCT FROM (n.surname,
		n.given_name, n.sex, n.birth_date, n.death_date, n.is_disabled, n.employment_status,
		n.unemployment_reason);
	INSERT INTO identifier (person_id, type, value)
	SELECT person, t.identifier_type, t.identifier_value FROM record_identifiers(record) t
	 WHERE NOT EXISTS (SELECT FROM identifier i WHERE i.person_id = person
		AND upper(i.type) = upper(t.identifier_type));
END
$body$;
COMMENT ON FUNCTION receive_person(bigint, jsonb, text) IS
	'writes what a record says of a person; a second identifier of one type is not taken';

CREATE FUNCTION receive_beneficiary(event inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
#variable_conflict use_column
DECLARE
	who constant record := told_person(event);
	told constant text := told_by(event);
BEGIN
	IF who.person IS NULL THEN
		RETURN 'review: ' || who.why;
	END IF;
	INSERT INTO enrolment AS e (person_id, programme, status, told_by)
	SELECT DISTINCT ON (n.programme) who.person, n.programme, n.status, told FROM (
		SELECT g ->> 'programme_name' AS programme, coalesce((g ->> 'enrolment_status')
				::enrolment_status, enrolment_status_of(event.record)) AS status
		  FROM jsonb_array_elements(CASE jsonb_typeof(event.record -> 'programme_identifier')
			WHEN 'array' THEN event.record -> 'programme_identifier'
			ELSE jsonb_build_array(event.record -> 'programme_identifier') END) g) n
	 WHERE n.programme IS NOT NULL AND n.status IS NOT NULL
	ON CONFLICT (person_id, programme) DO UPDATE SET status = excluded.status,
		since = current_date, told_by = told WHERE e.status <> excluded.status;
	RETURN 'applied';
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
	RETURN 'review: ' || SQLERRM;
END
$body$;
COMMENT ON FUNCTION receive_beneficiary(inbound) IS
	'apply function: in which programmes somebody is enrolled, and how';
/* Whoever calls it says what a partner told. */
REVOKE EXECUTE ON FUNCTION receive_beneficiary(inbound) FROM PUBLIC;
$part$),

(1120, 'what is told of a referral', $part$
CREATE FUNCTION referral_takes(o referral, said referral_status, is_asker boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
RETURN CASE WHEN said = o.status THEN true
	WHEN o.status = 'cancelled' THEN false
	WHEN said = 'cancelled' THEN true
	WHEN is_asker THEN false
	ELSE said IN ('received', 'accepted', 'rejected', 'in_progress', 'completed')
		AND o.status NOT IN ('rejected', 'completed') AND NOT (said = 'received'
			AND o.status IN ('accepted', 'in_progress'))
		AND NOT (said = 'accepted' AND o.status = 'in_progress') END;
COMMENT ON FUNCTION referral_takes(referral, referral_status, boolean) IS
	'whether a partner''s word changes a referral: who asks may cancel it, who is asked answers';

CREATE FUNCTION referral_heard(person bigint, r jsonb, partner text, told text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	PERFORM told_case(person, partner, r ->> 'referred_to', told);
	INSERT INTO referral (id, person_id, status, referred_by, referred_to, service, reason,
		referred_on, respond_by, override_reason, told_by)
	VALUES (r ->> 'referral_id', person, CASE WHEN r ->> 'referral_status' = 'requested'
			THEN 'received' ELSE (r ->> 'referral_status')::referral_status END, partner,
		r ->> 'referred_to', r ->> 'service', r ->> 'reason', (r ->> 'referred_on')::date,
		(r ->> 'respond_by')::timestamptz, 'consent is kept by ' || partner, told);
END
$body$;
COMMENT ON FUNCTION referral_heard(bigint, jsonb, text, text) IS
	'a partner''s new referral to us: it is received, which the partner hears';

CREATE FUNCTION receive_referral(person bigint, r jsonb, partner text, told text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	said constant referral_status := r ->> 'referral_status';
	o referral;
	is_asker boolean;
	kept boolean;
BEGIN
	SELECT * INTO o FROM referral x WHERE x.id = r ->> 'referral_id' FOR UPDATE;
	IF o.id IS NULL THEN
		IF is_own(r ->> 'referred_to') AND r ->> 'referred_by' = partner AND said IS NOT NULL THEN
			PERFORM referral_heard(person, r, partner, told);
		END IF;
		RETURN false;
	END IF;
	is_asker := o.referred_by = partner;
	IF o.person_id <> person OR NOT (is_asker OR o.referred_to = partner) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('referral %s is another one here', o.id);
	END IF;
	kept := said IS NOT NULL AND NOT referral_takes(o, said, is_asker);
	UPDATE referral x SET told_by = told, status = n.status, reason = n.reason,
		outcome = n.outcome, responded_on = n.responded_on, respond_by = n.respond_by,
		service = n.service
	  FROM (SELECT CASE WHEN kept THEN o.status ELSE coalesce(said, o.status) END AS status,
			coalesce(r ->> 'reason', o.reason) AS reason,
			coalesce(CASE WHEN NOT is_asker THEN r ->> 'outcome' END, o.outcome) AS outcome,
			coalesce(CASE WHEN NOT is_asker THEN r ->> 'responded_on' END::date,
				o.responded_on) AS responded_on,
			coalesce(CASE WHEN is_asker THEN r ->> 'respond_by' END::timestamptz,
				o.respond_by) AS respond_by,
			coalesce(CASE WHEN is_asker THEN r ->> 'service' END, o.service) AS service) n
	 WHERE x.id = o.id
	   AND (x.status, x.reason, x.outcome, x.responded_on, x.respond_by, x.service) IS DISTINCT FROM
		(n.status, n.reason, n.outcome, n.responded_on, n.respond_by, n.service);
	IF said IN ('accepted', 'in_progress', 'completed') AND NOT kept AND NOT is_asker
		AND o.status <> said
	THEN
		PERFORM told_case(person, o.referred_by, o.referred_to, told);
	END IF;
	RETURN kept;
END
$body$;
COMMENT ON FUNCTION receive_referral(bigint, jsonb, text, text) IS
	'writes a partner''s referral to us, or its answer to ours; true: what stands here counts';
$part$),

(1170, 'taking in what partners tell', $part$
CREATE FUNCTION person_new(event inbound) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	r constant jsonb := referral_of(event.record);
	made bigint;
BEGIN
	IF r ->> 'referral_status' = 'requested' AND r ->> 'referred_by' = event.partner
		AND is_own(r ->> 'referred_to')
		AND (SELECT s.unknown_referred = 'register' FROM setting s)
	THEN
		INSERT INTO person (told_by) VALUES (told_by(event) || '/new') RETURNING id INTO made;
	END IF;
	RETURN made;
END
$body$;
COMMENT ON FUNCTION person_new(inbound) IS
	'a new person for whom a partner refers to us, if the setting says so; NULL: none';

CREATE FUNCTION receive_member(event inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
DECLARE
	who record := told_person(event);
	told constant text := told_by(event);
	kept boolean := false;
BEGIN
	PERFORM told_organisation(event.partner);
	IF who.why = '0 people here have its identifiers' THEN
		who.person := person_new(event);
	END IF;
	IF who.person IS NULL THEN
		RETURN format('review: %s%s', who.why, CASE WHEN who.why ~ '^0 ' THEN
			format(': INSERT INTO %I.person … and .identifier …; then accept it', current_schema())
			END);
	END IF;
	PERFORM receive_person(who.person, event.record, told);
	IF referral_of(event.record) IS NOT NULL THEN
		kept := receive_referral(who.person, referral_of(event.record), event.partner, told);
	END IF;
	IF plan_of(event.record) ->> 'plan_status' IN ('completed', 'revised', 'ended')
		OR plan_of(event.record) IS NOT NULL AND EXISTS (SELECT FROM person p
			WHERE p.id = who.person AND p.death_date IS NULL)
	THEN
		kept := receive_plan(who.person, plan_of(event.record), event.partner, told) OR kept;
	END IF;
	RETURN CASE WHEN kept THEN 'kept' ELSE 'applied' END;
EXCEPTION WHEN integrity_constraint_violation OR data_exception
	OR object_not_in_prerequisite_state THEN
	RETURN 'review: ' || SQLERRM;
END
$body$;
COMMENT ON FUNCTION receive_member(inbound) IS
	'apply function: a person, the referral and the plan, as far as it is the partner''s to say';
REVOKE EXECUTE ON FUNCTION receive_member(inbound) FROM PUBLIC;
$part$);
