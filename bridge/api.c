/*
 * api.c
 *		What the endpoints share: sessions to the database, and how often who may come. Must not
 *		know the endpoints.
 */
#include "api.h"

#include <stdlib.h>

#include "rate_limit.h"

#define STORE_TIMEOUT_MS 10000
#define ANSWER_TIMEOUT_MS 2000 /* nobody waits so long: by then the bridge has answered itself */
#define QUEUE_LIMIT 100		   /* questions that may wait for one session */

typedef struct ApiSessions
{
	PgSession **sessions;
	int count;
} ApiSessions;

struct Api
{
	ApiParts parts;
	ApiSessions stores;
	ApiSessions answers;
	RateLimit *rate_limit;
	ApiExchange *exchanges;
};

static bool
sessions_open(const ApiParts *parts, ApiSessions *sessions, const char *name, int timeout_ms,
			  Failure *failure)
{
	const PgSessionHandlers handlers = {0};
	const PgSessionSettings settings = {.conninfo = (*parts->config)->database,
										.name = name,
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = timeout_ms};
	int wanted = (*parts->config)->http_sessions;

	sessions->sessions = calloc((size_t) wanted, sizeof(PgSession *));
	if (sessions->sessions == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	for (; sessions->count < wanted; sessions->count++)
	{
		PgSession *session =
			pg_session_new(parts->loop, parts->log, &settings, &handlers, NULL, failure);

		if (session == NULL)
			return false;
		sessions->sessions[sessions->count] = session;
	}
	return true;
}

static void
sessions_close(ApiSessions *sessions)
{
	for (int i = 0; i < sessions->count; i++)
		pg_session_free(sessions->sessions[i]);
	sessions->count = 0;
}

static PgSession *
sessions_choose(const ApiSessions *sessions)
{
	PgSession *best = NULL;

	for (int i = 0; i < sessions->count; i++)
	{
		PgSession *session = sessions->sessions[i];

		if (pg_session_is_connected(session) && pg_session_queue_length(session) < QUEUE_LIMIT &&
			(best == NULL || pg_session_queue_length(session) < pg_session_queue_length(best)))
			best = session;
	}
	return best;
}

Api *
api_new(const ApiParts *parts, Failure *failure)
{
	Api *api = calloc(1, sizeof(Api));

	if (api != NULL)
		api->rate_limit = rate_limit_new();
	if (api == NULL || api->rate_limit == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		free(api);
		return NULL;
	}
	api->parts = *parts;
	if (!sessions_open(parts, &api->stores, "http", STORE_TIMEOUT_MS, failure) ||
		!sessions_open(parts, &api->answers, "answer", ANSWER_TIMEOUT_MS, failure))
	{
		api_close(api);
		api_free(api);
		return NULL;
	}
	return api;
}

void
api_close(Api *api)
{
	if (api == NULL)
		return;
	sessions_close(&api->stores);
	sessions_close(&api->answers);
}

void
api_free(Api *api)
{
	if (api == NULL)
		return;
	free(api->stores.sessions);
	free(api->answers.sessions);
	rate_limit_free(api->rate_limit);
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
	return sessions_choose(&api->stores);
}

PgSession *
api_answer_session(const Api *api)
{
	return sessions_choose(&api->answers);
}

int64_t
api_rate_take(Api *api, const char *who)
{
	const Config *config = *api->parts.config;

	return rate_limit_take(api->rate_limit, who, config->rate_limit, config->rate_burst,
						   event_loop_now());
}
