/*
 * casesync.c
 *		Module magic, start of the parts, settings. Nothing else.
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
