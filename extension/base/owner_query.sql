/* Users' code run as its owner; granted to nobody, called by the extension's functions only. */
/*
 * anyelement, and so never SECURITY DEFINER: a type that a user chose brings its functions with it.
 * The author is the role that the text, or the view, was stored under. The condition may be
 * another's: it is $2 of the query, and never part of its text, which could come to mean something
 * else between checking and reading it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.owner_query(author name, relation regclass, query text,
	argument anyelement, milliseconds integer DEFAULT 0, condition text DEFAULT NULL)
RETURNS TABLE (key text, record jsonb)
AS 'MODULE_PATHNAME', 'casesync_authored_query'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.owner_query(name, regclass, text, anyelement, integer,
	text) IS
	'run one read-only query as the owner of the relation, with the argument as $1 and a checked '
	'condition over its columns as $2, in at most so much time; an error unless its author has the '
	'rights of that owner today';

CREATE OR REPLACE FUNCTION casesync_internal.owner_plan(relation regclass, query text)
RETURNS json
AS 'MODULE_PATHNAME', 'casesync_owner_plan'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.owner_plan(regclass, text) IS
	'the plan of a query about a relation of the caller''s own, made as its owner';

/*
 * Never waited for: who does not get one leaves the work to who has it. Those of the session are
 * for the bridge, and a transaction of the same session may take them as well.
 */
CREATE OR REPLACE FUNCTION casesync_internal.lock_for_transaction(kind integer, key integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_lock_for_transaction'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.lock_for_transaction(integer, integer) IS
	'try, without waiting, the router''s (1) or a lane''s (2) lock until the end of the '
	'transaction';

/* Waited for, by questions of one partner for each other. */
CREATE OR REPLACE FUNCTION casesync_internal.wait_for_lookups(key integer)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_wait_for_lookups'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.wait_for_lookups(integer) IS
	'be the only one to count a partner''s lookups until the end of the transaction';

CREATE OR REPLACE FUNCTION casesync_internal.lock_router()
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_lock_router'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.lock_router() IS
	'become the router of this database, for the session; false when another session is';

CREATE OR REPLACE FUNCTION casesync_internal.lock_lane(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_lock_lane'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.lock_lane(integer) IS
	'take a lane for the session; false when another session has it';

CREATE OR REPLACE FUNCTION casesync_internal.unlock_lane(lane integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_unlock_lane'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.unlock_lane(integer) IS
	'give a lane back; false when this session did not have it';

CREATE OR REPLACE FUNCTION casesync_internal.execute_apart(statement text)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_execute_apart'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.execute_apart(text) IS
	'run a GRANT or REVOKE as the site''s own, also from a script of the extension';
