/*
 * message_check.c
 *		Walks a message along the tables of rules. The first thing that is wrong is told, with the
 *		place where it stands and what to change.
 */
#include "message/message_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "message/message_rules.h"

#define BAD "err.request.bad"
#define ID_BYTES (4 * 255) /* as many as 255 characters can have */
#define PATH_SIZE 160
#define DEPTH_LIMIT 8 /* of the tables, not of messages: those are bounded by message_parse */

static bool problem_set(MessageProblem *problem, const char *error_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool
problem_set(MessageProblem *problem, const char *error_code, const char *format, ...)
{
	va_list arguments;

	problem->error_code = error_code;
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
	return false;
}

static bool
field_refuse(const FieldRule *rule, const char *path, const char *text, MessageProblem *problem)
{
	const char *error_code = rule->error_code != NULL ? rule->error_code : BAD;

	if (rule->reason != NULL)
		return problem_set(problem, error_code, "%s.%s %s (%s)", path, rule->name, text,
						   rule->reason);
	return problem_set(problem, error_code, "%s.%s %s", path, rule->name, text);
}

/* The value under the right name or one of the typos; a null says no more than nothing. */
static const json_t *
field_get(const json_t *object, const FieldRule *rule)
{
	const json_t *value = json_object_get(object, rule->name);
	size_t i;

	for (i = 0; value == NULL && i < MESSAGE_ALIASES && rule->aliases[i] != NULL; i++)
		value = json_object_get(object, rule->aliases[i]);
	return json_is_null(value) ? NULL : value;
}

static bool fields_check(const json_t *object, const FieldRule *rules, const char *path, int depth,
						 MessageProblem *problem);

static bool
items_check(const json_t *items, const FieldRule *rule, const char *path, int depth,
			MessageProblem *problem)
{
	size_t i;

	for (i = 0; i < json_array_size(items); i++)
	{
		char inner[PATH_SIZE];

		snprintf(inner, sizeof(inner), "%s.%s[%zu]", path, rule->name, i);
		if (!json_is_object(json_array_get(items, i)))
			return problem_set(problem, BAD, "%s must be an object", inner);
		if (!fields_check(json_array_get(items, i), rule->inside, inner, depth, problem))
			return false;
	}
	return true;
}

static bool
field_check(const json_t *value, const FieldRule *rule, const char *path, int depth,
			MessageProblem *problem)
{
	char text[256];
	char inner[PATH_SIZE];

	if (!value_is_valid(value, rule->kind, rule->limit, rule->words))
	{
		value_describe(rule->kind, rule->limit, rule->words, text, sizeof(text));
		return field_refuse(rule, path, text, problem);
	}
	/* no table is that deep; the bound is for tables that would name themselves */
	if (rule->inside == NULL || depth == DEPTH_LIMIT)
		return true;
	if (rule->kind == VALUE_LIST)
		return items_check(value, rule, path, depth + 1, problem);
	snprintf(inner, sizeof(inner), "%s.%s", path, rule->name);
	return fields_check(value, rule->inside, inner, depth + 1, problem);
}

static bool
fields_check(const json_t *object, const FieldRule *rules, const char *path, int depth,
			 MessageProblem *problem)
{
	const FieldRule *rule;

	/* Along the rules, not the members: what the standard does not name is nobody's error. */
	for (rule = rules; rule->name != NULL; rule++)
	{
		const json_t *value = field_get(object, rule);

		if (value == NULL && rule->is_required)
			return field_refuse(rule, path, "is missing", problem);
		if (value != NULL && !field_check(value, rule, path, depth, problem))
			return false;
	}
	return true;
}

static bool
action_check(const char *word, const ActionRule *rule, MessageProblem *problem)
{
	size_t i;

	for (i = 0; i < MESSAGE_WORDS && rule->words[i] != NULL; i++)
	{
		if (strcmp(word, rule->words[i]) == 0)
			return true;
	}
	return problem_set(problem, BAD,
					   "header.action must be \"%s\" on this path (rjct.action.invalid)",
					   rule->words[0]);
}

static bool
header_check(const json_t *header, const ActionRule *rule, const char *receiver_id,
			 MessageProblem *problem)
{
	const char *receiver = json_string_value(json_object_get(header, "receiver_id"));

	if (!fields_check(header, message_header_rules, "header", 0, problem) ||
		!action_check(json_string_value(json_object_get(header, "action")), rule, problem))
		return false;
	/* receiver_id NULL: a partner that may come unsigned may also leave us unnamed. */
	if (receiver_id != NULL && receiver == NULL)
		return problem_set(problem, "err.receiver_id.invalid",
						   "header.receiver_id is missing; send the id of this system");
	if (receiver_id != NULL && strcmp(receiver, receiver_id) != 0)
		return problem_set(problem, "err.receiver_id.invalid",
						   "header.receiver_id is not the id of this system");
	if (rule->is_count_required && !json_is_integer(json_object_get(header, "total_count")))
		return problem_set(problem, BAD,
						   "header.total_count is missing (rjct.total_count.invalid)");
	return true;
}

/* The list that total_count counts, under whatever name; its rule says so. */
static const json_t *
items_find(const json_t *message, const ActionRule *rule, bool *is_required)
{
	const FieldRule *field;

	for (field = rule->message; field->name != NULL; field++)
	{
		if (strcmp(field->name, rule->items) != 0)
			continue;
		*is_required = field->is_required;
		return field_get(message, field);
	}
	return NULL;
}

/*
 * header.total_count against the list it counts; the list must not be empty, but of what was found.
 */
static bool
count_check(const json_t *header, const json_t *message, const ActionRule *rule,
			MessageProblem *problem)
{
	const json_t *total = json_object_get(header, "total_count");
	bool is_required = false;
	const json_t *items = rule->items != NULL ? items_find(message, rule, &is_required) : NULL;
	json_int_t count = items != NULL ? (json_int_t) json_array_size(items) : 1;

	if (is_required && count == 0 && rule != &message_action_rules[MESSAGE_ON_SEARCH])
		return problem_set(problem, BAD,
						   "message.%s is empty; send at least one item (rjct.total_count.invalid)",
						   rule->items);
	/* Some count the codes of one request, some the request: both are taken. */
	if (!json_is_integer(total) || json_integer_value(total) == count ||
		(rule->is_one_request && json_integer_value(total) == 1))
		return true;
	if (rule->items == NULL)
		return problem_set(problem, BAD,
						   "header.total_count must be 1: this message is one request"
						   " (rjct.total_count.invalid)");
	return problem_set(problem, BAD,
					   "header.total_count must be %d, the number of items in message.%s"
					   " (rjct.total_count.invalid)",
					   (int) count, rule->items);
}

/* A refusal of all that was asked may come without a message, or with one that has no items. */
static bool
message_is_void(const json_t *header, const json_t *message, const ActionRule *rule)
{
	const char *status = json_string_value(json_object_get(header, "status"));

	return rule->is_void_if_rejected && status != NULL && strcmp(status, "rjct") == 0 &&
		   (message == NULL || json_is_null(message) || json_object_size(message) == 0 ||
			(rule->items != NULL && json_object_get(message, rule->items) == NULL));
}

bool
message_check(const json_t *envelope, const json_t *plain, MessageAction action,
			  const char *receiver_id, MessageProblem *problem)
{
	const ActionRule *rule = &message_action_rules[action];
	const json_t *header = json_object_get(envelope, "header");
	const json_t *message = plain != NULL ? plain : json_object_get(envelope, "message");

	if (!json_is_object(header))
		return problem_set(problem, BAD, "header is missing or no object");
	if (!header_check(header, rule, receiver_id, problem))
		return false;
	if (message_is_void(header, message, rule))
		return true;
	if (!json_is_object(message))
		return problem_set(problem, BAD, "message is missing or no object");
	return fields_check(message, rule->message, "message", 0, problem) &&
		   count_check(header, message, rule, problem);
}

bool
message_is_probe(size_t length, const json_t *envelope)
{
	return length == 0 || (json_is_object(envelope) && json_object_size(envelope) == 0);
}

static const char *
header_id(const json_t *envelope, const char *name)
{
	const char *id = json_string_value(json_object_get(json_object_get(envelope, "header"), name));

	/* asked before the message is checked: what is no id is none, not an error yet */
	return id != NULL && *id != '\0' && strlen(id) <= ID_BYTES ? id : NULL;
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
message_sender_uri(const json_t *envelope)
{
	return json_string_value(json_object_get(json_object_get(envelope, "header"), "sender_uri"));
}

bool
message_is_answer(MessageAction action)
{
	return action == MESSAGE_ON_SUBSCRIBE || action == MESSAGE_ON_UNSUBSCRIBE ||
		   action == MESSAGE_ON_SEARCH || action == MESSAGE_TXN_ON_STATUS;
}

bool
message_wants_callback(MessageAction action)
{
	return action == MESSAGE_SUBSCRIBE || action == MESSAGE_UNSUBSCRIBE ||
		   action == MESSAGE_SEARCH || action == MESSAGE_TXN_STATUS;
}
