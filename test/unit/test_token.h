/*
 * test_token.h
 *		Makes tokens of any shape, signed with any key, and asks a verifier about them.
 */
#ifndef TEST_TOKEN_H
#define TEST_TOKEN_H

#include <jansson.h>
#include <openssl/types.h>

#include "token/bearer.h"
#include "token/jwt.h"
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

/* A new key for this algorithm ("RS256", "ES384", …); ends the program if it cannot. */
extern EVP_PKEY *test_issuer_key_make(const char *alg);

/*
 * The signature of such a key as a token has it: at most JWT_MAX_SIGNATURE bytes; returns how
 * many. Ends the program if it cannot.
 */
extern size_t test_issuer_sign(EVP_PKEY *key, const char *alg, const char *text, size_t length,
							   unsigned char *signature);

/* What jwt_verify looks at of a compact token, whatever is in its header and claims. */
extern Jwt test_jwt_cut(const char *token, const char *alg);

/* Is it taken? A token that is refused for another reason (a part of the text) counts as taken. */
extern bool test_token_passes(const BearerVerifier *verifier, const char *authorization,
							  const char *reason);

#endif /* TEST_TOKEN_H */
