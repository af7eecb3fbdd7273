/*
 * shortest_digits.c
 *		PostgreSQL's own Ryu, the only place that knows it. It keeps within the interval of decimals
 *		that read back as the number; ECMAScript also takes the ends of the interval of an even
 *		mantissa (1e23 for what else would be 9.999999999999999e22), so they are looked at here.
 */
#include "message/shortest_digits.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/shortest_dec.h"

#define MANTISSA_BITS 53

/* The digits and the exponent of "ddd", "0.00ddd", "d.ddde+xx" without zeros at either end. */
static int
text_read(const char *text, int length, char *digits, int *n)
{
	int count = 0;
	int point = -1; /* digits before it */
	int exponent = 0;
	int leading = 0;

	for (int i = 0; i < length; i++)
	{
		if (text[i] == 'e')
		{
			int sign = text[i + 1] == '-' ? -1 : 1;

			for (i += 2; i < length; i++)
				exponent = 10 * exponent + sign * (text[i] - '0');
		}
		else if (text[i] == '.')
			point = count + leading;
		else if (text[i] == '0' && count == 0)
			leading++;
		else
			digits[count++] = text[i];
	}
	*n = (point < 0 ? count + leading : point) - leading + exponent;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	return count;
}

/*
 * odd * 2^shift without its trailing zeros, if it then has fewer than limit digits: it has as many
 * zeros as it is divisible by 5 and by 2.
 */
static int
end_write(uint64_t odd, int shift, int limit, char *digits, int *n)
{
	char reversed[SHORTEST_DIGITS_MAX];
	int zeros = 0;
	int count = 0;

	for (; odd % 5 == 0 && shift > 0; shift--, zeros++)
		odd /= 5;
	if (shift < 0 || shift > MANTISSA_BITS || odd > (UINT64_C(1) << (MANTISSA_BITS + 1)) >> shift)
		return 0; /* more than 17 digits, or as many as the number itself has */
	for (odd <<= shift; odd > 0 && count + 1 < limit; odd /= 10)
		reversed[count++] = (char) ('0' + odd % 10);
	if (odd > 0)
		return 0;
	for (int i = 0; i < count; i++)
		digits[i] = reversed[count - 1 - i];
	digits[count] = '\0';
	*n = count + zeros;
	return count;
}

/* Replaces the digits by those of an end of the interval that has fewer. */
static int
ends_try(double number, char *digits, int count, int *n)
{
	int exponent;
	uint64_t mantissa = (uint64_t) ldexp(frexp(number, &exponent), MANTISSA_BITS);
	bool is_power = mantissa == UINT64_C(1) << (MANTISSA_BITS - 1);
	int found;

	/* number = mantissa * 2^exponent; an end is half as far as the next double */
	exponent -= MANTISSA_BITS;
	if (exponent < 1 || mantissa % 2 != 0)
		return count;
	found = end_write(2 * mantissa + 1, exponent - 1, count, digits, n);
	if (found > 0)
		count = found;
	/* below a power of two doubles lie twice as close */
	found = is_power ? end_write(4 * mantissa - 1, exponent - 2, count, digits, n)
					 : end_write(2 * mantissa - 1, exponent - 1, count, digits, n);
	return found > 0 ? found : count;
}

int
shortest_digits(double number, char digits[SHORTEST_DIGITS_MAX + 1], int *n)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];
	int length = double_to_shortest_decimal_bufn(number, text);
	int count = text_read(text, length, digits, n);

	return ends_try(number, digits, count, n);
}
