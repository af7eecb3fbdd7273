/*
 * iso_time.h
 *		Instants as milliseconds since 1970 (UTC) and as ISO 8601 text with a zone. Reads no clock
 *		but in iso_time_now.
 */
#ifndef ISO_TIME_H
#define ISO_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define ISO_TIME_SIZE 32

/* The wall clock now. */
extern int64_t iso_time_now(void);

/* 2026-11-22T01:02:03.456Z; a time outside the years 0001..9999 is written as the nearest one. */
extern void iso_time_format(int64_t ms, char text[ISO_TIME_SIZE]);

/* The same with microseconds, 2026-11-22T01:02:03.456000Z, and without a fraction that is zero. */
extern void iso_time_format_long(int64_t ms, char text[ISO_TIME_SIZE]);

/*
 * RFC 3339 date-time with zone (Z or +hh:mm, 'T' or 't'; fraction of any length, leap second
 * allowed). False for anything else: no zone, a day that does not exist, trailing bytes.
 */
extern bool iso_time_parse(const char *text, int64_t *ms);

#endif /* ISO_TIME_H */
