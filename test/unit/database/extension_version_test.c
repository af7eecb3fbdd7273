/*
 * extension_version_test.c
 *		Old extensions are refused, by number and not by spelling, and it is said what to update.
 */
#include <string.h>

#include "database/extension_version.h"
#include "tap.h"

static const struct
{
	const char *version;
	const char *oldest;
	bool works;
} cases[] = {
	{"0.2.0", "0.2.0", true},  {"0.2.1", "0.2.0", true},   {"0.1.9", "0.2.0", false},
	{"0.10.0", "0.9.5", true}, {"0.9.5", "0.10.0", false}, {"1.0.0", "0.9.9", true},
	{"0.9.9", "1.0.0", false}, {"0.2.3", "0.2.4", false},  {"0.2.4rc1", "0.2.4", true},
	{"", "0.2.0", false},	   {"0.2", "0.2.0", false},	   {"version 9", "0.2.0", false},
	{"9.9.x", "0.2.0", false},
};

int
main(void)
{
	Tap tap = {0};
	Failure failure;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		failure_clear(&failure);
		tap_is_int(&tap, extension_version_check(cases[i].version, cases[i].oldest, &failure),
				   cases[i].works, cases[i].version);
		tap_is_int(&tap, failure.kind == FAILURE_NONE, cases[i].works, "a failure tells");
	}
	(void) extension_version_check("0.1.0", "0.2.0", &failure);
	tap_ok(&tap, strstr(failure.text, "\"0.1.0\"") != NULL, "which version it is");
	tap_ok(&tap, strstr(failure.text, ": update the extension") != NULL, "which side to update");
	tap_ok(&tap, extension_version_check(EXTENSION_OLDEST, EXTENSION_OLDEST, &failure),
		   "our own oldest is a version");
	return tap_done(&tap);
}
