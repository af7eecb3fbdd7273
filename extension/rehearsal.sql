/*
 * What an agreement would let pass while it is rehearsed: routed and counted, never sent. Knows no
 * lane, no subscription, no partner's address.
 */

CREATE FUNCTION casesync.rehearsal_forget(agreement text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT
$$;
COMMENT ON FUNCTION casesync.rehearsal_forget(text) IS 'x';
CREATE FUNCTION casesync.route_unshared(r casesync.registry, events casesync.subject_event[],
	subjects casesync.rendered[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync.note_missed(r.registry, events);
END
$$;
COMMENT ON FUNCTION casesync.route_unshared(casesync.registry, casesync.subject_event[], casesync.rendered[]) IS
	'agreements under which nothing is sent: suspended ones remember what they miss';
