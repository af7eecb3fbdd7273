/*
 * log.c
 *		logfmt lines. Each is built in a bounded array and leaves in one write, so that lines of
 *		several processes on one descriptor do not mix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/iso_time.h"
#include "base/log.h"

#define LOG_LINE_SIZE 4096
#define LOG_VALUE_SIZE 1024

static const char *const level_names[] = {"error", "warning", "info", "debug"};

Log
log_open(int fd, LogLevel level)
{
	Log log = {fd, level};

	return log;
}

bool
log_level_parse(const char *word, LogLevel *level)
{
	size_t i;

	for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
	{
		if (strcmp(word, level_names[i]) == 0)
		{
			*level = (LogLevel) i;
			return true;
		}
	}
	return false;
}

const char *
log_level_name(LogLevel level)
{
	return level_names[level];
}

const char *
log_integer(char text[24], long long number)
{
	snprintf(text, 24, "%lld", number);
	return text;
}

static bool
value_needs_quotes(const char *value)
{
	const unsigned char *c;

	if (*value == '\0')
		return true;
	for (c = (const unsigned char *) value; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c >= 0x7f)
			return true;
	}
	return false;
}

/* How one byte is written inside quotes. */
static void
byte_escape(unsigned char c, char escaped[8])
{
	switch (c)
	{
		case '"':
		case '\\':
			snprintf(escaped, 8, "\\%c", c);
			break;
		case '\n':
			snprintf(escaped, 8, "\\n");
			break;
		case '\r':
			snprintf(escaped, 8, "\\r");
			break;
		case '\t':
			snprintf(escaped, 8, "\\t");
			break;
		default:

			/*
			 * Bytes above 0x7f are escaped too: a terminal may take C1 controls in UTF-8 or
			 * Latin-1 for commands, and our own texts are ASCII.
			 */
			if (c < 0x20 || c >= 0x7f)
				snprintf(escaped, 8, "\\x%02x", c);
			else
				snprintf(escaped, 8, "%c", c);
	}
}

void
log_format_value(char *out, size_t size, const char *value)
{
	const unsigned char *c;
	size_t used = 1;

	if (size < 8)
	{
		if (size > 0)
			out[0] = '\0';
		return;
	}
	/* Values may come from partners: none may look like a pair or a line of ours. */
	if (!value_needs_quotes(value) && strlen(value) < size)
	{
		memcpy(out, value, strlen(value) + 1);
		return;
	}

	out[0] = '"';
	for (c = (const unsigned char *) value; *c != '\0'; c++)
	{
		char escaped[8];
		size_t length;

		byte_escape(*c, escaped);
		length = strlen(escaped);
		if (used + length + strlen("...\"") + 1 > size)
		{
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(out + used, escaped, length);
		used += length;
	}
	out[used++] = '"';
	out[used] = '\0';
}

/* Append " key=value" or nothing at all; false when the line is full. */
static bool
line_append(char *line, size_t *used, const char *key, const char *value)
{
	char formatted[LOG_VALUE_SIZE];
	int length;

	log_format_value(formatted, sizeof(formatted), value);
	length = snprintf(line + *used, LOG_LINE_SIZE - *used, " %s=%s", key, formatted);
	if (length < 0 || *used + (size_t) length + strlen(" ...\n") >= LOG_LINE_SIZE)
	{
		line[*used] = '\0';
		return false;
	}
	*used += (size_t) length;
	return true;
}

static void
log_write(const Log *log, LogLevel level, const char *event, va_list pairs)
{
	char line[LOG_LINE_SIZE];
	char time[ISO_TIME_SIZE];
	size_t used;
	const char *key;
	bool whole = true;

	iso_time_format(iso_time_now(), time);
	used = (size_t) snprintf(line, sizeof(line), "time=%s level=%s", time, level_names[level]);
	whole = line_append(line, &used, "event", event);
	/* A pair that does not fit ends the line: what came first, the event, is what is looked for. */
	while (whole && (key = va_arg(pairs, const char *)) != NULL)
	{
		const char *value = va_arg(pairs, const char *);

		if (value == NULL)
			break;
		whole = line_append(line, &used, key, value);
	}
	if (!whole)
	{
		memcpy(line + used, " ...", 4);
		used += 4;
	}
	line[used++] = '\n';

	/* There is nobody to tell that the log cannot be written. */
	if (write(log->fd, line, used) < 0)
		return;
}

void
log_error(const Log *log, const char *event, ...)
{
	va_list pairs;

	va_start(pairs, event);
	log_write(log, LOG_LEVEL_ERROR, event, pairs);
	va_end(pairs);
}

void
log_warning(const Log *log, const char *event, ...)
{
	va_list pairs;

	if (log->level < LOG_LEVEL_WARNING)
		return;
	va_start(pairs, event);
	log_write(log, LOG_LEVEL_WARNING, event, pairs);
	va_end(pairs);
}

void
log_info(const Log *log, const char *event, ...)
{
	va_list pairs;

	if (log->level < LOG_LEVEL_INFO)
		return;
	va_start(pairs, event);
	log_write(log, LOG_LEVEL_INFO, event, pairs);
	va_end(pairs);
}

void
log_debug(const Log *log, const char *event, ...)
{
	va_list pairs;

	if (log->level < LOG_LEVEL_DEBUG)
		return;
	va_start(pairs, event);
	log_write(log, LOG_LEVEL_DEBUG, event, pairs);
	va_end(pairs);
}
