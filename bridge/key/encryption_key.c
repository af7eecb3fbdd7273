/*
 * encryption_key.c
 *		A private key of ours that others encrypt for.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "key/encryption_key.h"
#include "key/key_file.h"
#include "key/key_jwk.h"

#define EXPECTED                                                                                   \
	"EC (P-256, P-384, P-521) or RSA (2048 to 8192 bits) private key without passphrase; make "    \
	"one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE"

struct EncryptionKey
{
	EVP_PKEY *key;
	char kid[KEY_THUMBPRINT_SIZE];
	Buffer jwk;
};

/* What others are to encrypt with, by the kind of the key; NULL for a key that is not for it. */
static const char *
key_algorithm(const EVP_PKEY *key)
{
	if (key_jwk_curve(key) != NULL)
		return "ECDH-ES";
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= KEY_RSA_BITS_MIN &&
		EVP_PKEY_get_bits(key) <= KEY_RSA_BITS_MAX)
		return "RSA-OAEP-256";
	return NULL;
}

bool
encryption_key_load(const char *path, EncryptionKey **key, Failure *failure)
{
	EncryptionKey *loaded = calloc(1, sizeof(*loaded));

	*key = NULL;
	if (loaded == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	buffer_init(&loaded->jwk, 4096);
	loaded->key = key_file_private(path, EXPECTED, failure);
	if (loaded->key != NULL && key_algorithm(loaded->key) == NULL)
		failure_set(failure, FAILURE_KEY, "key file \"%s\" holds no %s", path, EXPECTED);
	else if (loaded->key != NULL && key_jwk_describe(loaded->key, key_algorithm(loaded->key), "enc",
													 loaded->kid, &loaded->jwk, failure))
	{
		*key = loaded;
		return true;
	}
	encryption_key_free(loaded);
	return false;
}

void
encryption_key_free(EncryptionKey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->key);
	buffer_free(&key->jwk);
	free(key);
}

const char *
encryption_key_kid(const EncryptionKey *key)
{
	return key->kid;
}

const char *
encryption_key_jwk(const EncryptionKey *key)
{
	return key->jwk.data;
}

EVP_PKEY *
encryption_key_private(const EncryptionKey *key)
{
	return key->key;
}
