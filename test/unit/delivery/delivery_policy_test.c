/*
 * delivery_policy_test.c
 *		Outcome rules as rows; waiting times; acknowledgements as partners write them.
 */
#include <string.h>

#include "delivery/delivery_policy.h"
#include "tap.h"

static const struct
{
	TransferResult transfer;
	int http_status;
	AckStatus ack;
	const char *error_code;
	DeliveryVerdict verdict;
} rows[] = {
	{TRANSFER_ANSWERED, 200, ACK_ACK, NULL, DELIVERY_DELIVERED},
	{TRANSFER_ANSWERED, 200, ACK_NACK, NULL, DELIVERY_DELIVERED},
	{TRANSFER_ANSWERED, 202, ACK_ACK, "", DELIVERY_DELIVERED},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "rjct.message_id.duplicate", DELIVERY_DELIVERED},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.request.timeout", DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.service.unavailable", DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.request.too_many_requests", DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.request.bad", DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.signature.invalid", DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "err.sender_id.invalid", DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 403, ACK_ERR, "err.request.forbidden", DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "something.else", DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 200, ACK_ERR, "", DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 200, ACK_ERR, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 200, ACK_UNREADABLE, NULL, DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 204, ACK_UNREADABLE, NULL, DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 301, ACK_UNREADABLE, NULL, DELIVERY_STOP},
	{TRANSFER_ANSWERED, 307, ACK_ACK, NULL, DELIVERY_STOP},
	{TRANSFER_ANSWERED, 400, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 400, ACK_ACK, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 401, ACK_ERR, "err.request.unauthorized", DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 404, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 408, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 409, ACK_ERR, "rjct.message_id.duplicate", DELIVERY_DELIVERED},
	{TRANSFER_ANSWERED, 409, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 410, ACK_UNREADABLE, NULL, DELIVERY_STOP},
	{TRANSFER_ANSWERED, 413, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_ANSWERED, 425, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 429, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 500, ACK_UNREADABLE, NULL, DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 500, ACK_ACK, NULL, DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 503, ACK_ERR, "err.request.bad", DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 599, ACK_UNREADABLE, NULL, DELIVERY_SUSPECT},
	{TRANSFER_ANSWERED, 100, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_ANSWERED, 999, ACK_ACK, NULL, DELIVERY_RETRY},
	{TRANSFER_FAILED, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_FAILED, 200, ACK_ACK, NULL, DELIVERY_RETRY}, /* cut off: nothing is known */
	{TRANSFER_ENDLESS, 200, ACK_ACK, NULL, DELIVERY_RETRY},
	{TRANSFER_ADDRESS_REFUSED, 0, ACK_UNREADABLE, NULL, DELIVERY_STOP},
	{TRANSFER_NOT_BUILT, 0, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_NOT_SIGNED, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_NO_RSA_KEY, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_RESPONSE_REFUSED, 200, ACK_UNREADABLE, NULL, DELIVERY_REFUSED},
	{TRANSFER_RESPONSE_LOST, 200, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_NOT_NOTED, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
	{TRANSFER_NO_TOKEN, 0, ACK_UNREADABLE, NULL, DELIVERY_RETRY},
};

static const struct
{
	int attempt;
	double random;
	int64_t retry_after_s;
	int64_t wait_ms;
} waits[] = {
	{1, 0.999999999, 0, 9999},
	{1, 0.5, 0, 5000},
	{1, 0.0, 0, 1000}, /* never at once */
	{2, 0.5, 0, 10000},
	{3, 0.5, 0, 20000},
	{12, 0.5, 0, 10240000},
	{13, 0.5, 0, 10800000}, /* the cap of 6 h */
	{1000000, 0.999999999, 0, 21599999},
	{2147483647, 0.5, 0, 10800000},
	{0, 0.5, 0, 5000},
	{1, 0.5, -1, 5000},
	{1, 0.5, 7, 7000}, /* Retry-After is a lower bound */
	{5, 0.5, 7, 80000},
	{1, 0.5, 86400, 86400000},
	{1, 0.5, 990000, 86400000}, /* and bounded itself */
	{1, 0.5, INT64_MAX, 86400000},
	{1, 0.5, INT64_MIN, 5000},
};

static const struct
{
	const char *body;
	AckStatus status;
	const char *error_code;
} answers[] = {
	{"{\"message\":{\"ack_status\":\"ACK\",\"timestamp\":\"x\",\"correlation_id\":\"1\"}}", ACK_ACK,
	 ""},
	{"{\"message\":{\"ack_status\":\"NACK\"}}", ACK_NACK, ""},
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":\"err.request.bad\"}}}", ACK_ERR,
	 "err.request.bad"},
	{"{\"message\":{\"ack_status\":\"ERR\"}}", ACK_ERR, ""},
	{"{\"ack_status\":\"ACK\"}", ACK_ACK, ""},
	{"{\"message\":{\"ack_status\":\"ack\"}}", ACK_ACK, ""},
	{"{\"errors\":[{\"code\":\"err.request.bad\",\"message\":\"m\"}]}", ACK_UNREADABLE,
	 "err.request.bad"},
	{"{\"errors\":{\"code\":\"err.request.bad\"}}", ACK_UNREADABLE, "err.request.bad"},
	{"{}", ACK_UNREADABLE, ""},
	{"", ACK_UNREADABLE, ""},
	{"[]", ACK_UNREADABLE, ""},
	{"\"ACK\"", ACK_UNREADABLE, ""},
	{"ACK", ACK_UNREADABLE, ""},
	{"<html>ACK</html>", ACK_UNREADABLE, ""},
	{"{\"message\":{\"ack_status\":\"ACK\"}} trailing", ACK_UNREADABLE, ""},
	{"{\"message\":{\"ack_status\":1}}", ACK_UNREADABLE, ""},
	{"{\"message\":{\"ack_status\":\"MAYBE\"}}", ACK_UNREADABLE, ""},
	{"{\"message\":\"ACK\"}", ACK_UNREADABLE, ""},
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":\"two words\"}}}", ACK_ERR, ""},
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":\"line\\nfeed\"}}}", ACK_ERR, ""},
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":7}}}", ACK_ERR, ""},
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":"
	 "\"0123456789012345678901234567890123456789012345678901234567890123\"}}}",
	 ACK_ERR, ""},
};

static void
test_acks(Tap *tap)
{
	static char large[ACK_MAX_BODY + 100];
	Ack ack;
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
	{
		ack_read(answers[i].body, strlen(answers[i].body), &ack);
		tap_is_int(tap, ack.status, answers[i].status, "answer %s", answers[i].body);
		tap_is(tap, ack.error_code, answers[i].error_code, "answer %zu: code", i);
	}
	memset(large, ' ', sizeof(large));
	memcpy(large, answers[0].body, strlen(answers[0].body));
	ack_read(large, ACK_MAX_BODY, &ack);
	tap_is_int(tap, ack.status, ACK_ACK, "an answer of 64 kB is read");
	ack_read(large, ACK_MAX_BODY + 1, &ack);
	tap_is_int(tap, ack.status, ACK_UNREADABLE, "rejects_larger_answer");
	tap_is(tap, ack_status_name(ACK_NACK), "NACK", "has names");
	tap_is(tap, ack_status_name(ACK_UNREADABLE), NULL, "but none for unreadable");
}

static const struct
{
	const char *body;
	const char *words;
} said[] = {
	{"{\"message\":{\"ack_status\":\"ERR\",\"error\":{\"code\":\"x\",\"message\":\"no\\nway\"}}}",
	 "no way"},
	{"{\"errors\":[{\"code\":\"x\",\"message\":\"of the list\"}]}", "of the list"},
	{"{\"error\":{\"message\":\"of another shape\"}}", "of another shape"},
	{"{\"detail\":\"whole\"}", "{\"detail\":\"whole\"}"},
	{"<h1>\n\n  Bad\tgateway\x7f</h1>", "<h1> Bad gateway </h1>"},
	{" \n", ""},
	{"", ""},
	{"na\xc3\xafve \xe2\x82\xac", "na\xc3\xafve \xe2\x82\xac"},
	{"\xff\xc3", "??"},
	{"01234567890123456789012345678", "0123456789012345678901234567"},
	{"0123456789012345678901234567\xc3\xaf", "0123456789012345678901234567"},
	{"012345678901234567890123456\xc3\xaf", "012345678901234567890123456"},
	{"01234567890123456789012345\xc3\xaf", "01234567890123456789012345\xc3\xaf"},
};

static void
test_words(Tap *tap)
{
	char words[29];

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
	{
		ack_words(said[i].body, strlen(said[i].body), words, sizeof(words));
		tap_is(tap, words, said[i].words, "words %zu", i);
	}
	ack_words("a\0b", 3, words, sizeof(words));
	tap_is(tap, words, "a b", "a NUL ends nothing");
}

int
main(void)
{
	static const DeliveryRules rules = {10000, 21600000};
	static const char *const names[] = {"delivered", "retry", "suspect", "refused", "stop"};
	Tap tap = {0, 0};
	DeliveryDecision decision;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		DeliveryAttempt attempt = {rows[i].transfer,
								   rows[i].http_status,
								   rows[i].ack,
								   rows[i].error_code,
								   0,
								   1,
								   0.5,
								   false};

		decision = delivery_decide(&attempt, &rules);
		tap_is_int(&tap, decision.verdict, rows[i].verdict, "transfer %d, status %d, ack %d, %s",
				   rows[i].transfer, rows[i].http_status, rows[i].ack,
				   rows[i].error_code != NULL ? rows[i].error_code : "no code");
		tap_ok(&tap,
			   (decision.wait_ms > 0) ==
				   (decision.verdict == DELIVERY_RETRY || decision.verdict == DELIVERY_SUSPECT),
			   "only what is tried again waits");
		tap_ok(&tap, decision.reason != NULL && strlen(decision.reason) < 60, "has a reason");
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		DeliveryAttempt attempt = {rows[i].transfer,
								   rows[i].http_status,
								   rows[i].ack,
								   rows[i].error_code,
								   0,
								   1,
								   0.5,
								   true};
		bool is_bare = rows[i].transfer == TRANSFER_ANSWERED && rows[i].ack == ACK_UNREADABLE &&
					   rows[i].http_status >= 200 && rows[i].http_status < 300;

		decision = delivery_decide(&attempt, &rules);
		tap_is(&tap, delivery_verdict_name(decision.verdict),
			   delivery_verdict_name(is_bare ? DELIVERY_DELIVERED : rows[i].verdict),
			   "where a 2xx is enough: HTTP %d, ack %d", rows[i].http_status, (int) rows[i].ack);
	}
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
	{
		DeliveryAttempt attempt = {
			TRANSFER_FAILED, 0,	   ACK_UNREADABLE, NULL, waits[i].retry_after_s, waits[i].attempt,
			waits[i].random, false};

		decision = delivery_decide(&attempt, &rules);
		tap_is_int(&tap, decision.wait_ms, waits[i].wait_ms, "attempt %d, random %g, after %lld",
				   waits[i].attempt, waits[i].random, (long long) waits[i].retry_after_s);
	}
	for (i = DELIVERY_DELIVERED; i <= DELIVERY_STOP; i++)
		tap_is(&tap, delivery_verdict_name((DeliveryVerdict) i), names[i], "has a name");
	test_acks(&tap);
	test_words(&tap);
	return tap_done(&tap);
}
