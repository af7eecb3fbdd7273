/*
 * change_log.h
 *		Writing rows to the log.
 */
#ifndef CASESYNC_CHANGE_LOG_H
#define CASESYNC_CHANGE_LOG_H

#include "capture/change_row.h"

/*
 * Writes rows into the current leaf, in the running transaction: seen by commands after the one
 * that is named. Errors are raised.
 */
extern void change_log_write(const LogRow *rows, int count, CommandId command);

#endif /* CASESYNC_CHANGE_LOG_H */
