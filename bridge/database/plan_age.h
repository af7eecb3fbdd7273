/*
 * plan_age.h
 *		How long a session's plans may last. Knows nothing of connections.
 */
#ifndef PLAN_AGE_H
#define PLAN_AGE_H

#include <stdint.h>

#include "database/pg_query.h"

typedef struct PlanAge
{
	int64_t until; /* milliseconds, as event_loop_now() */
} PlanAge;

/* A new connection has no plans yet. */
extern void plan_age_begin(PlanAge *age, int64_t now);

/*
 * What is to be asked before anything else, so that the server plans anew: every half to whole
 * minute; NULL when there is time, or no memory. The caller frees it.
 */
extern PgQuery *plan_age_renew(PlanAge *age, int64_t now, PgResultHandler handler);

#endif
