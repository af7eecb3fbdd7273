/*
 * http_framing.c
 *		The rules about headers that a proxy before us and we ourselves might read differently. Must
 *		not know what is asked.
 */
#include "http/http_framing.h"

#include <string.h>
#include <strings.h>

#define HEADER_BYTES (16 * 1024)
#define HEADER_COUNT 100

static bool
is_named(const char *name, size_t length, const char *expected)
{
	return length == strlen(expected) && strncasecmp(name, expected, length) == 0;
}

static bool
has_bad_byte(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* RFC 9110: a name is a token; with a blank before the colon a proxy and we may read two
 * different requests. */
static bool
is_token(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) name[i] <= ' ' || (unsigned char) name[i] >= 0x7f ||
			strchr("()<>@,;:\\\"/[]?={}", name[i]) != NULL)
			return false;
	}
	return length > 0;
}

void
http_framing_add(HttpFraming *framing, const char *name, size_t name_length, const char *value,
				 size_t value_length)
{
	static const char *const single[] = {"Host", "Authorization", "Content-Type",
										 "Content-Encoding"};

	framing->headers++;
	if (!is_token(name, name_length) || has_bad_byte(value, value_length))
		framing->has_bad_byte = true;
	if (is_named(name, name_length, "Content-Length"))
		framing->lengths++;
	if (is_named(name, name_length, "Transfer-Encoding"))
	{
		framing->encodings++;
		framing->is_chunked = is_named(value, value_length, "chunked");
	}
	for (unsigned int i = 0; i < sizeof(single) / sizeof(single[0]); i++)
	{
		if (!is_named(name, name_length, single[i]))
			continue;
		if (framing->seen & (1U << i))
			framing->repeated++;
		framing->seen |= 1U << i;
	}
}

int
http_framing_judge(const HttpFraming *framing, size_t header_bytes)
{
	if (header_bytes > HEADER_BYTES || framing->headers > HEADER_COUNT)
		return 431;
	if (framing->has_bad_byte || framing->repeated > 0 ||
		framing->lengths + framing->encodings > 1 ||
		(framing->encodings > 0 && !framing->is_chunked))
		return 400;
	return 0;
}
