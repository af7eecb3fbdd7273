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
PG_FUNCTION_INFO_V1(casesync_filter_meter_is_over);
PG_FUNCTION_INFO_V1(casesync_filter_judge);

/* A turn may have one change only: then some tens of milliseconds are nothing yet. */
#define SUBJECTS_MIN 20
/* Asking for the time costs more than most filters do. */
#define LOOK_EVERY 16

static double started_ms = 0;
static double limit_ms = 0; /* 0: none */
static int judged = 0;
static bool is_over = false;

static double
computed_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000.0 + now.tv_nsec / 1000000.0;
}

static double
used_ms(void)
{
	double used = computed_ms() - started_ms;

	is_over = is_over || (limit_ms > 0 && used > limit_ms);
	return used;
}

/* filter_meter_start(subjects integer) → void: what is done from now on is for one partner */
Datum
casesync_filter_meter_start(PG_FUNCTION_ARGS)
{
	started_ms = computed_ms();
	limit_ms = casesync_filter_timeout * Max(PG_GETARG_INT32(0), SUBJECTS_MIN);
	judged = 0;
	is_over = false;
	PG_RETURN_VOID();
}

/* filter_meter_used() → double precision, in milliseconds */
Datum
casesync_filter_meter_used(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(used_ms());
}

/* filter_meter_is_over() → boolean */
Datum
casesync_filter_meter_is_over(PG_FUNCTION_ARGS)
{
	(void) used_ms();
	PG_RETURN_BOOL(is_over);
}

/*
 * filter_judge(subscription bigint, tree jsonb, record jsonb, columns jsonb) → boolean: as
 * filter_matches(); NULL, too, once the partner's time is used up
 */
Datum
casesync_filter_judge(PG_FUNCTION_ARGS)
{
	FilterTruth truth;

	if (++judged % LOOK_EVERY == 0)
		(void) used_ms();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || is_over)
		PG_RETURN_NULL();
	truth = filter_evaluate(filter_cache_read(PG_GETARG_INT64(0), PG_GETARG_JSONB_P(1)),
							PG_ARGISNULL(2) ? NULL : &PG_GETARG_JSONB_P(2)->root,
							PG_ARGISNULL(3) ? NULL : &PG_GETARG_JSONB_P(3)->root);
	if (truth == TRUTH_UNKNOWN)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(truth == TRUTH_TRUE);
}
