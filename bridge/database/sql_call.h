/*
 * sql_call.h
 *		Every function of casesync that the bridge calls, in one list: how it is called and what is
 *		asked of its result. Knows nothing of connections, nor of what the answers mean (pure).
 */
#ifndef SQL_CALL_H
#define SQL_CALL_H

#include "database/pg_query.h"

/* A standby is milliseconds behind; a session is not to be held up by one that is gone. */
#define STANDBY_WAIT_MS "1000"

typedef enum SqlCallId
{
	CALL_BRIDGE_START,
	CALL_BRIDGE_REHEARSAL,
	CALL_BRIDGE_REFUSAL,
	CALL_JOURNAL_TAKE,
	CALL_LOCK_ROUTER,
	CALL_GATE_CLOSE,
	CALL_GATE_OPEN,
	CALL_END_STOPPED_BRIDGES,
	CALL_ROUTE,
	CALL_ROUTE_ASIDE,
	CALL_TIDY,
	CALL_PRUNE_STEP,
	CALL_LOOK_AGAIN_DUE,
	CALL_APPLY_INBOX,
	CALL_WORK_REQUESTS,
	CALL_TURN_TROUBLE,
	CALL_DELIVERY_BEGIN,
	CALL_STANDBY_WAIT,
	CALL_LANES,
	CALL_LOCK_LANE,
	CALL_UNLOCK_LANE,
	CALL_TAKE,
	CALL_RECORD_OUTCOME,
	CALL_NOTE_ATTEMPT,
	CALL_NEXT_MESSAGE,
	CALL_PROBE_TARGET,
	CALL_LANE_BACK,
	CALL_AUTHENTICATE,
	CALL_CHECK_CLIENT,
	CALL_NOTE_REFUSAL,
	CALL_RECEIVE,
	CALL_ANSWER_NOW,
	CALL_ANSWER_LEFT,
	CALL_TOKEN_ISSUERS,
	CALL_NEXT_JWKS,
	CALL_RECORD_JWKS,
	CALL_WANT_JWKS,
	CALL_COUNT
} SqlCallId;

typedef struct SqlCall
{
	const char *function; /* with its schema */
	PgStatement statement;
} SqlCall;

extern const SqlCall sql_calls[CALL_COUNT];

/* The statement of a call, for pg_session_query. */
#define SQL_CALL(id) (&sql_calls[id].statement)

#endif
