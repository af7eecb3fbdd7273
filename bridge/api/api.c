/*
 * api.c
 *		What the endpoints share: threads for checks, sessions to the database, and who may have
 *		them when. Must not know the endpoints.
 */
#include "api/api.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_shared.h"
#include "base/rate_limit.h"

#define STORE_TIMEOUT_MS 10000
#define CHECK_THREADS 3 /* one for each kind of checks; what is costly is behind all else here */
#define COSTLY_NICENESS 10
#define BAD_TOKENS_A_SECOND 50 /* of one address, that are answered at once */
#define BAD_TOKENS_AT_ONCE 200

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
	Workers *workers[CHECK_THREADS];
	PartnerBudget *budget;
	bool is_filling[BUDGET_POOLS];
	Timer *paused; /* answers that wait for their partner's time */
	bool is_closing;
	RateLimit *rate_limit;
	ApiExchangeList exchanges;
	ApiResponseList responses;
	LogQuota log_quota;
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

/* Not for an exchange: a heartbeat, or the word that an answer has left, is done in no time. */
static bool
session_is_asked(const Api *api, const PgSession *session)
{
	const ApiExchange *exchange;

	if (pg_session_queue_length(session) == 0)
		return false;
	LIST_FOREACH (exchange, &api->exchanges, entry)
		if (exchange->is_asking && exchange->session == session)
			return true;
	return false;
}

static PgSession *
session_free(const Api *api, const ApiSessions *sessions)
{
	for (int i = 0; i < sessions->count; i++)
		if (pg_session_is_connected(sessions->sessions[i]) &&
			!session_is_asked(api, sessions->sessions[i]))
			return sessions->sessions[i];
	return NULL;
}

static int
sessions_connected(const ApiSessions *sessions)
{
	int count = 0;

	for (int i = 0; i < sessions->count; i++)
		count += pg_session_is_connected(sessions->sessions[i]);
	return count;
}

static void api_fill_answers(void *context);

static bool
workers_start(Api *api, Failure *failure)
{
	/* before there are threads: the secret start of all hash tables */
	json_object_seed(0);
	for (int kind = BUDGET_LIGHT; kind < CHECK_THREADS; kind++)
	{
		api->workers[kind] =
			workers_new(api->parts.loop, 1, kind == BUDGET_LIGHT ? 0 : COSTLY_NICENESS, failure);
		if (api->workers[kind] == NULL)
			return false;
	}
	return true;
}

Api *
api_new(const ApiParts *parts, Failure *failure)
{
	Api *api = calloc(1, sizeof(Api));

	if (api != NULL)
	{
		api->parts = *parts;
		api->rate_limit = rate_limit_new();
		api->budget = partner_budget_new();
		api->paused = timer_new(parts->loop, api_fill_answers, api);
	}
	if (api == NULL || api->rate_limit == NULL || api->budget == NULL || api->paused == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		api_free(api);
		return NULL;
	}
	if (!workers_start(api, failure) ||
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
	api->is_closing = true;
	for (int kind = 0; kind < CHECK_THREADS; kind++)
	{
		workers_free(api->workers[kind]);
		api->workers[kind] = NULL;
	}
	sessions_close(&api->stores);
	sessions_close(&api->answers);
	api_exchange_abandon_all(&api->exchanges);
	api_responses_drop(&api->responses);
}

void
api_free(Api *api)
{
	if (api == NULL)
		return;
	free(api->stores.sessions);
	free(api->answers.sessions);
	timer_free(api->paused);
	partner_budget_free(api->budget);
	rate_limit_free(api->rate_limit);
	free(api);
}

bool
api_is_closing(const Api *api)
{
	return api->is_closing;
}

const ApiParts *
api_parts(const Api *api)
{
	return &api->parts;
}

void
api_run(ApiExchange *exchange)
{
	BudgetKind kind = exchange->job.kind;

	workers_run(exchange->api->workers[kind < CHECK_THREADS ? kind : BUDGET_HEAVY],
				&exchange->task);
}

ApiResponseList *
api_responses(Api *api)
{
	return &api->responses;
}

void
api_run_task(Api *api, WorkerTask *task, void (*run)(void *work),
			 void (*done)(void *context, int64_t took_us))
{
	task->run = run;
	task->done = done;
	workers_run(api->workers[BUDGET_HEAVY], task);
}

/* A free one, or else the one where least is waiting. */
PgSession *
api_store_session(const Api *api)
{
	PgSession *best = session_free(api, &api->stores);

	for (int i = 0; best == NULL && i < api->stores.count; i++)
		if (pg_session_is_connected(api->stores.sessions[i]))
			best = api->stores.sessions[i];
	return best;
}

void
api_finish_checks(Api *api)
{
	for (int kind = 0; kind < CHECK_THREADS; kind++)
		workers_wait(api->workers[kind]);
}

typedef char Who[sizeof(((BearerClaims *) NULL)->issuer) + sizeof(((BearerClaims *) NULL)->client)];

/* Whose account. Without a token it is the address's: whoever wants one has no name yet. */
static void
exchange_name(const ApiExchange *exchange, Who who)
{
	const BearerClaims *claims = &exchange->claims;

	if (exchange->partner[0] != '\0')
		snprintf(who, sizeof(Who), "%s", exchange->partner);
	else if (claims->issuer[0] != '\0')
		snprintf(who, sizeof(Who), "%s\n%s", claims->issuer, claims->client);
	else
		snprintf(who, sizeof(Who), "\n%s", http_request_client(exchange->request));
}

/*
 * Places and shares as they are now: a session that is lost is no place, and settings may have been
 * read anew. Messages of one partner are stored one after the other anyway. Returns the places.
 */
static int
api_set_places(Api *api, BudgetPool pool)
{
	const Config *config = *api->parts.config;
	int places = CHECK_THREADS;
	int percent = 0;

	if (pool == BUDGET_CHECK)
		percent = config->check_share;
	else if (pool == BUDGET_STORE)
		places = sessions_connected(&api->stores);
	else
	{
		places = sessions_connected(&api->answers);
		percent = config->answer_share;
	}
	partner_budget_set(api->budget, pool, places,
					   pool == BUDGET_ANSWER && places > 4 ? places / 4 : 1, percent);
	return places;
}

static void
api_await_pause(Api *api)
{
	int64_t pause_ms = partner_budget_pause(api->budget, BUDGET_ANSWER, event_loop_now());

	if (pause_ms >= 0)
		timer_set(api->paused, pause_ms);
	else
		timer_stop(api->paused);
}

/* Begins what may begin. What it begins may end at once: the loop here looks again then. */
static void
api_fill(Api *api, BudgetPool pool)
{
	BudgetJob *job;

	if (api->is_closing || api->is_filling[pool])
		return;
	api->is_filling[pool] = true;
	(void) api_set_places(api, pool);
	while ((job = partner_budget_next(api->budget, pool, event_loop_now())) != NULL)
	{
		ApiExchange *exchange =
			(ApiExchange *) (void *) ((char *) job - offsetof(ApiExchange, job));

		if (pool != BUDGET_CHECK)
			exchange->session =
				session_free(api, pool == BUDGET_STORE ? &api->stores : &api->answers);
		exchange->turn_at = event_loop_now();
		exchange->begin(exchange);
	}
	api->is_filling[pool] = false;
	if (pool == BUDGET_ANSWER)
		api_await_pause(api);
}

static void
api_fill_answers(void *context)
{
	api_fill(context, BUDGET_ANSWER);
}

static void
api_tell_refusal(Api *api, const char *partner, const BearerClaims *claims, const Who who)
{
	int count = partner_budget_count_refusal(api->budget, who, event_loop_now());

	if (count > 0)
		log_warning(api->parts.log, "refused_for_now", "partner", partner, "client", claims->client,
					"requests", LOG_INT(count), NULL);
}

void
api_await_turn(ApiExchange *exchange, BudgetPool pool, int64_t expected_us, ApiProceed begin)
{
	Api *api = exchange->api;
	int64_t wait_ms;
	Who who;

	exchange_name(exchange, who);
	if (who[0] == '\n')
		exchange->job.kind = BUDGET_STRANGER;
	exchange->pool = pool;
	exchange->begin = begin;
	if (api_set_places(api, pool) == 0)
	{
		api_exchange_unavailable(exchange);
		return;
	}
	wait_ms =
		partner_budget_ask(api->budget, pool, &exchange->job, who, expected_us, event_loop_now());
	if (wait_ms == 0)
		api_fill(api, pool);
	else
	{
		api_tell_refusal(api, exchange->partner, &exchange->claims, who);
		api_exchange_refuse_for_now(exchange, wait_ms,
									"what you send takes more time than is yours; wait, and send "
									"less, or what is less costly");
	}
}

/* Under valgrind everything takes longer, and all limits are those of a bridge without it. */
void
api_end_turn(ApiExchange *exchange, int64_t took_us)
{
	partner_budget_end(exchange->api->budget, &exchange->job, took_us * 1800 / ANSWER_WITHIN_MS,
					   event_loop_now());
	api_fill(exchange->api, exchange->pool);
}

static bool
api_give_up_turn(ApiExchange *exchange)
{
	Api *api = exchange->api;
	bool is_own_fault = partner_budget_is_own_fault(api->budget, &exchange->job);
	Who who;

	if (exchange->is_asking)
		return false;
	if (is_own_fault)
	{
		exchange_name(exchange, who);
		api_tell_refusal(api, exchange->partner, &exchange->claims, who);
	}
	api_end_turn(exchange, 0);
	return is_own_fault;
}

static const ApiTurns api_turns = {.end = api_end_turn, .give_up = api_give_up_turn};

ApiExchange *
api_begin(Api *api, HttpRequest *request, bool is_synchronous, ApiProceed proceed)
{
	ApiExchange *exchange = api_exchange_new(&api->parts, &api->exchanges, &api->log_quota, request,
											 is_synchronous, proceed);

	if (exchange == NULL)
		return NULL;
	exchange->api = api;
	exchange->turns = &api_turns;
	if (!api->is_closing)
		return exchange;
	/* one that stood behind another on its connection: nobody would ever come back to it */
	api_exchange_unavailable(exchange);
	return NULL;
}

HttpSender
api_sender(Api *api, const BearerClaims *claims)
{
	HttpSender sender = {0};
	Who who;

	snprintf(who, sizeof(who), "%s\n%s", claims->issuer, claims->client);
	(void) api_set_places(api, BUDGET_CHECK);
	sender.who = partner_budget_number(api->budget, who);
	sender.wait_ms = partner_budget_wait(api->budget, BUDGET_CHECK, who, event_loop_now());
	if (sender.wait_ms > 0)
	{
		sender.refusal = 429;
		api_tell_refusal(api, "", claims, who);
	}
	return sender;
}

void
api_know_partner(ApiExchange *exchange, const char *partner)
{
	Who who;

	exchange_name(exchange, who);
	partner_budget_know(exchange->api->budget, who, partner);
	snprintf(exchange->partner, sizeof(exchange->partner), "%s", partner);
}

/* Readiness is about storing: an answer may be late, a message must be taken in. */
bool
api_has_session(const Api *api)
{
	return sessions_connected(&api->stores) > 0;
}

int64_t
api_rate_take(Api *api, const char *who)
{
	const Config *config = *api->parts.config;

	return rate_limit_take(api->rate_limit, who, config->rate_limit, config->rate_burst,
						   event_loop_now());
}

bool
api_is_guessing(Api *api, const char *address)
{
	Who who;

	snprintf(who, sizeof(who), "bad token\n%s", address);
	return rate_limit_take(api->rate_limit, who, BAD_TOKENS_A_SECOND, BAD_TOKENS_AT_ONCE,
						   event_loop_now()) > 0;
}
