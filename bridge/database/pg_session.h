/*
 * pg_session.h
 *		One connection to the database that never blocks: connect, query, notification, lost,
 *		connect again. Knows nothing of what is asked.
 */
#ifndef PG_SESSION_H
#define PG_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"
#include "database/pg_query.h"

typedef struct PgSession PgSession;

typedef struct PgSessionSettings
{
	const char *conninfo; /* as libpq takes it; what it leaves out comes from PG* variables */
	const char *name;	  /* "control", "router", …; seen in application_name and in our log */
	int connect_timeout_ms;
	int statement_timeout_ms;
} PgSessionSettings;

/* Any of them may be NULL. None of them may free the session. */
typedef struct PgSessionHandlers
{
	void (*connected)(void *context);
	void (*lost)(void *context); /* after every waiting query was answered with a failure */
	void (*notified)(void *context);
	void (*refused)(void *context, const char *why); /* an attempt to connect failed */
} PgSessionHandlers;

/* Copies the settings and begins to connect. NULL with a failure when out of memory. */
extern PgSession *pg_session_new(EventLoop *loop, const Log *log, const PgSessionSettings *settings,
								 const PgSessionHandlers *handlers, void *context,
								 Failure *failure);
extern void pg_session_free(PgSession *session); /* waiting queries are dropped unanswered */

extern bool pg_session_is_connected(const PgSession *session);
/* Counts connections: what was asked before the number changed was asked in another session. */
extern int pg_session_epoch(const PgSession *session);

/* Connected, and the server has not closed the connection, as the kernel knows at this moment. */
extern bool pg_session_is_alive(const PgSession *session);

/* When the question was asked that was answered last, or is being answered to a handler now. */
extern int64_t pg_session_heard_of(const PgSession *session);

/* When it is connected: the connection is given up, as if it were lost, and made again. */
extern void pg_session_end(PgSession *session, const char *why); /* a constant */
extern int pg_session_queue_length(const PgSession *session);
extern int pg_session_backend_pid(const PgSession *session); /* as announced when connecting */

/*
 * Queues a query; they run one after another, each its own transaction. Statement and parameters
 * are copied.
 * False, and no answer will come, when there is no connection or no memory.
 */
extern bool pg_session_query(PgSession *session, const PgStatement *statement,
							 const PgParam *params, PgResultHandler handler, void *context,
							 Failure *failure);

#define PG_SESSION_CONNECT_MS 10000

#endif
