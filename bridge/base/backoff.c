/*
 * backoff.c
 *		Doubles and caps. Must not know what is tried; chance, where it is wanted, is added by the
 *		caller.
 */
#include "base/backoff.h"

int64_t
backoff_wait(int64_t first_ms, int64_t last_ms, int attempts)
{
	int64_t wait = first_ms;

	/* halving the end instead of doubling the wait: no product can overflow */
	while (attempts-- > 1 && wait > 0 && wait < last_ms)
		wait = wait > last_ms / 2 ? last_ms : wait * 2;
	return wait < last_ms ? wait : last_ms;
}
