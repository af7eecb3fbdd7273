/* Settings, as words and as times. */
/* Calling into the library loads it, and loading it defines its settings. */
CREATE OR REPLACE FUNCTION casesync_internal.setting(name text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_setting_text'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.setting(text) IS
	'current_setting() for a session that may not have used anything of casesync yet, and so does '
	'not know its settings';

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

/* At least 1, since 0 means no limit; at most an hour before the cast, which would overflow. */
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
