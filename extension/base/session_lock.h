/*
 * session_lock.h
 *		The locks that the bridge's session holds from turn to turn.
 */
#ifndef CASESYNC_SESSION_LOCK_H
#define CASESYNC_SESSION_LOCK_H

/*
 * After users' code: takes again what it gave back, since anybody may give back all advisory locks
 * of a session; when another session was faster, this one ends.
 */
extern void session_locks_keep(void);

#endif /* CASESYNC_SESSION_LOCK_H */
