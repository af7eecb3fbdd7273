/*
 * vectors_test.c
 *		The published vectors of test/vectors: our code makes the same signatures, and reads the
 *		same messages, as the other programs that vectors_test.py uses.
 */
#include <stdlib.h>
#include <string.h>

#include "message/canonical_json.h"
#include "seal/jwe.h"
#include "seal/signature.h"
#include "tap.h"
#include "test_key.h"

static json_t *
vectors_load(const char *path)
{
	json_error_t error;
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (document == NULL)
	{
		printf("Bail out! %s: %s\n", path, error.text);
		exit(1);
	}
	return document;
}

static const char *
text_of(const json_t *vector, const char *name)
{
	return json_string_value(json_object_get(vector, name));
}

/* The body as it travels: header, message, signature. */
static json_t *
envelope_of(const json_t *vector)
{
	return json_pack("{s:O, s:O, s:O}", "header", json_object_get(vector, "header"), "message",
					 json_object_get(vector, "message"), "signature",
					 json_object_get(vector, "signature"));
}

static void
signature_is_made(Tap *tap, const json_t *vector, const SigningKey *key)
{
	int64_t created = json_integer_value(json_object_get(vector, "created"));
	json_t *both = json_pack("{s:O, s:O}", "header", json_object_get(vector, "header"), "message",
							 json_object_get(vector, "message"));
	const char *sender = text_of(json_object_get(vector, "header"), "sender_id");
	Failure failure;
	Buffer content;
	Buffer text;

	buffer_init(&content, 100000);
	buffer_init(&text, 4096);
	tap_ok(tap, canonical_json_portable(both, &content, &failure), "can be sent");
	tap_is(tap, content.data, text_of(vector, "canonical"), "canonical form");
	tap_ok(tap, signature_create(key, sender, &content, created * 1000, &text, &failure), "signs");
	tap_is(tap, text.data, text_of(vector, "signature"), "to the same text");
	buffer_free(&text);
	buffer_free(&content);
	json_decref(both);
}

static void
signature_is_taken(Tap *tap, const json_t *vector, const json_t *keys)
{
	int64_t created = json_integer_value(json_object_get(vector, "created"));
	json_t *envelope = envelope_of(vector);
	char *body = json_dumps(envelope, JSON_INDENT(2));
	char kid[SIGNATURE_KID_SIZE];
	Failure failure;

	tap_ok(tap,
		   signature_verify(envelope, body, strlen(body), keys, created * 1000, kid, NULL, NULL,
							&failure),
		   "verifies, whatever the blanks and the order of members");
	tap_ok(tap,
		   !signature_verify(envelope, body, strlen(body), keys, (created + 300) * 1000, kid, NULL,
							 NULL, &failure),
		   "not any more when it has expired");
	tap_ok(tap,
		   !signature_verify(envelope, body, strlen(body), keys, (created - 61) * 1000, kid, NULL,
							 NULL, &failure),
		   "not long before it was made");
	free(body);
	json_object_set_new(json_object_get(envelope, "header"), "message_id", json_string("other"));
	body = json_dumps(envelope, 0);
	tap_ok(tap,
		   !signature_verify(envelope, body, strlen(body), keys, created * 1000, kid, NULL, NULL,
							 &failure),
		   "a captured signature does not fit another message_id");
	free(body);
	json_decref(envelope);
}

static void
test_signatures(Tap *tap, const KeyRing *ring)
{
	json_t *document = vectors_load("test/vectors/signature.json");
	json_t *jwk = json_object_get(document, "jwk");
	json_t *keys = json_pack("[{s:O, s:O}]", "kid", json_object_get(jwk, "kid"), "jwk", jwk);
	const json_t *vector;
	size_t i;

	json_array_foreach(json_object_get(document, "vectors"), i, vector)
	{
		printf("# %s\n", text_of(vector, "name"));
		signature_is_made(tap, vector, key_ring_signing(ring));
		signature_is_taken(tap, vector, keys);
	}
	tap_ok(tap, i >= 3, "there were vectors");
	json_decref(keys);
	json_decref(document);
}

static void
test_encryption(Tap *tap, const KeyRing *ring)
{
	json_t *document = vectors_load("test/vectors/encryption.json");
	const json_t *vector;
	Failure failure;
	size_t i;

	json_array_foreach(json_object_get(document, "vectors"), i, vector)
	{
		json_t *message;
		Buffer plain;

		buffer_init(&plain, 100000);
		tap_ok(tap, jwe_decrypt(json_object_get(vector, "message"), ring, &plain, &failure),
			   "decrypts %s of %s", text_of(vector, "alg"), text_of(vector, "made_by"));
		message = json_loads(plain.data, 0, NULL);
		tap_ok(tap, json_equal(message, json_object_get(vector, "plain")), "to what it hid");
		json_decref(message);
		buffer_free(&plain);
	}
	tap_ok(tap, i >= 8, "there were vectors");
	json_decref(document);
}

int
main(void)
{
	KeyRing *ring = test_ring_load();
	Tap tap = {0, 0};

	test_signatures(&tap, ring);
	test_encryption(&tap, ring);
	key_ring_free(ring);
	return tap_done(&tap);
}
