/*
 * key_jwk.h
 *		Public keys as JSON Web Keys (RFC 7517, 7518, 8037) and back, and their RFC 7638 names.
 *		Knows nothing of files or partners; never touches a private part.
 */
#ifndef KEY_JWK_H
#define KEY_JWK_H

#include <jansson.h>
#include <openssl/types.h>

#include "base/buffer.h"
#include "base/failure.h"

#define KEY_THUMBPRINT_SIZE 44
#define KEY_RSA_BITS_MIN 2048
#define KEY_RSA_BITS_MAX 8192

/*
 * The public half of an Ed25519, EC (P-256, P-384, P-521) or RSA key: kid is its thumbprint, jwk
 * gets the text {"alg":...,"kid":...,"kty":...,"use":...,...}, members in canonical order.
 */
extern bool key_jwk_describe(const EVP_PKEY *key, const char *alg, const char *use,
							 char kid[KEY_THUMBPRINT_SIZE], Buffer *jwk, Failure *failure);

/* The members that state the key, no others ("crv", "kty", "x", ...); NULL for another kind. */
extern json_t *key_jwk_public(const EVP_PKEY *key);

/*
 * The EC or RSA public key that a JWK states; NULL with FAILURE_INPUT when it is none, is too
 * short or long, or is no point of its curve. "use" and "alg" are the caller's business.
 */
extern EVP_PKEY *key_jwk_read(const json_t *jwk, Failure *failure);

/*
 * The Ed25519, EC or RSA key of somebody who signs, for verifying only. An RSA modulus is not
 * looked through for its form: that costs 3 to 20 ms, at each request that anybody sends, and a
 * bad one harms only whoever published it.
 */
extern EVP_PKEY *key_jwk_read_signer(const json_t *jwk, Failure *failure);

/* "P-256", "P-384", "P-521"; NULL for any other key. */
extern const char *key_jwk_curve(const EVP_PKEY *key);

#endif /* KEY_JWK_H */
