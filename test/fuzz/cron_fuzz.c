/*
 * cron_fuzz.c
 *		Cron expressions of partners: a text is refused with a sentence, or its next time holds
 *		together. The first eight bytes choose the time to begin from.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "subscription/cron_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool claim)
{
	if (!claim)
		abort();
}

static CronTime
start_time(const uint8_t *data)
{
	CronTime time;

	time.year = 1960 + data[0];
	time.month = 1 + data[1] % 12;
	time.day = 1 + data[2] % 28;
	time.hour = data[3] % 24;
	time.minute = data[4] % 60;
	time.second = data[5] % 60;
	return time;
}

static int
compare(const CronTime *a, const CronTime *b)
{
	const int pairs[][2] = {{a->year, b->year}, {a->month, b->month},	{a->day, b->day},
							{a->hour, b->hour}, {a->minute, b->minute}, {a->second, b->second}};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1] ? -1 : 1;
	}
	return 0;
}

static void
check_next(const CronSchedule *schedule, const CronTime *start)
{
	CronTime found = *start;
	CronTime again;

	if (!cron_find(schedule, &found))
		return;
	require(start->year < CRON_YEAR_MIN || compare(start, &found) <= 0);
	require(found.year >= CRON_YEAR_MIN && found.year <= CRON_YEAR_MAX);
	require(found.month >= 1 && found.month <= 12 && found.day >= 1 && found.day <= 31);
	require((schedule->months >> found.month & 1) != 0);
	require((schedule->hours >> found.hour & 1) != 0);
	require((schedule->minutes >> found.minute & 1) != 0);
	require((schedule->seconds >> found.second & 1) != 0);
	again = found;
	require(cron_find(schedule, &again) && compare(&found, &again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[CRON_PROBLEM_SIZE] = "";
	CronSchedule schedule;
	CronTime start;
	char *expression;

	if (size < 8)
		return 0;
	start = start_time(data);
	expression = malloc(size - 8 + 1);
	memcpy(expression, data + 8, size - 8);
	expression[size - 8] = '\0';
	if (cron_parse(expression, &schedule, problem))
		check_next(&schedule, &start);
	else
		require(problem[0] != '\0');
	free(expression);
	return 0;
}
