/* Change to event to notification: windows, fold, expansion, rendering, projection, suppression. */

CREATE TABLE casesync.routing_state (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	era integer NOT NULL,
	last pg_snapshot NOT NULL,
	now pg_snapshot,
	done_xid xid8,
	done_id bigint
);
COMMENT ON TABLE casesync.routing_state IS
	'appended; the newest row of an era tells what is routed: all that is visible in last, and of the open window (last, now] all up to done';
SELECT pg_catalog.pg_extension_config_dump('casesync.routing_state', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.routing_state_id_seq', '');

CREATE TABLE casesync.quarantine_entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	tracking integer NOT NULL DEFAULT 0,
	key text NOT NULL,
	event_type text NOT NULL,
	reason text NOT NULL,
	error_code text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	tries integer NOT NULL DEFAULT 1,
	mark text,
	is_requested boolean NOT NULL DEFAULT false
);
/* The key of an expression is JSON of any length, too long for an index. */
CREATE UNIQUE INDEX quarantine_entry_about ON casesync.quarantine_entry (registry, tracking, md5(key), event_type);
COMMENT ON TABLE casesync.quarantine_entry IS
	'subjects that cannot be rendered now; with a tracking: a key whose subjects cannot be found';
COMMENT ON COLUMN casesync.quarantine_entry.mark IS 'what the view and the crosswalk looked like; another mark means try again';
SELECT pg_catalog.pg_extension_config_dump('casesync.quarantine_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.quarantine_entry_id_seq', '');

/* One subject to look at: why, and how the change came here. */
CREATE TYPE casesync.subject_event AS (
	event uuid, registry text, key text, event_type text, origin bigint, at timestamptz, position bigint
);
COMMENT ON TYPE casesync.subject_event IS 'an event before it is known what the subject looks like';

CREATE FUNCTION casesync.routing_begin_era(era integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync.routing_state (era, last) VALUES (era, '1:1:')
$$;
COMMENT ON FUNCTION casesync.routing_begin_era(integer) IS 'nothing of this era is routed yet';

/* Of a transaction that was open in s.last: its rows after the last one done. */
CREATE FUNCTION casesync.window_of(s casesync.routing_state, transaction xid8, max_changes integer)
RETURNS SETOF casesync.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
	RETURN QUERY
	SELECT c.* FROM casesync.change c
	 WHERE c.xid = transaction AND c.era = s.era
	   AND c.id > CASE WHEN transaction = s.done_xid THEN s.done_id ELSE -1 END
	 ORDER BY c.xid, c.id LIMIT max_changes;
END
$$;
COMMENT ON FUNCTION casesync.window_of(casesync.routing_state, xid8, integer) IS
	'part of window_chunk(): the next changes of one transaction';

/*
 * From a place on, always by the index and from that place: the planner may know nothing of tables
 * that were empty a minute ago, and a chunk must cost what it holds, not what the window holds.
 */
CREATE FUNCTION casesync.window_after(after_xid xid8, after_id bigint, era integer, upto pg_snapshot,
	max_changes integer)
RETURNS SETOF casesync.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
	RETURN QUERY
	SELECT c.* FROM casesync.change c
	 WHERE (c.xid, c.id) > (after_xid, after_id) AND c.xid < pg_snapshot_xmax(upto)
	   AND c.era = $3 AND pg_visible_in_snapshot(c.xid, upto)
	 ORDER BY c.xid, c.id LIMIT max_changes;
END
$$;
COMMENT ON FUNCTION casesync.window_after(xid8, bigint, integer, pg_snapshot, integer) IS
	'part of window_chunk(): the next changes after a place in the log that are visible';

CREATE FUNCTION casesync.window_chunk(s casesync.routing_state, upto pg_snapshot, max_changes integer)
RETURNS SETOF casesync.change
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	start constant xid8 := pg_snapshot_xmax(s.last);
	transaction xid8;
	wanted integer := max_changes;
	found_here integer;
BEGIN
	FOR transaction IN
		SELECT x FROM pg_snapshot_xip(s.last) x
		 WHERE (s.done_xid IS NULL OR x >= s.done_xid) AND pg_visible_in_snapshot(x, upto) ORDER BY x
	LOOP
		RETURN QUERY SELECT * FROM casesync.window_of(s, transaction, wanted);
		GET DIAGNOSTICS found_here = ROW_COUNT;
		wanted := wanted - found_here;
		IF wanted = 0 THEN
			RETURN;
		END IF;
	END LOOP;
	IF s.done_xid >= start THEN
		RETURN QUERY SELECT * FROM casesync.window_after(s.done_xid, s.done_id, s.era, upto, wanted);
	ELSE
		RETURN QUERY SELECT * FROM casesync.window_after(start, -1, s.era, upto, wanted);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync.window_chunk(casesync.routing_state, pg_snapshot, integer) IS
	'the next changes, in order, that are visible in upto and not in s.last; never by id alone, since ids commit out of order';

CREATE FUNCTION casesync.event_type_of(t casesync.tracking, has_insert boolean, has_update boolean,
	has_delete boolean, is_split boolean)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE
		WHEN has_insert AND has_delete THEN coalesce(t.on_update, t.on_insert, t.on_delete)
		WHEN has_insert AND (has_update OR is_split) THEN coalesce(t.on_insert, t.on_update)
		WHEN has_insert THEN t.on_insert
		WHEN has_update THEN coalesce(t.on_update, t.on_delete)
		WHEN is_split THEN coalesce(t.on_delete, t.on_update)
		ELSE t.on_delete END;
END
$$;
COMMENT ON FUNCTION casesync.event_type_of(casesync.tracking, boolean, boolean, boolean, boolean) IS
	'the event type of what a transaction did to a key: delete and insert are an update, also when they are in two chunks';

/* The keys that changes touched, each once for a tracking, with what happened to it. */
CREATE FUNCTION casesync.fold(changes casesync.change[], split xid8[])
RETURNS TABLE (tracking integer, key text, event_type text, origin bigint, at timestamptz, pos bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH touched AS (
		SELECT c.tracking, k.key, c.xid, bool_or(c.op = 'I') AS has_insert, bool_or(c.op = 'U') AS has_update,
			bool_or(c.op = 'D') AS has_delete, max(c.at) AS at, min(c.id) AS pos,
			bool_and(c.origin IS NOT NULL) AS has_origin, max(c.origin) AS origin
		  FROM unnest(changes) c
		 CROSS JOIN LATERAL (VALUES (c.key), (c.old_key)) k(key)
		 WHERE c.op <> 'G' AND k.key IS NOT NULL
		 GROUP BY c.tracking, k.key, c.xid
	), named AS (
		SELECT f.*, casesync.event_type_of(t, f.has_insert, f.has_update, f.has_delete, f.xid = ANY (split)) AS event_type
		  FROM touched f JOIN casesync.tracking t ON t.id = f.tracking
	)
	SELECT n.tracking, n.key, n.event_type, CASE WHEN bool_and(n.has_origin) THEN max(n.origin) END,
		max(n.at), min(n.pos)
	  FROM named n WHERE n.event_type IS NOT NULL
	 GROUP BY n.tracking, n.key, n.event_type;
END
$$;
COMMENT ON FUNCTION casesync.fold(casesync.change[], xid8[]) IS
	'what happened to each key in these changes, of which some transactions are not here whole; the origin only when all of it came from a partner';

CREATE FUNCTION casesync.mark_of(registry text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE used(class, object) AS (
		SELECT 'pg_class'::regclass::oid, r.view::oid FROM casesync.registry r WHERE r.registry = $1
		UNION
		SELECT d.refclassid, d.refobjid FROM used u
		  JOIN pg_rewrite w ON w.ev_class = u.object AND u.class = 'pg_class'::regclass
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
		 WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
	)
	SELECT md5(concat_ws(' ', casesync.crosswalk_mark(),
		(SELECT string_agg(concat_ws(' ', a.agreement, a.version), ',' ORDER BY a.agreement) FROM casesync.agreement a
		  WHERE a.state = 'active' AND $1 = ANY (a.registries)),
		string_agg(concat_ws(' ', u.object, c.xmin, w.xmin, p.xmin),
		',' ORDER BY u.class, u.object, w.oid)))
	  FROM used u
	  LEFT JOIN pg_class c ON c.oid = u.object AND u.class = 'pg_class'::regclass
	  LEFT JOIN pg_rewrite w ON w.ev_class = c.oid
	  LEFT JOIN pg_proc p ON p.oid = u.object AND u.class = 'pg_proc'::regclass
$$;
COMMENT ON FUNCTION casesync.mark_of(text) IS
	'changes when the registry''s view, what it reads and calls, rights on it, agreements or the crosswalk do, so that quarantined subjects are tried again';

CREATE FUNCTION casesync.quarantine_add(registry text, tracking integer, keys text[], event_type text,
	error_code text, reason text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync.quarantine_entry AS q (registry, tracking, key, event_type, error_code, reason, mark)
	SELECT registry, tracking, k, event_type, error_code, left(reason, 2000), m.mark
	  FROM (SELECT DISTINCT u.k FROM unnest(keys) u(k)) d CROSS JOIN (SELECT casesync.mark_of(registry) AS mark) m
	ON CONFLICT (registry, tracking, md5(key), event_type) DO UPDATE
		SET error_code = excluded.error_code, reason = excluded.reason, mark = excluded.mark,
			tries = q.tries + 1, at = excluded.at, is_requested = false
$$;
COMMENT ON FUNCTION casesync.quarantine_add(text, integer, text[], text, text, text) IS
	'remember that a subject (or a key''s subjects) could not be rendered, and why';

/* The subject keys of one captured key. A key expression gives the key that `subjects` is asked with. */
CREATE FUNCTION casesync.subjects_of(t casesync.tracking, key text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked text := CASE WHEN casesync.key_is_padded(t) THEN rtrim(key, ' ') ELSE key END;
	query constant text := 'SELECT q.k::text, NULL::jsonb FROM (%s) AS q(k)';
BEGIN
	IF NOT t.key_is_column THEN
		SELECT q.key INTO asked
		  FROM casesync.owner_query(t.relation, format(query, t.key_query), key::jsonb) q;
	END IF;
	IF t.subjects IS NULL OR asked IS NULL THEN
		RETURN ARRAY[asked];
	END IF;
	RETURN ARRAY(SELECT DISTINCT q.key
		FROM casesync.owner_query(t.relation, format(query, t.subjects), asked) q WHERE q.key IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync.subjects_of(casesync.tracking, text) IS
	'which subjects a captured key is about, asked as the owner of the tracked table';

/* Output of char(n) is padded, its text is not. */
CREATE FUNCTION casesync.key_is_padded(t casesync.tracking)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT t.key_is_column AND EXISTS (SELECT FROM pg_attribute a
		WHERE a.attrelid = t.relation AND a.attname = t.key AND a.atttypid = 'bpchar'::regtype));
END
$$;
COMMENT ON FUNCTION casesync.key_is_padded(casesync.tracking) IS 'whether captured keys end in padding';

CREATE FUNCTION casesync.expand_by_query(t casesync.tracking, key text, event_type text, origin bigint,
	at timestamptz, pos bigint)
RETURNS SETOF casesync.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		SELECT gen_random_uuid(), r, s, event_type, origin, at, pos
		  FROM unnest(casesync.subjects_of(t, key)) s CROSS JOIN unnest(t.registries) r WHERE s IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
	PERFORM casesync.quarantine_add(r, t.id, ARRAY[key], event_type, SQLSTATE, SQLERRM)
	   FROM unnest(t.registries) r;
END
$$;
COMMENT ON FUNCTION casesync.expand_by_query(casesync.tracking, text, text, bigint, timestamptz, bigint) IS
	'part of expand(): a key whose subjects must be asked for; an error puts the key in quarantine';

CREATE FUNCTION casesync.expand(changes casesync.change[], split xid8[])
RETURNS SETOF casesync.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync.tracking;
BEGIN
	FOR t IN SELECT * FROM casesync.tracking x WHERE x.id IN (SELECT c.tracking FROM unnest(changes) c) LOOP
		IF t.key_is_column AND t.subjects IS NULL THEN
			RETURN QUERY
				SELECT gen_random_uuid(), r, CASE WHEN p.is_padded THEN rtrim(f.key, ' ') ELSE f.key END,
					f.event_type, f.origin, f.at, f.pos
				  FROM casesync.fold(ARRAY(SELECT c FROM unnest(changes) c WHERE c.tracking = t.id), split) f
				 CROSS JOIN unnest(t.registries) r
				 CROSS JOIN (SELECT casesync.key_is_padded(t) AS is_padded) p;
		ELSE
			RETURN QUERY
				SELECT e.* FROM casesync.fold(ARRAY(SELECT c FROM unnest(changes) c WHERE c.tracking = t.id), split) f
				 CROSS JOIN LATERAL casesync.expand_by_query(t, f.key, f.event_type, f.origin, f.at, f.pos) e;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync.expand(casesync.change[], xid8[]) IS 'changes to the subjects that they are about';

/* What of a partner's message came into a subject: the origin's record, if it is all its own. */
CREATE FUNCTION casesync.is_echo(origin bigint, partner text, record jsonb, told_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM casesync.inbox_item o
		  JOIN casesync.inbox_item i ON i.partner = o.partner AND i.subject = o.subject AND i.id >= o.id
		 WHERE o.id = $1 AND o.partner = $2 AND i.state = 'applied'
		   AND (told_at IS NULL OR told_at < i.received_at)
		   AND casesync.record_contains(i.record, $3))
$$;
COMMENT ON FUNCTION casesync.is_echo(bigint, text, jsonb, timestamptz) IS
	'whether the partner itself told us all of this record, and we have told it nothing since';

/* The subscriptions of one partner that want an event about a (projected) record. */
CREATE FUNCTION casesync.wanted_by(a casesync.agreement, r casesync.registry, event_type text, record jsonb)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN QUERY
	SELECT s.id FROM (
		SELECT t.* FROM casesync.subscription t
		 WHERE t.partner = a.partner AND t.event_type = $3 AND t.state = 'active' AND t.id_type IS NULL
		UNION ALL
		SELECT t.* FROM casesync.record_identifiers($4) i
		  JOIN casesync.subscription t ON t.id_value = i.identifier_value
		   AND upper(t.id_type) = upper(i.identifier_type)
		   AND t.partner = a.partner AND t.event_type = $3 AND t.state = 'active' AND t.id_type IS NOT NULL
	) s
	 WHERE lower(s.record_type) = lower(r.record_type)
	   AND (s.reg_type IS NULL OR lower(s.reg_type) = lower(r.reg_type))
	   AND (s.registry IS NULL OR s.registry = r.registry)
	   AND (s.starts IS NULL OR s.starts <= now()) AND (s.ends IS NULL OR now() < s.ends);
END
$$;
COMMENT ON FUNCTION casesync.wanted_by(casesync.agreement, casesync.registry, text, jsonb) IS
	'subscriptions to everybody, and those to one of the record''s own agreed identifiers, by index';

CREATE FUNCTION casesync.notification_leaf()
RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT format('casesync.notification_%s', coalesce(
		(SELECT g.leaf FROM casesync.notification_ring g ORDER BY g.id DESC LIMIT 1), 0))::regclass);
END
$$;
COMMENT ON FUNCTION casesync.notification_leaf() IS 'the leaf that notifications are appended to';

/* A notification before it is written. */
CREATE TYPE casesync.draft AS (event casesync.subject_event, subscriptions bigint[], record jsonb,
	hmac bytea, removal boolean);
COMMENT ON TYPE casesync.draft IS 'one event for one partner: the subscriptions it goes to and what it says';

CREATE FUNCTION casesync.append_notifications(a casesync.agreement, drafts casesync.draft[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	appended integer;
	rows casesync.notification[];
BEGIN
	INSERT INTO casesync.event (id, registry, key, event_type, at, removal)
	SELECT (d.event).event, (d.event).registry, (d.event).key, (d.event).event_type, (d.event).at, d.removal
	  FROM unnest(drafts) d
	ON CONFLICT DO NOTHING;
	rows := ARRAY(
		SELECT ROW(nextval('casesync.notification_id'), gen_random_uuid(), x.lane, x.subscription,
			(x.event).event, (x.event).registry, (x.event).key, (x.event).event_type, x.removal, x.record,
			x.hmac, a.agreement, a.version, x.hops, (x.event).at, NULL, NULL, NULL, 'due', NULL)::casesync.notification
		  FROM (SELECT l.lane, w.id AS subscription, d.*,
					CASE WHEN i.partner IS NULL THEN '{}' ELSE (i.hops || i.partner)[1:16] END AS hops
				  FROM unnest(drafts) WITH ORDINALITY d(event, subscriptions, record, hmac, removal, n)
				 CROSS JOIN unnest(d.subscriptions) w(id)
				  JOIN casesync.lane l ON l.partner = a.partner AND l.kind = 'notify'
				  LEFT JOIN casesync.inbox_item i ON i.id = (d.event).origin
				 ORDER BY d.n, w.id) x);
	EXECUTE format('INSERT INTO %s SELECT r.* FROM unnest($1) r', casesync.notification_leaf()) USING rows;
	GET DIAGNOSTICS appended = ROW_COUNT;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync.append_notifications(casesync.agreement, casesync.draft[]) IS
	'write events and their notifications, in order';

CREATE FUNCTION casesync.tell(a casesync.agreement, drafts casesync.draft[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync.told AS t (partner, registry, key, hmac, identifiers, at)
	SELECT a.partner, (d.event).registry, (d.event).key, d.hmac,
		CASE WHEN a.on_leave = 'identifier_only' THEN
			(SELECT jsonb_agg(to_jsonb(i)) FROM casesync.record_identifiers(d.record) i) END,
		clock_timestamp()
	  FROM unnest(drafts) d
	ON CONFLICT (partner, registry, key) DO UPDATE
		SET hmac = excluded.hmac, identifiers = coalesce(excluded.identifiers, t.identifiers), at = excluded.at;
END
$$;
COMMENT ON FUNCTION casesync.tell(casesync.agreement, casesync.draft[]) IS
	'remember what the partner knows, or is about to know';

CREATE FUNCTION casesync.removal_record(record_type text, identifiers jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE record_type
			WHEN 'Person' THEN jsonb_build_object('identifier', identifiers)
			WHEN 'Group' THEN jsonb_build_object('group_identifier', identifiers)
			WHEN 'Beneficiary' THEN jsonb_build_object('member', jsonb_build_object('member_identifier', identifiers))
			ELSE jsonb_build_object('member_identifier', identifiers) END
		|| '{"additional_attributes": [{"removed": "true"}]}'
$$;
COMMENT ON FUNCTION casesync.removal_record(text, jsonb) IS
	'what is sent of a subject that left: who it was, and that it is removed';

/* Subjects that a partner was told of and may not see any more: nothing that waits is sent. */
CREATE FUNCTION casesync.agreed_identifiers(identifiers jsonb, identifier_types text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_agg(i) FROM jsonb_array_elements(identifiers) i
	 WHERE upper(casesync.fold_identifier_type(i->>'identifier_type')) IN (
		SELECT upper(casesync.fold_identifier_type(x)) FROM unnest(identifier_types) x)
$$;
COMMENT ON FUNCTION casesync.agreed_identifiers(jsonb, text[]) IS
	'those of the identifiers once told that the agreement of today still lets pass; NULL when none';

/* Only a partner that was sent something of a subject is told that it left. */
CREATE FUNCTION casesync.removal_drafts(a casesync.agreement, r casesync.registry,
	events casesync.subject_event[], leaving text[])
RETURNS SETOF casesync.draft
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT DISTINCT ON (t.key) e, w.subscriptions, x.record, NULL::bytea, true
	  FROM unnest(events) e
	  JOIN casesync.told t ON t.partner = a.partner AND t.registry = r.registry AND t.key = e.key
	 CROSS JOIN LATERAL (SELECT casesync.removal_record(r.record_type,
			casesync.agreed_identifiers(t.identifiers, a.identifier_types)) AS record) x
	 CROSS JOIN LATERAL (SELECT array_agg(s) AS subscriptions
						   FROM casesync.wanted_by(a, r, e.event_type, x.record) s) w
	 WHERE e.key = ANY (leaving) AND e.event_type = ANY (a.event_types)
	   AND casesync.agreed_identifiers(t.identifiers, a.identifier_types) IS NOT NULL
	   AND w.subscriptions IS NOT NULL
	   AND EXISTS (SELECT FROM casesync.disclosure d
					WHERE d.partner = a.partner AND d.registry = r.registry AND d.key = e.key)
	 ORDER BY t.key, e.position
$$;
COMMENT ON FUNCTION casesync.removal_drafts(casesync.agreement, casesync.registry, casesync.subject_event[], text[]) IS
	'what to tell a partner of subjects that left, where the agreement has on_leave identifier_only';

CREATE FUNCTION casesync.route_leaving(a casesync.agreement, r casesync.registry,
	events casesync.subject_event[], leaving text[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	drafts casesync.draft[] := '{}';
BEGIN
	PERFORM casesync.withhold(n.reference_id, 'the subject left the agreement')
	   FROM casesync.notification n
	  WHERE n.registry = r.registry AND n.key = ANY (leaving) AND n.state = 'due'
		AND n.agreement = a.agreement AND NOT n.removal;
	/* After withholding, which waits for a take() under way: then what it discloses is seen here. */
	IF a.on_leave = 'identifier_only' THEN
		drafts := ARRAY(SELECT d FROM casesync.removal_drafts(a, r, events, leaving) d);
	END IF;
	DELETE FROM casesync.told t
	 WHERE t.partner = a.partner AND t.registry = r.registry AND t.key = ANY (leaving);
	RETURN CASE WHEN cardinality(drafts) > 0 THEN casesync.append_notifications(a, drafts) ELSE 0 END;
END
$$;
COMMENT ON FUNCTION casesync.route_leaving(casesync.agreement, casesync.registry, casesync.subject_event[], text[]) IS
	'withhold what waits, forget what the partner was told, and tell it when the agreement says so';

/* One partner: what it wants and may have, less what it knows already. */
CREATE FUNCTION casesync.route_agreement(a casesync.agreement, r casesync.registry,
	events casesync.subject_event[], subjects casesync.rendered[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	offers casesync.offer[] := ARRAY(SELECT o FROM casesync.offers(a, r, subjects) o);
	news casesync.draft[];
	echoes casesync.draft[];
	leaving text[] := ARRAY(SELECT o.key FROM unnest(offers) o WHERE o.state = 'leave');
	appended integer := 0;
BEGIN
	SELECT array_agg(ROW(x.e, x.wanted, x.record, x.hmac, false)::casesync.draft ORDER BY (x.e).position)
				FILTER (WHERE NOT x.is_echo),
		array_agg(ROW(x.e, x.wanted, x.record, x.hmac, false)::casesync.draft) FILTER (WHERE x.is_echo)
	  INTO news, echoes
	  FROM (SELECT DISTINCT ON (j.key) j.e, j.record, j.hmac, w.subscriptions AS wanted,
				(j.e).origin IS NOT NULL AND casesync.is_echo((j.e).origin, a.partner, j.record, j.told_at) AS is_echo
			  /* Joined before it is filtered: the planner underrates filters, and then loops. */
			  FROM (SELECT o.key, o.record, o.hmac, o.state, e, t.hmac AS told, t.at AS told_at
					  FROM unnest(offers) o
					  JOIN unnest(events) e ON e.key = o.key
					  LEFT JOIN casesync.told t
						ON t.partner = a.partner AND t.registry = r.registry AND t.key = o.key
					OFFSET 0) j
			 CROSS JOIN LATERAL (SELECT array_agg(s) AS subscriptions
								   FROM casesync.wanted_by(a, r, (j.e).event_type, j.record) s) w
			 WHERE j.state = 'pass' AND (j.e).event_type = ANY (a.event_types)
			   AND a.valid_from <= (j.e).at AND (j.e).at < a.valid_to
			   AND j.told IS DISTINCT FROM j.hmac AND w.subscriptions IS NOT NULL
			 ORDER BY j.key, (j.e).position) x;
	IF news IS NOT NULL THEN
		appended := casesync.append_notifications(a, news);
		PERFORM casesync.tell(a, news);
	END IF;
	IF echoes IS NOT NULL THEN
		PERFORM casesync.tell(a, echoes);
	END IF;
	PERFORM casesync.quarantine_add(r.registry, 0, array_agg(o.key), e.event_type, o.error_code, o.reason)
	   FROM unnest(offers) o JOIN unnest(events) e ON e.key = o.key WHERE o.reason IS NOT NULL
	  GROUP BY e.event_type, o.error_code, o.reason;
	IF cardinality(leaving) > 0 THEN
		appended := appended + casesync.route_leaving(a, r, events, leaving);
	END IF;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync.route_agreement(casesync.agreement, casesync.registry, casesync.subject_event[], casesync.rendered[]) IS
	'turn events about rendered subjects into one partner''s notifications';

/* Events of one registry, at most a slice of subjects at a time. */
CREATE FUNCTION casesync.route_registry(r casesync.registry, events casesync.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	started constant timestamptz := clock_timestamp();
	subjects casesync.rendered[] := ARRAY(SELECT s FROM casesync.render(r, ARRAY(SELECT DISTINCT e.key FROM unnest(events) e)) s);
	a casesync.agreement;
	appended integer := 0;
BEGIN
	/* Whoever waits for an event type of a subject in quarantine must get it when it comes out by another. */
	events := events || ARRAY(
		SELECT ROW(gen_random_uuid(), q.registry, q.key, q.event_type, NULL, q.at, q.id)::casesync.subject_event
		  FROM casesync.quarantine_entry q
		 WHERE q.registry = r.registry AND q.tracking = 0 AND q.key IN (SELECT s.key FROM unnest(subjects) s));
	PERFORM casesync.quarantine_add(r.registry, 0, array_agg(s.key), e.event_type, s.error_code, s.reason)
	   FROM unnest(subjects) s JOIN unnest(events) e ON e.key = s.key WHERE s.state = 'quarantine'
	  GROUP BY e.event_type, s.error_code, s.reason;
	PERFORM casesync.route_unshared(r, events, subjects);
	FOR a IN
		SELECT g.* FROM casesync.agreement g
		 WHERE g.state = 'active' AND g.direction = 'out' AND r.registry = ANY (g.registries)
		   AND now() < g.valid_to AND 'notify' = ANY (g.services)
		 ORDER BY g.agreement
	LOOP
		appended := appended + casesync.route_agreement(a, r, events, subjects);
	END LOOP;
	DELETE FROM casesync.quarantine_entry q
	 WHERE q.registry = r.registry AND q.tracking = 0 AND q.at < started
	   AND q.key IN (SELECT s.key FROM unnest(subjects) s);
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync.route_registry(casesync.registry, casesync.subject_event[]) IS
	'render a slice of one registry''s subjects once and offer them to every agreement';

/* The last net: whatever goes wrong about a subject must not stop the others. */
CREATE FUNCTION casesync.route_slice(r casesync.registry, events casesync.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text[] := ARRAY(SELECT DISTINCT e.key FROM unnest(events) e);
	half integer := cardinality(keys) / 2;
BEGIN
	BEGIN
		RETURN casesync.route_registry(r, events);
	EXCEPTION WHEN OTHERS THEN
		IF casesync.is_transient(SQLSTATE) THEN
			RAISE;
		END IF;
		IF half = 0 THEN
			PERFORM casesync.quarantine_add(r.registry, 0, keys, e.event_type, SQLSTATE, SQLERRM)
			   FROM (SELECT DISTINCT x.event_type FROM unnest(events) x) e;
			RETURN 0;
		END IF;
	END;
	RETURN casesync.route_slice(r, ARRAY(SELECT e FROM unnest(events) e WHERE e.key = ANY (keys[1:half])))
		+ casesync.route_slice(r, ARRAY(SELECT e FROM unnest(events) e WHERE e.key = ANY (keys[half + 1:])));
END
$$;
COMMENT ON FUNCTION casesync.route_slice(casesync.registry, casesync.subject_event[]) IS
	'route a slice; subjects that make it fail are put in quarantine';

/*
 * Plans that do not know how long the arrays are join them by nested loops: right for a few rows,
 * where planning would take longer than all the rest, and quadratic for many.
 */
CREATE FUNCTION casesync.plan_for(rows integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF rows > 50 THEN
		PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync.plan_for(integer) IS 'from now on in this turn, plan for that many rows';

CREATE FUNCTION casesync.route_events(events casesync.subject_event[])
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	slice record;
	appended integer := 0;
BEGIN
	PERFORM casesync.plan_for(cardinality(events));
	FOR slice IN
		SELECT x.r, array_agg(x.e ORDER BY (x.e).position) AS events
		  FROM (SELECT r, e, dense_rank() OVER (PARTITION BY r.registry ORDER BY e.key) / 1000 AS n
				  FROM unnest(events) e JOIN casesync.registry r ON r.registry = e.registry) x
		 GROUP BY x.r, x.n
		 ORDER BY min((x.e).position)
	LOOP
		appended := appended + casesync.route_slice(slice.r, slice.events);
	END LOOP;
	RETURN appended;
END
$$;
COMMENT ON FUNCTION casesync.route_events(casesync.subject_event[]) IS
	'events to notifications, registry by registry, a thousand subjects at a time';

/* Quarantined subjects whose view or crosswalk has changed, or that somebody asked for. */
CREATE FUNCTION casesync.quarantine_chosen(max_subjects integer)
RETURNS SETOF casesync.quarantine_entry
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.* FROM casesync.quarantine_entry e
	  JOIN (SELECT g.registry, casesync.mark_of(g.registry) AS mark FROM casesync.registry g) m
		ON m.registry = e.registry
	 WHERE e.is_requested OR e.mark IS DISTINCT FROM m.mark
		OR (e.error_code = 'CS002' OR casesync.is_transient(e.error_code))
			AND e.at < clock_timestamp() - least(600, 10 * 2 ^ least(e.tries, 10)) * interval '1 second'
	 ORDER BY e.id LIMIT max_subjects
$$;
COMMENT ON FUNCTION casesync.quarantine_chosen(integer) IS
	'what to try again: asked for, changed since, or failed for a reason that passes by itself';

CREATE FUNCTION casesync.quarantine_due(max_subjects integer)
RETURNS SETOF casesync.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync.quarantine_entry;
	t casesync.tracking;
BEGIN
	IF NOT EXISTS (SELECT FROM casesync.quarantine_entry) THEN
		RETURN;
	END IF;
	DELETE FROM casesync.quarantine_entry e
	 WHERE NOT EXISTS (SELECT FROM casesync.registry g WHERE g.registry = e.registry)
		OR e.tracking <> 0 AND NOT EXISTS (SELECT FROM casesync.tracking x WHERE x.id = e.tracking);
	FOR q IN SELECT * FROM casesync.quarantine_chosen(max_subjects) LOOP
		IF q.tracking = 0 THEN
			RETURN NEXT ROW(gen_random_uuid(), q.registry, q.key, q.event_type, NULL, q.at, q.id)::casesync.subject_event;
			CONTINUE;
		END IF;
		SELECT * INTO t FROM casesync.tracking x WHERE x.id = q.tracking;
		BEGIN
			RETURN QUERY SELECT gen_random_uuid(), q.registry, s, q.event_type, NULL::bigint, q.at, q.id
				FROM unnest(casesync.subjects_of(t, q.key)) s WHERE s IS NOT NULL;
			DELETE FROM casesync.quarantine_entry e WHERE e.id = q.id;
		EXCEPTION WHEN OTHERS THEN
			PERFORM casesync.quarantine_add(q.registry, q.tracking, ARRAY[q.key], q.event_type, SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync.quarantine_due(integer) IS
	'the subjects in quarantine to try again; routing them takes them out or writes that they failed again';

CREATE FUNCTION casesync.retry_quarantine(registry text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint;
BEGIN
	UPDATE casesync.quarantine_entry q SET is_requested = true WHERE $1 IS NULL OR q.registry = $1;
	GET DIAGNOSTICS asked = ROW_COUNT;
	PERFORM casesync.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.retry_quarantine(text) IS
	'try quarantined subjects again soon; returns how many';

/* The newest state of the oldest era that may still have something to route. */
CREATE FUNCTION casesync.routing_position()
RETURNS casesync.routing_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync.routing_state;
	current integer := (casesync.this_node()).era;
BEGIN
	FOR s IN
		SELECT DISTINCT ON (r.era) r.* FROM casesync.routing_state r ORDER BY r.era, r.id DESC
	LOOP
		IF s.era >= current THEN
			RETURN s;
		END IF;
		/* A window that was open when the database was copied is finished as it was. */
		IF s.now IS NOT NULL THEN
			RETURN s;
		END IF;
		/* Of an older era all is written: one window to the end of its numbers. */
		s.now := '9223372036854775807:9223372036854775807:';
		IF EXISTS (SELECT FROM casesync.window_chunk(s, s.now, 1)) THEN
			RETURN s;
		END IF;
	END LOOP;
	INSERT INTO casesync.routing_state (era, last) VALUES (current, '1:1:') RETURNING * INTO s;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync.routing_position() IS 'where routing goes on';

CREATE FUNCTION casesync.route(max_changes integer DEFAULT 1000)
RETURNS TABLE (changes integer, notifications integer, more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
	s casesync.routing_state;
	upto pg_snapshot;
	chunk casesync.change[];
	newest casesync.change;
	split xid8[];
	retried casesync.subject_event[];
BEGIN
	changes := 0; notifications := 0; more := false;
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING errcode = 'invalid_transaction_state',
			message = 'route() needs the isolation level READ COMMITTED',
			detail = 'With an older snapshot than its own it could not see what it has to route.';
	END IF;
	IF max_changes IS NULL OR max_changes NOT BETWEEN 1 AND 100000 THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = 'max_changes must be between 1 and 100000';
	END IF;
	IF NOT casesync.may_speak() OR NOT casesync.lock_for_transaction(1, 0) THEN
		RETURN NEXT;
		RETURN;
	END IF;
	s := casesync.routing_position();
	upto := coalesce(s.now, pg_current_snapshot());
	chunk := ARRAY(SELECT c FROM casesync.window_chunk(s, upto, max_changes) c);
	retried := ARRAY(SELECT e FROM casesync.quarantine_due(max_changes) e);
	changes := cardinality(chunk) + cardinality(retried);
	/* A window that was opened by an earlier call is over: there may be a next one. */
	more := cardinality(chunk) = max_changes OR cardinality(retried) = max_changes OR s.now IS NOT NULL;
	newest := chunk[cardinality(chunk)];
	PERFORM casesync.plan_for(changes);
	IF cardinality(retried) > 0 THEN
		notifications := casesync.route_events(retried);
	END IF;
	IF cardinality(chunk) > 0 THEN
		PERFORM casesync.gap_found(c) FROM unnest(chunk) c WHERE c.op = 'G';
		split := ARRAY[s.done_xid, CASE WHEN cardinality(chunk) = max_changes THEN newest.xid END];
		notifications := notifications + casesync.route_events(
			ARRAY(SELECT e FROM casesync.expand(chunk, split) e));
	END IF;
	IF cardinality(chunk) > 0 OR s.now IS NOT NULL THEN
		IF cardinality(chunk) = max_changes THEN
			INSERT INTO casesync.routing_state (era, last, now, done_xid, done_id)
			VALUES (s.era, s.last, upto, newest.xid, newest.id);
		ELSE
			INSERT INTO casesync.routing_state (era, last) VALUES (s.era, upto);
		END IF;
		DELETE FROM casesync.routing_state r WHERE r.era = s.era AND r.id <= s.id;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync.route(integer) IS
	'one chunk of the routing window, in this transaction; call again while more';
