/* Forgetting what partners told us long ago. */
/*
 * The row stays, so that a repetition is still recognised, and of the record who it was about. What
 * a person may still decide about stays whole: of a conflict that is open the item has both values.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_item_prune(before timestamptz,
	referrals_before timestamptz DEFAULT NULL, from_page bigint DEFAULT 0,
	to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	UPDATE casesync_internal.inbox_item i SET pruned_at = clock_timestamp(),
		record = casesync_internal.project(i.record, '{}', ARRAY(
			SELECT x.identifier_type FROM casesync.record_identifiers(i.record) x))
	 WHERE i.ctid >= first_row AND i.ctid < behind
	   AND i.state IN ('applied', 'ignored', 'observed', 'rejected') AND i.pruned_at IS NULL
	   AND greatest(i.received_at, i.decided_at, i.applied_at) < CASE i.event_type
			WHEN 'referral' THEN coalesce(referrals_before, before) ELSE before END
	   AND NOT EXISTS (SELECT FROM casesync_internal.conflict c
		WHERE c.partner = i.partner AND c.item = i.id AND c.state = 'open');
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_item_prune(timestamptz, timestamptz, bigint, bigint) IS
	'part of prune(): content of received items settled before a time (referrals: another one), of '
	'these pages';

/* Of what the partner called them a hash is enough to know a repetition. */
CREATE OR REPLACE FUNCTION casesync_internal.message_prune(before timestamptz,
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
	WITH settled AS (
		SELECT m.partner, m.message_id, m.raw <> '' AS has_bytes
		  FROM casesync_internal.message_in m
		 WHERE m.ctid >= first_row AND m.ctid < behind
		   AND m.at < before AND (m.raw <> '' OR m.message_id !~ '^hash:[0-9a-f]{32}$')
		   AND NOT EXISTS (SELECT FROM casesync_internal.inbox_item i
			WHERE i.partner = m.partner AND i.message_id = m.message_id AND i.pruned_at IS NULL)
	), named AS (
		UPDATE casesync_internal.inbox_item i
		   SET message_id = casesync_internal.text_hash(i.message_id),
			reference_id = casesync_internal.text_hash(i.reference_id),
			transaction_id = casesync_internal.text_hash(i.transaction_id), stream = NULL
		  FROM settled s
		 WHERE i.partner = s.partner AND i.message_id = s.message_id
	), emptied AS (
		UPDATE casesync_internal.message_in m
		   SET raw = '', message_id = casesync_internal.text_hash(m.message_id)
		  FROM settled s
		 WHERE m.partner = s.partner AND m.message_id = s.message_id
		RETURNING s.has_bytes)
	SELECT count(*) FILTER (WHERE e.has_bytes) INTO pruned FROM emptied e;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_prune(timestamptz, bigint, bigint) IS
	'part of prune(): bytes of messages before a time that no other item holds, of these pages';

CREATE OR REPLACE FUNCTION casesync_internal.message_storage(before timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	day constant date := (before AT TIME ZONE 'UTC')::date;
BEGIN
	PERFORM casesync_internal.storage_settle(p.partner, day, coalesce(k.bytes, 0)::bigint)
	   FROM casesync_internal.partner p
	   LEFT JOIN (SELECT m.partner, sum(octet_length(m.raw)) AS bytes
			FROM casesync_internal.message_in m
		   WHERE m.raw <> '' AND m.at < day::timestamp AT TIME ZONE 'UTC' GROUP BY m.partner) k
		 ON k.partner = p.partner;
END
$$;
COMMENT ON FUNCTION casesync_internal.message_storage(timestamptz) IS
	'part of prune(): how many bytes of each partner''s are still kept of days before a time';

CREATE OR REPLACE FUNCTION casesync_internal.inbox_prune(before timestamptz, OUT items bigint,
	OUT messages bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	items := casesync_internal.inbox_item_prune(before);
	messages := casesync_internal.message_prune(before);
	PERFORM casesync_internal.message_storage(before);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_prune(timestamptz) IS
	'part of prune(): content of received items settled before a time, then the bytes of messages '
	'that no other item holds';
