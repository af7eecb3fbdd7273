/*
 * buffer.c
 *		Growing bytes with a ceiling. An append happens wholly or not at all.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* What data points to while nothing is allocated; allocated == 0 keeps it from being written. */
static const char buffer_nothing[1] = "";

#define BUFFER_FIRST_ALLOCATION 256

void
buffer_init(Buffer *buffer, size_t ceiling)
{
	buffer->data = (char *) buffer_nothing;
	buffer->length = 0;
	buffer->allocated = 0;
	buffer->ceiling = ceiling;
}

void
buffer_free(Buffer *buffer)
{
	if (buffer->allocated > 0)
		free(buffer->data);
	buffer_init(buffer, buffer->ceiling);
}

void
buffer_clear(Buffer *buffer)
{
	buffer_cut(buffer, 0);
}

void
buffer_cut(Buffer *buffer, size_t length)
{
	if (length >= buffer->length)
		return;
	buffer->length = length;
	buffer->data[length] = '\0';
}

bool
buffer_is_full_for(const Buffer *buffer, size_t length)
{
	return length > buffer->ceiling - buffer->length;
}

/* Make room for length more bytes and their NUL. */
static bool
buffer_reserve(Buffer *buffer, size_t length)
{
	size_t needed;
	size_t wanted;
	char *grown;

	if (buffer_is_full_for(buffer, length) || buffer->length + length == SIZE_MAX)
		return false;

	/* no overflow: both are bounded by the ceiling, and SIZE_MAX is excluded above */
	needed = buffer->length + length + 1;
	if (needed <= buffer->allocated)
		return true;

	wanted = buffer->allocated > 0 ? buffer->allocated : BUFFER_FIRST_ALLOCATION;
	while (wanted < needed)
		wanted = wanted > SIZE_MAX / 2 ? needed : wanted * 2;
	/* the ceiling counts bytes of text, the allocation its NUL too */
	if (wanted - 1 > buffer->ceiling)
		wanted = buffer->ceiling + 1;

	grown = realloc(buffer->allocated > 0 ? buffer->data : NULL, wanted);
	if (grown == NULL)
		return false;
	buffer->data = grown;
	buffer->allocated = wanted;
	return true;
}

bool
buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0)
		return true;
	if (!buffer_reserve(buffer, length))
		return false;
	memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return true;
}

bool
buffer_append_text(Buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

bool
buffer_append_char(Buffer *buffer, char c)
{
	return buffer_append(buffer, &c, 1);
}

bool
buffer_printf(Buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !buffer_reserve(buffer, (size_t) length))
		return false;

	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->length, (size_t) length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t) length;
	return true;
}

char *
buffer_take(Buffer *buffer, size_t *length)
{
	/* what was never allocated must not be freed by whoever takes it */
	char *taken = buffer->allocated > 0 ? buffer->data : NULL;

	if (length != NULL)
		*length = buffer->length;
	buffer_init(buffer, buffer->ceiling);
	return taken;
}
