/* Items of partners that never came: what one has sent before another, as it says. */

/*
 * Of a stream of which something came before: what came long ago is pruned, and then so is all that
 * was before it. One that comes late closes its gap.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_gap_note(i casesync_internal.inbox_item)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF i.seq IS NULL OR i.stream IS NULL OR i.transaction_id IS NULL THEN
		RETURN;
	END IF;
	DELETE FROM casesync_internal.inbox_gap g
	 WHERE g.partner = i.partner AND g.transaction_id = i.transaction_id AND g.stream = i.stream
	   AND g.seq = i.seq;
	INSERT INTO casesync_internal.inbox_gap (partner, transaction_id, stream, seq, item)
	SELECT i.partner, i.transaction_id, i.stream, i.prev_seq, i.id
	 WHERE i.prev_seq > 0 AND i.prev_seq < i.seq
	   AND NOT EXISTS (SELECT FROM casesync_internal.inbox_item o
		WHERE o.partner = i.partner AND o.transaction_id = i.transaction_id
		  AND o.stream = i.stream AND o.seq = i.prev_seq)
	   AND EXISTS (SELECT FROM casesync_internal.inbox_item o
		WHERE o.partner = i.partner AND o.transaction_id = i.transaction_id
		  AND o.stream = i.stream AND o.seq < i.prev_seq)
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_gap_note(casesync_internal.inbox_item) IS
	'whether something is missing before an item, and whether it is what was missing';

/* Once. What comes in answer is an item like any other, where the agreement lets a search in. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_gap_ask(g casesync_internal.inbox_gap)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about record;
BEGIN
	SELECT x.identifier_type AS type, x.identifier_value AS value, i.record_type INTO about
	  FROM casesync_internal.inbox_item i
	 CROSS JOIN LATERAL casesync.record_identifiers(i.record) x
	 WHERE i.id = g.item ORDER BY 1, 2 LIMIT 1;
	UPDATE casesync_internal.inbox_gap x SET asked_at = clock_timestamp(),
		request = CASE WHEN about.record_type <> ''
			AND (casesync_internal.agreement_in(g.partner, 'search')).agreement IS NOT NULL
			THEN casesync.search_at(g.partner, about.record_type,
				jsonb_build_object('type', about.type, 'value', about.value)) END
	 WHERE x.id = g.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_gap_ask(casesync_internal.inbox_gap) IS
	'search at the partner for whom the item is about before which something is missing';

CREATE OR REPLACE FUNCTION casesync_internal.inbox_gaps_ask()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint;
BEGIN
	PERFORM casesync_internal.inbox_gap_ask(g) FROM (
		SELECT * FROM casesync_internal.inbox_gap x
		 WHERE x.asked_at IS NULL AND x.at < clock_timestamp() - interval '1 minute'
		   AND EXISTS (SELECT FROM casesync_internal.partner p
			WHERE p.partner = x.partner AND p.base_url IS NOT NULL)
		 ORDER BY x.id LIMIT 10) g;
	GET DIAGNOSTICS asked = ROW_COUNT;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_gaps_ask() IS
	'part of tidy(): ask once about what has been missing for a minute';

CREATE OR REPLACE FUNCTION casesync.dismiss_missing(partner text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dismissed bigint;
BEGIN
	DELETE FROM casesync_internal.inbox_gap g WHERE g.partner = dismiss_missing.partner;
	GET DIAGNOSTICS dismissed = ROW_COUNT;
	PERFORM casesync_internal.audit_note('dismiss_missing', partner,
		jsonb_build_object('items', dismissed));
	RETURN dismissed;
END
$$;
COMMENT ON FUNCTION casesync.dismiss_missing(text) IS
	'items that a partner says it sent, and that never came, need not be looked for any more; '
	'returns how many';
