/*
 * plan_age.c
 *		The server keeps the plans of a session, also those that it made of tables when they were
 *		empty. So none is older than a minute, whether the server learns that its tables have grown
 *		or not. Must not know what is planned.
 */
#include "database/plan_age.h"

#include <stdlib.h>

#define PLANS_LAST_MS 60000

void
plan_age_begin(PlanAge *age, int64_t now)
{
	age->until = now + PLANS_LAST_MS;
}

/* Not all sessions at once: to plan takes time. */
PgQuery *
plan_age_renew(PlanAge *age, int64_t now, PgResultHandler handler)
{
	static const PgStatement discard = {"DISCARD PLANS", 0};
	PgQuery *query;

	if (now < age->until)
		return NULL;
	query = pg_query_new(&discard, NULL, handler, NULL);
	if (query != NULL)
		age->until = now + PLANS_LAST_MS / 2 + random() % (PLANS_LAST_MS / 2);
	return query;
}
