/*
 * message_value.c
 *		How each kind of value is checked and described. A description never quotes the value.
 */
#include "message/message_value.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/iso_time.h"

/* Characters, not bytes: the standard's lengths are those of JSON Schema. */
static size_t
character_count(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char) *text & 0xc0) != 0x80;
	return count;
}

/* No line breaks and other control characters: a partner's id must not steer a log or a screen. */
static bool
text_is_valid(const char *text, size_t limit)
{
	const unsigned char *c = (const unsigned char *) text;

	if (text == NULL || *text == '\0' || character_count(text) > limit)
		return false;
	for (; *c != '\0'; c++)
	{
		if (*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

/*
 * Characters of several bytes that steer a screen or cannot be seen on it: control characters
 * beyond ASCII, marks of direction, joiners, spaces without width. Two ids that look alike must be
 * alike.
 */
static bool
is_invisible(const unsigned char *c)
{
	if (c[0] == 0xc2)
		return c[1] >= 0x80 && c[1] <= 0xa0;
	if (c[0] == 0xe2 && c[1] == 0x80)
		return c[2] <= 0x8f || (c[2] >= 0xa8 && c[2] <= 0xaf);
	if (c[0] == 0xe2 && c[1] == 0x81)
		return c[2] >= 0x9f && c[2] <= 0xaf;
	return c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf;
}

static bool
id_is_valid(const char *text, size_t limit)
{
	const unsigned char *c = (const unsigned char *) text;

	if (!text_is_valid(text, limit))
		return false;
	for (; *c != '\0'; c++)
	{
		if (*c == ' ' || is_invisible(c))
			return false;
	}
	return true;
}

/* May be empty, and may hold blanks: a name that peers write in many ways. */
static bool
name_is_valid(const char *text, size_t limit)
{
	return text != NULL && (*text == '\0' || text_is_valid(text, limit));
}

static bool
uri_is_valid(const char *text, size_t limit)
{
	const unsigned char *c;

	/* Only the form: where an answer may go is url_guard's and the partner's networks'. */
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
word_is_valid(const char *text, const char *const *words)
{
	/* The standard's examples write "ns:org:QueryType:expression": only the last word counts. */
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;

	if (colon != NULL)
		text = colon + 1;
	for (; text != NULL && *words != NULL; words++)
	{
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

static bool
status_is_valid(const char *text)
{
	return text != NULL && (strcmp(text, "rcvd") == 0 || strcmp(text, "pdng") == 0 ||
							strcmp(text, "succ") == 0 || strcmp(text, "rjct") == 0);
}

static bool
locale_is_valid(const char *text)
{
	return text != NULL && strlen(text) == 3 && strspn(text, "abcdefghijklmnopqrstuvwxyz") == 3;
}

static bool
version_is_valid(const char *text)
{
	/* any 1.x: a minor version adds members, which are passed over */
	return text != NULL && text[0] == '1' && (text[1] == '\0' || text[1] == '.') &&
		   strspn(text, "0123456789.") == strlen(text) && strlen(text) < 16;
}

static bool
time_is_valid(const char *text)
{
	int64_t ms;

	return text != NULL && iso_time_parse(text, &ms);
}

static bool
integer_is_within(const json_t *value, json_int_t low, json_int_t high)
{
	return json_is_integer(value) && json_integer_value(value) >= low &&
		   json_integer_value(value) <= high;
}

static bool
text_list_is_valid(const json_t *value, size_t limit, bool are_ids)
{
	size_t i;

	for (i = 0; i < json_array_size(value); i++)
	{
		const char *text = json_string_value(json_array_get(value, i));

		if (!(are_ids ? id_is_valid(text, limit) : text_is_valid(text, limit)))
			return false;
	}
	return json_is_array(value);
}

static bool
object_list_is_valid(const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(value); i++)
	{
		if (!json_is_object(json_array_get(value, i)))
			return false;
	}
	return json_is_array(value);
}

bool
value_is_valid(const json_t *value, ValueKind kind, size_t limit, const char *const *words)
{
	const char *text = json_string_value(value);

	switch (kind)
	{
		case VALUE_TEXT:
			return text_is_valid(text, limit);
		case VALUE_ID:
			return id_is_valid(text, limit);
		case VALUE_NAME:
			return name_is_valid(text, limit);
		case VALUE_NOTE:
			return text != NULL && character_count(text) <= limit;
		case VALUE_WORD:
			return word_is_valid(text, words);
		case VALUE_TIME:
			return time_is_valid(text);
		case VALUE_LOCALE:
			return locale_is_valid(text);
		case VALUE_VERSION:
			return version_is_valid(text);
		case VALUE_URI:
			return uri_is_valid(text, limit);
		case VALUE_STATUS:
			return status_is_valid(text);
		/* counts end up in the database's integer */
		case VALUE_COUNT:
			return integer_is_within(value, 0, INT32_MAX);
		case VALUE_NUMBER:
			return integer_is_within(value, 1, INT32_MAX);
		case VALUE_BOOLEAN:
			return json_is_boolean(value);
		case VALUE_OBJECT:
			return json_is_object(value);
		case VALUE_LIST:
			return json_is_array(value);
		case VALUE_RECORDS:
			return json_is_object(value) || object_list_is_valid(value);
		case VALUE_ANY_OF_TWO:
			return json_is_object(value) || json_is_array(value);
		case VALUE_ID_LIST:
			return text_list_is_valid(value, limit, true);
		case VALUE_TEXTS:
			return text_is_valid(text, limit) || text_list_is_valid(value, limit, false);
	}
	return false;
}

static void
words_describe(const char *const *words, char *text, size_t size)
{
	size_t length = (size_t) snprintf(text, size, "must be one of ");

	for (; *words != NULL && length < size; words++)
		length += (size_t) snprintf(text + length, size - length, "%s%s", *words,
									words[1] != NULL ? ", " : "");
}

void
value_describe(ValueKind kind, size_t limit, const char *const *words, char *text, size_t size)
{
	static const char *const descriptions[] = {
		[VALUE_TEXT] = "must be a string of 1 to %zu characters, none a control character",
		[VALUE_ID] = "must be a string of 1 to %zu characters, none a control character or a blank",
		[VALUE_NAME] = "must be a string of at most %zu characters, none a control character",
		[VALUE_NOTE] = "must be a string of at most %zu characters",
		[VALUE_TIME] = "must be a time with zone, like 2026-11-22T01:02:03Z",
		[VALUE_LOCALE] = "must be three lower-case letters (ISO 639-3), like eng",
		[VALUE_VERSION] = "must be 1.0.0",
		[VALUE_URI] = "must be an absolute https address of at most %zu characters",
		[VALUE_STATUS] = "must be rcvd, pdng, succ or rjct",
		[VALUE_COUNT] = "must be an integer of at least 0",
		[VALUE_NUMBER] = "must be an integer of at least 1",
		[VALUE_BOOLEAN] = "must be true or false",
		[VALUE_OBJECT] = "must be an object",
		[VALUE_LIST] = "must be a list",
		[VALUE_RECORDS] = "must be an object or a list of objects",
		[VALUE_ANY_OF_TWO] = "must be an object or a list",
		[VALUE_ID_LIST] =
			"must be a list of strings of 1 to %zu characters, none a control character or a blank",
		[VALUE_TEXTS] = "must be a string of 1 to %zu characters or a list of such",
	};
	const char *description;
	const char *place;

	if (kind == VALUE_WORD)
	{
		words_describe(words, text, size);
		return;
	}
	description = descriptions[kind];
	place = strstr(description, "%zu");
	if (place == NULL)
		snprintf(text, size, "%s", description);
	else
		snprintf(text, size, "%.*s%zu%s", (int) (place - description), description, limit,
				 place + strlen("%zu"));
}
