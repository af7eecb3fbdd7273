/*
 * caller_hash.h
 *		Names of callers as numbers, with a secret start: none of them can choose whom to be taken
 *		for. Knows nothing of what is kept by them.
 */
#ifndef CALLER_HASH_H
#define CALLER_HASH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct CallerHash
{
	uint64_t secret;
} CallerHash;

extern bool caller_hash_init(CallerHash *hash); /* false when there is no randomness */
extern uint64_t caller_hash(const CallerHash *hash, const char *who); /* never 0 */

#endif
