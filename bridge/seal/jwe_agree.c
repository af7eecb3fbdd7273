/*
 * jwe_agree.c
 *		ECDH-ES (RFC 7518, 4.6): the crypto library's ECDH and its SSKDF, which is the Concat KDF
 *		of NIST SP 800-56A.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "seal/jwe_step.h"

#define SECRET_MAX 66 /* a coordinate of P-521 */
#define INFO_MAX (4 * 4 + 32 + 2 * JWE_PARTY_SIZE)

/* A length in four bytes, then the bytes. */
static size_t
info_append(unsigned char *info, size_t at, const void *bytes, size_t length)
{
	info[at] = (unsigned char) (length >> 24);
	info[at + 1] = (unsigned char) (length >> 16);
	info[at + 2] = (unsigned char) (length >> 8);
	info[at + 3] = (unsigned char) length;
	memcpy(info + at + 4, bytes, length);
	return at + 4 + length;
}

static size_t
info_build(const JweParties *parties, unsigned char info[INFO_MAX])
{
	static const unsigned char key_bits[4] = {0, 0, 1, 0}; /* 256 */
	size_t length = info_append(info, 0, parties->algorithm, strlen(parties->algorithm));

	length = info_append(info, length, parties->apu, parties->apu_length);
	length = info_append(info, length, parties->apv, parties->apv_length);
	memcpy(info + length, key_bits, sizeof(key_bits));
	return length + sizeof(key_bits);
}

static bool
key_derive(unsigned char *secret, size_t secret_length, const JweParties *parties,
		   unsigned char key[JWE_KEY_SIZE])
{
	unsigned char info[INFO_MAX];
	size_t info_length = info_build(parties, info);
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *) "SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_length),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_length),
		OSSL_PARAM_construct_end()};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
	EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = context != NULL && EVP_KDF_derive(context, key, JWE_KEY_SIZE, parameters) == 1;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return ok;
}

bool
jwe_agree(EVP_PKEY *own, EVP_PKEY *other, const JweParties *parties,
		  unsigned char key[JWE_KEY_SIZE])
{
	unsigned char secret[SECRET_MAX];
	size_t length = sizeof(secret);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
	bool ok = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
			  EVP_PKEY_derive_set_peer(context, other) == 1 &&
			  EVP_PKEY_derive(context, secret, &length) == 1 &&
			  key_derive(secret, length, parties, key);

	OPENSSL_cleanse(secret, sizeof(secret));
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return ok;
}

EVP_PKEY *
jwe_make_ephemeral(const EVP_PKEY *other)
{
	char group[64];
	size_t length;
	EVP_PKEY *key = NULL;

	if (EVP_PKEY_get_group_name(other, group, sizeof(group), &length) == 1)
		key = EVP_EC_gen(group);
	ERR_clear_error();
	return key;
}
