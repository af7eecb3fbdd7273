/*
 * backoff_test.c
 *		Waiting times by attempt, up to numbers that no attempt reaches.
 */
#include "base/backoff.h"
#include "tap.h"

int
main(void)
{
	static const struct
	{
		int64_t first_ms;
		int64_t last_ms;
		int attempts;
		int64_t wait_ms;
	} rows[] = {
		{500, 60000, 1, 500},
		{500, 60000, 2, 1000},
		{500, 60000, 7, 32000},
		{500, 60000, 8, 60000},
		{500, 60000, 2147483647, 60000},
		{100, 2000, 5, 1600},
		{100, 2000, 6, 2000},
		{100, 2000, 0, 100},
		{100, 2000, -1, 100},
		{5000, 2000, 1, 2000}, /* the cap holds even where it is below the first step */
		{1, INT64_MAX, 63, INT64_C(4611686018427387904)},
		{1, INT64_MAX, 64, INT64_MAX},
		{1, INT64_MAX, 1000, INT64_MAX},
		{0, 1000, 2147483647, 0},
	};
	Tap tap = {0, 0};

	for (unsigned long i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is_int(&tap, backoff_wait(rows[i].first_ms, rows[i].last_ms, rows[i].attempts),
				   rows[i].wait_ms, "%lld to %lld, attempt %d", (long long) rows[i].first_ms,
				   (long long) rows[i].last_ms, rows[i].attempts);
	return tap_done(&tap);
}
