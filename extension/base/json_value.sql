/* Values of JSON that others wrote: what cannot be read is NULL, not an error. */
CREATE OR REPLACE FUNCTION casesync_internal.list_of(value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coalesce(jsonb_typeof(value), 'null') = 'null' THEN '[]'::jsonb
	WHEN jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END;
COMMENT ON FUNCTION casesync_internal.list_of(jsonb) IS 'one or many as a list: peers send both';

/* The form is ours to judge, the range the server's: what it cannot hold is no time either. */
CREATE OR REPLACE FUNCTION casesync_internal.time_of(value text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN casesync.is_date_time(value) THEN value::timestamptz END;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.time_of(text) IS
	'an ISO 8601 time with zone; NULL when it is none';

/* At most 18 digits, which a bigint holds; 1e3 and 1.0 are numbers that nobody counts with. */
CREATE OR REPLACE FUNCTION casesync_internal.number_of(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'number' AND value::text ~ '^[0-9]{1,18}$'
	THEN value::text::bigint END;
COMMENT ON FUNCTION casesync_internal.number_of(jsonb) IS
	'a whole number not below zero; NULL when it is none';

CREATE OR REPLACE FUNCTION casesync_internal.wire_time(at timestamptz)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
COMMENT ON FUNCTION casesync_internal.wire_time(timestamptz) IS
	'ISO 8601 with zone, as timestamps are sent';

/*
 * 1e-16383 has eight characters, and sixteen thousand as soon as anything writes it out: a hash, a
 * comparison, a cast. So what a partner sends is looked through before it becomes jsonb.
 */
CREATE OR REPLACE FUNCTION casesync_internal.numbers_are_bounded(body bytea)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_numbers_are_bounded' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.numbers_are_bounded(bytea) IS
	'whether no number of a JSON text is larger, smaller or longer than a double, and not more are '
	'in it than can be worked with';

CREATE OR REPLACE FUNCTION casesync_internal.json_numbers_are_bounded(value jsonb)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_json_numbers_are_bounded'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.json_numbers_are_bounded(jsonb) IS
	'the same of each number of a jsonb value';
