/*
 * filter_judge.c
 *		Evaluates filters of partners while the router waits, and measures how long that takes.
 *
 * By the time that this process has computed, not by the clock: what a busy machine takes away is
 * no partner's fault. Must not know of partners: who starts the measuring knows whose filters come.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "utils/jsonb.h"

#include "base/settings.h"
#include "filter/filter_cache.h"
#include "filter/filter_match.h"

PG_FUNCTION_INFO_V1(casesync_filter_meter_start);
PG_FUNCTION_INFO_V1(casesync_filter_meter_used);
PG_FUNCTION_INFO_V1(casesync_filter_judge);

/* A turn may have one change only: then some tens of milliseconds are nothing yet. */
#define SUBJECTS_MIN 20

static double used_ms = 0;
static double limit_ms = 0; /* 0: none */

static double
computed_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000.0 + now.tv_nsec / 1000000.0;
}

static bool
is_over(void)
{
	return limit_ms > 0 && used_ms > limit_ms;
}

/* filter_meter_start(subjects integer) → void: what is judged from now on is of one partner */
Datum
casesync_filter_meter_start(PG_FUNCTION_ARGS)
{
	used_ms = 0;
	limit_ms = casesync_filter_timeout * Max(PG_GETARG_INT32(0), SUBJECTS_MIN);
	PG_RETURN_VOID();
}

/* filter_meter_used() → double precision: the milliseconds, once they are too many; else NULL */
Datum
casesync_filter_meter_used(PG_FUNCTION_ARGS)
{
	if (!is_over())
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(used_ms);
}

/*
 * filter_judge(subscription bigint, tree jsonb, record jsonb, columns jsonb) → boolean: as
 * filter_matches(); NULL, too, once the partner's time is used up
 */
Datum
casesync_filter_judge(PG_FUNCTION_ARGS)
{
	double started;
	FilterTruth truth;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || is_over())
		PG_RETURN_NULL();
	started = computed_ms();
	truth = filter_evaluate(filter_cache_read(PG_GETARG_INT64(0), PG_GETARG_JSONB_P(1)),
							PG_ARGISNULL(2) ? NULL : &PG_GETARG_JSONB_P(2)->root,
							PG_ARGISNULL(3) ? NULL : &PG_GETARG_JSONB_P(3)->root);
	used_ms += computed_ms() - started;
	if (truth == TRUTH_UNKNOWN)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(truth == TRUTH_TRUE);
}
