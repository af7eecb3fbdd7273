/*
 * api_receive.c
 *		Every asynchronous path: an admitted message is stored, then acknowledged. Must not know
 *		what a message means: the database decides.
 */
#include "api/api_admit.h"
#include "api/api_handlers.h"

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
receive_store(ApiExchange *exchange)
{
	PgParam params[API_MESSAGE_PARAMS];

	/* now that the partner is known, whichever of its tokens it came with */
	exchange->session = api_session(exchange->api, exchange);
	api_exchange_params(exchange, params);
	api_exchange_ask(exchange, CALL_RECEIVE, params, receive_stored);
}

void
api_receive(void *context, HttpRequest *request)
{
	api_admit(context, request, false, receive_store);
}
