/* Sharing goes on: as far as nothing wider is stopped, and with what changed meanwhile. */
/* An error and no silent success: who resumes one agreement would believe that it shares again. */
CREATE OR REPLACE FUNCTION casesync_internal.check_resume(partner text, agreement text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
	whose text := partner;
	stop casesync_internal.sharing_stop;
BEGIN
	IF partner IS NOT NULL THEN
		PERFORM casesync_internal.require_partner(partner);
	END IF;
	IF agreement IS NOT NULL THEN
		PERFORM casesync_internal.check_stop('resume', partner, agreement);
		SELECT * INTO a FROM casesync_internal.agreement t
			WHERE t.agreement = check_resume.agreement AND t.state = 'suspended';
		IF NOT FOUND THEN
			PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
				message => format('agreement "%s" is not suspended', agreement),
				hint => format(
					'SELECT version, state FROM casesync.agreements WHERE agreement = %L;',
					agreement));
		END IF;
		whose := a.partner;
	END IF;
	SELECT * INTO stop FROM casesync_internal.sharing_stop s
	 WHERE s.partner = '' AND whose IS NOT NULL
		OR s.partner = whose AND check_resume.agreement IS NOT NULL
	 ORDER BY s.partner LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE stop.partner WHEN '' THEN 'sharing with everybody is stopped'
				ELSE format('sharing with "%s" is stopped', stop.partner) END,
			detail => format('Stopped by %s: %s', stop.who, stop.reason),
			hint => CASE stop.partner WHEN '' THEN 'SELECT casesync.resume_sharing();'
				ELSE format('SELECT casesync.resume_sharing(%L);', stop.partner) END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_resume(text, text) IS
	'whether this may be resumed for itself: nothing wider is stopped, or an error';

/*
 * A stopped lane has no message under way (lane_after()), so nobody else writes its state now. Its
 * batches stay as small as they were: what it was stopped for may still be there.
 */
CREATE OR REPLACE FUNCTION casesync_internal.resume_lanes(partner text)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whose constant text := partner;
	s casesync_internal.lane_state;
BEGIN
	FOR s IN
		SELECT n.* FROM casesync_internal.lane l
		 CROSS JOIN LATERAL casesync_internal.lane_now(l.lane) n
		 WHERE (whose IS NULL OR l.partner = whose) AND n.is_stopped
	LOOP
		s.is_stopped := false; s.next_attempt := NULL; s.attempt := 0; s.refusals := 0;
		s.reason := NULL;
		PERFORM casesync_internal.lane_set(s);
		RETURN NEXT (SELECT l.partner FROM casesync_internal.lane l WHERE l.lane = s.lane);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.resume_lanes(text) IS
	'lanes that stopped by themselves (too many refusals, a moved address) go on';

/* By kind, of which there are few; OFFSET 0 so that nothing is asked of each subscription. */
CREATE OR REPLACE FUNCTION casesync_internal.subscriptions_resumed(partners text[],
	resumed casesync_internal.agreement[])
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(sum(k.n), 0) FROM (
		SELECT s.partner, s.event_type, s.record_type, count(*) AS n
		  FROM casesync_internal.subscription s
		 WHERE s.state = 'active' GROUP BY s.partner, s.event_type, s.record_type OFFSET 0) k
		WHERE NOT casesync_internal.is_stopped(k.partner)
		  AND (k.partner = ANY (partners) OR '' = ANY (partners) OR EXISTS (
			SELECT FROM unnest(resumed) a
			  JOIN casesync_internal.registry r ON r.registry = ANY (a.registries)
			 WHERE a.partner = k.partner AND k.event_type = ANY (a.event_types)
			   AND lower(r.record_type) = lower(k.record_type))));
END
$$;
COMMENT ON FUNCTION casesync_internal.subscriptions_resumed(text[],
	casesync_internal.agreement[]) IS
	'how many active subscriptions these partners (the empty name: all) have, or are about what '
	'these agreements share, and nothing stops them';

/*
 * All in one transaction, under the lock of stop_sharing(): a lane that opened while its agreements
 * are still suspended would withdraw what waits (is_agreed()).
 */
CREATE OR REPLACE FUNCTION casesync.resume_sharing(partner text DEFAULT NULL,
	agreement text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	resumed casesync_internal.agreement[];
	lifted text[];
	whose text[] := '{}';
	subscriptions integer;
BEGIN
	PERFORM casesync_internal.hold_router();
	PERFORM casesync_internal.check_resume(partner, agreement);
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	resumed := ARRAY(SELECT a FROM casesync_internal.resume_agreements(
		resume_sharing.partner, resume_sharing.agreement) a);
	IF agreement IS NULL THEN
		lifted := casesync_internal.sharing_stop_lift(coalesce(partner, ''));
		/* What was found before the stop may not be agreed any more, or be another now. */
		PERFORM casesync_internal.request_anew_for(lifted);
		whose := lifted
			|| ARRAY(SELECT l FROM casesync_internal.resume_lanes(resume_sharing.partner) l);
	END IF;
	subscriptions := casesync_internal.subscriptions_resumed(whose, resumed);
	PERFORM casesync_internal.audit_note('resume_sharing',
		coalesce(agreement, partner, 'everybody'), jsonb_build_object(
			'agreements', ARRAY(SELECT a.agreement FROM unnest(resumed) a),
			'subscriptions', subscriptions));
	PERFORM casesync_internal.ring();
	RETURN subscriptions;
END
$$;
COMMENT ON FUNCTION casesync.resume_sharing(text, text) IS
	'what stop_sharing() stopped goes on, and lanes that stopped by themselves; subjects that '
	'changed meanwhile are looked at again; returns how many subscriptions go on';
