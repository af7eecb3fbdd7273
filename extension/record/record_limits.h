/*
 * record_limits.h
 *		How large a record may be. Knows nothing else.
 */
#ifndef CASESYNC_RECORD_LIMITS_H
#define CASESYNC_RECORD_LIMITS_H

/* Messages have 32 levels; a record lies below message, notify_event, its item and data. */
#define RECORD_DEPTH_MAX 27

/* The longest text or name, in bytes. */
#define RECORD_TEXT_LENGTH_MAX (64 * 1024)

#endif /* CASESYNC_RECORD_LIMITS_H */
