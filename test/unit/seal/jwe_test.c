/*
 * jwe_test.c
 *		Every algorithm there and back, each damage refused with one answer, and all that is not
 *		on the list refused before a key is touched.
 */
#include <stdlib.h>
#include <string.h>

#include "seal/jwe.h"
#include "seal/message_decrypt.h"
#include "tap.h"
#include "test_key.h"

#define PLAIN "{\"transaction_id\":\"t\",\"notify_event\":[]}"
#define ONE_ANSWER "message cannot be decrypted"

static const char *const algorithms[] = {"ECDH-ES", "ECDH-ES+A256KW", "ECDH-ES", "RSA-OAEP-256"};

typedef struct Fixture
{
	KeyRing *ring;
	json_t *jwks[4]; /* what a partner knows of us: P-256, P-256 with A256KW, P-521, RSA */
} Fixture;

static void
fixture_make(Fixture *fixture)
{
	fixture->ring = test_ring_load();
	fixture->jwks[0] = json_loads(key_ring_jwk(fixture->ring, 1), 0, NULL);
	fixture->jwks[1] = json_loads(key_ring_jwk(fixture->ring, 1), 0, NULL);
	json_object_set_new(fixture->jwks[1], "alg", json_string("ECDH-ES+A256KW"));
	fixture->jwks[2] = json_loads(key_ring_jwk(fixture->ring, 2), 0, NULL);
	fixture->jwks[3] = json_loads(key_ring_jwk(fixture->ring, 3), 0, NULL);
}

static void
fixture_free(Fixture *fixture)
{
	int i;

	for (i = 0; i < 4; i++)
		json_decref(fixture->jwks[i]);
	key_ring_free(fixture->ring);
}

static json_t *
encrypt_for(const json_t *jwk)
{
	char *text = json_dumps(jwk, 0);
	json_t *message = NULL;
	Failure failure;

	if (!jwe_encrypt(PLAIN, strlen(PLAIN), text, &message, &failure))
		printf("# %s\n", failure.text);
	free(text);
	return message;
}

static void
decrypts_to(Tap *tap, const json_t *message, const KeyRing *ring, const char *name)
{
	Failure failure = {FAILURE_NONE, ""};
	Buffer plain;

	buffer_init(&plain, 4096);
	tap_ok(tap, jwe_decrypt(message, ring, &plain, &failure), "%s: decrypts %s", name,
		   failure.text);
	tap_is(tap, plain.data, PLAIN, "%s: to what it was", name);
	buffer_free(&plain);
}

static void
is_refused(Tap *tap, const json_t *message, const KeyRing *ring, const char *reason,
		   const char *name)
{
	Failure failure = {FAILURE_NONE, ""};
	Buffer plain;

	buffer_init(&plain, 4096);
	tap_ok(tap, !jwe_decrypt(message, ring, &plain, &failure) && plain.length == 0, "%s: refused",
		   name);
	tap_is_int(tap, failure.kind, FAILURE_ENCRYPTION, "%s: kind", name);
	tap_has(tap, failure.text, reason, "%s: text", name);
	buffer_free(&plain);
}

static void
test_there_and_back(Tap *tap, const Fixture *fixture)
{
	int i;

	for (i = 0; i < 4; i++)
	{
		json_t *message = encrypt_for(fixture->jwks[i]);
		json_t *again = encrypt_for(fixture->jwks[i]);
		const json_t *header = json_object_get(message, "header");
		const char *wrapped = json_string_value(json_object_get(message, "encrypted_key"));

		tap_is(tap, json_string_value(json_object_get(header, "alg")), algorithms[i], "alg");
		tap_is(tap, json_string_value(json_object_get(header, "enc")), "A256GCM", "enc");
		tap_is(tap, json_string_value(json_object_get(header, "kid")),
			   json_string_value(json_object_get(fixture->jwks[i], "kid")), "kid");
		tap_ok(tap,
			   wrapped != NULL && (*wrapped == '\0') == (strcmp(algorithms[i], "ECDH-ES") == 0),
			   "encrypted_key is empty when the key is used directly, and only then");
		tap_ok(tap,
			   !json_equal(json_object_get(message, "iv"), json_object_get(again, "iv")) &&
				   !json_equal(json_object_get(message, "ciphertext"),
							   json_object_get(again, "ciphertext")),
			   "never the same twice");
		decrypts_to(tap, message, fixture->ring, algorithms[i]);
		json_decref(again);
		json_decref(message);
	}
}

/* Exchange one character of a base64url text for another one. */
static void
text_damage(json_t *object, const char *name, size_t at)
{
	char *text = strdup(json_string_value(json_object_get(object, name)));

	text[at] = text[at] == 'A' ? 'B' : 'A';
	json_object_set_new(object, name, json_string(text));
	free(text);
}

static void
test_damage(Tap *tap, const Fixture *fixture)
{
	static const char *const members[] = {"iv", "ciphertext", "tag", "encrypted_key"};
	char name[64];
	size_t m;
	int i;

	for (i = 0; i < 4; i++)
		for (m = 0; m < sizeof(members) / sizeof(members[0]); m++)
		{
			json_t *message = encrypt_for(fixture->jwks[i]);

			if (json_string_length(json_object_get(message, members[m])) > 0)
			{
				text_damage(message, members[m], 3);
				snprintf(name, sizeof(name), "rejects_changed_%s of %s", members[m], algorithms[i]);
				is_refused(tap, message, fixture->ring, ONE_ANSWER, name);
			}
			json_decref(message);
		}
	for (i = 0; i < 4; i++)
	{
		json_t *message = encrypt_for(fixture->jwks[i]);

		json_object_set_new(json_object_get(message, "header"), "typ", json_string("x"));
		is_refused(tap, message, fixture->ring, ONE_ANSWER, "rejects_changed_header");
		json_decref(message);
	}
}

/* A message of which one part was exchanged for what a hostile partner would like better. */
static const struct
{
	const char *name;
	const char *part; /* "" = the message itself, or header, or epk */
	const char *member;
	const char *value; /* JSON; NULL = left out */
	const char *reason;
} hostile[] = {
	{"rejects_rsa1_5", "header", "alg", "\"RSA1_5\"", "message.header.alg"},
	{"rejects_rsa_oaep_of_sha_1", "header", "alg", "\"RSA-OAEP\"", "message.header.alg"},
	{"rejects_dir", "header", "alg", "\"dir\"", "message.header.alg"},
	{"rejects_none", "header", "alg", "\"none\"", "message.header.alg"},
	{"rejects_pbes2", "header", "alg", "\"PBES2-HS256+A128KW\"", "message.header.alg"},
	{"rejects_a128kw", "header", "alg", "\"ECDH-ES+A128KW\"", "message.header.alg"},
	{"rejects_alg_that_is_no_text", "header", "alg", "[\"ECDH-ES\"]", "message.header.alg"},
	{"rejects_alg_missing", "header", "alg", NULL, "message.header.alg"},
	{"rejects_cbc", "header", "enc", "\"A128CBC-HS256\"", "message.header.enc"},
	{"rejects_a128gcm", "header", "enc", "\"A128GCM\"", "message.header.enc"},
	{"rejects_zip", "header", "zip", "\"DEF\"", "zip or crit"},
	{"rejects_crit", "header", "crit", "[\"b64\"]", "zip or crit"},
	{"rejects_kid_missing", "header", "kid", NULL, "message.header.kid must name"},
	{"rejects_unknown_kid", "header", "kid", "\"other\"", "message.header.kid names none"},
	{"rejects_signing_kid", "header", "kid", "\"" TEST_KEY_KID "\"",
	 "message.header.kid names none"},
	{"rejects_key_of_other_kind", "header", "alg", "\"RSA-OAEP-256\"", "message.encrypted_key"},
	{"rejects_apu_no_text", "header", "apu", "7", "apu and apv"},
	{"rejects_apu_no_base64", "header", "apu", "\"a b\"", "apu and apv"},
	{"rejects_epk_missing", "header", "epk", NULL, ONE_ANSWER},
	{"rejects_epk_no_object", "header", "epk", "\"x\"", ONE_ANSWER},
	{"rejects_epk_off_the_curve", "epk", "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
	 ONE_ANSWER},
	{"rejects_epk_of_zero", "epk", "y", "\"\"", ONE_ANSWER},
	{"rejects_epk_of_other_curve", "epk", "crv", "\"P-384\"", ONE_ANSWER},
	{"rejects_epk_of_rsa", "epk", "kty", "\"RSA\"", ONE_ANSWER},
	{"rejects_header_missing", "", "header", NULL, "message.header must be"},
	{"rejects_header_as_text", "", "header", "\"eyJ9\"", "message.header must be"},
	{"rejects_iv_missing", "", "iv", NULL, "message.iv"},
	{"rejects_short_iv", "", "iv", "\"AAAA\"", "message.iv"},
	{"rejects_short_tag", "", "tag", "\"AAAA\"", "message.tag"},
	{"rejects_tag_that_is_no_text", "", "tag", "16", "message.tag"},
	{"rejects_ciphertext_missing", "", "ciphertext", NULL, "message.ciphertext"},
	{"rejects_empty_ciphertext", "", "ciphertext", "\"\"", "message.ciphertext"},
	{"rejects_ciphertext_no_base64", "", "ciphertext", "\"%%%%\"", "message.ciphertext"},
	{"rejects_key_where_none_belongs", "", "encrypted_key", "\"AAAA\"", "message.encrypted_key"},
};

static void
test_hostile(Tap *tap, const Fixture *fixture)
{
	size_t i;

	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
	{
		json_t *message = encrypt_for(fixture->jwks[0]);
		json_t *part = message;

		if (strcmp(hostile[i].part, "") != 0)
			part = json_object_get(message, "header");
		if (strcmp(hostile[i].part, "epk") == 0)
			part = json_object_get(part, "epk");
		if (hostile[i].value == NULL)
			json_object_del(part, hostile[i].member);
		else
			json_object_set_new(part, hostile[i].member,
								json_loads(hostile[i].value, JSON_DECODE_ANY, NULL));
		is_refused(tap, message, fixture->ring, hostile[i].reason, hostile[i].name);
		json_decref(message);
	}
}

/* What comes from add_key() but cannot be used, and a plaintext that is too large. */
static void
test_bad_reader(Tap *tap, const Fixture *fixture)
{
	static const char *const readers[] = {
		"",
		"[]",
		"{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"k\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"k\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\",\"kid\":\"k\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
		"\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"};
	json_t *jwk = json_copy(fixture->jwks[0]);
	json_t *message;
	Failure failure;
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
	{
		tap_ok(tap, !jwe_encrypt("x", 1, readers[i], &message, &failure) && message == NULL,
			   "rejects_reader %s", readers[i]);
		tap_is_int(tap, failure.kind, FAILURE_KEY, "which is a matter of the key");
	}
	json_object_set_new(jwk, "alg", json_string("RSA-OAEP-256"));
	tap_ok(tap, encrypt_for(jwk) == NULL, "rejects_alg_that_does_not_fit_the_key");
	json_object_set_new(jwk, "alg", json_string("ES256"));
	tap_ok(tap, encrypt_for(jwk) == NULL, "rejects_key_for_signatures");
	json_object_del(jwk, "alg");
	json_object_set_new(jwk, "use", json_string("sig"));
	tap_ok(tap, encrypt_for(jwk) == NULL, "rejects_use_sig");
	json_object_del(jwk, "use");
	message = encrypt_for(jwk);
	decrypts_to(tap, message, fixture->ring, "without alg the kind of the key decides");
	json_decref(message);
	json_decref(jwk);
}

static const struct
{
	const char *name;
	const char *rule;
	const char *flag; /* JSON of is_msg_encrypted, NULL = absent */
	bool is_encrypted;
	const char *reason; /* NULL = passes */
} cases[] = {
	{"plain, off", "off", "false", false, NULL},
	{"plain without flag, off", "off", NULL, false, NULL},
	{"plain, accepted", "accepted", "false", false, NULL},
	{"rejects_plain_where_required", "required", "false", false, "must be encrypted"},
	{"encrypted, accepted", "accepted", "true", true, NULL},
	{"encrypted, required", "required", "true", true, NULL},
	{"rejects_encrypted_where_off", "off", "true", true, "not agreed"},
	{"rejects_flag_without_shape", "accepted", "true", false, "is no encrypted one"},
	{"rejects_shape_without_flag", "accepted", "false", true, "does not say so"},
	{"rejects_shape_with_absent_flag", "required", NULL, true, "does not say so"},
	{"rejects_flag_as_text", "accepted", "\"true\"", true, "must be true or false"},
	{"rejects_null_flag", "accepted", "null", false, "must be true or false"},
};

static void
test_rules(Tap *tap, const Fixture *fixture)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Failure failure = {FAILURE_NONE, ""};
		json_t *envelope = json_pack("{s:{}, s:o}", "header", "message",
									 cases[i].is_encrypted ? encrypt_for(fixture->jwks[0])
														   : json_loads(PLAIN, 0, NULL));
		Buffer plain;
		bool ok;

		if (cases[i].flag != NULL)
			json_object_set_new(json_object_get(envelope, "header"), "is_msg_encrypted",
								json_loads(cases[i].flag, JSON_DECODE_ANY, NULL));
		buffer_init(&plain, 4096);
		ok = message_decrypt(envelope, cases[i].rule, fixture->ring, &plain, &failure);
		tap_ok(tap, ok == (cases[i].reason == NULL), "%s", cases[i].name);
		tap_ok(tap, (plain.length > 0) == (ok && cases[i].is_encrypted), "%s: content",
			   cases[i].name);
		if (cases[i].reason != NULL)
			tap_has(tap, failure.text, cases[i].reason, "%s: text", cases[i].name);
		buffer_free(&plain);
		json_decref(envelope);
	}
}

/* What is our own fault must not look like the partner's. */
static void
test_without_keys(Tap *tap, const Fixture *fixture)
{
	json_t *envelope = json_pack("{s:{s:b}, s:o}", "header", "is_msg_encrypted", 1, "message",
								 encrypt_for(fixture->jwks[0]));
	Failure failure;
	Buffer plain;

	buffer_init(&plain, 4096);
	tap_ok(tap, !message_decrypt(envelope, "required", NULL, &plain, &failure), "no keys");
	tap_is_int(tap, failure.kind, FAILURE_KEY, "which is our fault");
	buffer_init(&plain, 8);
	tap_ok(tap, !message_decrypt(envelope, "required", fixture->ring, &plain, &failure), "no room");
	tap_is_int(tap, failure.kind, FAILURE_LIMIT, "which is said");
	buffer_free(&plain);
	json_decref(envelope);
}

int
main(void)
{
	Tap tap = {0, 0};
	Fixture fixture;

	fixture_make(&fixture);
	test_there_and_back(&tap, &fixture);
	test_damage(&tap, &fixture);
	test_hostile(&tap, &fixture);
	test_bad_reader(&tap, &fixture);
	test_rules(&tap, &fixture);
	test_without_keys(&tap, &fixture);
	fixture_free(&fixture);
	return tap_done(&tap);
}
