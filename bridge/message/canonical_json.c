/*
 * canonical_json.c
 *		RFC 8785: members sorted by UTF-16 units, ECMAScript's numbers, the fewest escapes. And what
 *		Python's own writer makes of the same value, which differs in all three.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/canonical_json.h"
#include "message/shortest_digits.h"

#define LARGEST_EXACT_INTEGER INT64_C(9007199254740991) /* 2^53 - 1 */

/*
 * Up to 2^53 and from here on, ECMAScript, Python and Go write a double without an exponent and
 * with the same digits; below, Python turns to exponents earlier than RFC 8785 does.
 */
#define SMALLEST_PLAIN_REAL 1e-4

typedef struct Writer
{
	Buffer *out;
	Failure *failure;
	bool is_portable;
	bool is_ascii;
	bool is_python; /* numbers and order as well */
} Writer;

static bool value_write(Writer *writer, const json_t *value, int depth);

static bool
writer_append(Writer *writer, const char *bytes, size_t length)
{
	if (buffer_append(writer->out, bytes, length))
		return true;
	if (buffer_is_full_for(writer->out, length))
		failure_set(writer->failure, FAILURE_LIMIT, "the message is larger than %zu bytes",
					writer->out->ceiling);
	else
		failure_set(writer->failure, FAILURE_MEMORY, "out of memory");
	return false;
}

/* The code point at text, which is valid UTF-8 of more than one byte, and how many bytes it has. */
static size_t
code_point_read(const unsigned char *text, uint32_t *point)
{
	size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	*point = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++)
		*point = *point << 6 | (text[i] & 0x3fU);
	return length;
}

/* How a character that cannot stand for itself is written, and how many bytes it has. */
static size_t
escape_write(const unsigned char *text, char escaped[16])
{
	static const char short_escapes[] = "btn\0fr"; /* 0x08 to 0x0d */
	uint32_t point = text[0];
	size_t length = point < 0x80 ? 1 : code_point_read(text, &point);

	if (point == '"' || point == '\\')
		snprintf(escaped, 16, "\\%c", (char) point);
	else if (point >= 0x08 && point <= 0x0d && point != 0x0b)
		snprintf(escaped, 16, "\\%c", short_escapes[point - 0x08]);
	else if (point < 0x10000)
		snprintf(escaped, 16, "\\u%04x", point);
	else
		snprintf(escaped, 16, "\\u%04x\\u%04x", 0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
	return length;
}

static bool
string_write(Writer *writer, const char *text, size_t length)
{
	unsigned char last = writer->is_ascii ? 0x7e : 0xff;
	size_t begun = 0;
	size_t i = 0;

	if (!writer_append(writer, "\"", 1))
		return false;
	while (i < length)
	{
		unsigned char c = (unsigned char) text[i];
		char escaped[16];
		size_t begins = i;

		if (c >= 0x20 && c <= last && c != '"' && c != '\\')
		{
			i++;
			continue;
		}
		i += escape_write((const unsigned char *) text + i, escaped);
		if (!writer_append(writer, text + begun, begins - begun) ||
			!writer_append(writer, escaped, strlen(escaped)))
			return false;
		begun = i;
	}
	return writer_append(writer, text + begun, length - begun) && writer_append(writer, "\"", 1);
}

/* ECMA-262, Number::toString, steps 5 to 10; k digits, value = 0.digits * 10^n. */
static void
digits_layout(const char *digits, int k, int n, char *text, size_t size)
{
	static const char zeros[] = "000000000000000000000";

	if (k <= n && n <= 21)
		snprintf(text, size, "%s%.*s", digits, n - k, zeros);
	else if (0 < n && n <= 21)
		snprintf(text, size, "%.*s.%s", n, digits, digits + n);
	else if (-6 < n && n <= 0)
		snprintf(text, size, "0.%.*s%s", -n, zeros, digits);
	else if (k == 1)
		snprintf(text, size, "%se%+d", digits, n - 1);
	else
		snprintf(text, size, "%c.%se%+d", digits[0], digits + 1, n - 1);
}

bool
canonical_json_number(double number, char text[CANONICAL_JSON_NUMBER_SIZE])
{
	char digits[SHORTEST_DIGITS_MAX + 1];
	int n;
	int k;
	bool is_negative = number < 0;

	if (!isfinite(number))
		return false;
	if (number == 0)
	{
		memcpy(text, "0", 2); /* also for -0 */
		return true;
	}
	k = shortest_digits(fabs(number), digits, &n);
	if (is_negative)
		text[0] = '-';
	digits_layout(digits, k, n, text + is_negative,
				  CANONICAL_JSON_NUMBER_SIZE - (size_t) is_negative);
	return true;
}

/* As Python writes a float: an exponent of two digits from 1e16 and below 1e-4, else a point. */
static bool
python_number(double number, char text[CANONICAL_JSON_NUMBER_SIZE])
{
	char digits[SHORTEST_DIGITS_MAX + 1] = "0";
	const char *sign = signbit(number) ? "-" : "";
	int n = 1;
	int k = 1;

	if (!isfinite(number))
		return false;
	if (number != 0)
		k = shortest_digits(fabs(number), digits, &n);
	if (n > 16 || n <= -4)
		snprintf(text, CANONICAL_JSON_NUMBER_SIZE, "%s%c%s%se%+03d", sign, digits[0],
				 k > 1 ? "." : "", digits + 1, n - 1);
	else if (n <= 0)
		snprintf(text, CANONICAL_JSON_NUMBER_SIZE, "%s0.%.*s%s", sign, -n, "000", digits);
	else if (k <= n)
		snprintf(text, CANONICAL_JSON_NUMBER_SIZE, "%s%s%.*s.0", sign, digits, n - k,
				 "0000000000000000");
	else
		snprintf(text, CANONICAL_JSON_NUMBER_SIZE, "%s%.*s.%s", sign, n, digits, digits + n);
	return true;
}

static bool
number_refuse(Writer *writer)
{
	failure_set(writer->failure, FAILURE_INPUT,
				"a number cannot be signed the same way everywhere: use integers within 2^53-1, "
				"plain decimals, or a string");
	return false;
}

static bool
integer_write(Writer *writer, json_int_t number)
{
	char text[CANONICAL_JSON_NUMBER_SIZE];

	if (writer->is_python || (number >= -LARGEST_EXACT_INTEGER && number <= LARGEST_EXACT_INTEGER))
		snprintf(text, sizeof(text), "%lld", (long long) number);
	else if (writer->is_portable)
		return number_refuse(writer);
	else
		/* To ECMAScript, and so to RFC 8785, every number is a double. */
		canonical_json_number((double) number, text);
	return writer_append(writer, text, strlen(text));
}

static bool
real_write(Writer *writer, double number)
{
	char text[CANONICAL_JSON_NUMBER_SIZE];
	double size = fabs(number);
	bool is_plain =
		number == 0 || (size >= SMALLEST_PLAIN_REAL && size <= (double) LARGEST_EXACT_INTEGER);

	if (writer->is_portable && !is_plain)
		return number_refuse(writer);
	if (!(writer->is_python ? python_number(number, text) : canonical_json_number(number, text)))
		return number_refuse(writer);
	return writer_append(writer, text, strlen(text));
}

/* Code points of valid UTF-8 (jansson admits nothing else) ordered as their UTF-16 units. */
static int
key_compare(const void *left, const void *right)
{
	const unsigned char *a = *(const unsigned char *const *) left;
	const unsigned char *b = *(const unsigned char *const *) right;

	while (*a != '\0' && *a == *b)
		a++, b++;

	/*
	 * UTF-8 sorts by code point. UTF-16 differs in one thing: surrogates (lead byte f0 and up)
	 * come before U+E000 to U+FFFF (lead bytes ee and ef).
	 */
	if (*a >= 0xf0 && (*b == 0xee || *b == 0xef))
		return -1;
	if (*b >= 0xf0 && (*a == 0xee || *a == 0xef))
		return 1;
	return (int) *a - (int) *b;
}

/* By code point, as Python sorts. */
static int
python_key_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* The member names of object, sorted; a list of borrowed texts to free. */
static const char **
keys_sorted(const json_t *object, bool is_python)
{
	json_t *readable = (json_t *) object; /* jansson's iterators want no const */
	const char **keys = calloc(json_object_size(object) + 1, sizeof(*keys));
	size_t count = 0;
	void *iterator;

	if (keys == NULL)
		return NULL;
	for (iterator = json_object_iter(readable); iterator != NULL;
		 iterator = json_object_iter_next(readable, iterator))
		keys[count++] = json_object_iter_key(iterator);
	qsort(keys, count, sizeof(*keys), is_python ? python_key_compare : key_compare);
	return keys;
}

static bool
key_is_portable(const char *key)
{
	for (; *key != '\0'; key++)
	{
		if ((unsigned char) *key >= 0xf0)
			return false;
	}
	return true;
}

static bool
member_write(Writer *writer, const json_t *object, const char *key, bool is_first, int depth)
{
	if (writer->is_portable && !key_is_portable(key))
	{
		failure_set(writer->failure, FAILURE_INPUT,
					"the name of a member lies beyond the basic multilingual plane");
		return false;
	}
	return (is_first || writer_append(writer, ",", 1)) && string_write(writer, key, strlen(key)) &&
		   writer_append(writer, ":", 1) &&
		   value_write(writer, json_object_get(object, key), depth + 1);
}

static bool
object_write(Writer *writer, const json_t *object, int depth)
{
	const char **keys = keys_sorted(object, writer->is_python);
	size_t i;
	bool ok;

	if (keys == NULL)
	{
		failure_set(writer->failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	ok = writer_append(writer, "{", 1);
	for (i = 0; ok && keys[i] != NULL; i++)
		ok = member_write(writer, object, keys[i], i == 0, depth);
	free(keys);
	return ok && writer_append(writer, "}", 1);
}

static bool
array_write(Writer *writer, const json_t *array, int depth)
{
	size_t i;

	if (!writer_append(writer, "[", 1))
		return false;
	for (i = 0; i < json_array_size(array); i++)
	{
		if (i > 0 && !writer_append(writer, ",", 1))
			return false;
		if (!value_write(writer, json_array_get(array, i), depth + 1))
			return false;
	}
	return writer_append(writer, "]", 1);
}

static bool
value_write(Writer *writer, const json_t *value, int depth)
{
	if (depth > CANONICAL_JSON_DEPTH)
	{
		failure_set(writer->failure, FAILURE_LIMIT, "the message is nested deeper than %d levels",
					CANONICAL_JSON_DEPTH);
		return false;
	}
	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			return object_write(writer, value, depth);
		case JSON_ARRAY:
			return array_write(writer, value, depth);
		case JSON_STRING:
			return string_write(writer, json_string_value(value), json_string_length(value));
		case JSON_INTEGER:
			return integer_write(writer, json_integer_value(value));
		case JSON_REAL:
			return real_write(writer, json_real_value(value));
		case JSON_TRUE:
			return writer_append(writer, "true", 4);
		case JSON_FALSE:
			return writer_append(writer, "false", 5);
		case JSON_NULL:
			return writer_append(writer, "null", 4);
	}
	return false;
}

bool
canonical_json(const json_t *value, Buffer *out, Failure *failure)
{
	Writer writer = {.out = out, .failure = failure};

	return value_write(&writer, value, 1);
}

bool
canonical_json_portable(const json_t *value, Buffer *out, Failure *failure)
{
	Writer writer = {.out = out, .failure = failure, .is_portable = true};

	return value_write(&writer, value, 1);
}

bool
canonical_json_ascii(const json_t *value, Buffer *out, Failure *failure)
{
	Writer writer = {.out = out, .failure = failure, .is_portable = true, .is_ascii = true};

	return value_write(&writer, value, 1);
}

bool
canonical_json_python(const json_t *value, Buffer *out, Failure *failure)
{
	Writer writer = {.out = out, .failure = failure, .is_ascii = true, .is_python = true};

	return value_write(&writer, value, 1);
}

static bool
number_is_canonical(const char *text, size_t length)
{
	char written[CANONICAL_JSON_NUMBER_SIZE];
	char copy[CANONICAL_JSON_NUMBER_SIZE];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return canonical_json_number(strtod(copy, NULL), written) && strcmp(copy, written) == 0;
}

static bool
is_of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

bool
canonical_json_has_numbers(const char *text, size_t length)
{
	bool is_in_string = false;

	for (size_t i = 0; i < length; i++)
	{
		size_t begun = i;

		if (text[i] == '"')
			is_in_string = !is_in_string;
		else if (is_in_string && text[i] == '\\')
			i++;
		if (is_in_string || (text[i] != '-' && (text[i] < '0' || text[i] > '9')))
			continue;
		while (i < length && is_of_number(text[i]))
			i++;
		if (!number_is_canonical(text + begun, i - begun))
			return false;
		i--; /* what ended the number is looked at too */
	}
	return true;
}
