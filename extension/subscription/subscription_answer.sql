/* What messages say of subscriptions: that the partner knows of its own, how it took ours. */

/*
 * Pending ones too, unlike subscription_confirm(): without an address no later message would do it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscriptions_confirm(subscriptions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fresh constant bigint[] := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.id = ANY (subscriptions) AND NOT s.is_confirmed);
BEGIN
	UPDATE casesync_internal.subscription s SET is_confirmed = true WHERE s.id = ANY (fresh);
	PERFORM casesync_internal.backfill_initial(fresh);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscriptions_confirm(bigint[]) IS
	'the partner knows what became of these, so that it may be notified';

/*
 * A repetition of what we know already is known too. Only rows of the partner that speaks: a
 * reference_id of ours at another partner must not be answered by this one. What has ended stays
 * so, whatever is said later.
 */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_answered(partner text,
	reference_id text, state text, code text, reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m
	   SET answered_at = clock_timestamp(), state = my_subscription_answered.state,
		code = coalesce(left(my_subscription_answered.code,
			casesync_internal.message_limit('code')), m.code),
		reason = my_subscription_answered.reason
	 WHERE m.partner = my_subscription_answered.partner
	   AND m.reference_id::text = my_subscription_answered.reference_id
	   AND m.state IN ('requested', 'unanswered', 'pending', 'active');
	RETURN EXISTS (SELECT FROM casesync_internal.my_subscription m
		WHERE m.partner = my_subscription_answered.partner
		  AND m.reference_id::text = my_subscription_answered.reference_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_answered(text, text, text, text, text) IS
	'a partner says how it took a subscription of ours; false when it is none of ours';

/* Whoever tells us of it has taken it, whatever was said before, or never. */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_heard(
	m casesync_internal.my_subscription)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF m.state IN ('requested', 'unanswered', 'pending') THEN
		UPDATE casesync_internal.my_subscription t
		   SET state = 'active', answered_at = coalesce(t.answered_at, clock_timestamp())
		 WHERE t.reference_id = m.reference_id
		   AND t.state IN ('requested', 'unanswered', 'pending');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_heard(casesync_internal.my_subscription) IS
	'a notification that belongs to this subscription of ours has come';

/* What still waits to be sent was not left unanswered. A late answer counts all the same. */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscriptions_unanswered(before timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m SET state = 'unanswered'
	 WHERE m.state = 'requested' AND m.requested_at < before
	   AND NOT casesync_internal.outgoing_waits(m.transaction_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscriptions_unanswered(timestamptz) IS
	'what was asked before this time and never answered counts as that from now on';

/*
 * An answer has one status for all codes, and need not name them (B17): it is found by its
 * transaction_id.
 */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_unsubscribed(partner text,
	transaction_id text, status text, lives_on boolean, reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m
	   SET answered_at = clock_timestamp(), reason = my_subscription_unsubscribed.reason,
		state = CASE WHEN lives_on THEN 'active' ELSE 'ended' END
	 WHERE m.partner = my_subscription_unsubscribed.partner
	   AND m.transaction_id = my_subscription_unsubscribed.transaction_id
	   AND status IN ('succ', 'rjct')
	   AND (m.state = 'ending' OR m.state IN ('active', 'pending') AND status = 'succ');
	RETURN FOUND OR EXISTS (SELECT FROM casesync_internal.my_subscription m
		WHERE m.partner = my_subscription_unsubscribed.partner
		  AND m.transaction_id = my_subscription_unsubscribed.transaction_id
		  AND m.state IN ('ended', 'active') AND m.answered_at IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_unsubscribed(text, text, text, boolean,
	text) IS
	'a partner says that it ended a subscription of ours, or refuses to; false when we did not ask';
