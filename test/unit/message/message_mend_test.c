/*
 * message_mend_test.c
 *		Good messages, each with one thing in a form that others send: what it becomes, under which
 *		code it is noted and where, and that what is not in the table stays as it is.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "message/message_mend.h"
#include "message/message_response.h"
#include "tap.h"
#include "test_message.h"

typedef struct MendCase
{
	MessageAction action;
	const char *from; /* this part of the good message ... */
	const char *to;	  /* ... becomes this */
	const char *found;
	const char *becomes; /* a part of what is written; "": it stays as it is, and is refused */
	bool is_lenient;
} MendCase;

#define IDENTIFIER "\"query\":{\"type\":\"UIN\",\"value\":\"1\"}"
#define ONE "{\"attribute_name\":\"a\",\"operator\":\"eq\",\"attribute_value\":\"1\"}"

static const MendCase cases[] = {
	/* the header */
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":10",
	 "{\"total_count\":\"header.total_count\"}", "\"total_count\":1", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":0",
	 "{\"total_count\":\"header.total_count\"}", "\"total_count\":1", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"x\":1", "{\"total_count\":\"header.total_count\"}",
	 "\"total_count\":1", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":\"1\"",
	 "{\"number_as_text\":\"header.total_count\"}", "\"total_count\":1", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":\"-1\"", "", "", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":\"1e9\"", "", "", false},
	{MESSAGE_SEARCH, "\"total_count\":1", "\"total_count\":1,\"meta\":\"\",\"sender_uri\":\"\"",
	 "{\"empty\":\"header.sender_uri\"}", "\"sender_id\":\"ess.example.org\",\"total", false},
	{MESSAGE_SEARCH, "\"action\":\"search\"", "\"action\":\"on-search\"",
	 "{\"action\":\"header.action\"}", "\"action\":\"search\"", false},
	{MESSAGE_SEARCH, "\"action\":\"search\"", "\"action\":\"verify\"",
	 "{\"action\":\"header.action\"}", "\"action\":\"search\"", false},
	{MESSAGE_SEARCH, "\"action\":\"search\"", "\"action\":\"notify\"", "", "", false},
	{MESSAGE_ON_SEARCH, "\"action\":\"on-search\"", "\"action\":\"search\"",
	 "{\"action\":\"header.action\"}", "\"action\":\"on-search\"", false},
	{MESSAGE_ON_SEARCH, "\"action\":\"on-search\"", "\"action\":\"subscribe\"", "", "", false},
	{MESSAGE_TXN_STATUS, "\"action\":\"txn-status\"", "\"action\":\"txn_status\"",
	 "{\"action\":\"header.action\"}", "\"action\":\"txn-status\"", false},
	{MESSAGE_TXN_ON_STATUS, "\"action\":\"txn-on-status\"", "\"action\":\"txn-status\"",
	 "{\"action\":\"header.action\"}", "\"action\":\"txn-on-status\"", false},
	/* ids and times */
	{MESSAGE_SEARCH, "\"transaction_id\":\"t\"", "\"transaction_id\":\"\"",
	 "{\"empty_id\":\"message.transaction_id\"}", "\"transaction_id\":\"1\"", false},
	{MESSAGE_SEARCH, "\"reference_id\":\"r\"", "\"reference_id\":\"\"",
	 "{\"empty_id\":\"message.search_request[0].reference_id\"}", "\"reference_id\":\"1-1\"",
	 false},
	{MESSAGE_SEARCH, "\"message_id\":\"1\"", "\"message_id\":\"\"", "", "", false},
	{MESSAGE_SEARCH, "\"transaction_id\":\"t\"", "\"x\":\"\"", "", "", false},
	{MESSAGE_SEARCH, "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\"",
	 "\"reference_id\":\"r\",\"timestamp\":\"\"",
	 "{\"empty_time\":\"message.search_request[0].timestamp\"}", "", false},
	{MESSAGE_SEARCH, "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\"",
	 "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03.123456\"",
	 "{\"time_without_zone\":\"message.search_request[0].timestamp\"}",
	 "\"timestamp\":\"2026-11-22T01:02:03.123456Z\"", true},
	{MESSAGE_SEARCH, "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\"",
	 "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03\"", "", "", false},
	{MESSAGE_SEARCH, "\"reference_id\":\"r\",\"timestamp\":\"2026-11-22T01:02:03Z\"",
	 "\"reference_id\":\"r\",\"timestamp\":\"yesterday\"", "", "", true},
	/* locales */
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"EN/GB\"",
	 "{\"locale_region\":\"message.search_request[0].locale\"}", "\"locale\":\"eng\"", false},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"fr_CD\"",
	 "{\"locale_region\":\"message.search_request[0].locale\"}", "\"locale\":\"fra\"", false},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"en\"",
	 "{\"locale_letters\":\"message.search_request[0].locale\"}", "\"locale\":\"eng\"", true},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"ENG\"",
	 "{\"locale_letters\":\"message.search_request[0].locale\"}", "\"locale\":\"eng\"", true},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"en\"", "", "", false},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"ENG\"", "", "", false},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"xq\"", "", "", true},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"english\"", "", "", true},
	{MESSAGE_SEARCH, "\"locale\":\"eng\"", "\"locale\":\"\"",
	 "{\"empty\":\"message.search_request[0].locale\"}", "\"reference_id\":\"r\"", false},
	/* shapes */
	{MESSAGE_SEARCH, "\"page_size\":10", "\"page_size\":\"10\"",
	 "{\"number_as_text\":\"message.search_request[0].search_criteria.pagination.page_size\"}",
	 "\"page_size\":10", false},
	{MESSAGE_SEARCH, "\"page_size\":10", "\"page_size\":\"0\"",
	 "{\"number_as_text\":\"message.search_request[0].search_criteria.pagination.page_size\"}",
	 "\"page_size\":0", false},
	{MESSAGE_SEARCH, "\"sort_order\":\"asc\"", "\"sort_order\":\"ASC\"",
	 "{\"word\":\"message.search_request[0].search_criteria.sort[0].sort_order\"}",
	 "\"sort_order\":\"asc\"", false},
	{MESSAGE_SEARCH, "\"idtype-value\"", "\"idtype_value\"",
	 "{\"word\":\"message.search_request[0].search_criteria.query_type\"}",
	 "\"query_type\":\"idtype-value\"", false},
	{MESSAGE_SEARCH, "\"idtype-value\"", "\"sql\"", "", "", false},
	{MESSAGE_SEARCH, "\"sort\":[{\"attribute_name\":\"a\",\"sort_order\":\"asc\"}]",
	 "\"sort\":{\"attribute_name\":\"a\",\"sort_order\":\"asc\"}",
	 "{\"one_for_list\":\"message.search_request[0].search_criteria.sort\"}",
	 "\"sort\":[{\"attribute_name\":\"a\",\"sort_order\":\"asc\"}]", false},
	{MESSAGE_SEARCH, "\"sort\":[{\"attribute_name\":\"a\",\"sort_order\":\"asc\"}]", "\"sort\":{}",
	 "{\"empty\":\"message.search_request[0].search_criteria.sort\"}", "\"reg_type\"", false},
	/* queries */
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"id_type\":\"UIN\",\"id_value\":\"1\"}",
	 "{\"id_type\":\"message.search_request[0].search_criteria.query\"}", IDENTIFIER, false},
	{MESSAGE_SEARCH, IDENTIFIER,
	 "\"query\":{\"type\":\"idtype-value\",\"value\":{\"id_type\":\"UIN\",\"id_value\":\"1\"}}",
	 "{\"id_type\":\"message.search_request[0].search_criteria.query\"}", IDENTIFIER, false},
	{MESSAGE_SEARCH, IDENTIFIER,
	 "\"query\":{\"identifier_type\":\"UIN\",\"identifier_value\":\"1\"}",
	 "{\"id_type\":\"message.search_request[0].search_criteria.query\"}", IDENTIFIER, false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"UIN\":\"1\"}",
	 "{\"id_type\":\"message.search_request[0].search_criteria.query\"}", IDENTIFIER, false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"type\":\"*\",\"value\":\"*\"}",
	 "{\"star\":\"message.search_request[0].search_criteria.query\"}", "\"query\":{}", false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"type\":\"UIN\",\"value\":\"*\"}", "", "", false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"$and\":[]}",
	 "{\"empty_and\":\"message.search_request[0].search_criteria.query\"}", "\"query\":{}", false},
	{MESSAGE_SEARCH, IDENTIFIER,
	 "\"query\":{\"type\":\"NoSql\",\"value\":{\"expression\":{\"query\":{\"and\":[]}}}}",
	 "{\"empty_and\":\"message.search_request[0].search_criteria.query\"}", "\"query\":{}", false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":{\"$or\":[]}", "", "", false},
	{MESSAGE_SEARCH, IDENTIFIER, "\"query\":[{\"expression1\":" ONE "}]",
	 "{\"predicate_list\":\"message.search_request[0].search_criteria.query\"}",
	 "\"query_type\":\"predicate\"", false},
	{MESSAGE_SEARCH, IDENTIFIER,
	 "\"query\":{\"type\":\"x\",\"value\":{\"expression\":[{\"expression1\":" ONE "}]}}",
	 "{\"predicate_list\":\"message.search_request[0].search_criteria.query\"}",
	 "\"query\":[{\"expression1\"", false},
	{MESSAGE_SEARCH, IDENTIFIER,
	 "\"query\":[{\"expression1\":" ONE ",\"condition\":\"or\",\"expression2\":" ONE
	 ",\"expression3\":" ONE "}]",
	 "{\"predicate_list\":\"message.search_request[0].search_criteria.query\","
	 "\"three_expressions\":\"message.search_request[0].search_criteria.query\"}",
	 ",\"seq_num\":3}],\"query_type\":\"predicate\"", false},
	/* other requests */
	{MESSAGE_UNSUBSCRIBE, "\"subscription_codes\":[\"a\",\"b\"]", "\"subscription_code\":\"c\"",
	 "{\"total_count\":\"header.total_count\",\"one_for_list\":\"message.subscription_codes\","
	 "\"subscription_code\":\"message.subscription_code\"}",
	 "\"subscription_codes\":[\"c\"]", false},
	{MESSAGE_TXN_STATUS, "\"txn_type\":\"search\",", "",
	 "{\"txn_type\":\"message.txnstatus_request.txn_type\"}", "\"attribute_type\"", false},
	{MESSAGE_TXN_STATUS, "\"reference_id\":\"r\",", "",
	 "{\"reference_missing\":\"message.txnstatus_request.reference_id\"}", "\"reference_id\":\"1\"",
	 false},
	{MESSAGE_SUBSCRIBE, "\"reference_id\":\"r\"", "\"reference_id\":\"r\",\"x\":1", "", "", false},
	{MESSAGE_SUBSCRIBE, "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"frequency\":\"daily\"}",
	 "{\"frequency_word\":\"message.subscribe_request[0].subscribe_criteria.frequency\"}",
	 "\"frequency\":{\"frequency\":\"0 0 * * *\"}", false},
	{MESSAGE_SUBSCRIBE, "\"subscribe_criteria\":{}",
	 "\"subscribe_criteria\":{\"frequency\":{\"frequency\":\"Real-Time\",\"start_time\":\"\"}}",
	 "{\"real_time\":\"message.subscribe_request[0].subscribe_criteria.frequency\"}",
	 "\"subscribe_criteria\":{}", false},
	/* notifications */
	{MESSAGE_NOTIFY, "\"notify_event\"", "\"notify_request\"",
	 "{\"notify_request\":\"message.notify_request\"}", "\"notify_event\":[", false},
	{MESSAGE_NOTIFY,
	 "\"timestamp\":\"2026-11-22T01:02:03Z\",\"data\":{\"reg_event_type\":\"enrolment\","
	 "\"reg_record_type\":\"Member\",\"reg_records\":{}}",
	 "\"event_ts\":\"2026-11-22T01:02:03Z\",\"event_type\":\"UPDATE\",\"event_data\":["
	 "{\"@type\":\"Person\",\"x\":0.1}]",
	 "{\"event_data\":\"message.notify_event[0].event_data\"}",
	 "\"data\":{\"reg_event_type\":\"UPDATE\",\"reg_record_type\":\"Person\",\"reg_records\":["
	 "{\"@type\":\"Person\",\"x\":0.1}]}",
	 false},
	/* answers */
	{MESSAGE_ON_SEARCH, "\"reg_record_type\":\"Member\"",
	 "\"reg_record_type\":{\"namespace\":\"v1\",\"value\":\"person\"}",
	 "{\"type_object\":\"message.search_response[0].data.reg_record_type\"}",
	 "\"reg_record_type\":\"person\"", false},
	{MESSAGE_ON_SEARCH, "\"reg_record_type\":\"Member\"", "\"reg_record_type\":{\"value\":1}", "",
	 "", false},
	{MESSAGE_ON_SEARCH, "\"correlation_id\":\"c\",", "",
	 "{\"correlation_missing\":\"message.correlation_id\"}", "\"correlation_id\":\"1\"", false},
	{MESSAGE_NOTIFY, "\"transaction_id\"", "\"notification_id\"",
	 "{\"notification_id\":\"message.notification_id\"}", "\"transaction_id\":\"t\"", false},
};

static char *
mended_text(const MendCase *row, json_t *envelope, OddForms *found, Buffer *text)
{
	buffer_init(text, 65536);
	*found = (OddForms){.is_lenient = row->is_lenient};
	message_mend_flag(envelope, found);
	message_mend(envelope, NULL, row->action, found);
	(void) message_mend_write(envelope, NULL, text);
	return text->data;
}

static void
case_hold(Tap *tap, const MendCase *row)
{
	MessageProblem problem = {NULL, ""};
	char *body = test_message_change(test_messages[row->action], row->from, row->to);
	json_t *envelope = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	OddForms found;
	Buffer text;
	Buffer codes;
	bool passes;

	buffer_init(&codes, 65536);
	(void) mended_text(row, envelope, &found, &text);
	(void) odd_forms_write(&found, &codes);
	tap_is(tap, found.is_any ? codes.data : "", row->found, "%s: noted", row->to);
	passes = message_check(envelope, NULL, row->action, NULL, &problem);
	if (*row->becomes != '\0')
		tap_ok(tap, strstr(text.data, row->becomes) != NULL, "%s: becomes %s", row->to,
			   row->becomes);
	else if (!found.is_any)
		tap_ok(tap, true, "%s: stays", row->to);
	else
		tap_ok(tap, passes, "%s: passes: %s", row->to, problem.text);
	buffer_free(&text);
	buffer_free(&codes);
	json_decref(envelope);
	free(body);
}

static const struct
{
	MessageAction path;
	const char *action; /* NULL: none */
	MessageAction taken;
} paths[] = {
	{MESSAGE_ON_SUBSCRIBE, "notify", MESSAGE_NOTIFY},
	{MESSAGE_NOTIFY, "on-search", MESSAGE_ON_SEARCH},
	{MESSAGE_ON_SEARCH, "on-subscribe", MESSAGE_ON_SUBSCRIBE},
	{MESSAGE_NOTIFY, "txn-on-status", MESSAGE_TXN_ON_STATUS},
	{MESSAGE_TXN_ON_STATUS, "on-unsubscribe", MESSAGE_ON_UNSUBSCRIBE},
	{MESSAGE_NOTIFY, "notify", MESSAGE_NOTIFY},
	{MESSAGE_NOTIFY, "subscribe", MESSAGE_NOTIFY}, /* a request is taken at its own path only */
	{MESSAGE_SUBSCRIBE, "notify", MESSAGE_SUBSCRIBE},
	{MESSAGE_SEARCH, "on-search", MESSAGE_SEARCH},
	{MESSAGE_NOTIFY, "NOTIFY", MESSAGE_NOTIFY},
	{MESSAGE_NOTIFY, NULL, MESSAGE_NOTIFY},
};

static void
test_paths(Tap *tap)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		json_t *envelope = json_pack("{s:{s:s*}}", "header", "action", paths[i].action);
		OddForms found = {false};

		tap_is_int(tap, message_mend_path(envelope, paths[i].path, &found), paths[i].taken,
				   "at path %d, %s", (int) paths[i].path,
				   paths[i].action != NULL ? paths[i].action : "no action");
		tap_ok(tap, found.is_any == (paths[i].taken != paths[i].path), "which is noted");
		tap_ok(tap, !found.is_inside, "and changes nothing in the message");
		json_decref(envelope);
	}
}

static const struct
{
	MessageAction action;
	const char *header; /* sender_id and receiver_id as they came */
	bool is_mended;
} sides[] = {
	{MESSAGE_ON_SEARCH, "{\"sender_id\":\"we\",\"receiver_id\":\"they\"}", true},
	{MESSAGE_ON_SUBSCRIBE, "{\"sender_id\":\"we\"}", true},
	{MESSAGE_ON_SEARCH, "{\"sender_id\":null,\"receiver_id\":\"\"}", true},
	{MESSAGE_TXN_ON_STATUS, "{}", true},
	{MESSAGE_ON_SEARCH, "{\"receiver_id\":\"we\"}", true},
	{MESSAGE_ON_SEARCH, "{\"sender_id\":\"they\",\"receiver_id\":\"we\"}", false},
	{MESSAGE_ON_SEARCH, "{\"sender_id\":\"they\"}", false}, /* as any message to nobody */
	{MESSAGE_ON_SEARCH, "{\"sender_id\":\"we\",\"receiver_id\":\"others\"}", false},
	{MESSAGE_ON_SEARCH, "{\"sender_id\":\"others\",\"receiver_id\":\"we\"}", false},
	{MESSAGE_ON_SEARCH, "{\"sender_id\":1,\"receiver_id\":\"they\"}", false},
	{MESSAGE_NOTIFY, "{\"sender_id\":\"we\",\"receiver_id\":\"they\"}", false},
	{MESSAGE_SEARCH, "{\"sender_id\":\"we\",\"receiver_id\":\"they\"}", false},
};

static void
test_sides(Tap *tap)
{
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
	{
		json_t *given = json_loads(sides[i].header, JSON_REJECT_DUPLICATES, NULL);
		json_t *envelope = json_pack("{s:o}", "header", json_deep_copy(given));
		const json_t *header = json_object_get(envelope, "header");
		OddForms found = {false};

		message_mend_sides(envelope, sides[i].action, "we", "they", &found);
		tap_ok(tap, found.is_any == sides[i].is_mended, "%s: noted or not", sides[i].header);
		tap_ok(tap, sides[i].is_mended || json_equal(header, given), "and stays if not");
		if (sides[i].is_mended)
		{
			tap_is(tap, json_string_value(json_object_get(header, "sender_id")), "they",
				   "from whoever brings it");
			tap_is(tap, json_string_value(json_object_get(header, "receiver_id")), "we", "to us");
		}
		json_decref(given);
		json_decref(envelope);
	}
}

/* No item is an answer: what is asked for is refused when it is nothing. */
static void
test_nothing_found(Tap *tap)
{
	static const char empty[] = "{\"header\":{},\"message\":{\"search_response\":[]}}";
	json_t *envelope = json_loads(empty, JSON_REJECT_DUPLICATES, NULL);
	OddForms found = {false};

	message_mend(envelope, NULL, MESSAGE_ON_SEARCH, &found);
	tap_is(tap, found.places[ODD_NOTHING_FOUND], "message.search_response", "nothing found: noted");
	found = (OddForms){false};
	message_mend(envelope, NULL, MESSAGE_SEARCH, &found);
	tap_is(tap, found.places[ODD_NOTHING_FOUND], "", "and of nothing else");
	json_decref(envelope);
}

static void
test_responses(Tap *tap)
{
	MessageAction action = MESSAGE_NOTIFY;

	tap_ok(tap,
		   message_response_expected("https://x/dci/registry/sync/search", &action) &&
			   action == MESSAGE_ON_SEARCH,
		   "a search at once is answered by its response");
	tap_ok(tap, !message_response_expected("https://x/registry/search", &action), "another not");
	tap_ok(tap, !message_response_expected("https://x/registry/sync/search/", &action),
		   "nor what only begins so");
	tap_ok(tap, !message_response_expected("", &action), "nor nothing");
}

int
main(void)
{
	Tap tap = {0};

	test_paths(&tap);
	test_sides(&tap);
	test_nothing_found(&tap);
	test_responses(&tap);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		case_hold(&tap, &cases[i]);
	return tap_done(&tap);
}
