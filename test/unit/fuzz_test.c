/*
 * fuzz_test.c
 *		Every parser that sees foreign bytes, fed with damaged copies of good input. The
 *		sanitizers are the judges; what is accepted must also hold together.
 *		Usage: fuzz_test [SEED [ROUNDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/ack.h"
#include "net/address_guard.h"
#include "message/canonical_json.h"
#include "base/iso_time.h"
#include "message/json_span.h"
#include "message/message_check.h"
#include "message/message_mend.h"
#include "seal/signature.h"
#include "seal/signature_text.h"
#include "tap.h"
#include "test_key.h"

#define INPUT_MAX 4000
#define NOW INT64_C(1795309323456)
#define KEYS                                                                                       \
	"[{\"kid\":\"" TEST_KEY_KID                                                                    \
	"\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" TEST_KEY_X "\"}}]"

/* False: something accepted does not hold together. */
typedef bool (*Target)(const char *input, size_t length);

/* What canonical_json writes reads back as the same value. */
static bool
canonical_returns(const json_t *value)
{
	Buffer first;
	Buffer second;
	json_t *again;
	bool ok = true;

	buffer_init(&first, 100000);
	buffer_init(&second, 100000);
	if (canonical_json(value, &first, NULL))
	{
		again =
			json_loadb(first.data, first.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
		ok = again != NULL && canonical_json(again, &second, NULL) &&
			 strcmp(first.data, second.data) == 0;
		json_decref(again);
	}
	buffer_free(&second);
	buffer_free(&first);
	return ok;
}

/* The spans of an accepted body are the members jansson sees. */
static bool
span_agrees(const json_t *envelope, const char *body, size_t length, const char *name)
{
	json_t *member = json_object_get(envelope, name);
	json_t *again;
	JsonSpan span;
	bool ok;

	if (!json_span_find(body, length, &name, 1, &span))
		return member == NULL || strstr(body, "\\u") != NULL;
	again = json_loadb(span.start, span.length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	ok = again != NULL && json_equal(again, member);
	json_decref(again);
	return ok;
}

/* What is right is not made wrong by reading odd forms, and what was written anew can be read. */
static bool
mend_keeps(const json_t *envelope, MessageAction action)
{
	MessageProblem problem = {NULL, ""};
	OddForms found = {.is_lenient = true};
	bool was_right = message_check(envelope, NULL, action, NULL, &problem);
	json_t *mended = json_deep_copy(envelope);
	json_t *again = NULL;
	Buffer text;
	bool ok;

	buffer_init(&text, 1024 * 1024);
	message_mend_flag(mended, &found);
	message_mend(mended, NULL, action, &found);
	ok = !was_right || message_check(mended, NULL, action, NULL, &problem);
	if (json_is_object(json_object_get(mended, "header")))
		ok = ok && message_mend_write(mended, NULL, &text) &&
			 message_parse(text.data, text.length, &again, &problem);
	json_decref(again);
	json_decref(mended);
	buffer_free(&text);
	return ok;
}

static bool
message_target(const char *input, size_t length)
{
	MessageProblem problem = {NULL, ""};
	char kid[SIGNATURE_KID_SIZE];
	json_t *keys = json_loads(KEYS, 0, NULL);
	json_t *envelope;
	static const char *const names[] = {"header", "message"};
	Failure failure;
	JsonSpan spans[2];
	bool ok = true;
	bool is_kept = true;
	int action;

	json_span_find(input, length, names, 2, spans); /* also when it is no JSON */
	if (message_parse(input, length, &envelope, &problem))
	{
		for (action = 0; action < MESSAGE_ACTIONS; action++)
			is_kept = is_kept && mend_keeps(envelope, (MessageAction) action);
		signature_verify(envelope, input, length, keys, NOW, kid, NULL, NULL, &failure);
		ok = is_kept && canonical_returns(envelope) &&
			 span_agrees(envelope, input, length, "header") &&
			 span_agrees(envelope, input, length, "message");
	}
	else
		ok = problem.error_code != NULL && problem.text[0] != '\0';
	json_decref(envelope);
	json_decref(keys);
	return ok;
}

static bool
signature_target(const char *input, size_t length)
{
	SignatureText parsed;
	Failure failure = {FAILURE_NONE, ""};

	(void) length;
	if (signature_text_parse(input, &parsed, &failure))
		return parsed.sender_id[0] != '\0' && parsed.kid[0] != '\0' && parsed.signature[0] != '\0';
	return failure.kind == FAILURE_SIGNATURE_INVALID && failure.text[0] != '\0';
}

static bool
ack_target(const char *input, size_t length)
{
	char words[40];
	Ack ack;

	ack_read(input, length, &ack);
	ack_words(input, length, words, sizeof(words));
	if (strpbrk(words, "\n\r\t\x7f") != NULL)
		return false;
	return strlen(ack.error_code) < sizeof(ack.error_code) &&
		   strpbrk(ack.error_code, " \n\"") == NULL;
}

static bool
network_target(const char *input, size_t length)
{
	AddressList list;
	Failure failure = {FAILURE_NONE, ""};
	size_t i;

	(void) length;
	if (!address_list_parse(input, &list, &failure))
		return list.count == 0 && failure.text[0] != '\0';
	for (i = 0; i < list.count; i++)
	{
		if (list.networks[i].prefix < 0 || list.networks[i].prefix > 128)
			return false;
	}
	address_list_free(&list);
	return true;
}

static bool
time_target(const char *input, size_t length)
{
	char text[ISO_TIME_SIZE];
	int64_t ms;
	int64_t again;

	(void) length;
	if (!iso_time_parse(input, &ms))
		return true;
	iso_time_format(ms, text);
	return iso_time_parse(text, &again);
}

static const struct
{
	const char *name;
	Target target;
	const char *input;
} targets[] = {
	{"message", message_target,
	 "{\"signature\":\"Signature: namespace=\\\"spdci\\\", kidId=\\\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\\\", algorithm=\\\"ed25519\\\", created=\\\"1795309323\\\", "
	 "expires=\\\"1795309623\\\", headers=\\\"(created) (expires) digest\\\", "
	 "signature=\\\"5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUU"
	 "FDjnoQCw==\\\"\",\"header\":{\"version\":\"1.0.0\",\"message_id\":\"1\","
	 "\"message_ts\":\"2026-11-22T01:02:03.456Z\",\"action\":\"notify\",\"status\":\"succ\","
	 "\"sender_id\":\"ess.example.org\",\"receiver_id\":\"sp.example.org\",\"total_count\":1},"
	 "\"message\":{\"transaction_id\":\"t\",\"notify_event\":[{\"reference_id\":\"r\","
	 "\"timestamp\":\"2026-11-22T01:02:03Z\",\"data\":{\"reg_record_type\":\"Member\","
	 "\"reg_records\":{\"n\":[1,-2.5,1e3,0.1,null,true],\"s\":\"\\u00e9\\n\\\\ \xc3\xa9\"}}}]}}"},
	{"subscribe", message_target,
	 "{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\","
	 "\"action\":\"subscribe\",\"sender_id\":\"e\",\"receiver_id\":\"s\",\"total_count\":1},"
	 "\"message\":{\"transaction_id\":\"t\",\"subscribe_request\":[{\"reference_id\":\"r\","
	 "\"timestamp\":\"2026-11-22T01:02:03Z\",\"subscribe_criteria\":{\"filter\":[]},"
	 "\"locale\":\"eng\"}]}}"},
	{"signature", signature_target,
	 "Signature:  namespace=\"spdci\", kidId=\"ess.example.org|" TEST_KEY_KID
	 "|ed25519\", algorithm=\"ed25519\", created=\"1606970629\", expires=\"1607030629\", "
	 "headers=\"(created) (expires) digest\", signature=\"QUJD"},
	{"ack", ack_target,
	 "{\"message\":{\"ack_status\":\"ERR\",\"timestamp\":\"2026-11-22T01:02:03Z\","
	 "\"correlation_id\":\"c\",\"error\":{\"code\":\"err.request.bad\",\"message\":\"m\"}},"
	 "\"errors\":[{\"code\":\"x\"}]}"},
	{"networks", network_target, "{10.0.0.0/8,\"fd00:1::/64\",::ffff:1.2.3.4/128,192.168.1.1}"},
	{"time", time_target, "2026-11-22T01:02:03.456+02:00"},
	{"date", time_target, "Sun, 22 Nov 2026 01:02:03 GMT"},
};

/* An exact copy on the heap, so that reading one byte too far is seen. */
static bool
target_run(Target target, const char *input, unsigned long length)
{
	char *copy = malloc(length + 1);
	bool ok;

	memcpy(copy, input, length);
	copy[length] = '\0';
	ok = target(copy, length);
	free(copy);
	return ok;
}

int
main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261122;
	int rounds = argc > 2 ? atoi(argv[2]) : 4000;
	Tap tap = {0, 0};
	size_t i;

	printf("# seed %llu, %d rounds for each\n", seed, rounds);
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
	{
		unsigned long long state = seed;
		int wrong = 0;
		int round;

		tap_ok(&tap, target_run(targets[i].target, targets[i].input, strlen(targets[i].input)),
			   "%s: good input holds together", targets[i].name);
		for (round = 0; round < rounds; round++)
		{
			char input[INPUT_MAX];
			unsigned long length = strlen(targets[i].input);

			memcpy(input, targets[i].input, length);
			tap_mutate(&state, input, &length, sizeof(input));
			if (target_run(targets[i].target, input, length))
				continue;
			if (wrong++ == 0)
				printf("# %s, round %d: %.*s\n", targets[i].name, round, (int) length, input);
		}
		tap_is_int(&tap, wrong, 0, "%s: damaged input is refused or holds together",
				   targets[i].name);
	}
	return tap_done(&tap);
}
