/*
 * log_quota.h
 *		How many lines strangers may have in the log, for each kind of line. Pure: the clock is the
 *		caller's.
 */
#ifndef LOG_QUOTA_H
#define LOG_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_QUOTA_KINDS 16
#define LOG_QUOTA_LINES 20 /* of one kind, in so many milliseconds: */
#define LOG_QUOTA_MS 10000

typedef struct LogQuota
{
	struct
	{
		char kind[48];
		int64_t began_ms;
		int lines;
		int64_t suppressed;
	} kinds[LOG_QUOTA_KINDS];
} LogQuota;

/*
 * May another line of this kind be written? When it may, *suppressed says how many were not since
 * the last one that was. Zeroes are a new quota. Kinds beyond the first fifteen share one.
 */
extern bool log_quota_take(LogQuota *quota, const char *kind, int64_t now_ms, int64_t *suppressed);

#endif
