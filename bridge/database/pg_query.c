/*
 * pg_query.c
 *		Keeps a question until it can be sent and judges its answer. Must not send anything.
 */
#include "database/pg_query.h"

#include <stdlib.h>
#include <string.h>

/* Messages of these classes name objects and limits only, never anybody's data. */
static bool
may_tell(const char *sqlstate)
{
	static const char *const states[] = {"42501", "42883", "3F000", "42P01", "55000",
										 "57014", "55P03", "53",	"57P"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strncmp(sqlstate, states[i], strlen(states[i])) == 0)
			return true;
	return false;
}

bool
pg_query_judge(const PGresult *result, Failure *failure)
{
	ExecStatusType status = PQresultStatus(result);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	FailureKind kind;

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
		return true;
	if (sqlstate == NULL)
		sqlstate = "";
	kind = strcmp(sqlstate, "53100") == 0 ? FAILURE_DISK_FULL : FAILURE_DATABASE;
	if (message != NULL && may_tell(sqlstate))
		failure_set(failure, kind, "SQLSTATE %s: %s", sqlstate, message);
	else
		failure_set(failure, kind, "SQLSTATE %s; the server's log has the text", sqlstate);
	return false;
}

void
pg_queue_init(PgQueue *queue)
{
	STAILQ_INIT(&queue->list);
	queue->length = 0;
}

void
pg_queue_append(PgQueue *queue, PgQuery *query)
{
	STAILQ_INSERT_TAIL(&queue->list, query, entry);
	queue->length++;
}

PgQuery *
pg_queue_take(PgQueue *queue)
{
	PgQuery *query = STAILQ_FIRST(&queue->list);

	STAILQ_REMOVE_HEAD(&queue->list, entry);
	queue->length--;
	return query;
}

/* Everything a query needs in one piece of memory, so that free() is enough. */
PgQuery *
pg_query_new(const PgStatement *statement, const PgParam *params, PgResultHandler handler,
			 void *context)
{
	int count = statement->count;
	/* Pointers first, then integers: one piece of memory with everything aligned. */
	size_t arrays = (size_t) count * (sizeof(char *) + 2 * sizeof(int));
	size_t size = sizeof(PgQuery) + arrays + strlen(statement->sql) + 1;
	PgQuery *query;
	char *at;

	for (int i = 0; i < count; i++)
		if (params[i].value != NULL)
			size += (params[i].is_binary ? (size_t) params[i].length : strlen(params[i].value)) + 1;
	query = calloc(1, size);
	if (query == NULL)
		return NULL;
	query->handler = handler;
	query->context = context;
	query->count = count;
	query->values = (const char **) (query + 1);
	query->lengths = (int *) (query->values + count);
	query->formats = query->lengths + count;
	query->sql = (char *) (query->formats + count);
	at = stpcpy(query->sql, statement->sql) + 1;
	for (int i = 0; i < count; i++)
	{
		size_t length;

		if (params[i].value == NULL)
			continue;
		length = params[i].is_binary ? (size_t) params[i].length : strlen(params[i].value);
		memcpy(at, params[i].value, length);
		query->values[i] = at;
		query->lengths[i] = (int) length;
		query->formats[i] = params[i].is_binary ? 1 : 0;
		at += length + 1;
	}
	return query;
}
