/*
 * encryption_key.h
 *		A private key of ours that others encrypt for: EC or RSA, from a PEM file, named by its
 *		RFC 7638 thumbprint. Knows nothing of messages.
 */
#ifndef ENCRYPTION_KEY_H
#define ENCRYPTION_KEY_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/failure.h"

typedef struct EncryptionKey EncryptionKey;

/* Load path: P-256, P-384, P-521, or RSA of 2048 to 8192 bits; FAILURE_KEY says what is wrong. */
extern bool encryption_key_load(const char *path, EncryptionKey **key, Failure *failure);
extern void encryption_key_free(EncryptionKey *key);

extern const char *encryption_key_kid(const EncryptionKey *key);

/* The public JWK as JSON text: what a partner registers. */
extern const char *encryption_key_jwk(const EncryptionKey *key);

/* For the decryption itself and nothing else. */
extern EVP_PKEY *encryption_key_private(const EncryptionKey *key);

#endif /* ENCRYPTION_KEY_H */
