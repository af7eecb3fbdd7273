/*
 * plan_age_test.c
 *		When a session has its plans made anew.
 */
#include <stdlib.h>
#include <string.h>

#include "database/plan_age.h"
#include "tap.h"

static void
nothing(void *context, const PGresult *result, const Failure *failure)
{
	(void) context;
	(void) result;
	(void) failure;
}

int
main(void)
{
	Tap tap = {0, 0};
	PlanAge age;
	PgQuery *query;
	int64_t now = 1000, last, end;
	int64_t least = INT64_MAX, most = 0;

	plan_age_begin(&age, now);
	tap_ok(&tap, plan_age_renew(&age, now + 59999, nothing) == NULL, "within the minute nothing");
	query = plan_age_renew(&age, now + 60000, nothing);
	if (tap_ok(&tap, query != NULL, "then the plans are to be made anew"))
	{
		tap_is(&tap, query->sql, "DISCARD PLANS", "by this");
		tap_is_int(&tap, query->count, 0, "without parameters");
		tap_ok(&tap, query->handler == nothing, "and its answer goes there");
	}
	free(query);
	last = now + 60000;
	tap_ok(&tap, plan_age_renew(&age, last, nothing) == NULL, "once");
	end = last + 20LL * 60000;
	for (now = last + 1; now < end; now++)
	{
		query = plan_age_renew(&age, now, nothing);
		if (query == NULL)
			continue;
		free(query);
		least = now - last < least ? now - last : least;
		most = now - last > most ? now - last : most;
		last = now;
	}
	tap_ok(&tap, least >= 30000 && most <= 60000,
		   "again within half a minute and a minute: %lld to %lld", (long long) least,
		   (long long) most);
	tap_ok(&tap, most > least, "not at the same time in all sessions");
	return tap_done(&tap);
}
