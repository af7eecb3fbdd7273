/*
 * api_receive.c
 *		Every asynchronous path: parse, parties and signature, form, store, acknowledge; in this
 *		order. Must not know what a message means: the database decides.
 */
#include "api.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "iso_time.h"
#include "message_check.h"
#include "reply.h"
#include "signature.h"

#define ANSWER_WITHIN_MS 1800 /* the standard wants an answer within two seconds */
#define REPLY_LIMIT (16 * 1024)
#define UNAVAILABLE "err.service.unavailable"

/* One message on its way from its bytes to its answer; outlives the request it came with. */
struct ApiExchange
{
	ApiExchange *previous;
	ApiExchange *next;
	Api *api;
	HttpRequest *request; /* NULL when it has been answered */
	bool is_asking;		  /* the database still has to answer; it frees us then */
	Timer *deadline;
	MessageAction action;
	json_t *envelope;
	PgSession *session;
	char partner[256]; /* "" until it is known to be one of ours */
	int64_t began_at;
};

static void
exchange_free(ApiExchange *exchange)
{
	ApiExchange **first = api_exchanges(exchange->api);

	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else if (*first == exchange)
		*first = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	timer_free(exchange->deadline);
	json_decref(exchange->envelope);
	free(exchange);
}

static void
exchange_log(const ApiExchange *exchange, int status, const char *ack_status,
			 const char *error_code, const char *correlation_id)
{
	log_info(api_parts(exchange->api)->log, "received", "action",
			 message_action_name(exchange->action), "partner", exchange->partner, "http_status",
			 LOG_INT(status), "ack", ack_status, "error_code", LOG_TEXT(error_code),
			 "correlation_id", LOG_TEXT(correlation_id), "ms",
			 LOG_INT(event_loop_now() - exchange->began_at), NULL);
}

/* Sends the answer. The exchange lives on while the database still works for it. */
static void
exchange_answer(ApiExchange *exchange, int status, const Buffer *body)
{
	HttpRequest *request = exchange->request;

	exchange->request = NULL;
	http_request_reply(request, status, body->data, body->length);
	if (!exchange->is_asking)
		exchange_free(exchange);
}

static void
exchange_refuse(ApiExchange *exchange, int status, const char *error_code, const char *text)
{
	Buffer body;

	buffer_init(&body, REPLY_LIMIT);
	(void) reply_error(&body, error_code, text, iso_time_now(), NULL);
	exchange_log(exchange, status, "ERR", error_code, NULL);
	exchange_answer(exchange, status, &body);
	buffer_free(&body);
}

static void
exchange_acknowledge(ApiExchange *exchange, const char *ack_status, const char *error_code,
					 const char *text, const char *correlation_id, const char *at)
{
	Failure failure;
	Buffer body;

	buffer_init(&body, REPLY_LIMIT);
	if (reply_acknowledge(&body, ack_status, error_code, text, correlation_id, at, iso_time_now(),
						  &failure))
	{
		exchange_log(exchange, 200, ack_status, error_code, correlation_id);
		exchange_answer(exchange, 200, &body);
	}
	else
		exchange_refuse(exchange, 503, UNAVAILABLE, "the answer could not be made");
	buffer_free(&body);
}

static void
exchange_unavailable(ApiExchange *exchange)
{
	exchange_refuse(exchange, 503, UNAVAILABLE, "this service cannot store messages at the moment");
}

static void
exchange_expire(void *context)
{
	ApiExchange *exchange = context;

	if (exchange->request != NULL)
		exchange_unavailable(exchange);
}

static void
exchange_abandon(ApiExchange *exchange)
{
	exchange->is_asking = false;
	if (exchange->request != NULL)
		exchange_unavailable(exchange);
	else
		exchange_free(exchange);
}

/* A question to the database was answered; false when nobody waits for us any more. */
static bool
exchange_resume(ApiExchange *exchange, const char *event, const PGresult *result,
				const Failure *failure)
{
	exchange->is_asking = false;
	if (result == NULL && pg_session_is_connected(exchange->session))
		log_error(api_parts(exchange->api)->log, event, "partner", exchange->partner, "reason",
				  failure->text, NULL);
	if (exchange->request == NULL)
	{
		exchange_free(exchange);
		return false;
	}
	if (result == NULL)
	{
		exchange_unavailable(exchange);
		return false;
	}
	return true;
}

static const char *
stored_text(const PGresult *result, int column)
{
	return PQgetisnull(result, 0, column) ? NULL : PQgetvalue(result, 0, column);
}

static void
exchange_stored(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	const ApiParts *parts = api_parts(exchange->api);

	if (result != NULL)
		parts->received(parts->context);
	if (!exchange_resume(exchange, "receive_failed", result, failure))
		return;
	if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0))
		exchange_unavailable(exchange);
	else
		exchange_acknowledge(exchange, PQgetvalue(result, 0, 0), stored_text(result, 1),
							 stored_text(result, 2), stored_text(result, 3),
							 stored_text(result, 4));
}

static void
exchange_store(ApiExchange *exchange, const char *kid)
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);
	const PgParam params[] = {PG_TEXT(exchange->partner),
							  PG_TEXT(message_message_id(exchange->envelope)),
							  {.value = body, .length = (int) length, .is_binary = true},
							  PG_TEXT(NULL),
							  PG_TEXT(kid)};
	Failure failure;

	exchange->is_asking = pg_session_query(
		exchange->session,
		"SELECT ack_status, error_code, error_message, correlation_id,"
		" pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
		" FROM casesync.receive(partner => $1::text, message_id => $2::text, raw => $3::bytea,"
		" token_client => $4::text, kid => $5::text)",
		5, params, exchange_stored, exchange, &failure);
	if (!exchange->is_asking)
		exchange_unavailable(exchange);
}

/* True when the message is the partner's own, or the partner is one who need not prove it. */
static bool
exchange_authenticate(ApiExchange *exchange, const char *keys_text, bool may_be_unsigned,
					  char kid[SIGNATURE_KID_SIZE])
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);
	Failure failure = {FAILURE_SYSTEM, ""};
	json_t *keys;
	bool ok;

	kid[0] = '\0';
	if (may_be_unsigned && signature_is_absent(exchange->envelope))
		return true;
	keys = json_loads(keys_text, 0, NULL);
	ok = keys != NULL &&
		 signature_verify(exchange->envelope, body, length, keys, iso_time_now(), kid, &failure);
	json_decref(keys);
	if (ok)
		return true;
	if (failure.kind == FAILURE_SIGNATURE_MISSING || failure.kind == FAILURE_SIGNATURE_INVALID)
		exchange_refuse(exchange, 401, signature_error_code(&failure), failure.text);
	else
		exchange_unavailable(exchange);
	return false;
}

static void
exchange_identified(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	char kid[SIGNATURE_KID_SIZE];
	bool may_be_unsigned;
	MessageProblem problem;

	if (!exchange_resume(exchange, "partner_lookup_failed", result, failure))
		return;
	if (PQntuples(result) != 1)
	{
		exchange_refuse(exchange, 401, "err.sender_id.invalid", "sender_id is not known here");
		return;
	}
	strncpy(exchange->partner, PQgetvalue(result, 0, 0), sizeof(exchange->partner) - 1);
	may_be_unsigned = strcmp(PQgetvalue(result, 0, 1), "unsigned_accepted") == 0;
	if (!exchange_authenticate(exchange,
							   PQgetisnull(result, 0, 2) ? "[]" : PQgetvalue(result, 0, 2),
							   may_be_unsigned, kid))
		return;
	if (!message_check(exchange->envelope, exchange->action,
					   may_be_unsigned ? NULL : api_parts(exchange->api)->node->sender_id,
					   &problem))
		exchange_acknowledge(exchange, "ERR", problem.error_code, problem.text, NULL, NULL);
	else
		exchange_store(exchange, kid[0] != '\0' ? kid : NULL);
}

static void
exchange_identify(ApiExchange *exchange)
{
	const char *sender_id = message_sender_id(exchange->envelope);
	const PgParam params[] = {PG_TEXT(sender_id)};
	Failure failure;

	if (sender_id == NULL)
	{
		exchange_refuse(exchange, 401, "err.sender_id.invalid", "header.sender_id is missing");
		return;
	}
	exchange->session = api_session(exchange->api);
	if (!api_parts(exchange->api)->node->is_known || exchange->session == NULL)
	{
		exchange_unavailable(exchange);
		return;
	}
	exchange->is_asking = pg_session_query(
		exchange->session,
		"SELECT partner, signature, keys FROM casesync.partner_for(sender_id => $1::text)", 1,
		params, exchange_identified, exchange, &failure);
	if (!exchange->is_asking)
		exchange_unavailable(exchange);
}

static ApiExchange *
exchange_new(Api *api, HttpRequest *request)
{
	ApiExchange **first = api_exchanges(api);
	ApiExchange *exchange = calloc(1, sizeof(ApiExchange));

	if (exchange == NULL)
		return NULL;
	exchange->deadline = timer_new(api_parts(api)->loop, exchange_expire, exchange);
	if (exchange->deadline == NULL)
	{
		free(exchange);
		return NULL;
	}
	exchange->api = api;
	exchange->request = request;
	exchange->action = (MessageAction) http_request_route(request)->number;
	exchange->began_at = event_loop_now();
	exchange->next = *first;
	if (*first != NULL)
		(*first)->previous = exchange;
	*first = exchange;
	timer_set(exchange->deadline, ANSWER_WITHIN_MS);
	return exchange;
}

void
api_receive(void *context, HttpRequest *request)
{
	ApiExchange *exchange = exchange_new(context, request);
	size_t length;
	const char *body = http_request_body(request, &length);
	MessageProblem problem;

	if (exchange == NULL)
		http_request_reply(request, 503, "", 0);
	else if (!http_request_has_type(request, "application/json"))
		exchange_refuse(exchange, 415, "err.request.bad", http_route_refusal(415));
	else if (!message_parse(body, length, &exchange->envelope, &problem))
		exchange_acknowledge(exchange, "ERR", problem.error_code, problem.text, NULL, NULL);
	else
		exchange_identify(exchange);
}

void
api_receive_close(Api *api)
{
	if (api == NULL)
		return;
	while (*api_exchanges(api) != NULL)
		exchange_abandon(*api_exchanges(api));
}
