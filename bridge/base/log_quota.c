/*
 * log_quota.c
 *		A table of kinds in the order in which they first came.
 */
#include "base/log_quota.h"

#include <stdio.h>
#include <string.h>

bool
log_quota_take(LogQuota *quota, const char *kind, int64_t now_ms, int64_t *suppressed)
{
	int i = 0;

	while (i < LOG_QUOTA_KINDS - 1 && quota->kinds[i].began_ms != 0 &&
		   strncmp(quota->kinds[i].kind, kind, sizeof(quota->kinds[i].kind) - 1) != 0)
		i++;
	if (quota->kinds[i].began_ms == 0 || now_ms - quota->kinds[i].began_ms >= LOG_QUOTA_MS)
	{
		snprintf(quota->kinds[i].kind, sizeof(quota->kinds[i].kind), "%s", kind);
		quota->kinds[i].began_ms = now_ms > 0 ? now_ms : 1;
		quota->kinds[i].lines = 0;
	}
	*suppressed = 0;
	if (++quota->kinds[i].lines > LOG_QUOTA_LINES)
	{
		quota->kinds[i].suppressed++;
		return false;
	}
	*suppressed = quota->kinds[i].suppressed;
	quota->kinds[i].suppressed = 0;
	return true;
}
