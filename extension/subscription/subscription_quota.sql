/* How many subscriptions a partner may have, and how much their filters may be. */
/* A partner that ends what was paused and sends the like anew costs as much once more. */
CREATE OR REPLACE FUNCTION casesync_internal.filter_pauses(partner text)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN (SELECT count(DISTINCT x.paused_at)
		FROM (SELECT s.paused_at FROM casesync_internal.subscription s
			WHERE s.partner = ANY (ARRAY[filter_pauses.partner])
			  AND s.paused_at > now() - interval '1 day'
			ORDER BY s.partner, s.paused_at OFFSET 0) x);
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_pauses(text) IS
	'how often a partner''s filters were paused in the last day, and not resumed since';

/*
 * How many more a partner may have. Those to a filter or to everybody cost at every event, those of
 * an identifier do not. Counted no further than the quota: a subscribe request costs the same
 * however many there are. By the index that has this order: see waiting_from().
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_room(p casesync_internal.partner,
	OUT of_any integer, OUT of_many integer, OUT of_weight bigint, OUT of_bytes bigint,
	OUT is_paused boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	SELECT p.max_subscriptions - count(*) INTO of_any FROM (
		SELECT FROM casesync_internal.subscription s
		 WHERE s.partner = ANY (ARRAY[p.partner]) AND s.state IN ('pending', 'active')
		   AND NOT s.is_push
		 ORDER BY s.partner, s.lane LIMIT p.max_subscriptions) x;
	SELECT p.max_filters - count(*) INTO of_many FROM (
		SELECT FROM casesync_internal.subscription s
		 WHERE s.partner = ANY (ARRAY[p.partner]) AND s.state IN ('pending', 'active')
		   AND s.id_type IS NULL AND NOT s.is_push
		 ORDER BY s.partner, s.event_type LIMIT p.max_filters) x;
	SELECT casesync_internal.message_limit('filter weight')
			- coalesce(sum(casesync_internal.filter_weight(s.tree)), 0),
		casesync_internal.message_limit('filter bytes')
			- coalesce(sum(octet_length(s.tree::text)), 0)
	  INTO of_weight, of_bytes FROM (
		SELECT x.tree FROM casesync_internal.subscription x
		 WHERE x.partner = ANY (ARRAY[p.partner]) AND x.state IN ('pending', 'active')
		   AND x.id_type IS NULL AND x.tree IS NOT NULL
		 ORDER BY x.partner, x.event_type OFFSET 0) s;
	is_paused := casesync_internal.filters_are_paused(p.partner)
		OR casesync_internal.filter_pauses(p.partner)
			>= casesync_internal.message_limit('filter pauses');
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_room(casesync_internal.partner) IS
	'how many more subscriptions a partner may have, how many of them not of one identifier, and '
	'how large their filters may be; is_paused: no more filters now';

/* Those of one identifier are bounded too: a change of that person asks all of them. */
CREATE OR REPLACE FUNCTION casesync_internal.wish_over_quota(p casesync_internal.partner,
	s casesync_internal.subscription, room record)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE
		WHEN room.of_any <= 0 THEN
			format('you have %s subscriptions, as many as you may have: unsubscribe some',
				p.max_subscriptions)
		WHEN s.id_type IS NULL AND room.of_many <= 0 THEN
			format('you have %s subscriptions that name no single identifier, as many as you may '
				'have: unsubscribe some', p.max_filters)
		WHEN casesync_internal.filter_weight(s.tree) > room.of_weight
			OR octet_length(s.tree::text) > room.of_bytes THEN
			format('the filters of all your subscriptions together may have %s conditions and '
				'values, and %s bytes: unsubscribe some, or narrow this one',
				casesync_internal.message_limit('filter weight'),
				casesync_internal.message_limit('filter bytes'))
		WHEN (SELECT count(*) FROM casesync_internal.subscription t
			   WHERE t.state IN ('pending', 'active') AND t.id_type IS NOT NULL
				 AND t.id_value = s.id_value AND upper(t.id_type) = upper(s.id_type)
				 AND t.partner = s.partner) >= 20 THEN
			'you have 20 subscriptions to this identifier, as many as you may have: '
			'unsubscribe some'
		END;
END
$$;
COMMENT ON FUNCTION casesync_internal.wish_over_quota(casesync_internal.partner,
	casesync_internal.subscription, record) IS
	'why a partner may not have one more subscription; NULL when it may';
