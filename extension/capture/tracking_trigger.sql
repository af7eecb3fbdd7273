/* The triggers of a tracking: which, on which tables and columns; put on and taken off. */

/* ---- columns ---- */
CREATE OR REPLACE FUNCTION casesync_internal.live_columns(relation regclass)
RETURNS name[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION casesync_internal.live_columns(regclass) IS
	'the columns of a table, in its order';

CREATE OR REPLACE FUNCTION casesync_internal.column_numbers(relation regclass, columns name[])
RETURNS smallint[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing name[] := ARRAY(SELECT c FROM unnest(columns) c
		WHERE c <> ALL (coalesce(casesync_internal.live_columns(relation), '{}')));
BEGIN
	IF cardinality(missing) > 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_column',
			message => format('table "%s" has no column %s', relation,
				(SELECT string_agg(quote_ident(m), ', ') FROM unnest(missing) m)),
			detail => format('Its columns are %s.', (SELECT string_agg(quote_ident(c), ', ')
				FROM unnest(casesync_internal.live_columns(relation)) c)),
			hint => format('SELECT casesync.untrack(%L); and track it with columns that it has.',
				relation));
	END IF;
	RETURN ARRAY(SELECT attnum FROM unnest(columns) WITH ORDINALITY c(name, place)
		JOIN pg_attribute ON attrelid = relation AND attname = c.name ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION casesync_internal.column_numbers(regclass, name[]) IS
	'the numbers of columns; an error names those that do not exist';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_events(tracking casesync_internal.tracking)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/*
	 * A row that moves to another partition fires DELETE and INSERT triggers, and many
	 * applications update by deleting and inserting; both are told from real ones at routing.
	 */
	SELECT CASE WHEN tracking.on_update IS NOT NULL
			OR (SELECT relkind = 'p' FROM pg_class WHERE oid = tracking.relation)
		THEN '{insert,update,delete}'::text[]
		ELSE array_remove(ARRAY[CASE WHEN tracking.on_insert IS NOT NULL THEN 'insert' END,
			CASE WHEN tracking.on_delete IS NOT NULL THEN 'delete' END], NULL) END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_events(casesync_internal.tracking) IS
	'the row triggers that a tracking needs';

/*
 * UNION and not UNION ALL: a table may inherit from two of the family. DETACH … CONCURRENTLY that
 * was broken off has taken the rows of its partition away already.
 */
CREATE OR REPLACE FUNCTION casesync_internal.table_family(relation regclass)
RETURNS TABLE (member regclass, is_root boolean, kind "char")
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE family(member) AS (
		SELECT relation::oid
		UNION
		SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.member
			AND NOT i.inhdetachpending
	)
	SELECT c.oid::regclass, c.oid = relation, c.relkind FROM family f
		JOIN pg_class c ON c.oid = f.member
$$;
COMMENT ON FUNCTION casesync_internal.table_family(regclass) IS
	'a table with its partitions or inheritance children, of all levels';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_triggers(tracking casesync_internal.tracking)
RETURNS TABLE (member regclass, trigger name, event text, is_made boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* PostgreSQL itself copies row triggers to partitions, and nothing else to anybody. */
	SELECT f.member, format('casesync_%s_%s', tracking.id, e.event)::name, e.event,
			f.is_root OR e.event = 'truncate' OR r.relkind <> 'p'
		FROM casesync_internal.table_family(tracking.relation) f
		JOIN pg_class r ON r.oid = tracking.relation,
		unnest(casesync_internal.tracking_events(tracking) || '{truncate}'::text[]) e(event)
$$;
COMMENT ON FUNCTION casesync_internal.tracking_triggers(casesync_internal.tracking) IS
	'the triggers that must exist for a tracking, and which of them casesync makes';

/* ---- putting triggers on and taking them off ---- */
/*
 * Without WHEN: the server would refuse to change the type of a column that it names, and drop the
 * trigger with the column. Columns and condition are looked at when it fires.
 */
CREATE OR REPLACE FUNCTION casesync_internal.trigger_statement(tracking casesync_internal.tracking,
	member regclass, trigger name, event text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* A trigger that somebody else has given such a name is his. */
	SELECT format('CREATE %sTRIGGER %I %s ON %s FOR EACH %s EXECUTE FUNCTION '
			'casesync_internal.%s(%L)',
		CASE WHEN EXISTS (SELECT FROM casesync_internal.own_triggers(tracking.id) o
			WHERE o.member = trigger_statement.member AND o.trigger = trigger_statement.trigger)
			THEN 'OR REPLACE ' ELSE '' END, trigger,
		CASE event WHEN 'truncate' THEN 'BEFORE TRUNCATE' ELSE 'AFTER ' || upper(event) END, member,
		CASE event WHEN 'truncate' THEN 'STATEMENT' ELSE 'ROW' END,
		CASE event WHEN 'truncate' THEN 'refuse_truncate' ELSE 'capture_change' END, tracking.id)
$$;
COMMENT ON FUNCTION casesync_internal.trigger_statement(casesync_internal.tracking, regclass, name,
	text) IS
	'the CREATE TRIGGER of one trigger of a tracking';

/* By name and function on whatever table: also on partitions that were detached since. */
CREATE OR REPLACE FUNCTION casesync_internal.own_triggers(tracking_id integer)
RETURNS TABLE (member regclass, trigger name, is_copy boolean, enabled "char", shape text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.tgrelid::regclass, t.tgname, t.tgparentid <> 0, t.tgenabled,
		concat_ws(' ', t.tgtype, encode(t.tgargs, 'escape'), t.tgattr, t.tgqual)
	  FROM pg_trigger t
	 WHERE NOT t.tgisinternal AND t.tgfoid IN ('casesync_internal.capture_change()'::regprocedure,
			'casesync_internal.refuse_truncate()'::regprocedure)
	   AND t.tgname ~ format('^casesync_%s_[a-z]+$', tracking_id)
$$;
COMMENT ON FUNCTION casesync_internal.own_triggers(integer) IS
	'the triggers that a tracking has; shape: when it fires and what for';

/*
 * What keeps a tracking's triggers from being right: of copies on partitions that one is missing
 * (their table is made anew), or does not fire. Those of 0.2.0 have a WHEN and are made anew.
 */
CREATE OR REPLACE FUNCTION casesync_internal.triggers_to_make(tracking casesync_internal.tracking)
RETURNS TABLE (member regclass, statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH needed AS MATERIALIZED (
		SELECT n.member, n.trigger, n.event, n.is_made, o.trigger IS NOT NULL AND o.shape =
				concat_ws(' ', CASE n.event WHEN 'insert' THEN 5 WHEN 'delete' THEN 9
					WHEN 'update' THEN 17 ELSE 34 END, tracking.id || E'\\000', '') AS is_right
		  FROM casesync_internal.tracking_triggers(tracking) n
		  LEFT JOIN casesync_internal.own_triggers(tracking.id) o
			ON o.member = n.member AND o.trigger = n.trigger
	)
	SELECT m.member, casesync_internal.trigger_statement(tracking, m.member, m.trigger, m.event)
	  FROM needed m
	 WHERE m.is_made AND (NOT m.is_right OR EXISTS (
		SELECT FROM needed c WHERE NOT c.is_made AND NOT c.is_right AND c.event = m.event
			AND m.member = tracking.relation))
	 ORDER BY m.member <> tracking.relation, m.member,
		array_position('{insert,update,delete,truncate}', m.event)
$$;
COMMENT ON FUNCTION casesync_internal.triggers_to_make(casesync_internal.tracking) IS
	'the triggers of a tracking that are missing or not as they should be, and how to make them';

/* One by one, with ONLY: whether copies on partitions follow differs between servers' versions. */
CREATE OR REPLACE FUNCTION casesync_internal.triggers_to_enable(tracking casesync_internal.tracking)
RETURNS TABLE (member regclass, statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT n.member, format('ALTER TABLE ONLY %s ENABLE %sTRIGGER %I', n.member,
			CASE WHEN tracking.replicated THEN 'ALWAYS ' ELSE '' END, n.trigger)
	  FROM casesync_internal.tracking_triggers(tracking) n
	  JOIN casesync_internal.own_triggers(tracking.id) o
		ON o.member = n.member AND o.trigger = n.trigger
	 WHERE o.enabled NOT IN (CASE WHEN tracking.replicated THEN 'A' ELSE 'O' END, 'A')
$$;
COMMENT ON FUNCTION casesync_internal.triggers_to_enable(casesync_internal.tracking) IS
	'the triggers of a tracking that do not fire when they should, and how to let them';

CREATE OR REPLACE FUNCTION casesync_internal.triggers_to_drop(tracking casesync_internal.tracking)
RETURNS TABLE (member regclass, statement text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT o.member, format('DROP TRIGGER IF EXISTS %I ON %s', o.trigger, o.member)
	  FROM casesync_internal.own_triggers(tracking.id) o
	 WHERE NOT o.is_copy AND casesync_internal.owns(o.member)
	   AND NOT (tracking.enabled AND EXISTS (
			SELECT FROM casesync_internal.tracking_triggers(tracking) n
			 WHERE n.member = o.member AND n.trigger = o.trigger AND n.is_made))
$$;
COMMENT ON FUNCTION casesync_internal.triggers_to_drop(casesync_internal.tracking) IS
	'the triggers that a tracking no longer needs, on tables of the caller, and how to drop them';

/* A table that was tracked alone and became a partition: the copy of the same name has no place. */
CREATE OR REPLACE FUNCTION casesync_internal.triggers_clear(tracking casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	members constant regclass[] := ARRAY(SELECT DISTINCT d.member
		FROM casesync_internal.triggers_to_drop(tracking) d
		JOIN casesync_internal.tracking_triggers(tracking) n
		  ON n.member = d.member AND NOT n.is_made);
	dropping text;
BEGIN
	IF cardinality(members) > 0 THEN
		PERFORM casesync_internal.tables_lock(members, exclusively => true);
		FOR dropping IN SELECT d.statement FROM casesync_internal.triggers_to_drop(tracking) d
			 WHERE d.member = ANY (members)
		LOOP
			EXECUTE dropping;
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.triggers_clear(casesync_internal.tracking) IS
	'drops what stands in the way of the copies of a tracking''s triggers on partitions';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_detach(tracking casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropping text;
BEGIN
	PERFORM casesync_internal.tables_lock(ARRAY(SELECT DISTINCT d.member
		FROM casesync_internal.triggers_to_drop(tracking) d), exclusively => true);
	FOR dropping IN SELECT d.statement FROM casesync_internal.triggers_to_drop(tracking) d LOOP
		EXECUTE dropping;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_detach(casesync_internal.tracking) IS
	'drops the triggers that a tracking no longer needs';

/* For all tables together: with the locks of one held, it is not waited for those of another. */
CREATE OR REPLACE FUNCTION casesync_internal.trackings_lock(trackings casesync_internal.tracking[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.tables_lock(ARRAY(
		SELECT DISTINCT t.relation FROM unnest(trackings) t
		 WHERE EXISTS (SELECT FROM casesync_internal.triggers_to_make(t))
			OR EXISTS (SELECT FROM casesync_internal.triggers_to_enable(t))))
$$;
COMMENT ON FUNCTION casesync_internal.trackings_lock(casesync_internal.tracking[]) IS
	'locks the tables of trackings whose triggers have to be made';

/* Nothing is done where nothing differs. What is dropped keeps readers out, so it comes last. */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_attach(tracking casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	making text;
BEGIN
	PERFORM casesync_internal.trackings_lock(ARRAY[tracking]);
	PERFORM casesync_internal.triggers_clear(tracking);
	FOR making IN SELECT m.statement FROM casesync_internal.triggers_to_make(tracking) m LOOP
		EXECUTE making;
	END LOOP;
	FOR making IN SELECT e.statement FROM casesync_internal.triggers_to_enable(tracking) e LOOP
		EXECUTE making;
	END LOOP;
	PERFORM casesync_internal.tracking_detach(tracking);
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_attach(casesync_internal.tracking) IS
	'makes the triggers of a tracking what they should be';
