/*
 * number_fuzz.c
 *		Numbers as they are written: what is taken is one number to every reader, its canonical form
 *		reads back as the same double, and a bound of the text is a bound of what is built of it.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/canonical_json.h"
#include "message/json_bounds.h"
#include "message/json_number.h"
#include "message/shortest_digits.h"

#define EXACT 9007199254740991.0 /* 2^53 - 1 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool claim)
{
	if (!claim)
		abort();
}

static void
double_check(double number)
{
	char text[CANONICAL_JSON_NUMBER_SIZE];
	char digits[SHORTEST_DIGITS_MAX + 1];
	int n;

	if (!isfinite(number))
	{
		demand(!canonical_json_number(number, text));
		return;
	}
	demand(canonical_json_number(number, text) && strtod(text, NULL) == number);
	if (number == 0)
		return;
	demand(shortest_digits(fabs(number), digits, &n) == (int) strlen(digits));
	demand(digits[0] != '0' && (digits[1] == '\0' || digits[strlen(digits) - 1] != '0'));
}

/* The text of one number that JSON allows. */
static void
text_check(const char *text, double number)
{
	size_t plain;
	JsonNumberFault fault = json_number_judge(text, strlen(text), &plain);

	if (fault != JSON_NUMBER_FINE)
		return;
	demand(fabs(number) <= EXACT && (number == 0 || fabs(number) >= 2.2250738585072014e-308));
	demand(plain >= strlen(text) && plain < 2 * JSON_NUMBER_LENGTH);
	demand((number == 0) == (strpbrk(strndupa(text, strcspn(text, "eE")), "123456789") == NULL));
}

static void
value_check(const json_t *value, int depth, size_t *values)
{
	const char *name;
	json_t *member;
	size_t i;

	demand(++*values <= JSON_BOUNDS_VALUES && depth <= JSON_BOUNDS_DEPTH + 1);
	demand(json_array_size(value) <= JSON_BOUNDS_MEMBERS);
	demand(json_object_size(value) <= JSON_BOUNDS_MEMBERS);
	if (json_is_number(value))
		demand(fabs(json_number_value(value)) <= EXACT);
	json_array_foreach((json_t *) value, i, member) value_check(member, depth + 1, values);
	json_object_foreach((json_t *) value, name, member) value_check(member, depth + 1, values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *) data, size);
	char reason[100];
	double number;
	size_t values = 0;
	json_t *value = json_loadb((const char *) data, size, JSON_DECODE_ANY, NULL);

	if (size >= sizeof(number))
	{
		memcpy(&number, data, sizeof(number));
		double_check(number);
	}
	if (json_is_number(value))
		text_check(text + strspn(text, " \t\r\n"), json_number_value(value));
	if (json_bounds_check((const char *) data, size, reason, sizeof(reason)))
	{
		if (value != NULL)
			value_check(value, 1, &values);
	}
	else
		demand(strlen(reason) > 10);
	json_decref(value);
	free(text);
	return 0;
}
