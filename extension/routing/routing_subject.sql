/* From changes to the subjects that they are about. */

/*
 * The row of a new history and the end of the old one, in one transaction, are both: a subscription
 * has one event type, and gets the subject as that. But delete and insert are one update, if there
 * is an event of updates: so a row moves between partitions. Of a transaction that is split over
 * chunks the other half may hold the delete to an insert, or the insert to a delete: they meet
 * nowhere. So an update's event type stands in where theirs is not given, and looking the subject
 * up decides what is told.
 */
CREATE OR REPLACE FUNCTION casesync_internal.event_types_of(t casesync_internal.tracking,
	has_insert boolean, has_update boolean, has_delete boolean, is_split boolean)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT e FROM unnest(CASE
		WHEN has_insert AND has_delete AND t.on_update IS NOT NULL THEN ARRAY[t.on_update]
		WHEN has_insert THEN ARRAY[coalesce(t.on_insert, CASE WHEN is_split THEN t.on_update END),
			CASE WHEN has_update THEN t.on_update END, CASE WHEN has_delete THEN t.on_delete END]
		WHEN has_update THEN ARRAY[coalesce(t.on_update, t.on_delete),
			CASE WHEN has_delete THEN t.on_delete END]
		ELSE ARRAY[coalesce(t.on_delete, CASE WHEN is_split THEN t.on_update END)]
		END) e WHERE e IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.event_types_of(casesync_internal.tracking, boolean, boolean,
	boolean, boolean) IS
	'the event types of what a transaction did to a key: delete and insert are an update, also '
	'when they are in two chunks';

/*
 * The keys that changes touched, each once for a tracking and event type. By transaction
 * first: a delete today and an insert tomorrow are two events although one chunk has both. A row
 * whose key changed touches two. A gap (G) has no key, it is noted by gap_found(). Of several the
 * first may have been in what was told before the last (since).
 */
CREATE OR REPLACE FUNCTION casesync_internal.fold(changes casesync_internal.change[], split xid8[])
RETURNS TABLE (tracking integer, key text, event_type text, origin bigint, at timestamptz,
	pos bigint, since timestamptz)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH touched AS (
		SELECT c.tracking, k.key, c.xid, bool_or(c.op = 'I') AS has_insert,
			bool_or(c.op = 'U') AS has_update, bool_or(c.op = 'D') AS has_delete,
			max(c.at) AS at, min(c.id) AS pos, min(c.at) AS since,
			bool_and(c.origin IS NOT NULL) AS has_origin, max(c.origin) AS origin,
			coalesce(c.xid = ANY (split), false) AS is_split
		  FROM unnest(changes) c
		 CROSS JOIN LATERAL (VALUES (c.key), (c.old_key)) k(key)
		 WHERE c.op <> 'G' AND k.key IS NOT NULL
		 GROUP BY c.tracking, k.key, c.xid
	), done AS MATERIALIZED ( /* a few ways, of very many keys */
		SELECT w.*, casesync_internal.event_types_of(t, w.has_insert, w.has_update, w.has_delete,
			w.is_split) AS event_types
		  FROM (SELECT DISTINCT f.tracking, f.has_insert, f.has_update, f.has_delete, f.is_split
				  FROM touched f) w
		  JOIN casesync_internal.tracking t ON t.id = w.tracking
	), named AS (
		SELECT f.*, e AS event_type
		  FROM touched f JOIN done d ON (d.tracking, d.has_insert, d.has_update, d.has_delete,
			d.is_split) = (f.tracking, f.has_insert, f.has_update, f.has_delete, f.is_split)
		 CROSS JOIN LATERAL unnest(d.event_types) e
	)
	SELECT n.tracking, n.key, n.event_type,
		CASE WHEN bool_and(n.has_origin) THEN max(n.origin) END, max(n.at), min(n.pos), min(n.since)
	  FROM named n
	 GROUP BY n.tracking, n.key, n.event_type;
END
$$;
COMMENT ON FUNCTION casesync_internal.fold(casesync_internal.change[], xid8[]) IS
	'what happened to each key in these changes, of which some transactions are not here whole; '
	'the origin only when all of it came from a partner';

/* As for a view (rows_by_key()): all keys of one owner together have three times what one has. */
CREATE OR REPLACE FUNCTION casesync_internal.subjects_until()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT least(casesync_internal.turn_until(),
		CASE WHEN m.ms > 0 THEN clock_timestamp() + 3 * m.ms * interval '1 millisecond'
			ELSE 'infinity' END)
	  FROM casesync_internal.milliseconds_of('casesync.render_timeout') m(ms)
$$;
COMMENT ON FUNCTION casesync_internal.subjects_until() IS
	'until when the keys of one owner may be asked for their subjects in this turn';

CREATE OR REPLACE FUNCTION casesync_internal.subjects_time(until timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF clock_timestamp() >= until THEN
		PERFORM casesync_internal.raise_error(errcode => 'CS002',
			message => 'other subjects took all the time there was');
	END IF;
	RETURN CASE WHEN until < 'infinity'
		THEN greatest(1, least(extract(epoch FROM until - clock_timestamp()) * 1000, 3600000)) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.subjects_time(timestamptz) IS
	'how many milliseconds are left; an error when none are, NULL without a limit';

/*
 * Of one captured key, as many as are wanted, after one of them, in the order of bytes. A key
 * expression gives the key that `subjects` is asked with.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subjects_page(t casesync_internal.tracking, key text,
	until timestamptz, after_key text, max_subjects integer)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked text := CASE WHEN casesync_internal.key_is_padded(t) THEN rtrim(key, ' ') ELSE key END;
BEGIN
	IF NOT t.key_is_column THEN
		SELECT q.key INTO asked
		  FROM casesync_internal.owner_query(t.author, t.relation,
			format('SELECT q.k::text, NULL::jsonb FROM (%s) AS q(k)', t.key_query), key::jsonb,
			coalesce(casesync_internal.subjects_time(until), 0)) q;
	END IF;
	IF t.subjects IS NULL OR asked IS NULL THEN
		RETURN array_remove(ARRAY[asked], NULL);
	END IF;
	RETURN ARRAY(
		SELECT q.key
		  FROM casesync_internal.owner_query(t.author, t.relation, format(
			'SELECT d.k, NULL::jsonb FROM (SELECT DISTINCT q.k::text COLLATE "C" AS k FROM (%s) AS '
			'q(k)) d WHERE %s ORDER BY d.k LIMIT %s', t.subjects,
			CASE WHEN after_key IS NULL THEN 'd.k IS NOT NULL'
				ELSE format('d.k > %L', after_key) END, max_subjects), asked,
			coalesce(casesync_internal.subjects_time(until), 0)) q);
END
$$;
COMMENT ON FUNCTION casesync_internal.subjects_page(casesync_internal.tracking, text,
	timestamptz, text, integer) IS
	'which subjects a captured key is about, asked as the owner of the tracked table: a page of '
	'them';

/* Output of char(n) is padded, its text is not; views and partners have the text. */
CREATE OR REPLACE FUNCTION casesync_internal.key_is_padded(t casesync_internal.tracking)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT t.key_is_column AND EXISTS (SELECT FROM pg_attribute a
		WHERE a.attrelid = t.relation AND a.attname = t.key
		  AND casesync_internal.key_base_type(a.atttypid) = 'bpchar'::regtype));
END
$$;
COMMENT ON FUNCTION casesync_internal.key_is_padded(casesync_internal.tracking) IS
	'whether captured keys end in padding';

/*
 * One key at a time, each in a subtransaction of its own: users' queries run here, and one that
 * fails must not keep the others of the chunk. Where there are more subjects than fit this turn, or
 * no time is left to ask for them, they are read a page at a time (expansion.sql).
 */
CREATE OR REPLACE FUNCTION casesync_internal.expand_by_query(t casesync_internal.tracking, key text,
	event_type text, origin bigint, at timestamptz, pos bigint, since timestamptz,
	until timestamptz, max_subjects integer)
RETURNS SETOF casesync_internal.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	subjects text[];
BEGIN
	IF max_subjects > 0 AND casesync_internal.turn_has_time() THEN
		subjects := casesync_internal.subjects_page(t, key, until, NULL, max_subjects + 1);
	END IF;
	IF subjects IS NULL OR cardinality(subjects) > max_subjects THEN
		PERFORM casesync_internal.expansion_add(t.id, ARRAY[key], ARRAY[event_type],
			ARRAY[origin], ARRAY[since]);
		RETURN;
	END IF;
	RETURN QUERY
		SELECT gen_random_uuid(), r, s, event_type, origin, at, pos, false, since,
			NULL::bigint, NULL::boolean
		  FROM unnest(subjects) s CROSS JOIN unnest(t.registries) r;
EXCEPTION WHEN OTHERS THEN
	PERFORM casesync_internal.quarantine_add(r, t.id, ARRAY[key], event_type, SQLSTATE, SQLERRM)
	   FROM unnest(t.registries) r;
END
$$;
COMMENT ON FUNCTION casesync_internal.expand_by_query(casesync_internal.tracking, text, text,
	bigint, timestamptz, bigint, timestamptz, timestamptz, integer) IS
	'part of expand_asking(): a key whose subjects must be asked for; an error puts the key in '
	'quarantine';

/* All keys of a chunk together have no more subjects than there is room for. */
CREATE OR REPLACE FUNCTION casesync_internal.expand_asking(t casesync_internal.tracking,
	own casesync_internal.change[], split xid8[], until timestamptz, room integer)
RETURNS SETOF casesync_internal.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f record;
	found_here integer;
	begun constant timestamptz := clock_timestamp();
BEGIN
	IF casesync_internal.tracking_is_slow(t) THEN
		room := 0;
	END IF;
	FOR f IN SELECT * FROM casesync_internal.fold(own, split) LOOP
		RETURN QUERY SELECT e.* FROM casesync_internal.expand_by_query(t, f.key, f.event_type,
			f.origin, f.at, f.pos, f.since, until, room) e;
		GET DIAGNOSTICS found_here = ROW_COUNT;
		room := room - found_here;
	END LOOP;
	IF room > 0 THEN
		PERFORM casesync_internal.pace_note('', t.id, 1, clock_timestamp() - begun);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.expand_asking(casesync_internal.tracking,
	casesync_internal.change[], xid8[], timestamptz, integer) IS
	'part of expand(): changes of a tracking whose subjects must be asked for';

/*
 * Mostly the key is the subject, and then nothing of anybody runs: those come first, in a call of
 * their own, so that no query of anybody is waited for. Changes of a tracking that is gone are
 * passed over: it is kept as long as the log has rows of it (empty_change_leaves()). What a
 * tracking may feed is asked once for a chunk.
 */
CREATE OR REPLACE FUNCTION casesync_internal.expand(changes casesync_internal.change[],
	split xid8[], is_asking boolean, room integer DEFAULT NULL)
RETURNS SETOF casesync_internal.subject_event
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	own casesync_internal.change[];
	fed text[];
	author name;
	until timestamptz;
	is_padded boolean;
BEGIN
	FOR t IN SELECT * FROM casesync_internal.tracking x
			  WHERE x.id IN (SELECT c.tracking FROM unnest(changes) c)
				AND (NOT x.key_is_column OR x.subjects IS NOT NULL) = is_asking
			  ORDER BY x.author, x.id LOOP
		own := ARRAY(SELECT c FROM unnest(changes) c WHERE c.tracking = t.id);
		fed := casesync_internal.tracking_feeds(t);
		IF fed <> t.registries THEN
			PERFORM casesync_internal.gap_refused(t,
				ARRAY(SELECT r FROM unnest(t.registries) r WHERE r <> ALL (fed)),
				min(c.at), max(c.at)) FROM unnest(own) c;
			t.registries := fed;
			CONTINUE WHEN cardinality(fed) = 0;
		END IF;
		IF is_asking THEN
			IF until IS NULL OR t.author IS DISTINCT FROM author THEN
				author := t.author;
				until := casesync_internal.subjects_until();
			END IF;
			RETURN QUERY SELECT * FROM casesync_internal.expand_asking(t, own, split, until,
				coalesce(room, casesync_internal.turn_limit('slice')));
		ELSE
			is_padded := casesync_internal.key_is_padded(t);
			RETURN QUERY
				SELECT gen_random_uuid(), r,
					CASE WHEN is_padded THEN rtrim(f.key, ' ') ELSE f.key END,
					f.event_type, f.origin, f.at, f.pos, false, f.since, NULL::bigint,
					NULL::boolean
				  FROM casesync_internal.fold(own, split) f CROSS JOIN unnest(t.registries) r;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.expand(casesync_internal.change[], xid8[], boolean,
	integer) IS
	'changes to the subjects that they are about: those that have the subject''s key, or those '
	'whose subjects are asked for';

CREATE OR REPLACE FUNCTION casesync_internal.anybody_asks()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.tracking t
		WHERE NOT t.key_is_column OR t.subjects IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.anybody_asks() IS
	'whether the subjects of any change are to be asked for, see expand()';

/* An event about a subject under another text of its key is about the subject. */
CREATE OR REPLACE FUNCTION casesync_internal.events_by_key(
	events casesync_internal.subject_event[], subjects casesync_internal.rendered[])
RETURNS casesync_internal.subject_event[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM unnest(subjects) s WHERE s.state = 'alias') THEN
		RETURN events;
	END IF;
	RETURN ARRAY(SELECT ROW(e.event, e.registry, coalesce(s.reason, e.key), e.event_type, e.origin,
			e.at, e.position, e.is_bulk, e.since, e.only_to,
			e.is_scheduled)::casesync_internal.subject_event
		FROM unnest(events) e
		LEFT JOIN unnest(subjects) s ON s.key = e.key AND s.state = 'alias');
END
$$;
COMMENT ON FUNCTION casesync_internal.events_by_key(casesync_internal.subject_event[],
	casesync_internal.rendered[]) IS
	'events with the keys that their subjects have in the view';
