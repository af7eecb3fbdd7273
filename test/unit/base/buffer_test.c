/*
 * buffer_test.c
 *		A buffer never passes its ceiling and never appends half.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tap.h"

static void
test_ceiling(Tap *tap)
{
	Buffer buffer;

	buffer_init(&buffer, 10);
	tap_is(tap, buffer.data, "", "an empty buffer is an empty text");
	tap_ok(tap, buffer_append(&buffer, "01234", 5), "appends below the ceiling");
	tap_ok(tap, !buffer_append(&buffer, "567890", 6), "refuses_byte_above_ceiling");
	tap_is(tap, buffer.data, "01234", "a refused append changes nothing");
	tap_ok(tap, !buffer_printf(&buffer, "%s", "567890"), "refuses_printf_above_ceiling");
	tap_is(tap, buffer.data, "01234", "a refused printf changes nothing");
	tap_ok(tap, buffer_printf(&buffer, "%d", 56789), "fills to the ceiling exactly");
	tap_is(tap, buffer.data, "0123456789", "with the right bytes");
	tap_ok(tap, !buffer_append_char(&buffer, 'x'), "refuses_one_more");
	tap_ok(tap, buffer_is_full_for(&buffer, 1), "says that it is full");
	tap_ok(tap, !buffer_is_full_for(&buffer, 0), "has room for nothing");
	tap_ok(tap, !buffer_append(&buffer, "x", (size_t) -1), "refuses_length_that_overflows");
	buffer_free(&buffer);
	tap_is_int(tap, (long long) buffer.length, 0, "free empties");
	tap_ok(tap, buffer_append_text(&buffer, "again"), "and it can be used again");
	buffer_free(&buffer);
}

static void
test_growth(Tap *tap)
{
	Buffer buffer;
	size_t length;
	char *taken;
	int i;
	bool ok = true;

	buffer_init(&buffer, 1000000);
	for (i = 0; i < 100000; i++)
		ok = buffer_append_text(&buffer, "0123456789") && ok;
	tap_ok(tap, ok, "grows to a million bytes");
	tap_ok(tap, !buffer_append_char(&buffer, '0'), "and no further");
	tap_ok(tap, buffer.allocated <= 1000001, "does not allocate above the ceiling");
	taken = buffer_take(&buffer, &length);
	tap_is_int(tap, (long long) length, 1000000, "gives all of it away");
	tap_is_int(tap, (long long) strlen(taken), 1000000, "NUL-terminated");
	free(taken);
	tap_is(tap, buffer.data, "", "is empty afterwards");
	tap_ok(tap, buffer_take(&buffer, NULL) == NULL, "nothing taken is NULL");

	buffer_clear(&buffer);
	tap_ok(tap, buffer_append(&buffer, "a\0b", 3) && buffer.length == 3, "takes NUL bytes");
	buffer_clear(&buffer);
	tap_is(tap, buffer.data, "", "clear forgets");
	buffer_free(&buffer);
	buffer_init(&buffer, (size_t) -1);
	tap_ok(tap, buffer_printf(&buffer, "%s", ""), "printf of nothing is allowed");
	buffer_free(&buffer);
}

int
main(void)
{
	Tap tap = {0, 0};

	test_ceiling(&tap);
	test_growth(&tap);
	return tap_done(&tap);
}
