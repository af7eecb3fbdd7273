/*
 * extension_version.h
 *		Which versions of the extension does this bridge work with? Pure.
 *
 * The database refuses bridges that it does not know (casesync_internal.bridge_start), also newer
 * ones; so this is about extensions of a release before a certain one within the same series.
 */
#ifndef EXTENSION_VERSION_H
#define EXTENSION_VERSION_H

#include <stdbool.h>

#include "base/failure.h"

/* The oldest extension whose functions this bridge can call. */
#define EXTENSION_OLDEST "0.2.0"

/* Is version at least oldest? False, with what to do in failure, when not or when it is none. */
extern bool extension_version_check(const char *version, const char *oldest, Failure *failure);

#endif /* EXTENSION_VERSION_H */
