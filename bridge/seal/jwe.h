/*
 * jwe.h
 *		The standard's EncryptedMessage {header, encrypted_key, iv, ciphertext, tag} (a JWE, RFC
 *		7516, in pieces) from plain bytes and back. Does not know what the bytes say.
 *
 * Sent: ECDH-ES (the key is agreed on and used directly: there is one reader, so nothing has to
 * be wrapped, and encrypted_key is "") or RSA-OAEP-256, by the kind of the reader's key, with
 * A256GCM. ECDH-ES+A256KW is sent when the reader's JWK says so in "alg" (some libraries cannot
 * read an empty encrypted_key), and taken. Anything else is refused before a key is touched.
 */
#ifndef JWE_H
#define JWE_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/key_ring.h"

/*
 * Encrypt for the holder of jwk (text of a JSON object with "kid"). *message is the caller's.
 * FAILURE_KEY when the key cannot be used; then nothing may be sent.
 */
extern bool jwe_encrypt(const void *plain, size_t length, const char *jwk, json_t **message,
						Failure *failure);

/*
 * Decrypt with the one of our keys that header.kid names, and append to plain, which then never
 * holds a byte that was not authenticated. On false: FAILURE_ENCRYPTION, its text fit for the
 * partner and the same whatever went wrong once a key was used; or FAILURE_MEMORY, FAILURE_LIMIT,
 * FAILURE_SYSTEM, which are ours.
 */
extern bool jwe_decrypt(const json_t *message, const KeyRing *keys, Buffer *plain,
						Failure *failure);

#endif /* JWE_H */
