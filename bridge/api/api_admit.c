/*
 * api_admit.c
 *		The order of the checks, the same on every path: token, content type and JSON, who it is,
 *		signature, encryption, form. Whoever has no good token costs neither a parse nor a question
 *		to the database. Must not know what a message asks for.
 */
#include "api/api_admit.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/api_work.h"
#include "base/iso_time.h"
#include "net/url_guard.h"
#include "seal/message_decrypt.h"

#define NOT_JSON                                                                                   \
	"the body must be sent as application/json, not compressed; files (multipart/form-data) are "  \
	"not taken"

/* What CALL_AUTHENTICATE says; lives as long as its result. */
typedef struct Party
{
	const char *client_state;
	const char *holder;	 /* the partner that the token was given to */
	const char *partner; /* the one that sender_id names */
} Party;

static char *
text_keep(const PGresult *result, int column)
{
	const char *text = pg_row_text(result, 0, column);

	return text != NULL ? strdup(text) : NULL;
}

static Party
party_read(ApiExchange *exchange, const PGresult *result)
{
	ApiParty *kept = &exchange->party;
	Party party = {.client_state = pg_row_word(result, 0, 0),
				   .holder = pg_row_text(result, 0, 1),
				   .partner = pg_row_text(result, 0, 2)};

	kept->is_unsigned_accepted = strcmp(pg_row_word(result, 0, 3), "unsigned_accepted") == 0;
	kept->keys = text_keep(result, 4);
	kept->networks = text_keep(result, 5);
	snprintf(kept->encryption, sizeof(kept->encryption), "%s", pg_row_word(result, 0, 6));
	snprintf(kept->receiver, sizeof(kept->receiver), "%s", exchange->parts->node->sender_id);
	kept->receiver_id = kept->is_unsigned_accepted ? NULL : kept->receiver;
	return party;
}

/* The token's client, then the body, then whether both are the same partner's. */
static bool
party_is_good(ApiExchange *exchange, const Party *party)
{
	size_t length;

	if (strcmp(party->client_state, "ok") != 0 || party->holder == NULL)
	{
		api_exchange_refuse_unauthorized(exchange, "this token's client is not registered here,"
												   " or not any more");
		return false;
	}
	/* from here on the log names the partner, also of what is refused below */
	snprintf(exchange->partner, sizeof(exchange->partner), "%s", party->holder);
	(void) http_request_body(exchange->request, &length);
	if (exchange->party.is_unsigned_accepted && message_is_probe(length, exchange->envelope))
		api_exchange_acknowledge(exchange, "ACK", NULL, NULL, NULL, NULL);
	else if (exchange->envelope == NULL)
		api_exchange_reject(exchange, exchange->problem.error_code, exchange->problem.text);
	else if (message_sender_id(exchange->envelope) == NULL)
		api_exchange_refuse(exchange, 401, "err.sender_id.invalid", "header.sender_id is missing");
	/* one answer, whether others have this id or nobody has: who is a partner here is not told */
	else if (party->partner == NULL || strcmp(party->partner, party->holder) != 0)
		api_exchange_refuse(exchange, 401, "err.sender_id.invalid",
							"sender_id is not the party that this token was given to");
	else
		return true;
	return false;
}

/* The message is the partner's own, or the partner is one who need not prove it. */
static void
work_signature(ApiExchange *exchange)
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);
	const char *text = exchange->party.keys != NULL ? exchange->party.keys : "[]";
	json_t *keys;

	failure_set(&exchange->failure, FAILURE_SYSTEM, "the keys cannot be read");
	exchange->is_good =
		exchange->party.is_unsigned_accepted && signature_is_absent(exchange->envelope);
	if (exchange->is_good)
		return;
	keys = json_loads(text, 0, NULL);
	exchange->is_good =
		keys != NULL && signature_verify(exchange->envelope, body, length, keys, iso_time_now(),
										 exchange->kid, &exchange->canonical, &exchange->failure);
	json_decref(keys);
}

static void
work_form(ApiExchange *exchange)
{
	json_t *plain = NULL;

	exchange->is_good =
		(exchange->plain.length == 0 ||
		 message_parse(exchange->plain.data, exchange->plain.length, &plain, &exchange->problem)) &&
		message_check(exchange->envelope, plain, exchange->action, exchange->party.receiver_id,
					  &exchange->problem);
	json_decref(plain);
}

/* Opens what is encrypted, when the partner may and must. */
static bool
encryption_is_good(ApiExchange *exchange)
{
	Failure failure;

	if (message_decrypt(exchange->envelope, exchange->party.encryption, *exchange->parts->keys,
						&exchange->plain, &failure))
		return true;
	if (failure.kind == FAILURE_ENCRYPTION)
		api_exchange_reject(exchange, "err.encryption.invalid", failure.text);
	else
		api_exchange_unavailable(exchange);
	return false;
}

/* Where an answer is wanted: never inside our own network, unless that is where the partner is. */
static bool
callback_is_good(ApiExchange *exchange)
{
	const char *url = message_sender_uri(exchange->envelope);
	AddressList networks;
	Failure failure;
	bool ok;

	if (url == NULL || exchange->is_synchronous || !message_wants_callback(exchange->action))
		return true;
	if (!address_list_parse(exchange->party.networks, &networks, &failure))
	{
		api_exchange_unavailable(exchange);
		return false;
	}
	ok = url_guard_check(url, (*exchange->parts->config)->allow_http, &networks, &failure);
	address_list_free(&networks);
	if (!ok)
		api_exchange_reject(exchange, "err.sender_uri.invalid", failure.text);
	return ok;
}

static void
admit_form(ApiExchange *exchange)
{
	if (!exchange->is_good)
		api_exchange_reject(exchange, exchange->problem.error_code, exchange->problem.text);
	else if (callback_is_good(exchange))
		exchange->proceed(exchange);
}

static void
admit_signature(ApiExchange *exchange)
{
	const Failure *failure = &exchange->failure;

	if (exchange->is_good)
	{
		if (encryption_is_good(exchange))
			api_work(exchange, work_form, admit_form);
	}
	else if (failure->kind == FAILURE_SIGNATURE_MISSING ||
			 failure->kind == FAILURE_SIGNATURE_INVALID)
		api_exchange_refuse(exchange, 401, signature_error_code(failure), failure->text);
	else
		api_exchange_unavailable(exchange);
}

static void
admit_party(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;
	Party party;

	if (!api_exchange_resume(exchange, "authenticate_failed", result, failure))
		return;
	if (PQntuples(result) != 1)
	{
		api_exchange_unavailable(exchange);
		return;
	}
	party = party_read(exchange, result);
	if (party_is_good(exchange, &party))
		api_work(exchange, work_signature, admit_signature);
}

/* What is wrong is told later: only a partner is told anything about its bytes. */
static void
work_parse(ApiExchange *exchange)
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);

	(void) message_parse(body, length, &exchange->envelope, &exchange->problem);
}

static void
admit_parsed(ApiExchange *exchange)
{
	PgParam params[3];

	exchange->session = api_session(exchange->api, exchange);
	if (!exchange->parts->node->is_known)
	{
		api_exchange_unavailable(exchange);
		return;
	}
	params[0] = PG_TEXT(exchange->claims.issuer);
	params[1] = PG_TEXT(exchange->claims.client);
	params[2] = PG_TEXT(message_sender_id(exchange->envelope));
	api_exchange_ask(exchange, CALL_AUTHENTICATE, params, admit_party);
}

/* Content type and JSON; what is wrong with the JSON is told after it is known to whom. */
static void
admit_body(ApiExchange *exchange)
{
	size_t length;

	(void) http_request_body(exchange->request, &length);
	if (length > 0 && !http_request_has_type(exchange->request, "application/json"))
	{
		api_exchange_refuse(exchange, 415, "err.request.bad", NOT_JSON);
		return;
	}
	api_work(exchange, work_parse, admit_parsed);
}

/* False, and answered, when the client asks more often than it may. */
static bool
rate_is_good(ApiExchange *exchange)
{
	char who[sizeof(exchange->claims.issuer) + sizeof(exchange->claims.client)];
	char seconds[16];
	int64_t wait_ms;

	snprintf(who, sizeof(who), "%s\n%s", exchange->claims.issuer, exchange->claims.client);
	/* by client, not by address: partners share proxies, and one has many addresses */
	wait_ms = api_rate_take(exchange->api, who);
	if (wait_ms == 0)
		return true;
	snprintf(seconds, sizeof(seconds), "%d", (int) ((wait_ms + 999) / 1000));
	api_exchange_refuse_with(exchange, 429, "Retry-After", seconds, "err.request.too_many_requests",
							 "you send more requests than are taken; wait, and send fewer");
	return false;
}

static bool
token_is_good(ApiExchange *exchange)
{
	const char *scope = http_request_route(exchange->request)->scope;
	Failure failure;

	if (!bearer_verify(exchange->parts->bearer,
					   http_request_header(exchange->request, "Authorization"), iso_time_now(),
					   &exchange->claims, &failure))
	{
		if (failure.kind == FAILURE_INPUT)
			api_exchange_refuse_unauthorized(exchange, failure.text);
		else
			api_exchange_unavailable(exchange);
		return false;
	}
	if (scope == NULL || bearer_allows(&exchange->claims, scope))
		return true;
	api_exchange_refuse(exchange, 403, "err.request.forbidden",
						"this token's scope does not include this path");
	return false;
}

bool
api_may_send_much(void *context, const HttpRequest *request)
{
	BearerClaims claims;
	Failure failure;

	return bearer_verify(api_parts(context)->bearer, http_request_header(request, "Authorization"),
						 iso_time_now(), &claims, &failure);
}

void
api_admit(Api *api, HttpRequest *request, bool is_synchronous, ApiProceed proceed)
{
	ApiExchange *exchange = api_begin(api, request, is_synchronous, proceed);

	if (exchange != NULL && token_is_good(exchange) && rate_is_good(exchange))
		admit_body(exchange);
}
