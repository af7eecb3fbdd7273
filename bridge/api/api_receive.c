/*
 * api_receive.c
 *		Every asynchronous path: an admitted message is stored, then acknowledged. Must not know
 *		what a message means: the database decides.
 */
#include "api/api_admit.h"
#include "api/api_handlers.h"
#include "api/api_shared.h"

static void
receive_stored(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	const ApiParts *parts = exchange->parts;

	if (result != NULL)
		parts->received(parts->context);
	if (!api_exchange_resume(exchange, "receive_failed", result, failure))
		return;
	if (pg_row_text(result, 0, 0) == NULL)
		api_exchange_unavailable(exchange);
	else
		api_exchange_acknowledge(exchange, pg_row_text(result, 0, 0), pg_row_text(result, 0, 1),
								 pg_row_text(result, 0, 2), pg_row_text(result, 0, 3),
								 pg_row_text(result, 0, 4));
}

static void
receive_ask(ApiExchange *exchange)
{
	PgParam params[API_MESSAGE_PARAMS];

	api_exchange_params(exchange, params);
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
