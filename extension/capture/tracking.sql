/*
 * What is tracked, and how people say so: track(), untrack(), retrack(). Functions run with their
 * caller's rights; the triggers themselves are put on in tracking_trigger.sql.
 */
CREATE OR REPLACE TRIGGER cache_reset AFTER INSERT OR UPDATE
	OR DELETE OR TRUNCATE ON casesync_internal.tracking
	FOR EACH STATEMENT EXECUTE FUNCTION casesync_internal.cache_reset();
/* ---- the triggers ---------------------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION casesync_internal.capture_change()
RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'casesync_capture_change';
COMMENT ON FUNCTION casesync_internal.capture_change() IS
	'trigger of tracked tables: records the change; its argument is the number of the tracking';

CREATE OR REPLACE FUNCTION casesync_internal.refuse_truncate()
RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'casesync_refuse_truncate';
COMMENT ON FUNCTION casesync_internal.refuse_truncate() IS
	'trigger of tracked tables: refuses TRUNCATE';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_place(relation regclass)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_tracking_place';
COMMENT ON FUNCTION casesync_internal.tracking_place(regclass) IS
	'where column numbers of the table are true: cluster, database, table';

/* With the owner's rights, for names only: who tracks a table need not see all registries. */
CREATE OR REPLACE FUNCTION casesync_internal.unknown_registries(registries text[])
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT r FROM unnest(registries) r
		WHERE NOT EXISTS (SELECT FROM casesync_internal.registry g WHERE g.registry = r));
END
$$;
COMMENT ON FUNCTION casesync_internal.unknown_registries(text[]) IS
	'the names that no registry has';
/* ---- what people call ------------------------------------------------------------------------ */

/* An error now rather than a silent hole in what partners are told. */
CREATE OR REPLACE FUNCTION casesync_internal.members_must_be_local(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	foreign_member regclass;
BEGIN
	SELECT member INTO foreign_member FROM casesync_internal.table_family(relation)
		WHERE kind NOT IN ('r', 'p') LIMIT 1;
	IF foreign_member IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'feature_not_supported',
			message => format('table "%s" has a member that is not a local table: "%s"', relation,
				foreign_member),
			detail => 'What others write to a foreign table, no trigger here would see.',
			hint => 'Track the local members one by one.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.members_must_be_local(regclass) IS
	'raises an error when a partition or child of the table lies elsewhere';

CREATE OR REPLACE FUNCTION casesync_internal.relation_must_be_table(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class record;
BEGIN
	SELECT c.relkind, c.relpersistence, n.nspname INTO class
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
	IF class.relkind IS NULL OR class.relkind NOT IN ('r', 'p') THEN
		PERFORM casesync_internal.raise_error(errcode => 'wrong_object_type',
			message => format('"%s" is not a table', relation),
			detail => 'Only tables and partitioned tables can be tracked: views, foreign tables '
				'and others have no row triggers that see every change.',
			hint => 'Track the tables behind it: SELECT casesync.track(''a_table'', …);');
	ELSIF class.relpersistence = 't' THEN
		PERFORM casesync_internal.raise_error(errcode => 'feature_not_supported',
			message => format('temporary table "%s" cannot be tracked', relation),
			detail => 'It is gone when its session ends.',
			hint => 'Track the permanent table that holds the facts.');
	ELSIF class.relpersistence = 'u' THEN
		PERFORM casesync_internal.raise_error(errcode => 'feature_not_supported',
			message => format('unlogged table "%s" cannot be tracked', relation),
			detail => 'A crash empties it without a word, so partners would keep what is gone.',
			hint => format('ALTER TABLE %s SET LOGGED;', relation));
	ELSIF class.nspname IN ('casesync', 'casesync_internal', 'pg_catalog', 'information_schema')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'feature_not_supported',
			message => format('table "%s" belongs to the system and cannot be tracked', relation),
			detail => format('It is in schema %s.', class.nspname),
			hint => 'Track the tables of the application.');
	END IF;
	PERFORM casesync_internal.members_must_be_local(relation);
END
$$;
COMMENT ON FUNCTION casesync_internal.relation_must_be_table(regclass) IS
	'raises an error unless the relation is a table of a kind that can be tracked';

CREATE OR REPLACE FUNCTION casesync_internal.refuse_table(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner regrole := (SELECT c.relowner FROM pg_class c WHERE c.oid = relation);
BEGIN
	PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
		message => format('must be owner of table "%s"', relation),
		detail => format('It belongs to role "%s".', owner),
		hint => format('SET ROLE %s;', owner));
END
$$;
COMMENT ON FUNCTION casesync_internal.refuse_table(regclass) IS
	'the error that says whose a table is';

/* Before the caller's texts are read: that runs functions with the rights of the table's owner. */
CREATE OR REPLACE FUNCTION casesync_internal.relation_must_be_trackable(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.relation_must_be_table(relation);
	IF NOT casesync_internal.owns(relation) THEN
		PERFORM casesync_internal.refuse_table(relation);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.relation_must_be_trackable(regclass) IS
	'raises an error unless the caller may track the table';

CREATE OR REPLACE FUNCTION casesync_internal.track_check(t casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text[];
BEGIN
	IF t.relation IS NULL OR coalesce(cardinality(t.registries), 0) = 0 OR t.key IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'track() needs a relation, at least one registry and a key',
			hint => 'SELECT casesync.track(''enrolment'', ''{my_registry}'', ''person_id'', '
				'on_update => ''enrolment_status_change'');');
	END IF;
	PERFORM casesync_internal.relation_must_be_trackable(t.relation);
	unknown := casesync_internal.unknown_registries(t.registries);
	IF cardinality(unknown) > 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('registry %s is not published', array_to_string(unknown, ', ')),
			detail => 'A tracking says which published records a table''s changes concern.',
			hint => format('SELECT * FROM casesync.publish(%L, ''a_view'', ''Member'');',
				unknown[1]));
	END IF;
	IF coalesce(t.on_insert, t.on_update, t.on_delete) IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('tracking of "%s" makes no event', t.relation),
			detail => 'None of on_insert, on_update and on_delete names an event type.',
			hint => 'Name one: on_update => ''enrolment_status_change''.');
	END IF;
	IF t.columns IS NOT NULL AND t.ignored IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'columns and ignore exclude each other',
			detail => 'columns names what is tracked, ignore what is left out of the whole row.',
			hint => 'Leave one of them out.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.track_check(casesync_internal.tracking) IS
	'part of track(): what it was given can be tracked by the caller, or an error';

/*
 * A column is told from an expression by its name, since the log then holds the plain key, which
 * routing and erase() find without running anything. An expression is stored as the server wrote it
 * out, and worked out at routing: a trigger must not run anybody's SQL.
 */
CREATE OR REPLACE FUNCTION casesync_internal.track_key(t casesync_internal.tracking, path text)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parsed record;
BEGIN
	/* A longer text would be cut to a name, and might by chance be that of a column. */
	t.key_is_column := t.key::name = ANY (casesync_internal.live_columns(t.relation))
		AND octet_length(t.key) < 64;
	t.key_columns := ARRAY[t.key::name];
	IF NOT t.key_is_column THEN
		parsed := casesync_internal.row_expression(t.relation, 'key', t.key, path);
		IF cardinality(parsed.columns) = 0 THEN
			PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
				message => format('key "%s" names no column of "%s"', t.key, t.relation),
				detail => 'Every change would concern the same subject.',
				hint => 'Name the column that tells whom a row is about, or an expression over '
					'such columns.');
		END IF;
		t.key := parsed.plain;
		t.key_columns := parsed.columns;
		t.key_is_column := cardinality(t.key_columns) = 1
			AND t.key = quote_ident(t.key_columns[1]);
	END IF;
	IF t.key_is_column THEN
		t.key := t.key_columns[1];
		PERFORM casesync_internal.key_must_be_text(t.relation, a.attname, a.atttypid)
		   FROM pg_attribute a WHERE a.attrelid = t.relation AND a.attname = t.key;
	END IF;
	t.key_labels := t.key_columns;
	t.key_query := casesync_internal.tracking_key_query(t);
	t.key_numbers := casesync_internal.column_numbers(t.relation, t.key_columns);
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync_internal.track_key(casesync_internal.tracking, text) IS
	'part of track(): the key as a column, or as an expression with the query that evaluates it';

/*
 * Columns of key and condition always count: a change of theirs moves a row from one subject to
 * another, or in or out of what matters. Columns that the table gets later count where whole rows
 * do (ignored is not NULL), from retrack() on.
 */
CREATE OR REPLACE FUNCTION casesync_internal.track_columns(t casesync_internal.tracking,
	needed name[])
RETURNS casesync_internal.tracking
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named constant name[] := t.columns;
BEGIN
	PERFORM casesync_internal.column_numbers(t.relation, coalesce(named, t.ignored, '{}'));
	IF t.ignored && needed THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('column %s cannot be ignored',
				(SELECT string_agg(quote_ident(c), ', ')
				FROM unnest(t.ignored) c WHERE c = ANY (needed))),
			detail => 'The key or the condition names it: when it changes, another subject is '
				'concerned or the row begins or ceases to matter.',
			hint => 'Leave it out of ignore.');
	END IF;
	IF named IS NULL THEN
		t.ignored := coalesce(t.ignored, '{}');
	END IF;
	/* Those of the key and the condition count always: with them the subject changes. */
	t.columns := ARRAY(SELECT c FROM unnest(casesync_internal.live_columns(t.relation)) c
		WHERE CASE WHEN named IS NULL THEN c <> ALL (t.ignored)
			ELSE c = ANY (named || needed) END);
	t.column_numbers := casesync_internal.column_numbers(t.relation, t.columns);
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync_internal.track_columns(casesync_internal.tracking, name[]) IS
	'part of track(): the columns whose changes count, of those named or of all but the ignored';

/*
 * The row first and the triggers last: a trigger that fires without its tracking is an error for
 * the application. CREATE TRIGGER locks the table until this commits, so no change falls in
 * between.
 */
CREATE OR REPLACE FUNCTION casesync_internal.track_with(path text, relation regclass,
	registries text[], key text, on_insert text, on_update text, on_delete text, columns name[],
	ignore name[], condition text, subjects text, replicated boolean)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	needed name[];
	parsed record;
BEGIN
	t.relation := relation;
	t.registries := registries;
	t.key := key;
	t.on_insert := casesync_internal.event_name(on_insert);
	t.on_update := casesync_internal.event_name(on_update);
	t.on_delete := casesync_internal.event_name(on_delete);
	t.columns := columns;
	t.ignored := ignore;
	t.replicated := coalesce(replicated, false);
	PERFORM casesync_internal.track_check(t);
	t.enabled := true;
	t.removed := false;
	t := casesync_internal.track_key(t, path);
	needed := t.key_columns;
	IF condition IS NOT NULL THEN
		parsed := casesync_internal.row_expression(relation, 'condition', condition, path);
		t.condition := parsed.plain;
		needed := needed || parsed.columns;
	END IF;
	IF subjects IS NOT NULL THEN
		t.subjects := casesync_internal.subjects_query(relation, subjects, path);
	END IF;
	t := casesync_internal.track_columns(t, needed);
	t.id := casesync_internal.tracking_store(t);
	PERFORM casesync_internal.tracking_attach(t);
	PERFORM casesync_internal.capture_mended(t.id);
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync_internal.track_with(text, regclass, text[], text, text, text, text,
	name[], name[], text, text, boolean) IS
	'track(), with the search path in which to read its texts';

CREATE OR REPLACE FUNCTION casesync_internal.track_said(t casesync_internal.tracking)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('changes of %s (%s) are captured for %s; the subject is %s', t.relation,
		array_to_string(t.columns, ', '), array_to_string(t.registries, ', '), t.key)
		|| casesync_internal.unknown_events(ARRAY[t.on_insert, t.on_update, t.on_delete])
$$;
COMMENT ON FUNCTION casesync_internal.track_said(casesync_internal.tracking) IS
	'what track() answers';

/*
 * The row stays, as removed, while the log still has changes of it: see empty_change_leaves(). Its
 * triggers go in the same transaction, behind whose lock nobody writes with them any more.
 */
CREATE OR REPLACE FUNCTION casesync.untrack(relation regclass, keep boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	done integer := 0;
BEGIN
	PERFORM casesync_internal.relation_must_be_tracked(relation);
	FOR t IN SELECT * FROM casesync_internal.tracking g
			WHERE g.relation = untrack.relation AND NOT g.removed AND (g.enabled OR NOT keep)
			ORDER BY id
	LOOP
		t.enabled := false;
		t.removed := NOT keep;
		PERFORM casesync_internal.tracking_store(t);
		PERFORM casesync_internal.tracking_detach(t);
		PERFORM casesync_internal.unseen_detach(t);
		done := done + 1;
	END LOOP;
	RETURN done;
END
$$;
COMMENT ON FUNCTION casesync.untrack(regclass, boolean) IS
	'drops the triggers of a table''s trackings; keep: the definitions stay for retrack()';

/*
 * By number where the table is the one that the numbers are of, else by name: after a restore the
 * numbers are another table's. The condition first, while columns still has the names it was
 * written with.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_refresh(tracking casesync_internal.tracking,
	relation regclass)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking := tracking;
	written record;
BEGIN
	/* Where the numbers are true they find columns that were renamed, and drop dropped ones. */
	IF t.place = casesync_internal.tracking_place(relation) THEN
		written := casesync_internal.tracking_written(t.id);
		t.condition := coalesce(written.condition, casesync_internal.renamed_condition(relation,
			t.condition, t.columns, t.column_numbers));
		t.key := coalesce(written.key, t.key);
		t.subjects := coalesce(written.subjects, t.subjects);
		t.columns := ARRAY(SELECT attname FROM unnest(t.column_numbers) n
			JOIN pg_attribute ON attrelid = relation AND attnum = n AND NOT attisdropped
				ORDER BY n);
		t.key_columns := ARRAY(SELECT CASE WHEN attisdropped THEN k.name ELSE attname END
			FROM unnest(t.key_numbers, t.key_columns) WITH ORDINALITY k(number, name, place)
			JOIN pg_attribute ON attrelid = relation AND attnum = k.number ORDER BY k.place);
		IF t.key_is_column THEN
			t.key := t.key_columns[1];
		END IF;
	END IF;
	t.relation := relation;
	t.key_numbers := casesync_internal.column_numbers(relation, t.key_columns);
	IF t.ignored IS NOT NULL THEN
		t.columns := ARRAY(SELECT c FROM unnest(casesync_internal.live_columns(relation)) c
			WHERE c <> ALL (t.ignored));
	END IF;
	t.column_numbers := casesync_internal.column_numbers(relation, t.columns);
	t.enabled := true;
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_refresh(casesync_internal.tracking, regclass) IS
	'part of retrack(): the tracking as the table is now';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_renew(tracking casesync_internal.tracking,
	relation regclass)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	why text;
BEGIN
	RETURN casesync_internal.tracking_refresh(tracking, relation);
EXCEPTION WHEN invalid_object_definition THEN
	GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
	PERFORM casesync_internal.raise_error(errcode => SQLSTATE,
		message => format('tracking %s of "%s": %s', tracking.id, relation, SQLERRM),
		detail => why,
		hint => format('Its triggers stay as they are. SELECT casesync.untrack(%L); and track it '
			'with a condition over columns, of which one may be GENERATED ALWAYS AS (…) STORED.',
			relation));
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_renew(casesync_internal.tracking, regclass) IS
	'tracking_refresh(); when its condition, taken by an earlier version, is refused by this one, '
	'the error says whose it is';

/*
 * By name too: a table that was dropped and made again is another one, with the same name. Whoever
 * names a table that became another's takes over what its trackings say; without a name nobody
 * does, least of all a superuser.
 */
CREATE OR REPLACE FUNCTION casesync_internal.trackings_named(relation regclass)
RETURNS SETOF casesync_internal.tracking
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT g.* FROM casesync_internal.tracking g
	 WHERE NOT g.removed AND (g.relation = trackings_named.relation
		OR g.relation_name = trackings_named.relation::text
		OR trackings_named.relation IS NULL AND casesync_internal.owns(g.relation)
			AND casesync_internal.author_counts(g.author, g.relation))
	 ORDER BY g.id
$$;
COMMENT ON FUNCTION casesync_internal.trackings_named(regclass) IS
	'the trackings that retrack() of a table is about';

/* All rows first, then the locks of all tables, then the triggers: see tables_lock(). */
CREATE OR REPLACE FUNCTION casesync.retrack(relation regclass DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	renewed casesync_internal.tracking[] := '{}';
	t casesync_internal.tracking;
BEGIN
	IF relation IS NOT NULL THEN
		PERFORM casesync_internal.relation_must_be_tracked(relation);
	END IF;
	FOR t IN SELECT * FROM casesync_internal.trackings_named(relation) LOOP
		t := casesync_internal.tracking_renew(t, coalesce(retrack.relation, t.relation));
		PERFORM casesync_internal.relation_must_be_trackable(t.relation);
		IF NOT casesync_internal.tracking_is_stored(t) THEN
			PERFORM casesync_internal.tracking_store(t);
		END IF;
		renewed := renewed || t;
	END LOOP;
	PERFORM casesync_internal.trackings_lock(renewed);
	FOREACH t IN ARRAY renewed LOOP
		PERFORM casesync_internal.tracking_attach(t);
		PERFORM casesync_internal.capture_mended(t.id);
	END LOOP;
	RETURN cardinality(renewed);
END
$$;
COMMENT ON FUNCTION casesync.retrack(regclass) IS
	'makes the triggers of a table''s trackings anew, for the table as it is now; if NULL, of all '
	'tables that the caller owns';
