/*
 * number_print.c
 *		Reads doubles as 16 hexadecimal digits, one a line, and prints their canonical form; for
 *		number_test.py.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message/canonical_json.h"

int
main(void)
{
	uint64_t bits;

	while (scanf("%16" SCNx64, &bits) == 1)
	{
		char text[CANONICAL_JSON_NUMBER_SIZE];
		double number;

		memcpy(&number, &bits, sizeof(number));
		puts(canonical_json_number(number, text) ? text : "none");
	}
	return 0;
}
