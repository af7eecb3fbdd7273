/*
 * told_entry.c
 *		AES-256-GCM with a random nonce, in base64: nonce, content, tag. Must not keep keys.
 */
#include "database/told_entry.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16
#define EXTRA_BYTES (NONCE_BYTES + TAG_BYTES)

bool
told_key_read(const char *hex, unsigned char key[TOLD_KEY_BYTES])
{
	size_t length = 0;

	return hex != NULL && strlen(hex) == 2 * TOLD_KEY_BYTES &&
		   OPENSSL_hexstr2buf_ex(key, TOLD_KEY_BYTES, &length, hex, '\0') == 1 &&
		   length == TOLD_KEY_BYTES;
}

/* Both directions over the same three parts; the tag is written or compared. */
static bool
entry_crypt(const unsigned char *key, bool seals, unsigned char *sealed, unsigned char *plain,
			int length)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	unsigned char *content = sealed + NONCE_BYTES;
	unsigned char *tag = content + length;
	int done = 0;
	bool is_good = context != NULL &&
				   EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed, seals) == 1;

	if (is_good && !seals)
		is_good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1;
	is_good = is_good &&
			  EVP_CipherUpdate(context, seals ? content : plain, &done, seals ? plain : content,
							   length) == 1 &&
			  EVP_CipherFinal_ex(context, seals ? content + done : plain + done, &done) == 1;
	if (is_good && seals)
		is_good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
	EVP_CIPHER_CTX_free(context);
	return is_good;
}

/* Begins with the end of a line: what a full disk left of the one before is a line of its own. */
char *
told_entry_seal(const unsigned char *key, const char *entry, size_t *length)
{
	size_t plain = strlen(entry);
	size_t bytes = plain + EXTRA_BYTES;
	unsigned char *sealed = malloc(bytes);
	char *line = malloc(BASE64_SIZE(bytes) + 2);

	if (sealed == NULL || line == NULL || RAND_bytes(sealed, NONCE_BYTES) != 1 ||
		!entry_crypt(key, true, sealed, (unsigned char *) entry, (int) plain))
	{
		free(line);
		line = NULL;
	}
	else
	{
		line[0] = '\n';
		base64_encode(sealed, bytes, line + 1);
		strcat(line, "\n");
		*length = strlen(line);
	}
	free(sealed);
	return line;
}

char *
told_entry_open(const unsigned char *key, const char *line)
{
	size_t digits = strcspn(line, "\r\n=");
	size_t bytes = digits / 4 * 3 + (digits % 4 > 1 ? digits % 4 - 1 : 0);
	unsigned char *sealed;
	char *plain;

	if (digits % 4 == 1 || bytes < EXTRA_BYTES)
		return NULL;
	sealed = malloc(bytes);
	plain = calloc(1, bytes - EXTRA_BYTES + 1);
	if (sealed == NULL || plain == NULL || !base64_decode(line, digits, sealed, bytes) ||
		!entry_crypt(key, false, sealed, (unsigned char *) plain, (int) (bytes - EXTRA_BYTES)))
	{
		free(plain);
		plain = NULL;
	}
	free(sealed);
	return plain;
}
