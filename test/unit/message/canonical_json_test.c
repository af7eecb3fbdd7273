/*
 * canonical_json_test.c
 *		RFC 8785: the vectors of its text and appendix B, and what we refuse to send.
 */
#include <stdint.h>
#include <string.h>

#include "message/canonical_json.h"
#include "tap.h"

static const struct
{
	uint64_t bits;
	const char *text; /* NULL: refused */
} numbers[] = {
	{0x0000000000000000, "0"},
	{0x8000000000000000, "0"},
	{0x0000000000000001, "5e-324"},
	{0x8000000000000001, "-5e-324"},
	{0x7fefffffffffffff, "1.7976931348623157e+308"},
	{0xffefffffffffffff, "-1.7976931348623157e+308"},
	{0x4340000000000000, "9007199254740992"},
	{0xc340000000000000, "-9007199254740992"},
	{0x4430000000000000, "295147905179352830000"},
	{0x7fffffffffffffff, NULL},
	{0x7ff0000000000000, NULL},
	{0x44b52d02c7e14af5, "9.999999999999997e+22"},
	{0x44b52d02c7e14af6, "1e+23"},
	{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	{0x444b1ae4d6e2ef4e, "999999999999999700000"},
	{0x444b1ae4d6e2ef4f, "999999999999999900000"},
	{0x444b1ae4d6e2ef50, "1e+21"},
	{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	{0x3eb0c6f7a0b5ed8d, "0.000001"},
	{0x41b3de4355555553, "333333333.3333332"},
	{0x41b3de4355555554, "333333333.33333325"},
	{0x41b3de4355555555, "333333333.3333333"},
	{0x41b3de4355555556, "333333333.3333334"},
	{0x41b3de4355555557, "333333333.33333343"},
	{0xbecbf647612f3696, "-0.0000033333333333333333"},
	{0x43143ff3c1cb0959, "1424953923781206.2"},
	/* Powers of two whose nearest short decimal lies on the wrong side of a gap. */
	{0x3d30000000000000, "5.684341886080802e-14"},
	{0x3ff0000000000000, "1"},
};

static const struct
{
	const char *name;
	const char *json;
	const char *canonical;
	bool is_portable;
} values[] = {
	{"example of section 3.2.2",
	 "{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
	 " \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
	 " \"literals\": [null, true, false]}",
	 "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
	 "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
	 false},
	{"example of section 3.2.3, sorted by UTF-16 units",
	 "{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\", \"\\ufb33\": \"Hebrew\","
	 " \"1\": \"One\", \"\\ud83d\\ude00\": \"Emoji\", \"\\u0080\": \"Control\","
	 " \"\\u00f6\": \"Latin\"}",
	 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin\","
	 "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji\",\"\xef\xac\xb3\":\"Hebrew\"}",
	 false},
	{"short escapes", "[\"\\b\\t\\n\\f\\r\\u000b\\u001f\\u007f\"]",
	 "[\"\\b\\t\\n\\f\\r\\u000b\\u001f\x7f\"]", true},
	{"empty object and list", "{ \"b\" : [ ] , \"a\" : { } }", "{\"a\":{},\"b\":[]}", true},
	{"prefix sorts first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}", true},
	{"largest exact integer", "[9007199254740991,-9007199254740991]",
	 "[9007199254740991,-9007199254740991]", true},
	{"integers are doubles", "[9007199254740993]", "[9007199254740992]", false},
	{"64-bit integer", "[9223372036854775807]", "[9223372036854776000]", false},
	{"whole real", "[1.0,-0.0,100e-2]", "[1,0,1]", true},
	{"plain decimals", "[0.1,-1234567.25,0.0001]", "[0.1,-1234567.25,0.0001]", true},
	{"small real", "[0.00001]", "[0.00001]", false},
	{"large real", "[1e16]", "[10000000000000000]", false},
	{"key beyond the plane", "{\"\\ud83d\\ude00\":1}", "{\"\xf0\x9f\x98\x80\":1}", false},
};

static void
test_values(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		json_t *value = json_loads(values[i].json, 0, NULL);
		Failure failure;
		Buffer out;

		buffer_init(&out, 1000);
		tap_ok(tap, canonical_json(value, &out, &failure), "%s", values[i].name);
		tap_is(tap, out.data, values[i].canonical, "%s: bytes", values[i].name);
		buffer_clear(&out);
		tap_ok(tap, canonical_json_portable(value, &out, &failure) == values[i].is_portable,
			   "%s: %s", values[i].name, values[i].is_portable ? "may be sent" : "is not sent");
		buffer_free(&out);
		json_decref(value);
	}
}

static void
test_limits(Tap *tap)
{
	json_t *value = json_array();
	Failure failure;
	Buffer out;
	int depth;

	for (depth = 1; depth < CANONICAL_JSON_DEPTH; depth++)
	{
		json_t *outer = json_array();

		json_array_append_new(outer, value);
		value = outer;
	}
	buffer_init(&out, 1000);
	tap_ok(tap, canonical_json(value, &out, &failure), "takes the greatest depth");
	buffer_clear(&out);
	value = json_pack("[o]", value);
	tap_ok(tap, !canonical_json(value, &out, &failure), "refuses_one_level_more");
	tap_is_int(tap, failure.kind, FAILURE_LIMIT, "as a limit");
	json_decref(value);
	buffer_free(&out);

	buffer_init(&out, 8);
	value = json_pack("{s:s}", "key", "value");
	tap_ok(tap, !canonical_json(value, &out, &failure), "refuses_more_than_ceiling");
	tap_has(tap, failure.text, "larger than 8 bytes", "and says so");
	json_decref(value);
	buffer_free(&out);
}

static const struct
{
	const char *text;
	bool has;
} spellings[] = {
	{"{\"a\": [1, -2.5,\n0], \"1.0\":\"1e2\\\"1.0\"}", true},
	{"[1e+21,1e-7,0.000001]", true},
	{"[]", true},
	{"{\"a\":1.0}", false},
	{"{\"a\":-0}", false},
	{"{\"a\":\"\\\\\",\"b\":1e2}", false},
	{"[0,0.10000000000000001]", false},
	{"[\"x\",9007199254740993]", false},
	{"[\"x\",9007199254740992.5,1]", false},
};

static void
test_spellings(Tap *tap)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		tap_ok(tap,
			   canonical_json_has_numbers(spellings[i].text, strlen(spellings[i].text)) ==
				   spellings[i].has,
			   "numbers of %s are %s", spellings[i].text, spellings[i].has ? "canonical" : "not");
}

int
main(void)
{
	Tap tap = {0, 0};
	char text[CANONICAL_JSON_NUMBER_SIZE];
	double number;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		memcpy(&number, &numbers[i].bits, sizeof(number));
		tap_is(&tap, canonical_json_number(number, text) ? text : NULL, numbers[i].text,
			   "number %016llx", (unsigned long long) numbers[i].bits);
	}
	test_values(&tap);
	test_limits(&tap);
	test_spellings(&tap);
	return tap_done(&tap);
}
