/*
 * api.c
 *		What the endpoints share: sessions to the database. Must not know the endpoints.
 */
#include "api.h"

#include <stdlib.h>

#define API_STATEMENT_TIMEOUT_MS 10000

struct Api
{
	ApiParts parts;
	PgSession **sessions;
	int session_count;
	ApiExchange *exchanges;
};

Api *
api_new(const ApiParts *parts, const char *conninfo, int sessions, Failure *failure)
{
	const PgSessionHandlers handlers = {0};
	const PgSessionSettings settings = {.conninfo = conninfo,
										.name = "http",
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = API_STATEMENT_TIMEOUT_MS};
	Api *api = calloc(1, sizeof(Api));

	if (api != NULL)
		api->sessions = calloc((size_t) sessions, sizeof(PgSession *));
	if (api == NULL || api->sessions == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		free(api);
		return NULL;
	}
	api->parts = *parts;
	for (; api->session_count < sessions; api->session_count++)
	{
		PgSession *session =
			pg_session_new(parts->loop, parts->log, &settings, &handlers, NULL, failure);

		if (session == NULL)
		{
			api_close(api);
			api_free(api);
			return NULL;
		}
		api->sessions[api->session_count] = session;
	}
	return api;
}

void
api_close(Api *api)
{
	if (api == NULL)
		return;
	for (int i = 0; i < api->session_count; i++)
		pg_session_free(api->sessions[i]);
	api->session_count = 0;
}

void
api_free(Api *api)
{
	if (api == NULL)
		return;
	free(api->sessions);
	free(api);
}

const ApiParts *
api_parts(const Api *api)
{
	return &api->parts;
}

ApiExchange **
api_exchanges(Api *api)
{
	return &api->exchanges;
}

PgSession *
api_session(const Api *api)
{
	PgSession *best = NULL;

	for (int i = 0; i < api->session_count; i++)
	{
		PgSession *session = api->sessions[i];

		if (pg_session_is_connected(session) &&
			(best == NULL || pg_session_queue_length(session) < pg_session_queue_length(best)))
			best = session;
	}
	return best;
}
