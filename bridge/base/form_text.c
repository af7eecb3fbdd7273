/*
 * form_text.c
 *		A field that is there twice is refused: two readers would not take the same one.
 */
#include "base/form_text.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

bool
form_text_append(Buffer *body, const char *name, const char *value)
{
	size_t start = body->length;
	bool ok = (start == 0 || buffer_append_char(body, '&')) && buffer_append_text(body, name) &&
			  buffer_append_char(body, '=');

	for (const char *c = value; ok && *c != '\0'; c++)
	{
		if (isalnum((unsigned char) *c) || strchr("-._~", *c) != NULL)
			ok = buffer_append_char(body, *c);
		else
			ok = buffer_printf(body, "%%%02X", (unsigned int) (unsigned char) *c);
	}
	if (!ok)
		buffer_cut(body, start);
	return ok;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, tolower((unsigned char) c)) : NULL;

	return found != NULL ? (int) (found - digits) : -1;
}

/* Nothing else can be asked about in a database. */
static bool
text_is_utf8(const char *text, size_t length)
{
	json_t *string = json_stringn(text, length);
	bool ok = string != NULL;

	json_decref(string);
	return ok;
}

bool
form_text_decode(const char *text, size_t length, char *value, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '+')
			c = ' ';
		else if (c == '%')
		{
			int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
			int low = high >= 0 ? hex_value(text[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (unsigned char) (high * 16 + low);
			i += 2;
		}
		/* a zero byte would end the text early; no id and no secret has control characters */
		if (c < 0x20 || c == 0x7f || used + 1 >= size)
			return false;
		value[used++] = (char) c;
	}
	value[used] = '\0';
	return text_is_utf8(value, used);
}

FormFound
form_text_find(const char *body, size_t length, const char *name, char *value, size_t size)
{
	const char *end = body + length;
	size_t name_length = strlen(name);
	FormFound found = FORM_ABSENT;

	value[0] = '\0';
	while (body < end)
	{
		const char *next = memchr(body, '&', (size_t) (end - body));
		const char *stop = next != NULL ? next : end;
		const char *from = body + name_length + 1;

		if (from <= stop && memcmp(body, name, name_length) == 0 && body[name_length] == '=')
		{
			/* Twice in one body: another reader would take the other one. */
			if (found != FORM_ABSENT ||
				!form_text_decode(from, (size_t) (stop - from), value, size))
			{
				value[0] = '\0';
				return FORM_BAD;
			}
			found = FORM_FOUND;
		}
		body = stop + 1;
	}
	return found;
}
