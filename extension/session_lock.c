/*
 * session_lock.c
 *		The locks of the router and of the lanes: advisory locks with a fourth field value that is
 *out of reach of pg_advisory_lock and its kin, so that no role can stop delivery with them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"

PG_FUNCTION_INFO_V1(lock_for_transaction);
PG_FUNCTION_INFO_V1(lock_router);
PG_FUNCTION_INFO_V1(lock_lane);
PG_FUNCTION_INFO_V1(unlock_lane);

/* pg_advisory_* uses 1 and 2. */
#define LOCK_SPACE 3

typedef enum LockKind
{
	LOCK_ROUTER = 1,
	LOCK_LANE = 2
} LockKind;

static LOCKTAG
lock_tag(LockKind kind, int32 key)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) kind, (uint32) key, LOCK_SPACE);
	return tag;
}

static bool
lock_try(LockKind kind, int32 key, bool for_session)
{
	LOCKTAG tag = lock_tag(kind, key);

	return LockAcquire(&tag, ExclusiveLock, for_session, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * lock_for_transaction(kind integer, key integer) returns boolean
 */
Datum
lock_for_transaction(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_try((LockKind) PG_GETARG_INT32(0), PG_GETARG_INT32(1), false));
}

/*
 * Session locks are counted; whoever already has one keeps just one, so that a single unlock
 * gives it back.
 */
static bool
lock_for_session(LockKind kind, int32 key)
{
	LOCKTAG tag = lock_tag(kind, key);

	switch (LockAcquire(&tag, ExclusiveLock, true, true))
	{
		case LOCKACQUIRE_NOT_AVAIL:
			return false;
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			(void) LockRelease(&tag, ExclusiveLock, true);
			return true;
		case LOCKACQUIRE_OK:
			break;
	}
	return true;
}

/*
 * lock_router() returns boolean
 */
Datum
lock_router(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_for_session(LOCK_ROUTER, 0));
}

/*
 * lock_lane(lane integer) returns boolean
 */
Datum
lock_lane(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_for_session(LOCK_LANE, PG_GETARG_INT32(0)));
}

/*
 * unlock_lane(lane integer) returns boolean
 */
Datum
unlock_lane(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = lock_tag(LOCK_LANE, PG_GETARG_INT32(0));

	/* Releasing a lock that is not held would warn: take it once more, to see whether it is. */
	switch (LockAcquire(&tag, ExclusiveLock, true, true))
	{
		case LOCKACQUIRE_NOT_AVAIL:
			PG_RETURN_BOOL(false);
		case LOCKACQUIRE_OK:
			(void) LockRelease(&tag, ExclusiveLock, true);
			PG_RETURN_BOOL(false);
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			(void) LockRelease(&tag, ExclusiveLock, true);
			break;
	}
	PG_RETURN_BOOL(LockRelease(&tag, ExclusiveLock, true));
}
