/*
 * api_exchange.h
 *		One message from its bytes to its answer: what is known of it so far, and the ways to
 *		answer. Knows neither the order of the checks nor what is asked of the database.
 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/api_check.h"
#include "api/api_fenced.h"
#include "api/api_parts.h"
#include "api/api_turns.h"
#include "api/partner_budget.h"
#include "base/log_quota.h"
#include "base/uuid.h"
#include "base/workers.h"
#include "database/pg_session.h"
#include "database/sql_call.h"
#include "http/http_server.h"

#define API_UNAVAILABLE "err.service.unavailable"
#define API_KEPT 5 /* texts of an acknowledgement */
typedef LIST_HEAD(ApiExchangeList, ApiExchange) ApiExchangeList;

/* What is done with a message that has passed every check. */
typedef void (*ApiProceed)(ApiExchange *exchange);

typedef struct ApiRefusal
{
	int status;
	const char *header; /* a constant, or NULL */
	char value[64];		/* of the header */
	const char *error_code;
	char text[512];
} ApiRefusal;

/* Outlives the request it came with while the database works for it. */
struct ApiExchange
{
	LIST_ENTRY(ApiExchange) entry; /* among all that are on their way */
	Api *api;					   /* for those that ask it for a session; not looked into here */
	const ApiTurns *turns;
	const ApiParts *parts;
	LogQuota *quota;	  /* of lines about requests of nobody */
	HttpRequest *request; /* NULL when it has been answered */
	bool is_asking;		  /* the database still has to answer; it frees us then */
	bool is_checking;	  /* a thread reads the request */
	bool is_storing;	  /* that is what it has to answer */
	bool is_late;		  /* it does so when the time is up: answered when it is done */
	Timer *deadline;
	MessageAction action;
	bool is_synchronous; /* the result is the answer; else an acknowledgement is */
	ApiProceed proceed;
	BearerClaims claims;
	ApiCheck check;
	WorkerTask task;	/* that does the check */
	ApiProceed checked; /* what comes then */
	BudgetJob job;		/* that waits for a place, or has one */
	BudgetPool pool;	/* where */
	ApiProceed begin;	/* what is done at that place */
	int64_t turn_at;	/* since when */
	PgSession *session;
	ApiFenced *fenced;	/* until it is answered; NULL when not asked for */
	char *networks;		/* of the partner; NULL until they are known */
	char partner[256];	/* "" until it is known to be one of ours */
	char id[UUID_SIZE]; /* api_exchange_id() */
	int64_t began_at;
	char *kept[API_KEPT]; /* what is acknowledged once it may be, as the database said it */
	ApiRefusal refusal;	  /* that is kept back for a moment; status 0: there is none */
};

/* Put into the list. NULL when out of memory; the request is answered then. */
extern ApiExchange *api_exchange_new(const ApiParts *parts, ApiExchangeList *list, LogQuota *quota,
									 HttpRequest *request, bool is_synchronous, ApiProceed proceed);

/* Each of these answers, once. The exchange must not be used any more. */
extern void api_exchange_answer(ApiExchange *exchange, int status, const HttpHeader *headers,
								const Buffer *body);
extern void api_exchange_answer_fenced(ApiExchange *exchange, const Buffer *body); /* 200 */
extern void api_exchange_refuse(ApiExchange *exchange, int status, const char *error_code,
								const char *text);
extern void api_exchange_refuse_unauthorized(ApiExchange *exchange, const char *text);
extern void api_exchange_refuse_with(ApiExchange *exchange, int status, const char *header,
									 const char *value, const char *error_code, const char *text);
extern void api_exchange_unavailable(ApiExchange *exchange);
extern void api_exchange_time_out(ApiExchange *exchange);

/* A moment late, so that asking again is not fast; the other one is 429 with Retry-After. */
extern void api_exchange_refuse_slowly(ApiExchange *exchange, const ApiRefusal *refusal);
extern void api_exchange_refuse_for_now(ApiExchange *exchange, int64_t wait_ms, const char *text);

/* Understood, but wrong: 200 with ERR on an asynchronous path, 400 on a synchronous one. */
extern void api_exchange_reject(ApiExchange *exchange, const char *error_code, const char *text);
/* 200 with ACK, NACK or ERR; see reply_acknowledge. */
extern void api_exchange_acknowledge(ApiExchange *exchange, const char *ack_status,
									 const char *error_code, const char *text,
									 const char *correlation_id, const char *at);

/* One line for the log: never anything that the partner chose. */
extern void api_exchange_log(const ApiExchange *exchange, int status, const char *ack_status,
							 const char *error_code, const char *correlation_id);
extern const char *api_exchange_id(ApiExchange *exchange); /* correlation_id, where no other is */

#define API_MESSAGE_PARAMS 8 /* what CALL_RECEIVE and CALL_ANSWER_NOW are given first */
extern void api_exchange_params(const ApiExchange *exchange, PgParam params[API_MESSAGE_PARAMS]);
extern void api_check_params(const ApiCheck *check, const char *partner, const char *client,
							 PgParam params[API_MESSAGE_PARAMS]); /* client NULL: by no token */

/*
 * Asks the database in the exchange's session, in its turn there, which ends with the answer; else
 * "unavailable". The handler begins with api_exchange_resume: false when nobody waits any more.
 */
extern void api_exchange_ask(ApiExchange *exchange, SqlCallId call, const PgParam *params,
							 PgResultHandler handler);
extern bool api_exchange_resume(ApiExchange *exchange, const char *event, const PGresult *result,
								const Failure *failure);
/* The sessions are closed: answers all in the list, "unavailable", and empties it. */
extern void api_exchange_abandon_all(ApiExchangeList *list);

#endif
