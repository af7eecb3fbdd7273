/*
 * signature_test.c
 *		Signing, and every way in which a signature must not pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base64.h"
#include "message/canonical_json.h"
#include "seal/signature.h"
#include "tap.h"
#include "test_key.h"

#define NOW INT64_C(1795309323456)
#define CREATED "1795309323"
#define EXPIRES "1795309623"
#define HEADER "{\"sender_id\":\"ess.example.org\"}"
#define MESSAGE "{\"a\":1,\"b\":\"\xc3\xa9\"}"
#define CONTENT "{\"header\":" HEADER ",\"message\":" MESSAGE "}"
#define KEYS                                                                                       \
	"[{\"kid\":\"other\",\"jwk\":{}},{\"kid\":\"" TEST_KEY_KID                                     \
	"\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" TEST_KEY_X "\"}}]"

/* The base64 signature over content between the times. */
static void
sign(const char *content, const char *created, const char *expires, char encoded[96])
{
	SigningKey *key = test_key_load();
	unsigned char signature[64];
	char text[512];
	char digest[BASE64_SIZE(32)];
	unsigned char hash[32];

	EVP_Digest(content, strlen(content), hash, NULL, EVP_sha256(), NULL);
	base64_encode(hash, 32, digest);
	snprintf(text, sizeof(text), "(created): %s\n(expires): %s\ndigest: %s", created, expires,
			 digest);
	signing_key_sign(key, text, strlen(text), signature, NULL);
	base64_encode(signature, 64, encoded);
	signing_key_free(key);
}

/* A body with this signature text (its quotation marks are escaped here). */
static char *
body_build(const char *signature, const char *header, const char *message)
{
	json_t *text = json_string(signature);
	char *quoted = json_dumps(text, JSON_ENCODE_ANY);
	char *body = NULL;

	if (asprintf(&body, "{ \"signature\": %s,\n \"header\": %s, \"message\" : %s }", quoted, header,
				 message) < 0)
		exit(1);
	free(quoted);
	json_decref(text);
	return body;
}

static bool
verify(const char *body, const char *keys_text, int64_t now_ms, Failure *failure)
{
	json_t *envelope = json_loads(body, 0, NULL);
	json_t *keys = json_loads(keys_text, 0, NULL);
	char kid[SIGNATURE_KID_SIZE];
	bool ok =
		signature_verify(envelope, body, strlen(body), keys, now_ms, kid, NULL, NULL, failure);

	if (ok != (strcmp(kid, TEST_KEY_KID) == 0))
		abort();
	json_decref(keys);
	json_decref(envelope);
	return ok;
}

static const struct
{
	const char *name;
	const char *format; /* %s: the signature */
	const char *reason; /* NULL: passes */
} texts[] = {
	{"as we write it",
	 "Signature: namespace=\"spdci\", kidId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\", algorithm=\"ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 NULL},
	{"as the standard's example: two blanks, last quotation mark missing",
	 "Signature:  namespace=\"spdci\", kidId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\", algorithm=\"ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s",
	 NULL},
	{"keyId, namespace dci, no word in front, other order, no blanks",
	 "signature=\"%s\",headers=\"(created) (expires) digest\",created=\"" CREATED
	 "\",expires=\"" EXPIRES "\",keyId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\",namespace=\"dci\"",
	 NULL},
	{"namespace g2p, algorithm lies: the key decides",
	 "namespace=\"g2p\", kidId=\"ess.example.org|" TEST_KEY_KID
	 "|rsa\", algorithm=\"none\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 NULL},
	{"rejects_other_namespace",
	 "namespace=\"evil\", kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
	 "\", expires=\"" EXPIRES "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "namespace"},
	{"rejects_member_twice",
	 "kidId=\"a|b|c\", keyId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
	 "\", expires=\"" EXPIRES "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "twice"},
	{"rejects_other_sender",
	 "kidId=\"sp.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
	 "\", expires=\"" EXPIRES "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "sender_id differ"},
	{"rejects_unknown_key",
	 "kidId=\"ess.example.org|unknown|ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "not registered"},
	{"rejects_key_without_type",
	 "kidId=\"ess.example.org|other|ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "no Ed25519 signing key"},
	{"rejects_fewer_signed_headers",
	 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
	 "\", expires=\"" EXPIRES "\", headers=\"digest\", signature=\"%s\"",
	 "headers must be"},
	{"rejects_no_times",
	 "kidId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "created=\"...\" is missing"},
	{"rejects_times_that_are_no_numbers",
	 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\" 17\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "created must be"},
	{"rejects_kid_of_two_parts",
	 "kidId=\"ess.example.org|" TEST_KEY_KID "\", created=\"" CREATED "\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "kidId must be"},
	{"rejects_no_quotation_marks", "kidId=ess.example.org|%s|ed25519", "quotation marks"},
	{"rejects_words", "trust me %s", "name=\"value\""},
	{"rejects_signature_that_is_no_base64",
	 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
	 "\", expires=\"" EXPIRES "\", headers=\"(created) (expires) digest\", signature=\"!%s\"",
	 "base64"},
	{"rejects_other_time_than_signed",
	 "kidId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\", created=\"1795309322\", expires=\"" EXPIRES
	 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
	 "does not fit"},
};

static void
test_texts(Tap *tap)
{
	char encoded[96];
	size_t i;

	sign(CONTENT, CREATED, EXPIRES, encoded);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		const char *place = strstr(texts[i].format, "%s");
		char text[2000];
		Failure failure;
		char *body;

		snprintf(text, sizeof(text), "%.*s%s%s", (int) (place - texts[i].format), texts[i].format,
				 encoded, place + 2);
		body = body_build(text, HEADER, MESSAGE);
		tap_ok(tap, verify(body, KEYS, NOW, &failure) == (texts[i].reason == NULL), "%s",
			   texts[i].name);
		tap_has(tap, failure.text, texts[i].reason != NULL ? texts[i].reason : "", "%s: reason",
				texts[i].name);
		if (texts[i].reason != NULL)
			tap_is(tap, signature_error_code(&failure), "err.signature.invalid", "%s: code",
				   texts[i].name);
		free(body);
	}
}

static const struct
{
	const char *name;
	const char *created;
	const char *expires;
	bool passes;
} times[] = {
	{"now, 300 s", CREATED, EXPIRES, true},
	{"60 s ahead", "1795309383", "1795309683", true},
	{"rejects_61_s_ahead", "1795309384", "1795309684", false},
	{"just not expired", "1795309024", "1795309324", true},
	{"rejects_expired", "1795309023", "1795309323", false},
	{"600 s", CREATED, "1795309923", true},
	{"rejects_601_s", CREATED, "1795309924", false},
	{"rejects_expires_before_created", "1795309383", "1795309373", false},
	{"rejects_expires_at_created", "1795309383", "1795309383", false},
};

static void
test_times(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
	{
		char encoded[96];
		char text[600];
		Failure failure;
		char *body;

		sign(CONTENT, times[i].created, times[i].expires, encoded);
		snprintf(text, sizeof(text),
				 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"%s\", "
				 "expires=\"%s\", headers=\"(created) (expires) digest\", signature=\"%s\"",
				 times[i].created, times[i].expires, encoded);
		body = body_build(text, HEADER, MESSAGE);
		tap_ok(tap, verify(body, KEYS, NOW, &failure) == times[i].passes, "%s", times[i].name);
		free(body);
	}
}

static const struct
{
	const char *name;
	const char *signed_content;
	const char *header;
	const char *message;
	bool passes;
} contents[] = {
	{"canonical form of bytes in another form", CONTENT, "{ \"sender_id\" : \"ess.example.org\" }",
	 "{\"b\":\"\\u00e9\", \"a\" : 1.0}", true},
	{"received bytes that are not canonical",
	 "{\"header\":{ \"sender_id\":\"ess.example.org\"},\"message\":{\"b\": 2,\"a\":1}}",
	 "{ \"sender_id\":\"ess.example.org\"}", "{\"b\": 2,\"a\":1}", true},
	{"rejects_changed_message", CONTENT, HEADER, "{\"a\":2,\"b\":\"\xc3\xa9\"}", false},
	{"rejects_changed_header", CONTENT, "{\"sender_id\":\"ess.example.org\",\"action\":\"notify\"}",
	 MESSAGE, false},
	{"rejects_bytes_in_neither_form", "{\"header\":" HEADER ", \"message\":" MESSAGE "}", HEADER,
	 MESSAGE, false},
};

static void
test_contents(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
	{
		char encoded[96];
		char text[600];
		Failure failure;
		char *body;

		sign(contents[i].signed_content, CREATED, EXPIRES, encoded);
		snprintf(text, sizeof(text),
				 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
				 "\", expires=\"" EXPIRES
				 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
				 encoded);
		body = body_build(text, contents[i].header, contents[i].message);
		tap_ok(tap, verify(body, KEYS, NOW, &failure) == contents[i].passes, "%s",
			   contents[i].name);
		free(body);
	}
}

static const struct
{
	const char *name;
	const char *body;
	const char *code;
} missing[] = {
	{"absent", "{\"header\":" HEADER ",\"message\":{}}", "err.signature.missing"},
	{"null", "{\"signature\":null,\"header\":" HEADER ",\"message\":{}}", "err.signature.missing"},
	{"empty", "{\"signature\":\"\",\"header\":" HEADER ",\"message\":{}}", "err.signature.missing"},
	{"stub", "{\"signature\":\"unsigned-stub\",\"header\":" HEADER ",\"message\":{}}",
	 "err.signature.missing"},
	{"object", "{\"signature\":{},\"header\":" HEADER ",\"message\":{}}", "err.signature.invalid"},
	{"number", "{\"signature\":1,\"header\":" HEADER ",\"message\":{}}", "err.signature.invalid"},
};

static void
test_missing(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
	{
		json_t *envelope = json_loads(missing[i].body, 0, NULL);
		bool is_missing = strcmp(missing[i].code, "err.signature.missing") == 0;
		Failure failure;

		tap_ok(tap, !verify(missing[i].body, KEYS, NOW, &failure), "rejects_signature_%s",
			   missing[i].name);
		tap_is(tap, signature_error_code(&failure), missing[i].code, "%s: code", missing[i].name);
		tap_ok(tap, signature_is_absent(envelope) == is_missing, "%s: absent or not",
			   missing[i].name);
		json_decref(envelope);
	}
}

static void
test_create(Tap *tap)
{
	static const char *const bad_senders[] = {"", "a b", "a\"b", "a|b", "a\\b", "a\nb", "\xc3\xa9"};
	SigningKey *key = test_key_load();
	Failure failure;
	Buffer content;
	Buffer text;
	char *body;
	size_t i;

	buffer_init(&content, 1000);
	buffer_init(&text, 1000);
	buffer_append_text(&content, CONTENT);
	tap_ok(tap, signature_create(key, "ess.example.org", &content, NOW, &text, &failure), "signs");
	tap_has(tap, text.data,
			"Signature: namespace=\"spdci\", kidId=\"ess.example.org|" TEST_KEY_KID
			"|ed25519\", algorithm=\"ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
			"\", headers=\"(created) (expires) digest\", signature=\"",
			"in the one form");
	body = body_build(text.data, HEADER, MESSAGE);
	tap_ok(tap, verify(body, KEYS, NOW, &failure), "and verifies");
	tap_ok(tap, !verify(body, "[]", NOW, &failure), "rejects_without_keys");
	tap_ok(tap, !verify(body, "{}", NOW, &failure), "rejects_keys_that_are_no_list");
	free(body);

	buffer_clear(&text);
	for (i = 0; i < sizeof(bad_senders) / sizeof(bad_senders[0]); i++)
		tap_ok(tap, !signature_create(key, bad_senders[i], &content, NOW, &text, &failure),
			   "rejects_sender_id %zu", i);
	tap_ok(tap, !signature_create(NULL, "a", &content, NOW, &text, &failure), "rejects_no_key");
	tap_is(tap, text.data, "", "and writes nothing");
	buffer_free(&text);
	buffer_init(&text, 100);
	tap_ok(tap, !signature_create(key, "a", &content, NOW, &text, &failure), "rejects_no_room");
	tap_is(tap, text.data, "", "and writes nothing");
	buffer_free(&text);
	buffer_free(&content);
	signing_key_free(key);
}

/* Somebody on the way wrote other digits: what is handed on is what the sender signed. */
static void
test_handed_on(Tap *tap)
{
	char encoded[96];
	char text[600];
	char kid[SIGNATURE_KID_SIZE];
	json_t *keys = json_loads(KEYS, 0, NULL);
	json_t *envelope;
	Failure failure;
	Buffer canonical;
	char *body;

	sign(CONTENT, CREATED, EXPIRES, encoded);
	snprintf(text, sizeof(text),
			 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
			 "\", expires=\"" EXPIRES
			 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
			 encoded);
	body = body_build(text, HEADER, "{\"b\":\"\\u00e9\",\"a\":1.00000000000000001}");
	envelope = json_loads(body, 0, NULL);
	json_object_set_new(envelope, "unsigned", json_true());
	tap_ok(
		tap,
		signature_verify(envelope, body, strlen(body), keys, NOW, kid, &canonical, NULL, &failure),
		"the signature holds for the canonical form");
	tap_ok(tap, strncmp(canonical.data, CONTENT, strlen(CONTENT) - 1) == 0,
		   "which is handed on, not the digits that came");
	tap_ok(tap, strstr(canonical.data, "unsigned") == NULL, "nor a member that is not signed");
	json_decref(envelope);
	free(body);
	body = strdup(canonical.data);
	envelope = json_loads(body, 0, NULL);
	buffer_free(&canonical);
	tap_ok(
		tap,
		signature_verify(envelope, body, strlen(body), keys, NOW, kid, &canonical, NULL, &failure),
		"it is a message with the same signature");
	tap_is_int(tap, (long long) canonical.length, 0, "whose bytes need no other form");
	buffer_free(&canonical);
	json_decref(envelope);
	json_decref(keys);
	free(body);
}

/* What a system that signs with Python's writer sends: blanks, escapes and digits of its own. */
static void
test_python(Tap *tap)
{
	static const char signed_content[] =
		"{\"header\":" HEADER ",\"message\":{\"a\":1.0,\"b\":\"\\u00e9\"}}";
	char encoded[96];
	char text[600];
	char kid[SIGNATURE_KID_SIZE];
	json_t *keys = json_loads(KEYS, 0, NULL);
	json_t *envelope;
	Failure failure;
	Buffer canonical;
	bool is_python = false;
	char *body;

	sign(signed_content, CREATED, EXPIRES, encoded);
	snprintf(text, sizeof(text),
			 "namespace=\"dci\", kidId=\"ess.example.org|" TEST_KEY_KID
			 "|ed25519\", algorithm=\"ed25519\", created=\"" CREATED "\", expires=\"" EXPIRES
			 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
			 encoded);
	body = body_build(text, HEADER, "{\"b\": \"\xc3\xa9\", \"a\": 1.00}");
	envelope = json_loads(body, 0, NULL);
	tap_ok(tap,
		   signature_verify(envelope, body, strlen(body), keys, NOW, kid, &canonical, &is_python,
							&failure),
		   "the signature holds for what Python writes");
	tap_ok(tap, is_python, "which is told");
	tap_ok(tap, strncmp(canonical.data, signed_content, strlen(signed_content) - 1) == 0,
		   "what was signed is handed on");
	buffer_free(&canonical);
	free(body);
	body = body_build(text, HEADER, "{\"b\": \"\xc3\xa9\", \"a\": 1}");
	json_decref(envelope);
	envelope = json_loads(body, 0, NULL);
	tap_ok(
		tap,
		!signature_verify(envelope, body, strlen(body), keys, NOW, kid, NULL, &is_python, &failure),
		"but not for another number than was signed");
	json_decref(envelope);
	json_decref(keys);
	free(body);
}

/* Points of small order and bytes that are none: the standard's weak keys, in both signs. */
static const char *const weak_keys[] = {
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
	"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
	"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
	"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o", "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
	"7P_______________________________________38", "7P________________________________________8",
	"7f_______________________________________38", "7v_______________________________________38",
	"7________________________________________38"};

static void
test_weak_keys(Tap *tap)
{
	char encoded[BASE64_SIZE(64)];
	unsigned char nothing[64] = {1};
	char text[600];
	char *body;

	/* what anybody can write under the neutral element */
	base64_encode(nothing, sizeof(nothing), encoded);
	snprintf(text, sizeof(text),
			 "kidId=\"ess.example.org|" TEST_KEY_KID "|ed25519\", created=\"" CREATED
			 "\", expires=\"" EXPIRES
			 "\", headers=\"(created) (expires) digest\", signature=\"%s\"",
			 encoded);
	body = body_build(text, HEADER, MESSAGE);
	for (size_t i = 0; i < sizeof(weak_keys) / sizeof(weak_keys[0]); i++)
	{
		char keys[300];
		Failure failure;

		snprintf(keys, sizeof(keys),
				 "[{\"kid\":\"" TEST_KEY_KID
				 "\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}}]",
				 weak_keys[i]);
		tap_ok(tap, !verify(body, keys, NOW, &failure), "refuses_weak_key_%zu", i);
		tap_has(tap, failure.text, "damaged", "as no key");
	}
	free(body);
}

int
main(void)
{
	Tap tap = {0, 0};

	test_texts(&tap);
	test_times(&tap);
	test_contents(&tap);
	test_handed_on(&tap);
	test_python(&tap);
	test_weak_keys(&tap);
	test_missing(&tap);
	test_create(&tap);
	return tap_done(&tap);
}
