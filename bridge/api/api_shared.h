/*
 * api_shared.h
 *		What the endpoints have in common: the bridge's parts, sessions to the database, how often
 *		who may come.
 */
#ifndef API_SHARED_H
#define API_SHARED_H

#include "api/api_exchange.h"

extern const ApiParts *api_parts(const Api *api);

/* A new exchange of this Api; see api_exchange_new. */
extern ApiExchange *api_begin(Api *api, HttpRequest *request, bool is_synchronous,
							  ApiProceed proceed);

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

#endif
