/*
 * change_origin.h
 *		Where the changes of the running (sub)transaction come from, and their ids.
 */
#ifndef CASESYNC_CHANGE_ORIGIN_H
#define CASESYNC_CHANGE_ORIGIN_H

#include "datatype/timestamp.h"

extern void change_origin_init(void);

/* The inbox id whose application is running; 0 = the application itself. */
extern int64 change_origin_current(void);

/*
 * An id for a change written now: rising within a session, different between sessions and
 * between a database and its restored copy.
 */
extern int64 change_id_next(TimestampTz now);

/* The era of changes written now: see casesync_internal.node. */
extern int32 change_era_current(void);

#endif /* CASESYNC_CHANGE_ORIGIN_H */
