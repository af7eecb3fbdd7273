/*
 * message_check.c
 *		The envelope's rules: one table for the header, one for each kind of message and its
 *		items. A rule is data; only how to check a kind of value is code.
 */
#include <stdio.h>
#include <string.h>

#include "iso_time.h"
#include "message_check.h"

#define BAD "err.request.bad"
#define ID_MAX 255 /* a bound of ours: the standard has none */
#define TXN_MAX 99 /* transaction_id, correlation_id, subscription code */
#define URI_MAX 2048
#define TEXT_MAX 999

typedef enum ValueKind
{
	VALUE_TEXT,		 /* non-empty string of at most limit characters */
	VALUE_NOTE,		 /* string, may be empty */
	VALUE_TIME,		 /* ISO 8601 with zone */
	VALUE_LOCALE,	 /* three lower-case letters */
	VALUE_VERSION,	 /* 1.x */
	VALUE_URI,		 /* absolute http or https */
	VALUE_STATUS,	 /* rcvd, pdng, succ, rjct */
	VALUE_COUNT,	 /* integer of at least 0 */
	VALUE_PLAINTEXT, /* false: encrypted messages are not agreed with anybody */
	VALUE_OBJECT,
	VALUE_RECORDS,	/* object or list of objects */
	VALUE_CODE_LIST /* list of non-empty strings of at most limit characters */
} ValueKind;

typedef struct FieldRule
{
	const char *name;
	const char *aliases[2]; /* the standard's own misspellings, accepted on input */
	ValueKind kind;
	size_t limit;
	bool is_required;
	const char *error_code;
} FieldRule;

#define REFERENCE_ID                                                                               \
	{                                                                                              \
		"reference_id", {0}, VALUE_TEXT, ID_MAX, true, BAD                                         \
	}
#define TIMESTAMP                                                                                  \
	{                                                                                              \
		"timestamp", {"timesstamp", "timesatmp"}, VALUE_TIME, 0, true, BAD                         \
	}
#define TRANSACTION_ID                                                                             \
	{                                                                                              \
		"transaction_id", {0}, VALUE_TEXT, TXN_MAX, true, BAD                                      \
	}
#define CORRELATION_ID                                                                             \
	{                                                                                              \
		"correlation_id", {0}, VALUE_TEXT, TXN_MAX, true, BAD                                      \
	}
#define STATUS(required)                                                                           \
	{                                                                                              \
		"status", {0}, VALUE_STATUS, 0, required, BAD                                              \
	}
#define LOCALE                                                                                     \
	{                                                                                              \
		"locale", {0}, VALUE_LOCALE, 0, false, BAD                                                 \
	}
#define REASON_CODE                                                                                \
	{                                                                                              \
		"status_reason_code", {0}, VALUE_NOTE, ID_MAX, false, BAD                                  \
	}
#define REASON_MESSAGE                                                                             \
	{                                                                                              \
		"status_reason_message", {0}, VALUE_NOTE, TEXT_MAX, false, BAD                             \
	}
#define END                                                                                        \
	{                                                                                              \
		NULL, {0}, VALUE_TEXT, 0, false, NULL                                                      \
	}

static const FieldRule header_rules[] = {
	{"version", {0}, VALUE_VERSION, 0, false, "err.version.not_supported"},
	{"message_id", {0}, VALUE_TEXT, ID_MAX, true, BAD},
	{"message_ts", {0}, VALUE_TIME, 0, true, BAD},
	{"action", {0}, VALUE_TEXT, ID_MAX, true, BAD},
	{"sender_id", {0}, VALUE_TEXT, ID_MAX, true, "err.sender_id.invalid"},
	{"sender_uri", {0}, VALUE_URI, URI_MAX, false, "err.sender_uri.invalid"},
	{"total_count", {0}, VALUE_COUNT, 0, false, BAD},
	{"completed_count", {0}, VALUE_COUNT, 0, false, BAD},
	{"is_msg_encrypted", {0}, VALUE_PLAINTEXT, 0, false, "err.encryption.invalid"},
	{"meta", {0}, VALUE_OBJECT, 0, false, BAD},
	STATUS(false),
	REASON_CODE,
	REASON_MESSAGE,
	END,
};

static const FieldRule subscribe_rules[] = {TRANSACTION_ID, END};
static const FieldRule subscribe_item_rules[] = {
	REFERENCE_ID, TIMESTAMP, {"subscribe_criteria", {0}, VALUE_OBJECT, 0, true, BAD}, LOCALE, END};

static const FieldRule unsubscribe_rules[] = {
	TRANSACTION_ID,
	TIMESTAMP,
	{"subscription_codes", {"sunscription_codes"}, VALUE_CODE_LIST, TXN_MAX, true, BAD},
	END,
};

static const FieldRule on_subscribe_rules[] = {TRANSACTION_ID, CORRELATION_ID, END};
static const FieldRule on_subscribe_item_rules[] = {
	REFERENCE_ID, TIMESTAMP, STATUS(true), REASON_CODE, REASON_MESSAGE, LOCALE, END};

static const FieldRule on_unsubscribe_rules[] = {
	TRANSACTION_ID, CORRELATION_ID, TIMESTAMP, STATUS(true), REASON_CODE, REASON_MESSAGE, END};
static const FieldRule on_unsubscribe_item_rules[] = {
	{"code", {0}, VALUE_TEXT, TXN_MAX, true, BAD},
	{"status", {0}, VALUE_TEXT, ID_MAX, true, BAD},
	END};

static const FieldRule notify_rules[] = {TRANSACTION_ID, END};
static const FieldRule notify_item_rules[] = {
	REFERENCE_ID, TIMESTAMP, {"data", {0}, VALUE_OBJECT, 0, true, BAD}, LOCALE, END};
static const FieldRule notify_data_rules[] = {
	{"version", {0}, VALUE_NOTE, ID_MAX, false, BAD},
	{"reg_type", {0}, VALUE_NOTE, ID_MAX, false, BAD},
	{"reg_event_type", {0}, VALUE_NOTE, ID_MAX, false, BAD},
	{"reg_record_type", {0}, VALUE_TEXT, ID_MAX, true, BAD},
	{"reg_records", {0}, VALUE_RECORDS, 0, true, BAD},
	END,
};

/* One row for each action: what its message must hold. */
typedef struct ActionRule
{
	const char *action;
	const FieldRule *message;
	const char *items; /* the list that total_count counts */
	const char *items_alias;
	const FieldRule *item; /* NULL: its items are strings, checked by the message's own rule */
	const char *inner;	   /* an object in each item with rules of its own, or NULL */
	const FieldRule *inner_rules;
	bool is_items_required;
	bool is_count_required; /* MsgHeader demands total_count, MsgCallbackHeader does not */
	bool is_one_request;	/* the list is one request: a total_count of 1 is right too */
} ActionRule;

static const ActionRule action_rules[] = {
	[MESSAGE_SUBSCRIBE] = {"subscribe", subscribe_rules, "subscribe_request", NULL,
						   subscribe_item_rules, NULL, NULL, true, true, false},
	[MESSAGE_UNSUBSCRIBE] = {"unsubscribe", unsubscribe_rules, "subscription_codes",
							 "sunscription_codes", NULL, NULL, NULL, true, true, true},
	[MESSAGE_ON_SUBSCRIBE] = {"on-subscribe", on_subscribe_rules, "subscribe_response", NULL,
							  on_subscribe_item_rules, NULL, NULL, true, false, false},
	[MESSAGE_ON_UNSUBSCRIBE] = {"on-unsubscribe", on_unsubscribe_rules, "subscription_status", NULL,
								on_unsubscribe_item_rules, NULL, NULL, false, false, true},
	[MESSAGE_NOTIFY] = {"notify", notify_rules, "notify_event", NULL, notify_item_rules, "data",
						notify_data_rules, true, false, false},
};

static bool
problem_set(MessageProblem *problem, const char *error_code, const char *path, const char *name,
			const char *text)
{
	problem->error_code = error_code;
	snprintf(problem->text, sizeof(problem->text), "%s.%s %s", path, name, text);
	return false;
}

/* Characters, not bytes: the standard's lengths are those of JSON Schema. */
static size_t
character_count(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char) *text & 0xc0) != 0x80;
	return count;
}

static bool
text_is_valid(const char *text, size_t limit)
{
	return text != NULL && *text != '\0' && character_count(text) <= limit;
}

static bool
uri_is_valid(const char *text, size_t limit)
{
	const unsigned char *c;

	if (!text_is_valid(text, limit) ||
		(strncasecmp(text, "https://", 8) != 0 && strncasecmp(text, "http://", 7) != 0))
		return false;
	for (c = (const unsigned char *) text; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}", *c) != NULL)
			return false;
	}
	c = (const unsigned char *) strstr(text, "://") + 3;
	return *c != '\0' && *c != '/';
}

static bool
status_is_valid(const char *text)
{
	return text != NULL && (strcmp(text, "rcvd") == 0 || strcmp(text, "pdng") == 0 ||
							strcmp(text, "succ") == 0 || strcmp(text, "rjct") == 0);
}

static bool
version_is_valid(const char *text)
{
	return text != NULL && text[0] == '1' && (text[1] == '\0' || text[1] == '.') &&
		   strspn(text, "0123456789.") == strlen(text) && strlen(text) < 16;
}

static bool
code_list_is_valid(const json_t *value, size_t limit)
{
	size_t i;

	for (i = 0; i < json_array_size(value); i++)
	{
		if (!text_is_valid(json_string_value(json_array_get(value, i)), limit))
			return false;
	}
	return json_is_array(value);
}

static bool
records_are_valid(const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(value); i++)
	{
		if (!json_is_object(json_array_get(value, i)))
			return false;
	}
	return json_is_object(value) || json_is_array(value);
}

static bool
value_is_valid(const json_t *value, const FieldRule *rule)
{
	const char *text = json_string_value(value);
	int64_t ms;

	switch (rule->kind)
	{
		case VALUE_TEXT:
			return text_is_valid(text, rule->limit);
		case VALUE_NOTE:
			return json_is_null(value) || (text != NULL && character_count(text) <= rule->limit);
		case VALUE_TIME:
			return text != NULL && iso_time_parse(text, &ms);
		case VALUE_LOCALE:
			return text != NULL && strlen(text) == 3 &&
				   strspn(text, "abcdefghijklmnopqrstuvwxyz") == 3;
		case VALUE_VERSION:
			return version_is_valid(text);
		case VALUE_URI:
			return uri_is_valid(text, rule->limit);
		case VALUE_STATUS:
			return status_is_valid(text);
		case VALUE_COUNT:
			return json_is_integer(value) && json_integer_value(value) >= 0;
		case VALUE_PLAINTEXT:
			return json_is_false(value);
		case VALUE_OBJECT:
			return json_is_object(value);
		case VALUE_RECORDS:
			return records_are_valid(value);
		case VALUE_CODE_LIST:
			return code_list_is_valid(value, rule->limit);
	}
	return false;
}

/* What to change, for each kind of value. */
static void
kind_describe(const FieldRule *rule, char *text, size_t size)
{
	static const char *const descriptions[] = {
		[VALUE_TEXT] = "must be a string of 1 to %zu characters",
		[VALUE_NOTE] = "must be a string of at most %zu characters",
		[VALUE_TIME] = "must be a time with zone, like 2026-11-22T01:02:03Z",
		[VALUE_LOCALE] = "must be three lower-case letters (ISO 639-3), like eng",
		[VALUE_VERSION] = "must be 1.0.0",
		[VALUE_URI] = "must be an absolute https address of at most %zu characters",
		[VALUE_STATUS] = "must be rcvd, pdng, succ or rjct",
		[VALUE_COUNT] = "must be an integer of at least 0",
		[VALUE_PLAINTEXT] = "must be false: encryption is not agreed",
		[VALUE_OBJECT] = "must be an object",
		[VALUE_RECORDS] = "must be an object or a list of objects",
		[VALUE_CODE_LIST] = "must be a list of strings of 1 to %zu characters",
	};
	const char *description = descriptions[rule->kind];
	const char *place = strstr(description, "%zu");

	if (place == NULL)
		snprintf(text, size, "%s", description);
	else
		snprintf(text, size, "%.*s%zu%s", (int) (place - description), description, rule->limit,
				 place + strlen("%zu"));
}

static const json_t *
field_get(const json_t *object, const FieldRule *rule)
{
	const json_t *value = json_object_get(object, rule->name);
	size_t i;

	for (i = 0; value == NULL && i < 2 && rule->aliases[i] != NULL; i++)
		value = json_object_get(object, rule->aliases[i]);
	return value;
}

static bool
fields_check(const json_t *object, const FieldRule *rules, const char *path,
			 MessageProblem *problem)
{
	const FieldRule *rule;
	char text[128];

	for (rule = rules; rule->name != NULL; rule++)
	{
		const json_t *value = field_get(object, rule);

		if (value == NULL && rule->is_required)
			return problem_set(problem, rule->error_code, path, rule->name, "is missing");
		if (value != NULL && !value_is_valid(value, rule))
		{
			kind_describe(rule, text, sizeof(text));
			return problem_set(problem, rule->error_code, path, rule->name, text);
		}
	}
	return true;
}

static bool
header_check(const json_t *header, const ActionRule *rule, const char *receiver_id,
			 MessageProblem *problem)
{
	const char *receiver = json_string_value(json_object_get(header, "receiver_id"));
	char text[64];

	if (!fields_check(header, header_rules, "header", problem))
		return false;
	if (strcmp(json_string_value(json_object_get(header, "action")), rule->action) != 0)
	{
		snprintf(text, sizeof(text), "must be \"%s\" on this path", rule->action);
		return problem_set(problem, BAD, "header", "action", text);
	}
	if (receiver_id != NULL && receiver == NULL)
		return problem_set(problem, "err.receiver_id.invalid", "header", "receiver_id",
						   "is missing; send the id of this system");
	if (receiver_id != NULL && strcmp(receiver, receiver_id) != 0)
		return problem_set(problem, "err.receiver_id.invalid", "header", "receiver_id",
						   "is not the id of this system");
	if (rule->is_count_required && json_object_get(header, "total_count") == NULL)
		return problem_set(problem, BAD, "header", "total_count", "is missing");
	return true;
}

/* header.total_count against the list it counts; the list must not be empty. */
static bool
count_check(const json_t *header, const json_t *items, const ActionRule *rule,
			MessageProblem *problem)
{
	const json_t *total = json_object_get(header, "total_count");
	json_int_t count = (json_int_t) json_array_size(items);
	char text[128];

	if (count == 0 && rule->is_items_required)
		return problem_set(problem, BAD, "message", rule->items,
						   "is empty; send at least one item (rjct.total_count.invalid)");
	if (total == NULL || json_integer_value(total) == count ||
		(rule->is_one_request && json_integer_value(total) == 1))
		return true;
	snprintf(text, sizeof(text), "must be %d, the number of items in message.%s", (int) count,
			 rule->items);
	return problem_set(problem, BAD, "header", "total_count", text);
}

static bool
item_check(const json_t *item, const ActionRule *rule, size_t number, MessageProblem *problem)
{
	char path[96];

	snprintf(path, sizeof(path), "message.%s[%zu]", rule->items, number);
	if (!json_is_object(item))
	{
		problem->error_code = BAD;
		snprintf(problem->text, sizeof(problem->text), "%s must be an object", path);
		return false;
	}
	if (!fields_check(item, rule->item, path, problem))
		return false;
	if (rule->inner == NULL)
		return true;
	snprintf(path, sizeof(path), "message.%s[%zu].%s", rule->items, number, rule->inner);
	return fields_check(json_object_get(item, rule->inner), rule->inner_rules, path, problem);
}

static bool
items_check(const json_t *header, const json_t *message, const ActionRule *rule,
			MessageProblem *problem)
{
	const json_t *items = json_object_get(message, rule->items);
	size_t i;

	if (items == NULL && rule->items_alias != NULL)
		items = json_object_get(message, rule->items_alias);
	if (items == NULL && !rule->is_items_required)
		return true;
	if (items == NULL)
		return problem_set(problem, BAD, "message", rule->items, "is missing");
	if (!json_is_array(items))
		return problem_set(problem, BAD, "message", rule->items, "must be a list");
	if (!count_check(header, items, rule, problem))
		return false;
	for (i = 0; rule->item != NULL && i < json_array_size(items); i++)
	{
		if (!item_check(json_array_get(items, i), rule, i, problem))
			return false;
	}
	return true;
}

bool
message_check(const json_t *envelope, MessageAction action, const char *receiver_id,
			  MessageProblem *problem)
{
	const ActionRule *rule = &action_rules[action];
	const json_t *header = json_object_get(envelope, "header");
	const json_t *message = json_object_get(envelope, "message");

	problem->error_code = BAD;
	if (!json_is_object(header))
	{
		snprintf(problem->text, sizeof(problem->text), "header is missing or no object");
		return false;
	}
	if (!header_check(header, rule, receiver_id, problem))
		return false;
	problem->error_code = BAD;
	if (!json_is_object(message))
	{
		snprintf(problem->text, sizeof(problem->text), "message is missing or no object");
		return false;
	}
	if (json_object_get(message, "ciphertext") != NULL)
		return problem_set(problem, "err.encryption.invalid", "message", "ciphertext",
						   "is not expected: encryption is not agreed");
	return fields_check(message, rule->message, "message", problem) &&
		   items_check(header, message, rule, problem);
}

static const char *
header_id(const json_t *envelope, const char *name)
{
	const char *id = json_string_value(json_object_get(json_object_get(envelope, "header"), name));

	return id != NULL && *id != '\0' && strlen(id) <= ID_MAX ? id : NULL;
}

const char *
message_sender_id(const json_t *envelope)
{
	return header_id(envelope, "sender_id");
}

const char *
message_message_id(const json_t *envelope)
{
	return header_id(envelope, "message_id");
}

const char *
message_action_name(MessageAction action)
{
	return action_rules[action].action;
}
