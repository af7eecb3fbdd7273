/* Names of attributes, for people who write them. Knows no agreement. */
CREATE OR REPLACE FUNCTION casesync_internal.standard_fields(record_type text, place text)
RETURNS text[]
AS 'MODULE_PATHNAME', 'casesync_standard_fields' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.standard_fields(text, text) IS
	'the attributes that the standard has at a place of a record (empty: the record), by all their '
	'spellings; NULL when it says nothing of that place';

CREATE OR REPLACE FUNCTION casesync_internal.names_are_related(a text, b text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_names_are_related' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.names_are_related(text, text) IS
	'whether two names are spellings of one attribute';

/*
 * As projection.c walks it: through lists, and pairs by the name in them. At most 16 deep, which is
 * as far as an agreement can reach.
 */
CREATE OR REPLACE FUNCTION casesync_internal.record_paths(record jsonb)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE place(path, value, depth) AS (
		SELECT NULL::text, record, 0
		UNION ALL
		SELECT x.* FROM place p CROSS JOIN LATERAL (
			SELECT concat_ws('.', p.path, m.key), m.value, p.depth + 1
			  FROM jsonb_each(CASE jsonb_typeof(p.value) WHEN 'object' THEN p.value END) m
			UNION ALL
			SELECT p.path, e.value, p.depth
			  FROM jsonb_array_elements(CASE jsonb_typeof(p.value) WHEN 'array' THEN p.value END) e
			UNION ALL
			SELECT concat_ws('.', p.path, coalesce(p.value->>'key', p.value->>'name')),
				p.value->'value', p.depth + 1
			 WHERE jsonb_typeof(p.value) = 'object' AND p.value ? 'value'
			   AND p.path ~ E'(^|\\.)additional_attributes$') x
		 WHERE p.depth < 16
	)
	SELECT DISTINCT p.path FROM place p WHERE p.path IS NOT NULL AND p.path !~ E'(^|\\.)@'
$$;
COMMENT ON FUNCTION casesync_internal.record_paths(jsonb) IS
	'the attributes of a record as paths, without what they say';
