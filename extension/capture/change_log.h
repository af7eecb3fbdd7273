/*
 * change_log.h
 *		Appending a Change to the log.
 */
#ifndef CASESYNC_CHANGE_LOG_H
#define CASESYNC_CHANGE_LOG_H

#include "capture/change.h"

extern void change_log_init(void);

/* Writes the change into the current leaf, in the running transaction. Errors are raised. */
extern void change_log_append(const Change *change);

#endif /* CASESYNC_CHANGE_LOG_H */
