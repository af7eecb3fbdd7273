/*
 * jwe_fuzz.c
 *		Encrypted messages and keys of others: whatever opens was encrypted for one of our keys, and
 *		what somebody else's key encrypts has the shape that we would take.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "key/key_jwk.h"
#include "seal/jwe.h"
#include "seal/jwe_header.h"
#include "seal/message_decrypt.h"
#include "test_key.h"

static const char *const rules[] = {"off", "accepted", "required"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_to_open(const json_t *input, const KeyRing *ring)
{
	json_t *envelope =
		json_pack("{s:{s:b}, s:O}", "header", "is_msg_encrypted", 1, "message", input);
	Failure failure = {FAILURE_NONE, ""};
	Buffer plain;

	buffer_init(&plain, 20000);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
	{
		bool ok = message_decrypt(envelope, rules[i], ring, &plain, &failure);

		/* what opens has a key of ours and a content; what does not left nothing behind */
		if (ok != (plain.length > 0) || (ok && i == 0) || (!ok && failure.kind == FAILURE_NONE))
			abort();
		buffer_clear(&plain);
	}
	buffer_free(&plain);
	json_decref(envelope);
}

static bool
is_for(const json_t *message, const json_t *jwk)
{
	const json_t *header = json_object_get(message, "header");
	const char *alg = json_string_value(json_object_get(header, "alg"));
	const char *type = json_string_value(json_object_get(jwk, "kty"));

	return jwe_algorithm_find(alg) != NULL && type != NULL &&
		   (strcmp(alg, "RSA-OAEP-256") == 0) == (strcmp(type, "RSA") == 0) &&
		   json_equal(json_object_get(header, "kid"), json_object_get(jwk, "kid")) &&
		   *json_string_value(json_object_get(message, "ciphertext")) != '\0';
}

/*
 * Each use reads the key anew, and an RSA modulus that is no product of two large primes is sound
 * in one reading and not in the next: the crypto library looks for a factor from random bases. What
 * two readings say is therefore compared for other keys only.
 */
static void
try_as_key(const json_t *input, const char *text)
{
	json_t *message;
	Failure failure;
	EVP_PKEY *key = key_jwk_read(input, &failure);
	const char *type = json_string_value(json_object_get(input, "kty"));

	if (jwe_encrypt("x", 1, text, &message, &failure))
	{
		if (!is_for(message, input) || (key == NULL && strcmp(type, "RSA") != 0))
			abort();
		json_decref(message);
	}
	else if (failure.kind == FAILURE_NONE)
		abort();
	if (key != NULL)
	{
		json_t *again = key_jwk_public(key);

		if (again == NULL)
			abort();
		json_decref(again);
	}
	EVP_PKEY_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static KeyRing *ring;
	json_t *input = json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES, NULL);
	char *text;

	if (ring == NULL)
		ring = test_ring_load();
	if (!json_is_object(input))
	{
		json_decref(input);
		return 0;
	}
	text = json_dumps(input, 0);
	try_to_open(input, ring);
	try_as_key(input, text);
	free(text);
	json_decref(input);
	return 0;
}
