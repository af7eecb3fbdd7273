/*
 * token_issue.h
 *		Makes the bearer tokens that our token endpoint gives (pure but for the crypto library).
 *		Knows nothing of HTTP, and does not ask who wants one.
 */
#ifndef TOKEN_ISSUE_H
#define TOKEN_ISSUE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/signing_key.h"

typedef struct TokenOrder
{
	const char *node; /* our sender_id: issuer and audience */
	const char *client;
	const char *scope; /* NULL: none, everything the agreement allows */
	int64_t lifetime_seconds;
} TokenOrder;

/* Appends a JWT (RFC 9068) signed with the key; false and nothing appended when it cannot. */
extern bool token_issue(const SigningKey *key, const TokenOrder *order, int64_t now_ms,
						Buffer *token, Failure *failure);

#endif /* TOKEN_ISSUE_H */
