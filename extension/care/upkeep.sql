/* Keeps logs and queues from growing for ever. Knows what is settled, never decides about it. */
/* All of the older eras is routed, so that their rows may go. */
CREATE OR REPLACE FUNCTION casesync_internal.earlier_eras_routed(current integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.routing_state;
BEGIN
	FOR s IN
		SELECT DISTINCT ON (r.era) r.* FROM casesync_internal.routing_state r WHERE r.era < current
		 ORDER BY r.era, r.id DESC
	LOOP
		IF s.now IS NOT NULL OR EXISTS (SELECT FROM casesync_internal.window_chunk(s,
			'9223372036854775807:9223372036854775807:', 1)) THEN
			RETURN false;
		END IF;
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.earlier_eras_routed(integer) IS
	'whether nothing that was written before the last restore waits for routing';
CREATE OR REPLACE FUNCTION casesync_internal.rotate_notifications()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	next_leaf integer := (coalesce((SELECT g.leaf FROM casesync_internal.notification_ring g
		ORDER BY g.id DESC LIMIT 1), 0) + 1) % 8;
	is_used boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM casesync_internal.notification_%s)', next_leaf) INTO is_used;
	IF is_used THEN
		RETURN NULL;
	END IF;
	DELETE FROM casesync_internal.notification_ring;
	INSERT INTO casesync_internal.notification_ring (leaf) VALUES (next_leaf);
	RETURN next_leaf;
END
$$;
COMMENT ON FUNCTION casesync_internal.rotate_notifications() IS
	'append to the next leaf from now on; gives its number, NULL when it is not empty yet';
CREATE OR REPLACE FUNCTION casesync_internal.leaf_is_full(leaf regclass, leaf_limit bigint)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_relation_size(leaf) > 0 AND pg_table_size(leaf) > leaf_limit
$$;
COMMENT ON FUNCTION casesync_internal.leaf_is_full(regclass, bigint) IS
	'whether a leaf is used and has more than so many bytes';
CREATE OR REPLACE FUNCTION casesync_internal.tidy(leaf_limit bigint DEFAULT 67108864)
RETURNS TABLE (rotated boolean, emptied integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s casesync_internal.routing_state;
	leaf integer := coalesce((SELECT g.leaf FROM casesync_internal.change_ring g), 0);
	era integer;
BEGIN
	rotated := false; emptied := 0;
	/* The router's own lock: routing stands still, so what its state says stays true meanwhile. */
	IF casesync_internal.may_speak() AND casesync_internal.lock_for_transaction(1, 0) THEN
		IF casesync_internal.leaf_is_full(format('casesync_internal.change_%s', leaf)::regclass, leaf_limit) THEN
			rotated := casesync_internal.rotate_changes() IS NOT NULL;
		END IF;
		IF casesync_internal.leaf_is_full(casesync_internal.notification_leaf(), leaf_limit) THEN
			rotated := casesync_internal.rotate_notifications() IS NOT NULL OR rotated;
		END IF;
		PERFORM casesync_internal.expire_subscriptions();
		PERFORM casesync_internal.admit_subscriptions();
		era := (casesync_internal.this_node()).era;
		SELECT * INTO s FROM casesync_internal.routing_state r WHERE r.era = era ORDER BY r.id DESC LIMIT 1;
		IF FOUND THEN
			emptied := casesync_internal.empty_change_leaves(s.last, era, casesync_internal.earlier_eras_routed(era));
		END IF;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.tidy(bigint) IS
	'what the bridge calls every minute: new changes and notifications go to the next leaf once one has leaf_limit bytes, and leaves of routed changes are emptied';
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
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', leaf, kept) INTO is_needed USING before;
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
	 WHERE e.at < before AND NOT EXISTS (SELECT FROM casesync_internal.notification n WHERE n.event = e.id);
	GET DIAGNOSTICS counted = ROW_COUNT;
	RETURN QUERY SELECT 'events', counted;
	DELETE FROM casesync_internal.outgoing o WHERE o.created_at < before AND o.state IN ('delivered', 'discarded');
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
	'forget what was settled longer ago than this; never what is due, dead, in review or quarantined, nor disclosures and audit';
/*
 * What changed in a gap nobody knows, so all subjects of its registries are looked at again, those
 * too that partners were told of and that are gone. Partners get only what they do not know.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_at(r casesync_internal.registry, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told_as text := (SELECT coalesce(t.on_update, t.on_insert, t.on_delete) FROM casesync_internal.tracking t
		WHERE r.registry = ANY (t.registries) AND NOT t.removed ORDER BY t.id LIMIT 1);
	asked bigint;
BEGIN
	IF told_as IS NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO casesync_internal.quarantine_entry AS q (registry, tracking, key, event_type, error_code, reason, is_requested)
	SELECT r.registry, 0, k, told_as, '00000', look_again_at.reason, true
	  FROM (SELECT unnest(casesync_internal.view_keys(r)) UNION SELECT t.key FROM casesync_internal.told t WHERE t.registry = r.registry) x(k)
	 WHERE octet_length(k) <= 1000
	ON CONFLICT (registry, tracking, md5(key), event_type) DO UPDATE SET is_requested = true;
	GET DIAGNOSTICS asked = ROW_COUNT;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text) IS
	'have every subject of a registry rendered and compared again; returns how many';
CREATE OR REPLACE FUNCTION casesync.look_again(registry text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint := casesync_internal.look_again_at(casesync_internal.require_registry(registry), 'to be looked at again');
BEGIN
	PERFORM casesync_internal.audit_note('look_again', registry, jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.look_again(text) IS
	'look again at every subject of a registry; partners are told what they do not know; returns how many are looked at';
CREATE OR REPLACE FUNCTION casesync.fill_gap(gap bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
	asked bigint;
BEGIN
	SELECT * INTO g FROM casesync_internal.gap t WHERE t.id = $1 FOR UPDATE;
	IF NOT FOUND OR g.ended IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE WHEN g.id IS NULL THEN format('there is no gap %s', $1)
				ELSE format('gap %s is still open', $1) END,
			detail => 'Only when changes are captured again can what was missed be made up for.',
			hint => CASE WHEN g.id IS NULL THEN 'SELECT * FROM casesync.gaps;'
				ELSE format('SELECT * FROM casesync.start_capture(%s);', $1) END);
	END IF;
	SELECT coalesce(sum(casesync_internal.look_again_at(r, format('gap %s: to be looked at again', g.id))), 0) INTO asked
	  FROM casesync_internal.registry r WHERE r.registry = ANY (g.registries);
	UPDATE casesync_internal.gap t SET filled = clock_timestamp() WHERE t.id = g.id;
	PERFORM casesync_internal.audit_note('fill_gap', $1::text, jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.fill_gap(bigint) IS
	'look again at every subject of a gap''s registries; partners are told what they do not know; returns how many are looked at';
