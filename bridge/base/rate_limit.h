/*
 * rate_limit.h
 *		How often may one caller come? A bucket of tokens for each, in a table of fixed size. Pure:
 *		the clock is the caller's.
 */
#ifndef RATE_LIMIT_H
#define RATE_LIMIT_H

#include <stdint.h>

typedef struct RateLimit RateLimit;

extern RateLimit *rate_limit_new(void); /* NULL when out of memory */
extern void rate_limit_free(RateLimit *limit);

/*
 * Takes one token from the bucket of who, which holds burst and is filled with per_second. 0 when
 * there was one, else the milliseconds until there is. When more callers come than the table has
 * room for, the one that was away longest begins anew. per_second of 0: no limit.
 */
extern int64_t rate_limit_take(RateLimit *limit, const char *who, int per_second, int burst,
							   int64_t now_ms);

#endif
