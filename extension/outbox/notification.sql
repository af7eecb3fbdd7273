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
	/* A removal that is not sent is still to be told: whom it is about must be known then. */
	INSERT INTO casesync_internal.told (partner, registry, key, identifiers, at)
	SELECT DISTINCT ON (l.partner, n.registry, n.key) l.partner, n.registry, n.key, x.identifiers,
		clock_timestamp()
	  FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
		JOIN casesync_internal.lane l ON l.lane = n.lane
	 CROSS JOIN LATERAL (SELECT jsonb_agg(to_jsonb(i)) AS identifiers
		FROM casesync.record_identifiers(n.record) i) x
	 WHERE n.removal AND x.identifiers IS NOT NULL
	 ORDER BY l.partner, n.registry, n.key, n.id DESC
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.forget_told(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.withhold(uuid[], text) IS
	'those of these notifications that are due are not sent';

CREATE OR REPLACE FUNCTION casesync_internal.forget_told(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	/* Of a subscription to a filter too: whoever has left it since is told once more. */
	UPDATE casesync_internal.filter_inside i SET hmac = NULL
	  FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
	 WHERE i.subscription = n.subscription AND i.registry = n.registry AND i.key = n.key
		AND i.hmac = n.hmac;
	INSERT INTO casesync_internal.filter_inside (registry, key, subscription)
	SELECT n.registry, n.key, n.subscription
	  FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
	  JOIN casesync_internal.subscription s ON s.id = n.subscription
	 WHERE NOT n.removal AND s.tree IS NOT NULL AND s.state = 'active'
	ON CONFLICT DO NOTHING;
	UPDATE casesync_internal.told t SET hmac = NULL
	  FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
		JOIN casesync_internal.lane l ON l.lane = n.lane
	 WHERE t.partner = l.partner AND t.registry = n.registry AND t.key = n.key AND t.hmac = n.hmac;
END
$$;
COMMENT ON FUNCTION casesync_internal.forget_told(bigint[]) IS
	'the partner did not get these items: what it knows of their subjects is open';
