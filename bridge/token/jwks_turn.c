/*
 * jwks_turn.c
 *		One circle, at every poll: which issuers are there, which keys are due, fetch, report,
 *		again. Must not decide when a key is fetched or whether it counts: the database does.
 */
#include "token/jwks_turn.h"

#include <stdlib.h>
#include <string.h>

#include "database/pg_row.h"
#include "database/sql_call.h"
#include "message/json_bounds.h"
#include "net/tls_files.h"

#define WISH_EVERY_MS 5000
#define REST_MS 1000

struct JwksTurn
{
	JwksParts parts;
	Timer *timer;
	bool is_open;
	bool is_busy;  /* the database or a sender will call back */
	char *issuers; /* as the verifier has them */
	char *kind;	   /* what is being fetched */
	char *name;
	char *url;
	AddressList networks;
	int64_t wished_at;
};

static void turn_ask_next(JwksTurn *turn);

static void
turn_forget_source(JwksTurn *turn)
{
	free(turn->kind);
	free(turn->name);
	free(turn->url);
	turn->kind = turn->name = turn->url = NULL;
	address_list_free(&turn->networks);
}

static void
turn_end(JwksTurn *turn)
{
	turn->is_busy = false;
	turn_forget_source(turn);
	timer_set_sooner(turn->timer, (*turn->parts.config)->poll_interval_ms);
}

static void
turn_trouble(JwksTurn *turn, const char *event, const Failure *failure)
{
	if (pg_session_is_connected(turn->parts.session))
		log_error(turn->parts.log, event, "reason", failure->text, NULL);
	turn_end(turn);
}

static void
turn_recorded(void *context, const PGresult *result, const Failure *failure)
{
	JwksTurn *turn = context;

	if (result == NULL)
	{
		turn_trouble(turn, "record_jwks_failed", failure);
		return;
	}
	log_info(turn->parts.log, "keys_fetched", "kind", turn->kind, "name", turn->name, "problem",
			 pg_row_word(result, 0, 0), NULL);
	turn_forget_source(turn);
	turn_ask_next(turn);
}

/* jwks: text of a JSON object, or NULL and the problem. */
static void
turn_record(JwksTurn *turn, const char *jwks, const char *problem)
{
	const PgParam params[] = {PG_TEXT(turn->kind), PG_TEXT(turn->name), PG_TEXT(turn->url),
							  PG_TEXT(jwks), PG_TEXT(problem)};
	Failure failure;

	if (!pg_session_query(turn->parts.session, SQL_CALL(CALL_RECORD_JWKS), params, turn_recorded,
						  turn, &failure))
		turn_trouble(turn, "record_jwks_failed", &failure);
}

static void
turn_fetched(void *context, const SenderAnswer *answer)
{
	JwksTurn *turn = context;
	char problem[128];
	json_t *jwks = NULL;
	char *text = NULL;

	if (answer->result == SENDER_ANSWERED && answer->http_status == 200 &&
		json_bounds_check(answer->body, answer->length, problem, sizeof(problem)))
		jwks = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
	/* Written anew: what the database stores is JSON with one meaning, not somebody's bytes. */
	if (json_is_object(jwks))
		text = json_dumps(jwks, JSON_COMPACT);
	snprintf(problem, sizeof(problem), "HTTP %d", answer->http_status);
	if (text != NULL)
		turn_record(turn, text, NULL);
	else if (answer->result != SENDER_ANSWERED)
		turn_record(turn, NULL, answer->reason);
	else
		turn_record(turn, NULL, answer->http_status != 200 ? problem : "the answer is no key set");
	free(text);
	json_decref(jwks);
}

static bool
turn_fetch(JwksTurn *turn, const char *tls_name, Failure *failure)
{
	SenderRequest request = {.url = turn->url, .method = "GET", .networks = &turn->networks};
	SenderIdentity identity;
	TlsFiles files;

	if (!tls_files_find((*turn->parts.config)->tls_directory, tls_name, &files, failure))
		return false;
	identity = (SenderIdentity){files.certificate, files.key, files.ca};
	request.identity = &identity;
	return sender_post(turn->parts.sender, &request, turn_fetched, turn, failure);
}

static bool
turn_keep_source(JwksTurn *turn, const PGresult *result, Failure *failure)
{
	turn->kind = strdup(pg_row_word(result, 0, 0));
	turn->name = strdup(pg_row_word(result, 0, 1));
	turn->url = strdup(pg_row_word(result, 0, 2));
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	return turn->kind != NULL && turn->name != NULL && turn->url != NULL &&
		   address_list_parse(pg_row_word(result, 0, 3), &turn->networks, failure);
}

static void
turn_got_next(void *context, const PGresult *result, const Failure *failure)
{
	JwksTurn *turn = context;
	Failure own;

	if (result == NULL)
		turn_trouble(turn, "next_jwks_failed", failure);
	else if (PQntuples(result) == 0)
		turn_end(turn);
	else if (!turn_keep_source(turn, result, &own))
		turn_trouble(turn, "next_jwks_failed", &own);
	else if (!turn_fetch(turn, pg_row_text(result, 0, 4), &own))
		turn_record(turn, NULL, own.text);
}

static void
turn_ask_next(JwksTurn *turn)
{
	Failure failure;

	if (!turn->is_open)
		turn_end(turn);
	else if (!pg_session_query(turn->parts.session, SQL_CALL(CALL_NEXT_JWKS), NULL, turn_got_next,
							   turn, &failure))
		turn_trouble(turn, "next_jwks_failed", &failure);
}

/* Only when they are others than before: keys are parsed once. */
static void
turn_take_issuers(JwksTurn *turn, const char *text)
{
	json_t *issuers;
	Failure failure;

	if (turn->issuers != NULL && strcmp(turn->issuers, text) == 0)
		return;
	issuers = json_loads(text, 0, NULL);
	free(turn->issuers);
	turn->issuers = NULL;
	if (bearer_set_issuers(turn->parts.bearer, issuers, &failure))
		turn->issuers = strdup(text);
	else
		log_error(turn->parts.log, "issuers_not_taken", "reason", failure.text, NULL);
	json_decref(issuers);
}

static void
turn_got_issuers(void *context, const PGresult *result, const Failure *failure)
{
	JwksTurn *turn = context;

	if (result == NULL)
	{
		turn_trouble(turn, "token_issuers_failed", failure);
		return;
	}
	if (PQntuples(result) == 1)
		turn_take_issuers(turn, pg_row_word(result, 0, 0));
	turn_ask_next(turn);
}

static void
turn_step(void *context)
{
	JwksTurn *turn = context;
	Failure failure;

	/* one source at a time: keys change rarely, and the session is shared with delivery */
	if (turn->is_busy)
		return;
	timer_set_sooner(turn->timer, (*turn->parts.config)->poll_interval_ms);
	if (pg_session_is_connected(turn->parts.session))
		turn->is_busy = pg_session_query(turn->parts.session, SQL_CALL(CALL_TOKEN_ISSUERS), NULL,
										 turn_got_issuers, turn, &failure);
}

static void
turn_wished(void *context, const PGresult *result, const Failure *failure)
{
	JwksTurn *turn = context;

	if (result == NULL && pg_session_is_connected(turn->parts.session))
		log_error(turn->parts.log, "want_jwks_failed", "reason", failure->text, NULL);
	timer_set_sooner(turn->timer, REST_MS);
}

/* Whoever sends tokens with invented keys must not keep the database busy. */
static void
turn_wish(void *context, const char *issuer)
{
	JwksTurn *turn = context;
	const PgParam params[] = {PG_TEXT(issuer)};
	Failure failure;

	if (turn->wished_at != 0 && event_loop_now() - turn->wished_at < WISH_EVERY_MS)
		return;
	/* before the question: whether it is answered or not, the next wish waits */
	turn->wished_at = event_loop_now();
	(void) pg_session_query(turn->parts.session, SQL_CALL(CALL_WANT_JWKS), params, turn_wished,
							turn, &failure);
}

void
jwks_turn_set_open(JwksTurn *turn, bool is_open)
{
	turn->is_open = is_open;
	turn_step(turn);
}

JwksTurn *
jwks_turn_new(const JwksParts *parts)
{
	JwksTurn *turn = calloc(1, sizeof(JwksTurn));

	if (turn == NULL)
		return NULL;
	turn->parts = *parts;
	turn->timer = timer_new(parts->loop, turn_step, turn);
	if (turn->timer == NULL)
	{
		free(turn);
		return NULL;
	}
	bearer_on_unknown_key(parts->bearer, turn_wish, turn);
	timer_set(turn->timer, 0);
	return turn;
}

void
jwks_turn_free(JwksTurn *turn)
{
	if (turn == NULL)
		return;
	turn_forget_source(turn);
	timer_free(turn->timer);
	free(turn->issuers);
	free(turn);
}
