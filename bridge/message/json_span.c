/*
 * json_span.c
 *		Walks over JSON text without building anything. Never reads outside the bytes given, even
 *		when they are no JSON at all.
 */
#include <string.h>

#include "message/json_span.h"

typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static void
cursor_skip_blanks(Cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) != NULL &&
		   *cursor->at != '\0')
		cursor->at++;
}

/* After the closing quote of the string that begins here. */
static bool
cursor_skip_string(Cursor *cursor)
{
	for (cursor->at++; cursor->at < cursor->end; cursor->at++)
	{
		/* whatever is escaped, a quote above all, does not end the string */
		if (*cursor->at == '\\')
			cursor->at++;
		else if (*cursor->at == '"')
		{
			cursor->at++;
			return true;
		}
	}
	cursor->at = cursor->end;
	return false;
}

/* After the value that begins here; nesting is counted, not recursed into. */
static bool
cursor_skip_value(Cursor *cursor)
{
	/* brackets of both kinds count alike: message_parse has seen that they match */
	size_t depth = 0;

	while (cursor->at < cursor->end)
	{
		char c = *cursor->at;

		if (c == '"')
		{
			if (!cursor_skip_string(cursor))
				return false;
			if (depth == 0)
				return true;
			continue;
		}
		if (c == ',' && depth == 0)
			return true;
		if (c == '}' || c == ']')
		{
			if (depth == 0)
				return true;
			depth--;
			cursor->at++;
			if (depth == 0)
				return true;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (depth == 0 && strchr(" \t\r\n", c) != NULL)
			return true;
		cursor->at++;
	}
	return false;
}

static bool
cursor_take(Cursor *cursor, char expected)
{
	cursor_skip_blanks(cursor);
	if (cursor->at >= cursor->end || *cursor->at != expected)
		return false;
	cursor->at++;
	return true;
}

/* The next member: its name as it is written, and where its value stands. */
static bool
cursor_take_member(Cursor *cursor, JsonSpan *name, JsonSpan *value)
{
	cursor_skip_blanks(cursor);
	if (cursor->at >= cursor->end || *cursor->at != '"')
		return false;
	name->start = cursor->at + 1;
	if (!cursor_skip_string(cursor))
		return false;
	name->length = (size_t) (cursor->at - name->start) - 1;
	if (!cursor_take(cursor, ':'))
		return false;
	cursor_skip_blanks(cursor);
	value->start = cursor->at;
	if (!cursor_skip_value(cursor))
		return false;
	value->length = (size_t) (cursor->at - value->start);
	return true;
}

bool
json_span_find(const char *body, size_t length, const char *const *names, size_t count,
			   JsonSpan *spans)
{
	Cursor cursor = {body, body + length};
	JsonSpan name;
	JsonSpan value;
	size_t found = 0;

	memset(spans, 0, count * sizeof(JsonSpan));
	if (!cursor_take(&cursor, '{'))
		return false;
	do
	{
		if (!cursor_take_member(&cursor, &name, &value))
			return false;
		for (size_t i = 0; i < count; i++)
		{
			if (spans[i].start != NULL || value.length == 0 || name.length != strlen(names[i]) ||
				memcmp(name.start, names[i], name.length) != 0)
				continue;
			spans[i] = value;
			found++;
		}
	} while (found < count && cursor_take(&cursor, ','));
	return found == count;
}
