/*
 * log.h
 *		One line per fact, logfmt, to a file descriptor (stderr). Our own ids only: callers
 *		never pass record content, partner-chosen ids or SQL error texts that carry values.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LogLevel
{
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
} LogLevel;

typedef struct Log
{
	int fd;
	LogLevel level;
} Log;

/* log_open(STDERR_FILENO, level): no resources are held, there is no close. */
extern Log log_open(int fd, LogLevel level);

/*
 * After event (a word like "bridge_started") come pairs of key and value, both const char *,
 * then NULL: log_info(log, "sent", "lane", LOG_INT(lane), "message_id", id, NULL).
 * A NULL value ends the list too; LOG_TEXT(value) writes an empty value instead.
 * One write(2) per line, at most 4 kB, longer lines are cut and end in "...". Never fails.
 */
extern void log_error(const Log *log, const char *event, ...) __attribute__((sentinel));
extern void log_warning(const Log *log, const char *event, ...) __attribute__((sentinel));
extern void log_info(const Log *log, const char *event, ...) __attribute__((sentinel));
extern void log_debug(const Log *log, const char *event, ...) __attribute__((sentinel));

#define LOG_TEXT(value) ((value) != NULL ? (value) : "")
#define LOG_INT(number) log_integer((char[24]){0}, (long long) (number))
extern const char *log_integer(char text[24], long long number);

/* "error", "warning", "info", "debug"; false when the word is none of them. */
extern bool log_level_parse(const char *word, LogLevel *level);
extern const char *log_level_name(LogLevel level);

/* Write value as logfmt (quoted and escaped where needed) to out; the tested part of this file. */
extern void log_format_value(char *out, size_t size, const char *value);

#endif /* LOG_H */
