/*
 * api_response.c
 *		The way of a response: whose it is says the connection, by its certificate; the rest is
 *		checked as of any message of that partner: form, signature, encryption, and what the
 *		database says. Must not know what was asked.
 */
#include "api/api_response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_shared.h"
#include "database/pg_row.h"

struct ApiResponse
{
	LIST_ENTRY(ApiResponse) entry;
	Api *api;
	char partner[256];
	MessageAction action;
	char *body;
	ApiCheck check;
	WorkerTask task;
	PgSession *session;
	int64_t began_at;
	ResponseDone done;
	void *done_context;
};

static void
response_free(ApiResponse *response)
{
	LIST_REMOVE(response, entry);
	api_check_free(&response->check);
	free(response->body);
	free(response);
}

/* Told first: what is told may lie in the check. */
static void
response_end(ApiResponse *response, ResponseResult result, const char *error_code)
{
	log_info(api_parts(response->api)->log, "received", "path", "response", "partner",
			 response->partner, "ack", result == RESPONSE_TAKEN ? "ACK" : "ERR", "error_code",
			 LOG_TEXT(error_code), "ms", LOG_INT(event_loop_now() - response->began_at), NULL);
	response->done(response->done_context, result, error_code);
	response_free(response);
}

static void
response_stored(void *context, const PGresult *result, const Failure *failure)
{
	ApiResponse *response = context;
	const ApiParts *parts = api_parts(response->api);

	if (result == NULL)
	{
		log_error(parts->log, "receive_failed", "partner", response->partner, "reason",
				  failure->text, NULL);
		response_end(response, RESPONSE_TROUBLE, "");
		return;
	}
	parts->received(parts->context);
	if (strcmp(pg_row_word(result, 0, 0), "ACK") == 0)
		response_end(response, RESPONSE_TAKEN, "");
	else
		response_end(response, RESPONSE_REFUSED, pg_row_word(result, 0, 1));
}

static void
response_checked(void *context, int64_t took_us)
{
	ApiResponse *response = context;
	ApiCheck *check = &response->check;
	PgParam params[API_MESSAGE_PARAMS];
	Failure failure;

	(void) took_us;
	if (check->result == API_CHECK_TROUBLE)
		response_end(response, RESPONSE_TROUBLE, "");
	else if (check->result != API_CHECK_GOOD)
		response_end(response, RESPONSE_REFUSED, check->problem.error_code);
	else if (check->action != response->action)
		response_end(response, RESPONSE_REFUSED, "err.request.bad");
	else
	{
		api_check_params(check, response->partner, NULL, params);
		if (!pg_session_query(response->session, SQL_CALL(CALL_RECEIVE), params, response_stored,
							  response, &failure))
			response_end(response, RESPONSE_TROUBLE, "");
	}
}

/* False when out of memory, or when somebody else says to have sent it. */
static bool
response_know_sender(ApiResponse *response, const PGresult *result)
{
	ApiCheck *check = &response->check;
	const char *keys = pg_row_text(result, 0, 4);

	check->is_unsigned_accepted = strcmp(pg_row_word(result, 0, 3), "unsigned_accepted") == 0;
	check->keys = keys != NULL ? strdup(keys) : NULL;
	check->odd.is_lenient = strcmp(pg_row_word(result, 0, 7), "lenient") == 0;
	snprintf(check->encryption, sizeof(check->encryption), "%s", pg_row_word(result, 0, 6));
	snprintf(check->holder, sizeof(check->holder), "%s", response->partner);
	snprintf(check->receiver_id, sizeof(check->receiver_id), "%s",
			 api_parts(response->api)->node->sender_id);
	check->ring = *api_parts(response->api)->keys;
	return (keys == NULL) == (check->keys == NULL) && pg_row_text(result, 0, 2) != NULL;
}

static bool
response_sender_is_good(const ApiResponse *response)
{
	const char *sender_id = response->check.sender_id;

	return sender_id == NULL || strcmp(sender_id, response->partner) == 0 ||
		   strcmp(sender_id, api_parts(response->api)->node->sender_id) == 0;
}

static void
response_got_sender(void *context, const PGresult *result, const Failure *failure)
{
	ApiResponse *response = context;

	(void) failure;
	if (result == NULL || PQntuples(result) != 1 || !response_know_sender(response, result))
		response_end(response, RESPONSE_TROUBLE, "");
	else
		api_run_task(response->api, &response->task, api_check_message, response_checked);
}

static void
response_read(void *context, int64_t took_us)
{
	ApiResponse *response = context;
	const ApiCheck *check = &response->check;
	const PgParam params[] = {PG_TEXT(""), PG_TEXT(""), PG_TEXT(response->partner)};
	Failure failure;

	(void) took_us;
	response->session = api_store_session(response->api);
	if (!check->is_read)
		response_end(response, RESPONSE_REFUSED, check->problem.error_code);
	else if (!response_sender_is_good(response))
		response_end(response, RESPONSE_REFUSED, "err.sender_id.invalid");
	else if (response->session == NULL || !api_parts(response->api)->node->is_known ||
			 !pg_session_query(response->session, SQL_CALL(CALL_AUTHENTICATE), params,
							   response_got_sender, response, &failure))
		response_end(response, RESPONSE_TROUBLE, "");
}

static ApiResponse *
response_new(Api *api, const char *body, size_t length)
{
	ApiResponse *response = calloc(1, sizeof(ApiResponse));

	if (response == NULL)
		return NULL;
	response->body = malloc(length + 1);
	if (response->body == NULL)
	{
		free(response);
		return NULL;
	}
	memcpy(response->body, body, length);
	response->body[length] = '\0';
	response->api = api;
	response->began_at = event_loop_now();
	api_check_begin(&response->check, (size_t) (*api_parts(api)->config)->max_notify_body);
	response->check.body = response->body;
	response->check.length = length;
	response->task.work = &response->check;
	response->task.context = response;
	LIST_INSERT_HEAD(api_responses(api), response, entry);
	return response;
}

bool
api_response_take(void *context, const char *partner, MessageAction action, const char *body,
				  size_t length, ResponseDone done, void *done_context)
{
	Api *api = *(Api *const *) context;
	ApiResponse *response =
		api != NULL && !api_is_closing(api) ? response_new(api, body, length) : NULL;

	if (response == NULL)
		return false;
	snprintf(response->partner, sizeof(response->partner), "%s", partner);
	response->action = response->check.action = action;
	response->done = done;
	response->done_context = done_context;
	api_run_task(api, &response->task, api_check_body, response_read);
	return true;
}

void
api_responses_drop(ApiResponseList *list)
{
	while (!LIST_EMPTY(list))
		response_free(LIST_FIRST(list));
}
