/*
 * message_check_test.c
 *		The envelope's rules: one good message of each kind, then each with one thing changed.
 */
#include <stdlib.h>
#include <string.h>

#include "message/message_check.h"
#include "message/message_rules.h"
#include "tap.h"

#define US "sp.example.org"

/* Good messages by action; the smallest that pass and say everything that is checked. */
static const char *const good[] = {
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

typedef struct Change
{
	MessageAction action;
	const char *name;
	const char *from;		/* this part of the good message ... */
	const char *to;			/* ... becomes this */
	const char *error_code; /* NULL: still passes */
	const char *text;
} Change;

static const Change changes[] = {
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
	{MESSAGE_UNSUBSCRIBE, "rejects_delete_in_code", "\"b\"", "\"b\\u007f\"", "err.request.bad",
	 "none a control character"},
	{MESSAGE_SUBSCRIBE, "rejects_number_as_event_type", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"reg_event_type\":1}", "err.request.bad",
	 "message.subscribe_request[0].subscribe_criteria.reg_event_type must be a string"},
	{MESSAGE_SUBSCRIBE, "rejects_text_as_frequency", "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"frequency\":\"* * * * *\"}", "err.request.bad",
	 "subscribe_criteria.frequency must be an object"},
	{MESSAGE_SUBSCRIBE, "rejects_huge_total_count", "\"total_count\":1",
	 "\"total_count\":99999999999", "err.request.bad", "header.total_count must be an integer"},
	/* notify, refused as a whole */
	{MESSAGE_NOTIFY, "rejected without items", "\"status\":\"succ\",\"sender_id\"",
	 "\"status\":\"rjct\",\"sender_id\"", NULL, ""},
	/* search */
	{MESSAGE_SEARCH, "predicate list", "\"query\":{\"type\":\"UIN\",\"value\":\"1\"}",
	 "\"query\":[]", NULL, ""},
	{MESSAGE_SEARCH, "query type with prefix", "\"idtype-value\"",
	 "\"ns:org:QueryType:expression\"", NULL, ""},
	{MESSAGE_SEARCH, "pagination beside the criteria", "\"locale\":\"eng\"",
	 "\"pagination\":{\"page_size\":1,\"page_number\":1}", NULL, ""},
	{MESSAGE_SEARCH, "no page_number", ",\"page_number\":1", "", NULL, ""},
	{MESSAGE_SEARCH, "no sort, no pagination",
	 "\"sort\":[{\"attribute_name\":\"a\",\"sort_order\":\"asc\"}],\"pagination\"", "\"x\"", NULL,
	 ""},
	{MESSAGE_SEARCH, "rejects_other_query_type", "\"idtype-value\"", "\"sql\"", "err.request.bad",
	 "query_type must be one of idtype-value, expression, predicate, graphql"},
	{MESSAGE_SEARCH, "no query_type", "\"query_type\":\"idtype-value\",", "", NULL, ""},
	{MESSAGE_SEARCH, "rejects_no_query", "\"query\":{\"type\"", "\"quarry\":{\"type\"",
	 "err.request.bad", "search_criteria.query is missing (rjct.search_criteria.invalid)"},
	{MESSAGE_SEARCH, "rejects_text_as_query", "{\"type\":\"UIN\",\"value\":\"1\"}", "\"x\"",
	 "err.request.bad", "search_criteria.query must be an object or a list"},
	{MESSAGE_SEARCH, "rejects_page_size_0", "\"page_size\":10", "\"page_size\":0",
	 "err.request.bad",
	 "pagination.page_size must be an integer of at least 1 (rjct.pagination.invalid)"},
	{MESSAGE_SEARCH, "rejects_negative_page_number", "\"page_number\":1", "\"page_number\":-1",
	 "err.request.bad", "pagination.page_number must be an integer of at least 1"},
	{MESSAGE_SEARCH, "rejects_text_as_page_size", "\"page_size\":10", "\"page_size\":\"10\"",
	 "err.request.bad", "page_size must be an integer"},
	{MESSAGE_SEARCH, "rejects_page_size_0_beside", "\"locale\":\"eng\"",
	 "\"pagination\":{\"page_size\":0}", "err.request.bad",
	 "message.search_request[0].pagination.page_size"},
	{MESSAGE_SEARCH, "rejects_no_page_size", "\"page_size\":10,", "", "err.request.bad",
	 "page_size is missing"},
	{MESSAGE_SEARCH, "rejects_other_sort_order", "\"asc\"", "\"up\"", "err.request.bad",
	 "sort[0].sort_order must be one of asc, desc (rjct.sort.invalid)"},
	{MESSAGE_SEARCH, "rejects_sort_that_is_no_list", "\"sort\":[", "\"sort\":7,\"x\":[",
	 "err.request.bad", "sort must be a list"},
	{MESSAGE_SEARCH, "rejects_empty_search_request", "\"search_request\":[",
	 "\"search_request\":[],\"x\":[", "err.request.bad", "message.search_request is empty"},
	{MESSAGE_SEARCH, "rejects_timestamp_without_zone", "\"timestamp\":\"2026-11-22T01:02:03Z\"",
	 "\"timestamp\":\"2026-11-22T01:02:03\"", "err.request.bad",
	 "message.search_request[0].timestamp must be a time with zone"},
	{MESSAGE_SEARCH, "rejects_locale_of_two_letters", "\"eng\"", "\"en\"", "err.request.bad",
	 "message.search_request[0].locale"},
	{MESSAGE_SEARCH, "rejects_wrong_total_count", "\"total_count\":1", "\"total_count\":2",
	 "err.request.bad", "header.total_count must be 1, the number of items"},
	/* on-search */
	{MESSAGE_ON_SEARCH, "one record that is no list", "\"reg_records\":[]", "\"reg_records\":{}",
	 NULL, ""},
	{MESSAGE_ON_SEARCH, "no data", "\"data\":{\"reg_record_type\":\"Member\",\"reg_records\":[]},",
	 "", NULL, ""},
	{MESSAGE_ON_SEARCH, "rejected without a message", "\"status\":\"succ\",\"sender_id\"",
	 "\"status\":\"rjct\",\"sender_id\"", NULL, ""},
	{MESSAGE_ON_SEARCH, "rejects_no_item_status", "\"status\":\"succ\",\"data\"", "\"data\"",
	 "err.request.bad", "message.search_response[0].status is missing"},
	{MESSAGE_ON_SEARCH, "rejects_no_correlation_id", "\"correlation_id\":\"c\",", "",
	 "err.request.bad", "message.correlation_id is missing"},
	/* status of a transaction */
	{MESSAGE_TXN_STATUS, "subscibe", "\"txn_type\":\"search\"", "\"txn_type\":\"subscibe\"", NULL,
	 ""},
	{MESSAGE_TXN_STATUS, "unsubscribe", "\"txn_type\":\"search\"", "\"txn_type\":\"unsubscribe\"",
	 NULL, ""},
	{MESSAGE_TXN_STATUS, "list of reference ids", "\"t1\"", "[\"a\",\"b\"]", NULL, ""},
	{MESSAGE_TXN_STATUS, "rejects_other_txn_type", "\"txn_type\":\"search\"",
	 "\"txn_type\":\"pay\"", "err.request.bad",
	 "message.txnstatus_request.txn_type must be one of"},
	{MESSAGE_TXN_STATUS, "rejects_other_attribute_type", "\"attribute_type\":\"transaction_id\"",
	 "\"attribute_type\":\"name\"", "err.request.bad", "attribute_type must be one of"},
	{MESSAGE_TXN_STATUS, "rejects_number_as_attribute_value", "\"t1\"", "7", "err.request.bad",
	 "attribute_value must be a string of 1 to 255 characters or a list"},
	{MESSAGE_TXN_STATUS, "rejects_no_request", "\"txnstatus_request\"", "\"x\"", "err.request.bad",
	 "message.txnstatus_request is missing"},
	{MESSAGE_TXN_STATUS, "rejects_total_count_of_2", "\"total_count\":1", "\"total_count\":2",
	 "err.request.bad", "header.total_count must be 1: this message is one request"},
	{MESSAGE_TXN_ON_STATUS, "rejected without a message", "\"status\":\"succ\"",
	 "\"status\":\"rjct\"", NULL, ""},
	{MESSAGE_TXN_ON_STATUS, "rejects_text_as_txn_status", "\"txn_status\":{}",
	 "\"txn_status\":\"completed\"", "err.request.bad", "txn_status must be an object"},
	/* check-enrollment and its spellings */
	{MESSAGE_ENROLLMENT, "enrollmentstatus", "enrollementstatus", "enrollmentstatus", NULL, ""},
	{MESSAGE_ENROLLMENT, "enrolmentstatus", "enrollementstatus", "enrolmentstatus", NULL, ""},
	{MESSAGE_ENROLLMENT, "enrolment-status", "enrollementstatus", "enrolment-status", NULL, ""},
	{MESSAGE_ENROLLMENT, "search", "enrollementstatus", "search", NULL, ""},
	{MESSAGE_ENROLLMENT, "no query_type", "\"query_type\":\"expression\",", "", NULL, ""},
	{MESSAGE_ENROLLMENT, "rejects_other_action", "enrollementstatus", "enrolled", "err.request.bad",
	 "must be \"enrollementstatus\" on this path"},
	{MESSAGE_ENROLLMENT, "rejects_no_criteria", "\"enrolled_criteria\"", "\"x\"", "err.request.bad",
	 "message.enrolled_criteria is missing"},
	{MESSAGE_ENROLLMENT, "rejects_no_total_count", ",\"total_count\":1", "", "err.request.bad",
	 "header.total_count is missing"},
};

/* text with the first from replaced; the caller frees. */
static char *
text_replace(const char *text, const char *from, const char *to)
{
	const char *place = strstr(text, from);
	char *changed = NULL;

	if (place == NULL ||
		asprintf(&changed, "%.*s%s%s", (int) (place - text), text, to, place + strlen(from)) < 0)
		abort();
	return changed;
}

static bool
check(const char *body, MessageAction action, const char *receiver_id, MessageProblem *problem)
{
	json_t *envelope;
	bool ok = message_parse(body, strlen(body), &envelope, problem) &&
			  message_check(envelope, NULL, action, receiver_id, problem);

	json_decref(envelope);
	return ok;
}

static void
test_changes(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		const Change *change = &changes[i];
		MessageProblem problem = {NULL, ""};
		char *body = text_replace(good[change->action], change->from, change->to);

		tap_ok(tap, check(body, change->action, US, &problem) == (change->error_code == NULL),
			   "%s: %s", message_action_rules[change->action].words[0], change->name);
		if (change->error_code != NULL)
			tap_is(tap, problem.error_code, change->error_code, "%s: code", change->name);
		tap_has(tap, problem.text, change->error_code != NULL ? change->text : "", "%s: text",
				change->name);
		free(body);
	}
}

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
	body =
		text_replace(good[MESSAGE_SUBSCRIBE], "t\",\"subscribe_request", "@,\"subscribe_request");
	whole = text_replace(body, "@", id);
	ok = check(whole, MESSAGE_SUBSCRIBE, US, &problem);
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
	json_t *envelope = json_loads(good[MESSAGE_NOTIFY], 0, NULL);
	json_t *plain = json_incref(json_object_get(envelope, "message"));
	MessageProblem problem;

	json_object_set_new(envelope, "message", json_pack("{s:s}", "ciphertext", "x"));
	json_object_set_new(plain, "meta", json_object());
	tap_ok(tap, message_check(envelope, plain, MESSAGE_NOTIFY, US, &problem), "decrypted message");
	json_object_del(plain, "transaction_id");
	tap_ok(tap, !message_check(envelope, plain, MESSAGE_NOTIFY, US, &problem),
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
		tap_ok(&tap, check(good[action], (MessageAction) action, US, &problem), "good %s",
			   message_action_rules[action].words[0]);
		tap_is(&tap, problem.text, "", "nothing to say");
		tap_ok(&tap,
			   !check(good[action], (MessageAction) ((action + 1) % MESSAGE_ACTIONS), US, &problem),
			   "rejects_%s_on_another_path", message_action_rules[action].words[0]);
	}
	tap_ok(&tap, check(good[0], MESSAGE_SUBSCRIBE, NULL, &problem), "any receiver where allowed");
	test_changes(&tap);
	test_lengths(&tap);
	test_plain(&tap);
	test_probes(&tap);
	message_parse(good[0], strlen(good[0]), &envelope, &problem);
	tap_is(&tap, message_sender_id(envelope), "ess.example.org", "sender_id");
	tap_is(&tap, message_message_id(envelope), "1", "message_id");
	tap_is(&tap, message_sender_uri(envelope), "https://ess.example.org/on-subscribe",
		   "sender_uri");
	json_object_set_new(json_object_get(envelope, "header"), "sender_id", json_integer(1));
	tap_is(&tap, message_sender_id(envelope), NULL, "no sender_id but a number");
	json_decref(envelope);
	return tap_done(&tap);
}
