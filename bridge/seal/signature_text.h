/*
 * signature_text.h
 *		The standard's signature text taken apart. Tolerant as the standard's own example needs;
 *		checks form only, no keys and no times.
 */
#ifndef SIGNATURE_TEXT_H
#define SIGNATURE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

#define SIGNATURE_TEXT_MAX 4096

typedef struct SignatureText
{
	char sender_id[256]; /* the parts of kidId="sender|kid|algorithm" */
	char kid[128];
	char algorithm[32]; /* what the message claims; never used to choose an algorithm */
	char created[20];	/* as written, digits only: they are part of what is signed */
	char expires[20];
	int64_t created_seconds;
	int64_t expires_seconds;
	char signature[704]; /* base64, room for RSA of 4096 bits */
} SignatureText;

/*
 * Accepts a leading "Signature:", kidId or keyId, the namespaces spdci, dci and g2p, blanks around
 * commas, and a missing last quotation mark. Refuses what is ambiguous: a member twice, unknown
 * signed headers, an unknown namespace. FAILURE_SIGNATURE_INVALID with the reason.
 */
extern bool signature_text_parse(const char *text, SignatureText *parsed, Failure *failure);

#endif /* SIGNATURE_TEXT_H */
