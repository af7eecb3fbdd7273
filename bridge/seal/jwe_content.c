/*
 * jwe_content.c
 *		A256GCM (RFC 7518, 5.3): the content itself, with what is authenticated beside it.
 */
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "seal/jwe_step.h"

bool
jwe_content_hide(const unsigned char key[JWE_KEY_SIZE], const char *authenticated,
				 const void *plain, size_t length, unsigned char iv[JWE_IV_SIZE],
				 unsigned char *hidden, unsigned char tag[JWE_TAG_SIZE])
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written = 0;
	bool ok = context != NULL && length <= INT_MAX && RAND_bytes(iv, JWE_IV_SIZE) == 1 &&
			  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
			  EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *) authenticated,
								(int) strlen(authenticated)) == 1 &&
			  EVP_EncryptUpdate(context, hidden, &written, plain, (int) length) == 1 &&
			  (size_t) written == length &&
			  EVP_EncryptFinal_ex(context, hidden + written, &written) == 1 && written == 0 &&
			  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, JWE_TAG_SIZE, tag) == 1;

	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool
jwe_content_open(const unsigned char key[JWE_KEY_SIZE], const char *authenticated,
				 const unsigned char *hidden, size_t length, const unsigned char iv[JWE_IV_SIZE],
				 const unsigned char tag[JWE_TAG_SIZE], unsigned char *plain)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written = 0;
	bool ok =
		context != NULL && length <= INT_MAX &&
		EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
		EVP_DecryptUpdate(context, NULL, &written, (const unsigned char *) authenticated,
						  (int) strlen(authenticated)) == 1 &&
		EVP_DecryptUpdate(context, plain, &written, hidden, (int) length) == 1 &&
		(size_t) written == length &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, JWE_TAG_SIZE, (void *) tag) == 1 &&
		EVP_DecryptFinal_ex(context, plain + written, &written) == 1 && written == 0;

	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return ok;
}
