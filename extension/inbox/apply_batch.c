/*
 * apply_batch.c
 *		How many received items this session applies in its next transaction. Must not know what an
 *		item is.
 *
 * One that cannot be applied is undone alone, unless it takes the whole transaction with it: a
 * statement that was cancelled, a server that fell. Those before it must not be undone with it
 * again and again. So a session begins with one, and after a transaction that was lost; each that
 * is kept doubles what the next may have.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"

#include "base/pg_compat.h"

PG_FUNCTION_INFO_V1(casesync_apply_batch);

/* Each is a subtransaction: with more than 64 others' snapshots have to look up whose they are. */
#define BATCH_MOST 32

static int batch_size = 1;
static bool batch_is_open = false;

static void batch_at_transaction_event(XactEvent event, void *arg);

static void
batch_at_transaction_event(XactEvent event, void *arg)
{
	if (!batch_is_open)
		return;
	if (event == XACT_EVENT_COMMIT)
		batch_size = Min(2 * batch_size, BATCH_MOST);
	else if (event == XACT_EVENT_ABORT)
		batch_size = 1;
	else
		return;
	batch_is_open = false;
}

/* casesync_internal.apply_batch() */
Datum
casesync_apply_batch(PG_FUNCTION_ARGS)
{
	static bool is_registered = false;

	if (!is_registered)
	{
		RegisterXactCallback(batch_at_transaction_event, NULL);
		is_registered = true;
	}
	batch_is_open = true;
	PG_RETURN_INT32(batch_size);
}
