/*
 * iso_time_test.c
 *		Instants to text and back; UUIDs.
 */
#include <stdint.h>
#include <string.h>

#include "base/iso_time.h"
#include "tap.h"
#include "base/uuid.h"

static const struct
{
	const char *text;
	int64_t ms; /* INT64_MIN: refused */
} times[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-11-22T01:02:03.456Z", 1795309323456},
	{"2022-12-04T17:20:07-04:00", 1670188807000},
	{"2022-12-04t17:20:07z", 1670174407000},
	{"2000-02-29T23:59:60+00:00", 951868800000},
	{"1969-12-31T23:59:59.9999Z", -1},
	{"0001-01-01T00:00:00Z", -62135596800000},
	{"9999-12-31T23:59:59.999Z", 253402300799999},
	{"2026-11-22T01:02:03", INT64_MIN},	 /* no zone */
	{"2026-11-22 01:02:03Z", INT64_MIN}, /* blank for T */
	{"2026-11-22", INT64_MIN},			 /* date */
	{"2026-02-29T00:00:00Z", INT64_MIN}, /* no such day */
	{"2100-02-29T00:00:00Z", INT64_MIN}, /* no leap year */
	{"2026-13-01T00:00:00Z", INT64_MIN},
	{"2026-00-01T00:00:00Z", INT64_MIN},
	{"2026-01-00T00:00:00Z", INT64_MIN},
	{"0000-01-01T00:00:00Z", INT64_MIN},
	{"2026-01-01T24:00:00Z", INT64_MIN},
	{"2026-01-01T00:60:00Z", INT64_MIN},
	{"2026-01-01T00:00:61Z", INT64_MIN},
	{"2026-01-01T00:00:00.Z", INT64_MIN},
	{"2026-01-01T00:00:00+0100", INT64_MIN}, /* zone without colon */
	{"2026-01-01T00:00:00+24:00", INT64_MIN},
	{"2026-01-01T00:00:00Z ", INT64_MIN},
	{"2026-01-01T00:00:00ZZ", INT64_MIN},
	{"26-01-01T00:00:00Z", INT64_MIN},
	{"", INT64_MIN},
	{"yesterday", INT64_MIN},
};

static void
test_uuid(Tap *tap)
{
	char first[UUID_SIZE];
	char second[UUID_SIZE];
	Failure failure;

	tap_ok(tap, uuid_random(first, &failure) && uuid_is_valid(first), "a UUID is valid: %s", first);
	tap_ok(tap, first[14] == '4', "version 4");
	tap_ok(tap, strchr("89ab", first[19]) != NULL, "RFC 4122 variant");
	uuid_random(second, &failure);
	tap_ok(tap, strcmp(first, second) != 0, "and another one is another one");
	tap_ok(tap, uuid_is_valid("6F9619FF-8B86-D011-B42D-00C04FC964FF"), "takes any case");
	tap_ok(tap, !uuid_is_valid("6f9619ff-8b86-d011-b42d-00c04fc964f"), "refuses_short");
	tap_ok(tap, !uuid_is_valid("6f9619ff-8b86-d011-b42d-00c04fc964fff"), "refuses_long");
	tap_ok(tap, !uuid_is_valid("6f9619ff8b86d011b42d00c04fc964ff"), "refuses_no_dashes");
	tap_ok(tap, !uuid_is_valid("6f9619ff-8b86-d011-b42d-00c04fc964fg"), "refuses_no_hex");
	tap_ok(tap, !uuid_is_valid(""), "refuses_empty");
}

int
main(void)
{
	Tap tap = {0, 0};
	char text[ISO_TIME_SIZE];
	int64_t ms;
	int64_t again;
	int wrong = 0;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
	{
		ms = INT64_MIN;
		if (!iso_time_parse(times[i].text, &ms))
			ms = INT64_MIN;
		tap_is_int(&tap, ms, times[i].ms, "\"%s\"", times[i].text);
	}

	/* Steps of about twelve days and a prime number of milliseconds. */
	for (ms = -62135596800000; ms < 253402300799999; ms += 1073741789)
	{
		iso_time_format(ms, text);
		if (!iso_time_parse(text, &again) || again != ms)
			wrong++;
	}
	tap_is_int(&tap, wrong, 0, "what is written reads back the same");
	iso_time_format(INT64_MAX, text);
	tap_is(&tap, text, "9999-12-31T23:59:59.999Z", "the far future is bounded");
	iso_time_format(INT64_MIN, text);
	tap_is(&tap, text, "0001-01-01T00:00:00.000Z", "and so is the far past");
	tap_ok(&tap, iso_time_now() > 1700000000000, "the clock runs");
	test_uuid(&tap);
	return tap_done(&tap);
}
