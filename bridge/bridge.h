/*
 * bridge.h
 *		The running bridge: all its parts, wired. Knows who tells whom, not what any of them does.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>

#include "config/config.h"
#include "base/failure.h"

typedef struct Bridge Bridge;

/* How the settings were given, so that they can be read again. */
typedef struct BridgeArguments
{
	int count;
	char *const *values;
	char *const *environment;
} BridgeArguments;

/*
 * Makes the parts and listens; takes the config over. NULL with a failure when an address or a
 * resource cannot be had. A database that is down or a key that cannot be used is no failure.
 */
extern Bridge *bridge_new(Config *config, const BridgeArguments *arguments, Failure *failure);

/*
 * Runs until SIGTERM or SIGINT; false when the loop itself fails. SIGHUP reads the settings
 * anew.
 */
extern bool bridge_run(Bridge *bridge, Failure *failure);
extern void bridge_free(Bridge *bridge);

#endif
