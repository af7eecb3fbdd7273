/*
 * process_guard.c
 *		Two switches of the kernel; both hold until the process ends.
 */
#include "base/process_guard.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

bool
process_guard(Failure *failure)
{
	const struct rlimit none = {0, 0};

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
	return true;
#endif
	if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		return true;
	failure_set(failure, FAILURE_SYSTEM, "could not keep memory from being dumped: %s",
				strerror(errno));
	return false;
}
