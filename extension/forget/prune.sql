/* Forgetting what was settled long ago. */
/* A leaf of which nothing is needed goes at once; from others row by row. */
CREATE OR REPLACE FUNCTION casesync_internal.prune_notifications(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	kept constant text := '(state IN (''due'', ''dead'') OR at >= $1)';
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
			EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', leaf);
			EXECUTE format('SELECT count(*), coalesce(bool_or(%s), false) FROM %s', kept, leaf)
			   INTO rows, is_needed USING before;
			IF is_needed THEN
				PERFORM casesync_internal.raise_error(errcode => 'lock_not_available');
			END IF;
			EXECUTE format('TRUNCATE %s', leaf);
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			EXECUTE format('DELETE FROM %s WHERE NOT %s', leaf, kept) USING before;
			GET DIAGNOSTICS rows = ROW_COUNT;
		END;
		pruned := pruned + rows;
	END LOOP;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_notifications(timestamptz) IS
	'part of prune(): settled notifications made before a time';

/* The row stays, so that a repetition is still recognised, and of the record who it was about. */
CREATE OR REPLACE FUNCTION casesync_internal.prune_inbox(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	UPDATE casesync_internal.inbox_item i SET pruned_at = clock_timestamp(),
		record = casesync_internal.project(i.record, '{}', ARRAY(
			SELECT x.identifier_type FROM casesync.record_identifiers(i.record) x))
	 WHERE i.state IN ('applied', 'ignored', 'observed', 'rejected') AND i.pruned_at IS NULL
	   AND greatest(i.received_at, i.decided_at, i.applied_at) < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_inbox(timestamptz) IS
	'part of prune(): content of received items that were settled before a time';

CREATE OR REPLACE FUNCTION casesync_internal.prune_messages(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	UPDATE casesync_internal.message_in m SET raw = ''
	 WHERE m.at < before AND m.raw <> '' AND NOT EXISTS (
		SELECT FROM casesync_internal.inbox_item i
		 WHERE i.partner = m.partner AND i.message_id = m.message_id AND i.pruned_at IS NULL);
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.prune_messages(timestamptz) IS
	'part of prune(): bytes of received messages whose items are pruned';

CREATE OR REPLACE FUNCTION casesync.prune(keep interval DEFAULT '90 days')
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	before timestamptz := now() - keep;
	counted bigint;
BEGIN
	IF keep IS NULL OR keep < interval '0' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'keep must not be negative',
			hint => 'SELECT * FROM casesync.prune(keep => ''90 days'');');
	END IF;
	RETURN QUERY SELECT 'notifications', casesync_internal.prune_notifications(before);
	DELETE FROM casesync_internal.event e
	 WHERE e.at < before AND NOT EXISTS (SELECT FROM casesync_internal.notification n
		WHERE n.event = e.id);
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'events', counted;
	DELETE FROM casesync_internal.outgoing o WHERE o.created_at < before
		AND o.state IN ('delivered', 'discarded');
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'requests and callbacks', counted;
	DELETE FROM casesync_internal.attempt a WHERE a.ended_at < before;
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'attempts', counted;
	RETURN QUERY SELECT 'requests of partners', casesync_internal.prune_requests(before);
	DELETE FROM casesync_internal.rehearsal_sample s WHERE s.at < before;
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'samples of rehearsals', counted;
	DELETE FROM casesync_internal.lookup_day d WHERE d.day < before::date;
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'counts of lookups', counted;
	RETURN QUERY SELECT 'content of received items', casesync_internal.prune_inbox(before);
	RETURN QUERY SELECT 'bytes of received messages', casesync_internal.prune_messages(before);
	PERFORM casesync_internal.audit_note('prune', NULL, jsonb_build_object('keep', keep));
END
$$;
COMMENT ON FUNCTION casesync.prune(interval) IS
	'forget what was settled longer ago than this; never what is due, dead, in review or '
	'quarantined, nor disclosures and audit';
