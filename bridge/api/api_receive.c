/*
 * api_receive.c
 *		Every asynchronous path: an admitted message is stored, then acknowledged. Must not know
 *		what a message means: the database decides.
 */
#include <string.h>

#include "api/api_admit.h"
#include "api/api_handlers.h"
#include "api/api_shared.h"
#include "database/pg_row.h"

/* As the database said it, or after the standby had it. */
static void
receive_acknowledge(ApiExchange *exchange)
{
	char *const *kept = exchange->kept;

	api_exchange_acknowledge(exchange, kept[0], kept[1], kept[2], kept[3], kept[4]);
}

static void
receive_secured(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;

	if (!api_exchange_resume(exchange, "standby_wait_failed", result, failure))
		return;
	if (pg_row_is_true(result, 0, 0))
		receive_acknowledge(exchange);
	else
		api_exchange_unavailable(exchange);
}

/* What is acknowledged is never sent again: it may have to be in two places first. */
static void
receive_secure(ApiExchange *exchange)
{
	const Config *config = *exchange->parts->config;
	const PgParam params[] = {PG_TEXT(config->wait_for_standby), PG_TEXT(STANDBY_WAIT_MS)};

	if (config->wait_for_standby[0] == '\0')
		receive_acknowledge(exchange);
	else
		api_exchange_ask(exchange, CALL_STANDBY_WAIT, params, receive_secured);
}

static bool
receive_keep(ApiExchange *exchange, const PGresult *result)
{
	for (int i = 0; i < API_KEPT; i++)
	{
		const char *text = pg_row_text(result, 0, i);

		exchange->kept[i] = text != NULL ? strdup(text) : NULL;
		if (text != NULL && exchange->kept[i] == NULL)
			return false;
	}
	return exchange->kept[0] != NULL;
}

static void
receive_stored(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	const ApiParts *parts = exchange->parts;

	exchange->is_storing = false;
	if (result != NULL)
		parts->received(parts->context);
	if (!api_exchange_resume(exchange, "receive_failed", result, failure))
		return;
	if (receive_keep(exchange, result))
		receive_secure(exchange);
	else
		api_exchange_unavailable(exchange);
}

static void
receive_ask(ApiExchange *exchange)
{
	PgParam params[API_MESSAGE_PARAMS];

	api_exchange_params(exchange, params);
	exchange->is_storing = true;
	api_exchange_ask(exchange, CALL_RECEIVE, params, receive_stored);
}

static void
receive_store(ApiExchange *exchange)
{
	api_await_turn(exchange, BUDGET_STORE,
				   API_SMALL_US + (int64_t) exchange->check.length / API_STORE_BYTES_A_US,
				   receive_ask);
}

void
api_receive(void *context, HttpRequest *request)
{
	api_admit(context, request, false, receive_store);
}
