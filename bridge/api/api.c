/*
 * api.c
 *		What the endpoints share: sessions to the database, and how often who may come. Must not
 *		know the endpoints.
 */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_shared.h"
#include "base/rate_limit.h"

#define STORE_TIMEOUT_MS 10000
/* nobody waits so long: by then the bridge has answered itself */
#define ANSWER_TIMEOUT_MS (ANSWER_WITHIN_MS + 200)
#define WORKER_THREADS 2
#define QUEUE_LIMIT 100 /* questions that may wait for one session */

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
	ApiExchangeList exchanges;
	LogQuota log_quota;
	Worker *worker;
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

static bool
session_has_room(const PgSession *session)
{
	return pg_session_is_connected(session) && pg_session_queue_length(session) < QUEUE_LIMIT;
}

/* Whoever asks for a token has no name yet: they all share what one partner gets. */
static bool
exchanges_are_of_one(const ApiExchange *a, const ApiExchange *b)
{
	if (a->partner[0] != '\0' && strcmp(a->partner, b->partner) == 0)
		return true;
	return strcmp(a->claims.issuer, b->claims.issuer) == 0 &&
		   (a->claims.issuer[0] == '\0' || strcmp(a->claims.client, b->claims.client) == 0);
}

static bool
session_works_for(const PgSession *session, const ApiExchange *exchange, const ApiExchangeList *all)
{
	const ApiExchange *other;

	LIST_FOREACH (other, all, entry)
		if (other != exchange && other->is_asking && other->session == session &&
			exchanges_are_of_one(exchange, other))
			return true;
	return false;
}

static PgSession *
session_choose(const ApiSessions *sessions, const ApiExchange *exchange, const ApiExchangeList *all,
			   int share)
{
	PgSession *best = NULL;
	PgSession *best_of_own = NULL;
	int own = 0;

	for (int i = 0; i < sessions->count; i++)
	{
		PgSession *session = sessions->sessions[i];
		bool is_own = session_works_for(session, exchange, all);

		/*
		 * A session with a question of the same caller counts as that caller's, also a full one:
		 * whoever has its share waits in its own sessions, and only there.
		 */
		own += is_own;
		if (!session_has_room(session))
			continue;
		if (best == NULL || pg_session_queue_length(session) < pg_session_queue_length(best))
			best = session;
		if (is_own && (best_of_own == NULL ||
					   pg_session_queue_length(session) < pg_session_queue_length(best_of_own)))
			best_of_own = session;
	}
	return own < share ? best : best_of_own;
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
	api->worker = worker_new(parts->loop, WORKER_THREADS, failure);
	if (api->worker == NULL ||
		!sessions_open(parts, &api->stores, "http", STORE_TIMEOUT_MS, failure) ||
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
	worker_free(api->worker);
	api->worker = NULL;
	api_exchange_abandon_all(&api->exchanges);
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

ApiExchange *
api_begin(Api *api, HttpRequest *request, bool is_synchronous, ApiProceed proceed)
{
	ApiExchange *exchange =
		api_exchange_new(&api->parts, &api->exchanges, request, is_synchronous, proceed);

	if (exchange == NULL)
		return NULL;
	exchange->api = api;
	exchange->quota = &api->log_quota;
	exchange->worker = api->worker;
	return exchange;
}

/* Messages of one partner are stored one after the other anyway. */
PgSession *
api_session(Api *api, const ApiExchange *exchange)
{
	return session_choose(&api->stores, exchange, &api->exchanges, 1);
}

PgSession *
api_answer_session(Api *api, const ApiExchange *exchange)
{
	/* Half of them, so that two partners with slow questions do not keep out a third. */
	int half = api->answers.count / 2;

	return session_choose(&api->answers, exchange, &api->exchanges, half > 1 ? half : 1);
}

/* Readiness is about storing: an answer may be late, a message must be taken in. */
bool
api_has_session(const Api *api)
{
	for (int i = 0; i < api->stores.count; i++)
		if (session_has_room(api->stores.sessions[i]))
			return true;
	return false;
}

int64_t
api_rate_take(Api *api, const char *who)
{
	const Config *config = *api->parts.config;

	return rate_limit_take(api->rate_limit, who, config->rate_limit, config->rate_burst,
						   event_loop_now());
}
