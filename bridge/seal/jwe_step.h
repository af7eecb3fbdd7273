/*
 * jwe_step.h
 *		The steps of RFC 7516 that need the crypto library, each on plain bytes: agree on a key
 *		(ECDH-ES), carry a key (RSA-OAEP-256, A256KW), hide the content (A256GCM). Knows nothing
 *		of JSON; for jwe_encrypt.c and jwe_decrypt.c.
 */
#ifndef JWE_STEP_H
#define JWE_STEP_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#define JWE_KEY_SIZE 32 /* A256GCM, A256KW */
#define JWE_IV_SIZE 12
#define JWE_TAG_SIZE 16
#define JWE_WRAPPED_SIZE (JWE_KEY_SIZE + 8)
#define JWE_PARTY_SIZE 512 /* PartyUInfo, PartyVInfo: apu and apv */
#define JWE_RSA_SIZE 1024  /* encrypted key of the longest RSA key */

/* What goes into the derivation of the key besides the secret (RFC 7518, 4.6.2). */
typedef struct JweParties
{
	const char *algorithm; /* "A256GCM" when the key is used directly, else the name of alg */
	unsigned char apu[JWE_PARTY_SIZE];
	size_t apu_length;
	unsigned char apv[JWE_PARTY_SIZE];
	size_t apv_length;
} JweParties;

/* One private and one public key of the same curve into a key. */
extern bool jwe_agree(EVP_PKEY *own, EVP_PKEY *other, const JweParties *parties,
					  unsigned char key[JWE_KEY_SIZE]);

/* A new key of the curve of other; NULL when the library refuses. */
extern EVP_PKEY *jwe_make_ephemeral(const EVP_PKEY *other);

/* *length: room in, bytes written out. */
extern bool jwe_rsa_wrap(EVP_PKEY *key, const unsigned char content_key[JWE_KEY_SIZE],
						 unsigned char *wrapped, size_t *length);

/*
 * Always fills content_key: with random bytes when wrapped is not what it should be, so that a
 * wrong key is only seen, like any other damage, when the content does not open. False when the
 * library cannot even make these.
 */
extern bool jwe_rsa_unwrap(EVP_PKEY *key, const unsigned char *wrapped, size_t length,
						   unsigned char content_key[JWE_KEY_SIZE]);

extern bool jwe_aes_wrap(const unsigned char key[JWE_KEY_SIZE],
						 const unsigned char content_key[JWE_KEY_SIZE],
						 unsigned char wrapped[JWE_WRAPPED_SIZE]);

/* As jwe_rsa_unwrap. */
extern bool jwe_aes_unwrap(const unsigned char key[JWE_KEY_SIZE], const unsigned char *wrapped,
						   size_t length, unsigned char content_key[JWE_KEY_SIZE]);

/* hidden has room for length bytes; iv is made here, from random bytes. */
extern bool jwe_content_hide(const unsigned char key[JWE_KEY_SIZE], const char *authenticated,
							 const void *plain, size_t length, unsigned char iv[JWE_IV_SIZE],
							 unsigned char *hidden, unsigned char tag[JWE_TAG_SIZE]);

/* False: not a byte of plain is to be looked at. */
extern bool jwe_content_open(const unsigned char key[JWE_KEY_SIZE], const char *authenticated,
							 const unsigned char *hidden, size_t length,
							 const unsigned char iv[JWE_IV_SIZE],
							 const unsigned char tag[JWE_TAG_SIZE], unsigned char *plain);

#endif /* JWE_STEP_H */
