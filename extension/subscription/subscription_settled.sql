/* What becomes of subscriptions once a message about them has arrived, or never will. */

/*
 * Locked in the order of ids, as whoever changes several. A pending one is confirmed by the message
 * that tells the decision, not by the one that says wait.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_confirm(subscriptions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	confirmed bigint[] := ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.id = ANY (subscriptions) AND s.state <> 'pending' AND NOT s.is_confirmed
		ORDER BY s.id FOR UPDATE OF s);
BEGIN
	UPDATE casesync_internal.subscription s SET is_confirmed = true WHERE s.id = ANY (confirmed);
	PERFORM casesync_internal.backfill_initial(confirmed);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_confirm(bigint[]) IS
	'the partner knows of these subscriptions: notifications may follow';

CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_refused(transaction_id text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m SET state = 'refused', reason = why,
		answered_at = clock_timestamp()
	 WHERE m.transaction_id = my_subscription_refused.transaction_id AND m.state = 'requested';
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_refused(text, text) IS
	'a partner refused our subscribe request';

/* It was not ended there, so more will come: to count it as ended would make that unasked for. */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_kept(transaction_id text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_subscription m SET state = 'active', reason = why,
		answered_at = clock_timestamp()
	 WHERE m.transaction_id = my_subscription_kept.transaction_id AND m.state = 'ending';
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_kept(text, text) IS
	'a partner refused our unsubscribe request: the subscription goes on';
