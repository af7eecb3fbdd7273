/*
 * key_ring.h
 *		All keys of this node: the one that signs, others that still (or already) count as ours,
 *		and those that partners encrypt for. Loaded all or nothing. Knows nothing of partners' keys.
 */
#ifndef KEY_RING_H
#define KEY_RING_H

#include "base/buffer.h"
#include "key/encryption_key.h"
#include "base/failure.h"
#include "key/signing_key.h"

#define KEY_RING_MAX 16 /* other keys, and encryption keys, each */

#define KEY_RING_JWKS_MAX (64 * 1024)

typedef struct KeyRing KeyRing;

/*
 * key_file (Ed25519) signs, and rsa_key_file ("" = none) what goes to partners that ask for RS256.
 * The other two are lists of paths, separated by commas, "" = none: older or coming signing keys
 * (private or only public), and keys for encryption (private). A key that is listed twice is one,
 * but none may both sign and be encrypted for.
 */
typedef struct KeyFiles
{
	const char *key_file;
	const char *rsa_key_file;
	const char *other_key_files;
	const char *encryption_key_files;
} KeyFiles;

extern bool key_ring_load(const KeyFiles *files, KeyRing **ring, Failure *failure);
extern void key_ring_free(KeyRing *ring);

extern const SigningKey *key_ring_signing(const KeyRing *ring);

/* NULL without rsa_key_file. */
extern const SigningKey *key_ring_rsa(const KeyRing *ring);

/* NULL when no such key is ours. */
extern const EncryptionKey *key_ring_find_encryption(const KeyRing *ring, const char *kid);

/* One public JWK after another: those that sign, the others, then those for encryption; NULL
 * at the end. */
extern const char *key_ring_jwk(const KeyRing *ring, size_t number);

/*
 * Append {"keys":[...]}, what /.well-known/jwks.json answers: at most KEY_RING_JWKS_MAX bytes.
 * False when text has no room for it.
 */
extern bool key_ring_jwks(const KeyRing *ring, Buffer *text);

/* The same of the Ed25519 keys, each named by the whole of kidId: "sender_id|kid|ed25519". */
extern bool key_ring_jwks_named(const KeyRing *ring, const char *sender_id, Buffer *text);

#endif /* KEY_RING_H */
