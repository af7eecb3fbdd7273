/*
 * uuid.c
 *		Random UUIDs. 122 bits from the crypto library's generator, never from rand().
 */
#include <ctype.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"

bool
uuid_random(char text[UUID_SIZE], Failure *failure)
{
	unsigned char b[16];

	if (RAND_bytes(b, sizeof(b)) != 1)
	{
		failure_set(failure, FAILURE_SYSTEM, "the random number generator gave nothing");
		return false;
	}
	b[6] = (unsigned char) ((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char) ((b[8] & 0x3f) | 0x80);
	snprintf(text, UUID_SIZE,
			 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
			 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
			 b[15]);
	return true;
}

bool
uuid_is_valid(const char *text)
{
	int i;

	for (i = 0; i < UUID_SIZE - 1; i++)
	{
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return text[UUID_SIZE - 1] == '\0';
}
