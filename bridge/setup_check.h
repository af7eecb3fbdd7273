/*
 * setup_check.h
 *		--check-config: would this bridge be able to work? Knows what it needs, changes nothing.
 */
#ifndef SETUP_CHECK_H
#define SETUP_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

/* Writes one line per check, "ok" or "not ok" with what to do; true when all are ok. */
extern bool setup_check(const Config *config, FILE *stream);

#endif
