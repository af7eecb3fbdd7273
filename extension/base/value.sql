CREATE OR REPLACE FUNCTION casesync_internal.raise_error(errcode text, message text DEFAULT NULL,
	detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_raise_error'
LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.raise_error(text, text, text, text) IS
	'an error for the caller of one of our functions, without the context lines that name ours; '
	'errcode is a condition of PL/pgSQL or an SQLSTATE';

CREATE OR REPLACE FUNCTION casesync_internal.setting(name text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_setting_text'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.setting(text) IS
	'current_setting() for a session that may not have used anything of casesync yet, and so does '
	'not know its settings';

CREATE OR REPLACE FUNCTION casesync_internal.plain_name(name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT regexp_replace(name, '^.*:', '')
$$;
COMMENT ON FUNCTION casesync_internal.plain_name(text) IS
	'the last part of a prefixed name: ns:org:RegistryType:ESS is ESS';

CREATE OR REPLACE FUNCTION casesync_internal.check_url(what text, url text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* A callback prefix may name every port of a host. */
	plain text := CASE WHEN what = 'callback prefix'
		THEN regexp_replace(url, '^(https?://[^/]*):[*](/|$)', '\1\2') ELSE url END;
BEGIN
	IF plain !~ '^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s#@\\]*)?$'
		OR length(url) > 2000 OR url ~ '[[:cntrl:]]|/\.\.?(/|$)|%2[eEfF]|%5[cC]'
		OR (what IN ('base_url', 'callback prefix') AND url ~ '\?')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s is not a URL we can send to: "%s"', what, left(url, 200)),
			detail => 'A URL begins with https:// (or http:// where the bridge allows it), and has '
				'no user, fragment, space, back step or, where paths are added to it, query.');
	END IF;
	RETURN rtrim(url, '/');
END
$$;
COMMENT ON FUNCTION casesync_internal.check_url(text, text) IS
	'an http(s) URL without a trailing slash, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.ring()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_ring';
COMMENT ON FUNCTION casesync_internal.ring() IS 'wakes the bridge when this transaction commits';

CREATE OR REPLACE FUNCTION casesync_internal.set_origin(inbox_id bigint)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_set_origin';
COMMENT ON FUNCTION casesync_internal.set_origin(bigint) IS
	'changes made until the (sub)transaction ends come from this received message; only for the '
	'owner of the extension';

/* ---- what C does for them -------------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION casesync_internal.row_expression(relation regclass, what text,
	expression text, path text,
		OUT plain text, OUT old_row text, OUT new_row text, OUT columns name[])
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_row_expression';
COMMENT ON FUNCTION casesync_internal.row_expression(regclass, text, text, text) IS
	'parses a key or condition over a table''s columns and writes it out with full names';

CREATE OR REPLACE FUNCTION casesync_internal.renamed_condition(relation regclass, condition text,
	names name[],
		numbers smallint[])
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_renamed_condition';
COMMENT ON FUNCTION casesync_internal.renamed_condition(regclass, text, name[], smallint[]) IS
	'a condition written when these columns had these names, with the names they have now';

CREATE OR REPLACE FUNCTION casesync_internal.subjects_query(query text, path text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_subjects_query';
COMMENT ON FUNCTION casesync_internal.subjects_query(text, text) IS
	'parses a query for subject keys and writes it out with full names';

CREATE OR REPLACE FUNCTION casesync_internal.check_choice(what text, value text, choices text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value <> ALL (choices) THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s "%s" is not understood', what, left(value, 100)),
			hint => format('%s is one of: %s.', what, array_to_string(choices, ', ')));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_choice(text, text, text[]) IS
	'one of a few words (or NULL), or an error';

CREATE OR REPLACE FUNCTION casesync_internal.wire_time(at timestamptz)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
COMMENT ON FUNCTION casesync_internal.wire_time(timestamptz) IS
	'ISO 8601 with zone, as timestamps are sent';
/* ---- locks ----------------------------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION casesync_internal.sharing_enter(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_enter'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_enter(integer) IS
	'what leaves on a lane is read in this transaction; false, at once, when sharing is being '
	'stopped';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_hold(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_hold'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_hold(integer) IS
	'this session has a message of the lane under way, until sharing_release()';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_release(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_release'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_release(integer) IS
	'this session has nothing of the lane under way any more; false when it had not';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_close(lane integer)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_sharing_close'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_close(integer) IS
	'nobody enters the lane any more until the end of this transaction';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_drain(lane integer, is_patient boolean)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_drain'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_drain(integer, boolean) IS
	'wait, as long as lock_timeout says, until nothing of a closed lane is under way; without '
	'patience: false when something is';

CREATE OR REPLACE FUNCTION casesync_internal.is_transient(error_code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT error_code IN ('40001', '40P01', '55P03') OR left(error_code, 2) IN ('53', '08', '57')
$$;
COMMENT ON FUNCTION casesync_internal.is_transient(text) IS
	'whether the same thing may well succeed a little later';

CREATE OR REPLACE FUNCTION casesync_internal.list_of(value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN coalesce(jsonb_typeof(value), 'null') = 'null' THEN '[]'
		WHEN jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END
$$;
COMMENT ON FUNCTION casesync_internal.list_of(jsonb) IS 'one or many as a list: peers send both';

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

CREATE OR REPLACE FUNCTION casesync_internal.number_of(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(value) = 'number' AND value::text ~ '^\d{1,18}$'
		THEN value::text::bigint END
$$;
COMMENT ON FUNCTION casesync_internal.number_of(jsonb) IS
	'a whole number not below zero; NULL when it is none';

CREATE OR REPLACE FUNCTION casesync_internal.milliseconds_of(setting text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (extract(epoch FROM casesync_internal.setting(setting)::interval) * 1000)::integer;
END
$$;
COMMENT ON FUNCTION casesync_internal.milliseconds_of(text) IS 'a setting that is a time';

CREATE OR REPLACE FUNCTION casesync_internal.milliseconds_left(until timestamptz)
RETURNS integer
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT least(casesync_internal.milliseconds_of('casesync.search_timeout'), greatest(1,
		least(extract(epoch FROM until - clock_timestamp()) * 1000, 3600000)::integer))
$$;
COMMENT ON FUNCTION casesync_internal.milliseconds_left(timestamptz) IS
	'how long one query may run: casesync.search_timeout, or what is left until then';
