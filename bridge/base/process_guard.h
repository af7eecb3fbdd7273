/*
 * process_guard.h
 *		Keeps our memory to ourselves: keys and tokens are in it.
 */
#ifndef PROCESS_GUARD_H
#define PROCESS_GUARD_H

#include <stdbool.h>

#include "base/failure.h"

/*
 * From now on no core file is written, and other processes of the same user can neither attach to
 * us nor read our files in /proc. Without effect under address sanitizer, which attaches itself.
 */
extern bool process_guard(Failure *failure);

#endif
