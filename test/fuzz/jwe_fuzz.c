/*
 * jwe_fuzz.c
 *		Encrypted messages and keys of strangers: whatever opens was encrypted for one of our keys,
 *		and what a stranger's key encrypts has the shape that we would take.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "seal/jwe.h"
#include "key/key_jwk.h"
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

static void
try_as_key(const json_t *input, const char *text)
{
	json_t *message;
	Failure failure;
	EVP_PKEY *key = key_jwk_read(input, &failure);

	if (jwe_encrypt("x", 1, text, &message, &failure))
	{
		if (key == NULL || json_object_get(message, "ciphertext") == NULL)
			abort();
		json_decref(message);
	}
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
