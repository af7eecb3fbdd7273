/*
 * signing_key.h
 *		Our Ed25519 private key: loaded from a PEM file, named by its RFC 7638 thumbprint.
 *		Knows nothing of messages; the private part never leaves this file and signature.c.
 */
#ifndef SIGNING_KEY_H
#define SIGNING_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

typedef struct SigningKey SigningKey;

/*
 * Load path. Fails (FAILURE_KEY, with what to do in the text) when the file cannot be read, is
 * readable by others (the group may read it only when root owns it), or holds no Ed25519 key.
 */
extern bool signing_key_load(const char *path, SigningKey **key, Failure *failure);
extern void signing_key_free(SigningKey *key);

/* The same for a key that only verifies: the file may hold just the public half. */
extern bool signing_key_load_other(const char *path, SigningKey **key, Failure *failure);

/* RFC 7638 thumbprint, base64url without padding (43 characters). */
extern const char *signing_key_kid(const SigningKey *key);

/* The public JWK as JSON text: what a partner registers. */
extern const char *signing_key_jwk(const SigningKey *key);

/* Detached Ed25519 signature (64 bytes) of the bytes. */
extern bool signing_key_sign(const SigningKey *key, const void *bytes, size_t length,
							 unsigned char signature[64], Failure *failure);

#endif /* SIGNING_KEY_H */
