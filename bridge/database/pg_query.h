/*
 * pg_query.h
 *		One question to the database with its parameters, and what its answer is worth. Knows
 *		nothing of connections.
 */
#ifndef PG_QUERY_H
#define PG_QUERY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/failure.h"

/* What is asked: one statement, and how many parameters it has. */
typedef struct PgStatement
{
	const char *sql;
	int count;
} PgStatement;

/* A text (NULL is SQL NULL), or bytes when is_binary. */
typedef struct PgParam
{
	const char *value;
	int length;
	bool is_binary;
} PgParam;

/*
 * The answer to one query: a result with rows or a completed command, or NULL and the failure
 * (FAILURE_DATABASE). When the connection was lost, so that there is no telling whether it was
 * done, pg_session_is_connected is false already. Result and failure live only during the call.
 */
typedef void (*PgResultHandler)(void *context, const PGresult *result, const Failure *failure);

/* Shorthand for a text parameter. */
#define PG_TEXT(text) ((PgParam){.value = (text)})

typedef struct PgQuery
{
	STAILQ_ENTRY(PgQuery) entry;
	PgResultHandler handler;
	void *context;
	char *sql;
	int count;
	const char **values; /* all of it points into this one piece of memory */
	int *lengths;
	int *formats;
} PgQuery;

typedef STAILQ_HEAD(PgQueryList, PgQuery) PgQueryList;

/* Those that wait for one connection, in the order in which they came. */
typedef struct PgQueue
{
	PgQueryList list;
	int length;
} PgQueue;

extern void pg_queue_init(PgQueue *queue);
extern void pg_queue_append(PgQueue *queue, PgQuery *query);
extern PgQuery *pg_queue_take(PgQueue *queue); /* the first; there must be one */

/* A copy of everything, in one piece: free() is enough. NULL when out of memory. */
extern PgQuery *pg_query_new(const PgStatement *statement, const PgParam *params,
							 PgResultHandler handler, void *context);

/* False with a failure that is fit for the log when the result is an error. */
extern bool pg_query_judge(const PGresult *result, Failure *failure);

#endif
