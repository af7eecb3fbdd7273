/*
 * jwe_encrypt.c
 *		Plain bytes into an EncryptedMessage for the holder of a key. All cryptography is in
 *		jwe_step.h's files. Must not know messages or partners.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "seal/jwe.h"
#include "seal/jwe_header.h"
#include "seal/jwe_step.h"
#include "key/key_jwk.h"

/* What becomes an EncryptedMessage. */
typedef struct JweParts
{
	const JweAlgorithm *algorithm;
	JweParties parties;
	unsigned char wrapped[JWE_RSA_SIZE];
	size_t wrapped_length;
	unsigned char iv[JWE_IV_SIZE];
	unsigned char tag[JWE_TAG_SIZE];
	unsigned char *hidden;
	size_t hidden_length;
} JweParts;

static bool
library_failed(Failure *failure)
{
	failure_set(failure, FAILURE_SYSTEM, "the crypto library refused to work");
	return false;
}

/* What a reader's JWK asks for, if we do that with such a key; NULL when not. */
static const JweAlgorithm *
algorithm_choose(const json_t *jwk, const EVP_PKEY *key)
{
	const json_t *use = json_object_get(jwk, "use");
	const json_t *alg = json_object_get(jwk, "alg");
	const JweAlgorithm *asked = jwe_algorithm_find(json_string_value(alg));

	if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "enc") != 0))
		return NULL;
	if (alg == NULL)
		return jwe_algorithm_for(key);
	return asked != NULL && jwe_algorithm_fits(asked, key) ? asked : NULL;
}

/* Agree with the reader's key by a key that is used once, and put that one into the header. */
static bool
ephemeral_agree(EVP_PKEY *reader, const JweParts *parts, json_t *header,
				unsigned char key[JWE_KEY_SIZE])
{
	EVP_PKEY *ephemeral = jwe_make_ephemeral(reader);
	bool ok = ephemeral != NULL && jwe_agree(ephemeral, reader, &parts->parties, key) &&
			  json_object_set_new(header, "epk", key_jwk_public(ephemeral)) == 0;

	EVP_PKEY_free(ephemeral);
	return ok;
}

/* A content key, and for the header and encrypted_key what the reader needs to find it. */
static bool
content_key_make(EVP_PKEY *reader, JweParts *parts, json_t *header, unsigned char key[JWE_KEY_SIZE])
{
	unsigned char agreed[JWE_KEY_SIZE];
	bool ok;

	if (parts->algorithm->kind == JWE_DIRECT)
		return ephemeral_agree(reader, parts, header, key);
	if (RAND_bytes(key, JWE_KEY_SIZE) != 1)
		return false;
	if (parts->algorithm->kind == JWE_RSA)
	{
		parts->wrapped_length = sizeof(parts->wrapped);
		return jwe_rsa_wrap(reader, key, parts->wrapped, &parts->wrapped_length);
	}
	parts->wrapped_length = JWE_WRAPPED_SIZE;
	ok =
		ephemeral_agree(reader, parts, header, agreed) && jwe_aes_wrap(agreed, key, parts->wrapped);
	OPENSSL_cleanse(agreed, sizeof(agreed));
	return ok;
}

static bool
base64_set(json_t *object, const char *name, const unsigned char *bytes, size_t length)
{
	char *text = malloc(BASE64_SIZE(length));
	bool ok;

	if (text == NULL)
		return false;
	base64url_encode(bytes, length, text);
	ok = json_object_set_new(object, name, json_string(text)) == 0;
	free(text);
	return ok;
}

/*
 * The object itself; its header is complete before the content is hidden, which
 * authenticates it.
 */
static json_t *
parts_write(const JweParts *parts, json_t *header)
{
	json_t *message = json_pack("{s:O}", "header", header);

	if (message != NULL &&
		base64_set(message, "encrypted_key", parts->wrapped, parts->wrapped_length) &&
		base64_set(message, "iv", parts->iv, sizeof(parts->iv)) &&
		base64_set(message, "ciphertext", parts->hidden, parts->hidden_length) &&
		base64_set(message, "tag", parts->tag, sizeof(parts->tag)))
		return message;
	json_decref(message);
	return NULL;
}

static bool
parts_encrypt(EVP_PKEY *reader, JweParts *parts, json_t *header, const void *plain, size_t length)
{
	unsigned char key[JWE_KEY_SIZE];
	Buffer authenticated;
	bool ok;

	buffer_init(&authenticated, BASE64_SIZE(JWE_HEADER_MAX));
	parts->parties.algorithm = jwe_algorithm_purpose(parts->algorithm);
	parts->hidden = malloc(length + 1);
	parts->hidden_length = length;
	ok = parts->hidden != NULL && content_key_make(reader, parts, header, key) &&
		 jwe_header_canonical(header, &authenticated) &&
		 jwe_content_hide(key, authenticated.data, plain, length, parts->iv, parts->hidden,
						  parts->tag);
	OPENSSL_cleanse(key, sizeof(key));
	buffer_free(&authenticated);
	return ok;
}

static bool
reader_refuse(Failure *failure, const char *why)
{
	failure_set(failure, FAILURE_KEY, "the partner's encryption key %s", why);
	return false;
}

static bool
reader_encrypt(const json_t *jwk, EVP_PKEY *reader, const void *plain, size_t length,
			   json_t **message, Failure *failure)
{
	const JweAlgorithm *algorithm = algorithm_choose(jwk, reader);
	const char *kid = json_string_value(json_object_get(jwk, "kid"));
	JweParts *parts = calloc(1, sizeof(*parts));
	json_t *header = NULL;
	bool ok = false;

	if (parts == NULL || algorithm == NULL || kid == NULL)
	{
		reader_refuse(failure, "has no kid, or is not for ECDH-ES, ECDH-ES+A256KW or RSA-OAEP-256");
		goto done;
	}
	parts->algorithm = algorithm;
	header = json_pack("{s:s, s:s, s:s}", "alg", algorithm->name, "enc", JWE_CONTENT_ALGORITHM,
					   "kid", kid);
	if (header != NULL && parts_encrypt(reader, parts, header, plain, length))
		*message = parts_write(parts, header);
	ok = *message != NULL || library_failed(failure);

done:
	json_decref(header);
	if (parts != NULL)
		free(parts->hidden);
	free(parts);
	return ok;
}

bool
jwe_encrypt(const void *plain, size_t length, const char *jwk, json_t **message, Failure *failure)
{
	json_t *members = json_loads(jwk, JSON_REJECT_DUPLICATES, NULL);
	Failure cause = {FAILURE_NONE, ""};
	EVP_PKEY *reader = key_jwk_read(members, &cause);
	bool ok = false;

	*message = NULL;
	if (reader == NULL)
		failure_set(failure, FAILURE_KEY, "the partner's encryption key cannot be used: %s",
					cause.text);
	else
		ok = reader_encrypt(members, reader, plain, length, message, failure);
	EVP_PKEY_free(reader);
	json_decref(members);
	return ok;
}
