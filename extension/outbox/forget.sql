/* Forgetting what was, or was to be, sent: to a partner, and about a person. */
CREATE OR REPLACE FUNCTION casesync_internal.outbox_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.open_number o USING casesync_internal.subscription s
	 WHERE s.partner = outbox_forget.partner AND o.subscription = s.id;
	DELETE FROM casesync_internal.compacted c USING casesync_internal.subscription s
	 WHERE s.partner = outbox_forget.partner AND c.subscription = s.id;
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
	DELETE FROM casesync_internal.compacted c WHERE c.registry = p.registry AND c.key = p.key;
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
