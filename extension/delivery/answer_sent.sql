/* Records wait for delivery, perhaps for days: what is not agreed any more is found anew. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_withdrawn(o casesync_internal.outgoing)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF o.action <> 'on-search' THEN
		RETURN false;
	END IF;
	UPDATE casesync_internal.request_in r SET state = 'new', outgoing = NULL, tries = 0,
		next_try = NULL
	 WHERE r.outgoing = o.reference_id AND r.message IS NOT NULL AND EXISTS (
		SELECT FROM unnest(r.agreements) g WHERE NOT EXISTS (
			SELECT FROM casesync_internal.agreement a
			 WHERE format('%s %s', a.version, a.agreement) = g AND a.partner = r.partner
				AND a.state = 'active'
			   AND a.valid_from <= now() AND now() < a.valid_to));
	IF FOUND THEN
		DELETE FROM casesync_internal.outgoing t WHERE t.id = o.id;
		PERFORM casesync_internal.ring();
		RETURN true;
	END IF;
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_withdrawn(casesync_internal.outgoing) IS
	'whether a search answer was taken back, because an agreement that it was given under counts no '
	'more; it is worked anew';

/* Neither the question nor the records are kept once the partner has them, or never will. */
CREATE OR REPLACE FUNCTION casesync_internal.settle_requests(items bigint[], verdict text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_request m SET state = 'refused', reason = why,
		answered_at = clock_timestamp()
	  FROM casesync_internal.outgoing o
	 WHERE verdict = 'refused' AND o.id = ANY (items) AND o.action IN ('search', 'txn-status')
	   AND m.state = 'requested' AND m.transaction_id = o.message->>'transaction_id';
	INSERT INTO casesync_internal.disclosure (partner, registry, key, way, hmac, agreement,
		agreement_version, reference_id, outcome)
	SELECT d.partner, d.registry, d.key, d.way, d.hmac, d.agreement, d.agreement_version,
		d.reference_id, verdict
	  FROM casesync_internal.outgoing o
		JOIN casesync_internal.disclosure d ON d.reference_id = o.reference_id
		AND d.outcome = 'attempted'
	 WHERE o.id = ANY (items) AND o.action = 'on-search' ORDER BY d.id;
	IF verdict = 'delivered' THEN
		UPDATE casesync_internal.request_in r SET message = NULL
		  FROM casesync_internal.outgoing o WHERE o.id = ANY (items)
			AND r.outgoing = o.reference_id;
		UPDATE casesync_internal.outgoing o SET message = o.message - 'search_response'
		 WHERE o.id = ANY (items) AND o.action = 'on-search';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.settle_requests(bigint[], text, text) IS
	'part of settle_outgoing(): our requests that were refused, the outcome of disclosures, and '
	'content that has arrived';
