/*
 * doorbell.c
 *		Wakes the bridge at commit, if this transaction has left something for it. Must not know
 *		what was left.
 *
 * NOTIFY is sent before commit, not when a change is made: there it would make PREPARE
 * TRANSACTION fail, and be lost with a rolled-back savepoint although a later change stands.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "fmgr.h"

#include "base/doorbell.h"

#define DOORBELL_CHANNEL "casesync"

PG_FUNCTION_INFO_V1(casesync_ring);

/* Deliberately not undone with a subtransaction: a ring too many costs one look. */
static bool is_asked = false;

/* Whether the bridge has to be woken by NOTIFY, or is sure to look again by itself. */
static bool
bridge_may_sleep(void)
{
	return true;
}

static void
doorbell_at_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (is_asked && bridge_may_sleep())
				Async_Notify(DOORBELL_CHANNEL, "");
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* COMMIT PREPARED cannot ring: the bridge polls where it can happen. */
			is_asked = false;
			break;
		default:
			break;
	}
}

void
doorbell_init(void)
{
	RegisterXactCallback(doorbell_at_transaction_event, NULL);
}

void
doorbell_ask(void)
{
	is_asked = true;
}

/* casesync_internal.ring(): for SQL functions that leave something for the bridge. */
Datum
casesync_ring(PG_FUNCTION_ARGS)
{
	doorbell_ask();
	PG_RETURN_VOID();
}
