/*
 * change_origin.c
 *		Where a change comes from: the received message being applied, the era of this cluster,
 *		the change's id. Must not know rows or triggers.
 *
 * The origin is C state and no setting: any role could hide a change with a setting.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "capture/change_origin.h"
#include "base/own_relation.h"

PG_FUNCTION_INFO_V1(casesync_set_origin);

/* One frame per subtransaction that has called set_origin; the innermost one counts. */
typedef struct OriginFrame
{
	struct OriginFrame *outer;
	SubTransactionId subtransaction;
	int64 origin;
} OriginFrame;

static OriginFrame *innermost = NULL; /* in TopTransactionContext */

static int32 era = 0;
static bool era_is_valid = false;
static Oid era_node_table = InvalidOid; /* casesync_internal.node when the era was read */

static void
origin_at_transaction_event(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		innermost = NULL;
}

static void
origin_at_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
							   SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (innermost != NULL && innermost->subtransaction == subtransaction)
		innermost = innermost->outer;
}

static void
era_at_invalidation(Datum argument, Oid relation)
{
	if (relation == InvalidOid || relation == era_node_table || !OidIsValid(era_node_table))
		era_is_valid = false;
}

void
change_origin_init(void)
{
	RegisterXactCallback(origin_at_transaction_event, NULL);
	RegisterSubXactCallback(origin_at_subtransaction_event, NULL);
	CacheRegisterRelcacheCallback(era_at_invalidation, (Datum) 0);
}

int64
change_origin_current(void)
{
	return innermost == NULL ? 0 : innermost->origin;
}

/* casesync_internal.set_origin(bigint): until the running (sub)transaction ends; NULL takes it
 * back. */
Datum
casesync_set_origin(PG_FUNCTION_ARGS)
{
	SubTransactionId subtransaction = GetCurrentSubTransactionId();

	if (innermost == NULL || innermost->subtransaction != subtransaction)
	{
		OriginFrame *frame = MemoryContextAlloc(TopTransactionContext, sizeof(OriginFrame));

		frame->outer = innermost;
		frame->subtransaction = subtransaction;
		innermost = frame;
	}
	innermost->origin = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	PG_RETURN_VOID();
}

/*
 * No sequence: nextval() in a trigger would change what lastval() tells the application. The
 * clock makes the id new after a restore too, where transaction ids start again; the process id
 * tells sessions apart that write in the same microsecond.
 */
int64
change_id_next(TimestampTz now)
{
	static int64 last = 0;
	int64 id = (int64) (((uint64) now << 11) | ((uint64) MyProcPid & 0x7FF));

	if (id <= last)
		id = last + 1;
	last = id;
	return id;
}

/* The era in one row of casesync_internal.node, one higher while the row names another database. */
static int32
era_from_node(HeapTuple tuple, TupleDesc descriptor)
{
	bool is_null;
	int32 value;
	Datum datum;

	datum = own_relation_value(tuple, descriptor, "era", INT4OID, &is_null);
	value = is_null ? 1 : DatumGetInt32(datum);

	datum = own_relation_value(tuple, descriptor, "system_identifier", INT8OID, &is_null);
	if (!is_null && (uint64) DatumGetInt64(datum) != GetSystemIdentifier())
		return value + 1;
	datum = own_relation_value(tuple, descriptor, "database_oid", OIDOID, &is_null);
	if (!is_null && DatumGetObjectId(datum) != MyDatabaseId)
		return value + 1;
	return value;
}

static int32
era_read(Oid node_table)
{
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;
	int32 value = 1;

	if (!OidIsValid(node_table))
		return value;
	relation = table_open(node_table, AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		value = era_from_node(tuple, RelationGetDescr(relation));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return value;
}

int32
change_era_current(void)
{
	if (!era_is_valid)
	{
		era_node_table = own_relation_find("node");
		era_is_valid = true; /* an invalidation during the read makes it false again */
		PG_TRY();
		{
			era = era_read(era_node_table);
		}
		PG_CATCH();
		{
			era_is_valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return era;
}
