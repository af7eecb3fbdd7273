/*
 * failure_test.c
 *		A failure is one bounded line.
 */
#include <string.h>

#include "base/failure.h"
#include "tap.h"

int
main(void)
{
	Tap tap = {0, 0};
	Failure failure;
	char text[1000];

	failure_set(&failure, FAILURE_LIMIT, "more than %d", 7);
	tap_is(&tap, failure.text, "more than 7", "formats");
	tap_is_int(&tap, failure.kind, FAILURE_LIMIT, "keeps the kind");

	failure_set(&failure, FAILURE_DATABASE, "ERROR: x\n\tDETAIL: y\n");
	tap_is(&tap, failure.text, "ERROR: x  DETAIL: y", "is one line without blanks at the end");

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	failure_set(&failure, FAILURE_INPUT, "%s", text);
	tap_is_int(&tap, (long long) strlen(failure.text), sizeof(failure.text) - 1, "cuts");

	failure_set(NULL, FAILURE_INPUT, "nobody asks");
	failure_clear(&failure);
	tap_is_int(&tap, failure.kind, FAILURE_NONE, "clears the kind");
	tap_is(&tap, failure.text, "", "clears the text");
	return tap_done(&tap);
}
