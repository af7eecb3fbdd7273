/*
 * backoff.h
 *		How long to wait before trying again: the one rule for all who try again (pure).
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

/* first_ms before the second attempt, twice as long before each further one, at most last_ms. */
extern int64_t backoff_wait(int64_t first_ms, int64_t last_ms, int attempts);

#endif
