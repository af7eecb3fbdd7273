/*
 * bearer.h
 *		Bearer tokens on requests: whose issuers we trust, and what a good token says. Pure but for
 *		the crypto libraries; knows nothing of HTTP, partners or where keys come from.
 */
#ifndef BEARER_H
#define BEARER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

typedef struct BearerVerifier BearerVerifier;

typedef struct BearerClaims
{
	char issuer[256];
	char client[256]; /* what the issuer calls the holder */
	char scope[512];  /* words with blanks between; "" when the token does not restrict itself */
	int64_t expires;  /* seconds since 1970 */
} BearerClaims;

/* Trusts nobody yet. NULL when out of memory. */
extern BearerVerifier *bearer_new(void);
extern void bearer_free(BearerVerifier *verifier);

/*
 * Our own tokens: issued by this node, with one of these keys, a JWK set as text. NULL: none are
 * taken. False, and none are taken, when the keys cannot be read.
 */
extern bool bearer_set_own(BearerVerifier *verifier, const char *sender_id, const char *jwks);

/*
 * The outside issuers, instead of those before: casesync_internal.token_issuers()'s list of
 * {"issuer", "audience", "algorithms":[…], "client_claim", "scope_claim", "keys":[JWK, …] or null}.
 * False, and nothing changed, when that is not what is given.
 */
extern bool bearer_set_issuers(BearerVerifier *verifier, const json_t *issuers, Failure *failure);

/* To be told when a token of an outside issuer names a key that is not among its keys. */
extern void bearer_on_unknown_key(BearerVerifier *verifier,
								  void (*unknown_key)(void *context, const char *issuer),
								  void *context);

/*
 * The value of an Authorization header (NULL: there was none). On false failure->kind is
 * FAILURE_INPUT for a token that is missing or bad (answer 401; the text is fit for the partner),
 * anything else for our own trouble (answer 503).
 */
extern bool bearer_verify(const BearerVerifier *verifier, const char *authorization, int64_t now_ms,
						  BearerClaims *claims, Failure *failure);

/*
 * May the token be used for "registry.search" and the like? registry/search is the same word;
 * whoever may subscribe may unsubscribe; a token without scopes may all.
 */
extern bool bearer_allows(const BearerClaims *claims, const char *scope);

#endif /* BEARER_H */
