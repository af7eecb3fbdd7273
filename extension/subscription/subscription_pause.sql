/*
 * Subscriptions to filters that took the router too long: paused, and resumed. What their partner
 * misses meanwhile is remembered (missed), and looked at when they go on or are no more.
 */

/*
 * All of a partner, since they are measured together. One that somebody is at now is paused the
 * next time: the router must wait for nobody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filters_pause(partner text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	paused bigint[] := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.partner = filters_pause.partner AND s.state IN ('pending', 'active')
		  AND s.id_type IS NULL AND s.tree IS NOT NULL AND s.paused_at IS NULL
		ORDER BY s.id FOR UPDATE SKIP LOCKED);
BEGIN
	UPDATE casesync_internal.subscription s SET paused_at = now(), pause_reason = why
	 WHERE s.id = ANY (paused);
	PERFORM casesync_internal.audit_note('filters_pause', partner,
		jsonb_build_object('subscriptions', cardinality(paused), 'reason', why));
END
$$;
COMMENT ON FUNCTION casesync_internal.filters_pause(text, text) IS
	'a partner''s subscriptions to filters are judged no more until resume_filters()';

CREATE OR REPLACE FUNCTION casesync_internal.filters_are_paused(partner text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	/* By the index that has this order: see waiting_from(). */
	RETURN EXISTS (SELECT FROM (SELECT s.state FROM casesync_internal.subscription s
			WHERE s.partner = ANY (ARRAY[filters_are_paused.partner]) AND s.paused_at IS NOT NULL
			ORDER BY s.partner, s.paused_at OFFSET 0) s
		WHERE s.state IN ('pending', 'active'));
END
$$;
COMMENT ON FUNCTION casesync_internal.filters_are_paused(text) IS
	'whether a partner has living subscriptions that are paused';

/* Those that have ended too: see filter_pauses(), which counts them. */
CREATE OR REPLACE FUNCTION casesync.resume_filters(partner text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	resumed bigint[];
	asked bigint;
BEGIN
	PERFORM casesync_internal.require_partner(partner);
	PERFORM casesync_internal.hold_router();
	resumed := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.partner = resume_filters.partner AND s.paused_at IS NOT NULL
		ORDER BY s.id FOR UPDATE);
	UPDATE casesync_internal.subscription s SET paused_at = NULL, pause_reason = NULL
	 WHERE s.id = ANY (resumed);
	asked := casesync_internal.missed_requeue(ARRAY(
		SELECT a.agreement FROM casesync_internal.agreement a
		 WHERE a.partner = resume_filters.partner AND a.state = 'active'));
	PERFORM casesync_internal.audit_note('resume_filters', partner,
		jsonb_build_object('subscriptions', cardinality(resumed), 'subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN format('%s subscriptions of %s to filters go on; %s subjects that changed meanwhile are '
		'looked at again', (SELECT count(*) FROM casesync_internal.subscription s
			WHERE s.id = ANY (resumed) AND s.state IN ('pending', 'active')), partner, asked);
END
$$;
COMMENT ON FUNCTION casesync.resume_filters(text) IS
	'a partner''s subscriptions to filters that were paused go on, and what they missed is looked '
	'at again';

/*
 * What was noted by a turn of the router that was under way when filters, or an agreement, were to
 * go on, or was missed by filters that have ended since.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filters_catch_up()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.missed_requeue(ARRAY(
		SELECT a.agreement FROM casesync_internal.agreement a
		 WHERE a.state = 'active' AND EXISTS (SELECT FROM casesync_internal.missed m
				WHERE m.agreement = a.agreement)
		   AND NOT casesync_internal.filters_are_paused(a.partner)));
END
$$;
COMMENT ON FUNCTION casesync_internal.filters_catch_up() IS
	'part of tidy(): what filters missed that are not paused any more is looked at again';
