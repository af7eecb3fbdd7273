/*
 * names_mend.c
 *		Notifications, unsubscribes, questions and frequencies as other systems name their parts.
 */
#include "message/names_mend.h"

#include <stdio.h>
#include <strings.h>

static bool
member_rename(json_t *object, const char *from, const char *to, OddForm form, const char *path,
			  OddForms *found)
{
	json_t *value = json_object_get(object, from);

	if (value == NULL || json_object_get(object, to) != NULL ||
		!odd_form_note(found, form, path, from))
		return false;
	(void) json_object_set(object, to, value);
	(void) json_object_del(object, from);
	return true;
}

static void
event_mend(json_t *event, const char *path, OddForms *found)
{
	json_t *records = json_object_get(event, "event_data");
	const json_t *first = json_is_array(records) ? json_array_get(records, 0) : records;
	const char *type = json_string_value(json_object_get(first, "@type"));
	json_t *data;

	if (!json_is_object(first) || type == NULL || json_object_get(event, "data") != NULL ||
		!odd_form_note(found, ODD_EVENT_DATA, path, "event_data"))
		return;
	data = json_pack("{s:s,s:O}", "reg_record_type", type, "reg_records", records);
	if (json_object_get(event, "reg_type") != NULL)
		(void) json_object_set(data, "reg_type", json_object_get(event, "reg_type"));
	if (json_object_get(event, "event_type") != NULL)
		(void) json_object_set(data, "reg_event_type", json_object_get(event, "event_type"));
	(void) json_object_set_new(event, "data", data);
	(void) json_object_del(event, "event_data");
	(void) member_rename(event, "event_id", "reference_id", ODD_EVENT_DATA, path, found);
	(void) member_rename(event, "event_ts", "timestamp", ODD_EVENT_DATA, path, found);
}

static void
notify_mend(json_t *message, OddForms *found)
{
	json_t *events;
	char path[ODD_PLACE_SIZE];

	(void) member_rename(message, "notification_id", "transaction_id", ODD_NOTIFICATION_ID,
						 "message", found);
	(void) member_rename(message, "notify_request", "notify_event", ODD_NOTIFY_REQUEST, "message",
						 found);
	events = json_object_get(message, "notify_event");
	for (size_t i = 0; i < json_array_size(events); i++)
	{
		json_t *event = json_array_get(events, i);

		snprintf(path, sizeof(path), "message.notify_event[%zu]", i);
		event_mend(event, path, found);
		(void) member_rename(json_object_get(event, "data"), "reg_record", "reg_records",
							 ODD_NOTIFY_REQUEST, path, found);
	}
}

static void
question_mend(json_t *question, const char *message_id, OddForms *found)
{
	const char *path = "message.txnstatus_request";

	if (json_array_size(question) == 1)
		question = json_array_get(question, 0);
	if (!json_is_object(question))
		return;
	if (json_object_get(question, "txn_type") == NULL)
		(void) odd_form_note(found, ODD_TXN_TYPE, path, "txn_type");
	if (json_object_get(question, "reference_id") == NULL &&
		odd_form_note(found, ODD_REFERENCE_MISSING, path, "reference_id"))
		(void) json_object_set_new(question, "reference_id", json_string(message_id));
}

/* The cron expression of a word; "" for at once, NULL for no such word. */
static const char *
frequency_find(const char *word)
{
	static const char *const words[][2] = {{"hourly", "0 * * * *"}, {"daily", "0 0 * * *"},
										   {"weekly", "0 0 * * 1"}, {"monthly", "0 0 1 * *"},
										   {"real-time", ""},		{"real_time", ""},
										   {"realtime", ""},		{"immediate", ""}};

	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcasecmp(word, words[i][0]) == 0)
			return words[i][1];
	}
	return NULL;
}

void
frequency_mend(json_t *criteria, const char *path, OddForms *found)
{
	json_t *frequency = json_object_get(criteria, "frequency");
	bool is_object = json_is_object(frequency);
	const char *cron = frequency_find(
		json_string_value(is_object ? json_object_get(frequency, "frequency") : frequency));

	if (cron == NULL || !odd_form_note(found, *cron != '\0' ? ODD_FREQUENCY_WORD : ODD_REAL_TIME,
									   path, "frequency"))
		return;
	if (*cron == '\0')
		(void) json_object_del(criteria, "frequency");
	else if (is_object)
		(void) json_object_set_new(frequency, "frequency", json_string(cron));
	else
		(void) json_object_set_new(criteria, "frequency", json_pack("{s:s}", "frequency", cron));
}

/* The code of a subscription beside the status of the item that answers for it. */
static void
answers_mend(const json_t *answers, OddForms *found)
{
	for (size_t i = 0; i < json_array_size(answers); i++)
	{
		json_t *answer = json_array_get(answers, i);
		json_t *code = json_object_get(answer, "subscription_code");
		char path[ODD_PLACE_SIZE];

		snprintf(path, sizeof(path), "message.subscribe_response[%zu]", i);
		if (!json_is_string(code) || json_object_get(answer, "subscriptions") != NULL ||
			!odd_form_note(found, ODD_SUBSCRIPTION_CODE, path, "subscription_code"))
			continue;
		(void) json_object_set_new(answer, "subscriptions", json_pack("[{s:O}]", "code", code));
		(void) json_object_del(answer, "subscription_code");
	}
}

/* Nothing is found by it: an answer is known by transaction_id and reference_id. */
static void
correlation_mend(json_t *message, const char *message_id, OddForms *found)
{
	const json_t *given = json_object_get(message, "correlation_id");

	if ((given == NULL || json_is_null(given)) && json_object_size(message) > 0 &&
		odd_form_note(found, ODD_CORRELATION_MISSING, "message", "correlation_id"))
		(void) json_object_set_new(message, "correlation_id", json_string(message_id));
}

void
names_mend(json_t *message, MessageAction action, const char *message_id, OddForms *found)
{
	if (message_is_answer(action))
		correlation_mend(message, message_id, found);
	if (action == MESSAGE_UNSUBSCRIBE)
		(void) member_rename(message, "subscription_code", "subscription_codes",
							 ODD_SUBSCRIPTION_CODE, "message", found);
	else if (action == MESSAGE_ON_SUBSCRIBE)
		answers_mend(json_object_get(message, "subscribe_response"), found);
	else if (action == MESSAGE_NOTIFY)
		notify_mend(message, found);
	else if (action == MESSAGE_TXN_STATUS)
		question_mend(json_object_get(message, "txnstatus_request"), message_id, found);
}
