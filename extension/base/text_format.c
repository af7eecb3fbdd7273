/*
 * text_format.c
 *		Pure checks of text, and their SQL faces.
 *
 * Must not know records, code directories or settings.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/pg_compat.h"
#include "base/text_format.h"

PG_FUNCTION_INFO_V1(casesync_is_date);
PG_FUNCTION_INFO_V1(casesync_is_date_time);
PG_FUNCTION_INFO_V1(casesync_is_locale);
PG_FUNCTION_INFO_V1(casesync_is_email);
PG_FUNCTION_INFO_V1(casesync_is_phone);
PG_FUNCTION_INFO_V1(casesync_is_identifier);

#define DATE_LENGTH 10
#define TIME_LENGTH 8 /* hh:mm:ss */
#define FRACTION_DIGITS_MAX 9
#define ZONE_HOURS_MAX 15 /* what the server's timestamptz takes */
#define EMAIL_LENGTH_MAX 254
#define EMAIL_LOCAL_LENGTH_MAX 64
#define EMAIL_LABEL_LENGTH_MAX 63
#define PHONE_DIGITS_MIN 7
#define PHONE_DIGITS_MAX 15
#define IDENTIFIER_LENGTH_MAX 128

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The number of exactly so many digits, or -1. */
static int
read_digits(const char *at, int count)
{
	int number = 0;
	int i;

	for (i = 0; i < count; i++)
	{
		if (!is_digit(at[i]))
			return -1;
		number = number * 10 + (at[i] - '0');
	}
	return number;
}

static bool
is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool
text_is_date(const char *text_start, size_t length)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year;
	int month;
	int day;
	int days;

	if (length != DATE_LENGTH || text_start[4] != '-' || text_start[7] != '-')
		return false;
	year = read_digits(text_start, 4);
	month = read_digits(text_start + 5, 2);
	day = read_digits(text_start + 8, 2);
	if (year < 1 || month < 1 || month > 12)
		return false;
	days = month_days[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
	return day >= 1 && day <= days;
}

/* How many bytes date, T, time and fraction take; 0 when they are wrong. */
static size_t
measure_date_time(const char *text_start, size_t length)
{
	const char *clock = text_start + DATE_LENGTH + 1;
	size_t at = DATE_LENGTH + 1 + TIME_LENGTH;
	size_t fraction;
	int hour;
	int minute;
	int second;

	if (length < at || !text_is_date(text_start, DATE_LENGTH) || text_start[DATE_LENGTH] != 'T' ||
		clock[2] != ':' || clock[5] != ':')
		return 0;
	hour = read_digits(clock, 2);
	minute = read_digits(clock + 3, 2);
	second = read_digits(clock + 6, 2);
	/* Second 60 is a leap second: the server reads it as the next minute. */
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return 0;
	if (at == length || text_start[at] != '.')
		return at;
	for (fraction = at + 1; fraction < length && is_digit(text_start[fraction]); fraction++)
		;
	if (fraction == at + 1 || fraction > at + 1 + FRACTION_DIGITS_MAX)
		return 0;
	return fraction;
}

static bool
is_zone(const char *zone, size_t length)
{
	int hours;
	int minutes = 0;

	if (length == 1)
		return *zone == 'Z';
	if (length < 3 || (*zone != '+' && *zone != '-'))
		return false;
	hours = read_digits(zone + 1, 2);
	if (length == 5)
		minutes = read_digits(zone + 3, 2);
	else if (length == 6 && zone[3] == ':')
		minutes = read_digits(zone + 4, 2);
	else if (length != 3)
		return false;
	return hours >= 0 && hours <= ZONE_HOURS_MAX && minutes >= 0 && minutes <= 59;
}

bool
text_is_date_time(const char *text_start, size_t length)
{
	size_t zone = measure_date_time(text_start, length);

	return zone > 0 && zone < length && is_zone(text_start + zone, length - zone);
}

bool
text_is_local_date_time(const char *text_start, size_t length)
{
	size_t end = measure_date_time(text_start, length);

	return end > 0 && end == length;
}

bool
text_is_locale(const char *text_start, size_t length)
{
	int i;

	for (i = 0; i < length; i++)
	{
		if (text_start[i] < 'a' || text_start[i] > 'z')
			return false;
	}
	return length == 3;
}

/* A dot-atom: no dot at either end, no two in a row. */
static bool
is_dot_atom(const char *at, size_t length)
{
	int i;

	if (length == 0 || length > EMAIL_LOCAL_LENGTH_MAX || at[0] == '.' || at[length - 1] == '.')
		return false;
	for (i = 0; i < length; i++)
	{
		if (at[i] == '.' && at[i - 1] == '.')
			return false;
		if (at[i] == '\0' || (!is_digit(at[i]) && !is_letter(at[i]) && !IS_HIGHBIT_SET(at[i]) &&
							  strchr(".!#$%&'*+-/=?^_`{|}~", at[i]) == NULL))
			return false;
	}
	return true;
}

static bool
is_domain(const char *at, size_t length)
{
	size_t label = 0;
	size_t i;

	for (i = 0; i <= length; i++)
	{
		if (i == length || at[i] == '.')
		{
			if (i == label || i - label > EMAIL_LABEL_LENGTH_MAX || at[label] == '-' ||
				at[i - 1] == '-')
				return false;
			label = i + 1;
		}
		else if (!is_digit(at[i]) && !is_letter(at[i]) && !IS_HIGHBIT_SET(at[i]) && at[i] != '-')
			return false;
	}
	return true;
}

bool
text_is_email(const char *text_start, size_t length)
{
	const char *sign = length == 0 ? NULL : memchr(text_start, '@', length);
	size_t local;

	if (sign == NULL || length > EMAIL_LENGTH_MAX)
		return false;
	local = sign - text_start;
	return is_dot_atom(text_start, local) && is_domain(sign + 1, length - local - 1);
}

bool
text_is_phone(const char *text_start, size_t length)
{
	int i;

	if (length < 1 + PHONE_DIGITS_MIN || length > 1 + PHONE_DIGITS_MAX || text_start[0] != '+' ||
		text_start[1] == '0')
		return false;
	for (i = 1; i < length; i++)
	{
		if (!is_digit(text_start[i]))
			return false;
	}
	return true;
}

bool
text_is_identifier(const char *text_start, size_t length)
{
	bool says_something = false;
	int i;

	if (length == 0 || length > IDENTIFIER_LENGTH_MAX || text_start[0] == ' ' ||
		text_start[length - 1] == ' ')
		return false;
	for (i = 0; i < length; i++)
	{
		unsigned char c = text_start[i];

		if (c < ' ' || c == 0x7f)
			return false;
		says_something |= is_digit(c) || is_letter(c) || IS_HIGHBIT_SET(c);
	}
	return says_something;
}

static Datum
check_argument(FunctionCallInfo fcinfo, bool (*check)(const char *, size_t))
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(check(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

Datum
casesync_is_date(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_date);
}

Datum
casesync_is_date_time(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_date_time);
}

Datum
casesync_is_locale(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_locale);
}

Datum
casesync_is_email(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_email);
}

Datum
casesync_is_phone(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_phone);
}

Datum
casesync_is_identifier(PG_FUNCTION_ARGS)
{
	return check_argument(fcinfo, text_is_identifier);
}
