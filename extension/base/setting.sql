/* Settings, as words and as times. */
/* Calling into the library loads it, and loading it defines its settings. */
CREATE OR REPLACE FUNCTION casesync_internal.setting(name text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_setting_text'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.setting(text) IS
	'current_setting() for a session that may not have used anything of casesync yet, and so does '
	'not know its settings';

/*
 * The commit's record is flushed after all that was written before it: so whatever a durable
 * transaction has read is durable too, once it has committed, also what others have committed
 * with synchronous_commit = off. Holds until the end of the transaction; remote_write and
 * remote_apply are chosen with a standby in mind, and stay.
 */
CREATE OR REPLACE FUNCTION casesync_internal.commit_durably()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('synchronous_commit') IN ('off', 'local') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.commit_durably() IS
	'what this transaction says to somebody must outlive a crash, and so must all that it has read';

/*
 * In a transaction of its own, after the one that is waited for: all that was flushed here by then
 * is waited for. 'synchronous' is whichever standby the server itself calls so.
 */
CREATE OR REPLACE FUNCTION casesync_internal.standby_wait(standby text, wait_ms integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted constant pg_lsn := pg_current_wal_flush_lsn();
	until constant timestamptz := clock_timestamp() + wait_ms * interval '1 millisecond';
BEGIN
	LOOP
		IF EXISTS (SELECT FROM pg_stat_replication r
			WHERE r.flush_lsn >= wanted AND (r.application_name = standby
				OR standby = 'synchronous' AND r.sync_state IN ('sync', 'quorum')))
		THEN
			RETURN true;
		END IF;
		EXIT WHEN clock_timestamp() >= until;
		PERFORM pg_sleep(0.002);
	END LOOP;
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.standby_wait(text, integer) IS
	'whether a standby has on disk what this server has, waiting so long for it';

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
