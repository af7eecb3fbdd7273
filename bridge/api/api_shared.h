/*
 * api_shared.h
 *		What the endpoints have in common: the bridge's parts, places to work in, how often who may
 *		come.
 */
#ifndef API_SHARED_H
#define API_SHARED_H

#include "api/api_exchange.h"

extern const ApiParts *api_parts(const Api *api);

/* From then on there are no sessions. */
extern bool api_is_closing(const Api *api);

/* A new exchange of this Api; see api_exchange_new. */
extern ApiExchange *api_begin(Api *api, HttpRequest *request, bool is_synchronous,
							  ApiProceed proceed);

/* What things are expected to take; what they really took is charged afterwards. */
#define API_SMALL_US 2000
#define API_CHECK_BYTES_A_US 20
#define API_STORE_BYTES_A_US 50

/*
 * Calls begin when it is the exchange's turn in this pool, at once if there is a place; its session
 * is chosen then. Refused when its partner has used up its share. A turn ends by api_exchange_ask
 * or by api_end_turn.
 */
extern void api_await_turn(ApiExchange *exchange, BudgetPool pool, int64_t expected_us,
						   ApiProceed begin);
extern void api_end_turn(ApiExchange *exchange, int64_t took_us);

/* Its task, on a thread; in its turn for checks. */
extern void api_run(ApiExchange *exchange);

extern bool api_has_session(const Api *api);

/* For what comes without a request: on the thread for costly checks, in a session for messages. */
typedef struct ApiResponse ApiResponse;
typedef LIST_HEAD(ApiResponseList, ApiResponse) ApiResponseList;

extern ApiResponseList *api_responses(Api *api);
extern void api_responses_drop(ApiResponseList *list);
extern void api_run_task(Api *api, WorkerTask *task, void (*run)(void *work),
						 void (*done)(void *context, int64_t took_us));
extern PgSession *api_store_session(const Api *api); /* NULL: there is none now */

/* From now on it is known whose exchange it is. */
extern void api_know_partner(ApiExchange *exchange, const char *partner);

/* Whether the holder of a good token has time left for a check, and a number for it. */
extern HttpSender api_sender(Api *api, const BearerClaims *claims);

/* 0 when this caller may come now, else the milliseconds until it may. */
extern int64_t api_rate_take(Api *api, const char *who);

/* Has this address shown more bad tokens than mistakes explain? This one counts. */
extern bool api_is_guessing(Api *api, const char *address);

#endif
