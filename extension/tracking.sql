/* What is tracked, and the triggers that do it. Functions run with their caller's rights. */

CREATE SEQUENCE casesync.tracking_id AS integer;
COMMENT ON SEQUENCE casesync.tracking_id IS 'numbers of trackings';

CREATE TABLE casesync.tracking (
	id integer PRIMARY KEY,
	relation regclass NOT NULL,
	registries text[] NOT NULL,
	key text NOT NULL,
	key_columns name[] NOT NULL,
	key_is_column boolean NOT NULL,
	on_insert text,
	on_update text,
	on_delete text,
	columns name[] NOT NULL CHECK (cardinality(columns) > 0),
	condition text,
	subjects text,
	replicated boolean NOT NULL DEFAULT false,
	enabled boolean NOT NULL DEFAULT true,
	stopped_gap bigint,
	removed boolean NOT NULL DEFAULT false,
	key_query text,
	key_labels name[] NOT NULL,
	key_numbers smallint[] NOT NULL,
	column_numbers smallint[] NOT NULL,
	ignored name[],
	relation_name text NOT NULL,
	place text NOT NULL
);
COMMENT ON TABLE casesync.tracking IS 'tracked tables: what makes which event of which registries';
COMMENT ON COLUMN casesync.tracking.key IS 'a column, or an expression over key_labels';
COMMENT ON COLUMN casesync.tracking.key_query IS
	'for an expression: the query that makes the subject key of a change''s key ($1)';
COMMENT ON COLUMN casesync.tracking.subjects IS
	'query giving subject keys for a key ($1, text), to be run as the table''s owner';
COMMENT ON COLUMN casesync.tracking.enabled IS 'false: untracked, but the definition is kept';
COMMENT ON COLUMN casesync.tracking.removed IS
	'untracked for good; the row stays until the log has no change that needs it';
COMMENT ON COLUMN casesync.tracking.stopped_gap IS 'the gap of stop_capture(), until start_capture()';
COMMENT ON COLUMN casesync.tracking.ignored IS
	'the columns left out of a tracking of whole rows; NULL when columns were named';
COMMENT ON COLUMN casesync.tracking.place IS
	'cluster, database and table in which the column numbers are true';
CREATE TRIGGER cache_reset AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON casesync.tracking
	FOR EACH STATEMENT EXECUTE FUNCTION casesync.cache_reset();

CREATE SEQUENCE casesync.gap_id;
COMMENT ON SEQUENCE casesync.gap_id IS 'numbers of gaps';

CREATE TABLE casesync.gap (
	id bigint PRIMARY KEY DEFAULT nextval('casesync.gap_id'),
	tracking integer,
	relation regclass,
	registries text[] NOT NULL,
	reason text NOT NULL,
	who name NOT NULL,
	started timestamptz NOT NULL,
	ended timestamptz,
	filled timestamptz
);
COMMENT ON TABLE casesync.gap IS 'times in which changes of tracked tables were not recorded';
COMMENT ON COLUMN casesync.gap.filled IS 'when partners were given again what the gap had hidden';

SELECT pg_catalog.pg_extension_config_dump('casesync.tracking_id', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.tracking', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.gap_id', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.gap', '');

/* ---- the triggers ---------------------------------------------------------------------------- */

CREATE FUNCTION casesync.capture_change() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casesync_capture_change';
COMMENT ON FUNCTION casesync.capture_change() IS
	'trigger of tracked tables: records the change; its argument is the number of the tracking';
CREATE FUNCTION casesync.refuse_truncate() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'casesync_refuse_truncate';
COMMENT ON FUNCTION casesync.refuse_truncate() IS 'trigger of tracked tables: refuses TRUNCATE';
REVOKE ALL ON FUNCTION casesync.capture_change(), casesync.refuse_truncate() FROM PUBLIC;

/* ---- what C does for them -------------------------------------------------------------------- */

CREATE FUNCTION casesync.row_expression(relation regclass, what text, expression text, path text,
		OUT plain text, OUT old_row text, OUT new_row text, OUT columns name[])
	LANGUAGE c STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_row_expression';
COMMENT ON FUNCTION casesync.row_expression(regclass, text, text, text) IS
	'parses a key or condition over a table''s columns and writes it out with full names';
CREATE FUNCTION casesync.renamed_condition(relation regclass, condition text, names name[],
		numbers smallint[]) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_renamed_condition';
COMMENT ON FUNCTION casesync.renamed_condition(regclass, text, name[], smallint[]) IS
	'a condition written when these columns had these names, with the names they have now';
CREATE FUNCTION casesync.subjects_query(query text, path text) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_subjects_query';
COMMENT ON FUNCTION casesync.subjects_query(text, text) IS
	'parses a query for subject keys and writes it out with full names';
CREATE FUNCTION casesync.tracking_place(relation regclass) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_tracking_place';
COMMENT ON FUNCTION casesync.tracking_place(regclass) IS
	'where column numbers of the table are true: cluster, database, table';
CREATE FUNCTION casesync.tracking_write(tracking casesync.tracking) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_tracking_write';
COMMENT ON FUNCTION casesync.tracking_write(casesync.tracking) IS
	'stores a tracking for the owner of its table';
CREATE FUNCTION casesync.gap_begin(trackings integer[], relation regclass, reason text)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_gap_begin';
COMMENT ON FUNCTION casesync.gap_begin(integer[], regclass, text) IS
	'stops trackings for the owner of their tables; gives the number of the gap';
CREATE FUNCTION casesync.gap_end(gap bigint, trackings integer[]) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casesync_gap_end';
COMMENT ON FUNCTION casesync.gap_end(bigint, integer[]) IS
	'lets stopped trackings record again, for the owner of their tables';

CREATE FUNCTION casesync.tracking_id_next() RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN nextval('casesync.tracking_id');
END
$$;
COMMENT ON FUNCTION casesync.tracking_id_next() IS 'a number for a new tracking';

CREATE FUNCTION casesync.unknown_registries(registries text[]) RETURNS text[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT r FROM unnest(registries) r
		WHERE NOT EXISTS (SELECT FROM casesync.registry g WHERE g.registry = r));
END
$$;
COMMENT ON FUNCTION casesync.unknown_registries(text[]) IS 'the names that no registry has';

/* ---- columns and filters --------------------------------------------------------------------- */

CREATE FUNCTION casesync.live_columns(relation regclass) RETURNS name[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION casesync.live_columns(regclass) IS 'the columns of a table, in its order';

CREATE FUNCTION casesync.column_numbers(relation regclass, columns name[]) RETURNS smallint[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing name[] := ARRAY(SELECT c FROM unnest(columns) c
		WHERE c <> ALL (coalesce(casesync.live_columns(relation), '{}')));
BEGIN
	IF cardinality(missing) > 0 THEN
		RAISE EXCEPTION USING errcode = 'undefined_column',
			message = format('table "%s" has no column %s', relation,
				(SELECT string_agg(quote_ident(m), ', ') FROM unnest(missing) m)),
			detail = format('Its columns are %s.', (SELECT string_agg(quote_ident(c), ', ')
				FROM unnest(casesync.live_columns(relation)) c)),
			hint = format('SELECT casesync.untrack(%L); and track it with columns that it has.',
				relation);
	END IF;
	RETURN ARRAY(SELECT attnum FROM unnest(columns) WITH ORDINALITY c(name, place)
		JOIN pg_attribute ON attrelid = relation AND attname = c.name ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION casesync.column_numbers(regclass, name[]) IS
	'the numbers of columns; an error names those that do not exist';

CREATE FUNCTION casesync.column_filter(relation regclass, columns name[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	/*
	 * A condition that is true when a column differs; NULL when the trigger has to compare by
	 * itself: "=" would fetch long values that the update did not touch, it may call different
	 * values equal (two boxes are when their areas are), and json has none. So it decides only
	 * for short types whose "=" means equal to the last byte, as their B-tree support knows.
	 */
	SELECT CASE WHEN bool_and(is_short AND is_exact) THEN
			string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', attname), ' OR ' ORDER BY attnum) END
	FROM (SELECT attname, attnum,
			a.attlen > 0 OR a.atttypid = 'varchar'::regtype AND a.atttypmod BETWEEN 0 AND 484 AS is_short,
			t.typtype = 'e'
				OR a.atttypid = 'varchar'::regtype AND l.collisdeterministic
				OR EXISTS (SELECT FROM pg_opclass o
					JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amproclefttype = o.opcintype
						AND p.amprocrighttype = o.opcintype AND p.amprocnum = 4
					WHERE o.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree')
						AND o.opcdefault AND o.opcintype = a.atttypid
						AND p.amproc = 'btequalimage(oid)'::regprocedure) AS is_exact
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = relation AND a.attname = ANY (columns)) c
$$;
COMMENT ON FUNCTION casesync.column_filter(regclass, name[]) IS
	'the WHEN of an update trigger for these columns, NULL when the trigger has to compare';

CREATE FUNCTION casesync.tracking_events(tracking casesync.tracking) RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
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
COMMENT ON FUNCTION casesync.tracking_events(casesync.tracking) IS
	'the row triggers that a tracking needs';

CREATE FUNCTION casesync.table_family(relation regclass)
	RETURNS TABLE (member regclass, is_root boolean, kind "char")
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE family(member) AS (
		SELECT relation::oid
		UNION
		SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.member
	)
	SELECT c.oid::regclass, c.oid = relation, c.relkind FROM family f JOIN pg_class c ON c.oid = f.member
$$;
COMMENT ON FUNCTION casesync.table_family(regclass) IS
	'a table with its partitions or inheritance children, of all levels';

CREATE FUNCTION casesync.tracking_triggers(tracking casesync.tracking)
	RETURNS TABLE (member regclass, trigger name, event text, is_made boolean)
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	/* PostgreSQL itself copies row triggers to partitions, and nothing else to anybody. */
	SELECT f.member, format('casesync_%s_%s', tracking.id, e.event)::name, e.event,
			f.is_root OR e.event = 'truncate' OR r.relkind <> 'p'
		FROM casesync.table_family(tracking.relation) f
		JOIN pg_class r ON r.oid = tracking.relation,
		unnest(casesync.tracking_events(tracking) || '{truncate}'::text[]) e(event)
$$;
COMMENT ON FUNCTION casesync.tracking_triggers(casesync.tracking) IS
	'the triggers that must exist for a tracking, and which of them casesync makes';

/* ---- putting triggers on and taking them off -------------------------------------------------- */

CREATE FUNCTION casesync.trigger_statement(tracking casesync.tracking, member regclass,
		trigger name, event text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filters text[] := '{}';
	written record;
BEGIN
	IF event = 'truncate' THEN
		RETURN format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
			'EXECUTE FUNCTION casesync.refuse_truncate(%L)', trigger, member, tracking.id);
	END IF;
	IF event = 'update' THEN
		filters := filters || casesync.column_filter(tracking.relation, tracking.columns);
	END IF;
	IF tracking.condition IS NOT NULL THEN
		written := casesync.row_expression(tracking.relation, 'condition', tracking.condition,
			'pg_catalog, pg_temp');
		filters := filters || CASE event WHEN 'insert' THEN written.new_row
			WHEN 'delete' THEN written.old_row
			ELSE format('(%s) OR (%s)', written.old_row, written.new_row) END;
	END IF;
	filters := array_remove(filters, NULL);
	RETURN format('CREATE TRIGGER %I AFTER %s ON %s FOR EACH ROW %sEXECUTE FUNCTION '
		'casesync.capture_change(%L)', trigger, upper(event), member,
		CASE WHEN cardinality(filters) > 0
			THEN format('WHEN ((%s)) ', array_to_string(filters, ') AND (')) ELSE '' END,
		tracking.id);
END
$$;
COMMENT ON FUNCTION casesync.trigger_statement(casesync.tracking, regclass, name, text) IS
	'the CREATE TRIGGER of one trigger of a tracking';

CREATE FUNCTION casesync.tracking_detach(tracking_id integer) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_trigger record;
BEGIN
	FOR found_trigger IN
		SELECT tgrelid::regclass AS member, tgname FROM pg_trigger
			WHERE tgparentid = 0 AND NOT tgisinternal
				AND tgfoid IN ('casesync.capture_change()'::regprocedure,
					'casesync.refuse_truncate()'::regprocedure)
				AND tgname ~ format('^casesync_%s_[a-z]+$', tracking_id)
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', found_trigger.tgname, found_trigger.member);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync.tracking_detach(integer) IS 'drops the triggers of a tracking';

CREATE FUNCTION casesync.tracking_attach(tracking casesync.tracking) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed record;
BEGIN
	PERFORM casesync.tracking_detach(tracking.id);
	FOR needed IN SELECT * FROM casesync.tracking_triggers(tracking) WHERE is_made LOOP
		EXECUTE casesync.trigger_statement(tracking, needed.member, needed.trigger, needed.event);
	END LOOP;
	IF tracking.replicated THEN
		FOR needed IN SELECT * FROM casesync.tracking_triggers(tracking) LOOP
			EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', needed.member,
				needed.trigger);
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync.tracking_attach(casesync.tracking) IS
	'makes the triggers of a tracking anew';

/* ---- what people call ------------------------------------------------------------------------ */

CREATE FUNCTION casesync.relation_must_be_trackable(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class record;
	foreign_member regclass;
BEGIN
	SELECT c.relkind, c.relpersistence, n.nspname, c.relowner INTO class
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
	IF class.relkind IS NULL OR class.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION USING errcode = 'wrong_object_type',
			message = format('"%s" is not a table', relation),
			detail = 'Only tables and partitioned tables can be tracked: views, foreign tables and others have no row triggers that see every change.',
			hint = 'Track the tables behind it: SELECT casesync.track(''a_table'', …);';
	ELSIF class.relpersistence = 't' THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = format('temporary table "%s" cannot be tracked', relation),
			detail = 'It is gone when its session ends.',
			hint = 'Track the permanent table that holds the facts.';
	ELSIF class.relpersistence = 'u' THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = format('unlogged table "%s" cannot be tracked', relation),
			detail = 'A crash empties it without a word, so partners would keep what is gone.',
			hint = format('ALTER TABLE %s SET LOGGED;', relation);
	ELSIF class.nspname IN ('casesync', 'pg_catalog', 'information_schema') THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = format('table "%s" belongs to the system and cannot be tracked', relation),
			detail = format('It is in schema %s.', class.nspname),
			hint = 'Track the tables of the application.';
	ELSIF NOT pg_has_role(class.relowner, 'USAGE') THEN
		RAISE EXCEPTION USING errcode = 'insufficient_privilege',
			message = format('must be owner of table "%s"', relation),
			detail = format('It belongs to role "%s".', class.relowner::regrole),
			hint = format('SET ROLE %s;', class.relowner::regrole);
	END IF;
	SELECT member INTO foreign_member FROM casesync.table_family(relation)
		WHERE kind NOT IN ('r', 'p') LIMIT 1;
	IF foreign_member IS NOT NULL THEN
		RAISE EXCEPTION USING errcode = 'feature_not_supported',
			message = format('table "%s" has a member that is not a local table: "%s"', relation,
				foreign_member),
			detail = 'What others write to a foreign table, no trigger here would see.',
			hint = 'Track the local members one by one.';
	END IF;
END
$$;
COMMENT ON FUNCTION casesync.relation_must_be_trackable(regclass) IS
	'raises an error unless the caller may track the table';

CREATE FUNCTION casesync.track_with(path text, relation regclass, registries text[], key text,
		on_insert text, on_update text, on_delete text, columns name[], ignore name[],
		condition text, subjects text, replicated boolean) RETURNS casesync.tracking
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync.tracking;
	unknown text[];
	needed name[];
	parsed record;
BEGIN
	IF relation IS NULL OR registries IS NULL OR cardinality(registries) = 0 OR key IS NULL THEN
		RAISE EXCEPTION USING errcode = 'null_value_not_allowed',
			message = 'casesync.track needs a relation, at least one registry and a key',
			hint = 'SELECT casesync.track(''enrolment'', ''{my_registry}'', ''person_id'', on_update => ''enrolment_status_change'');';
	END IF;
	PERFORM casesync.relation_must_be_trackable(relation);
	unknown := casesync.unknown_registries(registries);
	IF cardinality(unknown) > 0 THEN
		RAISE EXCEPTION USING errcode = 'undefined_object',
			message = format('registry %s is not published', array_to_string(unknown, ', ')),
			detail = 'A tracking says which published records a table''s changes concern.',
			hint = format('SELECT * FROM casesync.publish(%L, ''a_view'', ''Member'');', unknown[1]);
	END IF;
	IF coalesce(on_insert, on_update, on_delete) IS NULL THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = format('tracking of "%s" makes no event', relation),
			detail = 'None of on_insert, on_update and on_delete names an event type.',
			hint = 'Name one: on_update => ''enrolment_status_change''.';
	END IF;
	IF columns IS NOT NULL AND ignore IS NOT NULL THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = 'columns and ignore exclude each other',
			detail = 'columns names what is tracked, ignore what is left out of the whole row.',
			hint = 'Leave one of them out.';
	END IF;

	t.id := casesync.tracking_id_next();
	t.relation := relation;
	t.relation_name := relation::text;
	t.place := casesync.tracking_place(relation);
	t.registries := registries;
	t.on_insert := casesync.event_name(on_insert);
	t.on_update := casesync.event_name(on_update);
	t.on_delete := casesync.event_name(on_delete);
	t.replicated := coalesce(replicated, false);
	t.enabled := true;
	t.removed := false;

	t.key_is_column := key::name = ANY (casesync.live_columns(relation))
		AND octet_length(key) < 64;
	IF t.key_is_column THEN
		t.key := key;
		t.key_columns := ARRAY[key::name];
	ELSE
		parsed := casesync.row_expression(relation, 'key', key, path);
		t.key := parsed.plain;
		t.key_columns := parsed.columns;
		IF cardinality(t.key_columns) = 0 THEN
			RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
				message = format('key "%s" names no column of "%s"', key, relation),
				detail = 'Every change would concern the same subject.',
				hint = 'Name the column that tells whom a row is about, or an expression over such columns.';
		END IF;
		t.key_is_column := cardinality(t.key_columns) = 1 AND parsed.plain = quote_ident(t.key_columns[1]);
		IF t.key_is_column THEN
			t.key := t.key_columns[1];
		ELSE
			SELECT format('SELECT (%s)::text FROM jsonb_to_record($1::jsonb) AS r(%s)', t.key,
					string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '))
				INTO t.key_query FROM pg_attribute
				WHERE attrelid = relation AND attname = ANY (t.key_columns);
		END IF;
	END IF;
	t.key_labels := t.key_columns;
	t.key_numbers := casesync.column_numbers(relation, t.key_columns);
	needed := t.key_columns;
	IF condition IS NOT NULL THEN
		parsed := casesync.row_expression(relation, 'condition', condition, path);
		t.condition := parsed.plain;
		needed := needed || parsed.columns;
	END IF;
	IF subjects IS NOT NULL THEN
		t.subjects := casesync.subjects_query(subjects, path);
	END IF;

	PERFORM casesync.column_numbers(relation, coalesce(columns, ignore, '{}'));
	IF ignore && needed THEN
		RAISE EXCEPTION USING errcode = 'invalid_parameter_value',
			message = format('column %s cannot be ignored', (SELECT string_agg(quote_ident(c), ', ')
				FROM unnest(ignore) c WHERE c = ANY (needed))),
			detail = 'The key or the condition names it: when it changes, another subject is concerned or the row begins or ceases to matter.',
			hint = 'Leave it out of ignore.';
	END IF;
	IF columns IS NULL THEN
		t.ignored := coalesce(ignore, '{}');
	END IF;
	t.columns := ARRAY(SELECT c FROM unnest(casesync.live_columns(relation)) c
		WHERE CASE WHEN columns IS NULL THEN c <> ALL (t.ignored)
			ELSE c = ANY (columns || needed) END);
	t.column_numbers := casesync.column_numbers(relation, t.columns);

	PERFORM casesync.tracking_write(t);
	PERFORM casesync.tracking_attach(t);
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync.track_with(text, regclass, text[], text, text, text, text, name[],
	name[], text, text, boolean) IS 'track(), with the search path in which to read its texts';

/* No search_path of its own: the key, condition and subjects are read in the caller's. */
CREATE FUNCTION casesync.track(relation regclass, registries text[], key text,
		on_insert text DEFAULT NULL, on_update text DEFAULT NULL, on_delete text DEFAULT NULL,
		columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, condition text DEFAULT NULL,
		subjects text DEFAULT NULL, replicated boolean DEFAULT false) RETURNS casesync.tracking
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
	RETURN casesync.track_with(pg_catalog.current_setting('search_path'), relation, registries, key,
		on_insert, on_update, on_delete, columns, ignore, condition, subjects, replicated);
END
$$;
COMMENT ON FUNCTION casesync.track(regclass, text[], text, text, text, text, name[], name[], text,
	text, boolean) IS 'records changes of a table from now on; gives the tracking with the columns taken';

CREATE FUNCTION casesync.untrack(relation regclass, keep boolean DEFAULT false) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync.tracking;
	done integer := 0;
BEGIN
	FOR t IN SELECT * FROM casesync.tracking g
			WHERE g.relation = untrack.relation AND NOT g.removed AND (g.enabled OR NOT keep)
			ORDER BY id
	LOOP
		t.enabled := false;
		t.removed := NOT keep;
		PERFORM casesync.tracking_write(t);
		PERFORM casesync.tracking_detach(t.id);
		done := done + 1;
	END LOOP;
	RETURN done;
END
$$;
COMMENT ON FUNCTION casesync.untrack(regclass, boolean) IS
	'drops the triggers of a table''s trackings; keep: the definitions stay for retrack()';

CREATE FUNCTION casesync.tracking_refresh(tracking casesync.tracking, relation regclass)
	RETURNS casesync.tracking
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync.tracking := tracking;
BEGIN
	/* Where the numbers are true they find columns that were renamed, and drop dropped ones. */
	IF t.place = casesync.tracking_place(relation) THEN
		t.condition := casesync.renamed_condition(relation, t.condition, t.columns, t.column_numbers);
		t.columns := ARRAY(SELECT attname FROM unnest(t.column_numbers) n
			JOIN pg_attribute ON attrelid = relation AND attnum = n AND NOT attisdropped ORDER BY n);
		t.key_columns := ARRAY(SELECT CASE WHEN attisdropped THEN k.name ELSE attname END
			FROM unnest(t.key_numbers, t.key_columns) WITH ORDINALITY k(number, name, place)
			JOIN pg_attribute ON attrelid = relation AND attnum = k.number ORDER BY k.place);
		IF t.key_is_column THEN
			t.key := t.key_columns[1];
		END IF;
	END IF;
	t.relation := relation;
	t.relation_name := relation::text;
	t.place := casesync.tracking_place(relation);
	t.key_numbers := casesync.column_numbers(relation, t.key_columns);
	IF t.ignored IS NOT NULL THEN
		t.columns := ARRAY(SELECT c FROM unnest(casesync.live_columns(relation)) c
			WHERE c <> ALL (t.ignored));
	END IF;
	t.column_numbers := casesync.column_numbers(relation, t.columns);
	t.enabled := true;
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync.tracking_refresh(casesync.tracking, regclass) IS
	'part of retrack(): the tracking as the table is now';

CREATE FUNCTION casesync.retrack(relation regclass DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync.tracking;
	done integer := 0;
BEGIN
	FOR t IN SELECT * FROM casesync.tracking g
			WHERE NOT g.removed AND (g.relation = retrack.relation
				OR g.relation_name = retrack.relation::text
				OR retrack.relation IS NULL AND EXISTS (SELECT FROM pg_class c
					WHERE c.oid = g.relation AND pg_has_role(c.relowner, 'USAGE')))
			ORDER BY id
	LOOP
		t := casesync.tracking_refresh(t, coalesce(retrack.relation, t.relation));
		PERFORM casesync.relation_must_be_trackable(t.relation);
		PERFORM casesync.tracking_write(t);
		PERFORM casesync.tracking_attach(t);
		done := done + 1;
	END LOOP;
	RETURN done;
END
$$;
COMMENT ON FUNCTION casesync.retrack(regclass) IS
	'makes the triggers of a table''s trackings anew, for the table as it is now; if NULL, of all tables that the caller owns';

/* ---- gaps: times in which changes were not recorded ------------------------------------------ */

CREATE FUNCTION casesync.stop_capture(reason text, relation regclass DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trackings integer[] := ARRAY(SELECT id FROM casesync.tracking t
		WHERE NOT t.removed AND t.stopped_gap IS NULL
			AND (stop_capture.relation IS NULL OR t.relation = stop_capture.relation));
BEGIN
	IF reason IS NULL OR reason = '' THEN
		RAISE EXCEPTION USING errcode = 'null_value_not_allowed',
			message = 'casesync.stop_capture needs a reason',
			hint = 'SELECT casesync.stop_capture(''why'');';
	END IF;
	IF cardinality(trackings) = 0 THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = CASE WHEN relation IS NULL THEN 'no table is being captured'
				ELSE format('table "%s" is not being captured', relation) END,
			detail = 'It is not tracked, or its capture was stopped before.',
			hint = 'SELECT * FROM casesync.tracked;';
	END IF;
	RETURN casesync.gap_begin(trackings, relation, reason);
END
$$;
COMMENT ON FUNCTION casesync.stop_capture(text, regclass) IS
	'stops recording changes of a table, or of all; waits for nobody; gives the number of the gap';

CREATE FUNCTION casesync.gap_hint(gap bigint, registry text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('Subjects of registry %I may have changed unseen; to look at all of them again: SELECT casesync.fill_gap(%s);',
		registry, gap)
$$;
COMMENT ON FUNCTION casesync.gap_hint(bigint, text) IS 'how a gap is filled';

CREATE FUNCTION casesync.start_capture(gap bigint) RETURNS TABLE (registry text, hint text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trackings integer[] := ARRAY(SELECT id FROM casesync.tracking
		WHERE stopped_gap = start_capture.gap ORDER BY id);
	member regclass;
BEGIN
	IF cardinality(trackings) = 0 THEN
		RAISE EXCEPTION USING errcode = 'object_not_in_prerequisite_state',
			message = format('capture is not stopped by gap %s', gap),
			detail = 'There is no such gap, or its capture was started before.',
			hint = 'SELECT * FROM casesync.gaps;';
	END IF;
	/* Who is writing now goes on with what it knew; behind these locks nobody does. */
	FOR member IN SELECT DISTINCT f.member::oid FROM casesync.tracking t,
			casesync.table_family(t.relation) f WHERE t.id = ANY (trackings) ORDER BY 1
	LOOP
		EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', member);
	END LOOP;
	PERFORM casesync.gap_end(gap, trackings);
	RETURN QUERY SELECT r, casesync.gap_hint(g.gap, r)
		FROM casesync.gaps g, unnest(g.registries) r WHERE g.gap = start_capture.gap ORDER BY r;
END
$$;
COMMENT ON FUNCTION casesync.start_capture(bigint) IS
	'records changes again; gives the registries whose subjects may have changed meanwhile';

CREATE FUNCTION casesync.gap_found(change casesync.change) RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	why CONSTANT text := 'casesync.capture was off';
	found_gap bigint;
BEGIN
	/* A bulk job of many transactions is one gap, not a thousand. */
	SELECT g.id INTO found_gap FROM casesync.gap g
		WHERE g.tracking = change.tracking AND g.reason = why AND g.who = change."session_user"
			AND g.filled IS NULL
			AND change.at BETWEEN g.started - interval '1 hour' AND g.ended + interval '1 hour'
		ORDER BY g.id DESC LIMIT 1;
	IF found_gap IS NOT NULL THEN
		UPDATE casesync.gap g SET started = least(g.started, change.at),
				ended = greatest(g.ended, change.at)
			WHERE g.id = found_gap AND change.at NOT BETWEEN g.started AND g.ended;
		RETURN found_gap;
	END IF;
	INSERT INTO casesync.gap (tracking, relation, registries, reason, who, started, ended)
		SELECT t.id, t.relation, t.registries, why, change."session_user", change.at, change.at
		FROM casesync.tracking t WHERE t.id = change.tracking
		RETURNING id INTO found_gap;
	RETURN found_gap;
END
$$;
COMMENT ON FUNCTION casesync.gap_found(casesync.change) IS
	'for the router: keeps a change of operation G as a gap; gives its number, NULL for an unknown tracking';

CREATE VIEW casesync.gaps AS
	SELECT g.id AS gap, coalesce(g.relation::text, 'all tables') AS relation, g.registries, g.reason,
		g.who, g.started, g.ended, g.filled,
		CASE WHEN g.filled IS NOT NULL THEN 'filled' WHEN g.ended IS NULL THEN 'open'
			ELSE 'to be filled' END AS state,
		CASE WHEN g.filled IS NOT NULL THEN NULL
			WHEN g.ended IS NULL THEN format('SELECT * FROM casesync.start_capture(%s);', g.id)
			ELSE (SELECT string_agg(casesync.gap_hint(g.id, r), E'\n' ORDER BY r)
				FROM unnest(g.registries) r) END AS hint
	FROM casesync.gap g;
COMMENT ON VIEW casesync.gaps IS 'times in which changes were not recorded, and what to do about them';

/* ---- drift ------------------------------------------------------------------------------------ */

CREATE FUNCTION casesync.trigger_drift(tracking casesync.tracking) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN t.oid IS NULL AND NOT n.is_made
				THEN format('partition "%s" lacks trigger %s', n.member, n.trigger)
			WHEN t.oid IS NULL THEN format('table "%s" lacks trigger %s', n.member, n.trigger)
			WHEN t.tgenabled = 'D' THEN format('trigger %s of table "%s" is disabled', n.trigger, n.member)
			WHEN t.tgenabled = 'R' THEN format('trigger %s of table "%s" fires only for replicated rows',
				n.trigger, n.member)
			ELSE format('trigger %s of table "%s" does not fire for rows that replication brings',
				n.trigger, n.member) END
	FROM casesync.tracking_triggers(tracking) n
	LEFT JOIN pg_trigger t ON t.tgrelid = n.member AND t.tgname = n.trigger
		AND t.tgfoid IN ('casesync.capture_change()'::regprocedure,
			'casesync.refuse_truncate()'::regprocedure)
	WHERE t.oid IS NULL OR t.tgenabled IN ('D', 'R')
		OR t.tgenabled <> 'A' AND n.event <> 'truncate' AND (tracking.replicated
			OR EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = n.member))
	UNION ALL
	SELECT format('table "%s" has trigger %s and is no part of the tracked table', t.tgrelid::regclass, t.tgname)
	FROM pg_trigger t
	WHERE t.tgfoid = 'casesync.capture_change()'::regprocedure AND t.tgparentid = 0
		AND t.tgname ~ format('^casesync_%s_[a-z]+$', tracking.id)
		AND NOT EXISTS (SELECT FROM casesync.table_family(tracking.relation) f WHERE f.member = t.tgrelid)
	ORDER BY 1
$$;
COMMENT ON FUNCTION casesync.trigger_drift(casesync.tracking) IS
	'triggers of a tracking that are missing or do not fire';

CREATE FUNCTION casesync.column_drift(tracking casesync.tracking) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('column "%s" was dropped', c.name)
		FROM unnest(tracking.column_numbers, tracking.columns) c(number, name)
		JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = c.number
		WHERE a.attisdropped AND tracking.place = casesync.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" is now called "%s"', c.name, a.attname)
		FROM unnest(tracking.column_numbers, tracking.columns) c(number, name)
		JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = c.number
		WHERE NOT a.attisdropped AND a.attname <> c.name
			AND tracking.place = casesync.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" does not exist', c)
		FROM unnest(tracking.columns) c
		WHERE c <> ALL (casesync.live_columns(tracking.relation))
			AND tracking.place <> casesync.tracking_place(tracking.relation)
	UNION ALL
	SELECT format('column "%s" is not tracked yet', c)
		FROM unnest(casesync.live_columns(tracking.relation)) c
		WHERE c <> ALL (tracking.columns) AND c <> ALL (tracking.ignored)
			AND NOT EXISTS (SELECT FROM unnest(tracking.column_numbers) n
				JOIN pg_attribute a ON a.attrelid = tracking.relation AND a.attnum = n
				WHERE a.attname = c AND tracking.place = casesync.tracking_place(tracking.relation))
$$;
COMMENT ON FUNCTION casesync.column_drift(casesync.tracking) IS
	'columns of a tracking that are not what they were';

/* It reads catalogs only; with its owner's rights, so that who may see the view sees it whole. */
CREATE FUNCTION casesync.tracking_drift(tracking casesync.tracking) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
	IF tracking.stopped_gap IS NOT NULL THEN
		drift := drift || format('capture is stopped by gap %s', tracking.stopped_gap);
	END IF;
	RETURN drift || ARRAY(SELECT * FROM casesync.trigger_drift(tracking))
		|| ARRAY(SELECT * FROM casesync.column_drift(tracking));
END
$$;
COMMENT ON FUNCTION casesync.tracking_drift(casesync.tracking) IS
	'what keeps a tracking from recording every change; empty = nothing';

CREATE VIEW casesync.tracked AS
	SELECT t.id AS tracking, t.relation, t.registries, t.key, t.on_insert, t.on_update, t.on_delete,
		t.columns, t.condition, t.subjects, t.replicated, d.drift,
		CASE WHEN cardinality(d.drift) = 0 THEN NULL
			WHEN t.stopped_gap IS NOT NULL AND cardinality(d.drift) = 1
				THEN format('SELECT * FROM casesync.start_capture(%s);', t.stopped_gap)
			WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relation)
				THEN format('SELECT casesync.retrack(%L);', t.relation)
			WHEN to_regclass(t.relation_name) IS NOT NULL
				THEN format('SELECT casesync.retrack(%L);', t.relation_name)
			ELSE format('SELECT casesync.untrack(%L);', t.relation) END AS hint
	FROM casesync.tracking t, casesync.tracking_drift(t) AS d(drift)
	WHERE NOT t.removed;
COMMENT ON VIEW casesync.tracked IS
	'tracked tables; drift: what keeps changes from being recorded, and how to mend it';
