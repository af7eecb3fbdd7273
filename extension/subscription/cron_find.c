/*
 * cron_find.c
 *		Finds the next wall-clock time of a cron expression. See cron_parse.h.
 *
 * Goes forward by the largest unit that does not fit, so that even a 29th of February on a Monday
 * takes a few hundred steps, and "never" a few thousand. Must not know the server.
 */
#include "subscription/cron_parse.h"

static bool
has(uint64_t set, int number)
{
	return (set >> number & 1) != 0;
}

static int
month_length(int year, int month)
{
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month == 2)
		return is_leap ? 29 : 28;
	/* odd months are the long ones, and from August on even ones */
	return 30 + (month + month / 8) % 2;
}

/* 0 is Sunday (Zeller's rule; January and February belong to the year before). */
static int
weekday_of(int year, int month, int day)
{
	if (month < 3)
	{
		month += 12;
		year--;
	}
	return (day + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400 + 6) % 7;
}

/* Both given means either, in cron of old; 13 * 5 is every 13th and every Friday. */
static bool
day_fits(const CronSchedule *schedule, const CronTime *time)
{
	bool day = has(schedule->days, time->day);
	bool weekday = has(schedule->weekdays, weekday_of(time->year, time->month, time->day));

	if (schedule->has_days && schedule->has_weekdays)
		return day || weekday;
	return day && weekday;
}

static void
start_year(CronTime *time)
{
	time->year++;
	time->month = 1;
	time->day = 1;
	time->hour = time->minute = time->second = 0;
}

static void
start_month(CronTime *time)
{
	if (time->month == 12)
	{
		start_year(time);
		return;
	}
	time->month++;
	time->day = 1;
	time->hour = time->minute = time->second = 0;
}

static void
start_day(CronTime *time)
{
	if (time->day >= month_length(time->year, time->month))
	{
		start_month(time);
		return;
	}
	time->day++;
	time->hour = time->minute = time->second = 0;
}

/* The first number of the set that is at least the one given, or -1. */
static int
next_of(uint64_t set, int from, int high)
{
	int number;

	for (number = from; number <= high; number++)
	{
		if (has(set, number))
			return number;
	}
	return -1;
}

/* Within the day; false when nothing is left of it. */
static bool
find_in_day(const CronSchedule *schedule, CronTime *time)
{
	int hour;
	int minute = -1;
	int second = -1;

	for (hour = next_of(schedule->hours, time->hour, 23); hour >= 0;
		 hour = next_of(schedule->hours, hour + 1, 23))
	{
		bool is_hour = hour == time->hour;

		minute = next_of(schedule->minutes, is_hour ? time->minute : 0, 59);
		if (minute < 0)
			continue;
		second =
			next_of(schedule->seconds, is_hour && minute == time->minute ? time->second : 0, 59);
		if (second < 0)
		{
			minute = next_of(schedule->minutes, minute + 1, 59);
			second = next_of(schedule->seconds, 0, 59);
		}
		if (minute >= 0)
			break;
	}
	if (hour < 0)
		return false;
	time->hour = hour;
	time->minute = minute;
	time->second = second;
	return true;
}

/*
 * Ends with the last year that can be written: an expression that never fits costs no more than
 * that.
 */
bool
cron_find(const CronSchedule *schedule, CronTime *time)
{
	if (time->year < CRON_YEAR_MIN)
	{
		time->year = CRON_YEAR_MIN - 1;
		start_year(time);
	}
	while (time->year <= CRON_YEAR_MAX)
	{
		int year = time->year - CRON_YEAR_MIN;

		if (!has(schedule->years[year / 64], year % 64))
			start_year(time);
		else if (!has(schedule->months, time->month))
			start_month(time);
		else if (!day_fits(schedule, time) || !find_in_day(schedule, time))
			start_day(time);
		else
			return true;
	}
	return false;
}
