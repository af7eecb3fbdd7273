/*
 * iso_time.c
 *		Instants to text and back, by plain calendar arithmetic: no locale, no zone database.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/iso_time.h"

#define MS_PER_DAY INT64_C(86400000)
#define EARLIEST INT64_C(-62135596800000) /* 0001-01-01T00:00:00Z */
#define LATEST INT64_C(253402300799999)	  /* 9999-12-31T23:59:59.999Z */

int64_t
iso_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar (years count from March). */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void
iso_time_format(int64_t ms, char text[ISO_TIME_SIZE])
{
	struct tm parts;
	time_t seconds;
	int rest;

	if (ms < EARLIEST)
		ms = EARLIEST;
	if (ms > LATEST)
		ms = LATEST;
	rest = (int) (ms % 1000);
	seconds = (time_t) (ms / 1000);
	if (rest < 0)
	{
		rest += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &parts);
	/* the remainders change nothing: they show the compiler that the text fits */
	snprintf(text, ISO_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			 (parts.tm_year + 1900) % 10000, (parts.tm_mon + 1) % 100, parts.tm_mday % 100,
			 parts.tm_hour % 100, parts.tm_min % 100, parts.tm_sec % 100, rest % 1000);
}

void
iso_time_format_long(int64_t ms, char text[ISO_TIME_SIZE])
{
	size_t seconds; /* the length up to them */

	iso_time_format(ms, text);
	seconds = strlen(text) - strlen(".456Z");
	if (strcmp(text + seconds, ".000Z") == 0)
		memcpy(text + seconds, "Z", sizeof("Z"));
	else
		memcpy(text + seconds + strlen(".456"), "000Z", sizeof("000Z"));
}

/* Exactly count digits, then the byte after (0 = do not look); advances *text. */
static bool
digits_parse(const char **text, int count, char after, int *number)
{
	*number = 0;
	while (count-- > 0)
	{
		if (!isdigit((unsigned char) **text))
			return false;
		*number = *number * 10 + (*(*text)++ - '0');
	}
	if (after == '\0')
		return true;
	if (toupper((unsigned char) **text) != after)
		return false;
	(*text)++;
	return true;
}

static bool
date_parse(const char **text, int64_t *ms)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year;
	int month;
	int day;
	bool is_leap;

	if (!digits_parse(text, 4, '-', &year) || !digits_parse(text, 2, '-', &month) ||
		!digits_parse(text, 2, 'T', &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
		return false;
	is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (month == 2 && day == 29 && !is_leap)
		return false;
	*ms = days_from_date(year, month, day) * MS_PER_DAY;
	return true;
}

static bool
clock_parse(const char **text, int64_t *ms)
{
	int hour;
	int minute;
	int second;
	int scale = 100;

	if (!digits_parse(text, 2, ':', &hour) || !digits_parse(text, 2, ':', &minute) ||
		!digits_parse(text, 2, '\0', &second))
		return false;
	/* 60 is a leap second, which some clocks really say */
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms += ((int64_t) hour * 3600 + minute * 60 + second) * 1000;
	if (**text != '.')
		return true;
	(*text)++;
	if (!isdigit((unsigned char) **text))
		return false;
	/* any number of digits is read, three of them count */
	for (; isdigit((unsigned char) **text); (*text)++, scale /= 10)
		*ms += (int64_t) (**text - '0') * scale;
	return true;
}

static bool
zone_parse(const char **text, int64_t *ms)
{
	/* A time without a zone is refused: two systems would understand two instants. */
	char sign = *(*text)++;
	int hours;
	int minutes;
	int64_t offset;

	if (sign == 'Z' || sign == 'z')
		return true;
	if (sign != '+' && sign != '-')
		return false;
	if (!digits_parse(text, 2, ':', &hours) || !digits_parse(text, 2, '\0', &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	offset = ((int64_t) hours * 60 + minutes) * 60000;
	*ms += sign == '+' ? -offset : offset;
	return true;
}

bool
iso_time_parse(const char *text, int64_t *ms)
{
	int64_t parsed;

	if (!date_parse(&text, &parsed) || !clock_parse(&text, &parsed) || *text == '\0' ||
		!zone_parse(&text, &parsed) || *text != '\0')
		return false;
	*ms = parsed;
	return true;
}
