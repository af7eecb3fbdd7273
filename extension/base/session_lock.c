/*
 * session_lock.c
 *		The locks of the router, of the lanes and of sharing. Must not know what is sent.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/lock_tag.h"
#include "base/pg_compat.h"
#include "base/session_lock.h"

PG_FUNCTION_INFO_V1(casesync_lock_for_transaction);
PG_FUNCTION_INFO_V1(casesync_wait_for_lookups);
PG_FUNCTION_INFO_V1(casesync_wait_for_turn);
PG_FUNCTION_INFO_V1(casesync_lock_router);
PG_FUNCTION_INFO_V1(casesync_lock_lane);
PG_FUNCTION_INFO_V1(casesync_unlock_lane);
PG_FUNCTION_INFO_V1(casesync_sharing_enter);
PG_FUNCTION_INFO_V1(casesync_sharing_hold);
PG_FUNCTION_INFO_V1(casesync_sharing_release);
PG_FUNCTION_INFO_V1(casesync_sharing_close);
PG_FUNCTION_INFO_V1(casesync_sharing_drain);
PG_FUNCTION_INFO_V1(casesync_answer_keep);
PG_FUNCTION_INFO_V1(casesync_answer_left);

/* No bridge promises to begin an answer later than that. */
#define ANSWER_WITHIN_MAX_MS 10000

/* What the session believes to hold. */
typedef struct HeldLock
{
	LOCKTAG tag;
	LOCKMODE mode;
	int count;				  /* of answers under way; all else is held once */
	int added;				  /* those of them that this transaction has made */
	TimestampTz begins_until; /* of the youngest answer */
} HeldLock;

static List *held = NIL;
static bool answers_are_watched = false;

static bool
lock_try(LockKind kind, int32 key, bool for_session)
{
	LOCKTAG tag = lock_tag(kind, key);

	return LockAcquire(&tag, ExclusiveLock, for_session, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
lock_wait(LockKind kind, int32 key)
{
	LOCKTAG tag = lock_tag(kind, key);

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/*
 * lock_for_transaction(kind integer, key integer) returns boolean
 */
Datum
casesync_lock_for_transaction(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_try((LockKind) PG_GETARG_INT32(0), PG_GETARG_INT32(1), false));
}

static ListCell *
held_find(const LOCKTAG *tag, LOCKMODE mode)
{
	ListCell *cell;

	foreach (cell, held)
	{
		const HeldLock *lock = lfirst(cell);

		if (lock->mode == mode && memcmp(&lock->tag, tag, sizeof(LOCKTAG)) == 0)
			return cell;
	}
	return NULL;
}

static HeldLock *
held_add(const LOCKTAG *tag, LOCKMODE mode)
{
	ListCell *cell = held_find(tag, mode);
	MemoryContext context;
	HeldLock *lock;

	if (cell != NULL)
		return lfirst(cell);
	context = MemoryContextSwitchTo(TopMemoryContext);
	lock = palloc0(sizeof(HeldLock));
	lock->tag = *tag;
	lock->mode = mode;
	held = lappend(held, lock);
	MemoryContextSwitchTo(context);
	return lock;
}

static void
held_remove(const LOCKTAG *tag, LOCKMODE mode)
{
	ListCell *cell = held_find(tag, mode);

	if (cell == NULL)
		return;
	pfree(lfirst(cell));
	held = list_delete_cell(held, cell);
}

void
session_locks_keep(void)
{
	ListCell *cell;

	foreach (cell, held)
	{
		HeldLock *lock = lfirst(cell);

		if (lock_is_held(&lock->tag, lock->mode))
			continue;
		for (int i = 0; i < lock->count; i++)
			if (LockAcquire(&lock->tag, lock->mode, true, true) == LOCKACQUIRE_NOT_AVAIL)
				ereport(FATAL,
						(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						 errmsg("a view or apply function gave back the locks of the bridge")));
	}
}

/*
 * wait_for_lookups(key integer) returns void
 */
Datum
casesync_wait_for_lookups(PG_FUNCTION_ARGS)
{
	lock_wait(LOCK_LOOKUPS, PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/*
 * wait_for_turn(is_kept boolean) returns void
 *		Not kept, it is given back at once: whoever asks has only to be behind the turn under way.
 */
Datum
casesync_wait_for_turn(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = lock_tag(LOCK_TURN, 0);

	lock_wait(LOCK_TURN, 0);
	if (!PG_GETARG_BOOL(0))
		(void) LockRelease(&tag, ExclusiveLock, false);
	PG_RETURN_VOID();
}

/*
 * Session locks are counted; whoever already has one keeps just one, so that a single unlock
 * gives it back.
 */
bool
lock_for_session(LockKind kind, int32 key, LOCKMODE mode)
{
	LOCKTAG tag = lock_tag(kind, key);

	switch (LockAcquire(&tag, mode, true, true))
	{
		case LOCKACQUIRE_NOT_AVAIL:
			return false;
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			(void) LockRelease(&tag, mode, true);
			return true;
		case LOCKACQUIRE_OK:
			break;
	}
	held_add(&tag, mode)->count = 1;
	return true;
}

/*
 * lock_router() returns boolean
 */
Datum
casesync_lock_router(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_for_session(LOCK_ROUTER, 0, ExclusiveLock));
}

/*
 * lock_lane(lane integer) returns boolean
 */
Datum
casesync_lock_lane(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_for_session(LOCK_LANE, PG_GETARG_INT32(0), ExclusiveLock));
}

/* Releasing a lock that is not held would warn: take it once more, to see whether it is. */
bool
unlock_for_session(LockKind kind, int32 key, LOCKMODE mode)
{
	LOCKTAG tag = lock_tag(kind, key);

	held_remove(&tag, mode);
	switch (LockAcquire(&tag, mode, true, true))
	{
		case LOCKACQUIRE_NOT_AVAIL:
			return false;
		case LOCKACQUIRE_OK:
			(void) LockRelease(&tag, mode, true);
			return false;
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			(void) LockRelease(&tag, mode, true);
			break;
	}
	return LockRelease(&tag, mode, true);
}

/*
 * unlock_lane(lane integer) returns boolean
 */
Datum
casesync_unlock_lane(PG_FUNCTION_ARGS)
{
	(void) unlock_for_session(LOCK_SENDING, PG_GETARG_INT32(0), ShareLock);
	PG_RETURN_BOOL(unlock_for_session(LOCK_LANE, PG_GETARG_INT32(0), ExclusiveLock));
}

/*
 * sharing_enter(lane integer) returns boolean
 *
 * Through the door one by one and at once, so that who has shut it knows that nobody enters any
 * more and waits only for those inside. Nobody is ever kept waiting here.
 */
Datum
casesync_sharing_enter(PG_FUNCTION_ARGS)
{
	LOCKTAG door = lock_tag(LOCK_DOOR, PG_GETARG_INT32(0));
	LOCKTAG inside = lock_tag(LOCK_SHARING, PG_GETARG_INT32(0));
	bool entered;

	if (LockAcquire(&door, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		PG_RETURN_BOOL(false);
	entered = LockAcquire(&inside, ShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
	(void) LockRelease(&door, ShareLock, false);
	PG_RETURN_BOOL(entered);
}

/*
 * sharing_hold(lane integer) returns boolean
 */
Datum
casesync_sharing_hold(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_for_session(LOCK_SENDING, PG_GETARG_INT32(0), ShareLock));
}

/*
 * sharing_release(lane integer) returns boolean
 */
Datum
casesync_sharing_release(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(unlock_for_session(LOCK_SENDING, PG_GETARG_INT32(0), ShareLock));
}

/*
 * sharing_close(lane integer) returns void
 */
Datum
casesync_sharing_close(PG_FUNCTION_ARGS)
{
	lock_wait(LOCK_DOOR, PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/*
 * sharing_drain(lane integer, is_patient boolean) returns boolean
 *		Without patience it does not wait at all.
 */
Datum
casesync_sharing_drain(PG_FUNCTION_ARGS)
{
	int32 lane = PG_GETARG_INT32(0);

	if (!PG_GETARG_BOOL(1))
		PG_RETURN_BOOL(lock_try(LOCK_SHARING, lane, false) && lock_try(LOCK_SENDING, lane, false));
	lock_wait(LOCK_SHARING, lane);
	lock_wait(LOCK_SENDING, lane);
	PG_RETURN_BOOL(true);
}

/* Of one answer. Whoever gave back all locks of the session has given back this one too. */
static void
answer_give_back(HeldLock *lock)
{
	lock->count--;
	if (lock_is_held(&lock->tag, lock->mode))
		(void) LockRelease(&lock->tag, lock->mode, true);
}

/* A session lock outlives a transaction that fails; its answer does not. */
static void
answers_end_transaction(XactEvent event, void *context)
{
	bool has_failed = event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT;
	ListCell *cell;

	if (!has_failed && event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE)
		return;
	foreach (cell, held)
	{
		HeldLock *lock = lfirst(cell);

		for (; has_failed && lock->added > 0; lock->added--)
			answer_give_back(lock);
		lock->added = 0;
		if (lock->count > 0)
			continue;
		held = foreach_delete_current(held, cell);
		pfree(lock);
	}
}

/*
 * The session ends, perhaps not its bridge: the lock stays until the bridge will not begin to send
 * any more what it was given. So who stops sharing need not know of sessions that were.
 */
static void
answers_outlast(int code, Datum argument)
{
	TimestampTz until = 0;
	ListCell *cell;
	long left;

	foreach (cell, held)
	{
		const HeldLock *lock = lfirst(cell);

		until = Max(until, lock->begins_until);
	}
	while ((left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until)) > 0)
		pg_usleep(Min(left, ANSWER_WITHIN_MAX_MS) * 1000L);
}

static void
answers_watch(void)
{
	if (answers_are_watched)
		return;
	RegisterXactCallback(answers_end_transaction, NULL);
	before_shmem_exit(answers_outlast, (Datum) 0);
	answers_are_watched = true;
}

/*
 * answer_keep(lane integer, begins_within integer) returns boolean
 *		Counted, unlike the locks of senders: one session has many answers under way.
 */
Datum
casesync_answer_keep(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = lock_tag(LOCK_SENDING, PG_GETARG_INT32(0));
	int within_ms = Max(0, Min(PG_GETARG_INT32(1), ANSWER_WITHIN_MAX_MS));
	HeldLock *lock;

	answers_watch();
	/* before the lock: nothing may fail when it is there */
	lock = held_add(&tag, ShareLock);
	if (LockAcquire(&tag, ShareLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		PG_RETURN_BOOL(false);
	lock->count++;
	lock->added++;
	lock->begins_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), within_ms);
	PG_RETURN_BOOL(true);
}

/*
 * answer_left(lane integer) returns boolean
 */
Datum
casesync_answer_left(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = lock_tag(LOCK_SENDING, PG_GETARG_INT32(0));
	ListCell *cell = held_find(&tag, ShareLock);
	HeldLock *lock = cell != NULL ? lfirst(cell) : NULL;

	if (lock == NULL || lock->count == 0)
		PG_RETURN_BOOL(false);
	answer_give_back(lock);
	lock->added = Min(lock->added, lock->count);
	if (lock->count == 0)
		held_remove(&tag, ShareLock);
	PG_RETURN_BOOL(true);
}
