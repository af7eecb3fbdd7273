/*
 * Requests and callbacks: what partners are sent besides notifications, one message each. Who wants
 * something of a partner, or answers it, hands the message in here; delivery settles it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.enqueue(partner text, action text, url text,
	message jsonb, status text, subscriptions bigint[] DEFAULT '{}', reference_id uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Whether it must be encrypted is fixed now: the rule may be relaxed while it waits. */
	INSERT INTO casesync_internal.outgoing (reference_id, lane, action, url, status, message,
		subscriptions, must_encrypt)
	VALUES (coalesce(enqueue.reference_id, gen_random_uuid()),
		casesync_internal.lane_for(partner, 'control', enqueue.url), enqueue.action, enqueue.url,
		enqueue.status, enqueue.message, enqueue.subscriptions,
		casesync_internal.encryption_rule(partner) = 'required');
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.enqueue(text, text, text, jsonb, text, bigint[], uuid) IS
	'a request or callback to a partner, sent soon with the care of a notification; with a '
	'reference_id where disclosures bear the same one';

/* The records of an answer, which are kept until the partner has them. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_bytes(message jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(octet_length((message->'search_response')::text), 0)
$$;
COMMENT ON FUNCTION casesync_internal.answer_bytes(jsonb) IS
	'how many bytes of an answer its partner is charged for, until they are gone';

CREATE OR REPLACE FUNCTION casesync_internal.outgoing_settle(items bigint[], is_delivered boolean,
	why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Records are not kept once the partner has them. */
	UPDATE casesync_internal.outgoing o SET state_reason = why,
		state = CASE WHEN is_delivered THEN 'delivered' ELSE 'dead' END
	 WHERE o.id = ANY (items) AND o.state = 'due';
	PERFORM casesync_internal.storage_charge(l.partner,
		-casesync_internal.answer_bytes(o.message))
	   FROM casesync_internal.outgoing o JOIN casesync_internal.lane l ON l.lane = o.lane
	  WHERE is_delivered AND o.id = ANY (items) AND o.message ? 'search_response';
	UPDATE casesync_internal.outgoing o SET message = o.message - 'search_response'
	 WHERE is_delivered AND o.id = ANY (items) AND o.action = 'on-search';
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_settle(bigint[], boolean, text) IS
	'these have reached the partner, or never will: then they are dead letters';

/* The state is part of the condition: who waited for somebody who settled it finds nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.outgoing_revive(reference_id uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.outgoing o SET state = 'due', state_reason = NULL
	 WHERE o.reference_id = outgoing_revive.reference_id AND o.state = 'dead';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_revive(uuid) IS
	'a dead letter waits to be sent again; false when it is none';

CREATE OR REPLACE FUNCTION casesync_internal.outgoing_discard(reference_id uuid, why text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.outgoing o SET state = 'discarded', state_reason = why
	 WHERE o.reference_id = outgoing_discard.reference_id AND o.state = 'dead';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_discard(uuid, text) IS
	'a dead letter is not sent again; false when it is none';

/* Deleted, not discarded: nobody was told of it, and it is made anew when it may be sent again. */
CREATE OR REPLACE FUNCTION casesync_internal.outgoing_withdraw(items bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	withdrawn bigint;
BEGIN
	PERFORM casesync_internal.storage_charge(l.partner,
		-casesync_internal.answer_bytes(o.message))
	   FROM casesync_internal.outgoing o JOIN casesync_internal.lane l ON l.lane = o.lane
	  WHERE o.id = ANY (items) AND o.message ? 'search_response';
	DELETE FROM casesync_internal.outgoing o WHERE o.id = ANY (items);
	GET DIAGNOSTICS withdrawn = ROW_COUNT;
	RETURN withdrawn;
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_withdraw(bigint[]) IS
	'take messages back that were not sent; returns how many';

CREATE OR REPLACE FUNCTION casesync_internal.outgoing_waits(transaction_id text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.outgoing o
		 WHERE o.state = 'due' AND o.action IN ('subscribe', 'search', 'txn-status')
		   AND o.message->>'transaction_id' = outgoing_waits.transaction_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.outgoing_waits(text) IS
	'whether a question of ours, known by its transaction, still has to be sent';
