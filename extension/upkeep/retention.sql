/*
 * What was settled longer ago than the node keeps it (set_retention()) is forgotten by the bridge
 * by itself: one table after the other is walked page by page, some pages a transaction, so that
 * nothing else waits for it, and a walk costs what the table has. What is settled each room says.
 */
CREATE OR REPLACE FUNCTION casesync_internal.prune_parts()
RETURNS TABLE (part text, pages integer, every interval)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* In this order: events and pushes go with the last notification of them. */
	SELECT format('notification_%s', i), 64, interval '1 hour' FROM generate_series(0, 7) i
	UNION ALL VALUES ('push', 64, interval '6 hours'), ('event', 64, interval '6 hours'),
		('outgoing', 32, interval '1 hour'), ('request_in', 32, interval '1 hour'),
		('inbox_item', 16, interval '6 hours'), ('message_in', 16, interval '6 hours'),
		('conflict', 64, interval '6 hours'), ('retelling', 64, interval '6 hours'),
		('attempt', 64, interval '6 hours'), ('disclosure', 32, interval '7 days'),
		('told', 2, interval '1 day'),
		('backlog', 1, interval '1 minute'), ('others', 1, interval '1 day'),
		('sizes', 1, interval '1 hour')
$$;
COMMENT ON FUNCTION casesync_internal.prune_parts() IS
	'the tables that are walked, how many pages a step has, and how long after its end a walk '
	'begins anew';

/* Few rows, or found by index. */
CREATE OR REPLACE FUNCTION casesync_internal.prune_others(n casesync_internal.node)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agreed constant record := casesync_internal.agreement_prune(now() - n.keep_delivered);
BEGIN
	PERFORM casesync_internal.open_number_prune();
	PERFORM casesync_internal.my_subscriptions_unanswered(now() - interval '7 days');
	PERFORM casesync_internal.my_requests_unanswered(now() - interval '7 days');
	PERFORM casesync_internal.message_storage(now() - n.keep_inbox);
	PERFORM casesync_internal.lane_notes_prune(now() - n.keep_attempts);
	RETURN agreed.samples + agreed.lookups
		+ casesync_internal.subscription_prune(now() - n.keep_inbox);
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_others(casesync_internal.node) IS
	'part of prune_step(): what is forgotten at once';

/* Referrals that nobody has answered are seen as long as they are kept: a year at least. */
CREATE OR REPLACE FUNCTION casesync_internal.prune_pages(part text, from_page bigint,
	to_page bigint, OUT rows bigint, OUT is_kept boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	n constant casesync_internal.node := casesync_internal.this_node();
	sent constant timestamptz := now() - n.keep_delivered;
	received constant timestamptz := now() - n.keep_inbox;
	a constant bigint := from_page;
	b constant bigint := to_page;
BEGIN
	IF part ~ '^notification_' THEN
		SELECT p.rows, p.is_kept INTO rows, is_kept
		  FROM casesync_internal.notification_prune_pages(right(part, 1)::integer, sent,
			least(sent, now() - interval '1 year'), a, b) p;
		RETURN;
	END IF;
	rows := CASE part WHEN 'push' THEN casesync_internal.push_prune(sent, a, b)
		WHEN 'event' THEN casesync_internal.event_prune(sent, a, b)
		WHEN 'outgoing' THEN casesync_internal.outgoing_prune(sent, a, b)
		WHEN 'request_in' THEN casesync_internal.answer_prune(received, a, b)
		WHEN 'inbox_item' THEN casesync_internal.inbox_item_prune(received,
			least(received, now() - interval '1 year'), a, b)
		WHEN 'message_in' THEN casesync_internal.message_prune(received, a, b)
		WHEN 'conflict' THEN casesync_internal.conflict_prune(received, a, b)
		WHEN 'retelling' THEN casesync_internal.retelling_prune(received, a, b)
		WHEN 'attempt' THEN casesync_internal.delivery_prune(now() - n.keep_attempts, a, b)
		WHEN 'disclosure' THEN casesync_internal.disclosure_prune(a, b)
		WHEN 'told' THEN casesync_internal.leaving_step(a, b)
		WHEN 'others' THEN casesync_internal.prune_others(n) END;
	IF part = 'sizes' THEN
		PERFORM casesync_internal.sizes_look();
	END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	/* Somebody is at it: it goes the next time. */
	rows := 0; is_kept := true;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_pages(text, bigint, bigint) IS
	'part of prune_step(): forgets what is on these pages and need not be kept any more';

/* A mark that no walk has: a bridge of 0.2 comes by here, too, and knows nothing of the walks. */
CREATE OR REPLACE FUNCTION casesync_internal.upkeep_seen()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.prune_mark (part) VALUES ('bridge')
	ON CONFLICT ON CONSTRAINT prune_mark_pkey DO UPDATE SET next_at = clock_timestamp()
$$;
COMMENT ON FUNCTION casesync_internal.upkeep_seen() IS
	'part of tidy(): a bridge works for this node now';

CREATE OR REPLACE FUNCTION casesync_internal.prune_next()
RETURNS casesync_internal.prune_mark
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m casesync_internal.prune_mark;
BEGIN
	INSERT INTO casesync_internal.prune_mark (part)
	SELECT p.part FROM casesync_internal.prune_parts() p
	 WHERE p.part NOT IN (SELECT x.part FROM casesync_internal.prune_mark x)
	ON CONFLICT DO NOTHING;
	/* A walk that was begun is gone on with; what grows by itself comes before all. */
	SELECT x.* INTO m FROM casesync_internal.prune_mark x
	  JOIN casesync_internal.prune_parts() WITH ORDINALITY p(part, pages, every, place)
		ON p.part = x.part
	 WHERE x.next_at <= clock_timestamp()
	   AND (x.part <> 'told' OR EXISTS (SELECT FROM casesync_internal.leaving_agreements()))
	 ORDER BY x.part <> 'backlog', x.page = 0, p.place LIMIT 1;
	RETURN m;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_next() IS
	'part of prune_step(): the walk that goes on now; NULL: none';

CREATE OR REPLACE FUNCTION casesync_internal.prune_marked(m casesync_internal.prune_mark,
	is_end boolean)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.prune_mark x
	   SET page = CASE WHEN is_end THEN 0 ELSE m.page END, is_kept = m.is_kept AND NOT is_end,
		next_at = CASE WHEN is_end THEN clock_timestamp() + (SELECT p.every
			FROM casesync_internal.prune_parts() p WHERE p.part = m.part) ELSE x.next_at END
	 WHERE x.part = m.part
$$;
COMMENT ON FUNCTION casesync_internal.prune_marked(casesync_internal.prune_mark, boolean) IS
	'part of prune_step(): how far a walk has come';

/*
 * Called by the bridge that routes, again at once while there is more: each call is a transaction
 * of its own, and short.
 */
CREATE OR REPLACE FUNCTION casesync_internal.prune_step(OUT rows bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	m casesync_internal.prune_mark;
	p record;
	step record;
	is_end boolean;
BEGIN
	rows := 0; more := false;
	/* The router's own lock, as in tidy(): the ring of notifications stands still. */
	IF NOT casesync_internal.may_speak() OR NOT casesync_internal.lock_for_transaction(1, 0) THEN
		RETURN;
	END IF;
	m := casesync_internal.prune_next();
	IF m.part IS NULL THEN
		RETURN;
	ELSIF m.part = 'backlog' THEN
		step := casesync_internal.backlog_step();
		rows := step.rows;
		PERFORM casesync_internal.prune_marked(m, NOT step.more);
		more := step.more OR (casesync_internal.prune_next()).part IS NOT NULL;
		RETURN;
	END IF;
	SELECT x.* INTO p FROM casesync_internal.prune_parts() x WHERE x.part = m.part;
	step := casesync_internal.prune_pages(m.part, m.page, m.page + p.pages);
	rows := coalesce(step.rows, 0);
	m.is_kept := m.is_kept OR coalesce(step.is_kept, false);
	is_end := m.part IN ('others', 'sizes') OR m.page + p.pages >= casesync_internal.page_count(
		format('casesync_internal.%I', m.part)::regclass);
	IF is_end AND NOT m.is_kept AND m.part ~ '^notification_' THEN
		PERFORM casesync_internal.notification_leaf_drop(right(m.part, 1)::integer);
	END IF;
	m.page := m.page + p.pages;
	PERFORM casesync_internal.prune_marked(m, is_end);
	more := (casesync_internal.prune_next()).part IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_step() IS
	'what the bridge calls every minute, and again at once while there is more: some pages of what '
	'is settled are looked through, and what is older than set_retention() says is forgotten';
