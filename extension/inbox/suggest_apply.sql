/*
 * A first apply function for the tables behind a registry, to be pasted and worked on: columns are
 * found by their names alone.
 */

CREATE OR REPLACE FUNCTION casesync_internal.field_reader(path text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN path ~ '^additional_attributes[.][^.]+$'
		THEN format('jsonb_path_query_first(event.record, %L) #>> ''{}''',
			format('$.additional_attributes[*]."%s"', split_part(path, '.', 2)))
		ELSE format('event.record #>> %L', string_to_array(path, '.')) END
$$;
COMMENT ON FUNCTION casesync_internal.field_reader(text) IS
	'part of suggest_apply(): how an apply function reads a field';

/* A field and a column that are called alike: the last name of the path counts. */
CREATE OR REPLACE FUNCTION casesync_internal.apply_columns(t casesync_internal.tracking,
	fields text[])
RETURNS TABLE (field text, column_name name, column_type text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f, a.attname, format_type(a.atttypid, a.atttypmod)
	  FROM unnest(fields) WITH ORDINALITY f(f, n)
	  LEFT JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum > 0
		AND NOT a.attisdropped AND a.attname <> t.key AND a.attgenerated = ''
		AND casesync_internal.name_folded(a.attname)
			= casesync_internal.name_folded(regexp_replace(f, '^.*[.]', ''))
	 ORDER BY n
$$;
COMMENT ON FUNCTION casesync_internal.apply_columns(casesync_internal.tracking, text[]) IS
	'part of suggest_apply(): fields, and the columns of a table that are called like them';

CREATE OR REPLACE FUNCTION casesync_internal.apply_update(t casesync_internal.tracking,
	fields text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(E'\n',
		'    -- ' || 'written by nothing yet: ' || string_agg(c.field, ', ')
			FILTER (WHERE c.column_name IS NULL),
		CASE WHEN bool_or(c.column_name IS NOT NULL) THEN format(
			E'    UPDATE %s\n       SET %s\n     WHERE %I::text = who;', r.name,
			string_agg(format('%I = (%s)::%s', c.column_name,
				casesync_internal.field_reader(c.field), c.column_type), E',\n           ')
				FILTER (WHERE c.column_name IS NOT NULL), t.key) END)
	  FROM casesync_internal.apply_columns(t, fields) c
	 CROSS JOIN (SELECT format('%I.%I', n.nspname, k.relname) AS name
		FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace
		WHERE k.oid = t.relation) r
	 GROUP BY r.name
$$;
COMMENT ON FUNCTION casesync_internal.apply_update(casesync_internal.tracking, text[]) IS
	'part of suggest_apply(): writes what comes into one table';

CREATE OR REPLACE FUNCTION casesync.suggest_apply(registry text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(registry);
	view record;
	fields constant text[] := coalesce((
		SELECT array_agg(DISTINCT f ORDER BY f) FROM casesync_internal.agreement a
		 CROSS JOIN unnest(a.fields) f
		 WHERE a.direction = 'in' AND a.state IN ('draft', 'active')), '{}');
	updates constant text := (
		SELECT string_agg(casesync_internal.apply_update(t, fields), E'\n' ORDER BY t.id)
		  FROM casesync_internal.tracking t
		 WHERE r.registry = ANY (t.registries) AND t.key_is_column AND t.subjects IS NULL);
	name text;
BEGIN
	SELECT n.nspname, c.relname INTO view FROM pg_class c
	  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = r.view;
	name := format('%I.%I', view.nspname, 'apply_' || regexp_replace(r.registry, E'\\W', '_', 'g'));
	RETURN format(casesync_internal.apply_template(), name, format('%I.%I', view.nspname,
			view.relname), r.key_column, r.record_column, coalesce(updates, '    -- UPDATE …'),
			r.record_type) || coalesce((
		SELECT string_agg(format(E'SELECT casesync.on_notify(%L, %L, %L);', r.record_type, e,
			name || '(casesync.inbound)'), E'\n' ORDER BY e)
		  FROM (SELECT DISTINCT e FROM casesync_internal.agreement a
			 CROSS JOIN unnest(a.event_types) e
			 WHERE a.direction = 'in' AND a.state IN ('draft', 'active') AND e <> 'search') x(e)),
		format(E'SELECT casesync.on_notify(%L, ''enrolment_status_change'', %L);', r.record_type,
			name || '(casesync.inbound)'));
END
$$;
COMMENT ON FUNCTION casesync.suggest_apply(text) IS
	'an apply function to begin with, for the tables that feed a registry, and its on_notify()';

CREATE OR REPLACE FUNCTION casesync_internal.apply_template()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $template$
	SELECT $t$CREATE FUNCTION %1$s(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who text;
    people bigint;
BEGIN
    -- quicker by a column of yours: WHERE … = casesync.identifier_of(event.record, '…')
    SELECT min(v.%3$I::text), count(DISTINCT v.%3$I) INTO who, people
      FROM %2$s v CROSS JOIN LATERAL casesync.record_identifiers(v.%4$I) ours
      JOIN casesync.record_identifiers(event.record) theirs
        ON upper(theirs.identifier_type) = upper(ours.identifier_type)
       AND theirs.identifier_value = ours.identifier_value;
    IF people <> 1 THEN
        RETURN format('review: %%s people here have these identifiers', people);
    END IF;
%5$s
    RETURN 'applied';
END
$$;
$t$
$template$;
COMMENT ON FUNCTION casesync_internal.apply_template() IS
	'part of suggest_apply(): name, view, key and record columns, and the updates are put in';
