/*
 * signing_key.c
 *		Our Ed25519 keys: to sign with, and older ones to verify what was signed with them.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "key/key_file.h"
#include "key/key_jwk.h"
#include "key/signing_key.h"

#define JWK_MAX 512
#define EXPECTED                                                                                   \
	"Ed25519 private key without passphrase; make one with: openssl genpkey -algorithm ed25519 "   \
	"-out FILE"

struct SigningKey
{
	EVP_PKEY *key;
	char kid[KEY_THUMBPRINT_SIZE];
	Buffer jwk;
};

static bool
key_is_ed25519(const EVP_PKEY *key, const char *path, Failure *failure)
{
	if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
		return true;
	failure_set(failure, FAILURE_KEY, "key file \"%s\" holds no %s", path, EXPECTED);
	return false;
}

/* Takes the key over; NULL means that it could not be read. */
static bool
key_accept(EVP_PKEY *read, const char *path, SigningKey **key, Failure *failure)
{
	SigningKey *loaded = calloc(1, sizeof(*loaded));

	*key = NULL;
	if (loaded == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		EVP_PKEY_free(read);
		return false;
	}
	buffer_init(&loaded->jwk, JWK_MAX);
	loaded->key = read;
	if (read == NULL || !key_is_ed25519(read, path, failure) ||
		!key_jwk_describe(read, "EdDSA", "sig", loaded->kid, &loaded->jwk, failure))
	{
		signing_key_free(loaded);
		return false;
	}
	failure_clear(failure);
	*key = loaded;
	return true;
}

bool
signing_key_load(const char *path, SigningKey **key, Failure *failure)
{
	return key_accept(key_file_private(path, EXPECTED, failure), path, key, failure);
}

bool
signing_key_load_other(const char *path, SigningKey **key, Failure *failure)
{
	return key_accept(key_file_any(path, EXPECTED, failure), path, key, failure);
}

void
signing_key_free(SigningKey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->key);
	buffer_free(&key->jwk);
	free(key);
}

const char *
signing_key_kid(const SigningKey *key)
{
	return key->kid;
}

const char *
signing_key_jwk(const SigningKey *key)
{
	return key->jwk.data;
}

bool
signing_key_sign(const SigningKey *key, const void *bytes, size_t length,
				 unsigned char signature[64], Failure *failure)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t signature_length = 64;
	bool ok = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
			  EVP_DigestSign(context, signature, &signature_length, bytes, length) == 1 &&
			  signature_length == 64;

	EVP_MD_CTX_free(context);
	if (!ok)
	{
		ERR_clear_error();
		failure_set(failure, FAILURE_KEY, "the crypto library could not sign");
	}
	return ok;
}
