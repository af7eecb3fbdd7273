/*
 * rate_limit_test.c
 *		How often one caller may come, and that callers do not get into each other's way.
 */
#include <stdio.h>

#include "base/rate_limit.h"
#include "tap.h"

/* How many of so many calls at one moment pass. */
static int
passed(RateLimit *limit, const char *who, int calls, int per_second, int burst, int64_t now_ms)
{
	int count = 0;

	while (calls-- > 0)
		count += rate_limit_take(limit, who, per_second, burst, now_ms) == 0;
	return count;
}

static void
test_crowd(Tap *tap)
{
	RateLimit *limit = rate_limit_new();
	char who[32];
	int refused = 0;

	tap_is_int(tap, passed(limit, "busy", 100, 1, 5, 0), 5, "one caller is at its limit");
	for (int i = 0; i < 100000; i++)
	{
		snprintf(who, sizeof(who), "caller %d", i);
		refused += rate_limit_take(limit, who, 1, 5, 1) != 0;
	}
	tap_is_int(tap, refused, 0, "more callers than places: none pays for another");
	rate_limit_free(limit);
}

int
main(void)
{
	Tap tap = {0, 0};
	RateLimit *limit = rate_limit_new();

	tap_is_int(&tap, passed(limit, "a", 10, 0, 1, 0), 10, "0 is no limit");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, 0), 20, "the burst passes, no more");
	tap_is_int(&tap, rate_limit_take(limit, "a", 10, 20, 0), 100, "wait as long as one takes");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, 99), 0, "rejects_too_early");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, 100), 1, "one when it is time");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, 1100), 10, "ten in a second");
	tap_is_int(&tap, passed(limit, "b", 50, 10, 20, 1100), 20, "another caller has its own");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, INT64_C(1) << 60), 20,
			   "a long rest gives a burst, not more");
	tap_is_int(&tap, passed(limit, "a", 50, 10, 20, 0), 0, "a clock that goes back gives nothing");
	tap_is_int(&tap, passed(limit, "c", 50, 100000, 1, 5000), 1, "fast, but one at a time");
	tap_is_int(&tap, rate_limit_take(limit, "c", 100000, 1, 5000), 1, "rounded up");
	rate_limit_free(limit);
	test_crowd(&tap);
	return tap_done(&tap);
}
