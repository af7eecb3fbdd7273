/* Whoever has mended what kept a partner from getting anything need not wait until it is tried. */
CREATE OR REPLACE FUNCTION casesync.wake(partner text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p constant casesync_internal.partner := casesync_internal.require_partner(partner);
	s casesync_internal.lane_state;
	woken integer := 0;
BEGIN
	IF casesync_internal.is_stopped(p.partner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('sharing with "%s" is stopped', p.partner),
			hint => format('SELECT casesync.resume_sharing(%L);  -- SELECT '
				'casesync.resume_sharing(); where it is stopped with everybody', p.partner));
	END IF;
	FOR s IN
		SELECT n.* FROM casesync_internal.lane l
		 CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) n
		 WHERE l.partner = p.partner ORDER BY l.lane
	LOOP
		/* Of a lane that somebody is at something is tried now, whoever that is. */
		CONTINUE WHEN NOT casesync_internal.lock_for_transaction(2, s.lane);
		s := casesync_internal.lane_now(s.lane);
		CONTINUE WHEN s.is_stopped OR s.next_attempt <= clock_timestamp() IS NOT FALSE;
		/* The number of attempts stays: in vain, the next rest is as long as it was to be. */
		s.next_attempt := clock_timestamp();
		PERFORM casesync_internal.lane_set(s);
		woken := woken + 1;
	END LOOP;
	PERFORM casesync_internal.audit_note('wake', p.partner, jsonb_build_object('lanes', woken));
	PERFORM casesync_internal.ring();
	RETURN woken;
END
$$;
COMMENT ON FUNCTION casesync.wake(text) IS
	'what rests after failures to reach a partner is tried now; returns how many of its lanes '
	'rested. A lane that has stopped needs resume_sharing()';
