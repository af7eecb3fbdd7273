/* Forgetting what we asked partners and what they told us. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.my_request m WHERE m.partner = inbox_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.inbox_forget(text) IS
	'part of drop_partner(): what we asked the partner; one that told us anything is not dropped';

/*
 * The bytes of a message go whole, others' records in it too: they were signed as they are, and a
 * part of them proves nothing. A value of less than four bytes is not looked for in them: it would
 * be found everywhere.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_erase(p casesync_internal.person,
	OUT items bigint, OUT messages bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone casesync_internal.inbox_item[];
BEGIN
	gone := ARRAY(SELECT i FROM casesync_internal.inbox_item i
		WHERE i.subject = ANY (p.names) OR EXISTS (
			SELECT FROM casesync.record_identifiers(i.record) x
			 WHERE concat(upper(x.identifier_type), ':', x.identifier_value) = ANY (p.names)));
	UPDATE casesync_internal.inbox_item i
	   SET record = NULL, subject = p.erased, reason = NULL, note = NULL,
		pruned_at = coalesce(i.pruned_at, clock_timestamp()),
		decided_by = CASE WHEN i.state IN ('new', 'review', 'failed') THEN session_user
			ELSE i.decided_by END,
		decided_at = CASE WHEN i.state IN ('new', 'review', 'failed') THEN clock_timestamp()
			ELSE i.decided_at END,
		state = CASE WHEN i.state IN ('new', 'review', 'failed') THEN 'rejected' ELSE i.state END
	  FROM unnest(gone) g WHERE i.id = g.id;
	GET DIAGNOSTICS items = ROW_COUNT;
	UPDATE casesync_internal.message_in m SET raw = ''
	 WHERE m.raw <> '' AND (EXISTS (SELECT FROM unnest(gone) g
			WHERE g.partner = m.partner AND g.message_id = m.message_id)
		OR EXISTS (SELECT FROM unnest(p.words) w
			WHERE length(w) >= 4 AND position(convert_to(w, 'UTF8') IN m.raw) > 0));
	GET DIAGNOSTICS messages = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_erase(casesync_internal.person) IS
	'part of erase(): what partners told us; what was not applied yet is rejected';

/* The row stays, so that a repetition is still recognised, and of the record who it was about. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_prune(before timestamptz, OUT items bigint,
	OUT messages bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	day constant date := (before AT TIME ZONE 'UTC')::date;
BEGIN
	UPDATE casesync_internal.inbox_item i SET pruned_at = clock_timestamp(),
		record = casesync_internal.project(i.record, '{}', ARRAY(
			SELECT x.identifier_type FROM casesync.record_identifiers(i.record) x))
	 WHERE i.state IN ('applied', 'ignored', 'observed', 'rejected') AND i.pruned_at IS NULL
	   AND greatest(i.received_at, i.decided_at, i.applied_at) < before;
	GET DIAGNOSTICS items = ROW_COUNT;
	UPDATE casesync_internal.message_in m SET raw = ''
	 WHERE m.at < before AND m.raw <> '' AND NOT EXISTS (
		SELECT FROM casesync_internal.inbox_item i
		 WHERE i.partner = m.partner AND i.message_id = m.message_id AND i.pruned_at IS NULL);
	GET DIAGNOSTICS messages = ROW_COUNT;
	PERFORM casesync_internal.storage_settle(p.partner, day, (
		SELECT coalesce(sum(octet_length(m.raw)), 0) FROM casesync_internal.message_in m
		 WHERE m.partner = p.partner AND m.raw <> '' AND m.at < day::timestamp AT TIME ZONE 'UTC'))
	   FROM casesync_internal.partner p;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_prune(timestamptz) IS
	'part of prune(): content of received items settled before a time, then the bytes of messages '
	'that no other item holds';
