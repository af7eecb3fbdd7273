/*
 * How many bytes of a partner's we keep: everything that it can make us store is charged here, to
 * one budget, before it is stored.
 */

/* A day of UTC: it must be the same one for everybody who counts. */
CREATE OR REPLACE FUNCTION casesync_internal.storage_used(partner text, OUT today bigint,
	OUT kept bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT coalesce(sum(d.bytes) FILTER (WHERE d.day = casesync_internal.storage_day()), 0),
		coalesce(sum(d.bytes), 0)
	  INTO today, kept
	  FROM casesync_internal.stored_day d WHERE d.partner = storage_used.partner;
END
$$;
COMMENT ON FUNCTION casesync_internal.storage_used(text) IS
	'how many bytes were charged to a partner today, and how many it has here in all';

CREATE OR REPLACE FUNCTION casesync_internal.storage_day()
RETURNS date
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date
$$;
COMMENT ON FUNCTION casesync_internal.storage_day() IS 'the day that stored bytes count for';

CREATE OR REPLACE FUNCTION casesync_internal.storage_is_full(p casesync_internal.partner,
	bytes bigint)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	used constant record := casesync_internal.storage_used(p.partner);
BEGIN
	RETURN CASE WHEN used.today + bytes > p.max_bytes_per_day THEN 'one day'
		WHEN used.kept + bytes > p.max_bytes THEN 'all days together' END;
END
$$;
COMMENT ON FUNCTION casesync_internal.storage_is_full(casesync_internal.partner, bigint) IS
	'for which time so many bytes more would be too many; NULL: for none';

/*
 * Each backend counts in a row of its own, so that none waits for another. Those that charge at the
 * same moment do not see each other: the limit may be passed by as many messages as there are
 * sessions. Negative for what is kept no longer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.storage_charge(partner text, bytes bigint,
	refused integer DEFAULT 0)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.stored_day AS d (partner, day, worker, bytes, refused)
	VALUES (partner, casesync_internal.storage_day(), pg_backend_pid(), bytes, refused)
	ON CONFLICT ON CONSTRAINT stored_day_pkey DO UPDATE
		SET bytes = d.bytes + excluded.bytes, refused = d.refused + excluded.refused;
END
$$;
COMMENT ON FUNCTION casesync_internal.storage_charge(text, bigint, integer) IS
	'bytes that are kept of a partner''s from now on, or messages that were refused for them';

/* Yesterday's rows may still be written: who began before midnight. */
CREATE OR REPLACE FUNCTION casesync_internal.storage_fold()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH gone AS (
		DELETE FROM casesync_internal.stored_day d
		 WHERE d.worker <> 0 AND d.day < casesync_internal.storage_day() - 1
		RETURNING d.*)
	INSERT INTO casesync_internal.stored_day AS d (partner, day, worker, bytes, refused)
	SELECT g.partner, g.day, 0, sum(g.bytes), sum(g.refused) FROM gone g GROUP BY g.partner, g.day
	ON CONFLICT ON CONSTRAINT stored_day_pkey DO UPDATE
		SET bytes = d.bytes + excluded.bytes, refused = d.refused + excluded.refused;
END
$$;
COMMENT ON FUNCTION casesync_internal.storage_fold() IS
	'part of tidy(): of days that are over, one row for each partner';

CREATE OR REPLACE FUNCTION casesync_internal.storage_settle(partner text, before date,
	bytes bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.stored_day d
	 WHERE d.partner = storage_settle.partner AND d.day < before;
	IF storage_settle.bytes > 0 THEN
		INSERT INTO casesync_internal.stored_day (partner, day, worker, bytes)
		VALUES (partner, before - 1, 0, bytes);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.storage_settle(text, date, bigint) IS
	'what is still kept of a partner''s from before a day, once the rest was pruned';
