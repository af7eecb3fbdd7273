/*
 * What is too much in a message of a partner. The standard sets no limits (B27): these are ours.
 * What the bridge reads at all (bytes, depth, lengths of ids) it bounds itself. Written so that it
 * costs nothing: the planner puts the number in its place.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_limit(name text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE name
	/* in one message */
	WHEN 'items' THEN 1000			/* of a request, values of a question */
	WHEN 'records' THEN 1000		/* of a notification, whatever events they stand in */
	WHEN 'records found' THEN 10000	/* of an answer to a search of ours */
	WHEN 'hops' THEN 8				/* on the way of a record */
	WHEN 'value' THEN 255			/* characters of one value that a question asks for */
	WHEN 'code' THEN 99				/* characters of a subscription's code, a type of identifier */
	WHEN 'reason' THEN 999			/* characters of a status_reason_message */
	WHEN 'partner''s reason' THEN 255	/* characters kept of what a partner says of its reason */
	/* of a search */
	WHEN 'page size' THEN 2000
	WHEN 'page size unasked' THEN 100
	WHEN 'page number' THEN 1000000
	WHEN 'people counted' THEN 1000		/* put on record when only their number is told */
	WHEN 'answer bytes' THEN 8000000	/* all records of one answer, as JSON */
	/* of the filters that one partner subscribes to, all together */
	WHEN 'filter bytes' THEN 262144
	WHEN 'filter weight' THEN 2500		/* conditions and values */
	WHEN 'filter pauses' THEN 3			/* in a day */
	/* of what waits and what is kept */
	WHEN 'requests waiting' THEN 1000	/* of one partner */
	WHEN 'requests told' THEN 100		/* in an answer about the status of a transaction */
	WHEN 'items told' THEN 1000
	WHEN 'request tries' THEN 5
	WHEN 'apply tries' THEN 20
	WHEN 'claim bytes' THEN 65536		/* consent and authorize of all items, as JSON */
	/* of what a case worker pushes */
	WHEN 'push note' THEN 500			/* characters */
	WHEN 'pushes' THEN 500				/* of one login in an hour */
	/* of what proves who somebody is */
	WHEN 'token minutes' THEN 15
	END;
COMMENT ON FUNCTION casesync_internal.message_limit(text) IS
	'the most that is taken, given or kept of something; the only place where that is written';

/*
 * Cut and not refused: errors of others' views end up here, and the partner must get some answer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.reason_text(why text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(why, casesync_internal.message_limit('reason'));
COMMENT ON FUNCTION casesync_internal.reason_text(text) IS
	'as much of a reason as a message may hold';
