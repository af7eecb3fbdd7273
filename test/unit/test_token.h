/*
 * test_token.h
 *		Makes tokens of any shape, signed with any key, and asks a verifier about them.
 */
#ifndef TEST_TOKEN_H
#define TEST_TOKEN_H

#include <jansson.h>

#include "token/bearer.h"
#include "key/signing_key.h"
#include "test_key.h"

#define TEST_NOW INT64_C(1800000000)
#define TEST_NODE "sp.example.org"
#define TEST_HEADER "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"" TEST_KEY_KID "\"}"

/* Claims of a good token of ours; the JSON object replaces, adds and (null) removes some. */
extern json_t *test_claims_make(const char *changes);

/* A JWK set of this key, until the next call. */
extern const char *test_jwks(const SigningKey *key);

/* "Bearer " and a token with these texts as header and claims, signed with the key. */
extern char *test_token_sign(const SigningKey *key, const char *header, const char *claims);

/* Is it taken? A token that is refused for another reason (a part of the text) counts as taken. */
extern bool test_token_passes(const BearerVerifier *verifier, const char *authorization,
							  const char *reason);

#endif /* TEST_TOKEN_H */
