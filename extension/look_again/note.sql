/*
 * Senders hold the subjects of a message while they find that some may not leave. The router waits
 * for them, and has rows of the queue that it wrote in its turn: a sender that waited for one of
 * those would close the circle. So it only writes down what it found, and the router's next turn
 * puts that into the queue.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_note(registry text, keys text[],
	event_type text, reason text, error_code text DEFAULT NULL, mark text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.look_again_note (registry, key, event_type, reason, error_code,
		mark)
	SELECT look_again_note.registry, k, look_again_note.event_type, look_again_note.reason,
		look_again_note.error_code, look_again_note.mark
	  FROM unnest(keys) WITH ORDINALITY u(k, n) ORDER BY u.n
$$;
COMMENT ON FUNCTION casesync_internal.look_again_note(text, text[], text, text, text, text) IS
	'have these subjects looked at again, or (with an error code) put into quarantine, by the next '
	'turn of the router; waits for nobody';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_noted(registry text, key text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.look_again_note n
		WHERE n.registry = look_again_noted.registry AND n.key = look_again_noted.key);
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_noted(text, text) IS
	'whether a sender has asked for a look at a subject that the router does not know of yet';

CREATE OR REPLACE FUNCTION casesync_internal.look_again_notes_take(max_notes integer)
RETURNS SETOF casesync_internal.look_again_note
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	/* erase() may have one: it is gone then, or stays for the next turn. */
	RETURN QUERY
	DELETE FROM casesync_internal.look_again_note l WHERE l.id = ANY (ARRAY(
		SELECT n.id FROM casesync_internal.look_again_note n ORDER BY n.id LIMIT max_notes
		   FOR UPDATE SKIP LOCKED))
	RETURNING l.*;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_notes_take(integer) IS
	'part of route(): the oldest notes, which whoever calls puts into the queue';
