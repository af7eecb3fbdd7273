/*
 * session_lock.h
 *		The locks that the bridge's session holds from turn to turn.
 */
#ifndef CASESYNC_SESSION_LOCK_H
#define CASESYNC_SESSION_LOCK_H

#include "base/lock_tag.h"

/* Takes a lock for the session, or has it already; false, at once, when somebody is in the way. */
extern bool lock_for_session(LockKind kind, int32 key, LOCKMODE mode);

/* Gives it back; false when the session did not have it. */
extern bool unlock_for_session(LockKind kind, int32 key, LOCKMODE mode);

/*
 * After users' code: takes again what it gave back, since anybody may give back all advisory locks
 * of a session; when another session was faster, this one ends.
 */
extern void session_locks_keep(void);

#endif /* CASESYNC_SESSION_LOCK_H */
