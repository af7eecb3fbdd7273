/*
 * jwe_wrap.c
 *		A content key on its way: RSA-OAEP-256 (RFC 7518, 4.3) and AES key wrap (4.4). What cannot
 *		be unwrapped becomes a random key, so that no difference can be measured or read.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "seal/jwe_step.h"

/* RSAES-OAEP with SHA-256 for the label and for MGF1, no label. */
static bool
oaep_choose(EVP_PKEY_CTX *context)
{
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
		   EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

bool
jwe_rsa_wrap(EVP_PKEY *key, const unsigned char content_key[JWE_KEY_SIZE], unsigned char *wrapped,
			 size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool ok = context != NULL && EVP_PKEY_encrypt_init(context) == 1 && oaep_choose(context) &&
			  EVP_PKEY_encrypt(context, wrapped, length, content_key, JWE_KEY_SIZE) == 1;

	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return ok;
}

/* Choose without a branch: the key that came out when it is good, else the random one. */
static void
key_choose(bool is_good, const unsigned char unwrapped[JWE_KEY_SIZE],
		   unsigned char content_key[JWE_KEY_SIZE])
{
	unsigned char mask = (unsigned char) (0 - (unsigned int) is_good);
	size_t i;

	for (i = 0; i < JWE_KEY_SIZE; i++)
		content_key[i] = (unsigned char) ((unwrapped[i] & mask) | (content_key[i] & ~mask));
}

bool
jwe_rsa_unwrap(EVP_PKEY *key, const unsigned char *wrapped, size_t length,
			   unsigned char content_key[JWE_KEY_SIZE])
{
	unsigned char unwrapped[JWE_RSA_SIZE] = {0};
	size_t unwrapped_length = sizeof(unwrapped);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool ok = context != NULL && RAND_bytes(content_key, JWE_KEY_SIZE) == 1 &&
			  EVP_PKEY_decrypt_init(context) == 1 && oaep_choose(context);
	bool is_good = ok;

	is_good &= ok && EVP_PKEY_decrypt(context, unwrapped, &unwrapped_length, wrapped, length) == 1;
	is_good &= unwrapped_length == JWE_KEY_SIZE;
	if (ok)
		key_choose(is_good, unwrapped, content_key);
	OPENSSL_cleanse(unwrapped, sizeof(unwrapped));
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool
jwe_aes_wrap(const unsigned char key[JWE_KEY_SIZE], const unsigned char content_key[JWE_KEY_SIZE],
			 unsigned char wrapped[JWE_WRAPPED_SIZE])
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length = 0;
	bool ok = context != NULL;

	if (ok)
		EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = ok && EVP_EncryptInit_ex(context, EVP_aes_256_wrap(), NULL, key, NULL) == 1 &&
		 EVP_EncryptUpdate(context, wrapped, &length, content_key, JWE_KEY_SIZE) == 1 &&
		 length == JWE_WRAPPED_SIZE;
	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool
jwe_aes_unwrap(const unsigned char key[JWE_KEY_SIZE], const unsigned char *wrapped, size_t length,
			   unsigned char content_key[JWE_KEY_SIZE])
{
	unsigned char unwrapped[JWE_WRAPPED_SIZE + 16] = {0};
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int unwrapped_length = 0;
	bool ok = context != NULL && RAND_bytes(content_key, JWE_KEY_SIZE) == 1;
	bool is_good = ok && length == JWE_WRAPPED_SIZE;

	if (ok)
		EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = ok && EVP_DecryptInit_ex(context, EVP_aes_256_wrap(), NULL, key, NULL) == 1;
	is_good = is_good && ok &&
			  EVP_DecryptUpdate(context, unwrapped, &unwrapped_length, wrapped, (int) length) == 1;
	is_good &= unwrapped_length == JWE_KEY_SIZE;
	if (ok)
		key_choose(is_good, unwrapped, content_key);
	OPENSSL_cleanse(unwrapped, sizeof(unwrapped));
	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return ok;
}
