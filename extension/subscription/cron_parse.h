/*
 * cron_parse.h
 *		Cron expressions: read one, find the next wall-clock time it names.
 *
 * Pure: knows no server, no clock, no time zone; nothing is allocated. The same expression and time
 * always give the same answer, in bounded time.
 *
 * Five fields are minute, hour, day of month, month, day of week (0 or 7 is Sunday). Six have the
 * second before them. Seven have the second before and the year behind them, as Quartz has: there
 * the day of week 1 is Sunday, and ? stands for "any" in one of the two day fields.
 */
#ifndef CASESYNC_CRON_PARSE_H
#define CASESYNC_CRON_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRON_LENGTH_MAX 255
#define CRON_PROBLEM_SIZE 200
#define CRON_YEAR_MIN 1970
#define CRON_YEAR_MAX 2199

typedef struct CronSchedule
{
	uint64_t seconds; /* bit n: second n */
	uint64_t minutes;
	uint64_t hours;
	uint64_t days;		/* 1 to 31 */
	uint64_t months;	/* 1 to 12 */
	uint64_t weekdays;	/* 0 (Sunday) to 6 */
	uint64_t years[4];	/* from CRON_YEAR_MIN on */
	bool has_days;		/* days of the month are named, not * or ? */
	bool has_weekdays;	/* when both are, either may fit */
	bool is_every_hour; /* every hour of the day */
} CronSchedule;

/* A wall-clock time of the Gregorian calendar. */
typedef struct CronTime
{
	int year;
	int month; /* 1 to 12 */
	int day;
	int hour;
	int minute;
	int second;
} CronTime;

/* False when the text is no expression; the problem is then a sentence without the text in it. */
extern bool cron_parse(const char *expression, CronSchedule *schedule,
					   char problem[CRON_PROBLEM_SIZE]);

/* Move the time forward to the first that fits, itself included. False: there is none any more. */
extern bool cron_find(const CronSchedule *schedule, CronTime *time);

#endif /* CASESYNC_CRON_PARSE_H */
