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
	bool is_unsigned_accepted;
	const char *keys;
	const char *networks;
	const char *encryption;
} Party;

static Party
party_read(const PGresult *result)
{
	Party party = {.client_state = pg_row_word(result, 0, 0),
				   .holder = pg_row_text(result, 0, 1),
				   .partner = pg_row_text(result, 0, 2),
				   .is_unsigned_accepted =
					   strcmp(pg_row_word(result, 0, 3), "unsigned_accepted") == 0,
				   .keys = pg_row_text(result, 0, 4),
				   .networks = pg_row_text(result, 0, 5),
				   .encryption = pg_row_word(result, 0, 6)};

	return party;
}

/* The token's client, then the body, then whether both are the same partner's. */
static bool
party_is_good(ApiExchange *exchange, Party *party)
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
	if (party->is_unsigned_accepted && message_is_probe(length, exchange->envelope))
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

/* True when the message is the partner's own, or the partner is one who need not prove it. */
static bool
signature_is_good(ApiExchange *exchange, const Party *party)
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);
	Failure failure = {FAILURE_SYSTEM, ""};
	json_t *keys;
	bool ok;

	if (party->is_unsigned_accepted && signature_is_absent(exchange->envelope))
		return true;
	keys = json_loads(party->keys != NULL ? party->keys : "[]", 0, NULL);
	ok = keys != NULL && signature_verify(exchange->envelope, body, length, keys, iso_time_now(),
										  exchange->kid, &exchange->canonical, &failure);
	json_decref(keys);
	if (ok)
		return true;
	if (failure.kind == FAILURE_SIGNATURE_MISSING || failure.kind == FAILURE_SIGNATURE_INVALID)
		api_exchange_refuse(exchange, 401, signature_error_code(&failure), failure.text);
	else
		api_exchange_unavailable(exchange);
	return false;
}

/* Opens what is encrypted, when the partner may and must. */
static bool
encryption_is_good(ApiExchange *exchange, const Party *party)
{
	Failure failure;

	if (message_decrypt(exchange->envelope, party->encryption, *exchange->parts->keys,
						&exchange->plain, &failure))
		return true;
	if (failure.kind == FAILURE_ENCRYPTION)
		api_exchange_reject(exchange, "err.encryption.invalid", failure.text);
	else
		api_exchange_unavailable(exchange);
	return false;
}

static bool
form_is_good(ApiExchange *exchange, const Party *party)
{
	const char *receiver_id = party->is_unsigned_accepted ? NULL : exchange->parts->node->sender_id;
	json_t *plain = NULL;
	MessageProblem problem;
	bool ok = true;

	if (exchange->plain.length > 0)
		ok = message_parse(exchange->plain.data, exchange->plain.length, &plain, &problem);
	ok = ok && message_check(exchange->envelope, plain, exchange->action, receiver_id, &problem);
	json_decref(plain);
	if (!ok)
		api_exchange_reject(exchange, problem.error_code, problem.text);
	return ok;
}

/* Where an answer is wanted: never inside our own network, unless that is where the partner is. */
static bool
callback_is_good(ApiExchange *exchange, const Party *party)
{
	const char *url = message_sender_uri(exchange->envelope);
	AddressList networks;
	Failure failure;
	bool ok;

	if (url == NULL || exchange->is_synchronous || !message_wants_callback(exchange->action))
		return true;
	if (!address_list_parse(party->networks, &networks, &failure))
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
	party = party_read(result);
	if (party_is_good(exchange, &party) && signature_is_good(exchange, &party) &&
		encryption_is_good(exchange, &party) && form_is_good(exchange, &party) &&
		callback_is_good(exchange, &party))
		exchange->proceed(exchange);
}

/* Content type and JSON; what is wrong with the JSON is told after it is known to whom. */
static void
admit_body(ApiExchange *exchange)
{
	size_t length;
	const char *body = http_request_body(exchange->request, &length);
	PgParam params[3];

	if (length > 0 && !http_request_has_type(exchange->request, "application/json"))
	{
		api_exchange_refuse(exchange, 415, "err.request.bad", NOT_JSON);
		return;
	}
	/* What is wrong is told later: only a partner is told anything about its bytes. */
	(void) message_parse(body, length, &exchange->envelope, &exchange->problem);
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
