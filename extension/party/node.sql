/* Who we are: one row. Its identity tells this database from its copies. */

/*
 * The cluster's identifier stays the same when a standby takes over, and differs after a logical
 * restore; the oid tells a copy within the same cluster. A copy of all files has both: of that one
 * its bridge has another node_id, and may not speak.
 */
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

CREATE OR REPLACE FUNCTION casesync_internal.check_sender_id(sender_id text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* A quote or a bar would end the name where it is written into headers of a request. */
	IF coalesce(sender_id, '') = '' OR length(sender_id) > 255 OR sender_id ~ '[[:cntrl:]"|]' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'sender_id must be 1 to 255 characters without quotes, bars and control '
				'characters');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_sender_id(text) IS
	'what may name a system to its partners, or an error';

/* The name is what partners have signed for: a wrong one is found out late, by them. */
CREATE OR REPLACE FUNCTION casesync_internal.check_node(sender_id text, locale text, time_zone text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(sender_id, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'sender_id must not be empty',
			hint => 'SELECT casesync.set_node(''sp.example.org'', ''https://dci.example.org'');');
	END IF;
	PERFORM casesync_internal.check_sender_id(sender_id);
	IF locale !~ '^[a-z]{3}$' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('locale "%s" is not a language code', left(locale, 20)),
			detail => 'The standard asks for three lower-case letters (ISO 639-3).',
			hint => 'locale => ''eng''');
	END IF;
	IF time_zone IS NOT NULL
		AND NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = time_zone)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('time zone "%s" is not known', time_zone),
			hint => 'SELECT name FROM pg_timezone_names ORDER BY name;');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_node(text, text, text) IS
	'what set_node() was given can be, or an error';

/*
 * The secret is made once and never again. With another one all that partners were told would look
 * new, and would be sent once more; no client's secret would be right, and no erased person
 * recognised.
 */
CREATE OR REPLACE FUNCTION casesync_internal.node_begin(sender_id text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.node (sender_id, time_zone, system_identifier, database_oid,
		timeline, table_oid)
	SELECT node_begin.sender_id, current_setting('TimeZone'), c.system_identifier, d.oid,
		casesync_internal.node_timeline(), casesync_internal.node_table()
	  FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
	ON CONFLICT DO NOTHING;
	INSERT INTO casesync_internal.node_secret (hash_key)
	VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION casesync_internal.node_begin(text) IS
	'the node''s row and its secret, unless they are there';

/*
 * What a partner has chosen may hold anything, a person's number too. Where it need only be known
 * again, this is kept of it: a plain hash of a short text is found by trying all.
 */
CREATE OR REPLACE FUNCTION casesync_internal.node_hash(content jsonb)
RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.keyed_hash(
		(SELECT s.hash_key FROM casesync_internal.node_secret s), content);
END
$$;
COMMENT ON FUNCTION casesync_internal.node_hash(jsonb) IS
	'a hash of some content with this node''s key; NULL before set_node()';

/* One byte more than node_hash(), by which what 0.2.0 has hashed is told from it. */
CREATE OR REPLACE FUNCTION casesync_internal.told_hash(content jsonb)
RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN E'\\x01'::bytea || casesync_internal.content_hash(
		(SELECT s.hash_key FROM casesync_internal.node_secret s), content);
END
$$;
COMMENT ON FUNCTION casesync_internal.told_hash(jsonb) IS
	'a hash of what partners tell us, with this node''s key; NULL before set_node()';

CREATE OR REPLACE FUNCTION casesync_internal.text_hash(content text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN 'hash:' || left(encode(casesync_internal.node_hash(
		jsonb_build_array('text', content)), 'hex'), 32);
END
$$;
COMMENT ON FUNCTION casesync_internal.text_hash(text) IS
	'what stands for a text of a partner that must not be kept, and is the same for the same text';

/* Known again all the same when it comes again: who looks for it looks for both. */
CREATE OR REPLACE FUNCTION casesync_internal.text_without(content text, p casesync_internal.person)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN casesync_internal.text_names(content, p)
		THEN casesync_internal.text_hash(content) ELSE content END
$$;
COMMENT ON FUNCTION casesync_internal.text_without(text, casesync_internal.person) IS
	'a text of a partner, or its hash when it is about a person who is to be forgotten';

CREATE OR REPLACE FUNCTION casesync_internal.node_said(n casesync_internal.node)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('this node is %s', n.sender_id) || CASE
		WHEN n.base_url IS NULL THEN format(
			', without an address yet; next: SELECT casesync.set_node(%L, ''https://…'');',
			n.sender_id)
		WHEN NOT EXISTS (SELECT FROM casesync_internal.partner) THEN format(
			' at %s; next: SELECT casesync.set_partner(''partner.example.org'', ''https://…'');',
			n.base_url)
		ELSE format(' at %s', n.base_url) END
$$;
COMMENT ON FUNCTION casesync_internal.node_said(casesync_internal.node) IS
	'what set_node() answers';

/*
 * Four eyes are switched on by one, and off by two: whether this call switches them off, and who
 * had asked for it before.
 */
CREATE OR REPLACE FUNCTION casesync_internal.four_eyes_off(caller regrole, sender_id text,
	four_eyes boolean, OUT is_agreed boolean, OUT asked_by regrole)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	is_agreed := false;
	IF four_eyes THEN
		PERFORM casesync_internal.change_withdraw('four_eyes_off', NULL, NULL);
	ELSIF NOT four_eyes AND (SELECT n.four_eyes FROM casesync_internal.node n) THEN
		SELECT c.is_agreed, c.asked_by INTO is_agreed, asked_by
		  FROM casesync_internal.change_agree(caller, 'four_eyes_off', NULL, NULL,
			format('SELECT casesync.set_node(%L, four_eyes => false);', sender_id)) c;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.four_eyes_off(regrole, text, boolean) IS
	'what set_node() does about four eyes';

/* The audit does not show the node_id: by it our bridge is told from that of a copy. */
CREATE OR REPLACE FUNCTION casesync_internal.set_node_for(caller regrole, sender_id text,
	base_url text, key_ids text[], locale text, time_zone text, four_eyes boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	off record;
	n casesync_internal.node;
BEGIN
	PERFORM casesync_internal.check_node(sender_id, locale, time_zone);
	PERFORM casesync_internal.node_begin(sender_id);
	off := casesync_internal.four_eyes_off(caller, sender_id, four_eyes);
	UPDATE casesync_internal.node t SET
		sender_id = set_node_for.sender_id,
		base_url = coalesce(casesync_internal.check_url('base_url', set_node_for.base_url),
			t.base_url),
		key_ids = coalesce(set_node_for.key_ids, t.key_ids),
		locale = coalesce(set_node_for.locale, t.locale),
		time_zone = coalesce(set_node_for.time_zone, t.time_zone),
		four_eyes = (coalesce(set_node_for.four_eyes, false) OR t.four_eyes) AND NOT off.is_agreed
	RETURNING t.* INTO n;
	PERFORM casesync_internal.audit_note('set_node', sender_id,
		to_jsonb(n) - '{node_id,timeline,table_oid}'::text[]
		|| jsonb_strip_nulls(jsonb_build_object('asked_by', off.asked_by,
			'waits', nullif(n.four_eyes AND NOT set_node_for.four_eyes, false))));
	RETURN CASE WHEN n.four_eyes AND NOT set_node_for.four_eyes
		THEN 'four eyes stay on; ' || casesync_internal.change_said('four_eyes_off', NULL, NULL,
			format('SELECT casesync.set_node(%L, four_eyes => false);', sender_id))
		ELSE casesync_internal.node_said(n) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.set_node_for(regrole, text, text, text[], text, text, boolean)
	IS 'see casesync.set_node()';

CREATE OR REPLACE FUNCTION casesync.set_node(sender_id text, base_url text DEFAULT NULL,
	key_ids text[] DEFAULT NULL, locale text DEFAULT NULL, time_zone text DEFAULT NULL,
	four_eyes boolean DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.set_node(text, text, text[], text, text, boolean) IS
	'say who we are to partners; parameters left out keep their value';

/* The first reason stays: what follows from it would hide it. */
CREATE OR REPLACE FUNCTION casesync_internal.pause_node(reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.node SET paused = true, paused_reason = reason WHERE NOT paused
$$;
COMMENT ON FUNCTION casesync_internal.pause_node(text) IS 'stop routing and sending until resume()';

/*
 * The era changes only with the database: within one, transaction ids go on, and a transaction
 * that is open now may still write rows of the present era.
 */
CREATE OR REPLACE FUNCTION casesync_internal.node_begin_stream(era integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.node SET paused = false, paused_reason = NULL, node_id = NULL,
		era = node_begin_stream.era, stream = gen_random_uuid(),
		system_identifier = (SELECT c.system_identifier FROM pg_control_system() c),
		database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()),
		timeline = casesync_internal.node_timeline(), table_oid = casesync_internal.node_table();
	/* They were the other database's. */
	DELETE FROM casesync_internal.bridge_life
$$;
COMMENT ON FUNCTION casesync_internal.node_begin_stream(integer) IS
	'this database is the node from now on, with a new run of sequence numbers';

/*
 * Without a node_id and paused no bridge ever counts as the right one here, whatever its file says.
 */
/* Without a node_id no bridge works for it; somebody has said so, and not a bridge that met it. */
CREATE OR REPLACE FUNCTION casesync_internal.is_declared_copy(n casesync_internal.node)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT n.paused AND n.node_id IS NULL
		AND n.paused_reason = 'this database is a copy: it never sends'
$$;
COMMENT ON FUNCTION casesync_internal.is_declared_copy(casesync_internal.node) IS
	'whether start_as_copy() has been called here, and resume() not since';

CREATE OR REPLACE FUNCTION casesync.start_as_copy()
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.this_node();
	/* Without node_id, so that the original's bridge does not fit any more. */
	UPDATE casesync_internal.node SET paused = true, node_id = NULL,
		paused_reason = 'this database is a copy: it never sends';
	PERFORM casesync_internal.audit_note('start_as_copy', current_database());
	RETURN 'this database is a copy: it never sends, and no bridge works for it';
END
$$;
COMMENT ON FUNCTION casesync.start_as_copy() IS
	'this database is a copy for tests: it stays paused';

CREATE OR REPLACE FUNCTION casesync_internal.check_bridge(node_id uuid, version text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	refusal constant text := casesync_internal.bridge_refusal(version);
BEGIN
	PERFORM casesync_internal.this_node();
	IF refusal IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => refusal,
			hint => 'The extension is updated first (ALTER EXTENSION casesync UPDATE), then each '
				'bridge.');
	END IF;
	IF node_id IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'a bridge must name its node_id',
			hint => 'Set node_id in the bridge''s configuration file.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_bridge(uuid, text) IS
	'whether a bridge of this version may work here at all, or an error';

/*
 * By the tables' own number it is seen that a dump was restored over what was there; by the
 * timeline that another server has taken over. On a standby nothing is said anyway.
 */
CREATE OR REPLACE FUNCTION casesync_internal.node_table()
RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'casesync_internal.node'::regclass::oid
$$;
COMMENT ON FUNCTION casesync_internal.node_table() IS 'the number of the node''s table';

CREATE OR REPLACE FUNCTION casesync_internal.node_timeline()
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pg_is_in_recovery() THEN
		RETURN NULL;
	END IF;
	/* Not the control file's: after a promotion that is the old one until a checkpoint is done. */
	RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
END
$$;
COMMENT ON FUNCTION casesync_internal.node_timeline() IS
	'the timeline that this server writes; NULL on a standby';

CREATE OR REPLACE FUNCTION casesync_internal.life_matches()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT n.table_oid = casesync_internal.node_table()
			AND n.timeline = coalesce(casesync_internal.node_timeline(), n.timeline)
		FROM casesync_internal.node n);
END
$$;
COMMENT ON FUNCTION casesync_internal.life_matches() IS
	'whether this database is as it was when a bridge last said what partners were told';

CREATE OR REPLACE FUNCTION casesync_internal.node_set_life()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.node n SET timeline = casesync_internal.node_timeline(),
		table_oid = casesync_internal.node_table()
	 WHERE NOT casesync_internal.life_matches()
$$;
COMMENT ON FUNCTION casesync_internal.node_set_life() IS
	'the database knows what partners were told, and goes on';

CREATE OR REPLACE FUNCTION casesync_internal.node_new_stream()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.node SET stream = gen_random_uuid(),
		timeline = casesync_internal.node_timeline(), table_oid = casesync_internal.node_table()
$$;
COMMENT ON FUNCTION casesync_internal.node_new_stream() IS
	'the same database and bridge, with a new run of sequence numbers';

/* Written now and then: a bridge asks many times a minute. */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_seen(bridge uuid, timeline integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.bridge_life AS b (bridge, timeline)
	VALUES (bridge_seen.bridge, bridge_seen.timeline)
	ON CONFLICT ON CONSTRAINT bridge_life_pkey DO UPDATE
		SET timeline = excluded.timeline, seen_at = clock_timestamp(),
			vouched_at = CASE WHEN b.timeline = excluded.timeline THEN b.vouched_at
				ELSE clock_timestamp() END
		WHERE b.timeline <> excluded.timeline
			OR b.seen_at < clock_timestamp() - interval '1 minute'
$$;
COMMENT ON FUNCTION casesync_internal.bridge_seen(uuid, integer) IS
	'a bridge is here, and all that it has told is known';

CREATE OR REPLACE FUNCTION casesync_internal.bridges_seen()
RETURNS SETOF casesync_internal.bridge_life
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM casesync_internal.bridge_life b
	 WHERE b.seen_at > clock_timestamp() - interval '1 day'
$$;
COMMENT ON FUNCTION casesync_internal.bridges_seen() IS 'the bridges of the last day';

/*
 * Asked before every look at what is to be sent, not once at the start: a database is also copied
 * while its bridge is connected.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_here(system_identifier bigint,
	database_oid oid, table_oid oid, timeline integer)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_is_here';
COMMENT ON FUNCTION casesync_internal.is_here(bigint, oid, oid, integer) IS
	'identity_matches() and life_matches() of what the node''s row says, from what the server has '
	'in memory';

CREATE OR REPLACE FUNCTION casesync_internal.may_speak()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT NOT n.paused AND casesync_internal.is_here(n.system_identifier,
		n.database_oid, n.table_oid, n.timeline) FROM casesync_internal.node n), false);
END
$$;
COMMENT ON FUNCTION casesync_internal.may_speak() IS
	'whether this database routes and sends at all';

CREATE OR REPLACE VIEW casesync.this_node AS
	SELECT n.sender_id, n.base_url, n.key_ids, n.locale, n.time_zone, n.four_eyes, n.paused,
		n.paused_reason, n.era, n.stream, n.keep_delivered, n.keep_inbox, n.keep_attempts,
		n.keep_disclosures
	  FROM casesync_internal.node n;
COMMENT ON VIEW casesync.this_node IS 'this system: its name to others, and whether it may send';
COMMENT ON COLUMN casesync.this_node.sender_id IS 'how partners name us';
COMMENT ON COLUMN casesync.this_node.base_url IS 'where partners reach us';
COMMENT ON COLUMN casesync.this_node.key_ids IS 'ids of the keys that our bridge signs with';
COMMENT ON COLUMN casesync.this_node.locale IS 'language of what we send (ISO 639-3)';
COMMENT ON COLUMN casesync.this_node.time_zone IS
	'the zone in which days begin and frequencies are read';
COMMENT ON COLUMN casesync.this_node.four_eyes IS
	'whether an agreement needs another login than its author''s to be activated';
COMMENT ON COLUMN casesync.this_node.paused IS 'whether nothing is routed and sent until resume()';
COMMENT ON COLUMN casesync.this_node.paused_reason IS 'why it is paused';
COMMENT ON COLUMN casesync.this_node.era IS
	'how often another database took over: tells transaction ids of different clusters apart';
COMMENT ON COLUMN casesync.this_node.stream IS
	'the name, to partners, of this run of sequence numbers';
COMMENT ON COLUMN casesync.this_node.keep_delivered IS
	'how long notifications, requests and callbacks are kept that are settled';
COMMENT ON COLUMN casesync.this_node.keep_inbox IS
	'how long records and bytes of partners'' messages are kept that are settled';
COMMENT ON COLUMN casesync.this_node.keep_attempts IS 'how long it is kept how sending went';
COMMENT ON COLUMN casesync.this_node.keep_disclosures IS 'how long it is kept who was told what';
