/*
 * caller_hash.c
 *		FNV-1a from a secret start, mixed once more.
 */
#include "base/caller_hash.h"

#include <openssl/rand.h>

bool
caller_hash_init(CallerHash *hash)
{
	return RAND_bytes((unsigned char *) &hash->secret, sizeof(hash->secret)) == 1;
}

uint64_t
caller_hash(const CallerHash *hash, const char *who)
{
	uint64_t value = hash->secret ^ UINT64_C(14695981039346656037);

	for (; *who != '\0'; who++)
		value = (value ^ (unsigned char) *who) * UINT64_C(1099511628211);
	value ^= value >> 29;
	value *= UINT64_C(0xbf58476d1ce4e5b9);
	value ^= value >> 32;
	return value != 0 ? value : 1;
}
