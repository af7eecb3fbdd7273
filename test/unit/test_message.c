/*
 * test_message.c
 *		The good messages, and how they are changed and checked.
 */
#include "test_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/message_rules.h"

const char *const test_messages[] = {
	[MESSAGE_SUBSCRIBE] =
		"{\"signature\":\"s\",\"header\":{\"version\":\"1.0.0\",\"message_id\":\"1\","
		"\"message_ts\":\"2026-11-22T01:02:03Z\",\"action\":\"subscribe\","
		"\"sender_id\":\"ess.example.org\",\"sender_uri\":\"https://ess.example.org/on-subscribe\","
		"\"receiver_id\":\"sp.example.org\",\"total_count\":1,\"is_msg_encrypted\":false,"
		"\"meta\":{}},\"message\":{\"transaction_id\":\"t\",\"subscribe_request\":["
		"{\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03+02:00\","
		"\"subscribe_criteria\":{},\"locale\":\"eng\"}]}}",
	[MESSAGE_UNSUBSCRIBE] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\","
		"\"action\":\"unsubscribe\",\"sender_id\":\"ess.example.org\","
		"\"receiver_id\":\"sp.example.org\",\"total_count\":2},\"message\":{"
		"\"transaction_id\":\"t\",\"timestamp\":\"2026-11-22T01:02:03Z\","
		"\"subscription_codes\":[\"a\",\"b\"]}}",
	[MESSAGE_ON_SUBSCRIBE] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\","
		"\"action\":\"on-subscribe\",\"status\":\"succ\",\"sender_id\":\"ess.example.org\","
		"\"receiver_id\":\"sp.example.org\",\"total_count\":1,\"completed_count\":1},"
		"\"message\":{\"transaction_id\":\"t\",\"correlation_id\":\"c_1\",\"subscribe_response\":["
		"{\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\",\"status\":\"succ\","
		"\"subscriptions\":[]}]}}",
	[MESSAGE_ON_UNSUBSCRIBE] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\","
		"\"action\":\"on-unsubscribe\",\"sender_id\":\"ess.example.org\","
		"\"receiver_id\":\"sp.example.org\",\"total_count\":1},\"message\":{"
		"\"transaction_id\":\"t\",\"correlation_id\":\"c\",\"status\":\"succ\","
		"\"timestamp\":\"2026-11-22T01:02:03Z\",\"subscription_status\":["
		"{\"code\":\"a\",\"status\":\"unsubscribe\"},{\"code\":\"b\",\"status\":\"unsubscribe\"}]}"
		"}",
	[MESSAGE_NOTIFY] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03.456Z\","
		"\"action\":\"notify\",\"status\":\"succ\",\"sender_id\":\"ess.example.org\","
		"\"receiver_id\":\"sp.example.org\",\"total_count\":2},\"message\":{"
		"\"transaction_id\":\"t\",\"notify_event\":["
		"{\"reference_id\":\"r1\",\"timestamp\":\"2026-11-22T01:02:03Z\",\"data\":{"
		"\"reg_event_type\":\"enrolment\",\"reg_record_type\":\"Member\",\"reg_records\":{}}},"
		"{\"reference_id\":\"r2\",\"timestamp\":\"2026-11-22T01:02:03Z\",\"data\":{"
		"\"reg_record_type\":\"Member\",\"reg_records\":[{\"x\":1.5,\"sex\":\"whatever\"}]}}]}}",
	[MESSAGE_SEARCH] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\",\"actio"
		"n\":\"search\",\"sender_id\":\"ess.example.org\",\"receiver_id\":\"sp.example.or"
		"g\",\"total_count\":1},\"message\":{\"transaction_id\":\"t\",\"search_request\":["
		"{\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\",\"search_criteri"
		"a\":{\"version\":\"1.0.0\",\"reg_type\":\"ESS\",\"reg_record_type\":\"Member\",\"que"
		"ry_type\":\"idtype-value\",\"query\":{\"type\":\"UIN\",\"value\":\"1\"},\"sort\":[{\"a"
		"ttribute_name\":\"a\",\"sort_order\":\"asc\"}],\"pagination\":{\"page_size\":10,\""
		"page_number\":1},\"consent\":{},\"authorize\":{}},\"locale\":\"eng\"}]}}",
	[MESSAGE_ON_SEARCH] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\",\"actio"
		"n\":\"on-search\",\"status\":\"succ\",\"sender_id\":\"ess.example.org\",\"receiver"
		"_id\":\"sp.example.org\",\"total_count\":1},\"message\":{\"transaction_id\":\"t\""
		",\"correlation_id\":\"c\",\"search_response\":[{\"reference_id\":\"r\",\"timestam"
		"p\":\"2026-11-22T01:02:03Z\",\"status\":\"succ\",\"data\":{\"reg_record_type\":\"M"
		"ember\",\"reg_records\":[]},\"pagination\":{\"page_size\":10,\"page_number\":1,"
		"\"total_count\":0},\"locale\":\"eng\"}]}}",
	[MESSAGE_TXN_STATUS] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\",\"actio"
		"n\":\"txn-status\",\"sender_id\":\"ess.example.org\",\"receiver_id\":\"sp.exampl"
		"e.org\",\"total_count\":1},\"message\":{\"transaction_id\":\"t\",\"txnstatus_req"
		"uest\":{\"reference_id\":\"r\",\"txn_type\":\"search\",\"attribute_type\":\"transa"
		"ction_id\",\"attribute_value\":\"t1\",\"locale\":\"eng\"}}}",
	[MESSAGE_TXN_ON_STATUS] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\",\"actio"
		"n\":\"txn-on-status\",\"status\":\"succ\",\"sender_id\":\"ess.example.org\",\"rece"
		"iver_id\":\"sp.example.org\",\"total_count\":1},\"message\":{\"transaction_id\""
		":\"t\",\"correlation_id\":\"c\",\"txnstatus_response\":{\"txn_type\":\"search\",\"t"
		"xn_status\":{}}}}",
	[MESSAGE_ENROLLMENT] =
		"{\"header\":{\"message_id\":\"1\",\"message_ts\":\"2026-11-22T01:02:03Z\",\"actio"
		"n\":\"enrollementstatus\",\"sender_id\":\"ess.example.org\",\"receiver_id\":\"sp"
		".example.org\",\"total_count\":1},\"message\":{\"transaction_id\":\"t\",\"enroll"
		"ed_criteria\":{\"query_type\":\"expression\",\"response_entity\":\"Member\",\"qu"
		"ery\":{\"UIN\":{\"eq\":\"1\"}}}}}",
};

char *
test_message_change(const char *text, const char *from, const char *to)
{
	const char *place = strstr(text, from);
	char *changed = NULL;

	if (place == NULL ||
		asprintf(&changed, "%.*s%s%s", (int) (place - text), text, to, place + strlen(from)) < 0)
		abort();
	return changed;
}

bool
test_message_passes(const char *body, MessageAction action, const char *receiver_id,
					MessageProblem *problem)
{
	json_t *envelope;
	bool ok = message_parse(body, strlen(body), &envelope, problem) &&
			  message_check(envelope, NULL, action, receiver_id, problem);

	json_decref(envelope);
	return ok;
}

void
test_message_changes(Tap *tap, const MessageChange *changes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		const MessageChange *change = &changes[i];
		MessageProblem problem = {NULL, ""};
		char *body = test_message_change(test_messages[change->action], change->from, change->to);

		tap_ok(tap,
			   test_message_passes(body, change->action, TEST_RECEIVER, &problem) ==
				   (change->error_code == NULL),
			   "%s: %s", message_action_rules[change->action].words[0], change->name);
		if (change->error_code != NULL)
			tap_is(tap, problem.error_code, change->error_code, "%s: code", change->name);
		tap_has(tap, problem.text, change->error_code != NULL ? change->text : "", "%s: text",
				change->name);
		free(body);
	}
}
