/*
 * jwe_header.c
 *		The algorithms that are used at all, and the authenticated form of a header.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "message/canonical_json.h"
#include "seal/jwe_header.h"
#include "key/key_jwk.h"

/* All that is ever used, in either direction. The first of a key's kind is sent by default. */
static const JweAlgorithm algorithms[] = {
	{"ECDH-ES", JWE_DIRECT}, {"ECDH-ES+A256KW", JWE_AGREED}, {"RSA-OAEP-256", JWE_RSA}};

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

const JweAlgorithm *
jwe_algorithm_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < ALGORITHM_COUNT; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

bool
jwe_algorithm_fits(const JweAlgorithm *algorithm, const EVP_PKEY *key)
{
	if (algorithm->kind == JWE_RSA)
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	return key_jwk_curve(key) != NULL;
}

const JweAlgorithm *
jwe_algorithm_for(const EVP_PKEY *key)
{
	size_t i;

	for (i = 0; i < ALGORITHM_COUNT; i++)
		if (jwe_algorithm_fits(&algorithms[i], key))
			return &algorithms[i];
	return NULL;
}

const char *
jwe_algorithm_purpose(const JweAlgorithm *algorithm)
{
	return algorithm->kind == JWE_DIRECT ? JWE_CONTENT_ALGORITHM : algorithm->name;
}

/* Base64url of a header's text: what RFC 7516 authenticates as "protected". */
static bool
protected_encode(const char *text, size_t length, Buffer *encoded)
{
	char *base64 = malloc(BASE64_SIZE(length));
	bool ok;

	buffer_clear(encoded);
	if (base64 == NULL)
		return false;
	base64url_encode(text, length, base64);
	ok = buffer_append_text(encoded, base64);
	free(base64);
	return ok;
}

bool
jwe_header_canonical(const json_t *header, Buffer *encoded)
{
	Buffer text;
	bool ok;

	buffer_init(&text, JWE_HEADER_MAX);
	ok = canonical_json(header, &text, NULL) && protected_encode(text.data, text.length, encoded);
	buffer_free(&text);
	return ok;
}

/* What most libraries write. */
bool
jwe_header_received(const json_t *header, Buffer *encoded)
{
	char *text = json_dumps(header, JSON_COMPACT);
	bool ok = text != NULL && strlen(text) <= JWE_HEADER_MAX &&
			  protected_encode(text, strlen(text), encoded);

	free(text);
	return ok;
}
