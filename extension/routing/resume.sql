/* A database takes over: a restored backup, or a copy that is the real one from now on. */
/* A snapshot that shows nothing: ids of transactions of another cluster say nothing here. */
CREATE OR REPLACE FUNCTION casesync_internal.routing_begin_era(era integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.routing_state (era, last) VALUES (era, '1:1:')
$$;
COMMENT ON FUNCTION casesync_internal.routing_begin_era(integer) IS
	'nothing of this era is routed yet';

/*
 * The era goes up only in another database: in the one it was paused in, what is not routed yet
 * still counts, and its ids are true. The stream is a new one in any case, since numbers that were
 * given after the backup would be given once more.
 */
CREATE OR REPLACE FUNCTION casesync.resume()
RETURNS TABLE (registry text, hint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.node := casesync_internal.this_node();
	is_other_database boolean := NOT casesync_internal.identity_matches(n);
BEGIN
	/* A bridge with a new node_id has tried, and the one with the old does not work any more. */
	IF NOT n.paused AND NOT is_other_database AND (EXISTS (
			SELECT FROM casesync_internal.keeps_locks())
		OR NOT EXISTS (SELECT FROM casesync_internal.turn_troubles() t WHERE t.turn = 'start'))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => 'this node is not paused',
			detail => 'resume() begins a new stream, so that partners see a break in the '
				'numbering; it is for copies and restored databases.',
			hint => 'SELECT * FROM casesync.health;');
	END IF;
	/* In another database capture has used the next era from its first row on. */
	IF is_other_database THEN
		n.era := n.era + 1;
		PERFORM casesync_internal.routing_begin_era(n.era);
	END IF;
	PERFORM casesync_internal.node_begin_stream(n.era);
	PERFORM casesync_internal.turn_trouble('start', NULL);
	/* Partners may have been told newer states than this database remembers. */
	PERFORM casesync_internal.knowledge_open_all();
	PERFORM casesync_internal.look_again_all(r.registry, 'this database has taken over')
	   FROM casesync_internal.registry r;
	PERFORM casesync_internal.audit_note('resume', n.sender_id, jsonb_build_object('era', n.era));
	PERFORM casesync_internal.ring();
	RETURN QUERY SELECT r.registry,
		format('Partners may know what was changed after the backup and is not here: the bridge '
			'sends them the present state of every subject they may see, or now: '
			'SELECT casesync.look_again(%L);', r.registry)
	  FROM casesync_internal.registry r ORDER BY 1;
END
$$;
COMMENT ON FUNCTION casesync.resume() IS
	'this database is the real one again: a new stream begins (in another database also a new '
	'era); says what to look after';
