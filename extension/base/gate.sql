/* The gate that the router shuts before it sleeps: who commits a change then rings. */
CREATE OR REPLACE FUNCTION casesync_internal.gate_shut(wait_ms integer)
RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'casesync_gate_shut';
COMMENT ON FUNCTION casesync_internal.gate_shut(integer) IS
	'part of gate_close(): whether this session has shut it, which it tries for so long at most';

/*
 * A prepared transaction cannot ring, neither when it is prepared (a NOTIFY makes that fail) nor
 * when another session commits it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.gate_close(wait_ms integer,
	OUT is_closed boolean, OUT look_within_ms integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	is_closed := casesync_internal.gate_shut(coalesce(wait_ms, 0));
	look_within_ms := CASE WHEN current_setting('max_prepared_transactions')::integer > 0
		THEN 250 END;
END
$$;
COMMENT ON FUNCTION casesync_internal.gate_close(integer) IS
	'the router is about to sleep: if this is true, who commits a change from now on rings, and a '
	'look that begins now finds what was committed before; look_within_ms is how long it may '
	'sleep at most where what was prepared may be committed without a ring';

CREATE OR REPLACE FUNCTION casesync_internal.gate_open()
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'casesync_gate_open';
COMMENT ON FUNCTION casesync_internal.gate_open() IS
	'the router looks again and again by itself: who commits a change need not ring';
