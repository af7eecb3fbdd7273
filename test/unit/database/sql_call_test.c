/*
 * sql_call_test.c
 *		The list of calls is whole: each has a statement that calls its function and no other, with
 *		as many parameters as it says.
 */
#include <stdlib.h>
#include <string.h>

#include "database/sql_call.h"
#include "tap.h"

static int
count_of(const char *text, const char *part)
{
	int count = 0;

	for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part))
		count++;
	return count;
}

/* The highest $n, when all below it are there too; else -1. */
static int
parameters_of(const char *sql)
{
	char name[16];
	int highest = 0;

	for (const char *at = strchr(sql, '$'); at != NULL; at = strchr(at + 1, '$'))
		if (atoi(at + 1) > highest)
			highest = atoi(at + 1);
	for (int i = 1; i <= highest; i++)
	{
		snprintf(name, sizeof(name), " $%d::", i);
		if (count_of(sql, name) != 1)
			return -1;
	}
	return highest;
}

int
main(void)
{
	Tap tap = {0, 0};

	for (int i = 0; i < CALL_COUNT; i++)
	{
		const SqlCall *call = &sql_calls[i];
		char start[128];
		int same = 0;

		if (!tap_ok(&tap, call->function != NULL && call->statement.sql != NULL, "call %d", i))
			continue;
		snprintf(start, sizeof(start), "%s(", call->function);
		for (int k = 0; k < CALL_COUNT; k++)
			same += strcmp(sql_calls[k].function, call->function) == 0;
		tap_is_int(&tap, same, 1, "%s is there once", call->function);
		tap_is_int(&tap, count_of(call->statement.sql, start), 1, "%s is called", call->function);
		tap_is_int(&tap, count_of(call->statement.sql, "casesync"), 1, "nothing else of casesync");
		tap_is_int(&tap, strncmp(call->statement.sql, "SELECT ", 7), 0, "by a SELECT");
		tap_is_int(&tap, call->statement.count, parameters_of(call->statement.sql),
				   "with so many parameters, each of a type");
	}
	return tap_done(&tap);
}
