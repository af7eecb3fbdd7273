/* Rings of leaves: tables written one after the other, so that old rows go by TRUNCATE. */
/* With TOAST, where long records are. A leaf without a row is never full, however low the limit. */
CREATE OR REPLACE FUNCTION casesync_internal.leaf_is_full(leaf regclass, leaf_limit bigint)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_relation_size(leaf) > 0 AND pg_table_size(leaf) > leaf_limit
$$;
COMMENT ON FUNCTION casesync_internal.leaf_is_full(regclass, bigint) IS
	'whether a leaf is used and has more than so many bytes';

/*
 * The workers of pg_dump -j never wait for a lock: one that meets a leaf which is being emptied
 * ends the dump. A dump that takes longer than an hour has to bear it, or the log would grow.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_being_dumped()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_stat_activity a
		WHERE a.application_name = 'pg_dump' AND a.datname = current_database()
		  AND a.backend_start > now() - interval '1 hour')
$$;
COMMENT ON FUNCTION casesync_internal.is_being_dumped() IS
	'whether a pg_dump that is not old is connected to this database';

/*
 * Without a place in the queue: whoever waits for this lock makes all who come after him wait, and
 * the workers of pg_dump -j fail.
 */
CREATE OR REPLACE FUNCTION casesync_internal.leaf_lock(leaf regclass)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until constant timestamptz := clock_timestamp() + interval '50 ms';
BEGIN
	/* Else a transaction sees those only who were there when it first asked. */
	PERFORM pg_stat_clear_snapshot();
	IF casesync_internal.is_being_dumped() THEN
		RETURN false;
	END IF;
	LOOP
		BEGIN
			EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', leaf);
			RETURN true;
		EXCEPTION WHEN lock_not_available THEN
			IF clock_timestamp() > until THEN
				RETURN false;
			END IF;
		END;
		PERFORM pg_sleep(0.002);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.leaf_lock(regclass) IS
	'has a leaf for the transaction alone, if that can be had without waiting in line';
