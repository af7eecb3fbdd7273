/*
 * Lives of a database. A standby takes over that has not got all, a dump is restored over what was
 * there, a disk goes back to its snapshot: the database has forgotten what partners were told, and
 * nothing in it says so. Bridges write down beside it what they tell (the journal); when they come
 * back it is compared.
 */

/*
 * Everything that may have been told counts for nothing: new numbers, and each subject is looked at
 * again. The registries one by one (look_again_due()): each may have millions.
 */
CREATE OR REPLACE FUNCTION casesync_internal.life_begin(reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.node_new_stream();
	PERFORM casesync_internal.look_again_all(r.registry, life_begin.reason)
	   FROM casesync_internal.registry r ORDER BY r.registry;
	PERFORM casesync_internal.audit_note('new_stream', (casesync_internal.this_node()).sender_id,
		jsonb_build_object('reason', life_begin.reason));
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.life_begin(text) IS
	'partners were told what this database has forgotten: a new stream, and all are looked at '
	'again';

CREATE OR REPLACE FUNCTION casesync_internal.journal_items(messages jsonb)
RETURNS TABLE (stream uuid, reference_id uuid, partner text, registry text, key text,
	identifiers jsonb, subscription bigint, agreement text, version integer, seq bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (m->>'stream')::uuid, i.*
	  FROM jsonb_array_elements(messages) m
	 CROSS JOIN LATERAL jsonb_to_recordset(m->'items') i(reference_id uuid, partner text,
		registry text, key text, identifiers jsonb, subscription bigint, agreement text,
		version integer, seq bigint)
$$;
COMMENT ON FUNCTION casesync_internal.journal_items(jsonb) IS
	'what a bridge''s journal says that partners were told';

/*
 * Each item is on record from before its first sending on (give_seq()): where it is not, it was.
 * And each has the number for ever by which it began to leave; what never did is not in the
 * journal.
 */
CREATE OR REPLACE FUNCTION casesync_internal.journal_lost(messages jsonb, OUT any_life boolean,
	OUT this_life boolean)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT count(*) > 0, coalesce(bool_or(i.stream = n.stream), false)
	  FROM casesync_internal.node n
	 CROSS JOIN LATERAL casesync_internal.journal_items(messages) i
	 WHERE NOT EXISTS (SELECT FROM casesync_internal.disclosure d
			WHERE d.reference_id = i.reference_id)
		OR i.stream = n.stream AND EXISTS (SELECT FROM casesync_internal.notification x
			WHERE x.reference_id = i.reference_id
			  AND (x.stream, x.seq) IS DISTINCT FROM (i.stream, coalesce(i.seq, x.seq)))
$$;
COMMENT ON FUNCTION casesync_internal.journal_lost(jsonb) IS
	'whether partners were told something that this database does not know of; and whether in its '
	'present stream';

/*
 * Each bridge can only speak for itself. Those that were there lately are waited for; one that is
 * gone with its journal may have told anything.
 */
CREATE OR REPLACE FUNCTION casesync_internal.life_vouched(bridge uuid, now_timeline integer)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting integer;
	since timestamptz;
BEGIN
	PERFORM casesync_internal.bridge_seen(bridge, now_timeline);
	SELECT count(*) FILTER (WHERE b.timeline <> now_timeline),
		min(b.vouched_at) FILTER (WHERE b.timeline = now_timeline)
	  INTO waiting, since FROM casesync_internal.bridges_seen() b;
	IF waiting = 0 THEN
		PERFORM casesync_internal.node_set_life();
		RETURN NULL;
	END IF;
	IF since < clock_timestamp() - interval '30 seconds' THEN
		PERFORM casesync_internal.life_begin('another server has taken over, and a bridge that '
			'told partners of the one before has not come back');
		RETURN NULL;
	END IF;
	RETURN format('another server has taken over: what %s other bridges have told partners is '
		'waited for, half a minute at most', waiting);
END
$$;
COMMENT ON FUNCTION casesync_internal.life_vouched(uuid, integer) IS
	'a bridge has told nothing that is not known here; why it must wait all the same, or NULL';

/*
 * A bridge that keeps no journal (told IS NULL: of 0.2) is believed, as it always was.
 */
CREATE OR REPLACE FUNCTION casesync_internal.life_judge(told jsonb, OUT waits text,
	OUT lost boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n constant casesync_internal.node := casesync_internal.this_node();
	now_timeline constant integer := casesync_internal.node_timeline();
	was_lost record;
BEGIN
	was_lost := casesync_internal.journal_lost(coalesce(told->'messages', '[]'));
	lost := was_lost.any_life;
	IF n.table_oid <> casesync_internal.node_table() THEN
		PERFORM casesync_internal.life_begin('this database was restored over itself');
	ELSIF was_lost.this_life THEN
		PERFORM casesync_internal.life_begin(
			'partners were told what this database does not know of');
	ELSIF n.timeline = now_timeline OR told IS NULL THEN
		PERFORM casesync_internal.node_set_life();
	ELSIF told->>'bridge' IS NULL THEN
		PERFORM casesync_internal.life_begin('another server has taken over, and the bridge keeps '
			'no journal of what it has told');
	ELSE
		waits := casesync_internal.life_vouched((told->>'bridge')::uuid, now_timeline);
	END IF;
	IF told->>'bridge' IS NOT NULL AND waits IS NULL THEN
		PERFORM casesync_internal.bridge_seen((told->>'bridge')::uuid, now_timeline);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.life_judge(jsonb) IS
	'whether this database still knows what partners were told; begins a new stream where not. '
	'lost: the bridge''s journal is needed, journal_take()';

/*
 * Whom partners were told of, and this database is not aware of: that is on record from now on, and
 * they are looked at again. Of those who never were here the router finds nobody, and has partners
 * told so, as of others who are gone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.journal_take(messages jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	unknown constant jsonb := (SELECT jsonb_agg(to_jsonb(i) ORDER BY i.registry, i.key)
		FROM casesync_internal.journal_items(messages) i
		JOIN casesync_internal.partner p ON p.partner = i.partner
	   WHERE NOT EXISTS (SELECT FROM casesync_internal.disclosure d
			WHERE d.reference_id = i.reference_id));
	asked bigint;
BEGIN
	PERFORM casesync_internal.commit_durably();
	PERFORM casesync_internal.hold_router();
	PERFORM casesync_internal.knowledge_open(ARRAY(
		SELECT ROW(k.partner, k.registry, k.key, k.hmac, w.identifiers,
			w.subscription)::casesync_internal.known
		  FROM jsonb_populate_recordset(NULL::casesync_internal.known, unknown) k
		 CROSS JOIN LATERAL (VALUES (NULL::jsonb, k.subscription), (k.identifiers, NULL))
			w(identifiers, subscription)
		 WHERE w.identifiers IS NOT NULL OR w.subscription IS NOT NULL));
	PERFORM casesync_internal.disclosure_begin('notify', ARRAY(
		SELECT ROW(d.partner, d.registry, d.key, NULL, d.agreement, d.version, d.reference_id,
			NULL)::casesync_internal.disclosing
		  FROM jsonb_to_recordset(unknown) d(partner text, registry text, key text,
			agreement text, version integer, reference_id uuid)));
	SELECT coalesce(sum(casesync_internal.look_again_add(i.registry, i.keys, i.told_as,
			'a partner was told of it, and this database has forgotten it')), 0)
	  INTO asked
	  FROM (SELECT k.registry, array_agg(DISTINCT k.key) AS keys,
				casesync_internal.registry_told_as(k.registry) AS told_as
			  FROM jsonb_populate_recordset(NULL::casesync_internal.known, unknown) k
			 GROUP BY k.registry) i
	 WHERE i.told_as IS NOT NULL;
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.journal_take(jsonb) IS
	'a part of a bridge''s journal: subjects that partners know and this database does not are '
	'looked at again; returns how many';

/* Of one message, for the journal: by this a subject is found again, and said who it was. */
CREATE OR REPLACE FUNCTION casesync_internal.journal_entry(items bigint[], stream uuid)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN (
		SELECT jsonb_build_object('stream', journal_entry.stream, 'items', jsonb_agg(
				jsonb_strip_nulls(jsonb_build_object('reference_id', n.reference_id,
					'partner', l.partner, 'registry', n.registry, 'key', n.key,
					'identifiers', t.identifiers, 'subscription', n.subscription,
					'agreement', n.agreement, 'version', n.agreement_version, 'seq', n.seq))
				ORDER BY n.id))
		  FROM casesync_internal.notification n
		  JOIN casesync_internal.lane l ON l.lane = n.lane
		  /* One by one by the key: there may be a million others. */
		  LEFT JOIN LATERAL (SELECT x.identifiers FROM casesync_internal.told x
			WHERE x.partner = l.partner AND x.registry = n.registry AND x.key = n.key
			OFFSET 0) t ON true
		 WHERE n.id = ANY (journal_entry.items));
END
$$;
COMMENT ON FUNCTION casesync_internal.journal_entry(bigint[], uuid) IS
	'what a bridge is to write down before it sends these notifications';

/*
 * Where identities do not fit the node pauses, and that is no error: a bridge that runs shows why
 * nothing leaves, and what partners send is still taken. Only resume(), said by a person, ends it.
 * A bridge with a journal names itself first, learns the key that the journal is written with, and
 * asks once more with what it has told; until then it may not do anything.
 */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_start(node_id uuid, version text,
	told jsonb DEFAULT NULL)
RETURNS TABLE (sender_id text, base_url text, key_ids text[], paused boolean, paused_reason text,
	extension_version text, journal_key text, asks boolean, lost boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	waits text;
	stranger text;
	was_lost boolean := false;
	is_old constant boolean := casesync_internal.version_series(version)
		< casesync_internal.version_series('0.3.0');
	wants_journal constant boolean := told IS NOT NULL AND NOT told ? 'messages'
		AND NOT (told ? 'settled' AND casesync_internal.life_matches());
BEGIN
	PERFORM casesync_internal.check_bridge(node_id, version);
	stranger := casesync_internal.node_judge(node_id);
	IF stranger IS NOT NULL AND is_old THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => stranger);
	ELSIF is_old THEN
		/* It knows of no gate, and is to be rung for. */
		PERFORM casesync_internal.gate_shut(0);
	END IF;
	IF stranger IS NULL AND NOT wants_journal
		AND NOT (SELECT n.paused FROM casesync_internal.node n)
	THEN
		SELECT j.waits, j.lost INTO waits, was_lost FROM casesync_internal.life_judge(told) j;
	END IF;
	waits := coalesce(stranger, waits);
	/* Without a name it neither answers nor takes anything. */
	RETURN QUERY SELECT CASE WHEN stranger IS NULL THEN t.sender_id END, t.base_url, t.key_ids,
		t.paused OR waits IS NOT NULL,
		coalesce(t.paused_reason, waits), v.extension,
		encode(casesync_internal.node_hash('["journal"]'), 'hex'),
		wants_journal AND stranger IS NULL, was_lost
	  FROM casesync_internal.node t CROSS JOIN casesync_internal.bridge_versions() v;
END
$$;
COMMENT ON FUNCTION casesync_internal.bridge_start(uuid, text, jsonb) IS
	'what a bridge says first: checks that bridge and database belong together, and that the '
	'database still knows what the bridge has told';
