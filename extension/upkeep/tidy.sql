/*
 * What is done every minute: rings turn, subscriptions begin and end, routed leaves are emptied,
 * tracked tables are looked at.
 */

/*
 * Rings turn before leaves are emptied: the leaf that was written until now may go at once when all
 * of it is routed. last and not now: of an open window only a part is routed. What cannot be done
 * now, because the router works or a writer holds a leaf, is done a minute later.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tidy(leaf_limit bigint DEFAULT NULL)
RETURNS TABLE (rotated boolean, emptied integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	most constant bigint := coalesce(leaf_limit, 67108864);
	era integer;
	routed pg_snapshot;
BEGIN
	rotated := false; emptied := 0;
	/* The router's own lock: routing stands still, so what its state says stays true meanwhile. */
	IF casesync_internal.may_speak() AND casesync_internal.lock_for_transaction(1, 0) THEN
		PERFORM casesync_internal.upkeep_seen();
		rotated := casesync_internal.change_ring_turn(most);
		rotated := casesync_internal.notification_ring_turn(most, CASE WHEN leaf_limit IS NULL
			THEN (casesync_internal.this_node()).keep_delivered / 6 ELSE '0' END) OR rotated;
		PERFORM casesync_internal.expire_subscriptions();
		PERFORM casesync_internal.admit_subscriptions();
		PERFORM casesync_internal.filters_catch_up();
		PERFORM casesync_internal.rehearsal_forget();
		PERFORM casesync_internal.rejected_prune();
		PERFORM casesync_internal.inbox_gaps_ask();
		PERFORM casesync_internal.storage_fold();
		PERFORM casesync_internal.lane_states_tidy();
		PERFORM casesync_internal.trackings_follow_renames();
		PERFORM casesync_internal.tracking_rewrite();
		era := (casesync_internal.this_node()).era;
		routed := casesync_internal.routed_upto(era);
		IF routed IS NOT NULL THEN
			emptied := casesync_internal.empty_change_leaves(routed, era,
				casesync_internal.earlier_eras_routed(era));
		END IF;
		PERFORM casesync_internal.capture_look_all();
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.tidy(bigint) IS
	'what the bridge calls every minute: new changes and notifications go to the next leaf once '
	'one has leaf_limit bytes (NULL: the usual), and leaves of routed changes are emptied';
