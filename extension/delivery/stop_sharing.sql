/*
 * Sharing is stopped: it returns when nothing of it is under way any more, and says what had left.
 * How: party/lane_drain.sql.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_stop(reason text, partner text, agreement text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	IF coalesce(reason, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'the reason must not be empty',
			hint => 'SELECT * FROM casesync.stop_sharing(''what happened'', partner => …);');
	END IF;
	IF partner IS NOT NULL THEN
		PERFORM casesync_internal.require_partner(partner);
	END IF;
	IF agreement IS NULL THEN
		RETURN;
	END IF;
	a := casesync_internal.latest_agreement(agreement);
	IF a.direction <> 'out' OR a.partner <> partner THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('agreement "%s" is with "%s", direction %s', agreement, a.partner,
				a.direction),
			detail => 'Sharing goes out; what a partner tells us is ended by end_agreement().',
			hint => format('SELECT * FROM casesync.agreements WHERE agreement = %L;', agreement));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_stop(text, text, text) IS
	'a reason and names that exist, or an error';

/*
 * Attempts that ended and messages that have not: who stops sharing after a mistake must know whom
 * to call. An attempt of a minute ago may have begun long before, hence by its end.
 */
CREATE OR REPLACE FUNCTION casesync_internal.sent_lately(lanes integer[], since timestamptz)
RETURNS TABLE (sent_to text, message_id text, sent_at timestamptz, subjects integer)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.partner, x.message_id::text, x.at, x.items
	  FROM (
		SELECT a.lane, a.message_id, a.started_at AS at, a.items
		  FROM casesync_internal.attempt a
		 WHERE a.lane = ANY (lanes) AND a.ended_at >= since
		UNION ALL
		SELECT s.lane, s.message_id, s.at, cardinality(s.items)
		  FROM unnest(lanes) g CROSS JOIN LATERAL casesync_internal.lane_now(g) s
		 WHERE s.message_id IS NOT NULL) x
	  JOIN casesync_internal.lane l ON l.lane = x.lane AND l.kind = 'notify'
	UNION ALL
	SELECT d.partner, d.reference_id::text, min(d.at), count(DISTINCT (d.registry, d.key))::integer
	  FROM casesync_internal.disclosure d
	 WHERE d.way NOT IN ('notify', 'push') AND d.at >= since
	   AND d.partner IN (SELECT l.partner FROM casesync_internal.lane l WHERE l.lane = ANY (lanes))
	 GROUP BY d.partner, d.reference_id
	 ORDER BY 3, 1, 2
$$;
COMMENT ON FUNCTION casesync_internal.sent_lately(integer[], timestamptz) IS
	'messages that left on these lanes since a time, or are still under way, and answers to '
	'questions';

/*
 * The order is the promise: the stop is written, the lanes are shut, what had been read before is
 * waited for, and only then is withheld what waits. Whoever comes later finds the lane shut, or,
 * after the commit, the stop. The lock on the table lets one at a time change agreements.
 */
CREATE OR REPLACE FUNCTION casesync.stop_sharing(reason text, partner text DEFAULT NULL,
	agreement text DEFAULT NULL, wait interval DEFAULT '1 min')
RETURNS TABLE (sent_to text, message_id text, sent_at timestamptz, subjects integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	began constant timestamptz := clock_timestamp();
	suspended text[];
	lanes integer[];
	busy integer[];
	withheld integer;
BEGIN
	PERFORM casesync_internal.check_stop(reason, partner, agreement);
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	IF agreement IS NULL THEN
		PERFORM casesync_internal.sharing_stop_set(coalesce(partner, ''), reason);
	END IF;
	suspended := casesync_internal.suspend_agreements(reason, partner, agreement);
	lanes := ARRAY(SELECT l.lane FROM casesync_internal.lane l
		WHERE l.partner = stop_sharing.partner
			OR stop_sharing.partner IS NULL AND (stop_sharing.agreement IS NULL
			OR l.partner = (casesync_internal.latest_agreement(stop_sharing.agreement)).partner)
		ORDER BY l.lane);
	/* From here on nothing begins, also before this transaction commits. */
	PERFORM casesync_internal.sharing_close(l) FROM unnest(lanes) l;
	busy := casesync_internal.drain_lanes(lanes, coalesce(wait, '0'));
	IF cardinality(busy) > 0 THEN
		PERFORM casesync_internal.warn_of_senders(busy, 'sharing is stopped',
			'Call stop_sharing() once more to wait for its end.');
	END IF;
	/* Also when somebody is still busy: what he has read leaves, what waits does not. */
	SELECT coalesce(sum(casesync_internal.withhold_stopped(s)), 0) INTO withheld
		FROM unnest(suspended) s;
	PERFORM casesync_internal.audit_note('stop_sharing',
		coalesce(agreement, partner, 'everybody'), jsonb_build_object('reason', reason,
			'agreements', suspended, 'withheld', withheld, 'still_under_way', cardinality(busy)));
	RETURN QUERY SELECT * FROM casesync_internal.sent_lately(lanes, began - interval '1 minute');
END
$$;
COMMENT ON FUNCTION casesync.stop_sharing(text, text, text, interval) IS
	'nothing leaves any more to a partner, under an agreement, or at all; returns when nothing is '
	'under way, with what left in the last minute';
