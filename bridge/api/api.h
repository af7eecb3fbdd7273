/*
 * api.h
 *		The endpoints: what is answered to whom. Knows the order of the checks, not the rules, and
 *		nothing of sockets.
 */
#ifndef API_H
#define API_H

#include <stdbool.h>

#include "token/bearer.h"
#include "base/buffer.h"
#include "config/config.h"
#include "database/control.h"
#include "http/http_route.h"
#include "key/key_ring.h"
#include "database/pg_session.h"

typedef struct Api Api;
typedef struct ApiExchange ApiExchange;

/* This bridge's own share of the work, as it is now. */
typedef struct ApiReadiness
{
	bool can_sign;
	const char *cannot_sign_reason; /* "" when it can */
	bool is_connected;				/* the sessions for routing and delivery */
	bool is_router;
	bool is_stopping;
} ApiReadiness;

typedef struct ApiParts
{
	EventLoop *loop;
	const Log *log;
	const ControlNode *node;
	const KeyRing *const *keys; /* read anew at each use; NULL there: they cannot be read now */
	const Config *const *config;
	const BearerVerifier *bearer;

	/* The key that answers are signed with; NULL while this node may not speak. */
	const SigningKey *(*signing_key)(void *context);
	void (*received)(void *context); /* a message was stored */
	ApiReadiness (*readiness)(void *context);
	void *context;
} ApiParts;

/* Routes of the public address and of the one for operations; their context is the Api. */
extern const HttpRoute api_routes[];
extern const HttpRoute api_health_routes[];
extern const char *const api_prefixes[];
extern const char *const api_no_prefixes[];

/* Opens its own sessions to the database. */
extern Api *api_new(const ApiParts *parts, Failure *failure);

/* Closes the sessions; api_exchange_close then answers what waited for them. */
extern void api_close(Api *api);
extern void api_free(Api *api); /* after api_exchange_close and the HTTP server */

extern const ApiParts *api_parts(const Api *api);

/*
 * A connected session with little to do, or NULL when all have too much. Answers are looked up in
 * sessions of their own, so that slow questions do not keep messages from being stored; and no
 * client or partner gets all sessions, so that its slow questions keep only itself waiting.
 */
extern PgSession *api_session(Api *api, const ApiExchange *exchange);
extern PgSession *api_answer_session(Api *api, const ApiExchange *exchange);
extern bool api_has_session(const Api *api);

/* 0 when this caller may come now, else the milliseconds until it may. */
extern int64_t api_rate_take(Api *api, const char *who);

/* The handlers behind the routes. */
extern void api_receive(void *context, HttpRequest *request);
extern void api_answer(void *context, HttpRequest *request);
extern void api_token(void *context, HttpRequest *request);
extern void api_keys(void *context, HttpRequest *request);
extern void api_live(void *context, HttpRequest *request);
extern void api_ready(void *context, HttpRequest *request);

/* Has this request a token that may be a good one? Asked before its body is taken. */
extern bool api_may_send_much(void *context, const HttpRequest *request);

/* Messages on their way; kept here so that api_exchange_close finds them. */
extern ApiExchange **api_exchanges(Api *api);
extern void api_exchange_close(Api *api); /* answers all that is under way: "unavailable" */

#endif
