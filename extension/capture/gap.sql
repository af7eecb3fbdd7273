/* Gaps: times in which changes were not recorded; stopping and starting capture. */
CREATE OR REPLACE FUNCTION casesync_internal.trackings_must_be_own(caller regrole,
	trackings integer[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(cardinality(trackings), 0) = 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'a gap needs trackings');
	END IF;
	PERFORM casesync_internal.tracking_must_be_own(caller, t)
	   FROM unnest(trackings) n(id) LEFT JOIN casesync_internal.tracking t ON t.id = n.id
	  ORDER BY n.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.trackings_must_be_own(regrole, integer[]) IS
	'an error unless all these trackings are of tables of the caller';

CREATE OR REPLACE FUNCTION casesync_internal.gap_begin_for(caller regrole, trackings integer[],
	relation regclass, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	gap bigint;
BEGIN
	PERFORM casesync_internal.trackings_must_be_own(caller, trackings);
	IF coalesce(gap_begin_for.reason, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'a gap needs a reason');
	END IF;
	INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started)
	SELECT CASE WHEN count(DISTINCT t.id) = 1 THEN min(t.id) END,
		/* Not the caller's word: only whether it was one table that was meant. */
		CASE WHEN gap_begin_for.relation IS NOT NULL AND count(DISTINCT t.relation::oid) = 1
			THEN min(t.relation::oid)::regclass END,
		ARRAY(SELECT DISTINCT r FROM casesync_internal.tracking x, unnest(x.registries) r
			WHERE x.id = ANY (trackings) ORDER BY r),
		gap_begin_for.reason, session_user, clock_timestamp()
	  FROM casesync_internal.tracking t WHERE t.id = ANY (trackings)
	RETURNING id INTO gap;
	UPDATE casesync_internal.tracking SET stopped_gap = gap WHERE id = ANY (trackings);
	RETURN gap;
END
$$;
COMMENT ON FUNCTION casesync_internal.gap_begin_for(regrole, integer[], regclass, text) IS
	'see gap_begin()';

CREATE OR REPLACE FUNCTION casesync_internal.gap_begin(trackings integer[], relation regclass,
	reason text)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.gap_begin(integer[], regclass, text) IS
	'stops trackings for the owner of their tables; gives the number of the gap';

CREATE OR REPLACE FUNCTION casesync_internal.gap_end_for(caller regrole, gap bigint,
	trackings integer[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.trackings_must_be_own(caller, trackings);
	UPDATE casesync_internal.tracking t SET stopped_gap = NULL
	 WHERE t.id = ANY (trackings) AND t.stopped_gap = gap;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('gap %s stops none of these trackings', gap),
			hint => 'SELECT * FROM casesync.gaps;');
	END IF;
	UPDATE casesync_internal.gap g SET ended = clock_timestamp()
	 WHERE g.id = gap AND g.ended IS NULL
	   AND NOT EXISTS (SELECT FROM casesync_internal.tracking t WHERE t.stopped_gap = gap);
END
$$;
COMMENT ON FUNCTION casesync_internal.gap_end_for(regrole, bigint, integer[]) IS 'see gap_end()';

CREATE OR REPLACE FUNCTION casesync_internal.gap_end(gap bigint, trackings integer[])
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.gap_end(bigint, integer[]) IS
	'lets stopped trackings record again, for the owner of their tables';

/*
 * No lock on the table: it is for the night on which capture itself is what everybody waits for.
 * Who is writing now may record a little longer, which does no harm.
 */
CREATE OR REPLACE FUNCTION casesync.stop_capture(reason text, relation regclass DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trackings integer[] := ARRAY(SELECT id FROM casesync_internal.tracking t
		WHERE NOT t.removed AND t.stopped_gap IS NULL
			AND (stop_capture.relation IS NULL OR t.relation = stop_capture.relation));
BEGIN
	IF reason IS NULL OR reason = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'casesync.stop_capture needs a reason',
			hint => 'SELECT casesync.stop_capture(''why'');');
	END IF;
	IF cardinality(trackings) = 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE WHEN relation IS NULL THEN 'no table is being captured'
				ELSE format('table "%s" is not being captured', relation) END,
			detail => 'It is not tracked, or its capture was stopped before.',
			hint => 'SELECT * FROM casesync.tracked;');
	END IF;
	RETURN casesync_internal.gap_begin(trackings, relation, reason);
END
$$;
COMMENT ON FUNCTION casesync.stop_capture(text, regclass) IS
	'stops recording changes of a table, or of all; waits for nobody; gives the number of the gap';

CREATE OR REPLACE FUNCTION casesync_internal.gap_hint(gap bigint, registry text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(
		'Subjects of registry %I may have changed unseen; to look at all of them again: '
		'SELECT casesync.fill_gap(%s);',
		registry, gap)
$$;
COMMENT ON FUNCTION casesync_internal.gap_hint(bigint, text) IS 'how a gap is filled';

CREATE OR REPLACE FUNCTION casesync.start_capture(gap bigint)
RETURNS TABLE (registry text, hint text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trackings integer[] := ARRAY(SELECT id FROM casesync_internal.tracking
		WHERE stopped_gap = start_capture.gap ORDER BY id);
BEGIN
	IF cardinality(trackings) = 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('capture is not stopped by gap %s', gap),
			detail => 'There is no such gap, or its capture was started before.',
			hint => 'SELECT * FROM casesync.gaps;');
	END IF;
	/* Who is writing now goes on with what it knew; behind these locks nobody does. */
	PERFORM casesync_internal.tables_lock(ARRAY(SELECT DISTINCT c.oid::regclass
		FROM casesync_internal.tracking t JOIN pg_class c ON c.oid = t.relation
		WHERE t.id = ANY (trackings)));
	PERFORM casesync_internal.gap_end(gap, trackings);
	RETURN QUERY SELECT r, casesync_internal.gap_hint(g.gap, r)
		FROM casesync.gaps g, unnest(g.registries) r WHERE g.gap = start_capture.gap ORDER BY r;
END
$$;
COMMENT ON FUNCTION casesync.start_capture(bigint) IS
	'records changes again; gives the registries whose subjects may have changed meanwhile';

/*
 * For a setting that a session made by itself there is no gap_begin(): the rows it left in the log
 * say when. Filled gaps are not lengthened, since what is missing now was not made up for by that.
 */
CREATE OR REPLACE FUNCTION casesync_internal.gap_found(change casesync_internal.change)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	why constant text := coalesce(change.changed->>'reason', 'casesync.capture was off');
	found_gap bigint;
BEGIN
	/* A bulk job of many transactions is one gap, not a thousand. */
	SELECT g.id INTO found_gap FROM casesync_internal.gap g
		WHERE g.tracking = change.tracking AND g.reason = why AND g.who = change."session_user"
			AND g.filled IS NULL
			AND change.at BETWEEN g.started - interval '1 hour' AND g.ended + interval '1 hour'
		ORDER BY g.id DESC LIMIT 1;
	IF found_gap IS NOT NULL THEN
		UPDATE casesync_internal.gap g SET started = least(g.started, change.at),
				ended = greatest(g.ended, change.at)
			WHERE g.id = found_gap AND change.at NOT BETWEEN g.started AND g.ended;
		RETURN found_gap;
	END IF;
	INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started, ended)
		SELECT t.id, t.relation, t.registries, why, change."session_user", change.at, change.at
		FROM casesync_internal.tracking t WHERE t.id = change.tracking
		RETURNING id INTO found_gap;
	RETURN found_gap;
END
$$;
COMMENT ON FUNCTION casesync_internal.gap_found(casesync_internal.change) IS
	'for the router: keeps a change of operation G as a gap; gives its number, NULL for an unknown '
	'tracking';

/*
 * What a tracking may not feed is not routed, and not kept: a table that has no consent must not
 * fill anything. It is a gap, to be filled when there is consent.
 */
CREATE OR REPLACE FUNCTION casesync_internal.gap_refused(t casesync_internal.tracking,
	registries text[], since timestamptz, until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant name := coalesce(casesync_internal.relation_owner(t.relation), t.author, '?');
	why constant text := format('tables of role "%s" may not feed registry %s', owner,
		array_to_string(registries, ', '));
BEGIN
	/* Not one that the owner began under this name, and that he may keep locked as he ends it. */
	UPDATE casesync_internal.gap g SET ended = greatest(g.ended, until)
	 WHERE g.tracking = t.id AND g.reason = why AND g.registries = gap_refused.registries
	   AND g.filled IS NULL AND g.ended IS NOT NULL;
	IF NOT FOUND THEN
		INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started,
			ended)
		VALUES (t.id, t.relation, gap_refused.registries, why, owner, since, until);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.gap_refused(casesync_internal.tracking, text[], timestamptz,
	timestamptz) IS
	'for the router: changes of a table that may not feed these registries, as a gap';

CREATE OR REPLACE FUNCTION casesync_internal.gap_mend(g casesync_internal.gap)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN g.ended IS NOT NULL THEN format('SELECT casesync.fill_gap(%s);', g.id)
		WHEN g.hole THEN (SELECT casesync_internal.drift_mend(t, t.relation::text)
			FROM casesync_internal.tracking t WHERE t.id = g.tracking)
		ELSE format('SELECT * FROM casesync.start_capture(%s);', g.id) END
$$;
COMMENT ON FUNCTION casesync_internal.gap_mend(casesync_internal.gap) IS
	'the next thing to do about a gap';

CREATE OR REPLACE FUNCTION casesync_internal.gap_relation(g casesync_internal.gap, name text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = g.relation)
			THEN gap_relation.name
		ELSE coalesce((SELECT t.relation_name FROM casesync_internal.tracking t
				WHERE t.id = g.tracking),
			gap_relation.name, 'all tables') END
$$;
COMMENT ON FUNCTION casesync_internal.gap_relation(casesync_internal.gap, text) IS
	'the table of a gap, as whoever asks writes it, or by the name it had when it is gone';

CREATE OR REPLACE FUNCTION casesync_internal.hole_must_be_mended(g casesync_internal.gap)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
		message => format('gap %s is still open', g.id),
		detail => format('Changes of %s go unseen: %s.',
			casesync_internal.gap_relation(g, g.relation::text), g.reason),
		hint => casesync_internal.gap_mend(g));
END
$$;
COMMENT ON FUNCTION casesync_internal.hole_must_be_mended(casesync_internal.gap) IS
	'the error for a hole that is to be filled while changes still go unseen';

/* Locked: who fills a gap must not do so while it ends, nor two at once. */
CREATE OR REPLACE FUNCTION casesync_internal.require_ended_gap(gap bigint)
RETURNS casesync_internal.gap
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
BEGIN
	SELECT * INTO g FROM casesync_internal.gap t
	 WHERE t.id = require_ended_gap.gap FOR UPDATE;
	IF g.hole AND g.ended IS NULL THEN
		PERFORM casesync_internal.hole_must_be_mended(g);
	ELSIF g.id IS NULL OR g.ended IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE WHEN g.id IS NULL THEN format('there is no gap %s', gap)
				ELSE format('gap %s is still open', gap) END,
			detail => 'Only when changes are captured again can what was missed be made up for.',
			hint => CASE WHEN g.id IS NULL THEN 'SELECT * FROM casesync.gaps;'
				ELSE format('SELECT * FROM casesync.start_capture(%s);', gap) END);
	END IF;
	RETURN g;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_ended_gap(bigint) IS
	'a gap that is over, locked, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.gap_filled(gap bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.gap t SET filled = clock_timestamp() WHERE t.id = gap_filled.gap
$$;
COMMENT ON FUNCTION casesync_internal.gap_filled(bigint) IS
	'what a gap had hidden is made up for';

CREATE OR REPLACE FUNCTION casesync_internal.gap_left(gap bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.gap t SET again = false WHERE t.id = gap_left.gap
$$;
COMMENT ON FUNCTION casesync_internal.gap_left(bigint) IS
	'the router cannot make up for a hole by itself: it waits for fill_gap()';

CREATE OR REPLACE VIEW casesync.gaps AS
	SELECT g.id AS gap, casesync_internal.gap_relation(g, g.relation::text) AS relation,
		g.registries,
		g.reason, g.who, g.started, g.ended, g.filled,
		CASE WHEN g.filled IS NOT NULL THEN 'filled' WHEN g.ended IS NULL THEN 'open'
			ELSE 'to be filled' END AS state,
		CASE WHEN g.filled IS NOT NULL THEN NULL
			WHEN g.ended IS NULL THEN casesync_internal.gap_mend(g)
			ELSE (SELECT string_agg(casesync_internal.gap_hint(g.id, r), E'\n' ORDER BY r)
				FROM unnest(g.registries) r) END AS hint
	FROM casesync_internal.gap g;
COMMENT ON VIEW casesync.gaps IS
	'times in which changes were not recorded, and what to do about them';
COMMENT ON COLUMN casesync.gaps.gap IS 'for start_capture() and fill_gap()';
COMMENT ON COLUMN casesync.gaps.relation IS 'the table';
COMMENT ON COLUMN casesync.gaps.registries IS 'the registries that its changes concern';
COMMENT ON COLUMN casesync.gaps.reason IS 'why it was not captured';
COMMENT ON COLUMN casesync.gaps.who IS 'the login that stopped it; ?: not known';
COMMENT ON COLUMN casesync.gaps.started IS 'from when';
COMMENT ON COLUMN casesync.gaps.ended IS 'until when; NULL: it lasts';
COMMENT ON COLUMN casesync.gaps.filled IS 'when partners got what it had hidden';
COMMENT ON COLUMN casesync.gaps.state IS 'open, to be filled, or filled';
COMMENT ON COLUMN casesync.gaps.hint IS 'what to do about it';
