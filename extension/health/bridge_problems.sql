/* What the bridges say of themselves, and what only they can mend. */

/*
 * The bridge that routes looks after the tables at least every minute, also while nothing happens:
 * by that it is missed. While one has the router's lock it may be at something long, and is given
 * more time. On a node of which nothing may leave yet nobody misses one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.bridge_missing(OUT since timestamptz)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.seen FROM (
		SELECT coalesce((SELECT max(m.next_at - coalesce(p.every, '0'))
				  FROM casesync_internal.prune_mark m
				  LEFT JOIN casesync_internal.prune_parts() p ON p.part = m.part),
			(SELECT min(a.activated_at) FROM casesync_internal.agreement a
			  WHERE a.state = 'active')) AS seen) x
	 WHERE x.seen < clock_timestamp() - CASE WHEN EXISTS (SELECT FROM pg_locks l
			WHERE l.locktype = 'advisory' AND l.objsubid = 3 AND l.classid = 1 AND l.granted
			  AND l.database = (SELECT d.oid FROM pg_database d
				WHERE d.datname = current_database()))
		THEN interval '15 minutes' ELSE interval '3 minutes' END
$$;
COMMENT ON FUNCTION casesync_internal.bridge_missing() IS
	'since when no bridge has worked for this node; NULL: one does, or none is needed yet';

CREATE OR REPLACE FUNCTION casesync_internal.bridge_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', 'what partners were told may be lost here: this database was restored over '
		'itself, or another server has taken over',
		'-- start the bridges, which know what was told: systemctl start casesync-bridge'
	  FROM casesync_internal.node n
	 WHERE NOT n.paused AND casesync_internal.identity_matches(n)
	   AND NOT casesync_internal.life_matches()
	UNION ALL
	SELECT 'warning', format('all subjects of registry %s are to be looked at again since %s: %s',
			l.registry, to_char(l.at, 'YYYY-MM-DD HH24:MI:SS'), l.reason),
		format('SELECT casesync.look_again(%L);  -- or the bridge does it', l.registry)
	  FROM casesync_internal.look_again_registry l WHERE l.at < now() - interval '1 minute'
	UNION ALL
	SELECT 'critical', format('%s subjects of registry %s were changed here and at %s before '
			'either knew of the other, since %s: each side may have the other''s value', count(*),
			c.registry, c.partner, to_char(min(c.at), 'YYYY-MM-DD HH24:MI')),
		format('SELECT i.* FROM casesync.inbox i WHERE i.id = ANY (%L);  -- agree with %s, and '
			'change each once more on one side',
			(array_agg(c.item ORDER BY c.at DESC))[1:20]::text, c.partner)
	  FROM casesync_internal.crossed_change c GROUP BY c.registry, c.partner
	UNION ALL
	SELECT 'critical', format('the bridge''s %s fails since %s: %s', t.turn,
			to_char(t.since, 'YYYY-MM-DD HH24:MI:SS'), t.reason),
		CASE t.turn WHEN 'start' THEN '-- correct node_id in the file of that bridge'
			ELSE '-- what the bridge''s log says: journalctl -u casesync-bridge' END
	  FROM casesync_internal.turn_troubles() t
$$;
COMMENT ON FUNCTION casesync_internal.bridge_problems() IS
	'what bridges fail to do, and what waits for them';

CREATE OR REPLACE FUNCTION casesync_internal.refused_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('%s: %s messages of %s were not let in since %s; the last at %s, '
			'answered with correlation_id %s', r.reason, r.messages, r.partner,
			to_char(r.since, 'YYYY-MM-DD HH24:MI'), to_char(r.at, 'YYYY-MM-DD HH24:MI:SS'),
			r.correlation_id),
		format('SELECT * FROM casesync.partner_keys WHERE partner = %L;  -- and what the bridge '
			'logs; the partner finds it under this id, too', r.partner)
	  FROM casesync_internal.partner_refusal r WHERE casesync_internal.refusal_now(r)
$$;
COMMENT ON FUNCTION casesync_internal.refused_problems() IS
	'partners whose messages are not let in';
