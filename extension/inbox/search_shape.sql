/*
 * A search at a partner as its profile has it. Knows what is called otherwise there, not who is
 * searched.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_shape(criteria jsonb, profile text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	query constant jsonb := criteria->'query';
BEGIN
	IF casesync_internal.profile_rule(profile, 'search') IS DISTINCT FROM 'references' THEN
		RETURN criteria;
	END IF;
	/* CD.04: a live birth, a death, a marriage; the number says in which register it is. */
	RETURN (criteria - 'reg_record_type') || jsonb_build_object(
		'reg_type', jsonb_build_object('value', criteria->'reg_type'),
		'result_record_type', jsonb_build_object('value', criteria->'reg_record_type'),
		'reg_event_type', jsonb_build_object('value',
			CASE query->>'type' WHEN 'DRN' THEN '2' WHEN 'MRN' THEN '4' ELSE '1' END),
		'query', CASE WHEN criteria->>'query_type' = 'idtype-value' THEN jsonb_build_object(
			'identifier_type', jsonb_build_object('value', query->'type'),
			'identifier_value', query->'value') ELSE query END);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_shape(jsonb, text) IS
	'the criteria of a search in the shape of a profile';
