/*
 * message_check_test.c
 *		The rules of the header and of what is told unasked, and of subscribing: one good message of
 *		each kind, then each with one thing changed. request_check_test.c has the requests.
 */
#include <stdlib.h>
#include <string.h>

#include "message/message_check.h"
#include "message/message_rules.h"
#include "tap.h"
#include "test_message.h"

static const MessageChange changes[] = {
	/* header */
	{MESSAGE_SUBSCRIBE, "no version", "\"version\":\"1.0.0\",", "", NULL, ""},
	{MESSAGE_SUBSCRIBE, "unknown members", "\"version\"", "\"x\":{\"y\":[1]},\"version\"", NULL,
	 ""},
	{MESSAGE_SUBSCRIBE, "no sender_uri", "\"sender_uri\":\"https://ess.example.org/on-subscribe\",",
	 "", NULL, ""},
	{MESSAGE_SUBSCRIBE, "rejects_version_2", "1.0.0", "2.0.0", "err.version.not_supported",
	 "header.version"},
	{MESSAGE_SUBSCRIBE, "rejects_no_message_id", "\"message_id\":\"1\",", "", "err.request.bad",
	 "header.message_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_empty_message_id", "\"message_id\":\"1\"", "\"message_id\":\"\"",
	 "err.request.bad", "header.message_id"},
	{MESSAGE_SUBSCRIBE, "rejects_number_as_message_id", "\"message_id\":\"1\"", "\"message_id\":1",
	 "err.request.bad", "header.message_id must be a string of 1 to 255"},
	{MESSAGE_SUBSCRIBE, "rejects_message_ts_without_zone", "2026-11-22T01:02:03Z",
	 "2026-11-22T01:02:03", "err.request.bad", "header.message_ts must be a time with zone"},
	{MESSAGE_SUBSCRIBE, "rejects_message_ts_of_no_day", "2026-11-22T01:02:03Z",
	 "2026-11-31T01:02:03Z", "err.request.bad", "header.message_ts"},
	{MESSAGE_SUBSCRIBE, "rejects_action_of_other_path", "\"subscribe\"", "\"unsubscribe\"",
	 "err.request.bad", "must be \"subscribe\" on this path"},
	{MESSAGE_SUBSCRIBE, "rejects_action_in_capitals", "\"subscribe\"", "\"Subscribe\"",
	 "err.request.bad", "header.action"},
	{MESSAGE_SUBSCRIBE, "rejects_no_sender_id", "\"sender_id\":\"ess.example.org\",", "",
	 "err.sender_id.invalid", "header.sender_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_no_receiver_id", "\"receiver_id\":\"sp.example.org\",", "",
	 "err.receiver_id.invalid", "header.receiver_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_other_receiver_id", "sp.example.org", "other.example.org",
	 "err.receiver_id.invalid", "is not the id of this system"},
	{MESSAGE_SUBSCRIBE, "rejects_sender_uri_of_other_scheme", "https://ess", "file:///ess",
	 "err.sender_uri.invalid", "header.sender_uri must be an absolute https"},
	{MESSAGE_SUBSCRIBE, "rejects_sender_uri_without_host", "https://ess.example.org/on-subscribe",
	 "https:///x", "err.sender_uri.invalid", "header.sender_uri"},
	{MESSAGE_SUBSCRIBE, "rejects_sender_uri_with_blank", "org/on-subscribe", "org/on subscribe",
	 "err.sender_uri.invalid", "header.sender_uri"},
	{MESSAGE_SUBSCRIBE, "rejects_no_total_count", "\"total_count\":1,", "", "err.request.bad",
	 "header.total_count is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_wrong_total_count", "\"total_count\":1", "\"total_count\":2",
	 "err.request.bad", "header.total_count must be 1"},
	{MESSAGE_SUBSCRIBE, "rejects_text_as_total_count", "\"total_count\":1", "\"total_count\":\"1\"",
	 "err.request.bad", "header.total_count must be an integer"},
	{MESSAGE_SUBSCRIBE, "rejects_real_as_total_count", "\"total_count\":1", "\"total_count\":1.0",
	 "err.request.bad", "header.total_count"},
	{MESSAGE_SUBSCRIBE, "rejects_negative_total_count", "\"total_count\":1", "\"total_count\":-1",
	 "err.request.bad", "header.total_count"},
	{MESSAGE_SUBSCRIBE, "rejects_meta_that_is_no_object", "\"meta\":{}", "\"meta\":[]",
	 "err.request.bad", "header.meta must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_header_that_is_no_object", "\"header\":{", "\"header\":1,\"h\":{",
	 "err.request.bad", "header is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_no_message", "\"message\":", "\"massage\":", "err.request.bad",
	 "message is missing"},
	/* subscribe */
	{MESSAGE_SUBSCRIBE, "timesstamp", "\"timestamp\"", "\"timesstamp\"", NULL, ""},
	{MESSAGE_SUBSCRIBE, "no locale", ",\"locale\":\"eng\"", "", NULL, ""},
	{MESSAGE_SUBSCRIBE, "rejects_no_transaction_id", "\"transaction_id\":\"t\",", "",
	 "err.request.bad", "message.transaction_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_locale_of_two_letters", "\"eng\"", "\"en\"", "err.request.bad",
	 "message.subscribe_request[0].locale must be three lower-case"},
	{MESSAGE_SUBSCRIBE, "rejects_locale_in_capitals", "\"eng\"", "\"ENG\"", "err.request.bad",
	 "locale"},
	{MESSAGE_SUBSCRIBE, "rejects_timestamp_without_zone", "03+02:00", "03", "err.request.bad",
	 "message.subscribe_request[0].timestamp must be a time with zone"},
	{MESSAGE_SUBSCRIBE, "rejects_no_reference_id", "\"reference_id\":\"r\",", "", "err.request.bad",
	 "message.subscribe_request[0].reference_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_no_criteria", "\"subscribe_criteria\":{},", "", "err.request.bad",
	 "subscribe_criteria is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_criteria_that_are_a_list", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":[]", "err.request.bad", "subscribe_criteria must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_items_that_are_no_list", "\"subscribe_request\":[",
	 "\"subscribe_request\":{},\"x\":[", "err.request.bad", "must be a list"},
	{MESSAGE_SUBSCRIBE, "rejects_empty_batch", "\"subscribe_request\":[",
	 "\"subscribe_request\":[],\"x\":[", "err.request.bad", "rjct.total_count.invalid"},
	{MESSAGE_SUBSCRIBE, "rejects_item_that_is_no_object", "\"subscribe_request\":[",
	 "\"subscribe_request\":[7],\"x\":[", "err.request.bad",
	 "message.subscribe_request[0] must be an object"},
	/* unsubscribe */
	{MESSAGE_UNSUBSCRIBE, "sunscription_codes", "subscription_codes", "sunscription_codes", NULL,
	 ""},
	{MESSAGE_UNSUBSCRIBE, "timesatmp", "\"timestamp\"", "\"timesatmp\"", NULL, ""},
	{MESSAGE_UNSUBSCRIBE, "one request", "\"total_count\":2", "\"total_count\":1", NULL, ""},
	{MESSAGE_UNSUBSCRIBE, "rejects_wrong_total_count", "\"total_count\":2", "\"total_count\":3",
	 "err.request.bad", "header.total_count must be 2"},
	{MESSAGE_UNSUBSCRIBE, "rejects_no_codes", "[\"a\",\"b\"]", "[]", "err.request.bad",
	 "message.subscription_codes is empty"},
	{MESSAGE_UNSUBSCRIBE, "rejects_number_as_code", "\"b\"", "2", "err.request.bad",
	 "message.subscription_codes must be a list of strings of 1 to 99"},
	{MESSAGE_UNSUBSCRIBE, "rejects_one_code_that_is_no_list", "[\"a\",\"b\"]", "\"a\"",
	 "err.request.bad", "message.subscription_codes must be a list"},
	{MESSAGE_UNSUBSCRIBE, "rejects_no_timestamp", "\"timestamp\":\"2026-11-22T01:02:03Z\",\"sub",
	 "\"sub", "err.request.bad", "message.timestamp is missing"},
	/* on-subscribe */
	{MESSAGE_ON_SUBSCRIBE, "no total_count", "\"total_count\":1,", "", NULL, ""},
	{MESSAGE_ON_SUBSCRIBE, "no header status", "\"status\":\"succ\",\"sender_id\"", "\"sender_id\"",
	 NULL, ""},
	{MESSAGE_ON_SUBSCRIBE, "rejects_other_header_status", "\"status\":\"succ\",\"sender_id\"",
	 "\"status\":\"ok\",\"sender_id\"", "err.request.bad",
	 "header.status must be rcvd, pdng, succ or rjct"},
	{MESSAGE_ON_SUBSCRIBE, "rejects_no_correlation_id", "\"correlation_id\":\"c_1\",", "",
	 "err.request.bad", "message.correlation_id is missing"},
	{MESSAGE_ON_SUBSCRIBE, "rejects_no_status", ",\"status\":\"succ\",\"subscriptions\"",
	 ",\"subscriptions\"", "err.request.bad", "message.subscribe_response[0].status is missing"},
	/* on-unsubscribe */
	{MESSAGE_ON_UNSUBSCRIBE, "number of codes", "\"total_count\":1", "\"total_count\":2", NULL, ""},
	{MESSAGE_ON_UNSUBSCRIBE, "no codes", "\"subscription_status\"", "\"other\"", NULL, ""},
	{MESSAGE_ON_UNSUBSCRIBE, "rejects_code_without_status",
	 "{\"code\":\"b\",\"status\":\"unsubscribe\"}", "{\"code\":\"b\"}", "err.request.bad",
	 "message.subscription_status[1].status is missing"},
	/* notify */
	{MESSAGE_NOTIFY, "no total_count", ",\"total_count\":2", "", NULL, ""},
	{MESSAGE_NOTIFY, "records as empty list", "\"reg_records\":{}", "\"reg_records\":[]", NULL, ""},
	{MESSAGE_NOTIFY, "rejects_wrong_total_count", "\"total_count\":2", "\"total_count\":21800",
	 "err.request.bad", "header.total_count must be 2"},
	{MESSAGE_NOTIFY, "rejects_records_as_text", "\"reg_records\":{}", "\"reg_records\":\"x\"",
	 "err.request.bad",
	 "message.notify_event[0].data.reg_records must be an object or a list of objects"},
	{MESSAGE_NOTIFY, "rejects_record_that_is_no_object", "\"reg_records\":{}",
	 "\"reg_records\":[7]", "err.request.bad", "reg_records"},
	{MESSAGE_NOTIFY, "rejects_second_record_that_is_no_object", "\"whatever\"}]",
	 "\"whatever\"},[1]]", "err.request.bad",
	 "message.notify_event[1].data.reg_records must be an object or a list of objects"},
	{MESSAGE_NOTIFY, "rejects_event_that_is_no_object", "\"notify_event\":[",
	 "\"notify_event\":[7],\"x\":[", "err.request.bad",
	 "message.notify_event[0] must be an object"},
	{MESSAGE_NOTIFY, "rejects_no_records", ",\"reg_records\":{}", "", "err.request.bad",
	 "message.notify_event[0].data.reg_records is missing"},
	{MESSAGE_NOTIFY, "rejects_no_record_type", "\"reg_record_type\":\"Member\",\"reg_records\":{}",
	 "\"reg_records\":{}", "err.request.bad", "data.reg_record_type is missing"},
	{MESSAGE_NOTIFY, "rejects_no_data", "\"data\":{", "\"date\":{", "err.request.bad",
	 "message.notify_event[0].data is missing"},
	{MESSAGE_NOTIFY, "rejects_second_item", "\"reference_id\":\"r2\"", "\"reference_id\":null",
	 "err.request.bad", "message.notify_event[1].reference_id"},
	/* what a partner's serializer or older release writes */
	{MESSAGE_SUBSCRIBE, "a null says nothing", "\"locale\":\"eng\"", "\"locale\":null", NULL, ""},
	{MESSAGE_SUBSCRIBE, "a null sender_uri says nothing",
	 "\"sender_uri\":\"https://ess.example.org/on-subscribe\"", "\"sender_uri\":null", NULL, ""},
	{MESSAGE_SUBSCRIBE, "rejects_null_where_required", "\"transaction_id\":\"t\"",
	 "\"transaction_id\":null", "err.request.bad", "message.transaction_id is missing"},
	{MESSAGE_SUBSCRIBE, "rejects_line_break_in_message_id", "\"message_id\":\"1\"",
	 "\"message_id\":\"1\\r\\nX: y\"", "err.request.bad", "none a control character"},
	{MESSAGE_SUBSCRIBE, "rejects_escape_in_reference_id", "\"reference_id\":\"r\"",
	 "\"reference_id\":\"\\u001b[2J\"", "err.request.bad", "none a control character"},
	{MESSAGE_SUBSCRIBE, "rejects_blank_in_message_id", "\"message_id\":\"1\"",
	 "\"message_id\":\"1 2\"", "err.request.bad", "or a blank"},
	{MESSAGE_SUBSCRIBE, "rejects_mark_of_direction_in_transaction_id", "\"transaction_id\":\"t\"",
	 "\"transaction_id\":\"t\\u202e\"", "err.request.bad", "or a blank"},
	{MESSAGE_SUBSCRIBE, "rejects_wide_blank_in_reference_id", "\"reference_id\":\"r\"",
	 "\"reference_id\":\"r\\u00a0\"", "err.request.bad", "or a blank"},
	{MESSAGE_SUBSCRIBE, "rejects_unseen_space_in_reference_id", "\"reference_id\":\"r\"",
	 "\"reference_id\":\"r\\ufeff\"", "err.request.bad", "or a blank"},
	{MESSAGE_SUBSCRIBE, "letters of other scripts in an id", "\"reference_id\":\"r\"",
	 "\"reference_id\":\"\\u00e9\\u4e00\"", NULL, ""},
	{MESSAGE_SUBSCRIBE, "rejects_escape_in_event_type", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_event_type\":\"\\u001b[2J\"}", "err.request.bad",
	 "none a control character"},
	{MESSAGE_SUBSCRIBE, "a name of an event with blanks", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_event_type\":\"status change\"}", NULL, ""},
	{MESSAGE_UNSUBSCRIBE, "rejects_delete_in_code", "\"b\"", "\"b\\u007f\"", "err.request.bad",
	 "none a control character"},
	{MESSAGE_SUBSCRIBE, "rejects_number_as_event_type", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_event_type\":1}", "err.request.bad",
	 "message.subscribe_request[0].subscribe_criteria.reg_event_type must be a string"},
	{MESSAGE_SUBSCRIBE, "rejects_text_as_frequency", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"frequency\":\"* * * * *\"}", "err.request.bad",
	 "subscribe_criteria.frequency must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_list_as_record_type", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"notify_record_type\":[\"Member\"]}", "err.request.bad",
	 "subscribe_criteria.notify_record_type must be a string"},
	{MESSAGE_SUBSCRIBE, "rejects_number_as_registry_type", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_type\":7}", "err.request.bad",
	 "subscribe_criteria.reg_type must be a string"},
	{MESSAGE_SUBSCRIBE, "rejects_event_type_of_256", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_event_type\":\"" X256 "\"}", "err.request.bad",
	 "subscribe_criteria.reg_event_type must be a string of at most 255"},
	{MESSAGE_SUBSCRIBE, "rejects_list_as_frequency", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"frequency\":[]}", "err.request.bad",
	 "subscribe_criteria.frequency must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_text_as_authorize", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"authorize\":\"all\"}", "err.request.bad",
	 "subscribe_criteria.authorize must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_criteria_that_are_text", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":\"x\"", "err.request.bad", "subscribe_criteria must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_huge_total_count", "\"total_count\":1",
	 "\"total_count\":99999999999", "err.request.bad", "header.total_count must be an integer"},
	/* notify, refused as a whole */
	{MESSAGE_NOTIFY, "rejected without items", "\"status\":\"succ\",\"sender_id\"",
	 "\"status\":\"rjct\",\"sender_id\"", NULL, ""},
};

/* A good subscribe whose transaction_id is count times the text. */
static bool
check_transaction_id(const char *text, int count)
{
	char id[600] = "";
	MessageProblem problem;
	char *body;
	char *whole;
	bool ok;

	while (count-- > 0)
		strcat(id, text);
	strcat(id, "\"");
	body = test_message_change(test_messages[MESSAGE_SUBSCRIBE], "t\",\"subscribe_request",
							   "@,\"subscribe_request");
	whole = test_message_change(body, "@", id);
	ok = test_message_passes(whole, MESSAGE_SUBSCRIBE, TEST_RECEIVER, &problem);
	free(whole);
	free(body);
	return ok;
}

static void
test_lengths(Tap *tap)
{
	tap_ok(tap, check_transaction_id("x", 99), "transaction_id of 99");
	tap_ok(tap, check_transaction_id("\xc3\xa9", 99), "99 characters of two bytes");
	tap_ok(tap, !check_transaction_id("x", 100), "rejects_transaction_id_of_100");
}

/* What an encrypted message says is checked in its place. */
static void
test_plain(Tap *tap)
{
	json_t *envelope = json_loads(test_messages[MESSAGE_NOTIFY], 0, NULL);
	json_t *plain = json_incref(json_object_get(envelope, "message"));
	MessageProblem problem;

	json_object_set_new(envelope, "message", json_pack("{s:s}", "ciphertext", "x"));
	json_object_set_new(plain, "meta", json_object());
	tap_ok(tap, message_check(envelope, plain, MESSAGE_NOTIFY, TEST_RECEIVER, &problem),
		   "decrypted message");
	json_object_del(plain, "transaction_id");
	tap_ok(tap, !message_check(envelope, plain, MESSAGE_NOTIFY, TEST_RECEIVER, &problem),
		   "rejects_decrypted_message_without_transaction_id");
	tap_has(tap, problem.text, "message.transaction_id is missing", "and says so");
	json_decref(plain);
	json_decref(envelope);
}

static void
test_probes(Tap *tap)
{
	json_t *empty = json_object();
	json_t *full = json_pack("{s:{}}", "header");
	json_t *list = json_array();

	tap_ok(tap, message_is_probe(0, NULL), "no bytes are a probe");
	tap_ok(tap, message_is_probe(2, empty), "an empty object is a probe");
	tap_ok(tap, !message_is_probe(13, full), "rejects_probe_with_a_member");
	tap_ok(tap, !message_is_probe(2, list), "rejects_list_as_probe");
	tap_ok(tap, !message_is_probe(3, NULL), "rejects_broken_json_as_probe");
	json_decref(list);
	json_decref(full);
	json_decref(empty);
}

int
main(void)
{
	Tap tap = {0, 0};
	MessageProblem problem;
	json_t *envelope;
	int action;

	for (action = 0; action < MESSAGE_ACTIONS; action++)
	{
		problem.text[0] = '\0';
		tap_ok(&tap,
			   test_message_passes(test_messages[action], (MessageAction) action, TEST_RECEIVER,
								   &problem),
			   "good %s", message_action_rules[action].words[0]);
		tap_is(&tap, problem.text, "", "nothing to say");
		tap_ok(&tap,
			   !test_message_passes(test_messages[action],
									(MessageAction) ((action + 1) % MESSAGE_ACTIONS), TEST_RECEIVER,
									&problem),
			   "rejects_%s_on_another_path", message_action_rules[action].words[0]);
	}
	tap_ok(&tap, test_message_passes(test_messages[0], MESSAGE_SUBSCRIBE, NULL, &problem),
		   "any receiver where allowed");
	test_message_changes(&tap, changes, sizeof(changes) / sizeof(changes[0]));
	test_lengths(&tap);
	test_plain(&tap);
	test_probes(&tap);
	message_parse(test_messages[0], strlen(test_messages[0]), &envelope, &problem);
	tap_is(&tap, message_sender_id(envelope), "ess.example.org", "sender_id");
	tap_is(&tap, message_message_id(envelope), "1", "message_id");
	tap_is(&tap, message_sender_uri(envelope), "https://ess.example.org/on-subscribe",
		   "sender_uri");
	json_object_set_new(json_object_get(envelope, "header"), "sender_id", json_integer(1));
	tap_is(&tap, message_sender_id(envelope), NULL, "no sender_id but a number");
	json_decref(envelope);
	return tap_done(&tap);
}
