/*
 * node_here.c
 *		Whether this is the database that the node's row was written in. Must not know what follows.
 *
 * Asked before each turn and each message: so it reads what the server has in memory.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "base/own_relation.h"

PG_FUNCTION_INFO_V1(casesync_is_here);

/* A standby writes no timeline, and is not asked for it. */
Datum
casesync_is_here(PG_FUNCTION_ARGS)
{
	uint64 system_identifier = (uint64) PG_GETARG_INT64(0);
	Oid database = PG_GETARG_OID(1);
	Oid table = PG_GETARG_OID(2);
	TimeLineID timeline = (TimeLineID) PG_GETARG_INT32(3);

	PG_RETURN_BOOL(system_identifier == GetSystemIdentifier() && database == MyDatabaseId &&
				   table == own_relation_find("node") &&
				   (RecoveryInProgress() || timeline == GetWALInsertionTimeLine()));
}
