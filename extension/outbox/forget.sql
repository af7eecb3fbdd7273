/* Forgetting what was, or was to be, sent: to a partner, about a person, long ago. */
CREATE OR REPLACE FUNCTION casesync_internal.outbox_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.open_number o USING casesync_internal.subscription s
	 WHERE s.partner = outbox_forget.partner AND o.subscription = s.id;
	DELETE FROM casesync_internal.notification n USING casesync_internal.lane l
	 WHERE l.partner = outbox_forget.partner AND n.lane = l.lane;
	DELETE FROM casesync_internal.outgoing o USING casesync_internal.lane l
	 WHERE l.partner = outbox_forget.partner AND o.lane = l.lane;
	DELETE FROM casesync_internal.push p WHERE p.partner = outbox_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.outbox_forget(text) IS
	'part of drop_partner(): what waits for the partner; before its lanes go';

/*
 * State and content in one statement: a row must never be due with nothing in it. Rows stay, since
 * disclosures name them by their reference_id.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notification_erase(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	erased bigint;
BEGIN
	UPDATE casesync_internal.notification n SET key = p.erased, record = NULL,
		state_reason = CASE WHEN n.state IN ('due', 'dead') THEN 'erased' ELSE n.state_reason END,
		state = CASE n.state WHEN 'due' THEN 'withheld' WHEN 'dead' THEN 'discarded'
			ELSE n.state END
	 WHERE n.registry = p.registry AND n.key = p.key;
	GET DIAGNOSTICS erased = ROW_COUNT;
	PERFORM casesync_internal.notification_not_sent(ARRAY(
		SELECT n.id FROM casesync_internal.notification n
		 WHERE n.registry = p.registry AND n.key = p.erased AND n.state_reason = 'erased'));
	/* The numbers are still to be passed over. */
	UPDATE casesync_internal.open_number o SET key = p.erased
	 WHERE o.registry = p.registry AND o.key = p.key;
	INSERT INTO casesync_internal.open_number (item, subscription, registry, key, stream, seq)
	SELECT n.id, n.subscription, n.registry, n.key, n.stream, n.seq
	  FROM casesync_internal.notification n
	 WHERE n.registry = p.registry AND n.key = p.erased AND n.state = 'withheld'
	   AND n.seq IS NOT NULL
	ON CONFLICT DO NOTHING;
	DELETE FROM casesync_internal.push u WHERE u.registry = p.registry AND u.key = p.key;
	UPDATE casesync_internal.event e SET key = p.erased
	 WHERE e.key = p.key AND e.id IN (
		SELECT n.event FROM casesync_internal.notification n
		 WHERE n.registry = p.registry AND n.key = p.erased);
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_erase(casesync_internal.person) IS
	'part of erase(): notifications about a subject, and what was pushed of it, with its notes; '
	'those not sent yet never are';

/*
 * What names the subject is found by content, since a message may be about many, and by what is on
 * record as given in it; its transaction_id stays, by which answers still find it, unless that
 * names the subject too. An address that does leads nowhere any more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.outgoing_erase(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync_internal.person := p;
	erased bigint;
BEGIN
	/* Of many people two names are found that are of two of them. */
	q.said := '{}';
	UPDATE casesync_internal.outgoing o
	   SET message = jsonb_build_object('transaction_id',
			casesync_internal.text_without(o.message->>'transaction_id', q)),
		url = CASE WHEN casesync_internal.text_names(o.url, q) THEN '' ELSE o.url END,
		state_reason = CASE WHEN o.state IN ('due', 'dead') THEN 'erased' ELSE o.state_reason END,
		state = CASE WHEN o.state IN ('due', 'dead') THEN 'discarded' ELSE o.state END
	 WHERE o.message <> casesync_internal.json_without(o.message, q,
			is_exact => o.state IN ('due', 'dead'))
		OR casesync_internal.text_names(o.url, q)
		OR o.message ? 'search_response' AND o.reference_id IN (
			SELECT d.reference_id FROM casesync_internal.disclosure d
			 WHERE d.registry = p.registry AND d.key IN (p.key, p.erased));
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_erase(casesync_internal.person) IS
	'part of erase(): requests and callbacks that name a subject';

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

/* Notifications first: an event goes when none is left of it. */
CREATE OR REPLACE FUNCTION casesync_internal.outbox_prune(before timestamptz,
	OUT notifications bigint, OUT events bigint, OUT messages bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	notifications := casesync_internal.notification_prune(before);
	PERFORM casesync_internal.push_prune(before);
	/* Those of this stream stay: they are still to be passed over. */
	DELETE FROM casesync_internal.open_number o
	 WHERE o.stream <> (SELECT x.stream FROM casesync_internal.node x);
	DELETE FROM casesync_internal.event e
	 WHERE e.at < before AND NOT EXISTS (
		SELECT FROM casesync_internal.notification n WHERE n.event = e.id);
	GET DIAGNOSTICS events = ROW_COUNT;
	DELETE FROM casesync_internal.outgoing o
	 WHERE o.created_at < before AND o.state IN ('delivered', 'discarded');
	GET DIAGNOSTICS messages = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION casesync_internal.outbox_prune(timestamptz) IS
	'part of prune(): what was settled before a time, and events that no notification is left of';
