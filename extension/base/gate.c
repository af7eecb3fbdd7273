/*
 * gate.c
 *		The gate between those who commit changes and a router that is about to sleep. Must not know
 *		of NOTIFY.
 *
 * It is asked for once, before the commit, and not when a change is made: a long transaction would
 * keep the router from sleeping. Share locks are given back after the commit can be seen, so
 * whoever has shut the gate and looks then with a new snapshot sees all that passed it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/gate.h"
#include "base/lock_tag.h"
#include "base/pg_compat.h"
#include "base/session_lock.h"

PG_FUNCTION_INFO_V1(casesync_gate_shut);
PG_FUNCTION_INFO_V1(casesync_gate_open);

/* So long a router may try to shut it; it has other things to do. */
#define GATE_SHUT_MAX_MS 1000

bool
gate_pass(void)
{
	LOCKTAG tag = lock_tag(LOCK_GATE, 0);

	/* The router's own session: a function that applies news has made changes. */
	if (lock_is_held(&tag, ExclusiveLock))
		return false;
	/* The lock table may be full: that must not cost the application its commit. */
	return lock_acquire_quietly(&tag, ShareLock) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * gate_shut(wait_ms integer) returns boolean
 *		Tries again every millisecond and never queues: else commits would find it shut that are to
 *		find it open, and others would wait behind us.
 */
Datum
casesync_gate_shut(PG_FUNCTION_ARGS)
{
	int tries = Max(0, Min(PG_GETARG_INT32(0), GATE_SHUT_MAX_MS));

	while (!lock_for_session(LOCK_GATE, 0, ExclusiveLock))
	{
		if (tries-- == 0)
			PG_RETURN_BOOL(false);
		pg_usleep(1000L);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_BOOL(true);
}

/*
 * gate_open() returns void
 */
Datum
casesync_gate_open(PG_FUNCTION_ARGS)
{
	(void) unlock_for_session(LOCK_GATE, 0, ExclusiveLock);
	PG_RETURN_VOID();
}
