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
	leaf constant integer := coalesce((SELECT g.leaf FROM casesync_internal.notification_ring g
		ORDER BY g.id DESC LIMIT 1), 0);
	next_leaf integer;
	is_used boolean;
BEGIN
	/* One that is kept for a few items that wait is passed over: their order is not the leaves'. */
	FOR i IN 1 .. 7 LOOP
		next_leaf := (leaf + i) % 8;
		EXECUTE format('SELECT EXISTS (SELECT FROM casesync_internal.notification_%s)', next_leaf)
			INTO is_used;
		IF NOT is_used THEN
			DELETE FROM casesync_internal.notification_ring;
			INSERT INTO casesync_internal.notification_ring (leaf) VALUES (next_leaf);
			RETURN next_leaf;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.rotate_notifications() IS
	'append to the next empty leaf from now on; gives its number, NULL when none is empty';

/* By age too: what is in one leaf is forgotten at about one time, and all must last for a while. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_ring_turn(leaf_limit bigint,
	least_age interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
DECLARE
	leaf constant regclass := casesync_internal.notification_leaf();
	is_young boolean;
BEGIN
	IF NOT casesync_internal.leaf_is_full(leaf, leaf_limit) THEN
		RETURN false;
	END IF;
	EXECUTE format('SELECT coalesce((SELECT x.at FROM %s x ORDER BY x.id LIMIT 1) > now() - $1, '
		'false)', leaf) INTO is_young USING least_age;
	RETURN NOT is_young AND casesync_internal.rotate_notifications() IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_ring_turn(bigint, interval) IS
	'part of tidy(): notifications go to an empty leaf once this one has leaf_limit bytes and '
	'began so long ago; whether they do';

/*
 * One index has the order of these columns, and it is the only way to read them so: whatever is
 * known of the table, a plan goes forward from here. Nothing else that waits, and nothing that was
 * delivered before it, is looked at. An array of one lane, since the planner would leave a column
 * that equals something out of the order; the lane and the place are equal all the same, and rows
 * are compared in the rest only: of two columns that are compared as a row the second one ends no
 * scan, which would go on through all that waits behind.
 */
CREATE OR REPLACE FUNCTION casesync_internal.waiting_from(lane integer, place integer,
	is_bulk boolean, from_id bigint, max_items integer DEFAULT NULL)
RETURNS TABLE (id bigint, subscription bigint, registry text, key text, stream uuid, seq bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	here constant integer := lane;
	spot constant smallint := place;
	bulk constant boolean := is_bulk;
BEGIN
	RETURN QUERY
	SELECT n.id, n.subscription, n.registry, n.key, n.stream, n.seq
	  FROM casesync_internal.notification n
	 WHERE n.state = 'due' AND n.place >= 0
	   AND n.lane = ANY (ARRAY[here]) AND n.place = spot
	   AND (n.is_bulk, n.id) >= (bulk, from_id) AND n.is_bulk <= bulk
	 ORDER BY n.lane, n.place, n.is_bulk, n.id LIMIT max_items;
END
$$;
COMMENT ON FUNCTION casesync_internal.waiting_from(integer, integer, boolean, bigint, integer) IS
	'what is due at a place of a lane, in the order of ids, from one on';

CREATE OR REPLACE FUNCTION casesync_internal.notification_tried(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	UPDATE casesync_internal.notification n SET place = 2, is_bulk = false
	 WHERE n.id = ANY (items) AND n.seq IS NOT NULL AND n.place <> 2;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_tried(bigint[]) IS
	'a message with these went out, or may have: they are found apart from those that never did';

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
 * The router may be withholding some of them, and waits for the others: all together, or none is
 * kept while one is waited for. What is refused, always one item, is decided about: not in the
 * middle of a turn of the router.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_settle_lock(items bigint[],
	is_delivered boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	item bigint;
BEGIN
	IF NOT is_delivered THEN
		PERFORM FROM (SELECT u.id FROM unnest(items) u(id) ORDER BY u.id) i
		 CROSS JOIN LATERAL (SELECT FROM casesync_internal.notification n
			WHERE n.id = i.id OFFSET 0 FOR UPDATE) x;
		RETURN;
	END IF;
	LOOP
		BEGIN
			PERFORM FROM (SELECT u.id FROM unnest(items) u(id) ORDER BY u.id) i
			 CROSS JOIN LATERAL (SELECT FROM casesync_internal.notification n
				WHERE n.id = i.id OFFSET 0 FOR NO KEY UPDATE NOWAIT) x;
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
	'before notification_settle(): nobody else changes these items until the transaction ends';

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
		SELECT n.removal, array_agg(ROW(l.partner, n.registry, n.key, n.hmac, NULL,
				n.subscription)::casesync_internal.known ORDER BY n.id) AS known
		  FROM casesync_internal.notification n
		  JOIN casesync_internal.lane l ON l.lane = n.lane
		  JOIN casesync_internal.told t ON t.partner = l.partner AND t.registry = n.registry
			AND t.key = n.key AND (t.hmac IS NULL OR NOT n.removal AND t.hmac = n.hmac)
		 WHERE n.id = ANY (items) AND n.state = 'withheld' AND n.record IS NOT NULL
		   AND (n.removal OR n.hmac IS NOT NULL) AND NOT EXISTS (
			SELECT FROM casesync_internal.notification x
			  JOIN casesync_internal.lane w ON w.lane = x.lane AND w.partner = l.partner
			 WHERE x.registry = n.registry AND x.key = n.key AND x.state = 'due')
		 GROUP BY n.removal
	LOOP
		IF a.removal THEN
			PERFORM casesync_internal.knowledge_left(a.known);
		ELSE
			PERFORM casesync_internal.knowledge_arrived(a.known);
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
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	settled record;
BEGIN
	SELECT array_agg(n.reference_id) AS ids,
		bool_or(n.state = 'withheld' AND is_delivered) AS is_any_withheld INTO settled
	  FROM casesync_internal.notification n WHERE n.id = ANY (items);
	IF settled.is_any_withheld THEN
		PERFORM casesync_internal.notification_arrived(items);
	END IF;
	/* One that was withheld while it was in flight has arrived all the same. */
	UPDATE casesync_internal.notification n SET state_reason = why,
		state = CASE WHEN is_delivered THEN 'delivered' ELSE 'dead' END
	 WHERE n.id = ANY (items) AND (n.state = 'due' OR (n.state = 'withheld' AND is_delivered));
	DELETE FROM casesync_internal.open_number o WHERE is_delivered AND o.item = ANY (items);
	IF is_delivered THEN
		PERFORM casesync_internal.compacted_told(items);
	ELSE
		PERFORM casesync_internal.notification_unknown(items, is_still_to_tell => false);
	END IF;
	RETURN coalesce(settled.ids, '{}');
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_settle(bigint[], boolean, text) IS
	'these, locked by the caller, have reached the partner, or never will: then they are dead '
	'letters; gives their reference_ids';

/* The caller holds the row, as a dead letter: see require_dead(). So does discarding. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_revive(item bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.notification n SET state = 'due', state_reason = NULL, place = 2,
		is_bulk = false
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

/* Whoever has one of them locked is taking it back: that is not waited for. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_keep(subscription bigint, registry text,
	keys text[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	whose constant bigint := subscription;
	r constant text := registry;
	kept bigint[];
	busy text[];
BEGIN
	kept := ARRAY(SELECT n.id FROM casesync_internal.notification n
		WHERE n.registry = r AND n.key = ANY (keys) AND n.state = 'due'
		  AND n.subscription = whose FOR KEY SHARE SKIP LOCKED);
	busy := ARRAY(SELECT n.key FROM casesync_internal.notification n
		WHERE n.registry = r AND n.key = ANY (keys) AND n.state = 'due'
		  AND n.subscription = whose AND n.id <> ALL (kept));
	RETURN CASE WHEN busy = '{}' THEN keys
		ELSE ARRAY(SELECT unnest(keys) EXCEPT SELECT unnest(busy)) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_keep(bigint, text, text[]) IS
	'for the router: those of these subjects of which nobody takes back what waits to be sent to a '
	'subscription, until the end of the transaction';

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
			SELECT ROW(x.partner, x.registry, x.key, x.hmac,
				CASE WHEN x.removal AND is_still_to_tell AND NOT x.is_followed THEN (
					SELECT jsonb_agg(to_jsonb(w)) FROM casesync.record_identifiers(x.record) w)
				END,
				CASE WHEN (NOT x.removal OR is_still_to_tell) AND NOT x.is_followed
					THEN x.subscription END)::casesync_internal.known
			  /* Asked of what was found: beside the join it would be asked of all. */
			  FROM (SELECT l.partner, n.*, casesync_internal.is_followed(n) AS is_followed
					  FROM unnest(items[i * part + 1:(i + 1) * part]) u(id)
					  JOIN casesync_internal.notification n ON n.id = u.id
					  JOIN casesync_internal.lane l ON l.lane = n.lane
					 ORDER BY n.id OFFSET 0) x));
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_unknown(bigint[], boolean) IS
	'the partner did not get these items, oldest first: what it knows of their subjects is open; '
	'removals are still to be told when they were withheld, and not when they were refused';
