/*
 * message_mend.c
 *		Walks a message along the tables of message_rules, as message_check does, and changes what
 *		has a row in odd_form.c. Ids that must be unique are made of the message_id: a repeated
 *		message gets the same again.
 */
#include "message/message_mend.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/iso_time.h"
#include "message/canonical_json.h"
#include "message/locale_code.h"
#include "message/message_rules.h"
#include "message/names_mend.h"
#include "message/query_mend.h"

#define DEPTH_LIMIT 8 /* of the tables, as in message_check */
#define ID_SIZE 1100  /* 255 characters, and the number of an item */
#define WORD_SIZE 64

typedef struct Mend
{
	OddForms *found;
	const json_t *header;
	size_t item; /* of the list that is walked, from 1; 0: of none */
} Mend;

/* The name under which the object has it, or NULL. */
static const char *
field_name(const json_t *object, const FieldRule *rule)
{
	if (json_object_get(object, rule->name) != NULL)
		return rule->name;
	for (size_t i = 0; i < MESSAGE_ALIASES && rule->aliases[i] != NULL; i++)
	{
		if (json_object_get(object, rule->aliases[i]) != NULL)
			return rule->aliases[i];
	}
	return NULL;
}

static const char *
header_text(const Mend *mend, const char *name)
{
	const char *text = json_string_value(json_object_get(mend->header, name));

	return text != NULL ? text : "";
}

static bool
is_empty_text(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) == 0;
}

/* Is it empty in a way that its kind cannot be? An empty page is none: what it must have misses. */
static bool
is_empty(const json_t *value, const FieldRule *rule)
{
	return (is_empty_text(value) && rule->kind != VALUE_NAME && rule->kind != VALUE_NOTE) ||
		   (rule->kind == VALUE_OBJECT && json_is_array(value) && json_array_size(value) == 0) ||
		   (rule->kind == VALUE_LIST && json_is_object(value) && json_object_size(value) == 0) ||
		   (rule->kind == VALUE_OBJECT && rule->inside != NULL && json_is_object(value) &&
			json_object_size(value) == 0);
}

static void
own_id(const Mend *mend, char id[ID_SIZE])
{
	if (mend->item > 0)
		snprintf(id, ID_SIZE, "%s-%zu", header_text(mend, "message_id"), mend->item);
	else
		snprintf(id, ID_SIZE, "%s", header_text(mend, "message_id"));
}

/* What is required and empty. NULL: it stays, and is refused. */
static json_t *
empty_mend(Mend *mend, const FieldRule *rule, const char *path)
{
	char id[ID_SIZE];
	bool is_id = strcmp(rule->name, "transaction_id") == 0 ||
				 strcmp(rule->name, "correlation_id") == 0 ||
				 strcmp(rule->name, "reference_id") == 0;

	if (mend->item == SIZE_MAX)
		return NULL;
	if (is_id && odd_form_note(mend->found, ODD_EMPTY_ID, path, rule->name))
	{
		own_id(mend, id);
		return json_string(id);
	}
	if (strcmp(rule->name, "timestamp") == 0 &&
		odd_form_note(mend->found, ODD_EMPTY_TIME, path, rule->name))
		return json_string(header_text(mend, "message_ts"));
	return NULL;
}

static json_t *
number_mend(Mend *mend, const char *text, const char *path, const char *name)
{
	size_t length = strlen(text);
	json_int_t number = 0;

	/* nine digits fit; a sign or a blank would be somebody else's number format */
	if (length < 1 || length > 9 || strspn(text, "0123456789") != length ||
		!odd_form_note(mend->found, ODD_NUMBER_AS_TEXT, path, name))
		return NULL;
	for (; *text != '\0'; text++)
		number = number * 10 + (*text - '0');
	return json_integer(number);
}

static json_t *
locale_mend(Mend *mend, const char *text, const char *path, const char *name)
{
	char code[LOCALE_CODE_SIZE];
	bool has_region = false;

	if (!locale_code_read(text, code, &has_region) || strcmp(code, text) == 0 ||
		!odd_form_note(mend->found, has_region ? ODD_LOCALE_REGION : ODD_LOCALE_LETTERS, path,
					   name))
		return NULL;
	return json_string(code);
}

static json_t *
time_mend(Mend *mend, const char *text, const char *path, const char *name)
{
	char zoned[WORD_SIZE];
	int64_t ms;

	snprintf(zoned, sizeof(zoned), "%sZ", text);
	if (strlen(text) > WORD_SIZE - 2 || iso_time_parse(text, &ms) || !iso_time_parse(zoned, &ms) ||
		!odd_form_note(mend->found, ODD_TIME_WITHOUT_ZONE, path, name))
		return NULL;
	return json_string(zoned);
}

/* In small letters, with '-' for '_' and '/'. */
static void
word_fold(const char *text, char word[WORD_SIZE])
{
	size_t i;

	for (i = 0; text[i] != '\0' && i < WORD_SIZE - 1; i++)
	{
		word[i] = text[i] == '_' || text[i] == '/' ? '-' : text[i];
		if (word[i] >= 'A' && word[i] <= 'Z')
			word[i] = (char) (word[i] - 'A' + 'a');
	}
	word[i] = '\0';
}

static json_t *
word_mend(Mend *mend, const char *text, const FieldRule *rule, const char *path)
{
	const char *colon = strrchr(text, ':');
	char given[WORD_SIZE];
	char known[WORD_SIZE];

	word_fold(colon != NULL ? colon + 1 : text, given);
	for (const char *const *word = rule->words; *word != NULL; word++)
	{
		word_fold(*word, known);
		if (strcmp(given, known) == 0 && odd_form_note(mend->found, ODD_WORD, path, rule->name))
			return json_string(*word);
	}
	return NULL;
}

static json_t *
text_mend(Mend *mend, const json_t *value, const FieldRule *rule, const char *path)
{
	const char *text = json_string_value(value);

	switch (rule->kind)
	{
		case VALUE_COUNT:
		case VALUE_NUMBER:
			return number_mend(mend, text, path, rule->name);
		case VALUE_LOCALE:
			return locale_mend(mend, text, path, rule->name);
		case VALUE_TIME:
			return time_mend(mend, text, path, rule->name);
		case VALUE_WORD:
			return word_mend(mend, text, rule, path);
		case VALUE_ID_LIST:
			return odd_form_note(mend->found, ODD_ONE_FOR_LIST, path, rule->name)
					   ? json_pack("[O]", value)
					   : NULL;
		default:
			return NULL;
	}
}

/* Some write a name from a list as an object that also says from which. */
static json_t *
object_mend(Mend *mend, const json_t *value, const FieldRule *rule, const char *path)
{
	json_t *name = json_object_get(value, "value");

	if ((rule->kind != VALUE_NAME && rule->kind != VALUE_TEXT) || !json_is_string(name) ||
		!odd_form_note(mend->found, ODD_TYPE_OBJECT, path, rule->name))
		return NULL;
	return json_incref(name);
}

/* Something that fits, of a value that does not; NULL when there is none. */
static json_t *
value_mend(Mend *mend, json_t *value, const FieldRule *rule, const char *path)
{
	if (value_is_valid(value, rule->kind, rule->limit, rule->words))
		return NULL;
	if (json_is_string(value))
		return text_mend(mend, value, rule, path);
	if (json_is_object(value) && rule->kind != VALUE_LIST)
		return object_mend(mend, value, rule, path);
	if (rule->kind == VALUE_LIST && json_is_object(value) &&
		odd_form_note(mend->found, ODD_ONE_FOR_LIST, path, rule->name))
		return json_pack("[O]", value);
	if (rule->kind == VALUE_OBJECT && json_array_size(value) == 1 &&
		json_is_object(json_array_get(value, 0)) &&
		odd_form_note(mend->found, ODD_LIST_OF_ONE, path, rule->name))
		return json_incref(json_array_get(value, 0));
	return NULL;
}

static void fields_mend(Mend *mend, json_t *object, const FieldRule *rules, const char *path,
						int depth);

static void
inside_mend(Mend *mend, json_t *value, const FieldRule *rule, const char *path, int depth)
{
	char inner[ODD_PLACE_SIZE];
	size_t outer = mend->item;

	if (rule->kind != VALUE_LIST)
	{
		snprintf(inner, sizeof(inner), "%s.%s", path, rule->name);
		fields_mend(mend, value, rule->inside, inner, depth + 1);
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
	{
		snprintf(inner, sizeof(inner), "%s.%s[%zu]", path, rule->name, i);
		mend->item = i + 1;
		fields_mend(mend, json_array_get(value, i), rule->inside, inner, depth + 1);
	}
	mend->item = outer;
}

static void
field_mend(Mend *mend, json_t *object, const FieldRule *rule, const char *path, int depth)
{
	const char *name = field_name(object, rule);
	json_t *value = name != NULL ? json_object_get(object, name) : NULL;
	json_t *better = NULL;

	if (value == NULL || json_is_null(value))
		return;
	if (is_empty(value, rule) && !rule->is_required)
	{
		if (odd_form_note(mend->found, ODD_EMPTY, path, rule->name))
			(void) json_object_del(object, name);
		return;
	}
	better =
		is_empty(value, rule) ? empty_mend(mend, rule, path) : value_mend(mend, value, rule, path);
	if (better != NULL)
		(void) json_object_set_new(object, name, better);
	if (rule->inside != NULL && depth < DEPTH_LIMIT)
		inside_mend(mend, json_object_get(object, name), rule, path, depth);
}

static void
fields_mend(Mend *mend, json_t *object, const FieldRule *rules, const char *path, int depth)
{
	for (const FieldRule *rule = rules; json_is_object(object) && rule->name != NULL; rule++)
		field_mend(mend, object, rule, path, depth);
}

/* Does an action mean what the path does? A wrong one is never mended: only another spelling. */
static bool
action_means(const char *given, const ActionRule *rule, MessageAction action)
{
	char ours[WORD_SIZE];
	const char *back = "on-";
	const char *plain = strncmp(given, back, 3) == 0 ? given + 3 : given;

	if (action == MESSAGE_SEARCH && strcmp(given, "verify") == 0)
		return true;
	for (size_t i = 0; i < MESSAGE_WORDS && rule->words[i] != NULL; i++)
	{
		word_fold(rule->words[i], ours);
		if (strcmp(plain, strncmp(ours, back, 3) == 0 ? ours + 3 : ours) == 0)
			return true;
	}
	return (action == MESSAGE_TXN_ON_STATUS || action == MESSAGE_TXN_STATUS) &&
		   (strcmp(plain, "txn-status") == 0 || strcmp(given, "txn-on-status") == 0);
}

static bool
is_told(MessageAction action)
{
	return action == MESSAGE_NOTIFY || action == MESSAGE_ON_SUBSCRIBE ||
		   action == MESSAGE_ON_UNSUBSCRIBE || action == MESSAGE_ON_SEARCH ||
		   action == MESSAGE_TXN_ON_STATUS;
}

MessageAction
message_mend_path(const json_t *envelope, MessageAction path, OddForms *found)
{
	const json_t *header = json_object_get(envelope, "header");
	const char *text = json_string_value(json_object_get(header, "action"));

	if (text == NULL || !is_told(path) || strcmp(text, message_action_rules[path].words[0]) == 0)
		return path;
	for (MessageAction action = 0; action < MESSAGE_ACTIONS; action++)
	{
		if (is_told(action) && strcmp(text, message_action_rules[action].words[0]) == 0 &&
			odd_form_note(found, ODD_CALLBACK_PATH, "path", ""))
			return action;
	}
	return path;
}

static void
action_mend(Mend *mend, json_t *header, const json_t *message, MessageAction action)
{
	const ActionRule *rule = &message_action_rules[action];
	const char *text = json_string_value(json_object_get(header, "action"));
	char given[WORD_SIZE];

	if (text == NULL)
		return;
	for (size_t i = 0; i < MESSAGE_WORDS && rule->words[i] != NULL; i++)
	{
		if (strcmp(text, rule->words[i]) == 0)
			return;
	}
	word_fold(text, given);
	/* what it says must be there: a refusal without a message is one of what its action says */
	if (json_object_size(message) > 0 && action_means(given, rule, action) &&
		odd_form_note(mend->found, ODD_ACTION, "header", "action"))
		(void) json_object_set_new(header, "action", json_string(rule->words[0]));
}

static void
count_mend(Mend *mend, json_t *header, const json_t *message, const ActionRule *rule)
{
	const json_t *total = json_object_get(header, "total_count");
	const json_t *items = rule->items != NULL ? json_object_get(message, rule->items) : NULL;
	json_int_t count = json_is_array(items) ? (json_int_t) json_array_size(items) : 1;

	if (json_is_null(total))
		total = NULL;
	if (json_object_size(message) == 0 || (total == NULL && !rule->is_count_required) ||
		(total != NULL && !json_is_integer(total)) || json_integer_value(total) == count ||
		(rule->items != NULL && items == NULL) ||
		(rule->is_one_request && json_integer_value(total) == 1))
		return;
	if (odd_form_note(mend->found, ODD_TOTAL_COUNT, "header", "total_count"))
		(void) json_object_set_new(header, "total_count", json_integer(count));
}

/* The criteria of each item of a search or a subscribe. */
static void
criteria_mend(Mend *mend, const json_t *message, const char *items, const char *name,
			  const QueryNames *names)
{
	const json_t *list = json_object_get(message, items);
	char path[ODD_PLACE_SIZE];

	for (size_t i = 0; i < json_array_size(list); i++)
	{
		json_t *criteria = json_object_get(json_array_get(list, i), name);

		snprintf(path, sizeof(path), "message.%s[%zu].%s", items, i, name);
		query_mend(criteria, names, path, mend->found);
		frequency_mend(criteria, path, mend->found);
	}
}

/* It stays as it is, and message_check lets it pass: only its meaning is ours. */
static void
found_mend(const json_t *message, MessageAction action, OddForms *found)
{
	const json_t *answers = json_object_get(message, "search_response");

	if (action == MESSAGE_ON_SEARCH && json_is_array(answers) && json_array_size(answers) == 0)
		(void) odd_form_note(found, ODD_NOTHING_FOUND, "message", "search_response");
}

void
message_mend_flag(json_t *envelope, OddForms *found)
{
	json_t *header = json_object_get(envelope, "header");
	const json_t *flag = json_object_get(header, "is_msg_encrypted");
	const char *text = json_string_value(flag);
	int value = text == NULL					 ? -1
				: strcasecmp(text, "true") == 0	 ? 1
				: strcasecmp(text, "false") == 0 ? 0
												 : -1;

	if (flag == NULL || (value < 0 && !json_is_null(flag) && !is_empty_text(flag)) ||
		!odd_form_note(found, ODD_FLAG_AS_TEXT, "header", "is_msg_encrypted"))
		return;
	if (value < 0)
		(void) json_object_del(header, "is_msg_encrypted");
	else
		(void) json_object_set_new(header, "is_msg_encrypted", json_boolean(value));
}

void
message_mend(json_t *envelope, json_t *plain, MessageAction action, OddForms *found)
{
	static const QueryNames query = {"query", "query_type"};
	static const QueryNames filter = {"filter", "filter_type"};
	const ActionRule *rule = &message_action_rules[action];
	json_t *header = json_object_get(envelope, "header");
	json_t *message = plain != NULL ? plain : json_object_get(envelope, "message");
	Mend mend = {.found = found, .header = header};

	if (!json_is_object(header))
		return;
	/* of the header no id is made up: by its own the message is known */
	mend.item = SIZE_MAX;
	fields_mend(&mend, header, message_header_rules, "header", 0);
	mend.item = 0;
	action_mend(&mend, header, message, action);
	if (!json_is_object(message))
		return;
	names_mend(message, action, header_text(&mend, "message_id"), found);
	fields_mend(&mend, message, rule->message, "message", 0);
	found_mend(message, action, found);
	criteria_mend(&mend, message, "search_request", "search_criteria", &query);
	criteria_mend(&mend, message, "subscribe_request", "subscribe_criteria", &filter);
	count_mend(&mend, header, message, rule);
}

/* Is it missing, or one of these two? */
static bool
side_is(const json_t *header, const char *name, const char *one, const char *other)
{
	const json_t *side = json_object_get(header, name);
	const char *text = json_string_value(side);

	return side == NULL || json_is_null(side) || is_empty_text(side) ||
		   (text != NULL && (strcmp(text, one) == 0 || strcmp(text, other) == 0));
}

void
message_mend_sides(json_t *envelope, MessageAction action, const char *ours, const char *theirs,
				   OddForms *found)
{
	json_t *header = json_object_get(envelope, "header");
	const char *sender = json_string_value(json_object_get(header, "sender_id"));

	if (!json_is_object(header) || !message_is_answer(action) ||
		(sender != NULL && strcmp(sender, theirs) == 0) ||
		!side_is(header, "sender_id", ours, ours) ||
		!side_is(header, "receiver_id", theirs, ours) ||
		!odd_form_note(found, ODD_SIDES, "header", "sender_id"))
		return;
	(void) json_object_set_new(header, "sender_id", json_string(theirs));
	(void) json_object_set_new(header, "receiver_id", json_string(ours));
}

bool
message_mend_write(const json_t *envelope, const json_t *plain, Buffer *text)
{
	const json_t *message = plain != NULL ? plain : json_object_get(envelope, "message");
	json_t *both =
		json_pack("{s:O,s:O*}", "header", json_object_get(envelope, "header"), "message", message);
	Failure failure;
	bool ok = both != NULL && canonical_json(both, text, &failure);

	json_decref(both);
	return ok;
}
