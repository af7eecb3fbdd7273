/* Forgetting what was sent, or was not to be sent after all, long ago. */
/*
 * An item with an open number may be told yet, and stays, without what it would have said. A leaf
 * of which nothing is needed goes at once; from others row by row. Looked at before the lock
 * and again behind it, since routing may append in between. Our own lock_not_available stands for
 * every reason not to empty a leaf, so that all take the one way: the subtransaction gives the lock
 * back, and rows are deleted.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_prune(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	open_items constant text := 'state = ''withheld'' AND id IN (SELECT o.item FROM '
		'casesync_internal.open_number o WHERE NOT o.is_passed)';
	kept constant text := format('(state IN (''due'', ''dead'') OR at >= $1 OR %s)', open_items);
	leaf regclass;
	is_needed boolean;
	rows bigint;
	pruned bigint := 0;
BEGIN
	FOR i IN 0 .. 7 LOOP
		leaf := format('casesync_internal.notification_%s', i)::regclass;
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', leaf, kept) INTO is_needed
			USING before;
		BEGIN
			IF is_needed OR leaf = casesync_internal.notification_leaf() THEN
				PERFORM casesync_internal.raise_error(errcode => 'lock_not_available');
			END IF;
			IF NOT casesync_internal.leaf_lock(leaf) THEN
				PERFORM casesync_internal.raise_error(errcode => 'lock_not_available');
			END IF;
			EXECUTE format('SELECT count(*), coalesce(bool_or(%s), false) FROM %s', kept, leaf)
			   INTO rows, is_needed USING before;
			IF is_needed THEN
				PERFORM casesync_internal.raise_error(errcode => 'lock_not_available');
			END IF;
			EXECUTE format('TRUNCATE %s', leaf);
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			/* What somebody is at goes the next time. */
			EXECUTE format('UPDATE %1$s SET record = NULL WHERE id IN (SELECT x.id FROM %1$s x '
				'WHERE at < $1 AND record IS NOT NULL AND %2$s FOR UPDATE SKIP LOCKED)', leaf,
				open_items) USING before;
			EXECUTE format('DELETE FROM %1$s WHERE id IN (SELECT x.id FROM %1$s x '
				'WHERE NOT %2$s FOR UPDATE SKIP LOCKED)', leaf, kept) USING before;
			GET DIAGNOSTICS rows = ROW_COUNT;
		END;
		pruned := pruned + rows;
	END LOOP;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_prune(timestamptz) IS
	'part of outbox_prune(): settled notifications made before a time';

/*
 * Of some pages of a leaf, in a walk over all of it. What is emptied is not found again (is_kept):
 * a leaf of which a walk kept nothing goes whole, see notification_leaf_drop(). Referrals are
 * asked for longer than others: whether they were answered is seen by what was told of them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_prune_pages(leaf integer,
	before timestamptz, referrals_before timestamptz, from_page bigint, to_page bigint,
	OUT rows bigint, OUT is_kept boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	here constant text := format('casesync_internal.notification_%s x WHERE x.ctid >= $2 AND '
		'x.ctid < $3', leaf);
	is_open constant text := '(x.state = ''withheld'' AND EXISTS (SELECT FROM '
		'casesync_internal.open_number o WHERE o.item = x.id AND NOT o.is_passed))';
	is_old constant text := '(x.at < CASE x.event_type WHEN ''referral'' THEN $4 ELSE $1 END)';
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
BEGIN
	EXECUTE format('UPDATE casesync_internal.notification_%s SET record = NULL WHERE id IN ('
		'SELECT x.id FROM %s AND x.record IS NOT NULL AND %s AND %s FOR UPDATE SKIP LOCKED)',
		leaf, here, is_old, is_open) USING before, first_row, behind, referrals_before;
	EXECUTE format('DELETE FROM casesync_internal.notification_%s WHERE id IN (SELECT x.id FROM '
		'%s AND x.state NOT IN (''due'', ''dead'') AND %s AND NOT %s FOR UPDATE SKIP LOCKED)',
		leaf, here, is_old, is_open) USING before, first_row, behind, referrals_before;
	GET DIAGNOSTICS rows = ROW_COUNT;
	EXECUTE format('SELECT EXISTS (SELECT FROM %s)', here) INTO is_kept
		USING before, first_row, behind;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_prune_pages(integer, timestamptz, timestamptz,
	bigint, bigint) IS
	'settled notifications made before a time (referrals: another one), of these pages of a leaf; '
	'how many, and whether others are there';

/*
 * Only for who has the router's lock: so nobody appends. Looked at before the lock is asked for:
 * one that has no page is left alone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_leaf_drop(leaf integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	name constant regclass := format('casesync_internal.notification_%s', leaf)::regclass;
	is_used boolean := true;
BEGIN
	IF name <> casesync_internal.notification_leaf() AND casesync_internal.page_count(name) > 0
		AND casesync_internal.leaf_lock(name) THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO is_used;
		IF NOT is_used THEN
			EXECUTE format('TRUNCATE %s', name);
		END IF;
	END IF;
	RETURN NOT is_used;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_leaf_drop(integer) IS
	'the pages of a leaf of which nothing is left are given back; false: something is, or it is '
	'in use';

CREATE OR REPLACE FUNCTION casesync_internal.event_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.event e
	 WHERE e.ctid >= first_row AND e.ctid < behind AND e.at < before AND NOT EXISTS (
		SELECT FROM casesync_internal.notification n
		 WHERE n.registry = e.registry AND n.key = e.key AND n.event = e.id);
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.event_prune(timestamptz, bigint, bigint) IS
	'part of prune(): events before a time that no notification is left of, of these pages';

CREATE OR REPLACE FUNCTION casesync_internal.outgoing_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.outgoing o
	 WHERE o.ctid >= first_row AND o.ctid < behind
	   AND o.created_at < before AND o.state IN ('delivered', 'discarded');
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_prune(timestamptz, bigint, bigint) IS
	'part of prune(): requests and callbacks before a time that are settled, of these pages';

/* Those of this stream stay: they are still to be passed over. */
CREATE OR REPLACE FUNCTION casesync_internal.open_number_prune()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.open_number o
	 WHERE o.stream <> (SELECT x.stream FROM casesync_internal.node x)
$$;
COMMENT ON FUNCTION casesync_internal.open_number_prune() IS
	'part of prune(): open numbers of streams that have ended';

/* Notifications first: an event goes when none is left of it. */
CREATE OR REPLACE FUNCTION casesync_internal.outbox_prune(before timestamptz,
	OUT notifications bigint, OUT events bigint, OUT messages bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	notifications := casesync_internal.notification_prune(before);
	PERFORM casesync_internal.push_prune(before);
	PERFORM casesync_internal.open_number_prune();
	events := casesync_internal.event_prune(before);
	messages := casesync_internal.outgoing_prune(before);
END
$$;
COMMENT ON FUNCTION casesync_internal.outbox_prune(timestamptz) IS
	'part of prune(): what was settled before a time, and events that no notification is left of';
