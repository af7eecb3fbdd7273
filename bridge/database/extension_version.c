/*
 * extension_version.c
 *		Versions are compared number by number; what follows the third one does not count.
 */
#include "database/extension_version.h"

#include <stdio.h>

#define VERSION_NUMBERS 3

static bool
version_read(const char *version, unsigned int *numbers)
{
	/* Nine digits at most: more would not fit. */
	return sscanf(version, "%9u.%9u.%9u", &numbers[0], &numbers[1], &numbers[2]) == VERSION_NUMBERS;
}

static bool
version_is_before(const unsigned int *version, const unsigned int *oldest)
{
	for (int i = 0; i < VERSION_NUMBERS; i++)
		if (version[i] != oldest[i])
			return version[i] < oldest[i];
	return false;
}

bool
extension_version_check(const char *version, const char *oldest, Failure *failure)
{
	unsigned int numbers[VERSION_NUMBERS];
	unsigned int oldest_numbers[VERSION_NUMBERS];

	if (version_read(version, numbers) && version_read(oldest, oldest_numbers) &&
		!version_is_before(numbers, oldest_numbers))
		return true;
	failure_set(failure, FAILURE_DATABASE,
				"the database's casesync is \"%.40s\", this bridge %s works with %s or later:"
				" update the extension",
				version, CASESYNC_VERSION, oldest);
	return false;
}
