/*
 * Changes of one subject on both sides that met on the way, told by records of another type than
 * ours: they cannot be compared field by field (conflict/). Each side applies the other's and keeps
 * it, so that both are where the other was: who is right only people can say, and must hear of it.
 */

/*
 * It was made before the partner had what it was told last: that was acknowledged later, or is
 * still on its way. What came of our own message (hops) was made knowing it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_crossed(origin bigint, partner text, registry text,
	key text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.inbox_item i
		  JOIN casesync_internal.registry r ON r.registry = is_crossed.registry
			AND lower(r.record_type) <> lower(i.record_type)
		 WHERE i.id = is_crossed.origin AND i.partner = is_crossed.partner
		   AND NOT EXISTS (SELECT FROM casesync_internal.node n WHERE n.sender_id = ANY (i.hops))
		   AND (EXISTS (SELECT FROM casesync_internal.disclosure d
					WHERE d.registry = is_crossed.registry AND d.key = is_crossed.key
					  AND d.partner = i.partner AND d.way = 'notify' AND d.outcome = 'delivered'
					  AND d.at > i.sent_at)
			OR EXISTS (SELECT FROM casesync_internal.notification n
					 JOIN casesync_internal.lane l ON l.lane = n.lane
					WHERE n.registry = is_crossed.registry AND n.key = is_crossed.key
					  AND n.state = 'due' AND l.partner = i.partner)));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_crossed(bigint, text, text, text) IS
	'whether a partner made a change before it had what we had told it of the subject';

/* Before anything new is appended: what is due then is what the partner had not got. */
CREATE OR REPLACE FUNCTION casesync_internal.note_crossed(partner text,
	events casesync_internal.subject_event[], offers casesync_internal.offer[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.crossed_change)
		AND NOT EXISTS (SELECT FROM unnest(events) e WHERE e.origin IS NOT NULL) THEN
		RETURN;
	END IF;
	DELETE FROM casesync_internal.crossed_change c USING unnest(events) e
	 WHERE c.partner = note_crossed.partner AND c.registry = e.registry AND c.key = e.key;
	INSERT INTO casesync_internal.crossed_change (partner, registry, key, item)
	SELECT note_crossed.partner, e.registry, e.key, max(e.origin)
	  FROM unnest(events) e
	  JOIN unnest(offers) o ON o.key = e.key
	 CROSS JOIN LATERAL (SELECT x.hmac FROM casesync_internal.told x
		WHERE x.partner = note_crossed.partner AND x.registry = e.registry AND x.key = e.key
		OFFSET 0) t
	 WHERE e.origin IS NOT NULL AND t.hmac <> o.hmac
	   AND casesync_internal.is_crossed(e.origin, note_crossed.partner, e.registry, e.key)
	 GROUP BY e.registry, e.key;
END
$$;
COMMENT ON FUNCTION casesync_internal.note_crossed(text, casesync_internal.subject_event[],
	casesync_internal.offer[]) IS
	'remember which of these subjects were changed on both sides at a time, until they change '
	'again';

CREATE OR REPLACE FUNCTION casesync_internal.crossed_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.crossed_change c
	 WHERE c.registry = p.registry AND c.key = p.key
$$;
COMMENT ON FUNCTION casesync_internal.crossed_erase(casesync_internal.person) IS
	'part of erase(): changes that crossed with a partner''s';
