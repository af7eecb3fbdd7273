/*
 * envelope_test.c
 *		The exact bytes of one message (Ed25519 is deterministic), and what is never built.
 */
#include <string.h>

#include "seal/envelope.h"
#include "message/message_check.h"
#include "seal/message_decrypt.h"
#include "seal/signature.h"
#include "tap.h"
#include "test_key.h"

#define NOW INT64_C(1795309323456)
#define KEYS                                                                                       \
	"[{\"kid\":\"" TEST_KEY_KID                                                                    \
	"\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" TEST_KEY_X "\"}}]"
#define EVENT                                                                                      \
	"{\"transaction_id\": \"t\", \"notify_event\": [{\"timestamp\": \"2026-11-22T01:02:03Z\", "    \
	"\"reference_id\": \"r\", \"data\": {\"reg_record_type\": \"Member\", \"reg_records\": {}}}]}"

static const EnvelopeFields fields = {"0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a",
									  "notify",
									  "ess.example.org",
									  "sp.example.org",
									  NULL,
									  "succ",
									  1,
									  1,
									  EVENT,
									  "{\"stream\":\"s\"}",
									  NULL,
									  NULL,
									  NULL,
									  NULL};

static const char expected_content[] =
	"{\"header\":{\"action\":\"notify\",\"completed_count\":1,\"is_msg_encrypted\":false,"
	"\"message_id\":\"0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a\","
	"\"message_ts\":\"2026-11-22T01:02:03.456Z\",\"meta\":{\"stream\":\"s\"},"
	"\"receiver_id\":\"sp.example.org\",\"sender_id\":\"ess.example.org\",\"status\":\"succ\","
	"\"total_count\":1,\"version\":\"1.0.0\"},\"message\":{\"notify_event\":[{\"data\":"
	"{\"reg_record_type\":\"Member\",\"reg_records\":{}},\"reference_id\":\"r\","
	"\"timestamp\":\"2026-11-22T01:02:03Z\"}],\"transaction_id\":\"t\"},"
	"\"signature\":\"Signature: namespace=\\\"spdci\\\", kidId=\\\"ess.example.org|" TEST_KEY_KID
	"|ed25519\\\", algorithm=\\\"ed25519\\\", created=\\\"1795309323\\\", "
	"expires=\\\"1795309623\\\", headers=\\\"(created) (expires) digest\\\", signature=\\\"";

static void
test_good(Tap *tap, const KeyRing *key)
{
	EnvelopeFields with_uri = fields;
	json_t *keys = json_loads(KEYS, 0, NULL);
	json_t *envelope;
	char kid[SIGNATURE_KID_SIZE];
	MessageProblem problem;
	Failure failure;
	Buffer body;

	buffer_init(&body, 5000);
	tap_ok(tap, envelope_build(&fields, NOW, key, &body, &failure), "builds");
	tap_ok(tap, strncmp(body.data, expected_content, strlen(expected_content)) == 0,
		   "the bytes are as documented");
	tap_ok(tap, message_parse(body.data, body.length, &envelope, &problem), "we can read it");
	tap_ok(tap, message_check(envelope, NULL, MESSAGE_NOTIFY, "sp.example.org", &problem),
		   "it keeps our own rules");
	tap_ok(tap,
		   signature_verify(envelope, body.data, body.length, keys, NOW, kid, NULL, NULL, &failure),
		   "and verifies");
	json_decref(envelope);

	buffer_clear(&body);
	with_uri.sender_uri = "https://ess.example.org/cb";
	with_uri.meta = NULL;
	tap_ok(tap, envelope_build(&with_uri, NOW, key, &body, &failure), "with sender_uri");
	tap_has(tap, body.data, "\"sender_uri\":\"https://ess.example.org/cb\"", "which is there");
	tap_ok(tap, strstr(body.data, "meta") == NULL, "meta is left out when there is none");
	json_decref(keys);
	buffer_free(&body);
}

static const char expected_full[] =
	"{\"header\":{\"action\":\"notify\",\"is_msg_encrypted\":false,"
	"\"message_id\":\"0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a\","
	"\"message_ts\":\"2026-11-22T01:02:03.456000Z\",\"meta\":null,"
	"\"receiver_id\":\"sp.example.org\",\"sender_id\":\"ess.example.org\",\"sender_uri\":null,"
	"\"total_count\":1,\"version\":\"1.0.0\"},"
	"\"message\":{\"name\":\"Zo\\u00eb \\ud83d\\ude00\"},\"signature\":\"";

static const char expected_answer[] =
	"{\"header\":{\"action\":\"txn-on-status\",\"completed_count\":1,"
	"\"is_msg_encrypted\":false,"
	"\"message_id\":\"0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a\","
	"\"message_ts\":\"2026-11-22T01:02:03Z\",\"meta\":{\"stream\":\"s\"},"
	"\"receiver_id\":\"sp.example.org\",\"sender_id\":\"ess.example.org\",\"sender_uri\":null,"
	"\"status\":\"succ\",\"status_reason_code\":null,\"status_reason_message\":null,"
	"\"total_count\":1,\"version\":\"1.0.0\"},";

/* As a partner's profile has it: what such a partner makes of it is what it has read. */
static void
test_forms(Tap *tap, const KeyRing *key)
{
	EnvelopeFields other = fields;
	json_t *keys = json_loads(KEYS, 0, NULL);
	json_t *envelope;
	char kid[SIGNATURE_KID_SIZE];
	MessageProblem problem;
	Failure failure;
	Buffer body;

	buffer_init(&body, 5000);
	other.forms = "digest=python header=full";
	other.message = "{\"name\":\"Zo\xc3\xab \xf0\x9f\x98\x80\"}";
	other.meta = NULL;
	tap_ok(tap, envelope_build(&other, NOW, key, &body, &failure), "builds it for Python");
	tap_ok(tap, strncmp(body.data, expected_full, strlen(expected_full)) == 0,
		   "in ASCII, the header full, a request without status");
	tap_ok(tap, message_parse(body.data, body.length, &envelope, &problem), "we can read it");
	tap_ok(tap,
		   signature_verify(envelope, body.data, body.length, keys, NOW, kid, NULL, NULL, &failure),
		   "and verify it");
	json_decref(envelope);
	json_decref(keys);

	buffer_clear(&body);
	other = fields;
	other.forms = "header=full";
	other.action = "txn-on-status";
	tap_ok(tap, envelope_build(&other, NOW - NOW % 1000, key, &body, &failure), "builds an answer");
	tap_ok(tap, strncmp(body.data, expected_answer, strlen(expected_answer)) == 0,
		   "which has a status, and a time without fraction when there is none");

	buffer_clear(&body);
	other.forms = "header=full shape=odd";
	tap_ok(tap, !envelope_build(&other, NOW, key, &body, &failure), "refuses_unknown_form");
	tap_has(tap, failure.text, "\"shape=odd\"", "and names it");
	tap_is_int(tap, (long long) body.length, 0, "and leaves nothing");
	buffer_free(&body);
}

static const struct
{
	const char *name;
	const char *sender_id;
	const char *message;
	const char *meta;
	size_t ceiling;
	FailureKind kind;
} bad[] = {
	{"rejects_message_that_is_no_json", "ess", "hello", NULL, 5000, FAILURE_INPUT},
	{"rejects_message_that_is_a_list", "ess", "[]", NULL, 5000, FAILURE_INPUT},
	{"rejects_duplicate_member", "ess", "{\"a\":1,\"a\":2}", NULL, 5000, FAILURE_INPUT},
	{"rejects_integer_beyond_2_53", "ess", "{\"a\":9007199254740992}", NULL, 5000, FAILURE_INPUT},
	{"rejects_integer_beyond_2_64", "ess", "{\"a\":99999999999999999999}", NULL, 5000,
	 FAILURE_INPUT},
	{"rejects_tiny_real", "ess", "{\"a\":0.000001}", NULL, 5000, FAILURE_INPUT},
	{"rejects_meta_that_is_no_object", "ess", "{}", "1", 5000, FAILURE_INPUT},
	{"rejects_more_than_ceiling", "ess", EVENT, NULL, 400, FAILURE_LIMIT},
	{"rejects_no_room_for_signature", "ess", EVENT, NULL, 700, FAILURE_LIMIT},
	{"rejects_sender_that_cannot_be_signed", "a|b", "{}", NULL, 5000, FAILURE_KEY},
	{"rejects_sender_that_is_not_utf8", "\xff", "{}", NULL, 5000, FAILURE_INPUT},
};

/* Encrypted: the header says so and has no meta; what cannot be encrypted is not built at all. */
static void
test_encrypted(Tap *tap)
{
	KeyRing *ring = test_ring_load();
	EnvelopeFields hidden = fields;
	json_t *keys = json_loads(KEYS, 0, NULL);
	char kid[SIGNATURE_KID_SIZE];
	json_t *envelope = NULL;
	MessageProblem problem;
	Failure failure;
	Buffer plain;
	Buffer body;

	buffer_init(&plain, 5000);
	buffer_init(&body, 5000);
	hidden.encrypt = key_ring_jwk(ring, 1);
	tap_ok(tap, envelope_build(&hidden, NOW, ring, &body, &failure), "builds an encrypted one");
	tap_ok(tap, strstr(body.data, "notify_event") == NULL && strstr(body.data, "stream") == NULL,
		   "which hides message and meta");
	tap_ok(tap, message_parse(body.data, body.length, &envelope, &problem), "we can read it");
	tap_ok(tap,
		   signature_verify(envelope, body.data, body.length, keys, NOW, kid, NULL, NULL, &failure),
		   "and verify it before it is decrypted");
	tap_ok(tap, message_decrypt(envelope, "required", ring, &plain, &failure), "and decrypt it");
	tap_has(tap, plain.data, "\"meta\":{\"stream\":\"s\"}", "meta is inside");
	json_decref(envelope);

	buffer_clear(&body);
	hidden.encrypt = "{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\"}";
	tap_ok(tap, !envelope_build(&hidden, NOW, ring, &body, &failure),
		   "never_plain_when_the_key_is_bad");
	tap_is_int(tap, failure.kind, FAILURE_KEY, "which is no fault of the message");
	tap_is_int(tap, (long long) body.length, 0, "and leaves nothing");
	buffer_free(&body);
	buffer_free(&plain);
	json_decref(keys);
	key_ring_free(ring);
}

int
main(void)
{
	Tap tap = {0, 0};
	KeyRing *key = test_ring_load();
	Failure failure;
	Buffer body;
	size_t i;

	test_good(&tap, key);
	test_forms(&tap, key);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		EnvelopeFields changed = fields;

		changed.sender_id = bad[i].sender_id;
		changed.message = bad[i].message;
		changed.meta = bad[i].meta;
		buffer_init(&body, bad[i].ceiling);
		buffer_append_text(&body, "before");
		tap_ok(&tap, !envelope_build(&changed, NOW, key, &body, &failure), "%s", bad[i].name);
		tap_is_int(&tap, failure.kind, bad[i].kind, "%s: kind", bad[i].name);
		tap_is(&tap, body.data, "before", "%s: nothing leaves", bad[i].name);
		buffer_free(&body);
	}
	buffer_init(&body, 5000);
	tap_ok(&tap, !envelope_build(&fields, NOW, NULL, &body, &failure), "rejects_no_key");
	tap_is(&tap, body.data, "", "nothing leaves unsigned");
	buffer_free(&body);
	key_ring_free(key);
	test_encrypted(&tap);
	return tap_done(&tap);
}
