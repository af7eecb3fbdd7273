/* Locks on tables of applications: never in the way of anybody for more than a moment. */

/*
 * All or none. Only for the first table is waited, with nothing else held: who waits for one lock
 * while he holds another may be part of a deadlock, of which PostgreSQL may end an application's
 * side. exclusively is for what keeps readers out too, and is never waited for: whoever comes after
 * one that waits for it waits too, if only to read.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tables_lock_try(tables regclass[], exclusively boolean)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	next_table regclass;
BEGIN
	FOREACH next_table IN ARRAY tables LOOP
		EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE %s', next_table,
			CASE WHEN next_table = tables[1] THEN '' ELSE 'NOWAIT' END);
		EXECUTE format('LOCK TABLE %s IN %s MODE NOWAIT', next_table,
			CASE WHEN exclusively THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END);
	END LOOP;
	RETURN NULL;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RETURN next_table;
END
$$;
COMMENT ON FUNCTION casesync_internal.tables_lock_try(regclass[], boolean) IS
	'part of tables_lock(): NULL, or the table that could not be locked, and then none is';

CREATE OR REPLACE FUNCTION casesync_internal.table_holders(relation regclass)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('Held by process %s.', string_agg(DISTINCT l.pid::text, ', '))
	  FROM pg_locks l
	 WHERE l.granted AND l.relation = table_holders.relation AND l.pid <> pg_backend_pid()
	   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;
COMMENT ON FUNCTION casesync_internal.table_holders(regclass) IS
	'who holds a table now, as the detail of an error';

/* What could not be had is asked for first the next time: then it is waited for. */
CREATE OR REPLACE FUNCTION casesync_internal.tables_lock(tables regclass[],
	exclusively boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	patience constant interval := coalesce(
		nullif(current_setting('lock_timeout')::interval, interval '0'), interval '1 minute');
	until constant timestamptz := clock_timestamp() + patience;
	wanted regclass[] := ARRAY(SELECT DISTINCT f.member FROM unnest(tables) t
		CROSS JOIN LATERAL casesync_internal.table_family(t) f
		WHERE f.is_root OR casesync_internal.owns(f.member));
	busy regclass;
BEGIN
	LOOP
		busy := casesync_internal.tables_lock_try(wanted, exclusively);
		EXIT WHEN busy IS NULL;
		IF clock_timestamp() > until THEN
			PERFORM casesync_internal.raise_error(errcode => 'lock_not_available',
				message => format('could not lock table "%s" within %s', busy, patience),
				detail => casesync_internal.table_holders(busy),
				hint => 'Nothing was changed. Try again when it is over, or wait longer: '
					'SET lock_timeout = ''10min''; One table at a time is easier to have.');
		END IF;
		wanted := busy || array_remove(wanted, busy);
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.tables_lock(regclass[], boolean) IS
	'locks tables with their partitions against writing (exclusively: also reading) until the end '
	'of the transaction; in no deadlock, and nobody waits behind it for more than a moment';
