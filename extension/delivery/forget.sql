/* Forgetting how sending went: to a partner, and long ago. */
CREATE OR REPLACE FUNCTION casesync_internal.delivery_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.subscription_seq q USING casesync_internal.subscription s
	 WHERE s.partner = delivery_forget.partner AND q.subscription = s.id;
	DELETE FROM casesync_internal.backlog b USING casesync_internal.lane l
	 WHERE l.partner = delivery_forget.partner AND b.lane = l.lane;
$$;
COMMENT ON FUNCTION casesync_internal.delivery_forget(text) IS
	'part of drop_partner(): the numbers given to its subscriptions; before these go';

/* Only how sending went. */
CREATE OR REPLACE FUNCTION casesync_internal.delivery_prune(before timestamptz,
	from_page bigint DEFAULT 0, to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.attempt a
	 WHERE a.ctid >= first_row AND a.ctid < behind AND a.ended_at < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.delivery_prune(timestamptz, bigint, bigint) IS
	'part of prune(): attempts that ended before a time, of these pages';
