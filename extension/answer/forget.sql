/* Forgetting what partners asked us. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.request_in r WHERE r.partner = answer_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.answer_forget(text) IS
	'part of drop_partner(): what the partner asked';

/* An answer that others are in too is worked anew, from what the registry says then. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_erase_waiting(p casesync_internal.person)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.request_anew(ARRAY(
		SELECT o.id FROM casesync_internal.outgoing o
		 WHERE o.action = 'on-search' AND o.state IN ('due', 'dead') AND EXISTS (
			SELECT FROM casesync_internal.disclosure d
			  JOIN casesync_internal.lane l ON l.partner = d.partner
			 WHERE l.lane = o.lane AND d.registry = p.registry AND d.key IN (p.key, p.erased)
			   AND d.way IN ('search', 'count'))));
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_erase_waiting(casesync_internal.person) IS
	'part of answer_erase(): answers about a subject that wait to be sent';

/*
 * A question that is not answered yet is closed as refused: to search for somebody who was just
 * erased would put him back into what is kept.
 */
CREATE OR REPLACE FUNCTION casesync_internal.answer_erase(p casesync_internal.person,
	OUT questions bigint, OUT answers bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.request_in r SET message = NULL, claims = NULL,
		answers = casesync_internal.json_without(r.answers, p),
		message_id = casesync_internal.text_without(r.message_id, p),
		transaction_id = casesync_internal.text_without(r.transaction_id, p),
		reference_ids = ARRAY(SELECT casesync_internal.text_without(i, p)
			FROM unnest(r.reference_ids) i),
		callback_url = CASE WHEN NOT casesync_internal.text_names(r.callback_url, p)
			THEN r.callback_url END,
		reason = CASE WHEN r.state IN ('new', 'claimed') THEN 'whom this asked about was erased'
			ELSE casesync_internal.text_without(r.reason, p) END,
		status = CASE WHEN r.state IN ('new', 'claimed') THEN 'rjct' ELSE r.status END,
		answered_at = coalesce(r.answered_at, clock_timestamp()),
		state = CASE WHEN r.state IN ('new', 'claimed') THEN 'answered' ELSE r.state END
	 WHERE r.message <> casesync_internal.json_without(r.message, p, is_exact => true)
		OR r.claims <> casesync_internal.json_without(r.claims, p)
		OR r.answers <> casesync_internal.json_without(r.answers, p)
		OR casesync_internal.text_names(concat_ws(chr(10), r.message_id, r.transaction_id,
			array_to_string(r.reference_ids, chr(10)), r.callback_url, r.reason), p);
	GET DIAGNOSTICS questions = ROW_COUNT;
	answers := casesync_internal.answer_erase_waiting(p);
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_erase(casesync_internal.person) IS
	'part of erase(): questions about a subject and answers that hold it';

/* Not while its answer waits: request_withdraw() must find it. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_prune(before timestamptz,
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
	DELETE FROM casesync_internal.request_in r
	 WHERE r.ctid >= first_row AND r.ctid < behind
	   AND r.answered_at < before AND r.state IN ('answered', 'failed')
	   AND NOT EXISTS (SELECT FROM casesync_internal.outgoing o WHERE o.reference_id = r.outgoing
		AND o.state IN ('due', 'dead'));
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_prune(timestamptz, bigint, bigint) IS
	'part of prune(): requests of partners that were answered before a time, of these pages; of '
	'those transaction status knows nothing more';
