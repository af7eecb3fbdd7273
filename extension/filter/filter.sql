/*
 * Filters. A partner's filter, in any of the standard's shapes, becomes one tree (filter_parse),
 * which is evaluated on a record (filter_matches) or made into a condition over a view
 * (filter_condition); both say the same. Knows no subscription and no search.
 *
 * To evaluate: record is project(record, a.fields, a.identifier_types), columns is what
 * filter_columns(r, a), SQL over the view, gives for the row. To search: r.view WHERE condition,
 * with arguments as $1 (text[]); more may be appended behind them.
 *
 * NULL stands for "unknown": an attribute that is not there, that is not agreed, or that is no
 * column named in filter_fields, and a value that is none for the column's type. Not unknown is
 * unknown. "ne" is not eq. Of a list, any element may fit.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_parse(filter jsonb, filter_type text,
	OUT tree jsonb, OUT problem text)
AS 'MODULE_PATHNAME', 'casesync_filter_parse' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_parse(jsonb, text) IS
	'read a partner''s filter: its tree, or a sentence about what is wrong; both NULL: it asks for '
	'everybody';

CREATE OR REPLACE FUNCTION casesync_internal.filter_identifier(tree jsonb, OUT id_type text,
	OUT id_value text)
AS 'MODULE_PATHNAME', 'casesync_filter_identifier' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_identifier(jsonb) IS
	'the identifier, when the whole filter is one of a named type; else both NULL';

CREATE OR REPLACE FUNCTION casesync_internal.filter_matches(tree jsonb, record jsonb, columns jsonb)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_filter_matches' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION casesync_internal.filter_matches(jsonb, jsonb, jsonb) IS
	'whether a filter''s tree holds for a projected record and its agreed columns; NULL: unknown, '
	'which is no match';

/* Volatile: it measures, and a partner whose time is used up gets no more answers. */
CREATE OR REPLACE FUNCTION casesync_internal.filter_judge(subscription bigint, tree jsonb,
	record jsonb, columns jsonb)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_filter_judge' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 200;
COMMENT ON FUNCTION casesync_internal.filter_judge(bigint, jsonb, jsonb, jsonb) IS
	'as filter_matches(), for the router: the tree is read once for all records, and the time is '
	'measured; NULL, too, once it is used up';

CREATE OR REPLACE FUNCTION casesync_internal.filter_meter_start(subjects integer)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_filter_meter_start' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.filter_meter_start(integer) IS
	'what is computed from now on is for the filters of one partner and so many subjects: for each '
	'it may take casesync.filter_timeout';

CREATE OR REPLACE FUNCTION casesync_internal.filter_meter_used()
RETURNS double precision
AS 'MODULE_PATHNAME', 'casesync_filter_meter_used' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.filter_meter_used() IS
	'how many milliseconds this process has computed since filter_meter_start()';

CREATE OR REPLACE FUNCTION casesync_internal.filter_meter_is_over()
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_filter_meter_is_over' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.filter_meter_is_over() IS
	'whether that is more than the partner may take';

CREATE OR REPLACE FUNCTION casesync_internal.filter_weight(tree jsonb)
RETURNS integer
AS 'MODULE_PATHNAME', 'casesync_filter_weight' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_weight(jsonb) IS
	'how many conditions and values a filter''s tree has';

CREATE OR REPLACE FUNCTION casesync_internal.filter_sort_key(record jsonb, path text)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_filter_sort_key' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION casesync_internal.filter_sort_key(jsonb, text) IS
	'what a record is sorted by at a path: a code''s number, a time, a number or a text; NULL when '
	'nothing is there';

CREATE OR REPLACE FUNCTION casesync_internal.filter_column_type(type oid, collation_id oid)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_filter_column_type' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_column_type(oid, oid) IS
	'how filters compare a column: as its base type or code type, or as JSON (any)';

CREATE OR REPLACE FUNCTION casesync_internal.filter_sql(tree jsonb, record_column text,
	columns text[], column_types text[],
	column_uses text[], fields text, identifier_types text, agreed_types text[],
	OUT condition text, OUT arguments text[])
AS 'MODULE_PATHNAME', 'casesync_filter_sql' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_sql(jsonb, text, text[], text[], text[], text, text,
	text[]) IS
	'the condition for a tree, given the columns it may use; for filter_condition()';

/*
 * use: "agreed" is a column of filter_fields; "identifier" one that is named like an agreed type of
 * identifier, and narrows down whose records are looked at. Columns whose type has no order that
 * both uses share (any) can be compared as JSON only, and not sorted by.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_columns_of(r casesync_internal.registry,
	a casesync_internal.agreement)
RETURNS TABLE (column_name text, column_type text, use text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT c.attname::text, t.name, u.use
	  FROM pg_attribute c
	  CROSS JOIN LATERAL (
		SELECT casesync_internal.filter_column_type(c.atttypid, c.attcollation)) t(name)
	  CROSS JOIN LATERAL (
		SELECT 'agreed' WHERE c.attname = ANY (a.filter_fields)
		UNION ALL
		SELECT 'identifier' WHERE t.name <> 'any' AND EXISTS (
			SELECT FROM unnest(a.identifier_types) i
			 WHERE lower(c.attname) IN (
				lower(i), lower(casesync_internal.fold_identifier_type(i))))) u(use)
	 WHERE c.attrelid = r.view AND c.attnum > 0 AND NOT c.attisdropped
	 ORDER BY c.attnum;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_columns_of(casesync_internal.registry,
	casesync_internal.agreement) IS
	'the columns of a registry''s view that filters under an agreement may use';

CREATE OR REPLACE FUNCTION casesync_internal.filter_columns(r casesync_internal.registry,
	a casesync_internal.agreement)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* How a float is written depends on a setting; its bits do not. */
	RETURN coalesce((SELECT string_agg(format(
			'pg_catalog.jsonb_build_object(%L, pg_catalog.jsonb_build_object(''type'', %L, '
			'''value'', pg_catalog.to_jsonb(' ||
			CASE WHEN c.column_type IN ('real', 'double')
				THEN 'pg_catalog.encode(pg_catalog.float8send(%I), ''hex'')' ELSE '%I' END || ')))',
			c.column_name, c.column_type, c.column_name), ' OPERATOR(pg_catalog.||) ')
		  FROM casesync_internal.filter_columns_of(r, a) c WHERE c.use = 'agreed'),
		'NULL::pg_catalog.jsonb');
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_columns(casesync_internal.registry,
	casesync_internal.agreement) IS
	'SQL over the view: the agreed filter columns of a row, as filter_matches() takes them';

CREATE OR REPLACE FUNCTION casesync_internal.filter_condition(
	tree jsonb, r casesync_internal.registry, a casesync_internal.agreement,
	OUT condition text, OUT arguments text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[];
	types text[];
	uses text[];
BEGIN
	IF tree IS NULL THEN
		condition := 'true'; arguments := '{}';
		RETURN;
	END IF;
	SELECT coalesce(array_agg(c.column_name), '{}'), coalesce(array_agg(c.column_type), '{}'),
		coalesce(array_agg(c.use), '{}')
	  INTO names, types, uses
	  FROM casesync_internal.filter_columns_of(r, a) c;
	SELECT s.condition, s.arguments INTO condition, arguments
	  FROM casesync_internal.filter_sql(tree, r.record_column::text, names, types, uses,
		a.fields::text, a.identifier_types::text,
		ARRAY(SELECT casesync_internal.fold_identifier_type(i)
			FROM unnest(a.identifier_types) i)) s;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_condition(jsonb, casesync_internal.registry,
	casesync_internal.agreement) IS
	'the condition over the view for a filter''s tree; what the partner sent is only in the '
	'arguments ($1)';

/* The path must be agreed as it stands: one above it would sort by what is not agreed below. */
CREATE OR REPLACE FUNCTION casesync_internal.filter_order_term(
	item jsonb, r casesync_internal.registry, a casesync_internal.agreement)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text := casesync_internal.plain_name(item->>'attribute_name');
	direction text := CASE lower(item->>'sort_order') WHEN 'desc' THEN ' DESC NULLS LAST'
		ELSE ' ASC NULLS LAST' END;
	known text;
BEGIN
	SELECT c.column_name INTO known FROM casesync_internal.filter_columns_of(r, a) c
	 WHERE c.use = 'agreed' AND c.column_name = name AND c.column_type <> 'any';
	IF FOUND THEN
		RETURN format('%I', known) || direction;
	END IF;
	/* The agreement's own spelling of the path, so that nothing of the request is in the SQL. */
	SELECT f INTO known FROM unnest(a.fields) f WHERE f = name;
	IF FOUND THEN
		RETURN format(
			'casesync_internal.filter_sort_key(casesync_internal.project(%I, %L::text[], '
			'%L::text[]), %L)',
			r.record_column, a.fields, a.identifier_types, known) || direction;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_order_term(jsonb, casesync_internal.registry,
	casesync_internal.agreement) IS
	'one term of ORDER BY; NULL for a name that is not agreed, whether it exists or not';

/*
 * A name that is not agreed orders nothing, just as one that does not exist. The subject key comes
 * last, so that pages neither overlap nor leave gaps.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_order(sort jsonb, r casesync_internal.registry,
	a casesync_internal.agreement,
	OUT clause text, OUT problem text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items jsonb := CASE WHEN sort IS NULL OR sort IN ('{}', 'null') THEN '[]'
		WHEN jsonb_typeof(sort) = 'object' THEN jsonb_build_array(sort) ELSE sort END;
BEGIN
	problem := CASE
		WHEN jsonb_typeof(items) <> 'array'
			THEN 'sort is a list of {"attribute_name": "…", "sort_order": "asc" or "desc"}'
		WHEN jsonb_array_length(items) > 8 THEN 'at most 8 attributes to sort by'
		WHEN EXISTS (SELECT FROM jsonb_array_elements(items) i
					  WHERE jsonb_typeof(i) <> 'object'
						OR jsonb_typeof(i->'attribute_name') IS DISTINCT FROM 'string'
						 OR length(i->>'attribute_name') NOT BETWEEN 1 AND 500)
			THEN 'each item of sort needs an attribute_name of 1 to 500 characters'
		WHEN EXISTS (SELECT FROM jsonb_array_elements(items) i
					  WHERE coalesce(lower(i->>'sort_order'), 'asc') NOT IN ('asc', 'desc'))
			THEN 'sort_order is asc or desc' END;
	IF problem IS NOT NULL THEN
		RETURN;
	END IF;
	SELECT string_agg(t.term, ', ' ORDER BY i.position) INTO clause
	  FROM jsonb_array_elements(items) WITH ORDINALITY i(item, position)
	  CROSS JOIN LATERAL (SELECT casesync_internal.filter_order_term(i.item, r, a)) t(term);
	clause := concat_ws(', ', clause, format('%I', r.key_column));
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_order(jsonb, casesync_internal.registry,
	casesync_internal.agreement) IS
	'what stands behind ORDER BY for a partner''s sort, or a sentence about what is wrong with it';
