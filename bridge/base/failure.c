/*
 * failure.c
 *		Fills a Failure. Never allocates, so that "out of memory" can be told too.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/failure.h"

void
failure_set(Failure *failure, FailureKind kind, const char *format, ...)
{
	va_list arguments;
	char *c;

	if (failure == NULL)
		return;

	failure->kind = kind;
	va_start(arguments, format);
	if (vsnprintf(failure->text, sizeof(failure->text), format, arguments) < 0)
		failure->text[0] = '\0';
	va_end(arguments);

	/* Library texts end in a line feed; a failure is one line wherever it is shown. */
	for (c = failure->text; *c != '\0'; c++)
	{
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	while (c > failure->text && c[-1] == ' ')
		*--c = '\0';
}

void
failure_clear(Failure *failure)
{
	if (failure == NULL)
		return;
	failure->kind = FAILURE_NONE;
	failure->text[0] = '\0';
}
