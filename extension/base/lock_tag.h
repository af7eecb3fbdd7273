/*
 * lock_tag.h
 *		The names of our advisory locks: with a fourth field that is out of reach of
 *		pg_advisory_lock and its kin, so that no role can stop delivery with them.
 */
#ifndef CASESYNC_LOCK_TAG_H
#define CASESYNC_LOCK_TAG_H

#include "miscadmin.h"
#include "storage/lock.h"

/* pg_advisory_* uses 1 and 2. */
#define LOCK_SPACE 3

typedef enum LockKind
{
	LOCK_ROUTER = 1,
	LOCK_LANE = 2,
	/* 3 is the inbox, through lock_for_transaction() */
	LOCK_SHARING = 4, /* held shared by transactions that read what leaves */
	LOCK_SENDING = 5, /* held shared by sessions that have a message under way */
	LOCK_DOOR = 6,	  /* passed by whoever takes LOCK_SHARING, shut by who stops sharing */
	LOCK_LOOKUPS = 7, /* of a partner whose lookups are counted, until the end of the transaction */
	LOCK_TURN = 8,	  /* a turn of the router, or somebody's decision that none may be beside */
	/* 9 is the numbers of a subscription, through lock_for_transaction() */
	LOCK_GATE = 10 /* passed by whoever commits a change, shut while the router sleeps */
} LockKind;

static inline LOCKTAG
lock_tag(LockKind kind, int32 key)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) kind, (uint32) key, LOCK_SPACE);
	return tag;
}

#endif /* CASESYNC_LOCK_TAG_H */
