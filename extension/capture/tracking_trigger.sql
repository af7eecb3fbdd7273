/* The triggers of a tracking: which, on which tables and columns; put on and taken off. */

/* ---- columns and filters ---- */
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

CREATE OR REPLACE FUNCTION casesync_internal.column_filter(relation regclass, columns name[])
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/*
	 * A condition that is true when a column differs; NULL when the trigger has to compare by
	 * itself: "=" would fetch long values that the update did not touch, it may call different
	 * values equal (two boxes are when their areas are), and json has none. So it decides only
	 * for short types whose "=" means equal to the last byte, as their B-tree support knows.
	 */
	SELECT CASE WHEN bool_and(is_short AND is_exact) THEN
			string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', attname), ' OR '
				ORDER BY attnum) END
	FROM (SELECT attname, attnum,
			a.attlen > 0 OR a.atttypid = 'varchar'::regtype
				AND a.atttypmod BETWEEN 0 AND 484 AS is_short,
			t.typtype = 'e'
				OR a.atttypid = 'varchar'::regtype AND l.collisdeterministic
				OR EXISTS (SELECT FROM pg_opclass o
					JOIN pg_amproc p ON p.amprocfamily = o.opcfamily
						AND p.amproclefttype = o.opcintype
						AND p.amprocrighttype = o.opcintype AND p.amprocnum = 4
					WHERE o.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree')
						AND o.opcdefault AND o.opcintype = a.atttypid
						AND p.amproc = 'btequalimage(oid)'::regprocedure) AS is_exact
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = relation AND a.attname = ANY (columns)) c
$$;
COMMENT ON FUNCTION casesync_internal.column_filter(regclass, name[]) IS
	'the WHEN of an update trigger for these columns, NULL when the trigger has to compare';

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

/* UNION and not UNION ALL: a table may inherit from two of the family. */
CREATE OR REPLACE FUNCTION casesync_internal.table_family(relation regclass)
RETURNS TABLE (member regclass, is_root boolean, kind "char")
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE family(member) AS (
		SELECT relation::oid
		UNION
		SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.member
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
 * The condition is parsed and written out anew each time, for the columns as they are called now;
 * and what is executed is never a text that came from outside. An update matters when the row did
 * before it or does after it: else a row that leaves the condition would leave unseen.
 */
CREATE OR REPLACE FUNCTION casesync_internal.trigger_statement(tracking casesync_internal.tracking,
	member regclass, trigger name, event text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filters text[] := '{}';
	written record;
BEGIN
	IF event = 'truncate' THEN
		RETURN format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
			'EXECUTE FUNCTION casesync_internal.refuse_truncate(%L)', trigger, member, tracking.id);
	END IF;
	IF event = 'update' THEN
		filters := filters || casesync_internal.column_filter(tracking.relation, tracking.columns);
	END IF;
	IF tracking.condition IS NOT NULL THEN
		written := casesync_internal.row_expression(tracking.relation, 'condition',
			tracking.condition, 'pg_catalog, pg_temp');
		filters := filters || CASE event WHEN 'insert' THEN written.new_row
			WHEN 'delete' THEN written.old_row
			ELSE format('(%s) OR (%s)', written.old_row, written.new_row) END;
	END IF;
	filters := array_remove(filters, NULL);
	RETURN format('CREATE TRIGGER %I AFTER %s ON %s FOR EACH ROW %sEXECUTE FUNCTION '
		'casesync_internal.capture_change(%L)', trigger, upper(event), member,
		CASE WHEN cardinality(filters) > 0
			THEN format('WHEN ((%s)) ', array_to_string(filters, ') AND (')) ELSE '' END,
		tracking.id);
END
$$;
COMMENT ON FUNCTION casesync_internal.trigger_statement(casesync_internal.tracking, regclass, name,
	text) IS
	'the CREATE TRIGGER of one trigger of a tracking';

/*
 * By name and function on whatever table of one's own: also on partitions that were detached since.
 * A trigger that somebody else has given such a name is his.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_detach(tracking_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_trigger record;
BEGIN
	FOR found_trigger IN
		SELECT tgrelid::regclass AS member, tgname FROM pg_trigger
			WHERE tgparentid = 0 AND NOT tgisinternal
				AND tgfoid IN ('casesync_internal.capture_change()'::regprocedure,
					'casesync_internal.refuse_truncate()'::regprocedure)
				AND tgname ~ format('^casesync_%s_[a-z]+$', tracking_id)
				AND casesync_internal.owns(tgrelid)
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', found_trigger.tgname, found_trigger.member);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_detach(integer) IS
	'drops the triggers of a tracking';

CREATE OR REPLACE FUNCTION casesync_internal.trigger_make(statement text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_trigger_make';
COMMENT ON FUNCTION casesync_internal.trigger_make(text) IS
	'a CREATE TRIGGER whose types mean what they mean now, also if it has to wait for its table';

/*
 * All anew: events, columns and condition may be others than those they were made for. Enabled one
 * by one, with ONLY: whether copies on partitions follow differs between versions of the server.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_attach(tracking casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed record;
BEGIN
	PERFORM casesync_internal.tracking_detach(tracking.id);
	FOR needed IN SELECT * FROM casesync_internal.tracking_triggers(tracking) WHERE is_made LOOP
		PERFORM casesync_internal.trigger_make(casesync_internal.trigger_statement(tracking,
			needed.member, needed.trigger, needed.event));
	END LOOP;
	IF tracking.replicated THEN
		FOR needed IN SELECT * FROM casesync_internal.tracking_triggers(tracking) LOOP
			EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', needed.member,
				needed.trigger);
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_attach(casesync_internal.tracking) IS
	'makes the triggers of a tracking anew';
