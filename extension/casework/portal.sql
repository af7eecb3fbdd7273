/*
 * The beneficiary's own way into the casework schema: a role that is everybody's, and a person who
 * is proven anew in each transaction (person_token.sql). What it may read and change is rights on
 * columns, row security and the trigger here, each of which holds without the others. Row security
 * is off until there is a portal: COPY FROM does not work with it.
 */
INSERT INTO casesync_internal.casework_part (place, part, statement) VALUES
(1300, 'whose transaction it is', $part$
/* Everybody may ask: the triggers of whoever writes do. */
CREATE FUNCTION own_person() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path FROM CURRENT
AS $body$
BEGIN
	RETURN proven_person(current_schema());
END
$body$;
COMMENT ON FUNCTION own_person() IS
	'the person whose own transaction this is, through the portal; NULL: it is nobody''s';

CREATE FUNCTION must_be_person() RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path FROM CURRENT
AS $body$
DECLARE
	person constant bigint := own_person();
BEGIN
	IF person IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'this transaction is nobody''s',
			DETAIL = 'Who it is holds until the transaction ends.',
			HINT = format('BEGIN; SELECT %I.as_person(''…'');  -- a token of the login',
				current_schema());
	END IF;
	RETURN person;
END
$body$;
COMMENT ON FUNCTION must_be_person() IS 'own_person(), or an error that says how to say it';

CREATE FUNCTION as_person(token text) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	person constant bigint := as_person(current_schema(), token);
BEGIN
	IF NOT EXISTS (SELECT FROM person p WHERE p.id = person) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_authorization_specification',
			MESSAGE = 'this token proves nobody',
			DETAIL = 'It is not of this schema, or not as it was made, or its time is over.',
			HINT = format('SELECT %I.person_token(…);  -- by the login, for the portal',
				current_schema());
	END IF;
	RETURN person;
END
$body$;
COMMENT ON FUNCTION as_person(text) IS
	'from now on the transaction is the person''s whose token this is, until it ends';

CREATE FUNCTION person_token(person bigint, valid_for interval DEFAULT '5 minutes') RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	RETURN person_token(current_schema(), person, valid_for);
END
$body$;
COMMENT ON FUNCTION person_token(bigint, interval) IS
	'proves to the portal who somebody is: for the login, which knows, and not for the portal';
REVOKE EXECUTE ON FUNCTION person_token(bigint, interval) FROM PUBLIC;

CREATE FUNCTION person_known_by(type text, value text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT i.person_id FROM identifier i
	 WHERE i.type = person_known_by.type AND i.value = person_known_by.value;
END;
COMMENT ON FUNCTION person_known_by(text, text) IS
	'the person with an identifier: for the login, which knows no other number of it';
REVOKE EXECUTE ON FUNCTION person_known_by(text, text) FROM PUBLIC;
$part$),

(1310, 'what a portal may change', $part$
CREATE TABLE portal_field (
	relation text NOT NULL CHECK (relation IN ('person', 'consent', 'plan')),
	field text NOT NULL,
	PRIMARY KEY (relation, field),
	CHECK (relation <> 'consent' OR field = 'withdrawn_on'),
	CHECK (relation <> 'plan' OR field = 'client_agreed_on')
);
COMMENT ON TABLE portal_field IS
	'what somebody may change of the own record; delete rows, or add columns of person';
COMMENT ON COLUMN portal_field.field IS
	'a column; of consent only withdrawn_on (from today on), of plan only client_agreed_on';

/* A key would tell by its error whether another person has it. */
CREATE FUNCTION portal_field_check() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF TG_OP = 'UPDATE' OR NEW.relation = 'person' AND (NEW.field = ANY ('{id,household_id,'
		'death_date,told_by,row_version,changed_at,changed_by}'::text[]) OR NOT EXISTS (
		SELECT FROM pg_attribute a WHERE a.attrelid = 'person'::regclass AND a.attname = NEW.field
		   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
		   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique
			AND a.attnum = ANY (i.indkey))
		   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid
			AND c.contype IN ('p', 'u', 'f', 'x') AND a.attnum = ANY (c.conkey))))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = format('%s.%s cannot be for the portal', NEW.relation, NEW.field),
			DETAIL = 'A column of person can that is no key, no reference, not the day of death '
				'and none of casework''s own bookkeeping.',
			HINT = format('SELECT * FROM %I.portal_field;', TG_TABLE_SCHEMA);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION portal_field_check() IS 'trigger: what can be let to people themselves';
CREATE TRIGGER bounds BEFORE INSERT OR UPDATE ON portal_field
	FOR EACH ROW EXECUTE FUNCTION portal_field_check();

CREATE FUNCTION portal_field_renew() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	PERFORM renew_portal(TG_TABLE_SCHEMA);
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION portal_field_renew() IS 'trigger: rights of portals are what is listed';
INSERT INTO portal_field VALUES ('person', 'phone'), ('person', 'email'),
	('consent', 'withdrawn_on'), ('plan', 'client_agreed_on');
CREATE TRIGGER renew AFTER INSERT OR DELETE ON portal_field
	FOR EACH STATEMENT EXECUTE FUNCTION portal_field_renew();
$part$),

(1320, 'changes of one''s own', $part$
CREATE FUNCTION own_change_refuse(relation text, why text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
		MESSAGE = format('this change of the own %s is not possible', relation),
		DETAIL = why,
		HINT = format('SELECT field FROM %I.portal_field WHERE relation = %L;', current_schema(),
			relation);
END
$body$;
COMMENT ON FUNCTION own_change_refuse(text, text) IS 'the error for what is not for the portal';

/*
 * Its name lets it run before the others, whose writing is not the person's. What the owner's
 * functions do in between is the owner's. Not by the depth of triggers: a role can make one.
 */
CREATE FUNCTION own_change() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
DECLARE
	person constant bigint := own_person();
	o constant jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	n constant jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	changed text;
BEGIN
	IF person IS NULL OR pg_has_role(current_user,
		(SELECT c.relowner FROM pg_class c WHERE c.oid = TG_RELID), 'USAGE')
	THEN
		RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
	ELSIF TG_OP <> 'UPDATE' THEN
		PERFORM own_change_refuse(TG_TABLE_NAME, 'Nothing is begun or deleted through the portal.');
	ELSIF person IS DISTINCT FROM (o ->> TG_ARGV[0])::bigint THEN
		PERFORM own_change_refuse(TG_TABLE_NAME, 'It is another person''s.');
	END IF;
	FOR changed IN SELECT e.key FROM jsonb_each(n) e
		WHERE e.value IS DISTINCT FROM o -> e.key AND e.key <> 'row_version' ORDER BY e.key
	LOOP
		IF NOT EXISTS (SELECT FROM portal_field f WHERE f.relation = TG_TABLE_NAME
			AND f.field = changed)
		THEN
			PERFORM own_change_refuse(TG_TABLE_NAME, format('%s is not listed.', changed));
		ELSIF length(n ->> changed) > 255 THEN
			PERFORM own_change_refuse(TG_TABLE_NAME,
				format('%s is longer than 255 characters.', changed));
		ELSIF n ->> changed ~ '[[:cntrl:]]' THEN
			PERFORM own_change_refuse(TG_TABLE_NAME,
				format('%s is more than one line, or has signs that nobody sees.', changed));
		END IF;
	END LOOP;
	PERFORM person_must_live(person, 'nothing is changed for them');
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION own_change() IS
	'trigger: in one''s own transaction only what is listed changes, of one''s own';
CREATE TRIGGER own_change BEFORE INSERT OR UPDATE OR DELETE ON person
	FOR EACH ROW EXECUTE FUNCTION own_change('id');
CREATE TRIGGER own_change BEFORE INSERT OR UPDATE OR DELETE ON consent
	FOR EACH ROW EXECUTE FUNCTION own_change('person_id');
CREATE TRIGGER own_change BEFORE INSERT OR UPDATE OR DELETE ON plan
	FOR EACH ROW EXECUTE FUNCTION own_change('person_id');

/*
 * Each change is captured, told, and perhaps reviewed: a script with one token makes no flood. A
 * consent is withdrawn once, and always. With the owner's rights, since a portal sees no trail.
 */
CREATE FUNCTION own_change_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $body$
DECLARE
	person constant bigint := own_person();
	most constant integer := (SELECT own_changes_an_hour FROM setting);
	oldest constant timestamptz := (SELECT t.at FROM trail t WHERE t.person_id = person
		   AND t.channel = 'beneficiary' AND t.at > clock_timestamp() - interval '1 hour'
		 ORDER BY t.at DESC OFFSET most - 1 LIMIT 1);
BEGIN
	IF oldest IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('the own record was changed %s times within an hour', most),
			DETAIL = format('It can be changed again at %s.', oldest + interval '1 hour'),
			HINT = format('UPDATE %I.setting SET own_changes_an_hour = %s;  -- by the owner',
				TG_TABLE_SCHEMA, 2 * most);
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION own_change_fits() IS
	'trigger: an error for who has changed the own record too often in the last hour';
CREATE TRIGGER own_change_fits BEFORE UPDATE ON person
	FOR EACH ROW EXECUTE FUNCTION own_change_fits();
CREATE TRIGGER own_change_fits BEFORE UPDATE ON plan
	FOR EACH ROW EXECUTE FUNCTION own_change_fits();

CREATE FUNCTION own_withdrawal() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF own_person() IS NOT NULL AND NEW.withdrawn_on IS DISTINCT FROM OLD.withdrawn_on
		AND (OLD.given_on IS NULL OR OLD.withdrawn_on IS NOT NULL
			OR NEW.withdrawn_on IS DISTINCT FROM current_date)
	THEN
		PERFORM own_change_refuse('consent',
			'What one gave oneself, and is in force, is withdrawn: from today on, for good.');
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION own_withdrawal() IS 'trigger: how somebody withdraws the own consent';
CREATE TRIGGER own_withdrawal BEFORE UPDATE ON consent
	FOR EACH ROW EXECUTE FUNCTION own_withdrawal();

CREATE FUNCTION own_plan() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $body$
BEGIN
	IF own_person() IS NOT NULL
		AND NEW.client_agreed_on IS DISTINCT FROM OLD.client_agreed_on
	THEN
		IF OLD.status <> 'proposed' OR NEW.client_agreed_on <> current_date THEN
			PERFORM own_change_refuse('plan',
				'What is proposed is agreed to: today, or no longer.');
		END IF;
		NEW.client_agreed_how := CASE WHEN NEW.client_agreed_on IS NOT NULL THEN 'portal' END;
	END IF;
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION own_plan() IS 'trigger: how somebody agrees to the own plan';
CREATE TRIGGER own_plan BEFORE UPDATE ON plan
	FOR EACH ROW EXECUTE FUNCTION own_plan();
$part$),

(1330, 'what the case worker sees of it', $part$
CREATE VIEW beneficiary_news AS
SELECT c.worker_id, t.person_id, t.at, t.what, t.row_id, t.columns, v.id AS review_id, v.decision
  FROM trail t
  LEFT JOIN case_file f ON f.person_id = t.person_id AND f.closed_on IS NULL
  LEFT JOIN case_party c ON c.case_file_id = f.id
  LEFT JOIN LATERAL (SELECT r.id, r.decision FROM review r WHERE r.id = t.review_id) v ON true
 WHERE t.channel = 'beneficiary';
COMMENT ON VIEW beneficiary_news IS
	'what people changed of their own record, for those who work on their case';
COMMENT ON COLUMN beneficiary_news.worker_id IS
	'who works on the case, a row for each side; NULL: nobody does';
COMMENT ON COLUMN beneficiary_news.columns IS 'which columns; what stands in them, the row says';
COMMENT ON COLUMN beneficiary_news.review_id IS
	'the review that it is in, by review_rule; NULL: none was to be made';
CREATE INDEX ON trail (at) WHERE channel IS NOT NULL;
$part$),

/* No plan of the query that calls it sees what an index has. */
(1335, 'by what one is known', $part$
CREATE FUNCTION my_identifiers() RETURNS TABLE (type text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path FROM CURRENT
AS $body$
#variable_conflict use_column
DECLARE
	person constant bigint := must_be_person();
BEGIN
	RETURN QUERY SELECT i.type, i.value FROM identifier i WHERE i.person_id = person
	 ORDER BY i.type, i.value;
END
$body$;
COMMENT ON FUNCTION my_identifiers() IS
	'the identifiers of the person whose transaction this is';
REVOKE EXECUTE ON FUNCTION my_identifiers() FROM PUBLIC;
$part$),

(1340, 'what partners were told', $part$
CREATE FUNCTION my_disclosures()
RETURNS TABLE (at timestamptz, partner text, event_type text, way text, fields text[],
	purpose text, legal_basis text)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $body$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT d.at, coalesce(o.name, d.partner), d.event_type, d.way, d.fields, d.purpose,
			d.legal_basis
		  FROM my_disclosures(current_schema()) d LEFT JOIN organisation o ON o.id = d.partner
		 ORDER BY d.at;
END
$body$;
COMMENT ON FUNCTION my_disclosures() IS
	'which partners were told, or may have been told, something of the person whose transaction '
	'this is: when, what, and by what right';
$part$),

/*
 * With the owner's rights they write what nobody may: who could make triggers of them on a table of
 * his own would write it too. A trigger needs no right of who fires it.
 */
(1350, 'what is for no other trigger', $part$
REVOKE EXECUTE ON FUNCTION note_change(), withhold(), review_settle(), content_written(),
	own_change_fits(), plan_taken_back(), held_lock(bigint, text), open_conflicts() FROM PUBLIC;
$part$);
