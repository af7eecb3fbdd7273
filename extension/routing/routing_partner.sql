/* One partner and subjects as they are now: what is new to it, in which of its subscriptions. */

/*
 * What of a partner's message came into a subject: the origin's record, if it is all its own. Items
 * that came later count as well, since the record is rendered after them; but none that came before
 * we last told the partner something: what it has since then is ours.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_echo(origin bigint, partner text, record jsonb,
	told_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.inbox_item o
		  JOIN casesync_internal.inbox_item i ON i.partner = o.partner AND i.subject = o.subject
			AND i.id >= o.id
		 WHERE o.id = origin AND o.partner = is_echo.partner AND i.state = 'applied'
		   AND i.mode <> 'decision' AND (told_at IS NULL OR told_at < i.received_at)
		   AND casesync_internal.record_contains(i.record, is_echo.record));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_echo(bigint, text, jsonb, timestamptz) IS
	'whether the partner itself told us all of this record, and we have told it nothing since';

/*
 * By the subscription's lane, or the registered address's. What has come a long way
 * (message_limit('hops')) goes no further: each system on it has made something else of it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.append_drafts(a casesync_internal.agreement,
	drafts casesync_internal.draft[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.notification_append(ARRAY(
		SELECT ROW(x.lane, x.subscription, (x.event).event, (x.event).registry, (x.event).key,
			(x.event).event_type, x.removal, x.record, x.hmac, a.agreement, a.version, x.hops,
			(x.event).at,
			coalesce((x.event).is_bulk, false))::casesync_internal.new_notification
		  FROM (SELECT coalesce(s.lane, l.lane) AS lane, w.id AS subscription, d.*,
					CASE WHEN i.partner IS NULL THEN '{}'
						WHEN i.hops[cardinality(i.hops)] = i.partner THEN i.hops
						ELSE i.hops || i.partner END AS hops
				  FROM unnest(drafts) WITH ORDINALITY
					d(event, subscriptions, record, hmac, removal, n)
				 CROSS JOIN unnest(d.subscriptions) w(id)
				 /* One by one by their ids: there may be a million others. */
				 CROSS JOIN LATERAL (SELECT y.lane FROM casesync_internal.subscription y
					WHERE y.id = w.id OFFSET 0) s
				  JOIN casesync_internal.lane l ON l.partner = a.partner AND l.kind = 'notify'
					AND l.address = ''
				  LEFT JOIN LATERAL (SELECT y.partner, y.hops FROM casesync_internal.inbox_item y
					WHERE y.id = (d.event).origin OFFSET 0) i ON true
				 ORDER BY d.n, w.id) x
		 WHERE cardinality(x.hops) <= casesync_internal.message_limit('hops')));
END
$$;
COMMENT ON FUNCTION casesync_internal.append_drafts(casesync_internal.agreement,
	casesync_internal.draft[]) IS
	'write events and their notifications, in order';

CREATE OR REPLACE FUNCTION casesync_internal.tell(a casesync_internal.agreement,
	drafts casesync_internal.draft[], is_sent boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Identifiers are kept only where the agreement has a removal told by them. */
	PERFORM casesync_internal.knowledge_note(ARRAY(
		SELECT ROW(a.partner, (d.event).registry, (d.event).key, d.hmac, i.identifiers,
			s)::casesync_internal.known
		  FROM unnest(drafts) d
		 CROSS JOIN LATERAL (SELECT CASE WHEN a.on_leave = 'identifier_only' THEN (
			SELECT jsonb_agg(to_jsonb(x)) FROM casesync.record_identifiers(d.record) x) END
				AS identifiers OFFSET 0) i
		  LEFT JOIN LATERAL unnest(CASE WHEN is_sent THEN d.subscriptions END) s ON true));
END
$$;
COMMENT ON FUNCTION casesync_internal.tell(casesync_internal.agreement, casesync_internal.draft[],
	boolean) IS
	'remember what the partner knows, or is about to know, if this is sent';

/* Each record type has its identifiers in another place; nothing else of the person is in it. */
CREATE OR REPLACE FUNCTION casesync_internal.removal_record(record_type text, identifiers jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE record_type
			WHEN 'Person' THEN jsonb_build_object('identifier', identifiers)
			WHEN 'Group' THEN jsonb_build_object('group_identifier', identifiers)
			WHEN 'Beneficiary' THEN jsonb_build_object(
				'member', jsonb_build_object('member_identifier', identifiers))
			ELSE jsonb_build_object('member_identifier', identifiers) END
		|| '{"additional_attributes": [{"removed": "true"}]}'
$$;
COMMENT ON FUNCTION casesync_internal.removal_record(text, jsonb) IS
	'what is sent of a subject that left: who it was, and that it is removed';

/* They were kept when another version counted: what is no longer agreed is not told in parting. */
CREATE OR REPLACE FUNCTION casesync_internal.agreed_identifiers(identifiers jsonb,
	identifier_types text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_agg(i) FROM jsonb_array_elements(identifiers) i
	 WHERE upper(casesync_internal.fold_identifier_type(i->>'identifier_type')) IN (
		SELECT upper(casesync_internal.fold_identifier_type(x)) FROM unnest(identifier_types) x)
$$;
COMMENT ON FUNCTION casesync_internal.agreed_identifiers(jsonb, text[]) IS
	'those of the identifiers once told that the agreement of today still lets pass; NULL when '
	'none';

/*
 * Only a partner that was sent something of a subject is told that it left. What was told is looked
 * up for each who leaves, whatever the planner believes of the table.
 */
CREATE OR REPLACE FUNCTION casesync_internal.removal_drafts(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[], leaving text[])
RETURNS SETOF casesync_internal.draft
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH gone AS MATERIALIZED (
		SELECT l.key, x.record, t.leaving FROM (SELECT DISTINCT unnest(leaving) AS key) l
		 CROSS JOIN LATERAL (SELECT t.identifiers, t.leaving FROM casesync_internal.told t
			WHERE t.partner = a.partner AND t.registry = r.registry AND t.key = l.key LIMIT 1) t
		 CROSS JOIN LATERAL (SELECT casesync_internal.removal_record(r.record_type,
			casesync_internal.agreed_identifiers(t.identifiers, a.identifier_types)) AS record) x
		 WHERE casesync_internal.agreed_identifiers(t.identifiers, a.identifier_types) IS NOT NULL
		   AND (SELECT true FROM casesync_internal.disclosure d
			WHERE d.partner = a.partner AND d.registry = r.registry AND d.key = l.key
			  AND (SELECT true FROM casesync_internal.disclosure x
				WHERE x.reference_id = d.reference_id AND x.outcome = 'not_sent'
				  AND x.hmac IS NOT DISTINCT FROM d.hmac LIMIT 1) IS NULL
			 LIMIT 1)
	)
	SELECT DISTINCT ON (g.key, e.event_type) e, w.subscriptions, g.record, NULL::bytea, true
	  FROM gone g JOIN unnest(events) e ON e.key = g.key
	 CROSS JOIN LATERAL (
		SELECT array_agg(DISTINCT s.id) AS subscriptions FROM (
			SELECT casesync_internal.wanted_by(a, r, e.event_type, g.record)
			UNION ALL
			SELECT i.subscription FROM casesync_internal.filter_inside i
			  JOIN casesync_internal.subscription f ON f.id = i.subscription
			 WHERE i.registry = r.registry AND i.key = e.key
			   AND f.partner = a.partner AND f.event_type = e.event_type
			   AND f.state = 'active'
			UNION ALL
			SELECT f.id FROM casesync_internal.subscription f
			 WHERE f.id = ANY (g.leaving) AND f.event_type = e.event_type
			   AND f.state = 'active') s(id)
		 WHERE g.leaving IS NULL OR s.id = ANY (g.leaving)) w
	 WHERE e.event_type = ANY (a.event_types) AND w.subscriptions IS NOT NULL
	 ORDER BY g.key, e.event_type, e.position
$$;
COMMENT ON FUNCTION casesync_internal.removal_drafts(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], text[]) IS
	'what to tell a partner of subjects that left, where the agreement has on_leave '
	'identifier_only';

/*
 * A removal that was taken back is told at the next look, whatever that look is for: nobody else
 * asks for it any more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.events_leaving(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[], leaving text[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN events || ARRAY(
		SELECT DISTINCT ON (e.key, s.event_type) ROW(gen_random_uuid(), e.registry, e.key,
				s.event_type, NULL, e.at, e.position, e.is_bulk, NULL, NULL,
				NULL)::casesync_internal.subject_event
		  FROM (SELECT DISTINCT unnest(leaving) AS key) l
		 CROSS JOIN LATERAL (SELECT t.leaving FROM casesync_internal.told t
			WHERE t.partner = a.partner AND t.registry = r.registry AND t.key = l.key LIMIT 1) t
		  JOIN casesync_internal.subscription s ON s.id = ANY (t.leaving) AND s.state = 'active'
		  JOIN unnest(events) e ON e.key = l.key
		 WHERE NOT EXISTS (SELECT FROM unnest(events) o
			WHERE o.key = l.key AND o.event_type = s.event_type)
		 ORDER BY e.key, s.event_type, e.position);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_leaving(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], text[]) IS
	'events of subjects that left, with one for each subscription that is still to be told';

/* Subjects that a partner was told of and may not see any more: nothing that waits is sent. */
CREATE OR REPLACE FUNCTION casesync_internal.route_leaving(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[], leaving text[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	drafts casesync_internal.draft[] := '{}';
BEGIN
	PERFORM casesync_internal.withhold_waiting(ARRAY(SELECT n.reference_id
		FROM casesync_internal.notification n
		WHERE n.registry = r.registry AND n.key = ANY (leaving) AND n.state = 'due'
		  AND n.agreement = a.agreement AND NOT n.removal), 'the subject left the agreement');
	/*
	 * After withholding, which waits for a take() under way: when that has disclosed something
	 * since this look began, its items have changed, and another look is taken.
	 */
	IF a.on_leave = 'identifier_only' THEN
		drafts := ARRAY(SELECT d FROM casesync_internal.removal_drafts(a, r,
			casesync_internal.events_leaving(a, r, events, leaving), leaving) d);
	END IF;
	PERFORM casesync_internal.knowledge_forget_subjects(a.partner, r.registry, leaving);
	RETURN CASE WHEN cardinality(drafts) > 0 THEN casesync_internal.append_drafts(a, drafts)
		ELSE 0 END;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_leaving(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], text[]) IS
	'withhold what waits, forget what the partner was told, and tell it when the agreement says so';

CREATE OR REPLACE FUNCTION casesync_internal.was_before(e casesync_internal.subject_event,
	at timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN least(e.since, e.at,
			casesync_internal.look_again_since(e.registry, e.key, e.event_type)) < at
		OR casesync_internal.quarantine_holds(e.registry, e.key, e.event_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.was_before(casesync_internal.subject_event, timestamptz) IS
	'whether what an event is about may have been so at that time already';

/*
 * What a partner wants and may have, less what it knows already. Of its own message it is told
 * nothing: that it knows what it told us is remembered all the same. Of several events of a subject
 * each of another type goes to those that asked for it, all with the record of now. Changes that
 * were in what the partner was told before, as an event of another type, are looked at later only:
 * they are news to subscriptions that were left out then. So is what was lost to one of them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_drafts(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], OUT news casesync_internal.draft[],
	OUT echoes casesync_internal.draft[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	has_ones constant boolean := casesync_internal.wants_any_one(a);
BEGIN
	WITH wish AS MATERIALIZED (
		SELECT x AS event_type, casesync_internal.wanted_by_all(a, r, x) AS to_all
		  FROM unnest(a.event_types) x
	)
	SELECT array_agg(ROW(x.e, x.wanted, x.record, x.hmac, false)::casesync_internal.draft
			ORDER BY (x.e).position) FILTER (WHERE NOT x.is_echo),
		array_agg(ROW(x.e, x.wanted, x.record, x.hmac, false)::casesync_internal.draft)
			FILTER (WHERE x.is_echo)
	  INTO news, echoes
	  FROM (SELECT DISTINCT ON (j.key, (j.e).event_type) j.e, j.record, j.hmac,
				w.subscriptions AS wanted,
				(j.e).origin IS NOT NULL AND casesync_internal.is_echo((j.e).origin, a.partner,
					j.record, j.told_at) AS is_echo
			  /* Joined before it is filtered: the planner underrates filters, and then loops. */
			  FROM (SELECT o.key, o.record, o.hmac, o.state, e, t.at AS told_at, t.owed,
						CASE WHEN (t.hmac = o.hmac) IS TRUE
							AND casesync_internal.was_before(e, t.at) THEN t.told_to END AS told_to,
						t.hmac IS DISTINCT FROM o.hmac AS is_news
					  FROM unnest(offers) o
					  JOIN unnest(events) e ON e.key = o.key
					  /* One by one by the key: there may be a million others. */
					  LEFT JOIN LATERAL (SELECT x.* FROM casesync_internal.told x
						WHERE x.partner = a.partner AND x.registry = r.registry AND x.key = o.key
						OFFSET 0) t ON true
					OFFSET 0) j
			  JOIN wish v ON v.event_type = (j.e).event_type
			 CROSS JOIN LATERAL (
				SELECT array_agg(s) AS subscriptions
				  FROM (SELECT unnest(v.to_all) UNION ALL SELECT o FROM
						casesync_internal.wanted_by_one(a, r, (j.e).event_type, j.record) o
						 WHERE has_ones) c(s)
				 WHERE j.is_news OR s = ANY (j.owed) OR s <> ALL (j.told_to)) w
			 WHERE j.state = 'pass' AND a.valid_from <= (j.e).at AND (j.e).at < a.valid_to
			   AND (j.is_news OR j.owed <> '{}' OR j.told_to IS NOT NULL)
			   AND w.subscriptions IS NOT NULL
			 ORDER BY j.key, (j.e).event_type, (j.e).position) x;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_drafts(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[]) IS
	'what is new to a partner in its subscriptions to everybody or to somebody, and what it told '
	'us itself';

/*
 * A subscription to which an item was tried and then withheld gets it, also when its partner has
 * learnt by another subscription what the subject is now: its number is not to stay open.
 */
CREATE OR REPLACE FUNCTION casesync_internal.open_drafts(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	offers casesync_internal.offer[], news casesync_internal.draft[])
RETURNS SETOF casesync_internal.draft
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.open_number) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT DISTINCT ON (w.subscription, w.key) x.e, ARRAY[w.subscription], f.record, f.hmac, false
	  FROM casesync_internal.open_number w
	  JOIN casesync_internal.subscription s ON s.id = w.subscription AND s.state = 'active'
	  JOIN unnest(offers) f ON f.key = w.key AND f.state = 'pass'
	 CROSS JOIN LATERAL (SELECT e FROM unnest(events) e
		WHERE e.key = w.key AND e.event_type = s.event_type ORDER BY e.position LIMIT 1) x
	 WHERE w.registry = r.registry AND NOT w.is_passed AND s.partner = a.partner
	   AND s.event_type = ANY (a.event_types) AND (s.ends IS NULL OR now() < s.ends)
	   AND (NOT s.is_push OR 'push' = ANY (a.services))
	   AND NOT EXISTS (SELECT FROM unnest(news) d
		WHERE (d.event).key = w.key AND w.subscription = ANY (d.subscriptions))
	 ORDER BY w.subscription, w.key;
END
$$;
COMMENT ON FUNCTION casesync_internal.open_drafts(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.offer[],
	casesync_internal.draft[]) IS
	'what to tell subscriptions of subjects of which they have an open number, besides the news';

/*
 * What is told under an open number stands in its lane where that stood: before what waits of the
 * subject for other subscriptions, and is older. That is told by the next look, which says what is
 * so then. What says the same already stays, so that two open numbers do not chase each other, but
 * not where the same subscription would be told the same once more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.clear_way(a casesync_internal.agreement,
	registry text, news casesync_internal.draft[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	older casesync_internal.notification[];
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.open_number) THEN
		RETURN;
	END IF;
	older := ARRAY(SELECT DISTINCT ON (n.id) n
		  FROM unnest(news) d
		  JOIN casesync_internal.notification n ON n.registry = clear_way.registry
			AND n.key = (d.event).key AND n.state = 'due' AND n.agreement = a.agreement
		 WHERE NOT d.removal AND EXISTS (
			SELECT FROM casesync_internal.open_number o
			 WHERE o.registry = clear_way.registry AND o.key = n.key AND NOT o.is_passed
			   AND o.subscription = ANY (d.subscriptions)
			   AND (n.hmac IS DISTINCT FROM d.hmac
				OR n.seq IS NULL AND n.subscription = o.subscription))
		 ORDER BY n.id);
	PERFORM casesync_internal.withhold_waiting(ARRAY(SELECT n.reference_id FROM unnest(older) n),
		'overtaken: the current record is sent');
	PERFORM casesync_internal.look_again_add_all(array_agg(n.registry), array_agg(n.key),
		array_agg(n.event_type), array_agg(NULL::bigint), array_agg(n.at),
		'overtaken before it was told') FROM unnest(older) n HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION casesync_internal.clear_way(casesync_internal.agreement, text,
	casesync_internal.draft[]) IS
	'these are told now, some under open numbers: what waits of their subjects and is older is not '
	'sent behind them';

/* As an event of ours: what a partner told us itself it is told as well, where it may differ. */
CREATE OR REPLACE FUNCTION casesync_internal.events_retold(partner text, registry text,
	events casesync_internal.subject_event[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	again constant text[] := casesync_internal.retellings_due(partner, registry,
		ARRAY(SELECT DISTINCT e.key FROM unnest(events) e));
BEGIN
	IF again = '{}' THEN
		RETURN events;
	END IF;
	PERFORM casesync_internal.knowledge_open_subjects(partner, registry, again);
	RETURN ARRAY(SELECT ROW(e.event, e.registry, e.key, e.event_type,
			CASE WHEN e.key <> ALL (again) THEN e.origin END, e.at,
			e.position, e.is_bulk, e.since, e.only_to,
			e.is_scheduled)::casesync_internal.subject_event
		FROM unnest(events) WITH ORDINALITY e(event, registry, key, event_type, origin, at,
			position, is_bulk, since, only_to, is_scheduled,
			n) ORDER BY e.n);
END
$$;
COMMENT ON FUNCTION casesync_internal.events_retold(text, text,
	casesync_internal.subject_event[]) IS
	'events of which those that a partner is to be told once more are news to it, whatever it '
	'knows';

/*
 * News of both kinds of subscriptions is put in the order of the changes again: lanes send in the
 * order of ids, and ids are given here. Of an echo only what it says is noted (tell()), with
 * nothing to send: else the partner's own state would be news to it when something else is looked
 * at.
 */
CREATE OR REPLACE FUNCTION casesync_internal.route_agreement(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	subjects casesync_internal.rendered[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	offers casesync_internal.offer[] := ARRAY(SELECT o
		FROM casesync_internal.offers(a, r, subjects) o);
	drafts record;
	fresh casesync_internal.draft[];
	news casesync_internal.draft[];
	leaving text[] := ARRAY(SELECT o.key FROM unnest(offers) o WHERE o.state = 'leave');
	appended integer := 0;
BEGIN
	PERFORM casesync_internal.note_crossed(a.partner, events, offers);
	events := casesync_internal.events_retold(a.partner, r.registry, events);
	drafts := casesync_internal.agreement_drafts(a, r, events, offers);
	fresh := drafts.news || casesync_internal.route_filters(a, r, events, offers);
	news := casesync_internal.push_drafts(a, r, events, offers,
		casesync_internal.hold_scheduled(a, r, fresh));
	news := news || ARRAY(SELECT d
		FROM casesync_internal.open_drafts(a, r, events, offers, news) d);
	IF cardinality(news) > 0 THEN
		PERFORM casesync_internal.clear_way(a, r.registry, news);
		appended := casesync_internal.append_drafts(a, ARRAY(SELECT d FROM unnest(news) d
			ORDER BY (d.event).position));
	END IF;
	/* What is held until its time will be told: nothing of it is news any more. */
	IF cardinality(fresh || news) > 0 THEN
		PERFORM casesync_internal.tell(a, fresh || news, is_sent => true);
	END IF;
	IF drafts.echoes IS NOT NULL THEN
		PERFORM casesync_internal.tell(a, drafts.echoes, is_sent => false);
	END IF;
	PERFORM casesync_internal.quarantine_add_all(r.registry, 0, array_agg(o.key),
		array_agg(e.event_type), array_agg(o.error_code), array_agg(o.reason))
	   FROM unnest(offers) o JOIN unnest(events) e ON e.key = o.key WHERE o.reason IS NOT NULL
	 HAVING count(*) > 0;
	IF cardinality(leaving) > 0 THEN
		appended := appended + casesync_internal.route_leaving(a, r, events, leaving);
	END IF;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_agreement(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'turn events about rendered subjects into one partner''s notifications';
