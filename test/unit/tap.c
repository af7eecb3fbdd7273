/*
 * tap.c
 *		TAP output. Knows nothing of what is tested.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

static void
line_print(Tap *tap, bool passed, const char *name, va_list arguments)
{
	tap->count++;
	if (!passed)
		tap->failed++;
	printf("%s %d - ", passed ? "ok" : "not ok", tap->count);
	vprintf(name, arguments);
	printf("\n");
	fflush(stdout);
}

bool
tap_ok(Tap *tap, bool passed, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	line_print(tap, passed, name, arguments);
	va_end(arguments);
	return passed;
}

bool
tap_is(Tap *tap, const char *got, const char *expected, const char *name, ...)
{
	va_list arguments;
	bool passed = got == NULL || expected == NULL ? got == expected : strcmp(got, expected) == 0;

	va_start(arguments, name);
	line_print(tap, passed, name, arguments);
	va_end(arguments);
	if (!passed)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
			   expected ? expected : "(null)");
	return passed;
}

bool
tap_is_int(Tap *tap, long long got, long long expected, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	line_print(tap, got == expected, name, arguments);
	va_end(arguments);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", got, expected);
	return got == expected;
}

bool
tap_has(Tap *tap, const char *text, const char *part, const char *name, ...)
{
	va_list arguments;
	bool passed = text != NULL && strstr(text, part) != NULL;

	va_start(arguments, name);
	line_print(tap, passed, name, arguments);
	va_end(arguments);
	if (!passed)
		printf("#    text: %s\n# lacking: %s\n", text ? text : "(null)", part);
	return passed;
}

int
tap_done(const Tap *tap)
{
	printf("1..%d\n", tap->count);
	return tap->failed > 0 || tap->count == 0 ? 1 : 0;
}

unsigned int
tap_random(unsigned long long *state)
{
	/* Knuth's MMIX constants; the high bits are the good ones. */
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int) (*state >> 33);
}

static void
mutate_once(unsigned long long *state, char *bytes, unsigned long *length, unsigned long capacity)
{
	static const char alphabet[] = "{}[]\",:\\u0eE+-.|=() \n\x01\x7f\x80\xc3\xff"
								   "ntf9/";
	unsigned long at = tap_random(state) % (*length + 1);
	char c = alphabet[tap_random(state) % (sizeof(alphabet) - 1)];

	switch (tap_random(state) % 4)
	{
		case 0: /* replace */
			if (at < *length)
				bytes[at] = c;
			break;
		case 1: /* insert */
			if (*length < capacity)
			{
				memmove(bytes + at + 1, bytes + at, *length - at);
				bytes[at] = c;
				++*length;
			}
			break;
		case 2: /* remove */
			if (at < *length)
			{
				memmove(bytes + at, bytes + at + 1, *length - at - 1);
				--*length;
			}
			break;
		default: /* cut, but rarely */
			if (tap_random(state) % 8 == 0)
				*length = at;
			else if (at < *length)
				bytes[at] = (char) (bytes[at] ^ (1 << tap_random(state) % 8));
	}
}

void
tap_mutate(unsigned long long *state, char *bytes, unsigned long *length, unsigned long capacity)
{
	int edits = 1 + (int) (tap_random(state) % 4);

	while (edits-- > 0)
		mutate_once(state, bytes, length, capacity);
}
