/*
 * Holes: ways in which rows of a tracked table come, change or go without a trigger that records
 * it. Each becomes a gap, which says since when and until when: at once where an event trigger sees
 * the DDL (capture_ddl.sql), else within a minute (capture_look_all()), from when it was last well.
 */

/*
 * A restored copy is none of our tables yet: its triggers are made after its rows, and until
 * resume() it speaks to nobody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.capture_is_here(t casesync_internal.tracking)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT casesync_internal.identity_matches(n)
			FROM casesync_internal.node n),
		t.place = casesync_internal.tracking_place(t.relation))
$$;
COMMENT ON FUNCTION casesync_internal.capture_is_here(casesync_internal.tracking) IS
	'whether a tracking is this database''s own, and not one that is being restored';

/* All triggers of a table in one word: who reads it needs the table, and what retrack() does. */
CREATE OR REPLACE FUNCTION casesync_internal.trigger_holes(t casesync_internal.tracking)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT DISTINCT format(CASE m.state WHEN 'missing' THEN 'triggers of "%s" are missing'
		WHEN 'D' THEN 'triggers of "%s" are disabled'
		WHEN 'R' THEN 'triggers of "%s" fire for replicated rows only'
		ELSE 'triggers of "%s" do not fire for rows that replication brings' END, m.member)
	  FROM casesync_internal.trigger_missing(t) m ORDER BY 1
$$;
COMMENT ON FUNCTION casesync_internal.trigger_holes(casesync_internal.tracking) IS
	'what keeps triggers of a tracking from recording';

/* Not only that it is renamed: then its triggers go on, and so do those who write it. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_holes(t casesync_internal.tracking)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named_now constant regclass := to_regclass(t.relation_name);
BEGIN
	IF NOT t.enabled THEN
		RETURN ARRAY['untracked, the definition is kept'];
	ELSIF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relation) THEN
		RETURN ARRAY['the table was dropped'];
	END IF;
	RETURN CASE WHEN named_now <> t.relation
			THEN ARRAY['another table has its name'] ELSE '{}' END
		|| ARRAY(SELECT * FROM casesync_internal.trigger_holes(t))
		|| ARRAY(SELECT f.problem FROM casesync_internal.relation_faults(t) f)
		|| ARRAY(SELECT format('column "%s" is not tracked yet', c)
			FROM casesync_internal.new_columns(t) c);
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_holes(casesync_internal.tracking) IS
	'why changes of a tracking may go unseen now; empty: they do not';

/*
 * By size, which reads nothing of anybody: a table that held rows until they were deleted counts as
 * one with rows.
 */
CREATE OR REPLACE FUNCTION casesync_internal.has_rows(relation oid)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT pg_relation_size(c.oid) > 0 FROM pg_class c
		WHERE c.oid = relation AND c.relkind = 'r'), false)
$$;
COMMENT ON FUNCTION casesync_internal.has_rows(oid) IS
	'whether a table may hold rows; false for one that is gone';

CREATE OR REPLACE FUNCTION casesync_internal.members_moved(before oid[], now oid[])
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT format('rows came with "%s"', m::regclass) FROM unnest(now) m
		 WHERE m <> ALL (before) AND casesync_internal.has_rows(m)
		UNION ALL
		SELECT CASE WHEN c.oid IS NULL THEN 'a partition or child was dropped with its rows'
				ELSE format('rows left with "%s"', m::regclass) END
		  FROM unnest(before) m LEFT JOIN pg_class c ON c.oid = m
		 WHERE m <> ALL (now) AND (c.oid IS NULL OR casesync_internal.has_rows(m)))
$$;
COMMENT ON FUNCTION casesync_internal.members_moved(oid[], oid[]) IS
	'what came or went with whole tables of a tracked family';

/* Of enums, also those that arrays, domains, ranges and composite types are made of. */
CREATE OR REPLACE FUNCTION casesync_internal.enum_labels(relation regclass)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE made_of(type) AS (
		SELECT a.atttypid FROM pg_attribute a
		 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
		UNION
		SELECT p.type FROM made_of m JOIN pg_type t ON t.oid = m.type
		 CROSS JOIN LATERAL (
			SELECT unnest(ARRAY[t.typelem, t.typbasetype])
			UNION ALL
			SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
			UNION ALL
			SELECT a.atttypid FROM pg_attribute a
			 WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) p(type)
		 WHERE p.type <> 0
	)
	SELECT coalesce(array_agg(DISTINCT e.enumtypid || ':' || e.enumlabel), '{}')
	  FROM made_of m JOIN pg_enum e ON e.enumtypid = m.type
$$;
COMMENT ON FUNCTION casesync_internal.enum_labels(regclass) IS
	'the labels that columns of a table may have, each behind the number of its type';

/* A label that is renamed is another in every row that has it. None can be dropped. */
CREATE OR REPLACE FUNCTION casesync_internal.labels_renamed(before text[], now text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT format('label "%s" of an enum was renamed', substring(b FROM ':(.*)'))
		FROM unnest(before) b WHERE b <> ALL (now) AND EXISTS (
			SELECT FROM unnest(now) n WHERE split_part(n, ':', 1) = split_part(b, ':', 1)))
$$;
COMMENT ON FUNCTION casesync_internal.labels_renamed(text[], text[]) IS
	'labels that are gone, although their types are still there';

/*
 * Files and sizes too: TRUNCATE and a rewrite count no rows, and a table that this transaction has
 * rewritten is truncated within its file. NULL when the server does not count.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rows_written(members oid[])
RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN current_setting('track_counts')::boolean THEN
		coalesce(string_agg(concat_ws('/', m, pg_relation_filenode(m),
			pg_relation_size(m), pg_stat_get_xact_tuples_inserted(m),
			pg_stat_get_xact_tuples_updated(m), pg_stat_get_xact_tuples_deleted(m)),
			' ' ORDER BY m), '') END
	  FROM unnest(members) m
$$;
COMMENT ON FUNCTION casesync_internal.rows_written(oid[]) IS
	'what this transaction has written to tables; the same text: nothing since';

/*
 * One gap for all that nobody has made up for yet. Not one that is being filled: who fills it may
 * need a table that is locked here.
 */
CREATE OR REPLACE FUNCTION casesync_internal.hole_note(t casesync_internal.tracking, why text[],
	since timestamptz, who name)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
	said text;
BEGIN
	SELECT * INTO g FROM casesync_internal.gap x
	 WHERE x.tracking = t.id AND x.hole AND x.filled IS NULL
	 ORDER BY x.id DESC LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF g.id IS NULL THEN
		INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started,
			hole)
		VALUES (t.id, t.relation, t.registries, left(array_to_string(why, '; '), 500), who, since,
			true)
		RETURNING * INTO g;
		UPDATE casesync_internal.capture_seen s SET hole_in = pg_current_xact_id(),
			written = casesync_internal.rows_written(s.members) WHERE s.tracking = t.id;
		RETURN g.id;
	END IF;
	said := array_to_string(ARRAY(SELECT w FROM unnest(why) w
		WHERE position(w IN g.reason) = 0), '; ');
	UPDATE casesync_internal.gap x SET ended = NULL, again = false,
		reason = left(concat_ws('; ', x.reason, nullif(said, '')), 500)
	 WHERE x.id = g.id AND (x.ended IS NOT NULL OR said <> '');
	RETURN g.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.hole_note(casesync_internal.tracking, text[], timestamptz,
	name) IS
	'changes of a tracking go unseen since then; gives the number of the gap';

/* DDL holds the table until it commits: nobody else has written meanwhile. */
CREATE OR REPLACE FUNCTION casesync_internal.hole_end(tracking integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	was_none constant boolean := EXISTS (SELECT FROM casesync_internal.capture_seen s
		WHERE s.tracking = tracking AND s.hole_in = pg_current_xact_id_if_assigned()
			AND s.written = casesync_internal.rows_written(s.members));
BEGIN
	IF was_none THEN
		DELETE FROM casesync_internal.gap g
		 WHERE g.tracking = tracking AND g.hole AND g.ended IS NULL;
	ELSE
		UPDATE casesync_internal.gap g SET ended = clock_timestamp()
		 WHERE g.tracking = tracking AND g.hole AND g.ended IS NULL;
	END IF;
	UPDATE casesync_internal.capture_seen s SET hole_in = NULL, written = NULL
	 WHERE s.tracking = tracking AND s.hole_in IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.hole_end(integer) IS
	'changes of a tracking are seen again; a hole in which nothing was written was none';

CREATE OR REPLACE FUNCTION casesync_internal.hole_between(t casesync_internal.tracking, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was_open constant boolean := casesync_internal.hole_is_open(t.id);
BEGIN
	PERFORM casesync_internal.hole_note(t, ARRAY[why], clock_timestamp(), session_user);
	UPDATE casesync_internal.capture_seen s SET hole_in = NULL WHERE s.tracking = t.id;
	IF NOT was_open THEN
		PERFORM casesync_internal.hole_end(t.id);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.hole_between(casesync_internal.tracking, text) IS
	'something went unseen at one moment only';

CREATE OR REPLACE FUNCTION casesync_internal.hole_is_open(tracking integer)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM casesync_internal.gap g
		WHERE g.tracking = hole_is_open.tracking AND g.hole AND g.ended IS NULL)
$$;
COMMENT ON FUNCTION casesync_internal.hole_is_open(integer) IS
	'whether changes of a tracking are known to go unseen';

/* Numbers from a dump are another database's. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_remember(t casesync_internal.tracking)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.capture_seen AS s (tracking, members, labels, well, place)
	SELECT t.id, casesync_internal.family_oids(t.relation),
			casesync_internal.enum_labels(t.relation), clock_timestamp(),
			casesync_internal.tracking_place(0::oid::regclass)
	ON CONFLICT (tracking) DO UPDATE SET members = excluded.members,
		labels = excluded.labels, well = excluded.well, place = excluded.place,
		hole_in = NULL, mending_in = NULL
	 WHERE s.place <> excluded.place
$$;
COMMENT ON FUNCTION casesync_internal.capture_remember(casesync_internal.tracking) IS
	'part of capture_look(): a tracking that was not seen here yet is seen now';

/* What the table was before somebody put another in its place says nothing of it. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_moved(t casesync_internal.tracking,
	seen casesync_internal.capture_seen, family oid[], words text[])
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN t.relation::oid = ANY (seen.members)
			THEN casesync_internal.labels_renamed(seen.labels, words) ELSE '{}' END
		|| CASE WHEN family = seen.members OR cardinality(family) = 0 THEN '{}'
			WHEN t.relation::oid = ANY (seen.members)
				THEN casesync_internal.members_moved(seen.members, family)
			ELSE ARRAY['another table took its place'] END
$$;
COMMENT ON FUNCTION casesync_internal.capture_moved(casesync_internal.tracking,
	casesync_internal.capture_seen, oid[], text[]) IS
	'what came, went or changed as a whole since a tracking was seen last';

CREATE OR REPLACE FUNCTION casesync_internal.family_oids(relation regclass)
RETURNS oid[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT f.member::oid FROM casesync_internal.table_family(relation) f ORDER BY 1)
$$;
COMMENT ON FUNCTION casesync_internal.family_oids(regclass) IS
	'a table with its partitions or children, by number';

/*
 * What is compared with is locked before anything is looked at: two who look at once would note the
 * same hole twice.
 */
CREATE OR REPLACE FUNCTION casesync_internal.capture_compare(t casesync_internal.tracking,
	seen casesync_internal.capture_seen, since timestamptz, who name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	holes constant text[] := casesync_internal.capture_holes(t);
	family constant oid[] := casesync_internal.family_oids(t.relation);
	words constant text[] := casesync_internal.enum_labels(t.relation);
	moved constant text[] := casesync_internal.capture_moved(t, seen, family, words);
BEGIN
	IF cardinality(holes || moved) > 0 THEN
		PERFORM casesync_internal.hole_note(t, holes || moved, since, who);
	END IF;
	IF cardinality(moved) > 0 THEN
		UPDATE casesync_internal.capture_seen s SET hole_in = NULL WHERE s.tracking = t.id;
	END IF;
	IF cardinality(holes) = 0 AND casesync_internal.hole_is_open(t.id) THEN
		PERFORM casesync_internal.hole_end(t.id);
	END IF;
	UPDATE casesync_internal.capture_seen s
	   SET well = CASE WHEN cardinality(holes) = 0 THEN clock_timestamp() ELSE s.well END,
		members = CASE WHEN cardinality(family) > 0 THEN family ELSE s.members END,
		labels = CASE WHEN cardinality(family) > 0 THEN words ELSE s.labels END
	 WHERE s.tracking = t.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_compare(casesync_internal.tracking,
	casesync_internal.capture_seen, timestamptz, name) IS
	'part of capture_look(): notes what differs from what was seen last';

/*
 * Somebody else's DDL on the same family holds what is compared with until it commits. So a gap of
 * its own says what there is to see; the next look that can be had ends it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.capture_note_beside(t casesync_internal.tracking)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started, hole)
	SELECT t.id, t.relation, t.registries, left(array_to_string(w.why, '; '), 500), session_user,
		clock_timestamp(), true
	  FROM casesync_internal.capture_seen s
	 CROSS JOIN LATERAL (SELECT casesync_internal.capture_holes(t)
		|| casesync_internal.capture_moved(t, s, casesync_internal.family_oids(t.relation),
			casesync_internal.enum_labels(t.relation))) w(why)
	 WHERE s.tracking = t.id AND cardinality(w.why) > 0
$$;
COMMENT ON FUNCTION casesync_internal.capture_note_beside(casesync_internal.tracking) IS
	'notes what makes changes of a tracking go unseen, without what others may have locked';

/* A tracking that is gone leaves its hole to be filled: what it hid is not told yet. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_look(tracking_id integer,
	since timestamptz DEFAULT clock_timestamp(), who name DEFAULT session_user)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	seen casesync_internal.capture_seen;
BEGIN
	SELECT * INTO t FROM casesync_internal.tracking g WHERE g.id = tracking_id AND NOT g.removed;
	IF t.id IS NULL THEN
		PERFORM casesync_internal.hole_end(tracking_id);
		DELETE FROM casesync_internal.capture_seen s WHERE s.tracking = tracking_id;
		RETURN;
	ELSIF NOT casesync_internal.capture_is_here(t) THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.capture_remember(t);
	SELECT * INTO seen FROM casesync_internal.capture_seen s WHERE s.tracking = t.id FOR UPDATE;
	PERFORM casesync_internal.capture_compare(t, seen, coalesce(since, seen.well), who);
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_look(integer, timestamptz, name) IS
	'looks whether changes of a tracking are seen, and notes it when they are not, or are again; '
	'since NULL: it may have begun when it was last seen well';

/*
 * For what no event trigger saw: they may be off. Not waited for: who holds a table, or a row here,
 * is looked at a minute later.
 */
CREATE OR REPLACE FUNCTION casesync_internal.capture_look_all()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	looked_at integer;
BEGIN
	FOR looked_at IN SELECT t.id FROM casesync_internal.tracking t WHERE NOT t.removed ORDER BY t.id
	LOOP
		BEGIN
			PERFORM casesync_internal.capture_look(looked_at, NULL, '?');
		EXCEPTION WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
			NULL;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_look_all() IS
	'part of tidy(): looks whether changes of all trackings are seen';

/* Triggers that track() and retrack() are just making are not missing. */
CREATE OR REPLACE FUNCTION casesync_internal.capture_mending(tracking integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.capture_remember(t) FROM casesync_internal.tracking t
	 WHERE t.id = capture_mending.tracking;
	UPDATE casesync_internal.capture_seen s SET mending_in = pg_current_xact_id()
	 WHERE s.tracking = capture_mending.tracking
$$;
COMMENT ON FUNCTION casesync_internal.capture_mending(integer) IS
	'until capture_mended(): DDL of this transaction on the table is our own';

CREATE OR REPLACE FUNCTION casesync_internal.capture_mended_for(caller regrole, tracking integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM casesync_internal.trackings_must_be_own(caller, ARRAY[tracking]);
	UPDATE casesync_internal.capture_seen s SET mending_in = NULL WHERE s.tracking = tracking;
	PERFORM casesync_internal.member_watch(t), casesync_internal.unseen_detach(t)
	   FROM casesync_internal.tracking t WHERE t.id = tracking;
	PERFORM casesync_internal.capture_look(tracking);
	UPDATE casesync_internal.gap g SET again = true
	 WHERE g.tracking = tracking AND g.hole AND g.ended IS NOT NULL AND g.filled IS NULL
	   AND NOT g.again;
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_mended_for(regrole, integer) IS
	'see capture_mended()';

CREATE OR REPLACE FUNCTION casesync_internal.capture_mended(tracking integer)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.capture_mended(integer) IS
	'part of track() and retrack(): looks at the tracking, and has the router look again at what '
	'its holes may have hidden';

CREATE OR REPLACE FUNCTION casesync_internal.holes_again(registry text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.gap g SET again = true
	 WHERE g.hole AND g.ended IS NOT NULL AND g.filled IS NULL AND NOT g.again
	   AND holes_again.registry = ANY (g.registries)
$$;
COMMENT ON FUNCTION casesync_internal.holes_again(text) IS
	'all of a registry is looked at again anyway: the router makes up for its holes, too';
