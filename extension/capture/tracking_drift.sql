/* What differs between a tracking and its table as it is now; all that is tracked, for people. */

/*
 * A row that replication brings fires only ALWAYS triggers. TRUNCATE is let through there: where it
 * came from it was refused or agreed to.
 */
CREATE OR REPLACE FUNCTION casesync_internal.trigger_missing(tracking casesync_internal.tracking)
RETURNS TABLE (member regclass, trigger name, is_made boolean, state text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT n.member, n.trigger, n.is_made, coalesce(t.tgenabled::text, 'missing')
	FROM casesync_internal.tracking_triggers(tracking) n
	LEFT JOIN pg_trigger t ON t.tgrelid = n.member AND t.tgname = n.trigger
		AND t.tgfoid IN ('casesync_internal.capture_change()'::regprocedure,
			'casesync_internal.refuse_truncate()'::regprocedure)
	WHERE t.oid IS NULL OR t.tgenabled IN ('D', 'R')
		OR t.tgenabled <> 'A' AND n.event <> 'truncate' AND (tracking.replicated
			OR EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = n.member))
$$;
COMMENT ON FUNCTION casesync_internal.trigger_missing(casesync_internal.tracking) IS
	'triggers of a tracking that are missing or do not fire: what they should record goes unseen';

/*
 * A trigger left on a table that is no part any more (a detached partition) makes each write there
 * an error, so it is drift too; on another's table it is the other's.
 */
CREATE OR REPLACE FUNCTION casesync_internal.trigger_drift(tracking casesync_internal.tracking)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(CASE WHEN m.state = 'missing' AND NOT m.is_made
				THEN 'partition "%2$s" lacks trigger %1$s'
			WHEN m.state = 'missing' THEN 'table "%2$s" lacks trigger %1$s'
			WHEN m.state = 'D' THEN 'trigger %1$s of table "%2$s" is disabled'
			WHEN m.state = 'R' THEN 'trigger %1$s of table "%2$s" fires only for replicated rows'
			ELSE 'trigger %1$s of table "%2$s" does not fire for rows that replication brings' END,
			m.trigger, m.member)
	FROM casesync_internal.trigger_missing(tracking) m
	UNION ALL
	SELECT format('table "%s" has trigger %s and is no part of the tracked table',
		t.tgrelid::regclass, t.tgname)
	FROM pg_trigger t
	WHERE t.tgfoid = 'casesync_internal.capture_change()'::regprocedure AND t.tgparentid = 0
		AND t.tgname ~ format('^casesync_%s_[a-z]+$', tracking.id)
		AND casesync_internal.relation_owner(t.tgrelid)
			= casesync_internal.relation_owner(tracking.relation)
		AND NOT EXISTS (SELECT FROM casesync_internal.table_family(tracking.relation) f
			WHERE f.member = t.tgrelid)
	ORDER BY 1
$$;
COMMENT ON FUNCTION casesync_internal.trigger_drift(casesync_internal.tracking) IS
	'triggers of a tracking that are missing, do not fire or are too many';

/* What no trigger could see; refused when a table is tracked, but it may become so later. */
CREATE OR REPLACE FUNCTION casesync_internal.relation_faults(tracking casesync_internal.tracking)
RETURNS TABLE (problem text, mend text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('table "%s" is unlogged: a crash empties it unseen', f.member),
		format('ALTER TABLE %s SET LOGGED;', f.member)
	  FROM casesync_internal.table_family(tracking.relation) f
	  JOIN pg_class c ON c.oid = f.member WHERE c.relpersistence = 'u' AND c.relkind = 'r'
	UNION ALL
	SELECT format('"%s" is not a local table: what others write to it is unseen', f.member),
		format(CASE WHEN c.relispartition THEN 'ALTER TABLE %1$s DETACH PARTITION %2$s;'
			ELSE 'ALTER FOREIGN TABLE %2$s NO INHERIT %1$s;' END, p.inhparent::regclass, f.member)
	  FROM casesync_internal.table_family(tracking.relation) f
	  JOIN pg_class c ON c.oid = f.member
	  JOIN pg_inherits p ON p.inhrelid = f.member WHERE c.relkind = 'f'
	ORDER BY 1
$$;
COMMENT ON FUNCTION casesync_internal.relation_faults(casesync_internal.tracking) IS
	'tables of a tracking''s family that cannot be tracked, and what to do';

CREATE OR REPLACE FUNCTION casesync_internal.new_columns(tracking casesync_internal.tracking)
RETURNS SETOF name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c FROM unnest(casesync_internal.live_columns(tracking.relation)) c
		WHERE c <> ALL (tracking.columns) AND c <> ALL (tracking.ignored)
			AND NOT EXISTS (SELECT FROM unnest(tracking.column_numbers) n
				JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = n
				WHERE a.attname = c
					AND tracking.place = casesync_internal.tracking_place(tracking.relation))
$$;
COMMENT ON FUNCTION casesync_internal.new_columns(casesync_internal.tracking) IS
	'columns that a table got since its whole rows were tracked';

/* Numbers prove a rename or a drop; where they are not true only that a name is missing is sure. */
CREATE OR REPLACE FUNCTION casesync_internal.column_drift(tracking casesync_internal.tracking)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('column "%s" was dropped', c.name)
		FROM unnest(tracking.column_numbers, tracking.columns) c(number, name)
		JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = c.number
		WHERE a.attisdropped
			AND tracking.place = casesync_internal.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" is now called "%s"', c.name, a.attname)
		FROM unnest(tracking.column_numbers, tracking.columns) c(number, name)
		JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = c.number
		WHERE NOT a.attisdropped AND a.attname <> c.name
			AND tracking.place = casesync_internal.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" does not exist', c)
		FROM unnest(tracking.columns) c
		WHERE c <> ALL (casesync_internal.live_columns(tracking.relation))
			AND tracking.place <> casesync_internal.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" is not tracked yet', c)
		FROM casesync_internal.new_columns(tracking) c
$$;
COMMENT ON FUNCTION casesync_internal.column_drift(casesync_internal.tracking) IS
	'columns of a tracking that are not what they were';

/* As it is read when a trigger fires: then each row counts, which costs work and loses nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.condition_drift(tracking casesync_internal.tracking)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF tracking.place = casesync_internal.tracking_place(tracking.relation) THEN
		PERFORM casesync_internal.renamed_condition(tracking.relation, tracking.condition,
			tracking.columns, tracking.column_numbers);
	ELSE
		PERFORM casesync_internal.row_expression(tracking.relation, 'condition',
			tracking.condition, 'pg_catalog, pg_temp');
	END IF;
	RETURN '{}';
EXCEPTION WHEN OTHERS THEN
	RETURN ARRAY[format('every row counts, since the condition cannot be read: %s', SQLERRM)];
END
$$;
COMMENT ON FUNCTION casesync_internal.condition_drift(casesync_internal.tracking) IS
	'why the condition of a tracking does not count; empty = it does';

/*
 * Where numbers are true names are made so too: a dump has names only. What is gone is left out,
 * since no copy would find it. A condition that names it stays as it is, and says so as drift.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_renamed(tracking casesync_internal.tracking)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking := tracking;
	written constant text := (casesync_internal.tracking_written(t.id)).condition;
BEGIN
	t.condition := coalesce(written, casesync_internal.renamed_condition(t.relation, t.condition,
		t.columns, t.column_numbers));
	IF written IS NOT NULL THEN
		t.trees[1] := md5(written) || substr(t.trees[1], 33);
	END IF;
	SELECT array_agg(a.attname ORDER BY c.place), array_agg(a.attnum ORDER BY c.place)
	  INTO t.columns, t.column_numbers
	  FROM unnest(t.column_numbers) WITH ORDINALITY c(number, place)
	  JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = c.number AND NOT a.attisdropped;
	SELECT array_agg(CASE WHEN a.attisdropped THEN c.name ELSE a.attname END ORDER BY c.place)
	  INTO t.key_columns
	  FROM unnest(t.key_numbers, t.key_columns) WITH ORDINALITY c(number, name, place)
	  JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = c.number;
	t.key := CASE WHEN t.key_is_column THEN t.key_columns[1] ELSE t.key END;
	RETURN t;
EXCEPTION WHEN OTHERS THEN
	RETURN tracking;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_renamed(casesync_internal.tracking) IS
	'a tracking with the names that its columns have now';

CREATE OR REPLACE FUNCTION casesync_internal.trackings_follow_renames()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
BEGIN
	FOR t IN
		SELECT g.* FROM casesync_internal.tracking g
		 WHERE g.enabled AND NOT g.removed
		   AND g.place = casesync_internal.tracking_place(g.relation)
		   AND EXISTS (
			SELECT FROM unnest(g.column_numbers || g.key_numbers, g.columns || g.key_columns)
				c(number, name) JOIN pg_attribute a ON a.attrelid = g.relation
					AND a.attnum = c.number AND a.attname <> c.name)
		   FOR UPDATE SKIP LOCKED
	LOOP
		t := casesync_internal.tracking_renamed(t);
		UPDATE casesync_internal.tracking g SET columns = t.columns,
			column_numbers = t.column_numbers, key_columns = t.key_columns, key = t.key,
			condition = t.condition, trees = t.trees
		 WHERE g.id = t.id AND g IS DISTINCT FROM t AND cardinality(t.columns) > 0;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.trackings_follow_renames() IS
	'part of tidy(): trackings of columns that were renamed or dropped have the names of now, '
	'which a dump takes along';

/* A copy without its data, or one whose trackings could not be restored. */
CREATE OR REPLACE FUNCTION casesync_internal.lost_triggers()
RETURNS TABLE (problem text, mend text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('changes of %s are not recorded: it has triggers of a tracking that this '
			'database does not have', t.tgrelid::regclass),
		string_agg(format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass), ' '
			ORDER BY t.tgname)
	  FROM pg_trigger t
	 WHERE t.tgfoid IN ('casesync_internal.capture_change()'::regprocedure,
			'casesync_internal.refuse_truncate()'::regprocedure)
	   AND t.tgparentid = 0 AND NOT EXISTS (SELECT FROM casesync_internal.tracking g
		WHERE t.tgargs = convert_to(g.id::text, 'UTF8') || E'\\x00'::bytea)
	 GROUP BY t.tgrelid
$$;
COMMENT ON FUNCTION casesync_internal.lost_triggers() IS
	'what health says of tables with triggers of trackings that are not there';

/* It reads catalogs only; with its owner's rights, so that who may see the view sees it whole. */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_drift(tracking casesync_internal.tracking)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	drift text[] := '{}';
	named_now regclass := to_regclass(tracking.relation_name);
BEGIN
	IF NOT tracking.enabled THEN
		RETURN ARRAY['untracked, the definition is kept'];
	ELSIF NOT EXISTS (SELECT FROM pg_class WHERE oid = tracking.relation) THEN
		RETURN drift || CASE WHEN named_now IS NULL THEN 'the table was dropped'
			ELSE 'the table was dropped and another has its name' END;
	ELSIF named_now IS DISTINCT FROM tracking.relation THEN
		drift := drift || format('the table was "%s"%s', tracking.relation_name,
			CASE WHEN named_now IS NULL THEN '' ELSE ' and another has that name now' END);
	END IF;
	IF NOT casesync_internal.author_counts(tracking.author, tracking.relation) THEN
		drift := drift || format('the table belongs to role "%s", who has not taken over what "%s" '
			'wrote', casesync_internal.relation_owner(tracking.relation), tracking.author);
	END IF;
	IF tracking.stopped_gap IS NOT NULL THEN
		drift := drift || format('capture is stopped by gap %s', tracking.stopped_gap);
	END IF;
	RETURN drift || ARRAY(SELECT f.problem FROM casesync_internal.relation_faults(tracking) f)
		|| ARRAY(SELECT * FROM casesync_internal.trigger_drift(tracking))
		|| ARRAY(SELECT * FROM casesync_internal.column_drift(tracking))
		|| casesync_internal.condition_drift(tracking);
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_drift(casesync_internal.tracking) IS
	'what keeps a tracking from recording every change; empty = nothing';

CREATE OR REPLACE FUNCTION casesync_internal.as_publisher(role name)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN NOT has_function_privilege(role, 'casesync.retrack(regclass)', 'EXECUTE')
			THEN format('SELECT casesync.grant_access(%L, ''publisher''); ', role) ELSE '' END
		|| format('SET ROLE %I; ', role)
$$;
COMMENT ON FUNCTION casesync_internal.as_publisher(name) IS
	'what stands before a hint that a role is to follow, who may have no access yet';

CREATE OR REPLACE FUNCTION casesync_internal.retrack_as(t casesync_internal.tracking)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN t.enabled AND casesync_internal.relation_owner(t.relation) IS NOT NULL
			AND NOT casesync_internal.author_counts(t.author, t.relation)
			THEN casesync_internal.as_publisher(casesync_internal.relation_owner(t.relation))
			ELSE '' END
$$;
COMMENT ON FUNCTION casesync_internal.retrack_as(casesync_internal.tracking) IS
	'what stands before retrack() in a hint: as whom, where the table became another''s';

/* retrack() makes of a tracking what it says; whether replicated rows count, track() has to say. */
CREATE OR REPLACE FUNCTION casesync_internal.replicated_mend(t casesync_internal.tracking,
	relation text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT casesync.untrack(%L); ', replicated_mend.relation)
		|| string_agg(format('SELECT casesync.track(%L, %L, %L, on_insert => %L, on_update => %L, '
			'on_delete => %L, columns => %L, ignore => %L, condition => %L, subjects => %L, '
			'replicated => true);', replicated_mend.relation, g.registries, g.key, g.on_insert,
			g.on_update, g.on_delete, CASE WHEN g.ignored IS NULL THEN g.columns END, g.ignored,
			g.condition, g.subjects), ' ' ORDER BY g.id)
	  FROM casesync_internal.tracking g
	 WHERE g.relation = t.relation AND NOT g.removed AND NOT t.replicated AND EXISTS (
		SELECT FROM casesync_internal.trigger_missing(t) m WHERE m.state = 'O')
	HAVING count(*) > 0
$$;
COMMENT ON FUNCTION casesync_internal.replicated_mend(casesync_internal.tracking, text) IS
	'how a table that replication fills is tracked so that it counts; NULL: nothing is missing';

/*
 * For the first thing to do. Where another table has the name, whoever writes means that one. A
 * table that is gone can only be named by its number.
 */
CREATE OR REPLACE FUNCTION casesync_internal.drift_mend(t casesync_internal.tracking,
	relation text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT f.mend FROM casesync_internal.relation_faults(t) f LIMIT 1),
		casesync_internal.replicated_mend(t, drift_mend.relation),
		CASE WHEN to_regclass(t.relation_name) <> t.relation
			THEN format('SELECT casesync.retrack(%L);', t.relation_name)
		WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relation)
			THEN casesync_internal.retrack_as(t)
				|| format('SELECT casesync.retrack(%L);', drift_mend.relation)
		ELSE format('SELECT casesync.untrack(%L);', drift_mend.relation) END)
$$;
COMMENT ON FUNCTION casesync_internal.drift_mend(casesync_internal.tracking, text) IS
	'the call that makes a tracking whole; with the table''s name as whoever asks writes it';

/*
 * One hint, for the first thing to do: a stopped tracking is started before it is looked at again.
 */
CREATE OR REPLACE VIEW casesync.tracked AS
	SELECT t.id AS tracking, t.relation, t.registries, t.key, t.on_insert, t.on_update, t.on_delete,
		t.columns, t.condition, t.subjects, t.replicated, d.drift,
		CASE WHEN cardinality(d.drift) = 0 THEN NULL
			WHEN t.stopped_gap IS NOT NULL AND cardinality(d.drift) = 1
				THEN format('SELECT * FROM casesync.start_capture(%s);', t.stopped_gap)
			ELSE casesync_internal.drift_mend(t, t.relation::text) END AS hint
	FROM casesync_internal.tracking t, casesync_internal.tracking_drift(t) AS d(drift)
	WHERE NOT t.removed;
COMMENT ON VIEW casesync.tracked IS
	'tracked tables; drift: what keeps changes from being recorded, and how to mend it';
COMMENT ON COLUMN casesync.tracked.tracking IS 'number of the tracking';
COMMENT ON COLUMN casesync.tracked.relation IS 'the table';
COMMENT ON COLUMN casesync.tracked.registries IS 'the registries that its changes concern';
COMMENT ON COLUMN casesync.tracked.key IS 'the column or expression that tells whom a row is about';
COMMENT ON COLUMN casesync.tracked.on_insert IS 'the event that a new row makes';
COMMENT ON COLUMN casesync.tracked.on_update IS 'the event that a changed row makes';
COMMENT ON COLUMN casesync.tracked.on_delete IS 'the event that a deleted row makes';
COMMENT ON COLUMN casesync.tracked.columns IS 'the columns whose changes count';
COMMENT ON COLUMN casesync.tracked.condition IS 'which rows matter; NULL: all';
COMMENT ON COLUMN casesync.tracked.subjects IS
	'the query that finds the subjects of a key; NULL: the key is the subject';
COMMENT ON COLUMN casesync.tracked.replicated IS 'whether changes that come by replication count';
COMMENT ON COLUMN casesync.tracked.drift IS 'what keeps changes from being recorded; empty is well';
COMMENT ON COLUMN casesync.tracked.hint IS 'how to mend it';
