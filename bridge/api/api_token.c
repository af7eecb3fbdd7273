/*
 * api_token.c
 *		POST /oauth2/client/token: a bearer token for a client that knows its secret (RFC 6749,
 *		4.4). Must not know how secrets are kept, nor what tokens open.
 */
#include "api/api_handlers.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_shared.h"
#include "base/iso_time.h"
#include "database/pg_row.h"
#include "message/reply.h"
#include "token/token_issue.h"
#include "token/token_request.h"

#define FORM "application/x-www-form-urlencoded"
#define REPLY_LIMIT (16 * 1024)

/* What CALL_CHECK_CLIENT says, by column. */
enum
{
	SAYS_STATE,
	SAYS_WAIT_SECONDS,
	SAYS_PARTNER
};

/* Tokens and secrets are nobody's to keep on the way. */
#define NO_STORE                                                                                   \
	{"Cache-Control", "no-store"},                                                                 \
	{                                                                                              \
		"Pragma", "no-cache"                                                                       \
	}

/* OAuth 2's members beside both shapes of our errors. */
static void
token_refuse(ApiExchange *exchange, int status, const HttpHeader *headers, const char *error,
			 const char *error_code, const char *text)
{
	json_t *reply = NULL;
	char *whole = NULL;
	Buffer body;

	buffer_init(&body, REPLY_LIMIT);
	/* one writer of error bodies: what OAuth wants in addition is put beside it */
	if (reply_error(&body, error_code, text, api_exchange_id(exchange), iso_time_now(), NULL))
		reply = json_loadb(body.data, body.length, 0, NULL);
	if (json_object_set_new(reply, "error", json_string(error)) == 0 &&
		json_object_set_new(reply, "error_description", json_string(text)) == 0)
		whole = json_dumps(reply, JSON_COMPACT | JSON_SORT_KEYS);
	if (whole != NULL)
	{
		buffer_clear(&body);
		(void) buffer_append_text(&body, whole);
	}
	free(whole);
	json_decref(reply);
	api_exchange_log(exchange, status, NULL, error_code, api_exchange_id(exchange));
	api_exchange_answer(exchange, status, headers, &body);
	buffer_free(&body);
}

static void
token_refuse_client(ApiExchange *exchange, const char *text)
{
	static const HttpHeader headers[] = {
		{"WWW-Authenticate", "Basic realm=\"casesync\""}, NO_STORE, {NULL, NULL}};

	token_refuse(exchange, 401, headers, "invalid_client", "err.request.unauthorized", text);
}

static void
token_refuse_request(ApiExchange *exchange, const TokenProblem *problem)
{
	static const HttpHeader headers[] = {NO_STORE, {NULL, NULL}};

	if (strcmp(problem->error, "invalid_client") == 0)
		token_refuse_client(exchange, problem->text);
	else
		token_refuse(exchange, 400, headers, problem->error, "err.request.bad", problem->text);
}

static void
token_refuse_for_now(ApiExchange *exchange, int64_t seconds)
{
	char text[16];
	const HttpHeader headers[] = {{"Retry-After", text}, NO_STORE, {NULL, NULL}};

	snprintf(text, sizeof(text), "%d", (int) seconds);
	token_refuse(exchange, 429, headers, "slow_down", "err.request.too_many_requests",
				 "too many attempts; wait as long as Retry-After says");
}

static bool
token_append_answer(ApiExchange *exchange, Buffer *body)
{
	const ApiParts *parts = exchange->parts;
	const SigningKey *key = parts->signing_key(parts->context);
	const char *scope = exchange->claims.scope[0] != '\0' ? exchange->claims.scope : NULL;
	const TokenOrder order = {.node = parts->node->sender_id,
							  .client = exchange->claims.client,
							  .scope = scope,
							  .lifetime_seconds = (*parts->config)->token_lifetime_ms / 1000};
	json_t *answer = NULL;
	char *text = NULL;
	Failure failure;
	Buffer token;
	bool ok;

	buffer_init(&token, REPLY_LIMIT);
	if (key != NULL && token_issue(key, &order, iso_time_now(), &token, &failure))
		answer =
			json_pack("{s:s, s:s, s:I, s:s*}", "access_token", token.data, "token_type", "Bearer",
					  "expires_in", (json_int_t) order.lifetime_seconds, "scope", scope);
	if (answer != NULL)
		text = json_dumps(answer, JSON_COMPACT);
	ok = text != NULL && buffer_append_text(body, text);
	free(text);
	json_decref(answer);
	buffer_free(&token);
	return ok;
}

static void
token_give(ApiExchange *exchange)
{
	static const HttpHeader headers[] = {NO_STORE, {NULL, NULL}};
	Buffer body;

	buffer_init(&body, REPLY_LIMIT);
	if (token_append_answer(exchange, &body))
	{
		api_exchange_log(exchange, 200, NULL, NULL, NULL);
		api_exchange_answer(exchange, 200, headers, &body);
	}
	else
		api_exchange_unavailable(exchange);
	buffer_free(&body);
}

static void
token_checked(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	const char *state;

	if (!api_exchange_resume(exchange, "check_client_failed", result, failure))
		return;
	state = pg_row_word(result, 0, SAYS_STATE);
	if (strcmp(state, "ok") == 0)
	{
		snprintf(exchange->partner, sizeof(exchange->partner), "%s",
				 pg_row_word(result, 0, SAYS_PARTNER));
		token_give(exchange);
	}
	else if (strcmp(state, "slow") == 0)
		token_refuse_for_now(exchange, pg_row_number(result, 0, SAYS_WAIT_SECONDS));
	else if (strcmp(state, "refused") == 0)
		token_refuse_client(exchange, "this client is not known, or its secret is another one");
	else
		api_exchange_unavailable(exchange);
}

/* The database is asked with the secret's hash: what it is asked may be logged there. */
static void
token_check(ApiExchange *exchange, const TokenRequest *request)
{
	const char *client = http_request_client(exchange->request);
	unsigned char digest[32];
	const PgParam params[] = {
		PG_TEXT(request->client_id),
		{.value = (const char *) digest, .length = sizeof(digest), .is_binary = true},
		PG_TEXT(client)};

	snprintf(exchange->claims.client, sizeof(exchange->claims.client), "%s", request->client_id);
	snprintf(exchange->claims.scope, sizeof(exchange->claims.scope), "%s", request->scope);
	if (EVP_Digest(request->client_secret, strlen(request->client_secret), digest, NULL,
				   EVP_sha256(), NULL) == 1)
	{
		api_exchange_ask(exchange, CALL_CHECK_CLIENT, params, token_checked);
		return;
	}
	api_end_turn(exchange, 0);
	api_exchange_unavailable(exchange);
}

static void
token_read(ApiExchange *exchange)
{
	const char *authorization = http_request_header(exchange->request, "Authorization");
	TokenRequest request;
	TokenProblem problem;
	size_t length;
	const char *form = http_request_body(exchange->request, &length);

	if (token_request_read(authorization, form, length, &request, &problem))
		token_check(exchange, &request);
	else
	{
		api_end_turn(exchange, 0);
		token_refuse_request(exchange, &problem);
	}
	OPENSSL_cleanse(&request, sizeof(request));
}

/* Before the database is asked: one address must not be able to keep it busy. */
static bool
token_rate_is_good(ApiExchange *exchange)
{
	char who[128];
	int64_t wait_ms;

	snprintf(who, sizeof(who), "token\n%s", http_request_client(exchange->request));
	wait_ms = api_rate_take(exchange->api, who);
	if (wait_ms > 0)
		token_refuse_for_now(exchange, (wait_ms + 999) / 1000);
	return wait_ms == 0;
}

void
api_token(void *context, HttpRequest *http)
{
	static const TokenProblem not_a_form = {"invalid_request", "send the request as " FORM};
	ApiExchange *exchange = api_begin(context, http, true, NULL);

	/* an address that asks too often is told so before its secret is even read */
	if (exchange == NULL || !token_rate_is_good(exchange))
		return;
	if (!http_request_has_type(http, FORM))
		token_refuse_request(exchange, &not_a_form);
	else if (!exchange->parts->node->is_known)
		api_exchange_unavailable(exchange);
	else
		api_await_turn(exchange, BUDGET_STORE, API_SMALL_US, token_read);
}
