/* Who we are: one row. Its identity tells this database from its copies. */
CREATE OR REPLACE FUNCTION casesync_internal.identity_matches(n casesync_internal.node)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT n.system_identifier = c.system_identifier
	   AND n.database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())
	  FROM pg_control_system() c);
END
$$;
COMMENT ON FUNCTION casesync_internal.identity_matches(casesync_internal.node) IS
	'false when this database is a copy of the one that set_node() was called in';

CREATE OR REPLACE FUNCTION casesync_internal.this_node()
RETURNS casesync_internal.node
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.node;
BEGIN
	SELECT * INTO n FROM casesync_internal.node;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => 'this node has no name yet',
			detail => 'Partners know a system by its sender_id.',
			hint => 'SELECT casesync.set_node(''sp.example.org'', ''https://dci.example.org'');');
	END IF;
	RETURN n;
END
$$;
COMMENT ON FUNCTION casesync_internal.this_node() IS
	'the node''s row; an error that says what to do when there is none';

CREATE OR REPLACE FUNCTION casesync.set_node(sender_id text, base_url text DEFAULT NULL,
	key_ids text[] DEFAULT NULL, locale text DEFAULT NULL, time_zone text DEFAULT NULL,
	four_eyes boolean DEFAULT NULL)
RETURNS casesync_internal.node
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p ALIAS FOR $1;
	n casesync_internal.node;
BEGIN
	IF p IS NULL OR p = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'sender_id must not be empty',
			hint => 'SELECT casesync.set_node(''sp.example.org'', ''https://dci.example.org'');');
	END IF;
	IF length(p) > 255 OR p ~ '[[:cntrl:]"|]' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'sender_id must be 1 to 255 characters without quotes, bars and control '
				'characters');
	END IF;
	IF $4 !~ '^[a-z]{3}$' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('locale "%s" is not a language code', left($4, 20)),
			detail => 'The standard asks for three lower-case letters (ISO 639-3).',
			hint => 'locale => ''eng''');
	END IF;
	IF $5 IS NOT NULL AND NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = $5) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('time zone "%s" is not known', $5),
			hint => 'SELECT name FROM pg_timezone_names ORDER BY name;');
	END IF;
	INSERT INTO casesync_internal.node AS t (sender_id, base_url, key_ids, locale, time_zone,
			system_identifier, database_oid, four_eyes)
	SELECT p, casesync_internal.check_url('base_url', $2), $3, coalesce($4, 'eng'),
		coalesce($5, current_setting('TimeZone')),
		c.system_identifier, d.oid, coalesce($6, true)
	  FROM pg_control_system() c, pg_database d
	 WHERE d.datname = current_database()
	ON CONFLICT (one) DO UPDATE SET
		sender_id = excluded.sender_id,
		base_url = coalesce(excluded.base_url, t.base_url),
		key_ids = coalesce(excluded.key_ids, t.key_ids),
		locale = coalesce($4, t.locale),
		time_zone = coalesce($5, t.time_zone),
		four_eyes = coalesce($6, t.four_eyes)
	RETURNING t.* INTO n;
	INSERT INTO casesync_internal.node_secret (hash_key)
	VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.audit_note('set_node', p, to_jsonb(n) - 'node_id');
	RETURN n;
END
$$;
COMMENT ON FUNCTION casesync.set_node(text, text, text[], text, text, boolean) IS
	'say who we are to partners; parameters left out keep their value';

CREATE OR REPLACE FUNCTION casesync_internal.pause_node(reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.node SET paused = true, paused_reason = reason WHERE NOT paused
$$;
COMMENT ON FUNCTION casesync_internal.pause_node(text) IS 'stop routing and sending until resume()';

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
	IF NOT n.paused AND NOT is_other_database THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => 'this node is not paused',
			detail => 'resume() begins a new stream, so that partners see a break in the numbering; '
				'it is for copies and restored databases.',
			hint => 'SELECT * FROM casesync.health;');
	END IF;
	/*
	 * The era changes only with the database: within one, transaction ids go on, and a transaction
	 * that is open now may still write rows of the present era. In another database capture has
	 * used the next era from its first row on.
	 */
	IF is_other_database THEN
		n.era := n.era + 1;
		PERFORM casesync_internal.routing_begin_era(n.era);
	END IF;
	UPDATE casesync_internal.node SET paused = false, paused_reason = NULL, node_id = NULL,
		era = n.era, stream = gen_random_uuid(),
		system_identifier = (SELECT c.system_identifier FROM pg_control_system() c),
		database_oid = (SELECT oid FROM pg_database WHERE datname = current_database());
	/* Partners may have been told newer states than this database remembers. */
	UPDATE casesync_internal.told SET hmac = NULL WHERE hmac IS NOT NULL;
	UPDATE casesync_internal.filter_inside SET hmac = NULL WHERE hmac IS NOT NULL;
	PERFORM casesync_internal.audit_note('resume', n.sender_id, jsonb_build_object('era', n.era));
	PERFORM casesync_internal.ring();
	RETURN QUERY
		SELECT r.registry,
		format('Partners may know what was changed after the backup and is not here; '
		'to send them the present state of every subject they may see: SELECT '
		'casesync.look_again(%L);', r.registry)
	  FROM casesync_internal.registry r ORDER BY 1;
END
$$;
COMMENT ON FUNCTION casesync.resume() IS
	'this database is the real one again: a new stream begins (in another database also a new era); '
	'says what to look after';

CREATE OR REPLACE FUNCTION casesync.start_as_copy()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.this_node();
	UPDATE casesync_internal.node SET paused = true, node_id = NULL,
		paused_reason = 'this database is a copy: it never sends';
	PERFORM casesync_internal.audit_note('start_as_copy', current_database());
END
$$;
COMMENT ON FUNCTION casesync.start_as_copy() IS
	'this database is a copy for tests: it stays paused';

CREATE OR REPLACE FUNCTION casesync_internal.bridge_start(node_id uuid, version text)
RETURNS TABLE (sender_id text, base_url text, key_ids text[], paused boolean, paused_reason text,
	extension_version text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.node := casesync_internal.this_node();
	refusal constant text := casesync_internal.bridge_refusal($2);
BEGIN
	IF refusal IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => refusal,
			hint => 'The extension is updated first (ALTER EXTENSION casesync UPDATE), then each '
				'bridge.');
	END IF;
	IF $1 IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'a bridge must name its node_id',
			hint => 'Set node_id in the bridge''s configuration file.');
	END IF;
	IF NOT casesync_internal.identity_matches(n) THEN
		PERFORM casesync_internal.pause_node('this database is a copy of the one that was set up: '
			'SELECT casesync.resume() if it is the real one, SELECT casesync.start_as_copy() if '
			'not');
	ELSIF n.node_id IS NULL AND NOT n.paused THEN
		UPDATE casesync_internal.node SET node_id = $1;
	ELSIF n.node_id IS DISTINCT FROM $1 THEN
		PERFORM casesync_internal.pause_node('a bridge with another node_id has started: '
			'SELECT casesync.resume() if it is the right one');
	END IF;
	RETURN QUERY SELECT t.sender_id, t.base_url, t.key_ids, t.paused, t.paused_reason, v.extension
	  FROM casesync_internal.node t CROSS JOIN casesync_internal.bridge_versions() v;
END
$$;
COMMENT ON FUNCTION casesync_internal.bridge_start(uuid, text) IS
	'what a bridge says first: checks that bridge and database belong together';

CREATE OR REPLACE FUNCTION casesync_internal.may_speak()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT NOT n.paused AND casesync_internal.identity_matches(n)
		FROM casesync_internal.node n), false);
END
$$;
COMMENT ON FUNCTION casesync_internal.may_speak() IS
	'whether this database routes and sends at all';
