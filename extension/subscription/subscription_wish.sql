/*
 * Whether a wish can become a subscription: read, held against agreements, event types, quotas and
 * the subscriptions that there are. The API and casesync.subscribe() use the same rules. Only what
 * is called subscribe() or subscription_… writes.
 */

/*
 * An end may be missing and a cron expression have five to seven fields (B15); a time without a
 * zone is refused (B26).
 */
CREATE OR REPLACE FUNCTION casesync_internal.frequency_read(frequency jsonb,
	OUT cron text, OUT starts timestamptz, OUT ends timestamptz, OUT problem text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	IF coalesce(jsonb_typeof(frequency), 'null') = 'null' THEN
		RETURN;
	END IF;
	IF jsonb_typeof(frequency) <> 'object' THEN
		problem := 'frequency must be an object with start_time, end_time and frequency';
		RETURN;
	END IF;
	FOREACH name IN ARRAY '{start_time,end_time,frequency}'::text[] LOOP
		IF coalesce(jsonb_typeof(frequency->name), 'null') NOT IN ('null', 'string') THEN
			problem := format('frequency.%s must be a string', name);
			RETURN;
		END IF;
	END LOOP;
	cron := nullif(btrim(frequency->>'frequency'), '');
	starts := casesync_internal.time_of(nullif(frequency->>'start_time', ''));
	ends := casesync_internal.time_of(nullif(frequency->>'end_time', ''));
	problem := CASE
		WHEN starts IS NULL AND coalesce(frequency->>'start_time', '') <> ''
			THEN 'frequency.start_time must be ISO 8601 with a zone'
		WHEN ends IS NULL AND coalesce(frequency->>'end_time', '') <> ''
			THEN 'frequency.end_time must be ISO 8601 with a zone'
		WHEN ends <= starts THEN 'frequency.end_time must be after start_time'
		WHEN cron IS NOT NULL AND casesync.cron_check(cron) IS NOT NULL THEN 'frequency.frequency: '
			|| casesync.cron_check(cron)
		END;
END
$$;
COMMENT ON FUNCTION casesync_internal.frequency_read(jsonb) IS
	'the times of a subscription, or what is wrong with them; no cron means at once, no end means '
	'open';

/* Names are what the standard requires; NULL when it is there. */
CREATE OR REPLACE FUNCTION casesync_internal.wish_names_problem(criteria jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(criteria->'reg_event_type') IS DISTINCT FROM 'string'
			OR criteria->>'reg_event_type' = ''
			OR jsonb_typeof(criteria->'notify_record_type') IS DISTINCT FROM 'string'
			OR criteria->>'notify_record_type' = ''
			OR coalesce(jsonb_typeof(criteria->'reg_type'), 'null') NOT IN ('string', 'null')
		THEN 'reg_event_type and notify_record_type, and reg_type if it is there, must be text' END
$$;
COMMENT ON FUNCTION casesync_internal.wish_names_problem(jsonb) IS
	'why criteria do not say of what the partner wants to be told';

/*
 * What criteria say, spelled our way: a row that is not one yet. Names in any prefix and case (B22
 * to B24), a filter of any of the standard's forms (B12). authorize is kept to be shown, and proves
 * nothing (C8); one that is too long to be shown is left out, since nothing depends on it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wish_read(partner text, criteria jsonb,
	OUT s casesync_internal.subscription, OUT code text, OUT why text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parsed record := casesync_internal.filter_parse(criteria->'filter', criteria->>'filter_type');
	person record;
	times record := casesync_internal.frequency_read(criteria->'frequency');
	named text := casesync_internal.plain_name(criteria->>'notify_record_type');
BEGIN
	s.partner := partner;
	s.event_type := casesync_internal.event_name(criteria->>'reg_event_type');
	s.record_type := coalesce((SELECT r.record_type FROM casesync_internal.registry r
		WHERE lower(r.record_type) = lower(named) ORDER BY r.registry LIMIT 1), named);
	s.reg_type := casesync_internal.reg_type_name(nullif(criteria->>'reg_type', ''));
	s.filter := nullif(criteria->'filter', 'null');
	s.filter_type := nullif(criteria->>'filter_type', '');
	s.cron := times.cron; s.starts := times.starts; s.ends := times.ends;
	s.time_zone := CASE WHEN s.cron IS NOT NULL
		THEN (SELECT n.time_zone FROM casesync_internal.this_node() n) END;
	s.deliver := CASE WHEN s.cron IS NULL THEN 'every' ELSE 'latest' END;
	s.authorize_claim := CASE WHEN jsonb_typeof(criteria->'authorize') = 'object'
		AND length(criteria->>'authorize') <= 4000 THEN criteria->'authorize' END;
	why := casesync_internal.wish_names_problem(criteria);
	IF why IS NOT NULL THEN
		code := casesync_internal.reason_code('wish types unclear');
		RETURN;
	END IF;
	person := casesync_internal.filter_identifier(parsed.tree);
	why := coalesce(parsed.problem, times.problem,
		CASE WHEN octet_length(person.id_type) > 255 OR octet_length(person.id_value) > 1000
			THEN 'the identifier of the filter is too long' END);
	IF why IS NOT NULL THEN
		code := casesync_internal.reason_code('wish details unclear');
		RETURN;
	END IF;
	s.id_type := casesync_internal.fold_identifier_type(person.id_type);
	s.id_value := person.id_value;
	s.tree := CASE WHEN person.id_type IS NULL THEN parsed.tree END;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_read(text, jsonb) IS
	'a subscribe_criteria of the standard as a subscription, or why it cannot be read';

/*
 * By the parsed tree, not by what was sent: the same filter can be written in many ways, and each
 * would count as another subscription.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_same_but_type(a casesync_internal.subscription,
	b casesync_internal.subscription)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (a.event_type, lower(a.record_type), a.registry, a.tree, upper(a.id_type), a.id_value,
		a.cron, a.starts, a.ends)
		IS NOT DISTINCT FROM
		(b.event_type, lower(b.record_type), b.registry, b.tree, upper(b.id_type), b.id_value,
			b.cron, b.starts, b.ends)
$$;
COMMENT ON FUNCTION casesync_internal.is_same_but_type(casesync_internal.subscription,
	casesync_internal.subscription) IS
	'whether two subscriptions have the same criteria, whatever the type of registry';

CREATE OR REPLACE FUNCTION casesync_internal.is_same_wish(a casesync_internal.subscription,
	b casesync_internal.subscription)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.reg_type IS NOT DISTINCT FROM b.reg_type
		AND casesync_internal.is_same_but_type(a, b)
$$;
COMMENT ON FUNCTION casesync_internal.is_same_wish(casesync_internal.subscription,
	casesync_internal.subscription) IS
	'whether two subscriptions have the same criteria, however they were spelled';

/*
 * subscribe_to() always names a type and subscribe() never does: both for one partner would tell it
 * everything twice.
 */
CREATE OR REPLACE FUNCTION casesync_internal.has_type_of(t casesync_internal.subscription,
	s casesync_internal.subscription)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.reg_type IS NULL OR t.reg_type IS NOT DISTINCT FROM s.reg_type
		OR s.reg_type IS NULL AND s.is_confirmed AND NOT EXISTS (
			SELECT FROM casesync_internal.registry r
			 WHERE lower(r.record_type) = lower(s.record_type)
				AND casesync_internal.reg_type_name(r.reg_type) IS DISTINCT FROM t.reg_type)
$$;
COMMENT ON FUNCTION casesync_internal.has_type_of(casesync_internal.subscription,
	casesync_internal.subscription) IS
	'whether a subscription is about all registries that another would be about';

/*
 * The suspended ones too: a partner does not learn from it that sharing is stopped, and need not
 * ask again when it goes on.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreements_about(s casesync_internal.subscription)
RETURNS SETOF casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT a.* FROM casesync_internal.agreement a
	 WHERE a.state IN ('active', 'suspended') AND a.direction = 'out' AND a.partner = s.partner
	   AND now() < a.valid_to AND 'notify' = ANY (a.services)
	   AND EXISTS (SELECT FROM casesync_internal.registry r
					WHERE r.registry = ANY (a.registries)
						AND lower(r.record_type) = lower(s.record_type)
					  AND (s.reg_type IS NULL
						OR casesync_internal.reg_type_name(r.reg_type) = s.reg_type)
					  AND (s.registry IS NULL OR r.registry = s.registry));
END
$$;
COMMENT ON FUNCTION casesync_internal.agreements_about(casesync_internal.subscription) IS
	'the agreements under which the partner may be told of such records, now or from some day on';

/* What agreements say about a wish. An event type that nothing feeds need not be named in them. */
CREATE OR REPLACE FUNCTION casesync_internal.wish_cover(s casesync_internal.subscription,
	OUT is_known boolean, OUT is_covered boolean, OUT is_fed boolean, OUT has_begun boolean,
	OUT needs_decision boolean, OUT identifier_types text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about casesync_internal.agreement[] := ARRAY(SELECT a
		FROM casesync_internal.agreements_about(s) a);
	naming casesync_internal.agreement[] := ARRAY(SELECT a FROM unnest(about) a
		WHERE s.event_type = ANY (a.event_types));
BEGIN
	is_fed := EXISTS (
		SELECT FROM casesync_internal.tracking t
			JOIN unnest(about) a ON a.registries && t.registries
		 WHERE NOT t.removed AND s.event_type IN (t.on_insert, t.on_update, t.on_delete));
	is_known := naming <> '{}' OR EXISTS (
		SELECT FROM casesync_internal.event_type e
		 WHERE e.event_type = s.event_type AND (s.reg_type IS NULL OR e.reg_type = s.reg_type));
	IF naming = '{}' AND NOT is_fed THEN
		naming := about;
	END IF;
	is_covered := naming <> '{}';
	SELECT bool_or(a.state = 'active' AND a.valid_from <= now()), bool_or(a.subscribing <> 'auto')
	  INTO has_begun, needs_decision FROM unnest(naming) a;
	identifier_types := ARRAY(SELECT DISTINCT upper(casesync_internal.fold_identifier_type(i))
		FROM unnest(naming) a CROSS JOIN unnest(a.identifier_types) i);
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_cover(casesync_internal.subscription) IS
	'whether agreements let a wish be granted, and since when, and by whom';

CREATE OR REPLACE FUNCTION casesync_internal.known_event_types(reg_type text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT string_agg(DISTINCT e.wire, ', ') FROM casesync.event_types e
		WHERE known_event_types.reg_type IS NULL OR e.reg_type = known_event_types.reg_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.known_event_types(text) IS
	'event types to name in a message that one is not known';

/*
 * Two queries, each for an index of its own; planned for the values at hand, since some partners
 * have a handful and some have most of the table.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_alike(s casesync_internal.subscription)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	IF s.id_type IS NOT NULL THEN
		RETURN (
			SELECT t.code FROM casesync_internal.subscription t
			 WHERE t.state IN ('pending', 'active') AND t.id_type IS NOT NULL
			   AND t.id_value = s.id_value AND t.partner = s.partner
			   AND casesync_internal.is_same_but_type(t, s)
			   AND casesync_internal.has_type_of(t, s)
			 ORDER BY t.id LIMIT 1);
	END IF;
	RETURN (
		SELECT t.code FROM casesync_internal.subscription t
		 WHERE t.state IN ('pending', 'active') AND t.id_type IS NULL AND t.partner = s.partner
		   AND t.event_type = s.event_type
		   AND casesync_internal.is_same_but_type(t, s) AND casesync_internal.has_type_of(t, s)
		 ORDER BY t.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_alike(casesync_internal.subscription) IS
	'the code of a living subscription with the same criteria';

/*
 * A code of NULL: nothing speaks against it. Which types there are is no secret and is said to who
 * asks for another; of what is agreed with others nothing is said.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wish_verdict(s casesync_internal.subscription,
	cover record)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	alike constant text := casesync_internal.subscription_alike(s);
	event constant text := left(s.event_type, 99);
BEGIN
	RETURN CASE
		WHEN s.reg_type IS NOT NULL
			AND NOT EXISTS (SELECT FROM casesync_internal.registry_type t
				WHERE t.reg_type = s.reg_type)
			AND NOT EXISTS (SELECT FROM casesync_internal.registry r
				WHERE casesync_internal.reg_type_name(r.reg_type) = s.reg_type)
			THEN casesync_internal.refused_for('registry type unknown', left(s.reg_type, 99),
				(SELECT string_agg(t.wire, ', ') FROM casesync.registry_types t))
		WHEN NOT coalesce(cover.is_known, false)
			THEN casesync_internal.refused_for('event type unknown', event,
				' for registry type ' || s.reg_type,
				casesync_internal.known_event_types(s.reg_type))
		WHEN NOT cover.is_covered
			THEN casesync_internal.refused_for('wish not agreed', s.partner, event,
				left(s.record_type, 99))
		WHEN upper(s.id_type) <> ALL (cover.identifier_types)
			THEN casesync_internal.refused_for('identifier not agreed', left(s.id_type, 99),
				array_to_string(cover.identifier_types, ', '))
		WHEN s.ends <= now() THEN casesync_internal.refused_for('wish over already')
		WHEN alike IS NOT NULL THEN casesync_internal.refused_for('wish repeated', alike) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_verdict(casesync_internal.subscription, record) IS
	'why a wish is not granted; cover: what agreements say of it, as wish_cover() tells';

/*
 * Waiting for a person comes before waiting for the agreement to begin: it can be decided
 * meanwhile.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wish_judge(s casesync_internal.subscription,
	OUT code text, OUT why text, OUT waits_for text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cover constant record := casesync_internal.wish_cover(s);
BEGIN
	SELECT v.code, v.why INTO code, why FROM casesync_internal.wish_verdict(s, cover) v;
	IF code IS NULL THEN
		waits_for := CASE WHEN cover.needs_decision THEN 'decision'
			WHEN NOT cover.has_begun THEN 'agreement' END;
		why := CASE WHEN NOT cover.is_fed THEN
			format('accepted; nothing here tells of event type "%s" at present',
				left(s.event_type, 99)) END;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_judge(casesync_internal.subscription) IS
	'whether a wish is granted at once, later or not at all; why without a code is a remark';

CREATE OR REPLACE FUNCTION casesync_internal.subscription_add(s casesync_internal.subscription,
	waits_for text)
RETURNS casesync_internal.subscription
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added casesync_internal.subscription;
BEGIN
	INSERT INTO casesync_internal.subscription AS t (partner, event_type, record_type, reg_type,
		registry, filter, filter_type, tree, id_type, id_value, cron, time_zone, starts, ends,
		deliver, authorize_claim, reference_id, transaction_id, correlation_id, callback_url,
		lane, locale, state, waits_for, is_confirmed, note, decided_at)
	VALUES (s.partner, s.event_type, s.record_type, s.reg_type,
		s.registry, s.filter, s.filter_type, s.tree, s.id_type, s.id_value, s.cron, s.time_zone,
		s.starts, s.ends, s.deliver, s.authorize_claim, s.reference_id, s.transaction_id,
		s.correlation_id, s.callback_url,
		casesync_internal.lane_for(s.partner, 'notify',
			casesync_internal.notify_url(casesync_internal.require_partner(s.partner), s)),
		coalesce(s.locale, 'eng'), CASE WHEN waits_for IS NULL THEN 'active' ELSE 'pending' END,
		waits_for, coalesce(s.is_confirmed, false), s.note,
		CASE WHEN waits_for IS NULL THEN clock_timestamp() END)
	RETURNING t.* INTO added;
	RETURN added;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_add(casesync_internal.subscription, text) IS
	'a wish becomes a subscription, active or waiting';

CREATE OR REPLACE FUNCTION casesync_internal.subscription_seeded(subscription bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.subscription s SET is_seeded = true
	 WHERE s.id = subscription_seeded.subscription;
$$;
COMMENT ON FUNCTION casesync_internal.subscription_seeded(bigint) IS
	'who is inside the filter of a new subscription is known now';

CREATE OR REPLACE FUNCTION casesync_internal.filter_seed_rest(partner text, rest interval)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.filter_seed (partner, next_at)
	VALUES (partner, clock_timestamp() + rest)
	ON CONFLICT ON CONSTRAINT filter_seed_pkey DO UPDATE SET next_at = excluded.next_at
$$;
COMMENT ON FUNCTION casesync_internal.filter_seed_rest(text, interval) IS
	'so long no other new filter of the partner is looked up';

/* Only here is it said that sharing is stopped: to our own people, never to the partner. */
CREATE OR REPLACE FUNCTION casesync_internal.check_subscribe(s casesync_internal.subscription,
	wish_code text, wish_why text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	verdict record := casesync_internal.wish_judge(s);
	code text := coalesce(wish_code, verdict.code);
	why text := CASE WHEN wish_code IS NOT NULL THEN wish_why ELSE verdict.why END;
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.subscription t
		WHERE t.partner = s.partner AND t.reference_id = s.reference_id) THEN
		PERFORM casesync_internal.raise_error(errcode => 'duplicate_object',
			message => format('"%s" has a subscription with reference_id "%s" already', s.partner,
				left(s.reference_id, 99)),
			hint => 'SELECT casesync.unsubscribe(code, reason);');
	END IF;
	IF code IS NULL AND NOT EXISTS (SELECT FROM casesync_internal.agreements_about(s) a
		WHERE a.state = 'active') THEN
		SELECT r.code, r.why INTO code, why
		  FROM casesync_internal.refused_for('sharing stopped', s.partner) r;
	END IF;
	IF code IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(
			errcode => CASE code
				WHEN casesync_internal.reason_code('wish repeated') THEN 'duplicate_object'
				WHEN casesync_internal.reason_code('wish not agreed')
					THEN 'object_not_in_prerequisite_state'
				ELSE 'invalid_parameter_value' END,
			message => why,
			hint => format('SELECT * FROM casesync.%I WHERE partner = %L;', CASE code
				WHEN casesync_internal.reason_code('wish repeated') THEN 'subscriptions'
				ELSE 'agreements' END, s.partner));
	END IF;
	RETURN why;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_subscribe(casesync_internal.subscription, text, text) IS
	'whether subscribe() may add this wish, or an error; gives a remark';

/*
 * The DBA decides by calling it: no quota, no waiting. What the agreement says still counts. The
 * partner's row is locked as by message_sender(): its own wish, at the same moment, would otherwise
 * not be seen, and both be granted.
 */
CREATE OR REPLACE FUNCTION casesync.subscribe(partner text, event_type text, record_type text,
	filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL, frequency text DEFAULT NULL,
	starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, deliver text DEFAULT NULL,
	reference_id text DEFAULT NULL, registry text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wish record;
	remark text;
	s casesync_internal.subscription;
BEGIN
	PERFORM casesync_internal.require_partner(partner);
	PERFORM casesync_internal.check_timing(frequency, deliver);
	PERFORM FROM casesync_internal.partner p WHERE p.partner = subscribe.partner
		FOR NO KEY UPDATE;
	PERFORM casesync_internal.expire_subscriptions(partner);
	wish := casesync_internal.wish_read(partner, jsonb_build_object('reg_event_type', event_type,
		'notify_record_type', record_type, 'filter', filter, 'filter_type', filter_type,
		'frequency', jsonb_build_object('frequency', frequency)));
	s := wish.s;
	s.starts := starts; s.ends := ends; s.registry := registry;
	s.deliver := coalesce(deliver, s.deliver);
	s.reference_id := reference_id; s.transaction_id := gen_random_uuid()::text;
	s.is_confirmed := true;
	remark := casesync_internal.check_subscribe(s, wish.code, wish.why);
	s := casesync_internal.subscription_add(s, NULL);
	PERFORM casesync_internal.backfill_initial(ARRAY[s.id]);
	PERFORM casesync_internal.ring();
	PERFORM casesync_internal.audit_note('subscribe', s.code,
		jsonb_build_object('partner', partner));
	IF remark IS NOT NULL THEN
		RAISE NOTICE USING message = remark;
	END IF;
	RETURN s.code;
END
$$;
COMMENT ON FUNCTION casesync.subscribe(text, text, text, jsonb, text, text, timestamptz,
	timestamptz, text, text, text) IS
	'subscribe a partner without asking it over HTTP; filter NULL is all the agreement allows; '
	'returns the code of the subscription';
