/*
 * api_party.h
 *		What is kept of a message's sender while its message is admitted.
 */
#ifndef API_PARTY_H
#define API_PARTY_H

#include <stdbool.h>

/* What CALL_AUTHENTICATE says of whoever sent it; two texts are malloc'ed, or NULL. */
typedef struct ApiParty
{
	bool is_unsigned_accepted;
	char encryption[16];
	char *keys;
	char *networks;
	const char *receiver_id; /* that its messages must name: receiver, or NULL */
	char receiver[256];		 /* a copy: threads read it */
} ApiParty;

#endif
