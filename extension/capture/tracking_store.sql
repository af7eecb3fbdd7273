/*
 * Storing a tracking for the owner of its table. What track() and its sisters hand over anybody who
 * tracks tables could hand over by himself, so all that others rely on is checked or made here:
 * that the table is there and the caller's, the number, the place, whose it is, what it may feed.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_must_be_own(caller regrole,
	t casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant name := coalesce(casesync_internal.relation_owner(t.relation), t.author);
BEGIN
	IF t.id IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => 'there is no such tracking', hint => 'SELECT * FROM casesync.tracked;');
	ELSIF NOT casesync_internal.acts_as(caller, owner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('must be owner of table "%s"', t.relation_name),
			detail => CASE WHEN owner IS NULL THEN 'It is gone, and whose it was is not known.'
				ELSE format('It belongs to role "%s".', owner) END,
			hint => CASE WHEN owner IS NOT NULL THEN format('SET ROLE %I;', owner) END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_must_be_own(regrole, casesync_internal.tracking) IS
	'an error unless the caller owns a tracking''s table, or did when it was there';

/*
 * Who tracks a table for a registry of his own lets its owner feed it: he has the rights of both.
 */
CREATE OR REPLACE FUNCTION casesync_internal.feed_must_be_let(caller regrole, registry text,
	feeder name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(registry);
	owner constant name := casesync_internal.relation_owner(r.view);
BEGIN
	IF casesync_internal.registry_fed_by(registry, to_regrole(quote_ident(feeder))) THEN
		RETURN;
	ELSIF casesync_internal.acts_as(caller, owner) THEN
		PERFORM casesync_internal.registry_let(registry, feeder);
		RETURN;
	END IF;
	PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
		message => format('tables of role "%s" may not feed registry "%s"', feeder, registry),
		detail => format('It belongs to role "%s", which has not let "%s" make events of it.',
			owner, feeder),
		hint => format('SET ROLE %I; SELECT casesync.grant_registry(%L, %L);', owner, registry,
			feeder));
END
$$;
COMMENT ON FUNCTION casesync_internal.feed_must_be_let(regrole, text, name) IS
	'an error unless tables of a role may feed a registry';

/* Only what is read by others: triggers, router, erase(). What its texts mean is the owner's. */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_check(t casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(cardinality(t.registries), 0) = 0 OR coalesce(cardinality(t.columns), 0) = 0
		OR coalesce(cardinality(t.key_columns), 0) = 0
		OR EXISTS (SELECT FROM unnest(t.registries) r WHERE r IS NULL)
		OR EXISTS (SELECT FROM unnest(t.columns || t.key_columns || t.key_labels) c
			WHERE c IS NULL)
		OR (t.key_is_column AND (cardinality(t.key_columns) <> 1
			OR t.key IS DISTINCT FROM t.key_columns[1]::text OR t.key_query IS NOT NULL))
		OR (NOT t.key_is_column AND t.key_query IS NULL)
		OR cardinality(t.key_labels) IS DISTINCT FROM cardinality(t.key_columns)
		OR coalesce(t.on_insert, t.on_update, t.on_delete) IS NULL
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'this is no tracking',
			detail => 'Registries, key, columns and events do not fit together.',
			hint => 'Let casesync make it: SELECT casesync.track(…);');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_check(casesync_internal.tracking) IS
	'an error for a row that track() cannot have made';

/*
 * Who takes over a table's trackings answers for what they run. A superuser who only mends triggers
 * does not: with SET ROLE he says that he does.
 */
CREATE OR REPLACE FUNCTION casesync_internal.author_of(caller regrole, relation regclass,
	old_author name)
RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN old_author IS NOT NULL
			AND NOT casesync_internal.author_counts(old_author, relation)
			AND r.rolsuper AND r.rolname <> casesync_internal.relation_owner(relation)
		THEN old_author ELSE casesync_internal.relation_owner(relation) END
	  FROM pg_roles r WHERE r.oid = caller
$$;
COMMENT ON FUNCTION casesync_internal.author_of(regrole, regclass, name) IS
	'part of tracking_store(): whose a tracking is, that was another''s before';

/*
 * What runs is what people see as the key: whoever takes over a table's trackings has looked at
 * that. By the names that the key is written with, which are not those of columns renamed since.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_key_query(t casesync_internal.tracking)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT (%s)::text FROM jsonb_to_record($1::jsonb) AS r(%s)', t.key,
		string_agg(format('%I %s', k.label, format_type(a.atttypid, a.atttypmod)), ', '
			ORDER BY k.place))
	  FROM unnest(t.key_labels, t.key_columns) WITH ORDINALITY k(label, name, place)
	  JOIN pg_attribute a ON a.attrelid = t.relation AND a.attname = k.name
	 WHERE NOT t.key_is_column HAVING count(*) > 0
$$;
COMMENT ON FUNCTION casesync_internal.tracking_key_query(casesync_internal.tracking) IS
	'the query that makes the subject key of a change''s key; NULL for a column';

/*
 * Captured is the time of UTC. What a view makes of it by a cast to text is in the time zone of
 * whoever looks, and would find nobody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_key_must_fit(t casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	registry text;
BEGIN
	SELECT r.registry INTO registry FROM casesync_internal.registry r
	  JOIN pg_attribute a ON a.attrelid = t.relation AND a.attname = t.key
	 WHERE t.key_is_column AND t.subjects IS NULL AND r.registry = ANY (t.registries)
	   AND casesync_internal.key_base_type(a.atttypid) = ANY ('{timestamptz,timetz}'::regtype[])
	   AND casesync_internal.key_base_type(r.key_type)
			<> casesync_internal.key_base_type(a.atttypid)
	 LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'datatype_mismatch',
			message => format('key "%s" of %s and the key of registry "%s" are of different types',
				t.key, t.relation, registry),
			detail => 'As text a time is written in the time zone of whoever looks.',
			hint => 'Let the view have the column as it is.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_key_must_fit(casesync_internal.tracking) IS
	'part of tracking_store(): an error for times whose registry has them as something else';

/*
 * Only what can be read now, and a key only while its columns are called as it calls them; key and
 * query only for who wrote them, since reading them may run code. Each with the hash of its text: a
 * tree is not believed beside another one. Without runs_code only those whose reading runs none.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_trees(t casesync_internal.tracking,
	runs_code boolean)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trees text[] := '{NULL,NULL,NULL}';
	source record;
BEGIN
	FOR source IN SELECT * FROM (VALUES (1, 'condition', t.condition),
			(2, 'key', CASE WHEN NOT t.key_is_column AND t.key_columns = t.key_labels
				THEN t.key END),
			(3, 'subjects', t.subjects)) s(place, what, text)
		WHERE s.text IS NOT NULL AND (s.what = 'condition'
			OR runs_code AND casesync_internal.author_counts(t.author, t.relation)) LOOP
		BEGIN
			trees[source.place] := md5(source.text) || casesync_internal.expression_tree(
				t.relation, source.what, source.text);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN trees;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_trees(casesync_internal.tracking, boolean) IS
	'condition, key and subjects of a tracking as trees; NULL: none, or not to be read';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_tree_written(id integer, which integer)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_tracking_tree_written';
COMMENT ON FUNCTION casesync_internal.tracking_tree_written(integer, integer) IS
	'a tree of a tracking (1 condition, 2 key, 3 subjects) by the names that things have now; NULL '
	'when there is none, or it is not true here and now';

/* With the extension's rights, since nobody else reads trees. */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_written(id integer, OUT condition text,
	OUT key text, OUT subjects text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
BEGIN
	SELECT * INTO t FROM casesync_internal.tracking g WHERE g.id = tracking_written.id;
	condition := casesync_internal.tracking_tree_written(t.id, 1);
	subjects := casesync_internal.tracking_tree_written(t.id, 3);
	IF t.key_labels = (SELECT array_agg(a.attname ORDER BY k.place)
			FROM unnest(t.key_numbers) WITH ORDINALITY k(number, place)
			JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = k.number) THEN
		key := casesync_internal.tracking_tree_written(t.id, 2);
	END IF;
EXCEPTION WHEN OTHERS THEN
	condition := NULL; key := NULL; subjects := NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_written(integer) IS
	'condition, key and subjects of a tracking by the names that things have now; NULL: unknown';

/*
 * So that a dump has the names of today, and triggers can read the condition. Nobody is waited for;
 * what cannot be done now is done a minute later. Of a table whose columns were renamed retrack()
 * writes it, which changes their names too.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_rewrite()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	t casesync_internal.tracking;
	written record;
BEGIN
	FOR t IN SELECT * FROM casesync_internal.tracking g WHERE NOT g.removed
			AND (g.condition IS NOT NULL OR g.subjects IS NOT NULL OR NOT g.key_is_column)
			AND g.place = casesync_internal.tracking_place(g.relation)
			AND NOT EXISTS (SELECT FROM casesync_internal.column_drift(g)) LOOP
		BEGIN
			written := casesync_internal.tracking_written(t.id);
			t.trees := CASE WHEN t.trees IS NULL
				THEN casesync_internal.tracking_trees(t, runs_code => false)
				ELSE ARRAY[coalesce(md5(written.condition) || substr(t.trees[1], 33), t.trees[1]),
					coalesce(md5(written.key) || substr(t.trees[2], 33), t.trees[2]),
					coalesce(md5(written.subjects) || substr(t.trees[3], 33), t.trees[3])] END;
			t.condition := coalesce(written.condition, t.condition);
			t.key := coalesce(written.key, t.key);
			t.subjects := coalesce(written.subjects, t.subjects);
			t.key_query := casesync_internal.tracking_key_query(t);
			UPDATE casesync_internal.tracking g SET condition = t.condition, key = t.key,
				key_query = t.key_query, subjects = t.subjects, trees = t.trees
			 WHERE g.id = t.id AND (g.condition, g.key, g.key_query, g.subjects, g.trees)
				IS DISTINCT FROM (t.condition, t.key, t.key_query, t.subjects, t.trees);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_rewrite() IS
	'what trackings say, written by the names that types, labels, functions and tables have now';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_made(caller regrole,
	tracking casesync_internal.tracking, old casesync_internal.tracking)
RETURNS casesync_internal.tracking
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking := tracking;
	owner name;
BEGIN
	PERFORM casesync_internal.tracking_check(t);
	PERFORM casesync_internal.relation_must_be_table(t.relation);
	owner := casesync_internal.relation_owner(t.relation);
	IF NOT casesync_internal.acts_as(caller, owner) THEN
		PERFORM casesync_internal.refuse_table(t.relation);
	END IF;
	t.author := casesync_internal.author_of(caller, t.relation, old.author);
	PERFORM casesync_internal.feed_must_be_let(caller, r, owner)
	   FROM unnest(t.registries) r WHERE r <> ALL (coalesce(old.registries, '{}'));
	PERFORM casesync_internal.tracking_key_must_fit(t);
	t.on_insert := casesync_internal.event_name(t.on_insert);
	t.on_update := casesync_internal.event_name(t.on_update);
	t.on_delete := casesync_internal.event_name(t.on_delete);
	/* These raise an error for a column that the table does not have. */
	t.key_numbers := casesync_internal.column_numbers(t.relation, t.key_columns);
	t.column_numbers := casesync_internal.column_numbers(t.relation, t.columns);
	t.key_query := casesync_internal.tracking_key_query(t);
	t.trees := casesync_internal.tracking_trees(t, runs_code => true);
	t.relation_name := t.relation::text;
	t.place := casesync_internal.tracking_place(t.relation);
	t.replicated := coalesce(t.replicated, false);
	t.enabled := true;
	t.removed := false;
	t.stopped_gap := old.stopped_gap;
	RETURN t;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_made(regrole, casesync_internal.tracking,
	casesync_internal.tracking) IS
	'part of tracking_store(): the row as it is stored, or an error';

/*
 * Whoever makes or attaches a partition makes copies of the table's triggers, and PostgreSQL asks
 * him for the right on their function. With it a role may make triggers that record nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.partitions_let(owner name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT has_function_privilege(owner, 'casesync_internal.capture_change()', 'EXECUTE') THEN
		PERFORM casesync_internal.execute_apart(format(
			'GRANT EXECUTE ON FUNCTION casesync_internal.capture_change() TO %I', owner));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.partitions_let(name) IS
	'part of tracking_store(): lets the owner of a tracked table make partitions of it';
/* Tables that an earlier version tracked. */
SELECT casesync_internal.partitions_let(casesync_internal.relation_owner(t.relation))
  FROM casesync_internal.tracking t
 WHERE t.enabled AND casesync_internal.relation_owner(t.relation) IS NOT NULL;

/*
 * A number is never given twice, also when track() is rolled back: old rows of the log must not
 * find another. To stop needs less than to make: the table may be gone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_store_for(caller regrole,
	t casesync_internal.tracking)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old casesync_internal.tracking;
BEGIN
	IF t.id IS NOT NULL THEN
		SELECT * INTO old FROM casesync_internal.tracking g WHERE g.id = t.id FOR UPDATE;
		PERFORM casesync_internal.tracking_must_be_own(caller, old);
	END IF;
	IF old.id IS NOT NULL AND (t.removed OR NOT t.enabled) THEN
		UPDATE casesync_internal.tracking g
		   SET enabled = false, removed = coalesce(t.removed, false) WHERE g.id = old.id;
		PERFORM casesync_internal.capture_look(old.id);
		RETURN old.id;
	END IF;
	t := casesync_internal.tracking_made(caller, t, old);
	t.id := coalesce(old.id, nextval('casesync_internal.tracking_id'));
	DELETE FROM casesync_internal.tracking g WHERE g.id = old.id;
	INSERT INTO casesync_internal.tracking SELECT t.*;
	PERFORM casesync_internal.capture_mending(t.id);
	PERFORM casesync_internal.partitions_let(casesync_internal.relation_owner(t.relation));
	RETURN t.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_store_for(regrole, casesync_internal.tracking) IS
	'part of track() and its sisters: inserts the row, or replaces the one of its id; gives the id';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_is_stored(tracking casesync_internal.tracking)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking := tracking;
BEGIN
	t.relation_name := t.relation::text;
	t.place := casesync_internal.tracking_place(t.relation);
	t.author := casesync_internal.relation_owner(t.relation);
	t.key_query := casesync_internal.tracking_key_query(t);
	/* Those of an earlier version have no trees yet. */
	RETURN t.trees IS NOT NULL AND (t.subjects IS NULL OR t.trees[3] IS NOT NULL)
		AND has_function_privilege(t.author, 'casesync_internal.capture_change()', 'EXECUTE')
		AND EXISTS (SELECT FROM casesync_internal.tracking g
			WHERE g.id = t.id AND g IS NOT DISTINCT FROM t);
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_is_stored(casesync_internal.tracking) IS
	'whether storing a tracking would change nothing';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_author()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* From a dump of 0.2.0, which has none. */
	NEW.author := coalesce(NEW.author, casesync_internal.relation_owner(NEW.relation));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_author() IS
	'trigger of tracking: whose the table is, where the row does not say it';
CREATE OR REPLACE TRIGGER author BEFORE INSERT ON casesync_internal.tracking
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.tracking_author();

CREATE OR REPLACE FUNCTION casesync_internal.tracking_store(t casesync_internal.tracking)
RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.tracking_store(casesync_internal.tracking) IS
	'stores a tracking for the owner of its table; gives its number';

/*
 * Asked of the author too: of a table that is gone nobody else can be asked, and the number of one
 * may be another's one day.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_feeds(t casesync_internal.tracking)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = t.relation);
	author constant oid := CASE WHEN t.author IS NULL THEN owner
		ELSE to_regrole(quote_ident(t.author)) END;
BEGIN
	RETURN ARRAY(SELECT r FROM unnest(t.registries) r
		WHERE casesync_internal.registry_fed_by(r, author)
			AND (owner IS NULL OR owner = author OR casesync_internal.registry_fed_by(r, owner)));
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_feeds(casesync_internal.tracking) IS
	'those of its registries that a tracking may make events of';
