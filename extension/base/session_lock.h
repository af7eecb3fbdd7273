/*
 * session_lock.h
 *		The locks that the bridge's session holds from turn to turn.
 */
#ifndef CASESYNC_SESSION_LOCK_H
#define CASESYNC_SESSION_LOCK_H

/*
 * After users' code: takes again what it gave back by pg_advisory_unlock_all(), which anybody may
 * call; when another session was faster, this one ends.
 */
extern void session_locks_keep(void);

#endif /* CASESYNC_SESSION_LOCK_H */
