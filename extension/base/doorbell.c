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
#include "base/gate.h"
#include "base/settings.h"

#define DOORBELL_CHANNEL "casesync"

PG_FUNCTION_INFO_V1(casesync_ring);

/* Deliberately not undone with a subtransaction: a ring too many costs one look. */
static bool is_asked = false;
static bool is_urgent = false;

/* Whether the router has to be woken by NOTIFY, or is sure to look again by itself. */
static bool
router_may_sleep(void)
{
	return casesync_doorbell == DOORBELL_ALWAYS ||
		   (casesync_doorbell == DOORBELL_AUTO && !gate_pass());
}

static void
doorbell_at_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (is_urgent || (is_asked && router_may_sleep()))
				Async_Notify(DOORBELL_CHANNEL, "");
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* COMMIT PREPARED cannot ring: the bridge polls where it can happen. */
			is_asked = is_urgent = false;
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

/*
 * casesync_internal.ring(): for SQL functions that leave something for the bridge. It is for all of
 * the bridge and not for its router alone, so that the gate says nothing about it.
 */
Datum
casesync_ring(PG_FUNCTION_ARGS)
{
	is_urgent = true;
	PG_RETURN_VOID();
}
