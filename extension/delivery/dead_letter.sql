/* Messages that were given up: people send them again, or throw them away. */

/*
 * Locked, since somebody else may settle it at the same time: what erase() has emptied or discard()
 * has thrown away must not become due again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.require_dead(reference_id uuid)
RETURNS casesync_internal.notification
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.notification;
BEGIN
	SELECT * INTO n FROM casesync_internal.notification t
	 WHERE t.reference_id = require_dead.reference_id AND t.state = 'dead' FOR UPDATE;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('%s is not in the dead letters', reference_id),
			hint => 'SELECT reference_id, partner, reason FROM casesync.dead_letter;');
	END IF;
	RETURN n;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_dead(uuid) IS
	'a dead letter, locked, or an error';

/*
 * When an item died, it was owed to its subscription from then on: what the partner knows now and
 * is another record is newer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_overtaken(n casesync_internal.notification)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.notification t
		 WHERE t.lane = n.lane AND t.registry = n.registry AND t.key = n.key AND t.id > n.id)
		OR EXISTS (
		SELECT FROM casesync_internal.told t
		  JOIN casesync_internal.lane l ON l.partner = t.partner
		 WHERE l.lane = n.lane AND t.registry = n.registry AND t.key = n.key
		   AND t.hmac IS NOT NULL AND t.hmac IS DISTINCT FROM n.hmac);
END
$$;
COMMENT ON FUNCTION casesync_internal.is_overtaken(casesync_internal.notification) IS
	'whether newer events of its subject were sent, or wait, since a dead letter was written';

/*
 * As it was it would come after newer states and undo them at the partner. Where it has a number,
 * which the partner may have been told of by what came behind it, the item tells what its subject
 * is now. Else it stays discarded, and a new one does, unless its subscription has been told that.
 */
CREATE OR REPLACE FUNCTION casesync_internal.retry_subject(n casesync_internal.notification)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.notification_reopen(n.id, 'overtaken: the current record is sent')
	THEN
		PERFORM casesync_internal.notification_discard(n.id,
			'overtaken: the current record is sent');
	END IF;
	/* A refused removal was let go: from now on it is to be told again, if nothing newer is. */
	IF n.removal THEN
		PERFORM casesync_internal.notification_unknown(ARRAY[n.id], is_still_to_tell => true);
	END IF;
	PERFORM casesync_internal.look_again_add(n.registry, ARRAY[n.key], n.event_type,
		'dead letter retried');
END
$$;
COMMENT ON FUNCTION casesync_internal.retry_subject(casesync_internal.notification) IS
	'part of retry(): instead of an old record the subject''s current one is sent';

/*
 * As when it was first routed, what it says counts as known from here on: else the next look at the
 * subject would send the same once more beside it. Its number and disclosure are those of the first
 * attempt (give_seq()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.retry_item(n casesync_internal.notification)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.notification_revive(n.id);
	/* A removal says nothing that the partner would know from then on. */
	PERFORM casesync_internal.knowledge_note(ARRAY(
		SELECT ROW(l.partner, n.registry, n.key, n.hmac,
			CASE a.on_leave WHEN 'identifier_only' THEN (SELECT jsonb_agg(to_jsonb(i))
				FROM casesync.record_identifiers(n.record) i) END,
			n.subscription)::casesync_internal.known
		  FROM casesync_internal.lane l
		  JOIN casesync_internal.agreement a ON a.agreement = n.agreement
			AND a.version = n.agreement_version
		 WHERE l.lane = n.lane AND NOT n.removal AND n.hmac IS NOT NULL));
END
$$;
COMMENT ON FUNCTION casesync_internal.retry_item(casesync_internal.notification) IS
	'part of retry(): the item itself is sent again, with its reference_id and number';

/* Requests and callbacks have no subject that could be overtaken: they go again as they are. */
CREATE OR REPLACE FUNCTION casesync.retry(reference_id uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.notification;
	answer text := 'it is sent again';
BEGIN
	/* What the turn under way tells of the subject is newer, and stands behind this in the lane. */
	PERFORM casesync_internal.hold_router();
	IF NOT casesync_internal.outgoing_revive(reference_id) THEN
		n := casesync_internal.require_dead(reference_id);
		IF casesync_internal.is_overtaken(n) THEN
			PERFORM casesync_internal.retry_subject(n);
			answer := 'newer events have overtaken it: what the subject is now is sent instead, '
				'if it is not known';
		ELSE
			PERFORM casesync_internal.retry_item(n);
		END IF;
	END IF;
	PERFORM casesync_internal.audit_note('retry', reference_id::text);
	PERFORM casesync_internal.ring();
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync.retry(uuid) IS
	'send a dead letter again; when newer events have overtaken it, the subject''s current record '
	'instead, unless its subscription was told that';

CREATE OR REPLACE FUNCTION casesync.discard(reference_id uuid, reason text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.notification;
BEGIN
	IF NOT casesync_internal.outgoing_discard(reference_id, left(reason, 500)) THEN
		n := casesync_internal.require_dead(reference_id);
		PERFORM casesync_internal.notification_discard(n.id, left(reason, 500));
	END IF;
	PERFORM casesync_internal.audit_note('discard', reference_id::text,
		jsonb_build_object('reason', reason));
	RETURN 'it is not sent again';
END
$$;
COMMENT ON FUNCTION casesync.discard(uuid, text) IS 'a dead letter is not sent again';
