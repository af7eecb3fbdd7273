/*
 * Large transactions: a load of a million rows would stand before everything that was saved after
 * it. The window passes over one that is longer than what a turn looks through, and each turn puts
 * a part of it into the queue of subjects to be looked at, beside what else there is to do.
 */
CREATE OR REPLACE FUNCTION casesync_internal.bulk_chunk(b casesync_internal.bulk_transaction,
	max_changes integer)
RETURNS SETOF casesync_internal.change
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM casesync_internal.window_of(jsonb_populate_record(
		NULL::casesync_internal.routing_state, jsonb_build_object('era', b.era, 'done_xid', b.xid,
			'done_id', b.done_id)), b.xid, max_changes)
$$;
COMMENT ON FUNCTION casesync_internal.bulk_chunk(casesync_internal.bulk_transaction, integer) IS
	'the next changes of a transaction that the window has passed over';

CREATE OR REPLACE FUNCTION casesync_internal.bulk_next()
RETURNS SETOF casesync_internal.bulk_transaction
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT * FROM casesync_internal.bulk_transaction b ORDER BY b.era, b.xid LIMIT 1;
END
$$;
COMMENT ON FUNCTION casesync_internal.bulk_next() IS 'the oldest one';

CREATE OR REPLACE FUNCTION casesync_internal.bulk_add(era integer, xid xid8, done_id bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.bulk_transaction (era, xid, done_id)
	VALUES (bulk_add.era, bulk_add.xid, bulk_add.done_id)
$$;
COMMENT ON FUNCTION casesync_internal.bulk_add(integer, xid8, bigint) IS
	'this transaction is routed beside the others, from the change after done_id on';

CREATE OR REPLACE FUNCTION casesync_internal.bulk_advance(b casesync_internal.bulk_transaction,
	chunk casesync_internal.change[], is_last boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF is_last THEN
		DELETE FROM casesync_internal.bulk_transaction x WHERE x.era = b.era AND x.xid = b.xid;
	ELSE
		UPDATE casesync_internal.bulk_transaction x SET done_id = (chunk[cardinality(chunk)]).id
		 WHERE x.era = b.era AND x.xid = b.xid;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.bulk_advance(casesync_internal.bulk_transaction,
	casesync_internal.change[], boolean) IS
	'a chunk of it counts as routed';

/* A transaction that still waits in part was open, as far as this snapshot is concerned. */
CREATE OR REPLACE FUNCTION casesync_internal.routed_upto(era integer)
RETURNS pg_snapshot
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last constant pg_snapshot := (SELECT s.last FROM casesync_internal.routing_state s
		WHERE s.era = routed_upto.era ORDER BY s.id DESC LIMIT 1);
	bulk constant xid8[] := ARRAY(SELECT b.xid FROM casesync_internal.bulk_transaction b
		WHERE b.era = routed_upto.era AND b.xid < pg_snapshot_xmax(last) ORDER BY b.xid);
BEGIN
	IF bulk = '{}' THEN
		RETURN last;
	END IF;
	RETURN format('%s:%s:%s', least(pg_snapshot_xmin(last), bulk[1]), pg_snapshot_xmax(last),
		(SELECT string_agg(x::text, ',' ORDER BY x)
		   FROM (SELECT pg_snapshot_xip(last) UNION SELECT unnest(bulk)) open(x)));
END
$$;
COMMENT ON FUNCTION casesync_internal.routed_upto(integer) IS
	'all changes of this era that are visible in it are routed; NULL: none yet';

/* One change of the window is looked for, not all: this is asked by monitoring, every minute. */
CREATE OR REPLACE FUNCTION casesync_internal.unrouted_since()
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT min(u.at) FROM (
		SELECT w.at FROM casesync_internal.node n
		 CROSS JOIN LATERAL coalesce(
			/* Without a row nothing of this era has been routed yet. */
			(SELECT s FROM casesync_internal.routing_state s WHERE s.era = n.era
				ORDER BY s.id DESC LIMIT 1),
			jsonb_populate_record(NULL::casesync_internal.routing_state,
				jsonb_build_object('id', 0, 'era', n.era, 'last', '1:1:'))) s
		 CROSS JOIN LATERAL casesync_internal.window_chunk(s, pg_current_snapshot(), 1) w
		UNION ALL
		SELECT c.at FROM casesync_internal.bulk_next() b
		 CROSS JOIN LATERAL casesync_internal.bulk_chunk(b, 1) c) u);
END
$$;
COMMENT ON FUNCTION casesync_internal.unrouted_since() IS
	'when the oldest change that waits for routing was made; NULL when none waits';
