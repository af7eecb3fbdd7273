/*
 * api_exchange.h
 *		One message from its bytes to its answer: what is known of it so far, and the ways to
 *		answer. Knows neither the order of the checks nor what is asked of the database.
 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include <jansson.h>
#include <sys/queue.h>

#include "api/api_parts.h"
#include "api/api_party.h"
#include "base/log_quota.h"
#include "base/worker.h"
#include "database/pg_row.h"
#include "database/pg_session.h"
#include "database/sql_call.h"
#include "http/http_server.h"
#include "message/message_check.h"
#include "seal/signature.h"

#define API_UNAVAILABLE "err.service.unavailable"

/* The standard wants an answer within two seconds. Under valgrind nothing is that fast. */
#ifndef ANSWER_WITHIN_MS
#define ANSWER_WITHIN_MS 1800
#endif

typedef struct Api Api;
typedef struct ApiExchange ApiExchange;
typedef LIST_HEAD(ApiExchangeList, ApiExchange) ApiExchangeList;

/* What is done with a message that has passed every check. */
typedef void (*ApiProceed)(ApiExchange *exchange);

/* Outlives the request it came with while the database works for it. */
struct ApiExchange
{
	LIST_ENTRY(ApiExchange) entry; /* among all that are on their way */
	Api *api;					   /* for those that ask it for a session; not looked into here */
	const ApiParts *parts;
	Worker *worker;		  /* for steps that take long; see api_work */
	LogQuota *quota;	  /* of lines about requests of nobody */
	HttpRequest *request; /* NULL when it has been answered */
	bool is_asking;		  /* the database still has to answer; it frees us then */
	bool is_working;	  /* a thread is at the body, which must stay, or will be */
	bool is_late;		  /* the time was up then */
	void (*work)(ApiExchange *exchange);
	ApiProceed then;
	int64_t cpu_us; /* what threads have spent on it */
	Timer *deadline;
	MessageAction action;
	bool is_synchronous; /* the result is the answer; else an acknowledgement is */
	ApiProceed proceed;
	BearerClaims claims;
	json_t *envelope;		/* NULL: the body could not be read, and problem says why */
	MessageProblem problem; /* of the body */
	Buffer canonical;		/* what is signed, when the body may say something else; else empty */
	Buffer plain;			/* what an encrypted message says; empty when it is not encrypted */
	PgSession *session;
	char partner[256];			  /* "" until it is known to be one of ours */
	char kid[SIGNATURE_KID_SIZE]; /* "" when it is not signed */
	int64_t began_at;

	/* while it is admitted */
	ApiParty party;
	bool is_good; /* the last step's verdict, with its reason in failure or problem */
	Failure failure;
};

/* Put into the list. NULL when out of memory; the request is answered then. */
extern ApiExchange *api_exchange_new(const ApiParts *parts, ApiExchangeList *list,
									 HttpRequest *request, bool is_synchronous, ApiProceed proceed);

/* The time is up: answers, unless a thread is still at the body; then when it is done. */
extern void api_exchange_expire(ApiExchange *exchange);

/* Each of these answers, once. The exchange must not be used any more. */
extern void api_exchange_answer(ApiExchange *exchange, int status, const HttpHeader *headers,
								const Buffer *body);
extern void api_exchange_refuse(ApiExchange *exchange, int status, const char *error_code,
								const char *text);
extern void api_exchange_refuse_unauthorized(ApiExchange *exchange, const char *text);
extern void api_exchange_refuse_with(ApiExchange *exchange, int status, const char *header,
									 const char *value, const char *error_code, const char *text);
extern void api_exchange_unavailable(ApiExchange *exchange);

/* Understood, but wrong: 200 with ERR on an asynchronous path, 400 on a synchronous one. */
extern void api_exchange_reject(ApiExchange *exchange, const char *error_code, const char *text);

/* 200 with ACK, NACK or ERR; see reply_acknowledge. */
extern void api_exchange_acknowledge(ApiExchange *exchange, const char *ack_status,
									 const char *error_code, const char *text,
									 const char *correlation_id, const char *at);

/* One line for the log: never anything that the partner chose. */
extern void api_exchange_log(const ApiExchange *exchange, int status, const char *ack_status,
							 const char *error_code, const char *correlation_id);

/* What CALL_RECEIVE and CALL_ANSWER_NOW are given, in this order. */
#define API_MESSAGE_PARAMS 6
extern void api_exchange_params(const ApiExchange *exchange, PgParam params[API_MESSAGE_PARAMS]);

/*
 * Asks the database in the exchange's session; when that is not possible, answers "unavailable".
 * The handler begins with api_exchange_resume: false when nobody waits for the answer any more.
 */
extern void api_exchange_ask(ApiExchange *exchange, SqlCallId call, const PgParam *params,
							 PgResultHandler handler);
extern bool api_exchange_resume(ApiExchange *exchange, const char *event, const PGresult *result,
								const Failure *failure);

/* The sessions are closed: answers all in the list, "unavailable", and empties it. */
extern void api_exchange_abandon_all(ApiExchangeList *list);

#endif
