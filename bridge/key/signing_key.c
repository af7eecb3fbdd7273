/*
 * signing_key.c
 *		Our keys that sign, and older ones to verify what was signed with them.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "key/key_file.h"
#include "key/key_jwk.h"
#include "key/signing_key.h"

#define JWK_MAX 2048
/* One thread signs: a longer key would hold up everything else for tens of milliseconds. */
#define RSA_BITS_MAX (8 * SIGNING_KEY_SIGNATURE_MAX)

#define ED25519_EXPECTED                                                                           \
	"Ed25519 private key without passphrase; make one with: openssl genpkey -algorithm ed25519 "   \
	"-out FILE"
#define RSA_EXPECTED                                                                               \
	"RSA private key of 2048 to 4096 bits without passphrase; make one with: openssl genpkey "     \
	"-algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out FILE"
#define OTHER_EXPECTED "Ed25519 key, nor an RSA key of 2048 to 4096 bits, without passphrase"

struct SigningKey
{
	EVP_PKEY *key;
	const char *alg;
	char kid[KEY_THUMBPRINT_SIZE];
	Buffer jwk;
};

/* By the kind of the key; NULL for one that signs nothing here. */
static const char *
key_algorithm(const EVP_PKEY *key)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return "EdDSA";
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= KEY_RSA_BITS_MIN &&
		EVP_PKEY_get_bits(key) <= RSA_BITS_MAX)
		return "RS256";
	return NULL;
}

/* Is it of the kind that is wanted (NULL: either)? */
static bool
key_fits(const EVP_PKEY *key, const char *wanted)
{
	const char *alg = key_algorithm(key);

	return alg != NULL && (wanted == NULL || strcmp(alg, wanted) == 0);
}

/* Takes the key over; NULL means that it could not be read. */
static bool
key_accept(EVP_PKEY *read, const char *path, const char *wanted, const char *expected,
		   SigningKey **key, Failure *failure)
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
	if (read != NULL && !key_fits(read, wanted))
		failure_set(failure, FAILURE_KEY, "key file \"%s\" holds no %s", path, expected);
	else if (read != NULL &&
			 key_jwk_describe(read, key_algorithm(read), "sig", loaded->kid, &loaded->jwk, failure))
	{
		loaded->alg = key_algorithm(read);
		failure_clear(failure);
		*key = loaded;
		return true;
	}
	signing_key_free(loaded);
	return false;
}

bool
signing_key_load(const char *path, SigningKey **key, Failure *failure)
{
	return key_accept(key_file_private(path, ED25519_EXPECTED, failure), path, "EdDSA",
					  ED25519_EXPECTED, key, failure);
}

bool
signing_key_load_rsa(const char *path, SigningKey **key, Failure *failure)
{
	return key_accept(key_file_private(path, RSA_EXPECTED, failure), path, "RS256", RSA_EXPECTED,
					  key, failure);
}

bool
signing_key_load_other(const char *path, SigningKey **key, Failure *failure)
{
	return key_accept(key_file_any(path, OTHER_EXPECTED, failure), path, NULL, OTHER_EXPECTED, key,
					  failure);
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

const char *
signing_key_alg(const SigningKey *key)
{
	return key->alg;
}

/* RS256 is PKCS #1 v1.5 over SHA-256 (RFC 7518, 3.3). *signature_length: room in, bytes out. */
static bool
bytes_sign(EVP_PKEY *key, const void *bytes, size_t length, unsigned char *signature,
		   size_t *signature_length, Failure *failure)
{
	bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	bool ok = context != NULL &&
			  EVP_DigestSignInit_ex(context, &options, is_rsa ? "SHA256" : NULL, NULL, NULL, key,
									NULL) == 1 &&
			  (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PADDING) == 1) &&
			  EVP_DigestSign(context, signature, signature_length, bytes, length) == 1;

	EVP_MD_CTX_free(context);
	if (!ok)
	{
		ERR_clear_error();
		failure_set(failure, FAILURE_KEY, "the crypto library could not sign");
	}
	return ok;
}

bool
signing_key_sign(const SigningKey *key, const void *bytes, size_t length,
				 unsigned char signature[64], Failure *failure)
{
	size_t signature_length = 64;

	return bytes_sign(key->key, bytes, length, signature, &signature_length, failure);
}

bool
signing_key_sign_any(const SigningKey *key, const void *bytes, size_t length,
					 unsigned char signature[SIGNING_KEY_SIGNATURE_MAX], size_t *signature_length,
					 Failure *failure)
{
	*signature_length = SIGNING_KEY_SIGNATURE_MAX;
	return bytes_sign(key->key, bytes, length, signature, signature_length, failure);
}
