/*
 * api_exchange.c
 *		The life of an exchange: made with its request, answered in time, freed when the database
 *		is done with it too. Must not decide about anything.
 */
#include "api/api_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/iso_time.h"
#include "message/reply.h"

#define REPLY_LIMIT (16 * 1024)
#define REFUSE_AFTER_MS 200

static void
exchange_free(ApiExchange *exchange)
{
	LIST_REMOVE(exchange, entry);
	timer_free(exchange->deadline);
	api_fenced_end(exchange->fenced);
	api_check_free(&exchange->check);
	free(exchange->networks);
	for (int i = 0; i < API_KEPT; i++)
		free(exchange->kept[i]);
	free(exchange);
}

const char *
api_exchange_id(ApiExchange *exchange)
{
	if (exchange->id[0] == '\0' && !uuid_random(exchange->id, NULL))
		exchange->id[0] = '\0';
	return exchange->id;
}

/*
 * Why it is not the partner's own, or cannot be opened, is said in constant sentences. What is
 * wrong with its form may quote it.
 */
static const char *
exchange_reason(const ApiExchange *exchange)
{
	const ApiCheck *check = &exchange->check;

	return check->is_to_note ? check->problem.text : "";
}

void
api_exchange_log(const ApiExchange *exchange, int status, const char *ack_status,
				 const char *error_code, const char *correlation_id)
{
	int64_t suppressed = 0;

	/* whoever is no partner of ours must not fill the disk with what we say of it */
	if (exchange->partner[0] == '\0' &&
		!log_quota_take(exchange->quota, LOG_TEXT(error_code), event_loop_now(), &suppressed))
		return;
	log_info(exchange->parts->log, "received", "path", http_request_route(exchange->request)->path,
			 "partner", exchange->partner, "http_status", LOG_INT(status), "ack",
			 LOG_TEXT(ack_status), "error_code", LOG_TEXT(error_code), "correlation_id",
			 LOG_TEXT(correlation_id), "reason", exchange_reason(exchange), "ms",
			 LOG_INT(event_loop_now() - exchange->began_at), suppressed > 0 ? "suppressed" : NULL,
			 LOG_INT(suppressed), NULL);
}

/* Sends the answer. The exchange lives on while the database still works for it. */
void
api_exchange_answer(ApiExchange *exchange, int status, const HttpHeader *headers,
					const Buffer *body)
{
	static const HttpHeader none[] = {{NULL, NULL}};
	HttpRequest *request = exchange->request;

	/* before the reply: the server may free the request, and nobody may answer it twice */
	exchange->request = NULL;
	http_request_reply_with(request, status, headers != NULL ? headers : none, body->data,
							body->length);
	if (!exchange->is_asking)
		exchange_free(exchange);
}

void
api_exchange_answer_fenced(ApiExchange *exchange, const Buffer *body)
{
	HttpRequest *request = exchange->request;
	const HttpGuard guard = {
		.may_leave = api_fenced_may_leave, .ended = api_fenced_end, .context = exchange->fenced};

	exchange->request = NULL;
	exchange->fenced = NULL;
	http_request_reply_guarded(request, 200, body->data, body->length, &guard);
	exchange_free(exchange);
}

void
api_exchange_refuse_with(ApiExchange *exchange, int status, const char *header, const char *value,
						 const char *error_code, const char *text)
{
	const HttpHeader headers[] = {{header, value}, {NULL, NULL}};
	Buffer body;

	buffer_init(&body, REPLY_LIMIT);
	(void) reply_error(&body, error_code, text, api_exchange_id(exchange), iso_time_now(), NULL);
	api_exchange_log(exchange, status, "ERR", error_code, api_exchange_id(exchange));
	api_exchange_answer(exchange, status, headers, &body);
	buffer_free(&body);
}

void
api_exchange_refuse(ApiExchange *exchange, int status, const char *error_code, const char *text)
{
	api_exchange_refuse_with(exchange, status, NULL, NULL, error_code, text);
}

void
api_exchange_refuse_unauthorized(ApiExchange *exchange, const char *text)
{
	api_exchange_refuse_with(exchange, 401, "WWW-Authenticate", "Bearer error=\"invalid_token\"",
							 "err.request.unauthorized", text);
}

void
api_exchange_unavailable(ApiExchange *exchange)
{
	api_exchange_refuse(exchange, 503, API_UNAVAILABLE,
						"this service cannot take messages at the moment");
}

void
api_exchange_acknowledge(ApiExchange *exchange, const char *ack_status, const char *error_code,
						 const char *text, const char *correlation_id, const char *at)
{
	Failure failure;
	Buffer body;

	if (correlation_id == NULL || correlation_id[0] == '\0')
		correlation_id = api_exchange_id(exchange);
	buffer_init(&body, REPLY_LIMIT);
	if (reply_acknowledge(&body, ack_status, error_code, text, correlation_id, at, iso_time_now(),
						  &failure))
	{
		api_exchange_log(exchange, 200, ack_status, error_code, correlation_id);
		api_exchange_answer(exchange, 200, NULL, &body);
	}
	else
		api_exchange_unavailable(exchange);
	buffer_free(&body);
}

void
api_exchange_reject(ApiExchange *exchange, const char *error_code, const char *text)
{
	if (strcmp(error_code, API_UNAVAILABLE) == 0)
		api_exchange_refuse(exchange, 503, error_code, text);
	else if (exchange->is_synchronous)
		api_exchange_refuse(exchange, 400, error_code, text);
	else
		api_exchange_acknowledge(exchange, "ERR", error_code, text, NULL, NULL);
}

void
api_exchange_refuse_slowly(ApiExchange *exchange, const ApiRefusal *refusal)
{
	exchange->refusal = *refusal;
	http_request_forget_body(exchange->request);
	timer_set(exchange->deadline, REFUSE_AFTER_MS);
}

void
api_exchange_refuse_for_now(ApiExchange *exchange, int64_t wait_ms, const char *text)
{
	ApiRefusal refusal = {429, "Retry-After", "", "err.request.too_many_requests", ""};

	snprintf(refusal.value, sizeof(refusal.value), "%d", (int) ((wait_ms + 999) / 1000));
	snprintf(refusal.text, sizeof(refusal.text), "%s", text);
	api_exchange_refuse_slowly(exchange, &refusal);
}

void
api_exchange_time_out(ApiExchange *exchange)
{
	if (exchange->is_synchronous && exchange->partner[0] != '\0')
		api_exchange_refuse(exchange, 503, "err.request.timeout",
							"the answer takes too long; ask for less, or ask asynchronously");
	else
		api_exchange_unavailable(exchange);
}

static void
exchange_expire(void *context)
{
	ApiExchange *exchange = context;
	const ApiRefusal *refusal = &exchange->refusal;

	if (exchange->request == NULL)
		return;
	if (refusal->status != 0)
		api_exchange_refuse_with(exchange, refusal->status, refusal->header, refusal->value,
								 refusal->error_code, refusal->text);
	else if (exchange->is_checking)
		exchange->is_late = true;
	else if (exchange->is_storing)
		return; /* whether it is stored will be known in a moment, and that is the answer */
	else if (exchange->turns->give_up(exchange))
		api_exchange_refuse_with(exchange, 429, "Retry-After", "1", "err.request.too_many_requests",
								 "what you have asked before takes too long; ask for less at once");
	else
		api_exchange_time_out(exchange);
}

void
api_exchange_params(const ApiExchange *exchange, PgParam params[API_MESSAGE_PARAMS])
{
	api_check_params(&exchange->check, exchange->partner, exchange->claims.client, params);
}

void
api_check_params(const ApiCheck *check, const char *partner, const char *client,
				 PgParam params[API_MESSAGE_PARAMS])
{
	bool is_canonical = check->canonical.length > 0;

	/* raw is what was received and signed; the database keeps it and reads it for itself */
	params[0] = PG_TEXT(partner);
	params[1] = PG_TEXT(check->message_id);
	params[2] = (PgParam){.value = is_canonical ? check->canonical.data : check->body,
						  .length = (int) (is_canonical ? check->canonical.length : check->length),
						  .is_binary = true};
	params[3] = PG_TEXT(client);
	params[4] = PG_TEXT(check->kid[0] != '\0' ? check->kid : NULL);
	params[5] = (PgParam){.value = check->plain.length > 0 ? check->plain.data : NULL,
						  .length = (int) check->plain.length,
						  .is_binary = true};
	params[6] = (PgParam){.value = check->mended.length > 0 ? check->mended.data : NULL,
						  .length = (int) check->mended.length,
						  .is_binary = true};
	params[7] = PG_TEXT(check->odd_text.length > 0 ? check->odd_text.data : NULL);
}

void
api_exchange_ask(ApiExchange *exchange, SqlCallId call, const PgParam *params,
				 PgResultHandler handler)
{
	Failure failure;

	/* a session that is full, or none: the partner is told to come again, not made to wait */
	exchange->is_asking =
		exchange->session != NULL &&
		pg_session_query(exchange->session, SQL_CALL(call), params, handler, exchange, &failure);
	if (exchange->is_asking)
		return;
	exchange->turns->end(exchange, 0);
	api_exchange_unavailable(exchange);
}

bool
api_exchange_resume(ApiExchange *exchange, const char *event, const PGresult *result,
					const Failure *failure)
{
	exchange->is_asking = false;
	exchange->turns->end(exchange, 1000 * (event_loop_now() - exchange->turn_at));
	if (result == NULL && pg_session_is_connected(exchange->session))
		log_error(exchange->parts->log, event, "partner", exchange->partner, "reason",
				  failure->text, NULL);
	/*
	 * Answered when the time was up. What was stored meanwhile is stored: the partner sends it
	 * again and is told that it is known.
	 */
	if (exchange->request == NULL)
	{
		exchange_free(exchange);
		return false;
	}
	if (result == NULL)
	{
		api_exchange_unavailable(exchange);
		return false;
	}
	return true;
}

ApiExchange *
api_exchange_new(const ApiParts *parts, ApiExchangeList *list, LogQuota *quota,
				 HttpRequest *request, bool is_synchronous, ApiProceed proceed)
{
	ApiExchange *exchange = calloc(1, sizeof(ApiExchange));

	if (exchange != NULL)
		exchange->deadline = timer_new(parts->loop, exchange_expire, exchange);
	if (exchange == NULL || exchange->deadline == NULL)
	{
		free(exchange);
		http_request_reply(request, 503, "", 0);
		return NULL;
	}
	exchange->parts = parts;
	exchange->quota = quota;
	exchange->request = request;
	exchange->action = (MessageAction) http_request_route(request)->number;
	exchange->is_synchronous = is_synchronous;
	exchange->proceed = proceed;
	api_check_begin(&exchange->check, (size_t) (*parts->config)->max_notify_body);
	exchange->check.action = exchange->action;
	exchange->began_at = event_loop_now();
	LIST_INSERT_HEAD(list, exchange, entry);
	timer_set(exchange->deadline, ANSWER_WITHIN_MS);
	return exchange;
}

/* What waited for the sessions gets no other answer. */
void
api_exchange_abandon_all(ApiExchangeList *list)
{
	ApiExchange *next;

	for (ApiExchange *exchange = LIST_FIRST(list); exchange != NULL; exchange = next)
	{
		next = LIST_NEXT(exchange, entry);
		exchange->is_asking = false;
		if (exchange->request != NULL)
			api_exchange_unavailable(exchange);
		else
			exchange_free(exchange);
	}
}
