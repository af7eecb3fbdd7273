/*
 * cron_parse.c
 *		Reads cron expressions. See cron_parse.h.
 *
 * Must not know the server: no header of PostgreSQL, so that a fuzzer and a unit test can link it.
 */
#include <stdio.h>
#include <string.h>

#include "subscription/cron_parse.h"

#define FIELDS_MAX 7

typedef enum FieldKind
{
	FIELD_SECOND,
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY,
	FIELD_MONTH,
	FIELD_WEEKDAY,
	FIELD_YEAR
} FieldKind;

/* What a field may hold. The names begin with its lowest number. */
typedef struct FieldRule
{
	const char *name;
	int low;
	int high;
	const char *words;
} FieldRule;

static const FieldRule rules[] = {
	{"second", 0, 59, NULL},
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of month", 1, 31, NULL},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "sunmontuewedthufrisat"},
	{"year", CRON_YEAR_MIN, CRON_YEAR_MAX, NULL},
};

/* One field while it is read. */
typedef struct Reading
{
	FieldKind kind;
	bool is_quartz;
	CronSchedule *schedule;
	char *problem;
} Reading;

/* A part of the expression; the text is not copied. */
typedef struct Span
{
	const char *start;
	size_t length;
} Span;

/* A sentence and no error: the expression is a partner's, and the sentence goes into the answer. */
static bool
refuse(char *problem, const char *field, const char *why)
{
	snprintf(problem, CRON_PROBLEM_SIZE, "%s%s%s", field, field[0] == '\0' ? "" : ": ", why);
	return false;
}

static bool
refuse_field(const Reading *reading, const char *why)
{
	return refuse(reading->problem, rules[reading->kind].name, why);
}

/* Not tolower(): the server's locale must not change what is read. */
static char
lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char) (letter - 'A' + 'a') : letter;
}

static bool
is_digit(char letter)
{
	return letter >= '0' && letter <= '9';
}

/* Up to four digits. */
static bool
read_number(Span text, int *number)
{
	size_t i;

	if (text.length == 0 || text.length > 4)
		return false;
	*number = 0;
	for (i = 0; i < text.length; i++)
	{
		if (!is_digit(text.start[i]))
			return false;
		*number = *number * 10 + (text.start[i] - '0');
	}
	return true;
}

/* A name of three letters; its number counts from the lowest of the field, in Quartz from 1. */
static bool
read_word(const Reading *reading, Span text, int *number)
{
	const char *words = rules[reading->kind].words;
	size_t i;

	if (words == NULL || text.length != 3)
		return false;
	for (i = 0; words[i] != '\0'; i += 3)
	{
		if (lower(text.start[0]) == words[i] && lower(text.start[1]) == words[i + 1] &&
			lower(text.start[2]) == words[i + 2])
		{
			*number = (int) (i / 3) + (reading->kind == FIELD_MONTH || reading->is_quartz);
			return true;
		}
	}
	return false;
}

/* The form of seven fields is Quartz's, in which Sunday is 1; in the others it is 0 or 7. */
static int
lowest(const Reading *reading)
{
	return reading->kind == FIELD_WEEKDAY && reading->is_quartz ? 1 : rules[reading->kind].low;
}

/* What Quartz has beyond lists, ranges and steps: L, L-3, LW, 15W, 6L, FRI#2. */
static bool
is_extension(Span text)
{
	char first = text.length == 0 ? '\0' : lower(text.start[0]);
	char last = text.length == 0 ? '\0' : lower(text.start[text.length - 1]);

	if (text.length > 0 && memchr(text.start, '#', text.length) != NULL)
		return true;
	if (is_digit(first) && (last == 'l' || last == 'w'))
		return true;
	return (first == 'l' || first == 'w') &&
		   (text.length < 3 || text.start[1] == '-' || text.start[2] == '-');
}

/* What is refused is refused by name: whoever wrote L, W or ? meant something by it. */
static bool
read_value(const Reading *reading, Span text, int *number)
{
	char why[100];

	if (!read_number(text, number) && !read_word(reading, text, number))
	{
		if (is_extension(text))
			return refuse_field(reading, "L, W and # are not supported; list the days instead");
		if (text.length == 1 && text.start[0] == '?')
			return refuse_field(reading, "? stands alone, in one of the two day fields of seven");
		return refuse_field(reading, "a number, a name of three letters, *, a-b, */n or a list "
									 "of these is wanted");
	}
	if (*number >= lowest(reading) && *number <= rules[reading->kind].high)
		return true;
	snprintf(why, sizeof(why), "numbers are %d to %d", lowest(reading), rules[reading->kind].high);
	return refuse_field(reading, why);
}

static void
add_number(const Reading *reading, int number)
{
	CronSchedule *schedule = reading->schedule;
	uint64_t *sets[] = {&schedule->seconds, &schedule->minutes, &schedule->hours,
						&schedule->days,	&schedule->months,	&schedule->weekdays};

	if (reading->kind == FIELD_YEAR)
	{
		number -= CRON_YEAR_MIN;
		schedule->years[number / 64] |= UINT64_C(1) << (number % 64);
		return;
	}
	if (reading->kind == FIELD_WEEKDAY)
		number = reading->is_quartz ? number - 1 : number % 7;
	*sets[reading->kind] |= UINT64_C(1) << number;
}

/*
 * Days of the week go round: fri-mon. The numbers are sets of bits, so what is named twice is there
 * once.
 */
static bool
add_range(const Reading *reading, int first, int last, int step)
{
	int number;

	if (first > last && reading->kind != FIELD_WEEKDAY)
		return refuse_field(reading, "a range begins with the smaller number");
	if (first > last)
		last += 7;
	for (number = first; number <= last; number += step)
		add_number(reading, number > rules[FIELD_WEEKDAY].high && reading->kind == FIELD_WEEKDAY
								? number - 7
								: number);
	return true;
}

static const char *
find_letter(Span text, char letter)
{
	return text.length == 0 ? NULL : memchr(text.start, letter, text.length);
}

/* Cut off what follows the letter, if it is there. */
static bool
split(Span *text, char letter, Span *rest)
{
	const char *found = find_letter(*text, letter);

	if (found == NULL)
		return false;
	rest->start = found + 1;
	rest->length = text->length - (size_t) (found - text->start) - 1;
	text->length = (size_t) (found - text->start);
	return true;
}

static bool
is_letter(Span text, char letter)
{
	return text.length == 1 && text.start[0] == letter;
}

/* a, a-b, *, each perhaps with /step; a/step goes on to the end. */
static bool
read_item(const Reading *reading, Span text)
{
	Span step_text;
	Span last_text;
	int step = 1;
	int first = lowest(reading);
	int last = rules[reading->kind].high;
	bool has_step = split(&text, '/', &step_text);

	if (has_step && (!read_number(step_text, &step) || step < 1 || step > last))
		return refuse_field(reading, "a step is a number of at least 1, within the field");
	if (reading->kind == FIELD_WEEKDAY && !reading->is_quartz)
		last = 6;
	if (is_letter(text, '*'))
		return add_range(reading, first, last, step);
	if (is_extension(text))
		return refuse_field(reading, "L, W and # are not supported; list the days instead");
	if (split(&text, '-', &last_text))
		return read_value(reading, text, &first) && read_value(reading, last_text, &last) &&
			   add_range(reading, first, last, step);
	if (!read_value(reading, text, &first))
		return false;
	return add_range(reading, first, has_step && last > first ? last : first, step);
}

/*
 * Whether a day field is free is noted, since cron takes either of two that are not: see
 * day_fits().
 */
static bool
read_field(const Reading *reading, Span text)
{
	bool is_day = reading->kind == FIELD_DAY || reading->kind == FIELD_WEEKDAY;
	bool is_free = is_letter(text, '*');
	Span rest;
	bool goes_on;

	if (is_letter(text, '?') && is_day && reading->is_quartz)
	{
		is_free = true;
		text.start = "*";
	}
	else if (is_letter(text, '?'))
		return refuse_field(reading, "? is only for the day fields of the form with seven");
	if (reading->kind == FIELD_DAY)
		reading->schedule->has_days = !is_free;
	if (reading->kind == FIELD_WEEKDAY)
		reading->schedule->has_weekdays = !is_free;
	do
	{
		goes_on = split(&text, ',', &rest);
		if (!read_item(reading, text))
			return false;
		text = rest;
	} while (goes_on);
	return true;
}

/* The parts between blanks; one more than there may be when there are too many. */
static int
split_fields(const char *expression, Span fields[FIELDS_MAX])
{
	const char *at = expression + strspn(expression, " \t");
	int count = 0;

	while (*at != '\0')
	{
		size_t length = strcspn(at, " \t");

		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		fields[count].start = at;
		fields[count++].length = length;
		at += length;
		at += strspn(at, " \t");
	}
	return count;
}

bool
cron_parse(const char *expression, CronSchedule *schedule, char problem[CRON_PROBLEM_SIZE])
{
	static const CronSchedule empty;
	Span fields[FIELDS_MAX];
	Reading reading = {FIELD_SECOND, false, schedule, problem};
	int count;
	int first;
	int i;

	*schedule = empty;
	if (strlen(expression) > CRON_LENGTH_MAX)
		return refuse(problem, "", "a cron expression has at most 255 bytes");
	count = split_fields(expression, fields);
	if (count < 5 || count > FIELDS_MAX)
		return refuse(problem, "",
					  "a cron expression has 5 fields (minute, hour, day of month, "
					  "month, day of week), 6 (with the second first) or 7 (with the "
					  "year last)");
	reading.is_quartz = count == FIELDS_MAX;
	first = count == 5 ? FIELD_MINUTE : FIELD_SECOND;
	if (count == 5)
		schedule->seconds = 1;
	if (!reading.is_quartz)
		memset(schedule->years, 0xff, sizeof(schedule->years));
	for (i = 0; i < count; i++)
	{
		reading.kind = (FieldKind) (first + i);
		if (!read_field(&reading, fields[i]))
			return false;
	}
	schedule->is_every_hour = schedule->hours == (UINT64_C(1) << 24) - 1;
	if (reading.is_quartz && schedule->has_days && schedule->has_weekdays)
		return refuse(problem, "",
					  "of seven fields, the day of month or the day of week must be ?");
	return true;
}
