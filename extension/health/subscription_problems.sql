/* Our own subscriptions at partners, where nothing comes of them. */

/*
 * A partner may acknowledge what it cannot read, and an answer that never gets through to us leaves
 * no trace here. What still waits to be sent is said of its lane.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('%s has acknowledged that we subscribe to %s, and not answered since '
			'%s: %s', m.partner, m.event_type, to_char(m.requested_at, 'YYYY-MM-DD HH24:MI'),
			CASE WHEN x.needs_address THEN 'its answers come without a token, and no address was '
				'issued for them'
			ELSE 'it cannot read it, or its answer does not get through' END)
			|| CASE m.state WHEN 'unanswered' THEN '; it counts as unanswered' ELSE '' END,
		CASE WHEN x.needs_address THEN format('SELECT casesync.issue_callback(%L);', m.partner)
		ELSE format('SELECT * FROM casesync.my_subscriptions WHERE partner = %L;  -- after a look '
			'at the bridge''s log, and at the partner''s: casesync.subscribe_to(…)', m.partner) END
	  FROM casesync_internal.my_subscription m
	  JOIN casesync_internal.partner p ON p.partner = m.partner
	 CROSS JOIN LATERAL (SELECT casesync_internal.callback_client(p.partner) IS NULL
		AND casesync_internal.profile_rule(p.profile, 'callbacks') = 'address' AS needs_address) x
	 WHERE m.state IN ('requested', 'unanswered') AND (m.requested_at < now() - interval '1 hour'
			OR x.needs_address AND m.requested_at < now() - interval '1 minute')
	   AND NOT casesync_internal.outgoing_waits(m.transaction_id)
	   /* What was asked once more is said of that. */
	   AND NOT EXISTS (SELECT FROM casesync_internal.my_subscription n
		 WHERE n.partner = m.partner AND n.event_type = m.event_type
		   AND n.record_type = m.record_type AND n.requested_at > m.requested_at
		   AND n.filter IS NOT DISTINCT FROM m.filter)
$$;
COMMENT ON FUNCTION casesync_internal.subscription_problems() IS
	'what we asked partners to tell us, and they have not answered';
