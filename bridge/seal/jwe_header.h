/*
 * jwe_header.h
 *		The list of algorithms, and which bytes of an EncryptedMessage's header are authenticated.
 *		Shared by jwe_encrypt.c and jwe_decrypt.c; knows nothing of keys' contents.
 */
#ifndef JWE_HEADER_H
#define JWE_HEADER_H

#include <jansson.h>
#include <openssl/types.h>

#include "base/buffer.h"

#define JWE_HEADER_MAX 8192
#define JWE_CONTENT_ALGORITHM "A256GCM"

typedef enum JweKind
{
	JWE_DIRECT, /* ECDH-ES: the agreed key is the content key */
	JWE_AGREED, /* ECDH-ES+A256KW: the agreed key wraps the content key */
	JWE_RSA		/* RSA-OAEP-256 */
} JweKind;

typedef struct JweAlgorithm
{
	const char *name;
	JweKind kind;
} JweAlgorithm;

/* The algorithm called name if it is on the list; NULL when not, also for a NULL name. */
extern const JweAlgorithm *jwe_algorithm_find(const char *name);

/* The one that is sent to the holder of such a key; NULL when there is none. */
extern const JweAlgorithm *jwe_algorithm_for(const EVP_PKEY *key);

extern bool jwe_algorithm_fits(const JweAlgorithm *algorithm, const EVP_PKEY *key);

/* What goes into the derivation of the key as its purpose (RFC 7518, 4.6.2). */
extern const char *jwe_algorithm_purpose(const JweAlgorithm *algorithm);

/* Replace encoded by the base64url of the header's RFC 8785 form; false when it is too long. */
extern bool jwe_header_canonical(const json_t *header, Buffer *encoded);

/* The same in the order of members in which they came, without blanks. */
extern bool jwe_header_received(const json_t *header, Buffer *encoded);

#endif /* JWE_HEADER_H */
