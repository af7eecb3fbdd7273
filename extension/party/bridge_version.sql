/*
 * Which bridges this version of the extension works with: from the series (0.2 is 0.2.x) named
 * here to the one of the extension itself. So the extension is updated first and the bridges after
 * it: the newer side knows the older one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_versions(OUT extension text, OUT lowest text,
	OUT highest text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.extversion, '0.2', substring(e.extversion FROM E'^\\d+\\.\\d+')
	  FROM pg_extension e WHERE e.extname = 'casesync'
$$;
COMMENT ON FUNCTION casesync_internal.bridge_versions() IS
	'version of the extension, and the lowest and highest series of bridges that it works with';

CREATE OR REPLACE FUNCTION casesync_internal.version_series(version text)
RETURNS integer[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT regexp_match(version, E'^(\\d{1,5})\\.(\\d{1,5})(?:\\.\\d{1,5}.*)?$')::integer[]
$$;
COMMENT ON FUNCTION casesync_internal.version_series(text) IS
	'{0,2} of 0.2.1; NULL when it is no version';

/*
 * With the extension's rights: the bridge asks also by itself, before it starts (--check-config),
 * and may call nothing that this is made of.
 */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_refusal(version text)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('this bridge is %s, the database''s casesync %s works with bridges %s.x%s: '
		'update the %s', coalesce(left(version, 100), 'of no version'), v.extension, v.lowest,
		CASE WHEN v.highest <> v.lowest THEN format(' to %s.x', v.highest) ELSE '' END,
		CASE WHEN s.bridge > s.highest THEN 'extension' ELSE 'bridge' END)
	  FROM casesync_internal.bridge_versions() v
	 CROSS JOIN LATERAL (SELECT casesync_internal.version_series(version) AS bridge,
		casesync_internal.version_series(v.lowest) AS lowest,
		casesync_internal.version_series(v.highest) AS highest) s
	 WHERE s.bridge IS NULL OR s.bridge < s.lowest OR s.bridge > s.highest
$$;
COMMENT ON FUNCTION casesync_internal.bridge_refusal(text) IS
	'why a bridge of this version is refused, and which side to update; NULL when it is not';

/*
 * What fails is tried again every minute at least, and told again: what was not told for some
 * minutes is of a bridge that is gone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.turn_troubles()
RETURNS SETOF casesync_internal.turn_trouble_now
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM casesync_internal.turn_trouble_now t WHERE t.at > now() - interval '3 minutes'
$$;
COMMENT ON FUNCTION casesync_internal.turn_troubles() IS 'work of the bridge that fails now';

CREATE OR REPLACE FUNCTION casesync_internal.turn_trouble(turn text, reason text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.turn_trouble_now t
	 WHERE t.turn = turn_trouble.turn AND (turn_trouble.reason IS NULL
		OR t.at < now() - interval '3 minutes');
	INSERT INTO casesync_internal.turn_trouble_now AS t (turn, reason)
	SELECT turn_trouble.turn, left(turn_trouble.reason, 500)
	 WHERE turn_trouble.reason IS NOT NULL
	ON CONFLICT ON CONSTRAINT turn_trouble_now_pkey DO UPDATE
		SET reason = excluded.reason, at = excluded.at;
$$;
COMMENT ON FUNCTION casesync_internal.turn_trouble(text, text) IS
	'the bridge says that work of its fails, and why; or, with a reason of NULL, that it does not '
	'any more';

/*
 * A database that was moved stands still. A bridge that belongs elsewhere, or whose file has a slip
 * in it, is told to: the node's own one goes on.
 */
CREATE OR REPLACE FUNCTION casesync_internal.node_judge(node_id uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n constant casesync_internal.node := casesync_internal.this_node();
	stranger text;
BEGIN
	IF NOT casesync_internal.identity_matches(n) THEN
		PERFORM casesync_internal.pause_node('this database is a copy of the one that was set up');
	ELSIF n.node_id IS NULL AND NOT n.paused THEN
		UPDATE casesync_internal.node SET node_id = node_judge.node_id;
	ELSIF n.node_id IS DISTINCT FROM node_id THEN
		stranger := format('node_id %s is not this node''s: correct it in the bridge''s file; in a '
			'copy of the database, SELECT casesync.start_as_copy(); for a new node_id, SELECT '
			'casesync.resume()', node_id);
	END IF;
	/*
	 * While one still tries, the node's own bridge takes nothing back. On a standby, where nothing
	 * can be written, there is nothing to write.
	 */
	IF stranger IS NOT NULL OR EXISTS (SELECT FROM casesync_internal.turn_trouble_now t
		WHERE t.turn = 'start' AND t.at < clock_timestamp() - interval '30 seconds')
	THEN
		PERFORM casesync_internal.turn_trouble('start', stranger);
	END IF;
	RETURN stranger;
END
$$;
COMMENT ON FUNCTION casesync_internal.node_judge(uuid) IS
	'pauses a node whose database is not the one that was set up; why a bridge may not speak for '
	'it, or NULL';
