/*
 * iso_time_fuzz.c
 *		Times in messages and in HTTP headers: whatever is read must be written and read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/iso_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1);
	char again[ISO_TIME_SIZE];
	int64_t ms;
	int64_t second;

	memcpy(input, data, size);
	input[size] = '\0';
	if (iso_time_parse(input, &ms))
	{
		iso_time_format(ms, again);
		if (!iso_time_parse(again, &second))
			abort();
	}
	free(input);
	return 0;
}
