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

/* By its lane, of which there are few: a callback within the same server is the partner's own. */
CREATE OR REPLACE FUNCTION casesync_internal.lanes_left_behind(p casesync_internal.partner)
RETURNS SETOF casesync_internal.lane
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l FROM casesync_internal.lane l
	 WHERE l.partner = p.partner AND l.kind = 'notify' AND l.address <> ''
	   AND p.base_url IS NOT NULL AND p.notify_url IS NULL
	   AND NOT EXISTS (SELECT FROM unnest(p.base_url || p.callback_prefixes) u
		WHERE casesync_internal.address_of(u) IN (l.address,
			regexp_replace(l.address, ':[0-9]+$', '') || ':*'))
	   AND EXISTS (SELECT FROM casesync_internal.subscription s
		WHERE s.partner = p.partner AND s.lane = l.lane AND s.state IN ('pending', 'active'))
$$;
COMMENT ON FUNCTION casesync_internal.lanes_left_behind(casesync_internal.partner) IS
	'lanes of subscriptions that are still sent to an address that is none of the partner''s now';

/* What waits follows, since its address is asked for when it is taken. */
CREATE OR REPLACE FUNCTION casesync.move_subscriptions(partner text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
	lanes constant integer[] := ARRAY(SELECT x.lane
		FROM casesync_internal.lanes_left_behind(p) x);
	moved bigint;
BEGIN
	/* As set_partner() has it: what both change is changed by one after the other. */
	PERFORM FROM casesync_internal.partner t WHERE t.partner = p.partner FOR UPDATE;
	UPDATE casesync_internal.subscription s
	   SET callback_url = p.base_url || '/registry/on-subscribe'
	 WHERE s.partner = p.partner AND s.lane = ANY (lanes) AND s.state IN ('pending', 'active');
	GET DIAGNOSTICS moved = ROW_COUNT;
	PERFORM casesync_internal.assign_lanes(p);
	PERFORM casesync_internal.lane_wake(l) FROM unnest(lanes) l;
	PERFORM casesync_internal.audit_note('move_subscriptions', p.partner,
		jsonb_build_object('subscriptions', moved, 'to', p.base_url));
	PERFORM casesync_internal.ring();
	RETURN moved;
END
$$;
COMMENT ON FUNCTION casesync.move_subscriptions(text) IS
	'a partner''s subscriptions that are still sent to an address it had before are sent to its '
	'present one; how many that were';
