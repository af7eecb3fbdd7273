/*
 * A record field by field: members of objects, the pairs of additional_attributes, and the goals,
 * actions and approvals of a plan, each as one value under its id; any other list is one value.
 * Knows nothing of who says what.
 */

/* A path is split at its dots, and sender ids have some. */
CREATE OR REPLACE FUNCTION casesync_internal.element_name(element jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT replace(coalesce(element->>'action_id', element->>'goal_id',
		CASE WHEN element ? 'approved' THEN element->>'organisation' END), '.', '/')
$$;
COMMENT ON FUNCTION casesync_internal.element_name(jsonb) IS
	'by what an action, a goal or an approval of a plan is known; NULL: it is none';

/* Two authors change different actions of one plan: neither change may undo the other. */
CREATE OR REPLACE FUNCTION casesync_internal.named_elements(list jsonb)
RETURNS TABLE (name text, value jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(list) = 'array' AND casesync_internal.element_name(list->0) IS NOT NULL
		AND (SELECT count(DISTINCT e.name) = jsonb_array_length(list) FROM (
			SELECT casesync_internal.element_name(x) AS name FROM jsonb_array_elements(list) x) e
			WHERE e.name !~ '^@|^$|(^|_)identifier$')
	THEN
		RETURN QUERY SELECT casesync_internal.element_name(x), x FROM jsonb_array_elements(list) x;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.named_elements(jsonb) IS
	'the elements of a list of goals, actions or approvals with their names; none of any other '
	'list';

/*
 * Names with a dot could not be told from two names. Identifiers say who it is, and do not change.
 */
CREATE OR REPLACE FUNCTION casesync_internal.record_fields(record jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		WITH RECURSIVE node(path, value, is_pairs, is_element) AS (
			SELECT NULL::text, record_fields.record, false, false
			UNION ALL
			SELECT concat_ws('.', n.path, m.name), m.value, m.name = 'additional_attributes',
				m.is_element
			  FROM node n CROSS JOIN LATERAL (
				SELECT e.key, e.value, false
				  FROM jsonb_each(CASE WHEN jsonb_typeof(n.value) = 'object' AND NOT n.is_element
					THEN n.value END) e
				UNION ALL
				SELECT e.name, e.value, true
				  FROM casesync_internal.named_elements(
					CASE WHEN NOT n.is_pairs THEN n.value END) e
				UNION ALL
				SELECT CASE WHEN p ?& '{key,value}' THEN p->>'key' ELSE e.key END,
					CASE WHEN p ?& '{key,value}' THEN p->'value' ELSE e.value END, false
				  FROM jsonb_array_elements(CASE WHEN n.is_pairs AND jsonb_typeof(n.value) = 'array'
					THEN n.value END) p
				 CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(p) WHEN 'object' THEN p END) e
				) m(name, value, is_element)
			 WHERE m.name !~ '^@|[.]|^$' AND m.name !~ '(^|_)identifier$'
		)
		SELECT coalesce(jsonb_object_agg(n.path, n.value), '{}') FROM node n
		 WHERE n.path IS NOT NULL AND jsonb_typeof(n.value) <> 'null'
		   AND (jsonb_typeof(n.value) <> 'object' OR n.is_element)
		   AND NOT (n.is_pairs AND jsonb_typeof(n.value) = 'array')
		   AND NOT EXISTS (SELECT FROM casesync_internal.named_elements(n.value)));
END
$$;
COMMENT ON FUNCTION casesync_internal.record_fields(jsonb) IS
	'the fields of a record: an object of paths (names joined by dots) and values';

/* With the pair of that name in place of the one that was there; NULL takes it away. */
CREATE OR REPLACE FUNCTION casesync_internal.pairs_with(pairs jsonb, path text[], value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH old AS (
		SELECT p.pair, p.n, p.pair->>'key' = path[1] AND p.pair ? 'value' AS is_keyed,
			coalesce(p.pair->>'key' = path[1] AND p.pair ? 'value' OR p.pair ? path[1], false)
				AS is_meant
		  FROM jsonb_array_elements(casesync_internal.list_of(pairs)) WITH ORDINALITY p(pair, n)
	), new AS (
		SELECT casesync_internal.record_with(coalesce((SELECT CASE WHEN o.is_keyed
			THEN o.pair->'value' ELSE o.pair->path[1] END FROM old o WHERE o.is_meant LIMIT 1),
			'null'), path[2:], value) AS value
	)
	SELECT jsonb_agg(x.pair ORDER BY x.n) FROM (
		SELECT o.pair, o.n FROM old o WHERE NOT o.is_meant
		UNION ALL
		SELECT coalesce((SELECT CASE WHEN o.is_keyed
				THEN jsonb_build_object('key', path[1], 'value', new.value)
				ELSE o.pair || jsonb_build_object(path[1], new.value) END
				FROM old o WHERE o.is_meant LIMIT 1),
			jsonb_build_object(path[1], new.value)),
			coalesce((SELECT min(o.n) FROM old o WHERE o.is_meant), 1000000)
		  FROM new WHERE new.value IS NOT NULL) x
$$;
COMMENT ON FUNCTION casesync_internal.pairs_with(jsonb, text[], jsonb) IS
	'part of record_with(): a list of pairs with another value of one';

/* At its place, or as the last one; NULL takes it away. */
CREATE OR REPLACE FUNCTION casesync_internal.elements_with(list jsonb, name text, value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH old AS (
		SELECT e.value, e.n, casesync_internal.element_name(e.value) = name AS is_meant
		  FROM jsonb_array_elements(casesync_internal.list_of(list)) WITH ORDINALITY e(value, n)
	)
	SELECT jsonb_agg(x.value ORDER BY x.n) FROM (
		SELECT o.value, o.n FROM old o WHERE o.is_meant IS NOT TRUE
		UNION ALL
		SELECT elements_with.value, coalesce((SELECT min(o.n) FROM old o WHERE o.is_meant), 1000000)
		 WHERE elements_with.value IS NOT NULL) x
$$;
COMMENT ON FUNCTION casesync_internal.elements_with(jsonb, text, jsonb) IS
	'part of record_with(): a list of goals, actions or approvals with another value of one';

/* An object stands as a value in such a list only. */
CREATE OR REPLACE FUNCTION casesync_internal.record_with(record jsonb, path text[], value jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	inner_value jsonb;
BEGIN
	IF cardinality(path) = 0 THEN
		RETURN value;
	END IF;
	IF jsonb_typeof(record) IS DISTINCT FROM 'object' THEN
		record := '{}';
	END IF;
	inner_value := CASE WHEN path[1] = 'additional_attributes' AND cardinality(path) > 1
		AND jsonb_typeof(record->path[1]) IS DISTINCT FROM 'object'
		THEN casesync_internal.pairs_with(record->path[1], path[2:], value)
		WHEN cardinality(path) = 2 AND (jsonb_typeof(value) = 'object'
			OR value IS NULL AND jsonb_typeof(record->path[1]) = 'array')
		THEN casesync_internal.elements_with(record->path[1], path[2], value)
		ELSE casesync_internal.record_with(record->path[1], path[2:], value) END;
	record := record - path[1];
	IF inner_value IS NOT NULL THEN
		record := record || jsonb_build_object(path[1], inner_value);
	END IF;
	RETURN nullif(record, '{}');
END
$$;
COMMENT ON FUNCTION casesync_internal.record_with(jsonb, text[], jsonb) IS
	'the record with another value of one field; NULL takes it away';

/* Short, since there is one for each field of each subject. */
CREATE OR REPLACE FUNCTION casesync_internal.field_hash(value jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN value IS NOT NULL
		THEN left(encode(casesync_internal.node_hash(jsonb_build_array(value)), 'base64'), 11) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.field_hash(jsonb) IS
	'a keyed hash of a field''s value; NULL of none';
