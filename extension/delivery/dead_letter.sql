/* Messages that were given up: people send them again, or throw them away. */
CREATE OR REPLACE FUNCTION casesync_internal.require_dead(reference_id uuid)
RETURNS casesync_internal.notification
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.notification;
BEGIN
	SELECT * INTO n FROM casesync_internal.notification t WHERE t.reference_id = $1
		AND t.state = 'dead';
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('%s is not in the dead letters', $1),
			hint => 'SELECT reference_id, partner, reason FROM casesync.dead_letter;');
	END IF;
	RETURN n;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_dead(uuid) IS 'a dead letter, or an error';

CREATE OR REPLACE FUNCTION casesync.retry(reference_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.notification;
BEGIN
	UPDATE casesync_internal.outgoing o SET state = 'due', state_reason = NULL
	 WHERE o.reference_id = $1 AND o.state = 'dead';
	IF FOUND THEN
		PERFORM casesync_internal.audit_note('retry', $1::text);
		PERFORM casesync_internal.ring();
		RETURN;
	END IF;
	n := casesync_internal.require_dead($1);
	/* When an item died, what the partner knew was forgotten: what it knows now is newer. */
	IF EXISTS (SELECT FROM casesync_internal.notification t
		WHERE t.lane = n.lane AND t.registry = n.registry
			AND t.key = n.key AND t.id > n.id)
		OR EXISTS (SELECT FROM casesync_internal.told t
			JOIN casesync_internal.lane l ON l.partner = t.partner
			WHERE l.lane = n.lane AND t.registry = n.registry AND t.key = n.key
				AND t.hmac IS NOT NULL)
	THEN
		UPDATE casesync_internal.notification t SET state = 'discarded',
			state_reason = 'overtaken: the current record is sent'
		 WHERE t.id = n.id;
		PERFORM casesync_internal.look_again_add(n.registry, ARRAY[n.key], n.event_type,
			'dead letter retried');
		UPDATE casesync_internal.filter_inside i SET hmac = NULL
		 WHERE i.subscription = n.subscription AND i.registry = n.registry AND i.key = n.key;
		UPDATE casesync_internal.told t SET hmac = NULL FROM casesync_internal.lane l
		 WHERE l.lane = n.lane AND t.partner = l.partner AND t.registry = n.registry
			AND t.key = n.key;
	ELSE
		UPDATE casesync_internal.notification t SET state = 'due', state_reason = NULL
			WHERE t.id = n.id;
		INSERT INTO casesync_internal.told (partner, registry, key, hmac, identifiers, at)
		SELECT l.partner, n.registry, n.key, n.hmac,
			CASE a.on_leave WHEN 'identifier_only' THEN
				(SELECT jsonb_agg(to_jsonb(i)) FROM casesync.record_identifiers(n.record) i) END,
					clock_timestamp()
		  FROM casesync_internal.lane l
		  JOIN casesync_internal.agreement a ON a.agreement = n.agreement
			AND a.version = n.agreement_version
		 WHERE l.lane = n.lane AND NOT n.removal AND n.hmac IS NOT NULL
		ON CONFLICT (partner, registry, key) DO UPDATE SET hmac = excluded.hmac, at = excluded.at;
	END IF;
	PERFORM casesync_internal.audit_note('retry', $1::text);
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync.retry(uuid) IS
	'send a dead letter again; when newer events have overtaken it, the subject''s current record '
	'instead';

CREATE OR REPLACE FUNCTION casesync.discard(reference_id uuid, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.notification;
BEGIN
	UPDATE casesync_internal.outgoing o SET state = 'discarded', state_reason = left($2, 500)
	 WHERE o.reference_id = $1 AND o.state = 'dead';
	IF NOT FOUND THEN
		n := casesync_internal.require_dead($1);
		UPDATE casesync_internal.notification t SET state = 'discarded',
			state_reason = left($2, 500) WHERE t.id = n.id;
	END IF;
	PERFORM casesync_internal.audit_note('discard', $1::text, jsonb_build_object('reason', $2));
END
$$;
COMMENT ON FUNCTION casesync.discard(uuid, text) IS 'a dead letter is not sent again';
