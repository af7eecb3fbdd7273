/*
 * One turn of the router at a time, and none while a person decides what a turn decides as well.
 * The router never waits for it: see routing/routing.sql. doc/architecture.md has the order of all
 * locks; this one comes first.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wait_for_turn(is_kept boolean)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_wait_for_turn'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.wait_for_turn(boolean) IS
	'part of after_turn(): waits for the lock of the router''s turns, and may keep it';

/*
 * Called before anything is read: what the turn under way has told is seen behind it, hence no
 * older snapshot. A turn that waits for rows of this very transaction soon does without them (see
 * notification_lock()), so this is no deadlock but a matter of seconds.
 */
CREATE OR REPLACE FUNCTION casesync_internal.after_turn(is_kept boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_transaction_state',
			message => 'this needs the isolation level READ COMMITTED',
			detail => 'An older snapshot would not show what partners were told since.',
			hint => 'BEGIN ISOLATION LEVEL READ COMMITTED;');
	END IF;
	FOR try IN 1 .. 10 LOOP
		BEGIN
			PERFORM casesync_internal.wait_for_turn(is_kept);
			RETURN;
		EXCEPTION WHEN deadlock_detected THEN
			IF try = 10 THEN
				RAISE;
			END IF;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.after_turn(boolean) IS
	'part of hold_router() and await_router()';

CREATE OR REPLACE FUNCTION casesync_internal.hold_router()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.after_turn(is_kept => true)
$$;
COMMENT ON FUNCTION casesync_internal.hold_router() IS
	'no turn of the router is under way from here to the end of this transaction';

CREATE OR REPLACE FUNCTION casesync_internal.await_router()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.after_turn(is_kept => false)
$$;
COMMENT ON FUNCTION casesync_internal.await_router() IS
	'what turns of the router have told until now is seen by the next statement';

/* 8 is the kind in which hold_router() waits. */
CREATE OR REPLACE FUNCTION casesync_internal.begin_turn()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.lock_for_transaction(1, 0)
		AND casesync_internal.lock_for_transaction(8, 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.begin_turn() IS
	'this transaction is a turn of the router; false, at once, when another is, or when somebody '
	'decides who wants none';
