/*
 * Why messages do not arrive, and why partners' messages are not let in, as the bridge has seen it:
 * for people, who are to mend it. Nothing is decided by it.
 */

/* The newest of each lane are enough: what is to be mended is what is wrong now. */
CREATE OR REPLACE FUNCTION casesync_internal.attempt_note(lane integer, message_id uuid, cause text,
	answer text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.lane_note n
	 WHERE n.lane = attempt_note.lane AND n.id <= (SELECT x.id FROM casesync_internal.lane_note x
		WHERE x.lane = attempt_note.lane ORDER BY x.id DESC OFFSET 19 LIMIT 1);
	INSERT INTO casesync_internal.lane_note (lane, message_id, cause, answer)
	SELECT attempt_note.lane, attempt_note.message_id, nullif(left(attempt_note.cause, 300), ''),
		nullif(left(attempt_note.answer, 500), '')
	 WHERE (casesync_internal.lane_now(attempt_note.lane)).message_id = attempt_note.message_id;
$$;
COMMENT ON FUNCTION casesync_internal.attempt_note(integer, uuid, text, text) IS
	'the bridge says why the message in flight on a lane did not arrive: what failed before it was '
	'answered (cause), or what the partner wrote (answer)';

CREATE OR REPLACE FUNCTION casesync_internal.lane_notes_prune(before timestamptz)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.lane_note n WHERE n.at < before;
	DELETE FROM casesync_internal.partner_refusal r WHERE r.at < before;
$$;
COMMENT ON FUNCTION casesync_internal.lane_notes_prune(timestamptz) IS
	'part of prune_step(): why something failed is forgotten with the attempts';

CREATE OR REPLACE FUNCTION casesync_internal.lane_notes_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.lane_note n SET answer = p.erased
	 WHERE casesync_internal.text_names(n.answer, p)
$$;
COMMENT ON FUNCTION casesync_internal.lane_notes_erase(casesync_internal.person) IS
	'part of erase(): what partners wrote about messages of ours';

/* What was quiet for two hours is over: who goes on with it counts from the beginning. */
CREATE OR REPLACE FUNCTION casesync_internal.refusal_now(r casesync_internal.partner_refusal)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN r.at > clock_timestamp() - interval '2 hours';
END
$$;
COMMENT ON FUNCTION casesync_internal.refusal_now(casesync_internal.partner_refusal) IS
	'whether a partner still sends what cannot be let in';

/* One row a partner, whatever it sends. Two messages of it at once: the later one counts. */
CREATE OR REPLACE FUNCTION casesync_internal.refusal_note(partner text, error_code text,
	reason text, correlation_id text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.partner_refusal AS r (partner, error_code, reason, correlation_id)
	SELECT p.partner, left(refusal_note.error_code, 100), left(refusal_note.reason, 500),
		left(refusal_note.correlation_id, 100)
	  FROM casesync_internal.partner p WHERE p.partner = refusal_note.partner
	ON CONFLICT ON CONSTRAINT partner_refusal_pkey DO UPDATE
		SET error_code = excluded.error_code, reason = excluded.reason,
		correlation_id = excluded.correlation_id, at = excluded.at,
		messages = CASE WHEN casesync_internal.refusal_now(r) THEN r.messages + 1 ELSE 1 END,
		since = CASE WHEN casesync_internal.refusal_now(r) THEN r.since ELSE excluded.since END
$$;
COMMENT ON FUNCTION casesync_internal.refusal_note(text, text, text, text) IS
	'the bridge says why it did not let a message of a partner in, and by which correlation_id the '
	'partner was told';
