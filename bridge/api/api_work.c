/*
 * api_work.c
 *		Hands steps to the worker and takes them back. Must not know what a step does.
 */
#include "api/api_work.h"

#define COST_OF_BYTE_NS 60 /* to read it, to sign for it in both forms, to read it once more */

int64_t
api_work_cost(size_t length)
{
	return (int64_t) length * COST_OF_BYTE_NS / 1000;
}

static void
work_do(void *context)
{
	ApiExchange *exchange = context;

	exchange->work(exchange);
}

static void
work_done(void *context, int64_t cpu_us)
{
	ApiExchange *exchange = context;

	exchange->is_working = false;
	exchange->cpu_us += cpu_us;
	if (exchange->is_late)
		api_exchange_expire(exchange);
	else
		exchange->then(exchange);
}

/* Before it is known whose it is: by the client of its token. */
static const char *
work_owner(const ApiExchange *exchange)
{
	return exchange->partner[0] != '\0' ? exchange->partner : exchange->claims.client;
}

void
api_work(ApiExchange *exchange, ApiWork work, ApiProceed then)
{
	size_t length;

	(void) http_request_body(exchange->request, &length);
	if (length <= API_WORK_AT_ONCE)
	{
		work(exchange);
		then(exchange);
		return;
	}
	exchange->work = work;
	exchange->then = then;
	exchange->is_working =
		worker_give(exchange->worker, work_owner(exchange), work_do, work_done, exchange);
	if (!exchange->is_working)
		api_exchange_unavailable(exchange);
}
