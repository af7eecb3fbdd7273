/* The rings turn: leaves that are full are left, leaves that are done with are emptied. */
/* All of the older eras is routed, so that their rows may go. */
CREATE OR REPLACE FUNCTION casesync_internal.earlier_eras_routed(current integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.routing_state;
BEGIN
	FOR s IN
		SELECT DISTINCT ON (r.era) r.* FROM casesync_internal.routing_state r WHERE r.era < current
		 ORDER BY r.era, r.id DESC
	LOOP
		IF s.now IS NOT NULL OR EXISTS (SELECT FROM casesync_internal.window_chunk(s,
			'9223372036854775807:9223372036854775807:', 1)) THEN
			RETURN false;
		END IF;
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.earlier_eras_routed(integer) IS
	'whether nothing that was written before the last restore waits for routing';

CREATE OR REPLACE FUNCTION casesync_internal.leaf_is_full(leaf regclass, leaf_limit bigint)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_relation_size(leaf) > 0 AND pg_table_size(leaf) > leaf_limit
$$;
COMMENT ON FUNCTION casesync_internal.leaf_is_full(regclass, bigint) IS
	'whether a leaf is used and has more than so many bytes';

CREATE OR REPLACE FUNCTION casesync_internal.tidy(leaf_limit bigint DEFAULT 67108864)
RETURNS TABLE (rotated boolean, emptied integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s casesync_internal.routing_state;
	leaf integer := coalesce((SELECT g.leaf FROM casesync_internal.change_ring g), 0);
	era integer;
BEGIN
	rotated := false; emptied := 0;
	/* The router's own lock: routing stands still, so what its state says stays true meanwhile. */
	IF casesync_internal.may_speak() AND casesync_internal.lock_for_transaction(1, 0) THEN
		IF casesync_internal.leaf_is_full(format('casesync_internal.change_%s', leaf)::regclass,
			leaf_limit) THEN
			rotated := casesync_internal.rotate_changes() IS NOT NULL;
		END IF;
		IF casesync_internal.leaf_is_full(casesync_internal.notification_leaf(), leaf_limit) THEN
			rotated := casesync_internal.rotate_notifications() IS NOT NULL OR rotated;
		END IF;
		PERFORM casesync_internal.expire_subscriptions();
		PERFORM casesync_internal.admit_subscriptions();
		era := (casesync_internal.this_node()).era;
		SELECT * INTO s FROM casesync_internal.routing_state r WHERE r.era = era
			ORDER BY r.id DESC LIMIT 1;
		IF FOUND THEN
			emptied := casesync_internal.empty_change_leaves(s.last, era,
				casesync_internal.earlier_eras_routed(era));
		END IF;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.tidy(bigint) IS
	'what the bridge calls every minute: new changes and notifications go to the next leaf once one '
	'has leaf_limit bytes, and leaves of routed changes are emptied';
