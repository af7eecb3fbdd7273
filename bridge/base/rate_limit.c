/*
 * rate_limit.c
 *		The table of buckets, by a hash of whom each is for.
 */
#include "base/rate_limit.h"

#include <stdlib.h>

#include "base/caller_hash.h"

#define BUCKETS 1024
#define PLACES 8 /* where a caller may stand, counted from its hash */

typedef struct RateBucket
{
	uint64_t who; /* 0 = nobody */
	int64_t at_ms;
	int64_t thousandths; /* of a token, as of at_ms */
} RateBucket;

struct RateLimit
{
	CallerHash hash;
	RateBucket buckets[BUCKETS];
};

RateLimit *
rate_limit_new(void)
{
	RateLimit *limit = calloc(1, sizeof(RateLimit));

	if (limit != NULL && !caller_hash_init(&limit->hash))
	{
		free(limit);
		return NULL;
	}
	return limit;
}

void
rate_limit_free(RateLimit *limit)
{
	free(limit);
}

static RateBucket *
bucket_find(RateLimit *limit, uint64_t who, int burst, int64_t now_ms)
{
	RateBucket *oldest = NULL;

	for (uint64_t i = 0; i < PLACES; i++)
	{
		RateBucket *bucket = &limit->buckets[(who + i) % BUCKETS];

		if (bucket->who == who)
			return bucket;
		if (oldest == NULL || bucket->who == 0 ||
			(oldest->who != 0 && bucket->at_ms < oldest->at_ms))
			oldest = bucket;
	}
	*oldest = (RateBucket){.who = who, .at_ms = now_ms, .thousandths = INT64_C(1000) * burst};
	return oldest;
}

int64_t
rate_limit_take(RateLimit *limit, const char *who, int per_second, int burst, int64_t now_ms)
{
	RateBucket *bucket;
	int64_t full = INT64_C(1000) * burst;
	int64_t passed;

	if (per_second <= 0)
		return 0;
	bucket = bucket_find(limit, caller_hash(&limit->hash, who), burst, now_ms);
	passed = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
	/* a millisecond fills in as many thousandths as a second fills in tokens */
	if (passed > full / per_second)
		bucket->thousandths = full;
	else
		bucket->thousandths += passed * per_second;
	if (bucket->thousandths > full)
		bucket->thousandths = full;
	bucket->at_ms = now_ms;
	if (bucket->thousandths >= 1000)
	{
		bucket->thousandths -= 1000;
		return 0;
	}
	return (1000 - bucket->thousandths + per_second - 1) / per_second;
}
