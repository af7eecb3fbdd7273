/* What a bridge asks before it starts: whether it would be this node's, and could do its work. */

CREATE OR REPLACE FUNCTION casesync_internal.bridge_fits(n casesync_internal.node, node_id uuid,
	kid text)
RETURNS TABLE (what text, advice text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES (format('node %s', n.sender_id), CASE WHEN n.sender_id IS NULL
			THEN 'it has no name yet: SELECT casesync.set_node(''sp.example.org'', ''https://…'')'
			END),
		('node_id', CASE WHEN n.node_id <> bridge_fits.node_id
			THEN format('the node''s is %s: correct it in the bridge''s file', n.node_id) END),
		('the node may speak', CASE WHEN n.paused THEN n.paused_reason
			WHEN n.sender_id IS NOT NULL AND NOT casesync_internal.identity_matches(n)
			THEN 'this database is a copy of the one that was set up: SELECT * FROM casesync.health'
			END),
		('the key is the node''s', CASE WHEN nullif(kid, '') <> ALL (n.key_ids)
			THEN format('key_ids of the node are %s: SELECT casesync.set_node(%L, key_ids => %L)',
				n.key_ids, n.sender_id, n.key_ids || kid) END)
$$;
COMMENT ON FUNCTION casesync_internal.bridge_fits(casesync_internal.node, uuid, text) IS
	'whether a bridge with this node_id and signing key would be a node''s; advice: what to do';

CREATE OR REPLACE FUNCTION casesync_internal.bridge_rehearsal(node_id uuid, kid text)
RETURNS TABLE (what text, advice text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	n casesync_internal.node;
	until constant timestamptz := clock_timestamp() + interval '8 seconds';
BEGIN
	SELECT * INTO n FROM casesync_internal.node;
	RETURN QUERY SELECT f.what, f.advice
	  FROM casesync_internal.bridge_fits(n, node_id, kid) f;
	RETURN QUERY SELECT format('records of registry %s', r.registry), CASE
			WHEN s.error_code IS NOT NULL AND NOT casesync_internal.is_late(s.error_code)
				THEN format('its view cannot be read (%s): SELECT * FROM casesync.review(%L)',
					s.error_code, r.registry)
			WHEN s.failed > 0 AND NOT casesync_internal.is_late(s.failed_code)
				THEN format('%s cannot be rendered (%s): SELECT * FROM casesync.review(%L)',
					s.failed, s.failed_code, r.registry) END
	  FROM casesync_internal.registry r
	 CROSS JOIN LATERAL casesync_internal.review_sample(r, until) s
	 ORDER BY r.registry;
END
$$;
COMMENT ON FUNCTION casesync_internal.bridge_rehearsal(uuid, text) IS
	'what a bridge would meet if it started now, and what to do about it; NULL: nothing';
