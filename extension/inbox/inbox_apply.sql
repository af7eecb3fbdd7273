/* Received items are applied, a few in a transaction. */

/*
 * In the order in which a partner sent them: one that must wait keeps those waiting that the same
 * function applies, or that are about the same subject, and no others, since whether it must wait
 * is what its function says. One whose subject has an older one that waits for a person waits too.
 *
 * Each order is that of one index alone, whatever is known of the table: what is new, and of that
 * what was postponed, and what came of a subject. An array of one partner, since the planner would
 * leave a column that equals something out of the order, and then go through all that was ever
 * received by its key.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_due(most integer)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN ARRAY(
		WITH resting AS MATERIALIZED (
			SELECT w.partner, w.subject, w.event_type, lower(w.record_type) AS record_type, w.id
			  FROM casesync_internal.inbox_item w
			 WHERE w.state = 'new' AND w.next_try IS NOT NULL
			   AND NOT casesync_internal.rest_is_over(w.next_try)
			 ORDER BY w.next_try
		)
		SELECT n.id FROM casesync_internal.partner p
		 CROSS JOIN LATERAL (
			SELECT t.id FROM casesync_internal.inbox_item t
			 WHERE t.partner = ANY (ARRAY[p.partner]) AND t.state = 'new'
			   AND casesync_internal.rest_is_over(t.next_try)
			   AND NOT EXISTS (
				SELECT FROM resting w
				 WHERE w.partner = t.partner AND w.id < t.id
				   AND (w.subject = t.subject OR w.event_type = t.event_type
					AND w.record_type = lower(t.record_type)))
			   AND (SELECT true FROM casesync_internal.inbox_item o
				 WHERE o.partner = ANY (ARRAY[t.partner])
				   AND (o.subject, o.id) >= (t.subject, 0) AND o.subject <= t.subject
				   AND o.id < t.id AND o.state IN ('review', 'failed')
				 ORDER BY o.partner, o.subject, o.id LIMIT 1) IS NULL
			 ORDER BY t.partner, t.id LIMIT most) n
		 ORDER BY n.id LIMIT most);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_due(integer) IS
	'the received items that are to be applied next, if any is due';

/*
 * Locked, so that erase() is not in between. Behind others nobody is waited for (inbox_apply()). By
 * its key: an index of what is new, which could be read for it, has also all that was new of late.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_new(item bigint, is_joined boolean)
RETURNS casesync_internal.inbox_item
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	i casesync_internal.inbox_item;
BEGIN
	IF is_joined THEN
		SELECT t.* INTO i FROM casesync_internal.inbox_item t
		 WHERE t.id = inbox_new.item AND t.state || '' = 'new' FOR NO KEY UPDATE SKIP LOCKED;
	ELSE
		SELECT t.* INTO i FROM casesync_internal.inbox_item t
		 WHERE t.id = inbox_new.item AND t.state || '' = 'new' FOR NO KEY UPDATE;
	END IF;
	RETURN i;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_new(bigint, boolean) IS
	'this item, locked; NULL: somebody else has decided about it, or, of one that is joined to '
	'others, has it locked';

/* By the index that has this order, however much else waits. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_next_try()
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_sort = off
	SET enable_incremental_sort = off
	SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
	RETURN (SELECT n.next_try FROM casesync_internal.inbox_item n
		 WHERE n.state = 'new' AND n.next_try IS NOT NULL ORDER BY n.next_try LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_next_try() IS
	'when the first of the postponed items is tried again';

/*
 * Deadlocks and the like pass by themselves: tried again after 0.1, 0.2, 0.4 … s, at most 5 minutes
 * apart; whatever else goes wrong waits for a person. Behind others of the same transaction
 * (joined) it waits for no lock, since others may wait for what those have: it is the first of the
 * next one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_apply(i casesync_internal.inbox_item,
	is_joined boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done record;
	is_later boolean;
BEGIN
	done := casesync_internal.run_handler(i);
	IF is_joined AND done.error_code = '55P03' THEN
		RETURN 'left';
	END IF;
	is_later := done.state = 'failed' AND casesync_internal.is_transient(done.error_code)
		AND i.tries < casesync_internal.message_limit('apply tries');
	UPDATE casesync_internal.inbox_item t
	   SET state = CASE WHEN is_later THEN 'new' ELSE done.state END,
		reason = done.reason, error_code = done.error_code, tries = t.tries + 1,
		next_try = CASE WHEN is_later THEN clock_timestamp()
			+ least(300, 0.1 * 2 ^ t.tries) * interval '1 second' END,
		applied_at = CASE WHEN done.state = 'applied' THEN clock_timestamp() END
	 WHERE t.id = i.id;
	RETURN CASE WHEN is_later THEN 'later' ELSE 'done' END;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_apply(casesync_internal.inbox_item, boolean) IS
	'apply one item: done; or later, when what hindered it passes by itself; or, of one that is '
	'joined to others, left as it was';

CREATE OR REPLACE FUNCTION casesync_internal.apply_batch()
RETURNS integer
AS 'MODULE_PATHNAME', 'casesync_apply_batch'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.apply_batch() IS
	'how many items the running transaction may apply: more each time, and one again after one '
	'that was lost';

/*
 * Each in a subtransaction of its own. Nobody is kept waiting for long by what they have locked:
 * so much time, and no waiting for locks but by the first. Each subject once: what the router has
 * not seen of it is waited for. Behind one that is postponed others may have to wait.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_apply_due(due bigint[],
	time_left interval DEFAULT '50 ms')
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + time_left;
	patience constant text := current_setting('lock_timeout');
	subjects text[] := '{}';
	item bigint;
	i casesync_internal.inbox_item;
	came text;
BEGIN
	FOREACH item IN ARRAY due LOOP
		i := casesync_internal.inbox_new(item, is_joined => subjects <> '{}');
		/* Those behind it may have to wait for what becomes of it: asked anew the next time. */
		EXIT WHEN i.id IS NULL OR subjects <> '{}' AND (clock_timestamp() > until
			OR coalesce(i.subject, '') = ANY (subjects));
		IF cardinality(subjects) = 1 THEN
			PERFORM set_config('lock_timeout', '10ms', true);
		END IF;
		came := casesync_internal.inbox_apply(i, is_joined => subjects <> '{}');
		EXIT WHEN came = 'left';
		subjects := subjects || coalesce(i.subject, '');
		EXIT WHEN came = 'later';
	END LOOP;
	PERFORM set_config('lock_timeout', patience, true);
	RETURN cardinality(subjects);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_apply_due(bigint[], interval) IS
	'part of apply_inbox(): apply some of these, the first in any case; returns how many';

/*
 * One session at a time (lock 3), or two items about one person could be applied in the wrong
 * order. With the extension's rights only for the inbox itself: the apply function has its owner's.
 */
CREATE OR REPLACE FUNCTION casesync_internal.apply_inbox()
RETURNS TABLE (items integer, more boolean, wait_ms bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	due bigint[];
BEGIN
	items := 0; more := false;
	IF NOT casesync_internal.lock_for_transaction(3, 0) THEN
		RETURN NEXT;
		RETURN;
	END IF;
	due := casesync_internal.inbox_due(casesync_internal.apply_batch());
	IF due <> '{}' THEN
		items := casesync_internal.inbox_apply_due(due); more := true;
	END IF;
	wait_ms := greatest(0, ceil(1000 * extract(epoch FROM
		casesync_internal.inbox_next_try() - clock_timestamp())))::bigint;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.apply_inbox() IS
	'apply the next received items in one transaction; more: call again; wait_ms: when a postponed '
	'one is due';
