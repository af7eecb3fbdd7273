/*
 * Locks between who sends on a lane and who stops sharing: see delivery/stop_sharing.sql.
 *
 * In this order, and a lane's before the rows of what waits in it: who sends calls sharing_enter()
 * in the transaction that reads, and before its commit sharing_hold(), so that there is no moment
 * without either; after the outcome sharing_release(). Who answers at once calls answer_keep() and
 * answer_left() instead. Who stops calls sharing_close() for all lanes and then sharing_drain().
 */
CREATE OR REPLACE FUNCTION casesync_internal.sharing_enter(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_enter'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_enter(integer) IS
	'what leaves on a lane is read in this transaction; false, at once, when sharing is being '
	'stopped';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_hold(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_hold'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_hold(integer) IS
	'this session has a message of the lane under way, until sharing_release()';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_release(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_release'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_release(integer) IS
	'this session has nothing of the lane under way any more; false when it had not';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_close(lane integer)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_sharing_close'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_close(integer) IS
	'nobody enters the lane any more until the end of this transaction';

CREATE OR REPLACE FUNCTION casesync_internal.sharing_drain(lane integer, is_patient boolean)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_sharing_drain'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.sharing_drain(integer, boolean) IS
	'wait, as long as lock_timeout says, until nothing of a closed lane is under way; without '
	'patience: false when something is';

/* Answers at once: one session has many under way, of many partners. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_keep(lane integer, begins_within integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_answer_keep'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.answer_keep(integer, integer) IS
	'this session has one more answer of the lane under way, until answer_left(), or until this '
	'transaction fails; when the session ends, until so many milliseconds from now';

CREATE OR REPLACE FUNCTION casesync_internal.answer_left(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_answer_left'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.answer_left(integer) IS
	'one answer of the lane has left, or never will; false when this session had none';
