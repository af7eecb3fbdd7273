/*
 * jwe_decrypt.c
 *		An EncryptedMessage into plain bytes: the rules first, then a key, then one answer. All
 *		cryptography is in jwe_step.h's files. Must not know messages or partners.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "seal/jwe.h"
#include "seal/jwe_header.h"
#include "seal/jwe_step.h"
#include "key/key_jwk.h"

#define KID_MAX 255

/* An EncryptedMessage in bytes, as far as it can be read without a key. */
typedef struct JweParts
{
	const json_t *header;
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
jwe_refuse(Failure *failure, const char *why)
{
	failure_set(failure, FAILURE_ENCRYPTION, "%s", why);
	return false;
}

/* The one answer to whatever went wrong once a key was used. */
static bool
jwe_fail(Failure *failure)
{
	return jwe_refuse(failure, "message cannot be decrypted; encrypt it anew for one of the keys "
							   "in our /.well-known/jwks.json");
}

static bool
library_failed(Failure *failure)
{
	failure_set(failure, FAILURE_SYSTEM, "the crypto library refused to work");
	return false;
}

static const char *
text_member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* How many bytes a base64url text of this length stands for; padding is not counted. */
static size_t
decoded_size(const char *text)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '=')
		length--;
	return length / 4 * 3 + length % 4 * 3 / 4;
}

/* A member that may be absent or empty, into so many bytes at most. */
static bool
bytes_read(const json_t *object, const char *name, unsigned char *bytes, size_t limit,
		   size_t *length)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	*length = 0;
	if (member == NULL || json_is_null(member))
		return true;
	if (text == NULL)
		return false;
	*length = decoded_size(text);
	return *length <= limit && base64_decode(text, strlen(text), bytes, *length);
}

/* The algorithms first: what is not on the list is not even looked at. */
static bool
header_read(const json_t *header, JweParts *parts, Failure *failure)
{
	const char *enc = text_member(header, "enc");
	const char *kid = text_member(header, "kid");

	if (!json_is_object(header))
		return jwe_refuse(failure, "message.header must be an object with alg, enc and kid");
	parts->header = header;
	parts->algorithm = jwe_algorithm_find(text_member(header, "alg"));
	if (parts->algorithm == NULL)
		return jwe_refuse(failure, "message.header.alg must be ECDH-ES, ECDH-ES+A256KW or "
								   "RSA-OAEP-256");
	if (enc == NULL || strcmp(enc, JWE_CONTENT_ALGORITHM) != 0)
		return jwe_refuse(failure, "message.header.enc must be A256GCM");
	if (json_object_get(header, "zip") != NULL || json_object_get(header, "crit") != NULL)
		return jwe_refuse(failure, "message.header must not have zip or crit: nothing is "
								   "compressed, no extension is taken");
	if (kid == NULL || strlen(kid) > KID_MAX)
		return jwe_refuse(failure, "message.header.kid must name the key: one of the \"enc\" keys "
								   "in our /.well-known/jwks.json");
	if (!bytes_read(header, "apu", parts->parties.apu, JWE_PARTY_SIZE,
					&parts->parties.apu_length) ||
		!bytes_read(header, "apv", parts->parties.apv, JWE_PARTY_SIZE, &parts->parties.apv_length))
		return jwe_refuse(failure, "message.header.apu and apv must be base64url, at most 512 "
								   "bytes");
	parts->parties.algorithm = jwe_algorithm_purpose(parts->algorithm);
	return true;
}

static bool
ciphertext_read(const json_t *message, JweParts *parts, Failure *failure)
{
	const char *text = text_member(message, "ciphertext");

	if (text == NULL || *text == '\0')
		return jwe_refuse(failure, "message.ciphertext must be base64url, and not empty");
	parts->hidden_length = decoded_size(text);
	parts->hidden = malloc(parts->hidden_length + 1);
	if (parts->hidden == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	if (!base64_decode(text, strlen(text), parts->hidden, parts->hidden_length))
		return jwe_refuse(failure, "message.ciphertext must be base64url");
	return true;
}

static bool
parts_read(const json_t *message, JweParts *parts, Failure *failure)
{
	const char *iv = text_member(message, "iv");
	const char *tag = text_member(message, "tag");

	if (!header_read(json_object_get(message, "header"), parts, failure))
		return false;
	if (iv == NULL || !base64_decode(iv, strlen(iv), parts->iv, sizeof(parts->iv)))
		return jwe_refuse(failure, "message.iv must be base64url of 12 bytes");
	if (tag == NULL || !base64_decode(tag, strlen(tag), parts->tag, sizeof(parts->tag)))
		return jwe_refuse(failure, "message.tag must be base64url of 16 bytes");
	if (!bytes_read(message, "encrypted_key", parts->wrapped, sizeof(parts->wrapped),
					&parts->wrapped_length) ||
		(parts->algorithm->kind == JWE_DIRECT) != (parts->wrapped_length == 0))
		return jwe_refuse(failure, parts->algorithm->kind == JWE_DIRECT
									   ? "message.encrypted_key must be \"\" with ECDH-ES"
									   : "message.encrypted_key must be base64url of the key");
	return ciphertext_read(message, parts, failure);
}

/* The key that was agreed on with the sender's header.epk. */
static bool
key_agree(const JweParts *parts, EVP_PKEY *own, unsigned char key[JWE_KEY_SIZE])
{
	const json_t *epk = json_object_get(parts->header, "epk");
	const char *type = json_string_value(json_object_get(epk, "kty"));
	Failure unsaid;
	/* no other kind is read: looking at a large RSA key takes long, and anybody may send one */
	EVP_PKEY *ephemeral =
		type != NULL && strcmp(type, "EC") == 0 ? key_jwk_read(epk, &unsaid) : NULL;
	bool ok = ephemeral != NULL && jwe_agree(own, ephemeral, &parts->parties, key);

	EVP_PKEY_free(ephemeral);
	return ok;
}

static bool
content_key_find(const JweParts *parts, EVP_PKEY *own, unsigned char key[JWE_KEY_SIZE],
				 Failure *failure)
{
	unsigned char agreed[JWE_KEY_SIZE];
	bool ok;

	if (parts->algorithm->kind == JWE_RSA)
		return jwe_rsa_unwrap(own, parts->wrapped, parts->wrapped_length, key) ||
			   library_failed(failure);
	if (!key_agree(parts, own, agreed))
		return jwe_fail(failure); /* epk is no point of our key's curve: no secret was used */
	ok = parts->algorithm->kind == JWE_DIRECT
			 ? memcpy(key, agreed, JWE_KEY_SIZE) != NULL
			 : jwe_aes_unwrap(agreed, parts->wrapped, parts->wrapped_length, key);
	OPENSSL_cleanse(agreed, sizeof(agreed));
	return ok || library_failed(failure);
}

/*
 * The standard gives the header as an object and does not say which bytes are authenticated. We
 * send the canonical form. Taken too: the order in which the members came, and nothing at all,
 * which is RFC 7516's own meaning of a member called "header".
 */
static bool
content_open(const JweParts *parts, const unsigned char key[JWE_KEY_SIZE], unsigned char *plain)
{
	Buffer encoded;
	bool ok;

	buffer_init(&encoded, BASE64_SIZE(JWE_HEADER_MAX));
	ok = jwe_header_canonical(parts->header, &encoded) &&
		 jwe_content_open(key, encoded.data, parts->hidden, parts->hidden_length, parts->iv,
						  parts->tag, plain);
	ok = ok || (jwe_header_received(parts->header, &encoded) &&
				jwe_content_open(key, encoded.data, parts->hidden, parts->hidden_length, parts->iv,
								 parts->tag, plain));
	ok = ok || jwe_content_open(key, "", parts->hidden, parts->hidden_length, parts->iv, parts->tag,
								plain);
	buffer_free(&encoded);
	return ok;
}

static bool
parts_decrypt(const JweParts *parts, EVP_PKEY *own, Buffer *plain, Failure *failure)
{
	unsigned char key[JWE_KEY_SIZE];
	unsigned char *opened;
	bool ok;

	if (!content_key_find(parts, own, key, failure))
		return false;
	opened = malloc(parts->hidden_length + 1);
	ok = opened != NULL && content_open(parts, key, opened);
	OPENSSL_cleanse(key, sizeof(key));
	if (opened == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	else if (!ok)
		jwe_fail(failure);
	else if (!buffer_append(plain, opened, parts->hidden_length))
	{
		failure_set(failure, FAILURE_LIMIT, "the decrypted message is too large");
		ok = false;
	}
	free(opened);
	return ok;
}

bool
jwe_decrypt(const json_t *message, const KeyRing *keys, Buffer *plain, Failure *failure)
{
	const EncryptionKey *own = NULL;
	JweParts *parts = calloc(1, sizeof(*parts));
	bool ok = false;

	if (parts == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	if (!parts_read(message, parts, failure))
		goto done;
	own = key_ring_find_encryption(keys, text_member(parts->header, "kid"));
	if (own == NULL || !jwe_algorithm_fits(parts->algorithm, encryption_key_private(own)))
		jwe_refuse(failure, "message.header.kid names none of our encryption keys for this alg; "
							"see our /.well-known/jwks.json");
	else
		ok = parts_decrypt(parts, encryption_key_private(own), plain, failure);

done:
	free(parts->hidden);
	free(parts);
	return ok;
}
