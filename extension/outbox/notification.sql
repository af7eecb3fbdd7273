/*
 * What partners are told of changes. Notifications live in a ring of leaves (children of one empty
 * parent), so that old ones go by TRUNCATE.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_leaf()
RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('casesync_internal.notification_%s', coalesce((
		SELECT g.leaf FROM casesync_internal.notification_ring g ORDER BY g.id DESC LIMIT 1),
		0))::regclass;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_leaf() IS
	'the leaf that notifications are appended to';

/* Only tidy() calls it, under the router's lock: so nobody appends while the ring turns. */
CREATE OR REPLACE FUNCTION casesync_internal.rotate_notifications()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	next_leaf integer := (coalesce((SELECT g.leaf FROM casesync_internal.notification_ring g
		ORDER BY g.id DESC LIMIT 1), 0) + 1) % 8;
	is_used boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM casesync_internal.notification_%s)', next_leaf)
		INTO is_used;
	IF is_used THEN
		RETURN NULL;
	END IF;
	DELETE FROM casesync_internal.notification_ring;
	INSERT INTO casesync_internal.notification_ring (leaf) VALUES (next_leaf);
	RETURN next_leaf;
END
$$;
COMMENT ON FUNCTION casesync_internal.rotate_notifications() IS
	'append to the next leaf from now on; gives its number, NULL when it is not empty yet';

CREATE OR REPLACE FUNCTION casesync_internal.notification_ring_turn(leaf_limit bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.leaf_is_full(casesync_internal.notification_leaf(), leaf_limit)
		AND casesync_internal.rotate_notifications() IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_ring_turn(bigint) IS
	'part of tidy(): notifications go to the next leaf once this one has leaf_limit bytes; whether '
	'they do';

CREATE OR REPLACE FUNCTION casesync_internal.notification_under(items bigint[], version integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.notification n SET agreement_version = version
	 WHERE n.id = ANY (items);
$$;
COMMENT ON FUNCTION casesync_internal.notification_under(bigint[], integer) IS
	'these are sent under another version of their agreement';

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
		hops = i.hops, at = i.at
	  FROM unnest(tried) t JOIN unnest(items) i ON t.subscription = i.subscription
		AND t.registry = i.registry AND t.key = i.key
	 WHERE n.id = t.id;
	rest := ARRAY(
		SELECT ROW(i.lane, i.subscription, i.event, i.registry, i.key, i.event_type, i.removal,
			i.record, i.hmac, i.agreement, i.agreement_version, i.hops,
			i.at)::casesync_internal.new_notification
		  FROM unnest(items) WITH ORDINALITY i(lane, subscription, event, registry, key, event_type,
			removal, record, hmac, agreement, agreement_version, hops, at, n)
		 WHERE NOT EXISTS (SELECT FROM unnest(tried) t
			WHERE t.subscription = i.subscription AND t.registry = i.registry AND t.key = i.key)
		 ORDER BY i.n);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_resume(casesync_internal.new_notification[]) IS
	'part of notification_append(): items of these subjects and subscriptions that were tried and '
	'withheld are told again, with this; gives what is to be told by new items';

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
	EXECUTE format('INSERT INTO %s (lane, subscription, event, registry, key, event_type, removal, '
		'record, hmac, agreement, agreement_version, hops, at) SELECT n.lane, n.subscription, '
		'n.event, n.registry, n.key, n.event_type, n.removal, n.record, n.hmac, n.agreement, '
		'n.agreement_version, n.hops, n.at FROM unnest($1) n',
		casesync_internal.notification_leaf()) USING again.rest;
	GET DIAGNOSTICS appended = ROW_COUNT;
	RETURN appended + again.resumed;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_append(casesync_internal.new_notification[]) IS
	'notifications wait to be sent, in this order; their events are kept with them';

/*
 * The router may be withholding some of them, and waits for the others: all together, or none is
 * kept while one is waited for. What is refused, always one item, is decided about: not in the
 * middle of a turn of the router.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_settle_lock(items bigint[],
	is_delivered boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item bigint;
BEGIN
	IF NOT is_delivered THEN
		PERFORM FROM casesync_internal.notification n
		  WHERE n.id = ANY (items) ORDER BY n.id FOR UPDATE;
		RETURN;
	END IF;
	LOOP
		BEGIN
			PERFORM FROM casesync_internal.notification n
			  WHERE n.id = ANY (items) ORDER BY n.id FOR NO KEY UPDATE NOWAIT;
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			NULL;
		END;
		FOREACH item IN ARRAY items LOOP
			PERFORM casesync_internal.notification_await(item);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_settle_lock(bigint[], boolean) IS
	'part of notification_settle(): nobody else changes these items until the transaction ends';

/* The end of the subtransaction gives the lock back. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_await(item bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM casesync_internal.notification n WHERE n.id = item FOR NO KEY UPDATE;
	RAISE EXCEPTION 'given back';
EXCEPTION WHEN raise_exception THEN
	NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_await(bigint) IS
	'returns when nobody has this item locked, and does not lock it';

/*
 * What was withheld while it was under way, and arrived all the same, the partner knows, unless it
 * was told something newer since, or is about to be.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_arrived(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	a record;
BEGIN
	FOR a IN
		SELECT l.partner, n.registry, n.removal, array_agg(DISTINCT n.key) AS keys,
			array_agg(ROW(l.partner, n.registry, n.key, n.hmac, NULL,
				n.subscription)::casesync_internal.known ORDER BY n.id) AS known
		  FROM casesync_internal.notification n
		  JOIN casesync_internal.lane l ON l.lane = n.lane
		  JOIN casesync_internal.told t ON t.partner = l.partner AND t.registry = n.registry
			AND t.key = n.key AND t.hmac IS NULL
		 WHERE n.id = ANY (items) AND n.state = 'withheld' AND n.record IS NOT NULL
		   AND (n.removal OR n.hmac IS NOT NULL) AND NOT EXISTS (
			SELECT FROM casesync_internal.notification x
			 WHERE x.registry = n.registry AND x.key = n.key AND (x.state = 'due'
				/* of a removal another subscription is still to hear */
				OR n.removal AND x.removal AND x.state = 'withheld' AND x.id <> ALL (items)))
		 GROUP BY l.partner, n.registry, n.removal
	LOOP
		IF a.removal THEN
			PERFORM casesync_internal.knowledge_forget_subjects(a.partner, a.registry, a.keys);
		ELSE
			PERFORM casesync_internal.knowledge_note(a.known);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_arrived(bigint[]) IS
	'part of notification_settle(): what partners know by those of these that were withheld';

/*
 * Of what died the partner knows nothing for sure, but it is not to be told once more either: it
 * has refused it. So a removal is let go, and the next change is sent whatever it holds.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_settle(items bigint[],
	is_delivered boolean, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.notification_settle_lock(items, is_delivered);
	IF is_delivered THEN
		PERFORM casesync_internal.notification_arrived(items);
	END IF;
	/* One that was withheld while it was in flight has arrived all the same. */
	UPDATE casesync_internal.notification n SET state_reason = why,
		state = CASE WHEN is_delivered THEN 'delivered' ELSE 'dead' END
	 WHERE n.id = ANY (items) AND (n.state = 'due' OR (n.state = 'withheld' AND is_delivered));
	DELETE FROM casesync_internal.open_number o WHERE is_delivered AND o.item = ANY (items);
	IF NOT is_delivered THEN
		PERFORM casesync_internal.notification_unknown(items, is_still_to_tell => false);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_settle(bigint[], boolean, text) IS
	'these have reached the partner, or never will: then they are dead letters';

/* The caller holds the row, as a dead letter: see require_dead(). So does discarding. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_revive(item bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.notification n SET state = 'due', state_reason = NULL
	 WHERE n.id = item;
$$;
COMMENT ON FUNCTION casesync_internal.notification_revive(bigint) IS
	'a dead letter waits to be sent again';

/* Also what is overtaken by items of its own subject: it tells nothing older than they do. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_reopen(item bigint, why text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.open_number (item, subscription, registry, key, stream, seq)
	SELECT n.id, n.subscription, n.registry, n.key, n.stream, n.seq
	  FROM casesync_internal.notification n
	  JOIN casesync_internal.node x ON x.stream = n.stream
	 WHERE n.id = item AND n.seq IS NOT NULL
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE casesync_internal.notification n SET state = 'withheld', state_reason = why
	 WHERE n.id = item;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_reopen(bigint, text) IS
	'a dead letter tells what its subject is when that is looked at next; false: it has no number';

CREATE OR REPLACE FUNCTION casesync_internal.notification_discard(item bigint, why text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.notification n SET state = 'discarded', state_reason = why
	 WHERE n.id = item;
$$;
COMMENT ON FUNCTION casesync_internal.notification_discard(bigint, text) IS
	'a dead letter is not sent again';

/*
 * The lock of subjects: their due notifications. A turn of the router shares it with who only sends
 * them (NO KEY UPDATE, lock_due()), and with nobody who takes any of them back (UPDATE), or changes
 * what partners know of them because of that. When a sender was faster, the next look has it alone.
 * The router waits: senders are done within moments and never wait for it. Who is not, since a
 * person's transaction is open, is left aside.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_lock(registry text, keys text[],
	is_alone boolean)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	IF is_alone THEN
		PERFORM FROM casesync_internal.notification n
		  WHERE n.registry = notification_lock.registry AND n.key = ANY (keys)
			AND n.state = 'due'
		  ORDER BY n.id FOR UPDATE;
	ELSE
		PERFORM FROM casesync_internal.notification n
		  WHERE n.registry = notification_lock.registry AND n.key = ANY (keys)
			AND n.state = 'due'
		  ORDER BY n.id FOR KEY SHARE;
	END IF;
	RETURN '{}';
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN casesync_internal.notification_locked(registry, keys);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_lock(text, text[], boolean) IS
	'for the router: until the end of the transaction nobody takes back what waits to be sent of '
	'these subjects, or sends it; gives those of which somebody else keeps it locked';

CREATE OR REPLACE FUNCTION casesync_internal.notification_locked(registry text, keys text[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN ARRAY(
		WITH free AS MATERIALIZED (
			SELECT n.id FROM casesync_internal.notification n
			 WHERE n.registry = notification_locked.registry AND n.key = ANY (keys)
			   AND n.state = 'due'
			 ORDER BY n.id FOR UPDATE SKIP LOCKED)
		SELECT DISTINCT n.key FROM casesync_internal.notification n
		 WHERE n.registry = notification_locked.registry AND n.key = ANY (keys)
		   AND n.state = 'due' AND NOT EXISTS (SELECT FROM free f WHERE f.id = n.id));
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_locked(text, text[]) IS
	'part of notification_lock(): locks what is free; gives the subjects of which not all is';

/*
 * The partner does not learn that state, so what it knows is open again and the next event of the
 * subject is sent whatever it holds. There may be a backlog of many thousands: all are done at
 * once.
 */
CREATE OR REPLACE FUNCTION casesync_internal.withhold_locked(items bigint[], why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	IF items = '{}' THEN
		RETURN;
	END IF;
	UPDATE casesync_internal.notification n SET state = 'withheld', state_reason = why
	  FROM unnest(items) u(id) WHERE n.id = u.id;
	/* The partner may be waiting for its number. */
	INSERT INTO casesync_internal.open_number (item, subscription, registry, key, stream, seq)
	SELECT n.id, n.subscription, n.registry, n.key, n.stream, n.seq
	  FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
	 WHERE n.seq IS NOT NULL
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.notification_not_sent(items);
	PERFORM casesync_internal.notification_unknown(items, is_still_to_tell => true);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold_locked(bigint[], text) IS
	'part of withhold(): these due notifications, locked by the caller, are not sent';

/* For the router alone, who waits for those that are being taken. */
CREATE OR REPLACE FUNCTION casesync_internal.withhold_waiting(reference_ids uuid[], why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM casesync_internal.withhold_locked(ARRAY(SELECT n.id FROM unnest(reference_ids) u(id)
		JOIN casesync_internal.notification n ON n.reference_id = u.id
		WHERE n.state = 'due' ORDER BY n.id FOR UPDATE OF n), why);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold_waiting(uuid[], text) IS
	'those of these notifications that are due are not sent; waits for who has them locked';

/*
 * By everybody else, who must wait neither for the router nor for a sender while he has others of
 * them locked. What somebody has now is asked about again before it is sent (items_to_send()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.withhold(reference_ids uuid[], why text)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	items bigint[] := ARRAY(SELECT n.id FROM unnest(reference_ids) u(id)
		JOIN casesync_internal.notification n ON n.reference_id = u.id
		WHERE n.state = 'due' ORDER BY n.id FOR UPDATE OF n SKIP LOCKED);
BEGIN
	PERFORM casesync_internal.withhold_locked(items, why);
	RETURN ARRAY(SELECT n.reference_id FROM unnest(items) u(id)
		JOIN casesync_internal.notification n ON n.id = u.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold(uuid[], text) IS
	'those of these notifications that are due, and locked by nobody, are not sent; gives them';

CREATE OR REPLACE FUNCTION casesync_internal.is_followed(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.notification x
		WHERE x.registry = n.registry AND x.key = n.key AND x.subscription = n.subscription
		  AND x.id > n.id AND x.state IN ('due', 'delivered'));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_followed(casesync_internal.notification) IS
	'whether its subscription was told something newer of the subject, or is about to be';

/*
 * In parts: what a long backlog is about is more than one value (1 GB) can hold. The newest first,
 * because who the partner knew a subject as is kept once (ON CONFLICT DO NOTHING), and the last
 * counts. Custom plans, since a generic one believes in ten items and loops over a million.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_unknown(items bigint[],
	is_still_to_tell boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	part constant integer := 100000;
BEGIN
	FOR i IN REVERSE (cardinality(items) - 1) / part .. 0 LOOP
		PERFORM casesync_internal.knowledge_open(ARRAY(
			SELECT ROW(l.partner, n.registry, n.key, n.hmac,
				CASE WHEN n.removal AND is_still_to_tell THEN (SELECT jsonb_agg(to_jsonb(w))
					FROM casesync.record_identifiers(n.record) w) END,
				CASE WHEN NOT n.removal AND NOT casesync_internal.is_followed(n)
					THEN n.subscription END)::casesync_internal.known
			  FROM unnest(items[i * part + 1:(i + 1) * part]) u(id)
			  JOIN casesync_internal.notification n ON n.id = u.id
			  JOIN casesync_internal.lane l ON l.lane = n.lane
			 ORDER BY n.id));
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_unknown(bigint[], boolean) IS
	'the partner did not get these items, oldest first: what it knows of their subjects is open; '
	'removals are still to be told when they were withheld, and not when they were refused';
