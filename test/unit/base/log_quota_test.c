/*
 * log_quota_test.c
 *		Lines of one kind are bounded, others are not kept out by them, and what was left out is
 *		counted.
 */
#include <stdio.h>

#include "base/log_quota.h"
#include "tap.h"

static int
lines_written(LogQuota *quota, const char *kind, int count, int64_t now_ms, int64_t *suppressed)
{
	int written = 0;

	while (count-- > 0)
		written += log_quota_take(quota, kind, now_ms, suppressed);
	return written;
}

int
main(void)
{
	Tap tap = {0, 0};
	LogQuota quota = {0};
	int64_t suppressed;

	tap_is_int(&tap, lines_written(&quota, "401", 1000, 5, &suppressed), LOG_QUOTA_LINES,
			   "of a thousand lines some are written");
	tap_is_int(&tap, lines_written(&quota, "429", 3, 5, &suppressed), 3,
			   "another kind has its own");
	tap_ok(&tap, !log_quota_take(&quota, "401", LOG_QUOTA_MS + 4, &suppressed),
		   "until the time is up");
	tap_ok(&tap, log_quota_take(&quota, "401", LOG_QUOTA_MS + 5, &suppressed), "then again");
	tap_is_int(&tap, suppressed, 1001 - LOG_QUOTA_LINES, "and says how many were left out");
	tap_ok(&tap, log_quota_take(&quota, "401", LOG_QUOTA_MS + 6, &suppressed), "the next one too");
	tap_is_int(&tap, suppressed, 0, "once");
	for (int i = 0; i < 100; i++)
	{
		char kind[80];

		snprintf(kind, sizeof(kind), "kind number %d of very many with a rather long name", i);
		(void) log_quota_take(&quota, kind, LOG_QUOTA_MS + 6, &suppressed);
	}
	tap_ok(&tap, !log_quota_take(&quota, "one more", LOG_QUOTA_MS + 6, &suppressed),
		   "kinds beyond the table share one quota");
	tap_ok(&tap, log_quota_take(&quota, "429", LOG_QUOTA_MS + 6, &suppressed),
		   "which is not that of the first");
	return tap_done(&tap);
}
