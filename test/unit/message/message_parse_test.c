/*
 * message_parse_test.c
 *		Bodies that are no message, too large or too deep; where members stand in the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "message/json_span.h"
#include "message/message_parse.h"
#include "tap.h"

static const struct
{
	const char *name;
	const char *body;
	const char *text;
} bad_bodies[] = {
	{"rejects_empty", "", "empty"},
	{"rejects_text", "hello", "is not JSON"},
	{"rejects_list", "[]", "not a JSON object"},
	{"rejects_number", "1", "is not"},
	{"rejects_cut_off", "{\"header\":{", "is not JSON (line 1"},
	{"rejects_two_values", "{} {}", "is not JSON"},
	{"rejects_duplicate_member", "{\"a\":{\"secret\":1,\"secret\":2}}", "same member twice"},
	{"rejects_duplicate_by_escape", "{\"a\":1,\"\\u0061\":2}", "same member twice"},
	{"rejects_not_utf8", "{\"a\":\"\xff\"}", "not UTF-8"},
	{"rejects_nul", "{\"a\":\"\\u0000\"}", "\\u0000"},
	{"rejects_lone_surrogate", "{\"a\":\"\\ud800\"}", "is not JSON"},
	{"rejects_huge_integer", "{\"a\":123456789012345678901234567890}", "send it as a string"},
	{"rejects_huge_real", "{\"a\":1e400}", "send it as a string"},
	{"rejects_comment", "{/* */}", "is not JSON"},
};

/* count times text between begin and end */
static void
repeated_check(Tap *tap, bool passes, const char *begin, const char *text, int count,
			   const char *end, const char *name)
{
	size_t size = strlen(begin) + strlen(text) * (size_t) count + strlen(end) + 1;
	char *body = malloc(size);
	char *c = stpcpy(body, begin);
	MessageProblem problem;
	json_t *envelope;

	while (count-- > 0)
		c = stpcpy(c, text);
	strcpy(c, end);
	tap_ok(tap, message_parse(body, strlen(body), &envelope, &problem) == passes, "%s", name);
	json_decref(envelope);
	free(body);
}

static const struct
{
	const char *number;
	const char *text; /* NULL: taken */
} numbers[] = {
	{"0", NULL},
	{"-0", NULL},
	{"-0.0", NULL},
	{"0.00", NULL},
	{"0E+3", NULL},
	{"9007199254740991", NULL},
	{"-9007199254740991", NULL},
	{"9007199254740991.0", NULL},
	{"9.007199254740991e15", NULL},
	{"9007199254740992", "a[1].b: a number beyond 2^53-1"},
	{"-9007199254740992", "beyond 2^53-1"},
	{"9007199254740993", "beyond 2^53-1"},
	{"9007199254740991.5", "beyond 2^53-1"},
	{"9007199254740992.5", "beyond 2^53-1"},
	{"9.007199254740992e15", "beyond 2^53-1"},
	{"900719925474099200e-2", "beyond 2^53-1"},
	{"10000000000000000", "beyond 2^53-1"},
	{"1e16", "beyond 2^53-1"},
	{"1e400", "beyond 2^53-1"},
	{"1e99999999999999999999", "beyond 2^53-1"},
	{"0e16383", "beyond 2^53-1"},
	{"123456789012345678901234567890", "beyond 2^53-1"},
	{"1e15", NULL},
	{"123.45", NULL},
	{"0.30000000000000004", NULL},
	{"0.10000000000000001", NULL},
	{"1.2345678901234567", NULL},
	{"1.23456789012345678", "more than 17 significant digits"},
	{"0.33333333333333333333", "more than 17 significant digits"},
	{"1.50000000000000000000000", NULL},
	{"0.000000000000000000000001", NULL},
	{"2.2250738585072014e-307", NULL},
	{"1e-307", NULL},
	{"1e-308", "too small"},
	{"5e-324", "too small"},
	{"1e-16383", "too small"},
	{"0e-16383", "too small"},
	{"-1E-999999999999", "too small"},
};

static void
test_numbers(Tap *tap)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		char body[200];
		MessageProblem problem = {NULL, ""};
		json_t *envelope;
		bool ok;

		snprintf(body, sizeof(body), "{\"a\":[0, {\"b\" :%s}]}", numbers[i].number);
		ok = message_parse(body, strlen(body), &envelope, &problem);
		tap_ok(tap, ok == (numbers[i].text == NULL), "%s %s", numbers[i].number,
			   numbers[i].text == NULL ? "is taken" : "is refused");
		tap_has(tap, problem.text, numbers[i].text != NULL ? numbers[i].text : "", "for %s",
				numbers[i].number);
		tap_is(tap, ok ? "err.request.bad" : problem.error_code, "err.request.bad", "as bad");
		json_decref(envelope);
	}
}

/* Tiny numbers that a database would write with 300 characters each, and too many of anything. */
static void
test_much(Tap *tap)
{
	char *row = malloc(20000);
	char *body = malloc(12000000);
	MessageProblem problem;
	json_t *envelope;

	for (int kind = 0; kind < 2; kind++)
	{
		char *c = stpcpy(row, "[1");

		for (int i = 0; i < 999; i++)
			c = stpcpy(c, kind == 0 ? ",1e-300" : ",7");
		strcpy(c, "]");
		c = stpcpy(body, "{\"a\":[0");
		for (int i = 0; i < (kind == 0 ? 15 : 600); i++)
			c = stpcpy(stpcpy(c, ","), row);
		strcpy(c, "]}");
		tap_ok(tap, !message_parse(body, strlen(body), &envelope, &problem), "rejects_much_%d",
			   kind);
		tap_has(tap, problem.text, kind == 0 ? "more than 4 million characters" : "500000 values",
				"and says what is too much");
	}
	free(body);
	free(row);
}

static void
test_bounds(Tap *tap)
{
	MessageProblem problem;
	json_t *envelope;
	size_t i;

	for (i = 0; i < sizeof(bad_bodies) / sizeof(bad_bodies[0]); i++)
	{
		tap_ok(tap,
			   !message_parse(bad_bodies[i].body, strlen(bad_bodies[i].body), &envelope, &problem),
			   "%s", bad_bodies[i].name);
		tap_has(tap, problem.text, bad_bodies[i].text, "%s: text", bad_bodies[i].name);
		tap_ok(tap, strstr(problem.text, "secret") == NULL, "without content");
	}
	repeated_check(tap, true, "{\"a\":", "[", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", "32 levels");
	repeated_check(tap, false, "{\"a\":", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
				   "rejects_33_levels");
	repeated_check(tap, false, "{\"a\":", "[", 100000, "", "rejects_100000_levels");
	repeated_check(tap, true, "{\"a\":[0", ",1", 999, "]}", "1000 items");
	repeated_check(tap, false, "{\"a\":[0", ",1", 1000, "]}", "rejects_1001_items");
	repeated_check(tap, true, "{\"a\":{\"0\":1", ",\"\":1", 0, "}}", "one member");
	repeated_check(tap, false, "{\"a\":[{\"0\":1", ",\"\":1", 1000, "}]}", "rejects_1001_members");
	repeated_check(tap, true, "{\"a\":[0", ",[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
				   999, "]}", "25000 values");
	repeated_check(tap, true, "{\"a\":\"", "x", 65536, "\"}", "64 KiB of string");
	repeated_check(tap, false, "{\"a\":\"", "x", 65537, "\"}", "rejects_longer_string");
	repeated_check(tap, false, "{\"", "x", 65537, "\":1}", "rejects_longer_name");
}

static const struct
{
	const char *body;
	const char *header; /* NULL: not found */
} spans[] = {
	{"{\"header\":{\"a\":[1,{}]},\"x\":1}", "{\"a\":[1,{}]}"},
	{" { \"x\" : \"}\\\"{\" , \"header\" : [ 1 , 2 ] } ", "[ 1 , 2 ]"},
	{"{\"a\":{\"header\":1},\"header\":2}", "2"},
	{"{\"a\":\"header\",\"header\":\"b\\\\\"}", "\"b\\\\\""},
	{"{\"header\":true }", "true"},
	{"{\"header\":null,\"z\":1}", "null"},
	{"{\"headers\":1,\"heade\":2}", NULL},
	{"{\"he\\u0061der\":1}", NULL},
	{"{}", NULL},
	{"", NULL},
	{"{", NULL},
	{"{\"header\"", NULL},
	{"{\"header\":", NULL},
	{"{\"header\":}", NULL},
	{"{\"header\":{", NULL},
	{"{\"header\":\"abc", NULL},
	{"{\"header\":\"abc\\", NULL},
	{"[\"header\",1]", NULL},
};

static void
test_spans(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
	{
		static const char *const header[] = {"header"};
		JsonSpan span;
		char *found = NULL;

		if (json_span_find(spans[i].body, strlen(spans[i].body), header, 1, &span))
			found = strndup(span.start, span.length);
		tap_is(tap, found, spans[i].header, "header in %s", spans[i].body);
		free(found);
	}
}

/* Several names are looked for in one walk, in whatever order they come. */
static void
test_spans_together(Tap *tap)
{
	static const char *const names[] = {"header", "message"};
	static const struct
	{
		const char *body;
		const char *header;
		const char *message; /* NULL: not both are there */
	} rows[] = {{"{\"header\": 1,\"message\":{\"a\":[2]}}", "1", "{\"a\":[2]}"},
				{"{\"x\":0,\"message\":2 ,\"signature\":\"s\",\"header\":{}}", "{}", "2"},
				{"{\"header\":{\"message\":1}}", NULL, NULL},
				{"{\"message\":1}", NULL, NULL},
				{"{}", NULL, NULL}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		JsonSpan found[2];
		bool ok = json_span_find(rows[i].body, strlen(rows[i].body), names, 2, found);

		if (!tap_ok(tap, ok == (rows[i].message != NULL), "both in %s", rows[i].body) || !ok)
			continue;
		tap_is_int(tap, strncmp(found[0].start, rows[i].header, found[0].length), 0, "the header");
		tap_is_int(tap, (long long) found[0].length, (long long) strlen(rows[i].header), "whole");
		tap_is_int(tap, strncmp(found[1].start, rows[i].message, found[1].length), 0,
				   "the message");
		tap_is_int(tap, (long long) found[1].length, (long long) strlen(rows[i].message), "whole");
	}
}

int
main(void)
{
	Tap tap = {0, 0};

	test_bounds(&tap);
	test_numbers(&tap);
	test_much(&tap);
	test_spans(&tap);
	test_spans_together(&tap);
	return tap_done(&tap);
}
