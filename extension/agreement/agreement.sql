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

/*
 * The words before = are not checked against event types and fields: those may come later. One that
 * nothing ever fits changes nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_apply_mode(mode text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF mode !~ ('^(review|auto|observe)'
		'(,(death|identifier|[a-z_][a-z0-9_.]*)=(review|auto|observe))*$')
	THEN
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

/*
 * Names as they stand in JSON, at most 16 deep, which no record of the standard comes near: each
 * path is walked for every record that is projected.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_paths(what text, paths text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad text;
BEGIN
	SELECT p INTO bad FROM unnest(paths) p
	 WHERE p IS NULL OR p !~ '^[A-Za-z_@][A-Za-z0-9_ -]*([.][A-Za-z_@][A-Za-z0-9_ -]*){0,15}$'
		LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s: "%s" is not a path', what, left(bad, 200)),
			detail => 'A path is attribute names joined by dots; lists are walked through.',
			hint => 'For example: fields => ''{enrollment_status,demographic_info.death_date}''.');
	END IF;
	IF cardinality(paths) > 500 THEN
		/* Each record is walked along every path. */
		PERFORM casesync_internal.raise_error(errcode => 'program_limit_exceeded',
			message => format('%s: at most 500 paths', what));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_paths(text, text[]) IS
	'attribute paths of an agreement, or an error';

/*
 * Parsed for each view by itself, since a column may have another type in another one. It is parsed
 * and not run: it runs as the owner of the view, when something is looked at.
 */
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

/* Never an error: whoever asks looks at everything else, too. */
CREATE OR REPLACE FUNCTION casesync_internal.subjects_fault(registries text[], condition text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.check_subjects(coalesce(registries, '{}'), condition);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION casesync_internal.subjects_fault(text[], text) IS
	'why a condition cannot be read over the views of registries; NULL when it can';

/* What is not known is refused, not taken and forgotten: who signs relies on what is written. */
CREATE OR REPLACE FUNCTION casesync_internal.check_services(services text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF 'backfill' = ANY (services) AND 'notify' <> ALL (services) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'service backfill needs service notify',
			detail => 'A backfill tells a subscription of all subjects by notifications.',
			hint => 'services => ''{notify,backfill}''');
	ELSIF 'push' = ANY (services) AND 'notify' <> ALL (services) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'service push needs service notify',
			detail => 'A push is a notification that a case worker asks for.',
			hint => 'services => ''{notify,push}''');
	END IF;
	PERFORM casesync_internal.check_choice('service', coalesce(s, ''),
		'{notify,push,backfill,search,check_enrollment}')
	   FROM unnest(services) s;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_services(text[]) IS
	'the ways out that an agreement opens, or an error';

/* The form only. An event type need not be known yet: a partner's list may be longer than ours. */
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

CREATE OR REPLACE FUNCTION casesync_internal.check_agreement(wanted casesync_internal.agreement)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.require_partner(wanted.partner);
	IF coalesce(wanted.agreement, '') = '' OR length(wanted.agreement) > 99 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'the name of an agreement has 1 to 99 characters');
	END IF;
	PERFORM casesync_internal.check_choice('direction', coalesce(wanted.direction, ''), '{out,in}');
	PERFORM casesync_internal.check_choice('subscribing', wanted.subscribing, '{approve,auto}');
	PERFORM casesync_internal.check_choice('on_leave', wanted.on_leave,
		'{silent,identifier_only}');
	PERFORM casesync_internal.check_services(wanted.services);
	PERFORM casesync_internal.check_event_types(wanted.event_types);
	IF wanted.lookups_per_day < 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'lookups_per_day must not be negative');
	END IF;
	PERFORM casesync_internal.check_apply_mode(wanted.apply_mode);
	PERFORM casesync_internal.check_paths('fields', wanted.fields);
	PERFORM casesync_internal.check_paths('filter_fields', wanted.filter_fields);
END
$$;
COMMENT ON FUNCTION casesync_internal.check_agreement(casesync_internal.agreement) IS
	'what set_agreement() was given can be, or an error';

/*
 * NULL is "as before": so nothing can be emptied by leaving it out, and an empty list must be
 * written. Names of event types are kept in our spelling, however they were given (B23).
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_merge(wanted casesync_internal.agreement,
	old casesync_internal.agreement)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement := wanted;
BEGIN
	a.version := coalesce(old.version, 0) + 1;
	a.registries := coalesce(a.registries, old.registries, '{}');
	a.event_types := coalesce(casesync_internal.event_names(a.event_types), old.event_types, '{}');
	a.fields := coalesce(a.fields, old.fields, '{}');
	a.filter_fields := coalesce(a.filter_fields, old.filter_fields, '{}');
	a.identifier_types := coalesce(a.identifier_types, old.identifier_types, '{}');
	a.subjects := coalesce(a.subjects, old.subjects);
	a.services := coalesce(a.services, old.services, '{notify}');
	a.apply_mode := coalesce(a.apply_mode, old.apply_mode, 'review');
	a.valid_from := coalesce(a.valid_from, old.valid_from);
	a.valid_to := coalesce(a.valid_to, old.valid_to, 'infinity');
	a.purpose := coalesce(a.purpose, old.purpose);
	a.legal_basis := coalesce(a.legal_basis, old.legal_basis);
	a.document_uri := coalesce(a.document_uri, old.document_uri);
	a.document_sha256 := coalesce(a.document_sha256, old.document_sha256);
	a.must_encrypt := coalesce(a.must_encrypt, old.must_encrypt, false);
	a.subscribing := coalesce(a.subscribing, old.subscribing, 'approve');
	a.initial_state := coalesce(a.initial_state, old.initial_state, false);
	a.on_leave := coalesce(a.on_leave, old.on_leave, 'silent');
	a.lookups_per_day := coalesce(a.lookups_per_day, old.lookups_per_day, 10000);
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_merge(casesync_internal.agreement,
	casesync_internal.agreement) IS
	'the next version: what is NULL in the wish is as in the version before';

/* Author and time are the table's defaults, so that nobody can write them. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_store(a casesync_internal.agreement)
RETURNS casesync_internal.agreement
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.agreement AS t (agreement, version, partner, direction,
		registries, event_types, fields, filter_fields, identifier_types, subjects, services,
		apply_mode, valid_from, valid_to, purpose, legal_basis, document_uri, document_sha256,
		must_encrypt, subscribing, initial_state, on_leave, lookups_per_day, written_as)
	VALUES (a.agreement, a.version, a.partner, a.direction,
		a.registries, a.event_types, a.fields, a.filter_fields, a.identifier_types, a.subjects,
		a.services, a.apply_mode, a.valid_from, a.valid_to, a.purpose, a.legal_basis,
		a.document_uri, a.document_sha256, a.must_encrypt, a.subscribing, a.initial_state,
		a.on_leave, a.lookups_per_day, a.written_as)
	RETURNING t
$$;
COMMENT ON FUNCTION casesync_internal.agreement_store(casesync_internal.agreement) IS
	'a version becomes a draft, written by the current login';

/*
 * The lock comes before the version before is read: two who write at once would both make version
 * 3.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_draft(wanted casesync_internal.agreement)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
	old casesync_internal.agreement;
BEGIN
	PERFORM casesync_internal.check_agreement(wanted);
	/* Two sessions must not write the same version; readers, and so routing, go on. */
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO old FROM casesync_internal.agreement t WHERE t.agreement = wanted.agreement
		ORDER BY t.version DESC LIMIT 1;
	IF FOUND AND (old.partner, old.direction)
		IS DISTINCT FROM (wanted.partner, wanted.direction)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('agreement "%s" is with "%s", direction %s', wanted.agreement,
				old.partner, old.direction),
			detail => 'A new version cannot name another partner or direction.',
			hint => 'Write a new agreement under another name.');
	END IF;
	a := casesync_internal.agreement_merge(wanted, old);
	IF a.valid_from >= a.valid_to THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'an agreement must begin before it ends',
			detail => format('valid_from is %s, valid_to %s.', a.valid_from, a.valid_to));
	END IF;
	IF a.direction = 'out' THEN
		PERFORM casesync_internal.check_subjects(a.registries, a.subjects);
	END IF;
	a := casesync_internal.agreement_store(a);
	PERFORM casesync_internal.audit_note('set_agreement', a.agreement, to_jsonb(a));
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_draft(casesync_internal.agreement) IS
	'what set_agreement() does: check the wish, lay it over the version before, store the next one';

CREATE OR REPLACE VIEW casesync.agreements AS
	SELECT a.agreement, a.version, a.partner, a.direction, a.registries, a.event_types, a.fields,
		a.filter_fields, a.identifier_types, a.subjects, a.services, a.apply_mode, a.valid_from,
		a.valid_to, a.purpose, a.legal_basis, a.document_uri, a.document_sha256, a.must_encrypt,
		a.subscribing, a.initial_state, a.on_leave, a.lookups_per_day, a.state, a.author,
		a.written_at, a.activated_by, a.activated_at, a.ended_at, a.end_reason,
		a.rehearsed_until, a.stopped_at, a.stop_reason, a.stop_scope
	  FROM casesync_internal.agreement a;
COMMENT ON VIEW casesync.agreements IS 'agreements, all versions';
COMMENT ON COLUMN casesync.agreements.agreement IS 'its name';
COMMENT ON COLUMN casesync.agreements.version IS
	'counts from 1; what an active version says is never changed';
COMMENT ON COLUMN casesync.agreements.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.agreements.direction IS
	'out: what the partner may get from us; in: what it may tell us';
COMMENT ON COLUMN casesync.agreements.registries IS 'the registries that are shared';
COMMENT ON COLUMN casesync.agreements.event_types IS 'the event types that are told';
COMMENT ON COLUMN casesync.agreements.fields IS 'the parts of a record that leave, or are accepted';
COMMENT ON COLUMN casesync.agreements.filter_fields IS
	'what else the partner may filter and sort by';
COMMENT ON COLUMN casesync.agreements.identifier_types IS
	'the types of identifiers that leave, or are accepted';
COMMENT ON COLUMN casesync.agreements.subjects IS
	'the condition, over the registries'' views, that chooses the subjects';
COMMENT ON COLUMN casesync.agreements.services IS
	'the ways: notify, push, search, check_enrollment; in: push, whether what we did not subscribe '
	'to is taken as pushed';
COMMENT ON COLUMN casesync.agreements.apply_mode IS
	'in: whether what comes is applied at once (auto), by a person (review) or never (observe)';
COMMENT ON COLUMN casesync.agreements.valid_from IS 'when it begins';
COMMENT ON COLUMN casesync.agreements.valid_to IS 'when it ends';
COMMENT ON COLUMN casesync.agreements.purpose IS 'what the data is for';
COMMENT ON COLUMN casesync.agreements.legal_basis IS 'the law that allows it';
COMMENT ON COLUMN casesync.agreements.document_uri IS 'where the signed document is';
COMMENT ON COLUMN casesync.agreements.document_sha256 IS 'its SHA-256';
COMMENT ON COLUMN casesync.agreements.must_encrypt IS
	'whether messages must be encrypted both ways';
COMMENT ON COLUMN casesync.agreements.subscribing IS
	'whether a person approves subscriptions (approve) or they count at once (auto)';
COMMENT ON COLUMN casesync.agreements.initial_state IS
	'whether a new subscriber gets the present state of everybody, and then what changes';
COMMENT ON COLUMN casesync.agreements.on_leave IS
	'what is told of a subject that is shared no longer: nothing (silent) or identifier_only';
COMMENT ON COLUMN casesync.agreements.lookups_per_day IS
	'how many people the partner may ask for in a day';
COMMENT ON COLUMN casesync.agreements.state IS 'draft, rehearsed, active, suspended or ended';
COMMENT ON COLUMN casesync.agreements.author IS 'the login that wrote it';
COMMENT ON COLUMN casesync.agreements.written_at IS 'when it was written';
COMMENT ON COLUMN casesync.agreements.activated_by IS 'the login that activated it';
COMMENT ON COLUMN casesync.agreements.activated_at IS 'when it was activated';
COMMENT ON COLUMN casesync.agreements.ended_at IS 'when it was ended or replaced';
COMMENT ON COLUMN casesync.agreements.end_reason IS 'why';
COMMENT ON COLUMN casesync.agreements.rehearsed_until IS
	'until when it is routed and counted with nothing sent';
COMMENT ON COLUMN casesync.agreements.stopped_at IS 'since when it is suspended';
COMMENT ON COLUMN casesync.agreements.stop_reason IS 'why';
COMMENT ON COLUMN casesync.agreements.stop_scope IS
	'while suspended: whether this agreement, the partner or everybody was stopped';
