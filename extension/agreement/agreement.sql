/* What may pass to or from a partner. Versions: content is never changed, only the state is. */
CREATE OR REPLACE FUNCTION casesync_internal.latest_agreement(name text)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	SELECT * INTO a FROM casesync_internal.agreement t WHERE t.agreement = name
		ORDER BY t.version DESC LIMIT 1;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('agreement "%s" does not exist', name),
			hint => format('SELECT casesync.set_agreement(%L, partner, …);', name));
	END IF;
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync_internal.latest_agreement(text) IS
	'the newest version of an agreement, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.check_apply_mode(mode text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF mode !~ '^(review|auto|observe)(,(death|identifier|[a-z_][a-z0-9_.]*)=(review|auto|observe))*$' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('apply_mode "%s" is not understood', left(mode, 200)),
			detail => 'It is review, auto or observe, then exceptions for deaths, identifier '
				'changes, event types and fields.',
			hint => 'For example: apply_mode => ''auto,death=review''.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_apply_mode(text) IS
	'review, auto or observe with exceptions, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.check_paths(what text, paths text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad text;
BEGIN
	SELECT p INTO bad FROM unnest(paths) p
	 WHERE p IS NULL OR p !~ '^[A-Za-z_@][A-Za-z0-9_ -]*(\.[A-Za-z_@][A-Za-z0-9_ -]*){0,15}$'
		LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s: "%s" is not a path', what, left(bad, 200)),
			detail => 'A path is attribute names joined by dots; lists are walked through.',
			hint => 'For example: fields => ''{enrollment_status,demographic_info.death_date}''.');
	END IF;
	IF cardinality(paths) > 500 THEN
		PERFORM casesync_internal.raise_error(errcode => 'program_limit_exceeded',
			message => format('%s: at most 500 paths', what));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_paths(text, text[]) IS
	'attribute paths of an agreement, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.check_subjects(registries text[], condition text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
	r casesync_internal.registry;
BEGIN
	FOREACH name IN ARRAY registries LOOP
		r := casesync_internal.require_registry(name);
		IF condition IS NOT NULL THEN
			PERFORM casesync_internal.parse_condition(r.view, condition);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_subjects(text[], text) IS
	'the condition must be one boolean expression over the columns of every named registry''s view';

CREATE OR REPLACE FUNCTION casesync_internal.check_services(services text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.check_choice('service', coalesce(s, ''),
		'{notify,search,check_enrollment,push,backfill}')
	   FROM unnest(services) s;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_services(text[]) IS
	'the ways out that an agreement opens, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.check_event_types(event_types text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad text;
BEGIN
	SELECT e INTO bad FROM unnest(event_types) e
	 WHERE e IS NULL OR e !~ '^[A-Za-z][A-Za-z0-9_.-]{0,98}$' LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('event type "%s" is not understood', left(bad, 100)),
			detail => 'An event type is one word of at most 99 letters, digits, dots, hyphens and '
				'underscores, without prefix.',
			hint => 'For example: event_types => ''{enrolment,enrolment_status_change}''.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_event_types(text[]) IS
	'event types of an agreement, or an error';

CREATE OR REPLACE FUNCTION casesync.set_agreement(agreement text, partner text,
	direction text DEFAULT 'out',
	registries text[] DEFAULT NULL, event_types text[] DEFAULT NULL, fields text[] DEFAULT NULL,
	filter_fields text[] DEFAULT NULL, identifier_types text[] DEFAULT NULL,
	subjects text DEFAULT NULL, services text[] DEFAULT NULL, apply_mode text DEFAULT NULL,
	valid_from timestamptz DEFAULT NULL, valid_to timestamptz DEFAULT NULL,
	purpose text DEFAULT NULL, legal_basis text DEFAULT NULL, document_uri text DEFAULT NULL,
	document_sha256 bytea DEFAULT NULL, must_encrypt boolean DEFAULT NULL,
	subscribing text DEFAULT NULL, initial_state boolean DEFAULT NULL, on_leave text DEFAULT NULL,
	lookups_per_day integer DEFAULT NULL)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	a casesync_internal.agreement;
	old casesync_internal.agreement;
BEGIN
	PERFORM casesync_internal.require_partner($2);
	IF $1 IS NULL OR $1 = '' OR length($1) > 99 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'the name of an agreement has 1 to 99 characters');
	END IF;
	PERFORM casesync_internal.check_choice('direction', coalesce($3, ''), '{out,in}');
	PERFORM casesync_internal.check_choice('subscribing', $19, '{approve,auto}');
	PERFORM casesync_internal.check_choice('on_leave', $21, '{silent,identifier_only}');
	PERFORM casesync_internal.check_services($10);
	PERFORM casesync_internal.check_event_types($5);
	IF $22 < 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'lookups_per_day must not be negative');
	END IF;
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO old FROM casesync_internal.agreement t WHERE t.agreement = $1
		ORDER BY t.version DESC LIMIT 1;
	IF FOUND AND (old.partner, old.direction) IS DISTINCT FROM ($2, $3) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('agreement "%s" is with "%s", direction %s', $1, old.partner,
				old.direction),
			detail => 'A new version cannot name another partner or direction.',
			hint => 'Write a new agreement under another name.');
	END IF;
	IF coalesce($12, old.valid_from) >= coalesce($13, old.valid_to) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'an agreement must begin before it ends',
			detail => format('valid_from is %s, valid_to %s.', coalesce($12, old.valid_from),
				coalesce($13, old.valid_to)));
	END IF;
	PERFORM casesync_internal.check_apply_mode($11);
	PERFORM casesync_internal.check_paths('fields', $6);
	PERFORM casesync_internal.check_paths('filter_fields', $7);
	IF $3 = 'out' THEN
		PERFORM casesync_internal.check_subjects(coalesce($4, old.registries, '{}'),
			coalesce($9, old.subjects));
	END IF;
	INSERT INTO casesync_internal.agreement AS t (agreement, version, partner, direction,
		registries,
		event_types, fields, filter_fields, identifier_types, subjects, services, apply_mode,
		valid_from, valid_to, purpose, legal_basis, document_uri, document_sha256, must_encrypt,
		subscribing, initial_state, on_leave, lookups_per_day)
	VALUES ($1, coalesce(old.version, 0) + 1, $2, $3, coalesce($4, old.registries, '{}'),
		coalesce(casesync_internal.event_names($5), old.event_types, '{}'),
			coalesce($6, old.fields, '{}'),
		coalesce($7, old.filter_fields, '{}'), coalesce($8, old.identifier_types, '{}'),
		coalesce($9, old.subjects), coalesce($10, old.services, '{notify}'),
		coalesce($11, old.apply_mode, 'review'), coalesce($12, old.valid_from),
		coalesce($13, old.valid_to, 'infinity'), coalesce($14, old.purpose),
		coalesce($15, old.legal_basis), coalesce($16, old.document_uri),
		coalesce($17, old.document_sha256), coalesce($18, old.must_encrypt, false),
		coalesce($19, old.subscribing, 'approve'), coalesce($20, old.initial_state, false),
		coalesce($21, old.on_leave, 'silent'), coalesce($22, old.lookups_per_day, 10000))
	RETURNING t.* INTO a;
	PERFORM casesync_internal.audit_note('set_agreement', $1, to_jsonb(a));
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync.set_agreement(text, text, text, text[], text[], text[], text[], text[],
	text, text[], text, timestamptz, timestamptz, text, text, text, bytea, boolean, text, boolean,
	text, integer) IS
	'write a new version (a draft) of an agreement; parameters left out are as in the version '
	'before';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_gaps(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(what, ', ') FROM (VALUES
		('registries', a.direction = 'out' AND a.registries = '{}'),
		('event_types', a.event_types = '{}'),
		('fields', a.fields = '{}'),
		('identifier_types', a.identifier_types = '{}'),
		('subjects (write ''true'' for everybody)', a.direction = 'out' AND a.subjects IS NULL),
		('valid_from', a.valid_from IS NULL),
		('legal_basis', coalesce(a.legal_basis, '') = '')) v(what, is_missing)
	 WHERE is_missing
$$;
COMMENT ON FUNCTION casesync_internal.agreement_gaps(casesync_internal.agreement) IS
	'what an agreement must say before it can be activated and does not; NULL when complete';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_rival(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.agreement FROM casesync_internal.agreement t
	 WHERE t.partner = a.partner AND t.direction = a.direction AND t.state = 'active'
	   AND t.agreement <> a.agreement
	   AND CASE a.direction WHEN 'out' THEN t.registries && a.registries
			ELSE t.event_types && a.event_types END
	   AND tstzrange(t.valid_from, t.valid_to) && tstzrange(a.valid_from, a.valid_to)
	 LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.agreement_rival(casesync_internal.agreement) IS
	'another active agreement that would decide about the same things';

CREATE OR REPLACE FUNCTION casesync_internal.check_activation(a casesync_internal.agreement)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text := casesync_internal.agreement_gaps(a);
	rival text := casesync_internal.agreement_rival(a);
BEGIN
	IF a.state NOT IN ('draft', 'rehearsed') THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" version %s is %s', a.agreement, a.version, a.state),
			hint => format('SELECT casesync.set_agreement(%L, %L, …); writes a new version.',
				a.agreement, a.partner));
	END IF;
	IF missing IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" is not complete', a.agreement),
			detail => format('Missing: %s.', missing),
			hint => format('SELECT casesync.set_agreement(%L, %L, direction => %L, …);',
				a.agreement, a.partner, a.direction));
	END IF;
	IF a.author = session_user AND (SELECT n.four_eyes FROM casesync_internal.this_node() n) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('agreement "%s" must be activated by someone else than its author',
				a.agreement),
			detail => format('Version %s was written by %s.', a.version, a.author),
			hint => format(
				'Another login with the access "approver" runs SELECT casesync.activate(%L);',
				a.agreement));
	END IF;
	IF rival IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" already decides about this', rival),
			detail => 'Two agreements with one partner may not cover the same registry (in: event '
				'type) at the same time.',
			hint => format('SELECT casesync.end_agreement(%L, reason);', rival));
	END IF;
	IF a.valid_from > now() AND EXISTS (SELECT FROM casesync_internal.agreement t
			WHERE t.agreement = a.agreement AND t.state = 'active' AND t.valid_to > now()) THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('version %s of agreement "%s" begins only at %s', a.version,
				a.agreement, a.valid_from),
			detail => 'The version before it would end now, and nothing could be shared until '
				'then.',
			hint => 'Activate it when it begins, or write it with an earlier valid_from.');
	END IF;
	PERFORM casesync_internal.check_subjects(a.registries, a.subjects);
END
$$;
COMMENT ON FUNCTION casesync_internal.check_activation(casesync_internal.agreement) IS
	'whether this version may be activated now by the current login, or an error';

CREATE OR REPLACE FUNCTION casesync.activate(agreement text)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	a casesync_internal.agreement;
BEGIN
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	a := casesync_internal.latest_agreement($1);
	PERFORM casesync_internal.check_activation(a);
	UPDATE casesync_internal.agreement t SET state = 'ended', ended_at = clock_timestamp(),
		end_reason = format('replaced by version %s', a.version)
	 WHERE t.agreement = $1 AND t.version <> a.version
		AND t.state IN ('active', 'suspended', 'rehearsed');
	UPDATE casesync_internal.agreement t SET state = 'active', activated_by = session_user,
		activated_at = clock_timestamp()
	 WHERE t.agreement = $1 AND t.version = a.version RETURNING t.* INTO a;
	PERFORM casesync_internal.rehearsal_forget($1);
	PERFORM casesync_internal.missed_requeue($1);
	PERFORM casesync_internal.audit_note('activate', $1, jsonb_build_object('version', a.version));
	PERFORM casesync_internal.ring();
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync.activate(text) IS
	'the newest version counts from now; by someone else than its author';

CREATE OR REPLACE FUNCTION casesync.end_agreement(agreement text, reason text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	waiting uuid[];
	withheld integer;
BEGIN
	PERFORM casesync_internal.latest_agreement($1);
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	UPDATE casesync_internal.agreement t SET state = 'ended', ended_at = clock_timestamp(),
		end_reason = $2
	 WHERE t.agreement = $1 AND t.state <> 'ended';
	PERFORM casesync_internal.rehearsal_forget($1);
	DELETE FROM casesync_internal.missed m WHERE m.agreement = $1;
	waiting := ARRAY(SELECT n.reference_id FROM casesync_internal.notification n
		WHERE n.agreement = $1 AND n.state = 'due');
	PERFORM casesync_internal.withhold(waiting, 'agreement ended');
	withheld := cardinality(waiting);
	PERFORM casesync_internal.audit_note('end_agreement', $1,
		jsonb_build_object('reason', $2, 'withheld', withheld));
	RETURN withheld;
END
$$;
COMMENT ON FUNCTION casesync.end_agreement(text, text) IS
	'nothing more passes under this agreement; returns how many waiting notifications were '
	'withheld';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_in(partner text, event_type text)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.agreement;
BEGIN
	SELECT a.* INTO answer FROM casesync_internal.agreement a
	 WHERE a.state = 'active' AND a.direction = 'in' AND a.partner = $1
	   AND $2 = ANY (a.event_types) AND a.valid_from <= now() AND now() < a.valid_to
	 LIMIT 1;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_in(text, text) IS
	'the agreement under which a partner may tell us of an event now; NULL when there is none';
