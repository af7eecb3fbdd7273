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
#include "database/pg_row.h"
#include "net/url_guard.h"
#include "token/callback_address.h"

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
	bool is_lenient;
	const char *forms;
} Party;

static void
check_begin(ApiExchange *exchange)
{
	exchange->is_checking = true;
	/* not before: they may be read anew while it waits */
	exchange->check.ring = *exchange->parts->keys;
	api_run(exchange);
}

static void
check_done(void *context, int64_t took_us)
{
	ApiExchange *exchange = context;

	exchange->is_checking = false;
	api_end_turn(exchange, took_us);
	if (exchange->is_late)
		api_exchange_time_out(exchange);
	else
		exchange->checked(exchange);
}

/* Charged by the bytes until it is known what it took. */
static void
admit_check(ApiExchange *exchange, void (*run)(void *context), ApiProceed checked)
{
	exchange->task =
		(WorkerTask){.run = run, .work = &exchange->check, .done = check_done, .context = exchange};
	exchange->checked = checked;
	api_await_turn(exchange, BUDGET_CHECK,
				   API_SMALL_US + (int64_t) exchange->check.length / API_CHECK_BYTES_A_US,
				   check_begin);
}

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
				   .encryption = pg_row_word(result, 0, 6),
				   .is_lenient = strcmp(pg_row_word(result, 0, 7), "lenient") == 0,
				   .forms = pg_row_word(result, 0, 8)};

	return party;
}

/*
 * Not called JSON, and read all the same: only a lenient partner's is. What a page in a browser can
 * send without asking its user has such types, but no token.
 */
static bool
type_is_good(ApiExchange *exchange)
{
	ApiCheck *check = &exchange->check;

	if (check->length == 0 || http_request_has_type(exchange->request, "application/json") ||
		odd_form_note(&check->odd, ODD_CONTENT_TYPE, "Content-Type", ""))
		return true;
	api_exchange_refuse(exchange, 415, "err.request.bad", NOT_JSON);
	return false;
}

/*
 * Answers of some say the sides as their question did, or nothing: whose they are says the token,
 * and the signature (message_mend_sides).
 */
static bool
sender_is_left_out(const ApiExchange *exchange)
{
	const char *sender_id = exchange->check.sender_id;

	return message_is_answer(exchange->action) &&
		   (sender_id == NULL || strcmp(sender_id, exchange->parts->node->sender_id) == 0);
}

/* The token's client, then the body, then whether both are the same partner's. */
static bool
party_is_good(ApiExchange *exchange, Party *party)
{
	ApiCheck *check = &exchange->check;

	if (strcmp(party->client_state, "ok") != 0 || party->holder == NULL)
	{
		api_exchange_refuse_unauthorized(exchange, "this token's client is not registered here,"
												   " or not any more");
		return false;
	}
	/* from here on the log names the partner, also of what is refused below */
	api_know_partner(exchange, party->holder);
	check->odd.is_lenient = party->is_lenient;
	if (!type_is_good(exchange))
		return false;
	if (party->is_unsigned_accepted && check->is_probe)
		api_exchange_acknowledge(exchange, "ACK", NULL, NULL, NULL, NULL);
	else if (!check->is_read)
		api_exchange_reject(exchange, check->problem.error_code, check->problem.text);
	else if (sender_is_left_out(exchange))
		return true;
	else if (check->sender_id == NULL)
		api_exchange_refuse(exchange, 401, "err.sender_id.invalid", "header.sender_id is missing");
	/* one answer, whether others have this id or nobody has: who is a partner here is not told */
	else if (party->partner == NULL || strcmp(party->partner, party->holder) != 0)
		api_exchange_refuse(exchange, 401, "err.sender_id.invalid",
							"sender_id is not the party that this token was given to");
	else
		return true;
	return false;
}

/* Where an answer is wanted: never inside our own network, unless that is where the partner is. */
static bool
callback_is_good(ApiExchange *exchange)
{
	const char *url = exchange->check.sender_uri;
	AddressList networks;
	Failure failure;
	bool ok;

	if (url == NULL || exchange->is_synchronous || !message_wants_callback(exchange->action))
		return true;
	if (!address_list_parse(exchange->networks, &networks, &failure))
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

/* False, and answered, when the token is good for the path and not for what the message is. */
static bool
action_is_allowed(ApiExchange *exchange)
{
	const char *scope = api_action_scope(exchange->check.action);

	exchange->action = exchange->check.action;
	if (scope == NULL || bearer_allows(&exchange->claims, scope))
		return true;
	api_exchange_refuse(exchange, 403, "err.request.forbidden",
						"this token's scope does not include header.action");
	return false;
}

static void
admit_refuse(ApiExchange *exchange)
{
	const ApiCheck *check = &exchange->check;

	if (check->result == API_CHECK_NOT_ITS_OWN)
		api_exchange_refuse(exchange, 401, check->problem.error_code, check->problem.text);
	else
		api_exchange_reject(exchange, check->problem.error_code, check->problem.text);
}

static void
admit_noted(void *context, const PGresult *result, const Failure *failure)
{
	ApiExchange *exchange = context;

	if (api_exchange_resume(exchange, "note_failed", result, failure))
		admit_refuse(exchange);
}

static void
admit_note(ApiExchange *exchange)
{
	const ApiCheck *check = &exchange->check;
	const PgParam params[] = {PG_TEXT(exchange->partner), PG_TEXT(check->problem.error_code),
							  PG_TEXT(check->problem.text), PG_TEXT(api_exchange_id(exchange))};

	api_exchange_ask(exchange, CALL_NOTE_REFUSAL, params, admit_noted);
}

/* That a partner's key is another one by now has to be seen here, too, and not only there. */
static void
admit_checked(ApiExchange *exchange)
{
	switch (exchange->check.result)
	{
		case API_CHECK_GOOD:
			if (action_is_allowed(exchange) && callback_is_good(exchange))
				exchange->proceed(exchange);
			break;
		case API_CHECK_NOT_ITS_OWN:
		case API_CHECK_BAD:
			if (exchange->check.is_to_note)
				api_await_turn(exchange, BUDGET_STORE, API_SMALL_US, admit_note);
			else
				admit_refuse(exchange);
			break;
		case API_CHECK_TROUBLE:
			api_exchange_unavailable(exchange);
			break;
	}
}

/* What the check and all after it need of the party, whose result is gone by then. */
static bool
party_keep(ApiExchange *exchange, const Party *party)
{
	ApiCheck *check = &exchange->check;

	check->is_unsigned_accepted = party->is_unsigned_accepted;
	check->keys = party->keys != NULL ? strdup(party->keys) : NULL;
	exchange->networks = party->networks != NULL ? strdup(party->networks) : NULL;
	snprintf(check->encryption, sizeof(check->encryption), "%s", party->encryption);
	snprintf(check->forms, sizeof(check->forms), "%s", party->forms);
	snprintf(check->receiver_id, sizeof(check->receiver_id), "%s",
			 exchange->parts->node->sender_id);
	snprintf(check->holder, sizeof(check->holder), "%s", party->holder);
	/* half of them would be other ones, and answers signed in another form than was agreed */
	return strlen(party->forms) < sizeof(check->forms) &&
		   (party->keys == NULL) == (check->keys == NULL) &&
		   (party->networks == NULL) == (exchange->networks == NULL);
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
	if (!party_is_good(exchange, &party))
		return;
	if (!party_keep(exchange, &party))
		api_exchange_unavailable(exchange);
	else
		admit_check(exchange, api_check_message, admit_checked);
}

static void
admit_ask(ApiExchange *exchange)
{
	/* without a sender_id the rules are those of whoever holds the token */
	const PgParam params[] = {
		PG_TEXT(exchange->claims.issuer), PG_TEXT(exchange->claims.client),
		PG_TEXT(sender_is_left_out(exchange) ? NULL : exchange->check.sender_id)};

	api_exchange_ask(exchange, CALL_AUTHENTICATE, params, admit_party);
}

/* What is wrong with the body is told later: only a partner is told anything about its bytes. */
static void
admit_read(ApiExchange *exchange)
{
	if (exchange->parts->node->is_known)
		api_await_turn(exchange, BUDGET_STORE, API_SMALL_US, admit_ask);
	else
		api_exchange_unavailable(exchange);
}

/* A type that somebody may send for JSON; which partner may, is asked when it is known. */
static bool
type_may_be_json(const HttpRequest *request)
{
	return http_request_has_type(request, "application/json") ||
		   http_request_has_type(request, "text/plain") || http_request_has_type(request, NULL);
}

/* A byte order mark says nothing in UTF-8, and is no part of what is signed. */
static void
body_begin(ApiExchange *exchange)
{
	ApiCheck *check = &exchange->check;

	check->body = http_request_body(exchange->request, &check->length);
	if (check->length >= 3 && memcmp(check->body, "\xef\xbb\xbf", 3) == 0 &&
		odd_form_note(&check->odd, ODD_BOM, "body", ""))
	{
		check->body += 3;
		check->length -= 3;
	}
	if (http_request_target(exchange->request)->has_slash)
		(void) odd_form_note(&check->odd, ODD_TRAILING_SLASH, "path", "");
}

/* Content type and JSON; what is wrong with the JSON is told after it is known to whom. */
static void
admit_body(ApiExchange *exchange)
{
	ApiCheck *check = &exchange->check;

	body_begin(exchange);
	if (check->length > 0 && !type_may_be_json(exchange->request))
		api_exchange_refuse(exchange, 415, "err.request.bad", NOT_JSON);
	else
		admit_check(exchange, api_check_body, admit_read);
}

/* False, and answered, when the client asks more often than it may. */
static bool
rate_is_good(ApiExchange *exchange)
{
	char who[sizeof(exchange->claims.issuer) + sizeof(exchange->claims.client)];
	int64_t wait_ms;

	snprintf(who, sizeof(who), "%s\n%s", exchange->claims.issuer, exchange->claims.client);
	/* by client, not by address: partners share proxies, and one has many addresses */
	wait_ms = api_rate_take(exchange->api, who);
	if (wait_ms > 0)
		api_exchange_refuse_for_now(exchange, wait_ms,
									"you send more requests than are taken; wait, and send fewer");
	return wait_ms == 0;
}

/* An address that shows one bad token after the other waits for each answer. */
static void
token_refuse(ApiExchange *exchange, const char *text)
{
	bool shows_one = http_request_target(exchange->request)->from[0] != '\0' ||
					 http_request_header(exchange->request, "Authorization") != NULL;

	if (shows_one && api_is_guessing(exchange->api, http_request_client(exchange->request)))
	{
		ApiRefusal refusal = {401, "WWW-Authenticate", "Bearer error=\"invalid_token\"",
							  "err.request.unauthorized", ""};

		snprintf(refusal.text, sizeof(refusal.text), "%s", text);
		api_exchange_refuse_slowly(exchange, &refusal);
	}
	else
		api_exchange_refuse_unauthorized(exchange, text);
}

/* By the address that it came to, or else by its token. */
static bool
caller_verify(const ApiParts *parts, const HttpRequest *request, BearerClaims *claims,
			  Failure *failure)
{
	const char *from = http_request_target(request)->from;

	if (from[0] != '\0')
		return callback_address_verify(*parts->config, from, strlen(from), claims, failure);
	return bearer_verify(parts->bearer, http_request_header(request, "Authorization"),
						 iso_time_now(), claims, failure);
}

static bool
token_is_good(ApiExchange *exchange)
{
	const char *scope = http_request_route(exchange->request)->scope;
	Failure failure;

	if (!caller_verify(exchange->parts, exchange->request, &exchange->claims, &failure))
	{
		if (failure.kind == FAILURE_INPUT)
			token_refuse(exchange, failure.text);
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

HttpSender
api_judge_sender(void *context, const HttpRequest *request)
{
	BearerClaims claims;
	Failure failure;

	if (caller_verify(api_parts(context), request, &claims, &failure))
		return api_sender(context, &claims);
	return (HttpSender){.refusal = 401};
}

void
api_admit(Api *api, HttpRequest *request, bool is_synchronous, ApiProceed proceed)
{
	ApiExchange *exchange = api_begin(api, request, is_synchronous, proceed);

	if (exchange != NULL && token_is_good(exchange) && rate_is_good(exchange))
		admit_body(exchange);
}
