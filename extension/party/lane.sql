/* The order of delivery to partners: their lanes, one for each address. Knows no message. */

/*
 * The newest row comes first by the one index that has this order: those before it, which a held
 * snapshot keeps, are not looked at.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_now(lane integer)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
DECLARE
	answer casesync_internal.lane_state;
BEGIN
	SELECT s.* INTO answer FROM casesync_internal.lane_state s
	 WHERE (s.lane, s.id) >= (lane_now.lane, 0) AND (s.lane) <= lane_now.lane
	 ORDER BY s.lane DESC, s.id DESC LIMIT 1;
	IF casesync_internal.rest_is_over(answer.next_attempt) THEN
		answer.next_attempt := NULL;
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_now(integer) IS 'the state of a lane';

/*
 * What was read (s.id) goes, by its key: no other is looked for here. A row that was appended
 * meanwhile stays until lane_states_tidy(); of all that are there the newest counts. A message is
 * sent only after this: so that it is under way is on disk first, and with it all that it tells of.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_set(s casesync_internal.lane_state)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.commit_durably();
	DELETE FROM casesync_internal.lane_state t WHERE t.id = s.id;
	INSERT INTO casesync_internal.lane_state (lane, message_id, items, attempt, next_attempt,
		batch_limit, server_errors, refusals, suspect, others_pass, is_stopped, reason,
		begins_until, lost_until, seq_before, live_from, bulk_from)
	VALUES (s.lane, s.message_id, coalesce(s.items, '{}'), coalesce(s.attempt, 0), s.next_attempt,
		coalesce(s.batch_limit, 100), coalesce(s.server_errors, 0), coalesce(s.refusals, 0),
		s.suspect, coalesce(s.others_pass, false), coalesce(s.is_stopped, false), s.reason,
		CASE WHEN s.message_id IS NOT NULL THEN s.begins_until END, s.lost_until,
		CASE WHEN s.message_id IS NOT NULL THEN s.seq_before END,
		coalesce(s.live_from, 0), coalesce(s.bulk_from, 0));
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_set(casesync_internal.lane_state) IS
	'append a lane''s new state';

CREATE OR REPLACE FUNCTION casesync_internal.lane_states_tidy()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.lane_state t
	 WHERE t.id < (SELECT max(x.id) FROM casesync_internal.lane_state x WHERE x.lane = t.lane)
$$;
COMMENT ON FUNCTION casesync_internal.lane_states_tidy() IS
	'part of tidy(): states of lanes that newer ones have replaced';

/*
 * Their places stay, since how many were sent together says what a refusal means; as a negative id,
 * since a message that never left gives back all numbers that it was given (numbers_back()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.lanes_let_go(items bigint[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.lane_state s
	   SET items = ARRAY(SELECT CASE WHEN i = ANY (lanes_let_go.items) THEN -i ELSE i END
			FROM unnest(s.items) WITH ORDINALITY u(i, n) ORDER BY u.n)
	 WHERE s.id = ANY (ARRAY(SELECT x.id FROM casesync_internal.lane l
			CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) x
			WHERE x.items && lanes_let_go.items))
	   AND s.items && lanes_let_go.items;
$$;
COMMENT ON FUNCTION casesync_internal.lanes_let_go(bigint[]) IS
	'whatever becomes of the messages that are under way, it says nothing of these items of theirs '
	'any more';

/*
 * The standard gives a subscription no address for its notifications (B5), only one for the answer
 * to its request.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notify_url(p casesync_internal.partner,
	s casesync_internal.subscription)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce(p.notify_url,
		CASE WHEN s.callback_url ~ '/on-subscribe/?$'
			THEN regexp_replace(s.callback_url, '/on-subscribe/?$', '/notify') END,
		p.base_url || '/registry/notify');
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_url(casesync_internal.partner,
	casesync_internal.subscription) IS
	'where notifications go: the registered address, else what follows from the subscriber''s '
	'sender_uri';

CREATE OR REPLACE FUNCTION casesync_internal.address_of(url text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN lower(substring(url from '^https?://[^/?#]+'));
END
$$;
COMMENT ON FUNCTION casesync_internal.address_of(text) IS 'scheme, host and port of a URL';

/* A living subscription keeps its lane: its next notification would be put there without asking. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_is_idle(l casesync_internal.lane)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN NOT EXISTS (SELECT FROM casesync_internal.notification n
		WHERE n.lane = l.lane AND n.state = 'due' AND n.place >= 0)
		AND NOT EXISTS (SELECT FROM casesync_internal.outgoing o
			WHERE o.lane = l.lane AND o.state = 'due')
		AND NOT EXISTS (SELECT FROM casesync_internal.subscription s
			WHERE s.partner = l.partner AND s.lane = l.lane AND s.state IN ('pending', 'active'));
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_is_idle(casesync_internal.lane) IS
	'whether nothing waits in a lane, and nothing will come';

/* How the old address has failed says nothing about the new one: the state goes. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_readdress(lane integer, address text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.lane l SET address = lane_readdress.address
	 WHERE l.lane = lane_readdress.lane;
	DELETE FROM casesync_internal.lane_state s WHERE s.lane = lane_readdress.lane;
	RETURN lane;
EXCEPTION WHEN unique_violation THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_readdress(integer, text) IS
	'an idle lane is another address''s from now on; NULL when that address has one by now';

/*
 * A lane more for an address that has none. stop_sharing() must know all lanes it closes: while it
 * works, or when a partner names addresses without end, the lane of the registered ones does.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_add(partner text, kind text, address text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	most constant integer := 32;
	chosen integer;
BEGIN
	BEGIN
		LOCK TABLE casesync_internal.agreement IN ROW EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN NULL;
	END;
	IF (SELECT count(*) FROM casesync_internal.lane l
		WHERE l.partner = lane_add.partner AND l.kind = lane_add.kind) < most
	THEN
		INSERT INTO casesync_internal.lane AS l (partner, kind, address)
		VALUES (lane_add.partner, lane_add.kind, lane_add.address)
		ON CONFLICT DO NOTHING RETURNING l.lane INTO chosen;
	ELSE
		/* One that nobody needs any more takes on the new address. */
		SELECT l.lane INTO chosen FROM casesync_internal.lane l
		 WHERE l.partner = lane_add.partner AND l.kind = lane_add.kind AND l.address <> ''
			AND casesync_internal.lane_is_idle(l)
		 ORDER BY l.lane LIMIT 1 FOR UPDATE SKIP LOCKED;
		IF FOUND THEN
			chosen := casesync_internal.lane_readdress(chosen, lane_add.address);
		ELSE
			RETURN NULL;
		END IF;
	END IF;
	/* Another session may have had the same wish at the same moment. */
	RETURN coalesce(chosen, (SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = lane_add.partner AND l.kind = lane_add.kind
			AND l.address = lane_add.address));
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_add(text, text, text) IS
	'a lane for one more address of a partner; NULL when there cannot be one now';

/*
 * Never an error: where no lane can be had, the one of the registered addresses takes the message.
 * It may wait longer there, it is not lost.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lane_for(partner text, kind text, url text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
	wanted text := coalesce(casesync_internal.address_of(url), '');
	chosen integer;
BEGIN
	IF wanted IN (casesync_internal.address_of(p.base_url),
		casesync_internal.address_of(p.notify_url)) THEN
		wanted := '';
	END IF;
	SELECT l.lane INTO chosen FROM casesync_internal.lane l
	 WHERE l.partner = lane_for.partner AND l.kind = lane_for.kind AND l.address = wanted;
	IF NOT FOUND THEN
		chosen := casesync_internal.lane_add(partner, kind, wanted);
	END IF;
	RETURN coalesce(chosen, (SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = lane_for.partner AND l.kind = lane_for.kind AND l.address = ''));
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_for(text, text, text) IS
	'the lane (notify or control) in which a message to this URL of a partner waits for its turn';

/* What waited for an address that did not answer is not to wait as long at the new one. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_wake(lane integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.lane_state := casesync_internal.lane_now(lane);
BEGIN
	IF s.next_attempt > clock_timestamp() THEN
		s.next_attempt := NULL;
		s.attempt := 0;
		PERFORM casesync_internal.lane_set(s);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_wake(integer) IS
	'a lane that waits after failures tries again now';

CREATE OR REPLACE VIEW casesync.lane_status AS
	SELECT l.lane, l.partner, l.kind, s.message_id IS NOT NULL AS in_flight,
		coalesce(s.attempt, 0) AS failed_attempts,
		s.next_attempt, coalesce(s.is_stopped, false) AS is_stopped,
		CASE WHEN s.reason <> '' THEN coalesce((SELECT n.cause FROM casesync_internal.lane_note n
			WHERE n.lane = l.lane ORDER BY n.id DESC LIMIT 1), s.reason) END AS reason, l.address
	  FROM casesync_internal.lane l
	  LEFT JOIN LATERAL (SELECT t.* FROM casesync_internal.lane_state t WHERE t.lane = l.lane
		ORDER BY t.id DESC LIMIT 1) s ON true;
COMMENT ON VIEW casesync.lane_status IS 'the lanes to partners and what they are doing';
COMMENT ON COLUMN casesync.lane_status.lane IS 'number of the lane';
COMMENT ON COLUMN casesync.lane_status.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.lane_status.kind IS 'notify, or control: requests and callbacks';
COMMENT ON COLUMN casesync.lane_status.in_flight IS 'whether a message is under way';
COMMENT ON COLUMN casesync.lane_status.failed_attempts IS
	'how often in a row the message has failed';
COMMENT ON COLUMN casesync.lane_status.next_attempt IS 'when it is tried again';
COMMENT ON COLUMN casesync.lane_status.is_stopped IS 'whether it waits for resume_sharing()';
COMMENT ON COLUMN casesync.lane_status.reason IS
	'why the last attempt failed, or why it is stopped';
COMMENT ON COLUMN casesync.lane_status.address IS
	'scheme, host and port that its messages go to; empty: the registered ones';
