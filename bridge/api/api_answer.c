/*
 * api_answer.c
 *		Every synchronous path: an admitted message is answered by the database, and the answer
 *		signed. Must not know what is asked or answered.
 */
#include "api/api_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_admit.h"
#include "api/api_fenced.h"
#include "api/api_shared.h"
#include "base/iso_time.h"
#include "base/uuid.h"
#include "database/pg_row.h"
#include "seal/envelope.h"

/* What CALL_ANSWER_NOW says, by column. */
enum
{
	SAYS_ERROR_CODE,
	SAYS_ERROR_MESSAGE,
	SAYS_ACTION,
	SAYS_STATUS,
	SAYS_REASON_CODE,
	SAYS_REASON_MESSAGE,
	SAYS_TOTAL_COUNT,
	SAYS_COMPLETED_COUNT,
	SAYS_CORRELATION_ID,
	SAYS_MESSAGE,
	SAYS_SENDER_ID,
	SAYS_RECEIVER_ID,
	SAYS_ENCRYPT,
	SAYS_LANE
};

static bool
answer_build(const PGresult *result, const char *forms, const KeyRing *keys, Buffer *body,
			 Failure *failure)
{
	char message_id[UUID_SIZE];
	EnvelopeFields fields = {.message_id = message_id,
							 .action = pg_row_text(result, 0, SAYS_ACTION),
							 .status = pg_row_text(result, 0, SAYS_STATUS),
							 .status_reason_code = pg_row_text(result, 0, SAYS_REASON_CODE),
							 .status_reason_message = pg_row_text(result, 0, SAYS_REASON_MESSAGE),
							 .total_count = (int) pg_row_number(result, 0, SAYS_TOTAL_COUNT),
							 .completed_count =
								 (int) pg_row_number(result, 0, SAYS_COMPLETED_COUNT),
							 .message = pg_row_text(result, 0, SAYS_MESSAGE),
							 .sender_id = pg_row_text(result, 0, SAYS_SENDER_ID),
							 .receiver_id = pg_row_text(result, 0, SAYS_RECEIVER_ID),
							 .encrypt = pg_row_text(result, 0, SAYS_ENCRYPT),
							 .forms = forms};

	/* an answer without them would be signed nonsense: better none */
	if (fields.action == NULL || fields.status == NULL || fields.message == NULL ||
		fields.sender_id == NULL || fields.receiver_id == NULL)
	{
		failure_set(failure, FAILURE_DATABASE, "answer_now() left something out");
		return false;
	}
	return uuid_random(message_id, failure) &&
		   envelope_build(&fields, iso_time_now(), keys, body, failure);
}

/* If its session has ended, or we stood still, sharing may have been stopped since. */
static void
answer_let_go(ApiExchange *exchange, const char *correlation_id, const Buffer *body)
{
	bool is_raised = api_fenced_is_raised(exchange->fenced);

	if (is_raised && !api_fenced_may_leave(exchange->fenced, true))
	{
		api_exchange_unavailable(exchange);
		return;
	}
	api_exchange_log(exchange, 200, "", NULL, correlation_id);
	if (is_raised)
		api_exchange_answer_fenced(exchange, body);
	else
		api_exchange_answer(exchange, 200, NULL, body);
}

/* Fail closed: what cannot be signed is not sent. */
static void
answer_send(ApiExchange *exchange, const PGresult *result)
{
	const ApiParts *parts = exchange->parts;
	Failure failure;
	Buffer body;

	if (parts->signing_key(parts->context) == NULL)
	{
		api_exchange_unavailable(exchange);
		return;
	}
	buffer_init(&body, (size_t) (*parts->config)->max_notify_body);
	if (answer_build(result, exchange->check.forms, *parts->keys, &body, &failure))
		answer_let_go(exchange, pg_row_text(result, 0, SAYS_CORRELATION_ID), &body);
	else
	{
		log_error(parts->log, "answer_failed", "partner", exchange->partner, "reason", failure.text,
				  NULL);
		api_exchange_unavailable(exchange);
	}
	buffer_free(&body);
}

static int
refusal_status(const char *error_code)
{
	static const struct
	{
		const char *error_code;
		int status;
	} rows[] = {{"err.request.unauthorized", 401},
				{"err.sender_id.invalid", 401},
				{"err.request.forbidden", 403},
				{"err.request.too_many_requests", 429},
				{"err.service.unavailable", 503}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].error_code, error_code) == 0)
			return rows[i].status;
	return 400;
}

static void
answer_got(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;

	/* first of all: whatever becomes of it, it is under way */
	if (result != NULL && PQntuples(result) == 1)
		api_fenced_raise(exchange->fenced, pg_row_text(result, 0, SAYS_LANE));
	if (!api_exchange_resume(exchange, "answer_failed", result, failure))
		return;
	if (PQntuples(result) != 1)
		api_exchange_unavailable(exchange);
	else if (pg_row_text(result, 0, SAYS_ERROR_CODE) != NULL)
		api_exchange_refuse(exchange, refusal_status(pg_row_text(result, 0, SAYS_ERROR_CODE)),
							pg_row_text(result, 0, SAYS_ERROR_CODE),
							pg_row_word(result, 0, SAYS_ERROR_MESSAGE));
	else
		answer_send(exchange, result);
}

static void
answer_ask(ApiExchange *exchange)
{
	PgParam params[API_MESSAGE_PARAMS + 1];
	char within[16];

	exchange->fenced = api_fenced_new(exchange->api, exchange->session);
	if (exchange->fenced == NULL)
	{
		api_end_turn(exchange, 0);
		api_exchange_unavailable(exchange);
		return;
	}
	snprintf(within, sizeof(within), "%d", ANSWER_TIMEOUT_MS);
	api_exchange_params(exchange, params);
	params[API_MESSAGE_PARAMS] = PG_TEXT(within);
	api_exchange_ask(exchange, CALL_ANSWER_NOW, params, answer_got);
}

static void
answer_look_up(ApiExchange *exchange)
{
	const ApiParts *parts = exchange->parts;

	/* a node that may not speak does not look anything up either */
	if (parts->signing_key(parts->context) == NULL)
		api_exchange_unavailable(exchange);
	else
		api_await_turn(exchange, BUDGET_ANSWER, API_SMALL_US, answer_ask);
}

void
api_answer(void *context, HttpRequest *request)
{
	api_admit(context, request, true, answer_look_up);
}
