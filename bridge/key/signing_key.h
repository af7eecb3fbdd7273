/*
 * signing_key.h
 *		Our private keys that sign, Ed25519 and RSA: loaded from PEM files, named by their RFC 7638
 *		thumbprints. Knows nothing of messages; the private part never leaves signing_key.c.
 */
#ifndef SIGNING_KEY_H
#define SIGNING_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

#define SIGNING_KEY_SIGNATURE_MAX 512

typedef struct SigningKey SigningKey;

/*
 * Load path. Fails (FAILURE_KEY, with what to do in the text) when the file cannot be read, is
 * readable by others (the group may read it only when root owns it), or holds no Ed25519 key.
 */
extern bool signing_key_load(const char *path, SigningKey **key, Failure *failure);
extern void signing_key_free(SigningKey *key);

/* The same for the RSA key that signs where a partner asks for RS256: 2048 to 4096 bits. */
extern bool signing_key_load_rsa(const char *path, SigningKey **key, Failure *failure);

/* Either of them for verifying only: the file may hold just the public half. */
extern bool signing_key_load_other(const char *path, SigningKey **key, Failure *failure);

/* RFC 7638 thumbprint, base64url without padding (43 characters). */
extern const char *signing_key_kid(const SigningKey *key);

/* The public JWK as JSON text: what a partner registers. */
extern const char *signing_key_jwk(const SigningKey *key);

/* The algorithm of its signatures as a JWS names it: "EdDSA" or "RS256". */
extern const char *signing_key_alg(const SigningKey *key);

/* Detached signature (64 bytes) of the bytes by an Ed25519 key. */
extern bool signing_key_sign(const SigningKey *key, const void *bytes, size_t length,
							 unsigned char signature[64], Failure *failure);

/* The same by either kind of key. */
extern bool signing_key_sign_any(const SigningKey *key, const void *bytes, size_t length,
								 unsigned char signature[SIGNING_KEY_SIGNATURE_MAX],
								 size_t *signature_length, Failure *failure);

#endif /* SIGNING_KEY_H */
