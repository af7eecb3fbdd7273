/*
 * What waits for partners. Notifications live in a ring of leaves (children of one empty parent), so
 * that old ones go by TRUNCATE.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_leaf()
RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT format('casesync_internal.notification_%s', coalesce(
		(SELECT g.leaf FROM casesync_internal.notification_ring g ORDER BY g.id DESC LIMIT 1),
			0))::regclass);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_leaf() IS
	'the leaf that notifications are appended to';

CREATE OR REPLACE FUNCTION casesync_internal.enqueue(partner text, action text, url text,
	message jsonb, status text,
	subscriptions bigint[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.outgoing (lane, action, url, status, message, subscriptions,
		must_encrypt)
	VALUES (casesync_internal.lane_for($1, 'control', $3), $2, $3, $5, $4, $6,
		casesync_internal.encryption_rule($1) = 'required');
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.enqueue(text, text, text, jsonb, text, bigint[]) IS
	'a request or callback to a partner, sent soon with the care of a notification';

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

/*
 * Due notifications are not sent after all. The partner does not learn that state, so what it knows
 * is open again and the next event of the subject is sent whatever it holds. There may be a backlog
 * of many thousands: all are done at once, locked in the order that take() locks them in.
 */
CREATE OR REPLACE FUNCTION casesync_internal.withhold(reference_ids uuid[], why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	items bigint[] := ARRAY(SELECT n.id FROM unnest($1) u(id)
		JOIN casesync_internal.notification n ON n.reference_id = u.id
		WHERE n.state = 'due' ORDER BY n.id FOR UPDATE OF n);
BEGIN
	IF items = '{}' THEN
		RETURN;
	END IF;
	UPDATE casesync_internal.notification n SET state = 'withheld', state_reason = why
		FROM unnest(items) u(id) WHERE n.id = u.id;
	PERFORM casesync_internal.notification_unknown(items, is_still_to_tell => true);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold(uuid[], text) IS
	'those of these notifications that are due are not sent';

/* In parts, since what a long backlog is about is more than one value can hold; the newest first. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_unknown(items bigint[],
	is_still_to_tell boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	part constant integer := 10000;
BEGIN
	FOR i IN REVERSE (cardinality(items) - 1) / part .. 0 LOOP
		PERFORM casesync_internal.knowledge_open(ARRAY(
			SELECT ROW(l.partner, n.registry, n.key, n.hmac,
				CASE WHEN n.removal AND is_still_to_tell THEN (SELECT jsonb_agg(to_jsonb(w))
					FROM casesync.record_identifiers(n.record) w) END,
				CASE WHEN NOT n.removal THEN n.subscription END)::casesync_internal.known
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
