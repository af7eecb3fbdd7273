/*
 * message_parse.c
 *		Parses received bytes. Duplicate members are refused: two readers would not see the same
 *		message, and one of them checked the signature.
 */
#include <stdio.h>
#include <string.h>

#include "message/json_bounds.h"
#include "message/message_parse.h"

static bool
parse_refuse(MessageProblem *problem, const char *text)
{
	problem->error_code = "err.request.bad";
	snprintf(problem->text, sizeof(problem->text), "%s", text);
	return false;
}

/* jansson's own texts quote the message; ours only say where. */
static bool
syntax_refuse(MessageProblem *problem, const json_error_t *error)
{
	const char *reason;

	switch (json_error_code(error))
	{
		case json_error_duplicate_key:
			reason = "has the same member twice in one object";
			break;
		case json_error_numeric_overflow:
			reason = "has a number that is too large; send it as a string";
			break;
		case json_error_invalid_utf8:
			reason = "is not UTF-8";
			break;
		case json_error_null_character:
		case json_error_null_byte_in_key:
			reason = "has a string with \\u0000";
			break;
		case json_error_stack_overflow:
			reason = "is nested too deeply";
			break;
		case json_error_out_of_memory:
			problem->error_code = "err.service.unavailable";
			snprintf(problem->text, sizeof(problem->text), "out of memory");
			return false;
		default:
			reason = "is not JSON";
	}
	problem->error_code = "err.request.bad";
	snprintf(problem->text, sizeof(problem->text), "the body %s (line %d, column %d)", reason,
			 error->line, error->column);
	return false;
}

static bool
string_limits_check(size_t length, MessageProblem *problem)
{
	if (length <= MESSAGE_MAX_STRING)
		return true;
	problem->error_code = "err.request.bad";
	snprintf(problem->text, sizeof(problem->text), "a string is longer than %d bytes",
			 MESSAGE_MAX_STRING);
	return false;
}

/* What the bounds of the text leave: how long strings are without their escapes. */
static bool
limits_check(json_t *value, int depth, MessageProblem *problem)
{
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach(value, i, member)
	{
		if (!limits_check(member, depth + 1, problem))
			return false;
	}
	json_object_foreach(value, key, member)
	{
		/* message.ciphertext hides a whole message: the limit of the body holds */
		if (depth == 2 && json_is_string(member) && strcmp(key, "ciphertext") == 0)
			continue;
		if (!string_limits_check(strlen(key), problem) || !limits_check(member, depth + 1, problem))
			return false;
	}
	return !json_is_string(value) || string_limits_check(json_string_length(value), problem);
}

bool
message_parse(const char *body, size_t length, json_t **envelope, MessageProblem *problem)
{
	json_error_t error;
	json_t *parsed;

	*envelope = NULL;
	if (length == 0)
		return parse_refuse(problem, "the body is empty; send a JSON object");
	/* before anything is built: a tree is many times as large as its text */
	problem->error_code = "err.request.bad";
	if (!json_bounds_check(body, length, problem->text, sizeof(problem->text)))
		return false;
	parsed = json_loadb(body, length, JSON_REJECT_DUPLICATES, &error);
	if (parsed == NULL)
		return syntax_refuse(problem, &error);
	if (!json_is_object(parsed))
	{
		json_decref(parsed);
		return parse_refuse(problem, "the body is not a JSON object with header and message");
	}
	if (!limits_check(parsed, 1, problem))
	{
		json_decref(parsed);
		return false;
	}
	*envelope = parsed;
	return true;
}
