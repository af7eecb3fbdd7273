/*
 * own_relation.c
 *		Finding casesync's own tables and reading them from C, and the trigger that tells all
 *		sessions when a small table that they cache was written. Must not know what is in them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/own_relation.h"

PG_FUNCTION_INFO_V1(casesync_cache_reset);

Oid
own_relation_find(const char *name)
{
	Oid schema = get_namespace_oid("casesync_internal", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

Oid
own_relation_get(const char *name)
{
	Oid relation = own_relation_find(name);

	if (!OidIsValid(relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table casesync_internal.%s does not exist", name),
						errhint("Install the extension again: CREATE EXTENSION casesync;")));
	return relation;
}

/*
 * By name and NULL if there is none: the library may be newer or older than the tables, while an
 * upgrade is under way.
 */
Datum
own_relation_value(HeapTuple tuple, TupleDesc descriptor, const char *column, Oid type,
				   bool *is_null)
{
	int number = SPI_fnumber(descriptor, column);

	if (number <= 0)
	{
		*is_null = true;
		return (Datum) 0;
	}
	if (TupleDescAttr(descriptor, number - 1)->atttypid != type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of a table of casesync is of type %s", column,
							   format_type_be(TupleDescAttr(descriptor, number - 1)->atttypid)),
						errdetail("It was of type %s when casesync made it.", format_type_be(type)),
						errhint("Give the column its type back.")));
	return heap_getattr(tuple, number, descriptor, is_null);
}

/*
 * Statement trigger on the tables that sessions cache: their relcache callbacks are told when
 * the writing transaction commits.
 */
Datum
casesync_cache_reset(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casesync_internal.cache_reset must be called as a statement trigger")));

	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
