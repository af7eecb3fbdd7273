/* Notifications that are to be told: new ones, and those that were tried and withheld. */

/*
 * What is under way is let go of: should it arrive after all, it said what it said before. Locked
 * in the order of ids, and only then looked at: it may have been settled meanwhile. Of several of
 * one subject the last says all that is to be said.
 */
CREATE OR REPLACE FUNCTION casesync_internal.open_numbers(
	items casesync_internal.new_notification[])
RETURNS SETOF casesync_internal.notification
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	found_here bigint[] := ARRAY(SELECT o.item FROM casesync_internal.open_number o
		  JOIN unnest(items) i ON o.subscription = i.subscription AND o.registry = i.registry
			AND o.key = i.key
		 WHERE o.stream = (SELECT x.stream FROM casesync_internal.node x) AND NOT o.is_passed);
	last_here bigint[];
BEGIN
	found_here := ARRAY(SELECT n.id FROM casesync_internal.notification n
		WHERE n.id = ANY (found_here) AND n.state = 'withheld' ORDER BY n.id FOR UPDATE OF n);
	last_here := ARRAY(SELECT DISTINCT ON (n.subscription, n.registry, n.key) n.id
		FROM casesync_internal.notification n WHERE n.id = ANY (found_here)
		ORDER BY n.subscription, n.registry, n.key, n.seq DESC);
	DELETE FROM casesync_internal.open_number o WHERE o.item = ANY (last_here);
	UPDATE casesync_internal.open_number o SET is_passed = true WHERE o.item = ANY (found_here);
	PERFORM casesync_internal.lanes_let_go(found_here);
	RETURN QUERY SELECT * FROM casesync_internal.notification n WHERE n.id = ANY (last_here);
END
$$;
COMMENT ON FUNCTION casesync_internal.open_numbers(casesync_internal.new_notification[]) IS
	'part of notification_resume(): the last items that were tried and withheld, of the same '
	'subjects and subscriptions';

/*
 * An item that was tried keeps its reference_id and its number until its end, and says what is to
 * be said now: a partner that had it takes another record under its reference_id for a newer one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_resume(
	items casesync_internal.new_notification[], OUT rest casesync_internal.new_notification[],
	OUT resumed integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	tried casesync_internal.notification[];
BEGIN
	rest := items; resumed := 0;
	IF NOT EXISTS (SELECT FROM casesync_internal.open_number) THEN
		RETURN;
	END IF;
	tried := ARRAY(SELECT o FROM casesync_internal.open_numbers(items) o);
	resumed := cardinality(tried);
	UPDATE casesync_internal.notification n SET state = 'due', state_reason = NULL, lane = i.lane,
		event = i.event, event_type = i.event_type, removal = i.removal, record = i.record,
		hmac = i.hmac, agreement = i.agreement, agreement_version = i.agreement_version,
		hops = i.hops, at = i.at, place = 2, is_bulk = false
	  FROM unnest(tried) t JOIN unnest(items) i ON t.subscription = i.subscription
		AND t.registry = i.registry AND t.key = i.key
	 WHERE n.id = t.id;
	rest := ARRAY(
		SELECT ROW(i.lane, i.subscription, i.event, i.registry, i.key, i.event_type, i.removal,
			i.record, i.hmac, i.agreement, i.agreement_version, i.hops,
			i.at, i.is_bulk)::casesync_internal.new_notification
		  FROM unnest(items) WITH ORDINALITY i(lane, subscription, event, registry, key, event_type,
			removal, record, hmac, agreement, agreement_version, hops, at, is_bulk, n)
		 WHERE NOT EXISTS (SELECT FROM unnest(tried) t
			WHERE t.subscription = i.subscription AND t.registry = i.registry AND t.key = i.key)
		 ORDER BY i.n);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_resume(casesync_internal.new_notification[]) IS
	'part of notification_append(): items of these subjects and subscriptions that were tried and '
	'withheld are told again, with this; gives what is to be told by new items';

/*
 * Nothing older of a subject may wait behind what is new of it. Who is sending it just now is
 * waited for.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_hasten(
	items casesync_internal.new_notification[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF EXISTS (SELECT FROM (SELECT DISTINCT i.lane FROM unnest(items) i WHERE NOT i.is_bulk) l
		WHERE EXISTS (SELECT FROM casesync_internal.waiting_from(l.lane, 0, true,
			coalesce((casesync_internal.lane_now(l.lane)).bulk_from, 0), 1))) THEN
		UPDATE casesync_internal.notification n SET is_bulk = false, place = 1
		  FROM (SELECT DISTINCT i.lane, i.registry, i.key FROM unnest(items) i
				 WHERE NOT i.is_bulk) i
		 WHERE n.registry = i.registry AND n.key = i.key AND n.lane = i.lane AND n.state = 'due'
			AND n.is_bulk;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_hasten(casesync_internal.new_notification[]) IS
	'part of notification_append(): what waits of the subjects of these with very many others no '
	'longer does, but goes before them';

/* Into the leaf by its name: the parent of an inheritance would keep what is written into it. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_append(
	items casesync_internal.new_notification[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	again record := casesync_internal.notification_resume(items);
	appended integer;
BEGIN
	/* One event has many notifications, also in later calls: for other partners. */
	INSERT INTO casesync_internal.event (id, registry, key, event_type, at, removal)
	SELECT n.event, n.registry, n.key, n.event_type, n.at, n.removal FROM unnest(items) n
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.notification_hasten(again.rest);
	EXECUTE format('INSERT INTO %s (lane, subscription, event, registry, key, event_type, removal, '
		'record, hmac, agreement, agreement_version, hops, at, is_bulk) SELECT n.lane, '
		'n.subscription, n.event, n.registry, n.key, n.event_type, n.removal, n.record, n.hmac, '
		'n.agreement, n.agreement_version, n.hops, n.at, n.is_bulk FROM unnest($1) n',
		casesync_internal.notification_leaf()) USING again.rest;
	GET DIAGNOSTICS appended = ROW_COUNT;
	RETURN appended + again.resumed;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_append(casesync_internal.new_notification[]) IS
	'notifications wait to be sent, in this order; their events are kept with them';
