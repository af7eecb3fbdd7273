/*
 * json_number.c
 *		Judges a number by its digits and its exponent; nothing is computed with it.
 */
#include "message/json_number.h"

#include <stdbool.h>
#include <string.h>

#define EXPONENT_MAX 99999
#define EXACT_DIGITS "9007199254740991" /* 2^53 - 1 */
#define SMALLEST_EXPONENT (-306)		/* from here on 0.d * 10^n is a normal double */

/* A number as 0.d1d2...dk * 10^n. */
typedef struct Decimal
{
	char digits[JSON_NUMBER_DIGITS + 1];
	int count; /* of all digits, also those for which there is no room */
	int zeros; /* that follow them, which matter only when another digit does */
	int n;
} Decimal;

static void
decimal_take(Decimal *decimal, char digit, bool is_fraction)
{
	if (digit == '0' && decimal->count == 0)
	{
		decimal->n -= is_fraction;
		return;
	}
	decimal->n += !is_fraction;
	if (digit == '0')
	{
		decimal->zeros++;
		return;
	}
	for (; decimal->zeros > 0; decimal->zeros--, decimal->count++)
		if (decimal->count < JSON_NUMBER_DIGITS)
			decimal->digits[decimal->count] = '0';
	if (decimal->count < JSON_NUMBER_DIGITS)
		decimal->digits[decimal->count] = digit;
	decimal->count++;
}

static int
exponent_read(const char *text, size_t length)
{
	bool is_negative = length > 0 && *text == '-';
	int exponent = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (text[i] >= '0' && text[i] <= '9' && exponent < EXPONENT_MAX)
			exponent = 10 * exponent + (text[i] - '0');
	}
	return is_negative ? -exponent : exponent;
}

static void
decimal_read(Decimal *decimal, const char *text, size_t length)
{
	bool is_fraction = false;

	memset(decimal, 0, sizeof(*decimal));
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '.')
			is_fraction = true;
		else if (text[i] == 'e' || text[i] == 'E')
		{
			decimal->n += exponent_read(text + i + 1, length - i - 1);
			break;
		}
		else if (text[i] >= '0' && text[i] <= '9')
			decimal_take(decimal, text[i], is_fraction);
	}
}

JsonNumberFault
json_number_judge(const char *text, size_t length, size_t *plain)
{
	const int exact = (int) strlen(EXACT_DIGITS);
	Decimal decimal;
	size_t plain_length;

	*plain = 0;
	if (length > JSON_NUMBER_LENGTH)
		return JSON_NUMBER_PRECISE;
	decimal_read(&decimal, text, length);
	/* the digits, as text, compare as the numbers do when n is the same: both end in NULs */
	if (decimal.n > exact ||
		(decimal.n == exact && memcmp(decimal.digits, EXACT_DIGITS, sizeof(EXACT_DIGITS)) > 0))
		return JSON_NUMBER_LARGE;
	/* of a zero too: a database remembers how many places it has */
	if (decimal.n < SMALLEST_EXPONENT)
		return JSON_NUMBER_SMALL;
	if (decimal.count > JSON_NUMBER_DIGITS)
		return JSON_NUMBER_PRECISE;
	plain_length = (size_t) (decimal.n > 0 ? decimal.n : -decimal.n) + (size_t) decimal.count + 2;
	*plain = plain_length > length ? plain_length : length;
	return JSON_NUMBER_FINE;
}
