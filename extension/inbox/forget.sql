/* Forgetting what we asked partners and what they told us. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.inbox_gap g WHERE g.partner = inbox_forget.partner;
	DELETE FROM casesync_internal.my_request m WHERE m.partner = inbox_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.inbox_forget(text) IS
	'part of drop_partner(): what we asked the partner; one that told us anything is not dropped';

/* Members of JSON may be written as \u0041: then it is read before it is looked through. */
CREATE OR REPLACE FUNCTION casesync_internal.message_names(raw bytea, action text,
	p casesync_internal.person)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync_internal.person := p;
BEGIN
	/* Of many people two names are found that are of two of them. */
	IF action IN ('notify', 'on-search') THEN
		q.said := '{}';
	END IF;
	RETURN raw <> '' AND casesync_internal.text_names(
		CASE WHEN position(E'\\x5c75' IN raw) > 0 THEN casesync_internal.read_body(raw)::text
			ELSE convert_from(raw, 'UTF8') END, q);
END
$$;
COMMENT ON FUNCTION casesync_internal.message_names(bytea, text, casesync_internal.person) IS
	'whether the bytes of a message are about a person';

/* What partners chose to call their messages, and what was said of them, by whomever. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_texts_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.inbox_item i
	   SET message_id = casesync_internal.text_without(i.message_id, p),
		reference_id = casesync_internal.text_without(i.reference_id, p),
		transaction_id = casesync_internal.text_without(i.transaction_id, p),
		stream = casesync_internal.text_without(i.stream, p),
		reason = casesync_internal.text_without(i.reason, p),
		note = casesync_internal.text_without(i.note, p)
	 WHERE casesync_internal.text_names(concat_ws(chr(10), i.message_id, i.reference_id,
		i.transaction_id, i.stream, i.reason, i.note), p);
	UPDATE casesync_internal.inbox_gap g
	   SET transaction_id = casesync_internal.text_without(g.transaction_id, p),
		stream = casesync_internal.text_without(g.stream, p)
	 WHERE casesync_internal.text_names(concat_ws(chr(10), g.transaction_id, g.stream), p);
	UPDATE casesync_internal.message_in m
	   SET message_id = casesync_internal.text_without(m.message_id, p)
	 WHERE casesync_internal.text_names(m.message_id, p);
	UPDATE casesync_internal.my_request m
	   SET reason = casesync_internal.text_without(m.reason, p)
	 WHERE casesync_internal.text_names(m.reason, p);
$$;
COMMENT ON FUNCTION casesync_internal.inbox_texts_erase(casesync_internal.person) IS
	'part of inbox_erase(): texts beside the records';

/*
 * The bytes of a message go whole, others' records in it too: they were signed as they are, and a
 * part of them proves nothing.
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
		OR casesync_internal.message_names(m.raw, m.action, p));
	GET DIAGNOSTICS messages = ROW_COUNT;
	PERFORM casesync_internal.inbox_texts_erase(p);
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_erase(casesync_internal.person) IS
	'part of erase(): what partners told us; what was not applied yet is rejected';
