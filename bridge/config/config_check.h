/*
 * config_check.h
 *		Settings seen together: what must be set, what fits, what may change in a running bridge.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

extern bool config_check(const Config *config, Failure *failure);

#endif
