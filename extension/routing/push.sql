/*
 * What case workers push, on its way through the router: the record of now, under the agreement of
 * now. And push() itself, which asks beforehand what the router and the door ask again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_events(max_subjects integer, but_of text[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(
		SELECT ROW(gen_random_uuid(), p.registry, p.key, p.event_type, NULL, p.at,
			p.id, false, NULL, NULL, NULL)::casesync_internal.subject_event
		  FROM casesync_internal.push_next(max_subjects, but_of) p);
END
$$;
COMMENT ON FUNCTION casesync_internal.push_events(integer, text[]) IS
	'part of events_again(): the subjects that case workers push';

/*
 * To be read beside the record, and so in it: header.meta is never encrypted. It travels only where
 * the agreement names it, as all else does.
 */
CREATE OR REPLACE FUNCTION casesync_internal.with_push_note(record jsonb, note text, fields text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN note IS NULL OR NOT casesync_internal.lets_push_note(fields) THEN record
		ELSE record || jsonb_build_object('additional_attributes', casesync_internal.list_of(
			record->'additional_attributes') || jsonb_build_object('push_note', note)) END
$$;
COMMENT ON FUNCTION casesync_internal.with_push_note(jsonb, text, text[]) IS
	'the record of a push, with the note as the additional attribute push_note';

CREATE OR REPLACE FUNCTION casesync_internal.lets_push_note(fields text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT fields && '{additional_attributes,additional_attributes.push_note}'
$$;
COMMENT ON FUNCTION casesync_internal.lets_push_note(text[]) IS
	'whether an agreement of these fields lets the note of a push pass';

/*
 * A partner that wished to be told of the event gets the push by its subscriptions, and so once;
 * any other by the row that stands for pushes. What it knows does not matter: a person wants it to
 * be told. The hash is of the record alone, by which the next change is compared.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_drafts(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], news casesync_internal.draft[])
RETURNS casesync_internal.draft[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	p record;
	own bigint[];
BEGIN
	IF 'push' <> ALL (a.services) OR now() < a.valid_from THEN
		RETURN news;
	END IF;
	FOR p IN
		SELECT w.*, o.record, o.hmac, o.state, y.e
		  FROM casesync_internal.push_waiting(a.partner, r.registry, ARRAY(
			SELECT x.key FROM unnest(offers) x)) w
		  JOIN unnest(offers) o ON o.key = w.key
		 CROSS JOIN LATERAL (SELECT x AS e FROM unnest(events) x WHERE x.key = w.key
			AND x.event_type = w.event_type ORDER BY x.position LIMIT 1) y
		 WHERE o.state IN ('pass', 'leave') AND w.event_type = ANY (a.event_types)
	LOOP
		IF p.state = 'leave' THEN
			PERFORM casesync_internal.push_drop(p.pushes, 'the subject is not in the agreement');
			CONTINUE;
		END IF;
		own := coalesce(nullif(ARRAY(SELECT s FROM casesync_internal.wanted_by(a, r, p.event_type,
				p.record) s), '{}'), ARRAY[casesync_internal.push_subscription_keep(a.partner, r,
				p.event_type)]);
		news := ARRAY(SELECT d FROM unnest(news) d
				WHERE NOT ((d.event).key = p.key AND (d.event).event_type = p.event_type
					AND d.subscriptions <@ own))
			|| ROW(p.e, own, casesync_internal.with_push_note(p.record, p.note, a.fields), p.hmac,
				false)::casesync_internal.draft;
		PERFORM casesync_internal.push_made(p.pushes, (p.e).event);
	END LOOP;
	RETURN news;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_drafts(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[],
	casesync_internal.draft[]) IS
	'the news for a partner, with what case workers push to it';

/*
 * A suspended one may go on: then the subject is looked at again. What no agreement lets pass now
 * is not told either when one does later: a person wanted it to be told then.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_unagreed(registry text, keys text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone constant bigint[] := ARRAY(
		SELECT p.id FROM casesync_internal.push_open_of(registry, keys) p
		 WHERE NOT EXISTS (SELECT FROM casesync_internal.agreement a
			WHERE a.partner = p.partner AND a.direction = 'out'
			  AND a.state IN ('active', 'suspended') AND now() < a.valid_to
			  AND p.registry = ANY (a.registries) AND p.event_type = ANY (a.event_types)
			  AND 'push' = ANY (a.services)));
BEGIN
	IF gone <> '{}' THEN
		PERFORM casesync_internal.push_drop(gone, 'the agreement does not allow it any more');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_unagreed(text, text[]) IS
	'what was to be pushed about these subjects and no agreement stands for any more is not told';

CREATE OR REPLACE FUNCTION casesync_internal.push_must_be_open(partner text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p constant casesync_internal.partner := casesync_internal.require_partner(partner);
	stop casesync_internal.sharing_stop;
BEGIN
	SELECT * INTO stop FROM casesync_internal.sharing_stop s
	 WHERE s.partner IN ('', push_must_be_open.partner) ORDER BY s.partner LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE stop.partner WHEN '' THEN 'sharing with everybody is stopped'
				ELSE format('sharing with "%s" is stopped', partner) END,
			detail => format('Stopped by %s: %s', stop.who, stop.reason),
			hint => CASE stop.partner WHEN '' THEN 'SELECT casesync.resume_sharing();'
				ELSE format('SELECT casesync.resume_sharing(%L);', partner) END
				|| '  -- by an administrator; then push once more');
	END IF;
	IF coalesce(p.notify_url, p.base_url) IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('partner "%s" has no address to push to', partner),
			hint => format('SELECT casesync.set_partner(%L, base_url => ''https://…'');', partner));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_must_be_open(text) IS
	'a partner that something can be pushed to now, or an error';

/* The error says what is missing of the agreement that comes nearest. */
CREATE OR REPLACE FUNCTION casesync_internal.push_agreements(partner text, registry text,
	event_type text)
RETURNS casesync_internal.agreement[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	here constant casesync_internal.agreement[] := ARRAY(
		SELECT a FROM casesync_internal.agreement a
		 WHERE a.partner = push_agreements.partner AND a.direction = 'out'
		   AND a.state IN ('active', 'suspended') AND push_agreements.registry = ANY (a.registries)
		   AND a.valid_from <= now() AND now() < a.valid_to ORDER BY a.agreement);
	opens constant casesync_internal.agreement[] := ARRAY(SELECT a FROM unnest(here) a
		 WHERE 'push' = ANY (a.services) ORDER BY a.state);
	found_here constant casesync_internal.agreement[] := ARRAY(SELECT a FROM unnest(opens) a
		 WHERE push_agreements.event_type = ANY (a.event_types));
	one constant casesync_internal.agreement := coalesce(found_here[1], opens[1], here[1]);
BEGIN
	IF found_here = '{}' THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE WHEN opens <> '{}' THEN format('no agreement lets event type "%s" of '
				'registry "%s" be pushed to "%s"', left(event_type, 99), registry, partner)
				ELSE format('no agreement lets registry "%s" be pushed to "%s"', registry, partner)
				END,
			detail => CASE WHEN opens <> '{}' THEN format('Agreement "%s" is about %s.',
				one.agreement, array_to_string(one.event_types, ', ')) END,
			hint => format('SELECT casesync.set_agreement(%L, %L, registries => %L, '
				'event_types => %L, services => %L);  -- then SELECT casesync.activate(%1$L);',
				coalesce(one.agreement, 'name'), partner,
				coalesce(one.registries, ARRAY[registry]),
				casesync_internal.one_more(one.event_types, event_type),
				casesync_internal.one_more(coalesce(one.services, '{notify}'), 'push')));
	ELSIF 'active' <> ALL (ARRAY(SELECT a.state FROM unnest(found_here) a)) THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" is suspended', one.agreement),
			detail => format('Since %s: %s', one.stopped_at, one.stop_reason),
			hint => format('SELECT casesync.resume_sharing(agreement => %L);  -- by an '
				'administrator; then push once more', one.agreement));
	END IF;
	RETURN ARRAY(SELECT a FROM unnest(found_here) a WHERE a.state = 'active');
END
$$;
COMMENT ON FUNCTION casesync_internal.push_agreements(text, text, text) IS
	'the agreements by which events of a registry may be pushed to a partner now, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.one_more(list text[], word text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN word = ANY (list) THEN list ELSE list || word END
$$;
COMMENT ON FUNCTION casesync_internal.one_more(text[], text) IS 'a list with this word in it';

/*
 * Nothing of the record is said: who pushes may not be one who reads it here. What a view raises
 * may quote it, so of that the code alone is given.
 */
CREATE OR REPLACE FUNCTION casesync_internal.push_must_pass(
	agreements casesync_internal.agreement[], r casesync_internal.registry, key text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_here constant casesync_internal.rendered[] := ARRAY(
		SELECT s FROM casesync_internal.render(r, ARRAY[key]) s WHERE s.key = push_must_pass.key);
	s constant casesync_internal.rendered := found_here[1];
	states text[];
	code text;
BEGIN
	IF coalesce(s.state, 'gone') IN ('gone', 'alias') THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('registry "%s" has no subject with this key', r.registry),
			hint => CASE s.state WHEN 'alias' THEN format('Its key is written %L.', s.reason)
				ELSE format('SELECT %I FROM %s;  -- the keys', r.key_column, r.view) END);
	END IF;
	SELECT array_agg(o.state), min(o.error_code) INTO states, code
	  FROM unnest(agreements) a CROSS JOIN LATERAL casesync_internal.offers(a, r, found_here) o;
	IF 'pass' = ANY (states) THEN
		RETURN;
	ELSIF 'keep' = ANY (states) THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => 'the record of this subject cannot be made now',
			detail => format('SQLSTATE %s.', coalesce(code, s.error_code)),
			hint => format('SELECT * FROM casesync.preview(%L, %L);  -- by an administrator',
				agreements[1].agreement, key));
	END IF;
	PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
		message => format('this subject is not in agreement "%s"', agreements[1].agreement),
		detail => 'It is not among the agreement''s subjects, or nothing of it is agreed.',
		hint => format('SELECT * FROM casesync.preview(%L, %L);  -- by an administrator',
			agreements[1].agreement, key));
END
$$;
COMMENT ON FUNCTION casesync_internal.push_must_pass(casesync_internal.agreement[],
	casesync_internal.registry, text) IS
	'a subject that one of these agreements lets pass now, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.push_must_fit(
	agreements casesync_internal.agreement[], note text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement := agreements[1];
	most constant integer := casesync_internal.message_limit('pushes');
BEGIN
	IF length(note) > casesync_internal.message_limit('push note') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('the note has %s characters, more than %s', length(note),
				casesync_internal.message_limit('push note')),
			hint => 'What is longer belongs into the record.');
	ELSIF note IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(agreements) x
		WHERE casesync_internal.lets_push_note(x.fields))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" lets no note pass', a.agreement),
			hint => format('SELECT casesync.set_agreement(%L, %L, fields => %L);  -- then SELECT '
				'casesync.activate(%1$L); or push without a note', a.agreement, a.partner,
				a.fields || 'additional_attributes.push_note'::text));
	ELSIF most <= (SELECT count(*) FROM casesync_internal.push p
		WHERE p.who = session_user AND p.at > now() - interval '1 hour')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'program_limit_exceeded',
			message => format('%s has pushed %s times in the last hour', session_user, most),
			hint => 'SELECT casesync.look_again(registry);  -- by an administrator: tells all '
				'partners what they do not know');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.push_must_fit(casesync_internal.agreement[], text) IS
	'a note that may travel, and a login that has not pushed too much, or an error';

/*
 * Refused while sharing is stopped: what a person wants to be told now may be wrong when sharing
 * goes on. The audit has the subject as erase() leaves it, so that it can outlive it.
 */
CREATE OR REPLACE FUNCTION casesync.push(partner text, registry text, key text, event_type text,
	note text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(registry);
	event constant text := casesync_internal.event_name(event_type);
	said constant text := nullif(btrim(note), '');
	agreements casesync_internal.agreement[];
	id bigint;
BEGIN
	PERFORM casesync_internal.push_must_be_open(partner);
	agreements := casesync_internal.push_agreements(partner, r.registry, event);
	PERFORM casesync_internal.push_must_fit(agreements, said);
	PERFORM casesync_internal.push_must_pass(agreements, r, key);
	id := casesync_internal.push_add(partner, r.registry, key, event, said);
	PERFORM casesync_internal.audit_note('push', partner, jsonb_build_object('push', id,
		'registry', r.registry, 'subject', casesync_internal.erased_key(r.registry, key),
		'event_type', event, 'agreement', agreements[1].agreement, 'note', said IS NOT NULL));
	PERFORM casesync_internal.ring();
	RETURN format('%s will be told; see SELECT * FROM casesync.shared_status(%L, %L);', partner,
		r.registry, key);
END
$$;
COMMENT ON FUNCTION casesync.push(text, text, text, text, text) IS
	'a case worker has a partner told of a subject as it is now, also without a subscription; the '
	'note goes with the record';
