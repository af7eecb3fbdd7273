/* By which lane a subscription is told: that follows from its partner's addresses. */
CREATE OR REPLACE FUNCTION casesync_internal.assign_lanes(p casesync_internal.partner)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/* Where it goes follows from the callback's address, of which a partner has few. */
	WITH callback AS MATERIALIZED (
		SELECT coalesce(f.callback_url, '') AS url, coalesce(casesync_internal.address_of(
			casesync_internal.notify_url(p, f)), '') AS address
		  FROM casesync_internal.subscription f
		 WHERE f.id IN (SELECT min(s.id) FROM casesync_internal.subscription s
			WHERE s.partner = p.partner AND s.state IN ('pending', 'active')
			GROUP BY s.callback_url)
	), chosen AS MATERIALIZED (
		SELECT a.address, casesync_internal.lane_for(p.partner, 'notify', a.address) AS lane
		  FROM (SELECT DISTINCT c.address FROM callback c) a
	), changing AS MATERIALIZED (
		SELECT s.id, h.lane FROM casesync_internal.subscription s
		  JOIN callback c ON c.url = coalesce(s.callback_url, '')
		  JOIN chosen h ON h.address = c.address
		 WHERE s.partner = p.partner AND s.state IN ('pending', 'active')
			AND s.lane IS DISTINCT FROM h.lane
		 ORDER BY s.id FOR UPDATE OF s
	)
	UPDATE casesync_internal.subscription s SET lane = c.lane FROM changing c WHERE s.id = c.id
$$;
COMMENT ON FUNCTION casesync_internal.assign_lanes(casesync_internal.partner) IS
	'what a partner''s subscriptions get from now on goes by the lanes of its present addresses';

CREATE OR REPLACE FUNCTION casesync_internal.subscriptions_follow()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.assign_lanes(NEW);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscriptions_follow() IS
	'trigger of partner: its subscriptions are told at its new addresses';

/* A trigger, since the table stands below and must not know of subscriptions. */
CREATE OR REPLACE TRIGGER subscriptions_follow
	AFTER UPDATE OF base_url, notify_url ON casesync_internal.partner FOR EACH ROW
	WHEN ((OLD.base_url, OLD.notify_url) IS DISTINCT FROM (NEW.base_url, NEW.notify_url))
	EXECUTE FUNCTION casesync_internal.subscriptions_follow();
COMMENT ON TRIGGER subscriptions_follow ON casesync_internal.partner IS
	'see subscriptions_follow()';
