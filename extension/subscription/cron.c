/*
 * cron.c
 *		Cron expressions in SQL: is this one, and when is it next, in a time zone?
 *
 * Where clocks go back, a time that comes twice counts the first time only, unless the expression
 * is for every hour. Where they go forward, what falls into the hour that is left out is due at
 * once when the clocks have gone forward, unless the expression is for every hour: then the next
 * hour is near enough. Must not know subscriptions.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "subscription/cron_parse.h"

PG_FUNCTION_INFO_V1(casesync_cron_check);
PG_FUNCTION_INFO_V1(casesync_cron_next);

/* No zone has ever been changed by more than a day at once. */
#define SHIFT_MAX (27 * SECS_PER_HOUR)
#define NEVER PG_INT64_MAX

/* A stretch of time in which the zone has one offset. Walls are seconds as if they were UTC. */
typedef struct Stretch
{
	pg_time_t end; /* NEVER: none */
	long offset;
	long next_offset;
} Stretch;

static Stretch
find_stretch(pg_time_t from, const pg_tz *zone)
{
	Stretch stretch = {NEVER, 0, 0};
	pg_time_t boundary;
	int before_is_dst;
	int after_is_dst;
	int found = pg_next_dst_boundary(&from, &stretch.offset, &before_is_dst, &boundary,
									 &stretch.next_offset, &after_is_dst, zone);

	if (found < 0)
		elog(ERROR, "could not read a time zone's rules");
	if (found == 0)
		stretch.next_offset = stretch.offset;
	else
		stretch.end = boundary;
	return stretch;
}

/* The first wall time of the schedule from this one on, or NEVER. */
static int64
find_wall(const CronSchedule *schedule, int64 wall)
{
	int64 day = wall / SECS_PER_DAY - (wall % SECS_PER_DAY < 0);
	int64 second = wall - day * SECS_PER_DAY;
	CronTime time;

	j2date((int) day + UNIX_EPOCH_JDATE, &time.year, &time.month, &time.day);
	time.hour = second / SECS_PER_HOUR;
	time.minute = second / SECS_PER_MINUTE % MINS_PER_HOUR;
	time.second = second % SECS_PER_MINUTE;
	if (!cron_find(schedule, &time))
		return NEVER;
	day = date2j(time.year, time.month, time.day) - UNIX_EPOCH_JDATE;
	return day * SECS_PER_DAY + time.hour * SECS_PER_HOUR + time.minute * SECS_PER_MINUTE +
		   time.second;
}

/* The first instant after the one given, or NEVER. */
static pg_time_t
find_instant(const CronSchedule *schedule, pg_time_t after, const pg_tz *zone)
{
	pg_time_t start = after - SHIFT_MAX;
	int64 earliest = start;
	bool is_first = true;

	for (;;)
	{
		Stretch stretch = find_stretch(start, zone);

		CHECK_FOR_INTERRUPTS();
		if (is_first)
			earliest = start + stretch.offset;
		is_first = false;
		if (stretch.end > after)
		{
			int64 wall = find_wall(schedule, Max(earliest, after + 1 + stretch.offset));

			if (wall == NEVER)
				return NEVER;
			if (stretch.end == NEVER || wall - stretch.offset < stretch.end)
				return wall - stretch.offset;
			if (!schedule->is_every_hour && wall < stretch.end + stretch.next_offset)
				return stretch.end;
		}
		earliest =
			stretch.end + (schedule->is_every_hour ? stretch.next_offset
												   : Max(stretch.offset, stretch.next_offset));
		start = stretch.end;
	}
}

static pg_tz *
find_zone(const char *name)
{
	pg_tz *zone = pg_tzset(name);

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" is not known", name),
						errhint("SELECT name FROM pg_catalog.pg_timezone_names;")));
	return zone;
}

/* cron_check(expression text) → text: NULL when it is good, else a sentence */
Datum
casesync_cron_check(PG_FUNCTION_ARGS)
{
	char problem[CRON_PROBLEM_SIZE];
	CronSchedule schedule;

	if (cron_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &schedule, problem))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* cron_next(expression text, after timestamptz, zone text) → timestamptz; NULL: never */
Datum
casesync_cron_next(PG_FUNCTION_ARGS)
{
	TimestampTz after = PG_GETARG_TIMESTAMPTZ(1);
	pg_tz *zone = find_zone(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	char problem[CRON_PROBLEM_SIZE];
	CronSchedule schedule;
	pg_time_t instant;

	if (!cron_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &schedule, problem))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this is not a cron expression"), errdetail("%s.", problem),
						errhint("For example: '0 6 * * 1-5', every working day at six.")));
	if (TIMESTAMP_IS_NOEND(after))
		PG_RETURN_NULL();
	/* Earlier than any year of an expression; and the day's numbers must fit. */
	instant = TIMESTAMP_IS_NOBEGIN(after) ? 0 : Max(timestamptz_to_time_t(after), 0);
	if (after < SetEpochTimestamp() || TIMESTAMP_IS_NOBEGIN(after))
		instant = -1;
	else if (instant > (int64) (CRON_YEAR_MAX - 1969) * 366 * SECS_PER_DAY)
		PG_RETURN_NULL();
	instant = find_instant(&schedule, instant, zone);
	if (instant == NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time_t_to_timestamptz(instant));
}
