/*
 * api_fenced.h
 *		An answer that the database takes for under way until it is told that it has left: see
 *		extension/agreement/sharing.sql. Knows neither what is answered nor how it is sent.
 */
#ifndef API_FENCED_H
#define API_FENCED_H

#include <stdbool.h>

#include "database/pg_session.h"

/* The standard wants an answer within two seconds. Under valgrind nothing is that fast. */
#ifndef ANSWER_WITHIN_MS
#define ANSWER_WITHIN_MS 1800
#endif

/* nobody waits so long: by then the bridge has answered itself */
#define ANSWER_TIMEOUT_MS (ANSWER_WITHIN_MS + 200)

typedef struct Api Api;
typedef struct ApiFenced ApiFenced;

/* Before it is asked for. NULL when out of memory. */
extern ApiFenced *api_fenced_new(const Api *api, PgSession *session);

/* In the handler of that question. Without a lane nothing is under way. */
extern void api_fenced_raise(ApiFenced *fenced, const char *lane);

/* Is it under way? Else the database does not wait for it, and it may leave in any case. */
extern bool api_fenced_is_raised(const ApiFenced *fenced);

/* These two are an HttpGuard. The other one ends its life, whatever became of it; NULL is fine. */
extern bool api_fenced_may_leave(void *fenced, bool is_first);
extern void api_fenced_end(void *fenced);

#endif
