/*
 * jws_check.h
 *		Does a JSON Web Signature (RFC 7515) hold, by a key in JWK form? Knows no messages.
 */
#ifndef JWS_CHECK_H
#define JWS_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * alg: what the protected header says. The kind of the key decides whether it may be that:
 * "EdDSA" or "Ed25519" of an Ed25519 key, "RS256" of an RSA one, nothing else.
 */
extern bool jws_alg_fits(const char *alg, const json_t *jwk);

/*
 * Is it the key's signature of the bytes? The algorithm is the one that the kind of the key has.
 * False, too, when the key or the library is not fit for it.
 */
extern bool jws_is_signed_by(const json_t *jwk, const void *bytes, size_t length,
							 const unsigned char *signature, size_t signature_length);

#endif /* JWS_CHECK_H */
