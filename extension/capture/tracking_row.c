/*
 * tracking_row.c
 *		Reads one row of casesync_internal.tracking, whoever the current user is. Must not know
 *		triggers or caches.
 *
 * Column numbers survive a rename, names survive a dump and restore. So a row keeps both, with
 * the place (cluster, database, table) where the numbers are true.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/own_relation.h"
#include "capture/tracking_row.h"

PG_FUNCTION_INFO_V1(casesync_tracking_place);

/* Where column numbers are true: the same table of the same database of the same cluster. */
static char *
place_text(Oid relation)
{
	return psprintf(UINT64_FORMAT "/%u/%u", GetSystemIdentifier(), MyDatabaseId, relation);
}

/* casesync_internal.tracking_place(regclass) */
Datum
casesync_tracking_place(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(place_text(PG_GETARG_OID(0))));
}

/* A row and its descriptor, while its columns are fetched. */
typedef struct RowSource
{
	HeapTuple tuple;
	TupleDesc descriptor;
} RowSource;

static bool
source_bool(const RowSource *source, const char *column)
{
	bool is_null;
	Datum datum = own_relation_value(source->tuple, source->descriptor, column, BOOLOID, &is_null);

	return !is_null && DatumGetBool(datum);
}

static char **
source_names(const RowSource *source, const char *column, int *count)
{
	bool is_null;
	Datum datum =
		own_relation_value(source->tuple, source->descriptor, column, NAMEARRAYOID, &is_null);
	Datum *elements;
	char **names;

	*count = 0;
	if (is_null)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(datum), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, NULL, count);
	names = palloc(*count * sizeof(char *));
	for (int i = 0; i < *count; i++)
		names[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
	return names;
}

/* As many as there are names: a number that is missing is 0, which no column has. */
static AttrNumber *
source_numbers(const RowSource *source, const char *column, int expected)
{
	bool is_null;
	Datum datum =
		own_relation_value(source->tuple, source->descriptor, column, INT2ARRAYOID, &is_null);
	AttrNumber *numbers = palloc0(expected * sizeof(AttrNumber));
	Datum *elements;
	int count;

	if (is_null)
		return numbers;
	deconstruct_array(DatumGetArrayTypeP(datum), INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
					  &elements, NULL, &count);
	for (int i = 0; i < Min(count, expected); i++)
		numbers[i] = DatumGetInt16(elements[i]);
	return numbers;
}

static void
columns_read(const RowSource *source, TrackingColumns *columns, const char *names,
			 const char *numbers, const char *labels)
{
	int label_count;

	columns->names = source_names(source, names, &columns->count);
	columns->labels = source_names(source, labels, &label_count);
	if (label_count != columns->count)
		columns->labels = columns->names;
	columns->numbers = source_numbers(source, numbers, columns->count);
}

static void
row_fill(const RowSource *source, TrackingRow *row)
{
	bool is_null;
	Datum datum;

	datum =
		own_relation_value(source->tuple, source->descriptor, "relation", REGCLASSOID, &is_null);
	row->relation = is_null ? InvalidOid : DatumGetObjectId(datum);
	row->is_enabled = source_bool(source, "enabled") && !source_bool(source, "removed");
	row->key_is_column = source_bool(source, "key_is_column");
	own_relation_value(source->tuple, source->descriptor, "stopped_gap", INT8OID, &is_null);
	row->is_stopped = !is_null;

	datum = own_relation_value(source->tuple, source->descriptor, "condition", TEXTOID, &is_null);
	row->condition = is_null ? NULL : TextDatumGetCString(datum);
	datum = own_relation_value(source->tuple, source->descriptor, "place", TEXTOID, &is_null);
	row->has_numbers =
		!is_null && strcmp(TextDatumGetCString(datum), place_text(row->relation)) == 0;
	columns_read(source, &row->columns, "columns", "column_numbers", "columns");
	columns_read(source, &row->keys, "key_columns", "key_numbers", "key_labels");
}

bool
tracking_row_read(int32 tracking, TrackingRow *row)
{
	Relation relation = table_open(own_relation_get("tracking"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	RowSource source;
	bool is_found;

	ScanKeyInit(&key, get_attnum(RelationGetRelid(relation), "id"), BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(tracking));
	/* Without its index, which somebody may have made another one: there are not many rows. */
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 1, &key);
	source.tuple = systable_getnext(scan);
	source.descriptor = RelationGetDescr(relation);
	is_found = HeapTupleIsValid(source.tuple);
	if (is_found)
	{
		row->id = tracking;
		row_fill(&source, row);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return is_found;
}
