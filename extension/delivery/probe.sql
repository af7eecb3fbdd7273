/*
 * A partner that was away and is back. Its lane may rest for hours; meanwhile the bridge asks its
 * address now and then, by a request without content, whether somebody is there, and then the rest
 * is over. Only while nobody answers, or a proxy says that nobody does: whoever answers and fails,
 * or says when to come again, is left in peace until then.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_is_deserted(s casesync_internal.lane_state)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT NOT s.is_stopped AND s.attempt > 0 AND s.next_attempt > clock_timestamp()
		AND coalesce((SELECT a.http_status IN (502, 503, 504)
				AND a.detail IS DISTINCT FROM 'the partner said when to try again'
				/* These words are of delivery_policy.c. */
				OR a.detail IN ('partner not reached', 'no token from the partner')
			  FROM casesync_internal.attempt a WHERE a.lane = s.lane
			 ORDER BY a.id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION casesync_internal.lane_is_deserted(casesync_internal.lane_state) IS
	'whether a lane rests because nobody was there';

CREATE OR REPLACE FUNCTION casesync_internal.probe_target(lane integer)
RETURNS TABLE (url text, networks text[], tls_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	l casesync_internal.lane;
	p casesync_internal.partner;
BEGIN
	SELECT * INTO l FROM casesync_internal.lane t WHERE t.lane = probe_target.lane;
	/* Who has the lane asks, and no other bridge. */
	IF NOT FOUND OR NOT casesync_internal.may_speak() OR casesync_internal.is_stopped(l.partner)
		OR NOT casesync_internal.lock_for_transaction(2, l.lane)
		OR NOT casesync_internal.lane_is_deserted(casesync_internal.lane_now(l.lane)) THEN
		RETURN;
	END IF;
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = l.partner;
	networks := p.networks::text[]; tls_name := nullif(p.tls_name, '');
	IF l.kind = 'notify' THEN
		SELECT casesync_internal.notify_url(p, s) INTO url
		  FROM casesync_internal.next_notifications(l.lane, 1) n
		  JOIN casesync_internal.subscription s ON s.id = n.subscription;
	ELSE
		SELECT o.url INTO url FROM casesync_internal.outgoing o
		 WHERE o.lane = l.lane AND o.state = 'due' ORDER BY o.id LIMIT 1;
	END IF;
	IF url IS NOT NULL THEN
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.probe_target(integer) IS
	'which address to ask whether somebody is there; no row: the lane rests for another reason, or '
	'not at all';

/* The number of attempts stays: if it was in vain, the next rest is as long as it was to be. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_back(lane integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	s casesync_internal.lane_state;
BEGIN
	IF NOT casesync_internal.lock_for_transaction(2, lane) THEN
		RETURN false;
	END IF;
	s := casesync_internal.lane_now(lane);
	IF NOT casesync_internal.lane_is_deserted(s) THEN
		RETURN false;
	END IF;
	s.next_attempt := clock_timestamp();
	PERFORM casesync_internal.lane_set(s);
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_back(integer) IS
	'somebody is there again: a lane that rested because nobody was need not rest any more';
