/*
 * change_row.c
 *		A Change as a row of the log. Must not know where rows are kept or written.
 *
 * The rows are formed here and not by SQL, so that applications need no rights on the log.
 * Columns are found by name: a pooled session may keep this library for days while the
 * extension is upgraded, so a column we do not know stays NULL and one that is gone is skipped.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "capture/change_row.h"

static void
row_set(LogRow *row, LogColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static Size
row_set_text(LogRow *row, LogColumn column, const char *content)
{
	text *copy;

	if (content == NULL)
		return 0;
	copy = cstring_to_text(content);
	row_set(row, column, PointerGetDatum(copy));
	return VARSIZE(copy);
}

static Size
row_set_json(LogRow *row, LogColumn column, const Jsonb *content)
{
	if (content == NULL)
		return 0;
	row_set(row, column, datumCopy(JsonbPGetDatum(content), false, -1));
	return VARSIZE(content);
}

Size
change_row_fill(LogRow *row, const Change *change)
{
	memset(row->nulls, true, sizeof(row->nulls));
	row_set(row, LOG_ID, Int64GetDatum(change->id));
	row_set(row, LOG_XID, FullTransactionIdGetDatum(change->xid));
	row_set(row, LOG_ERA, Int32GetDatum(change->era));
	row_set(row, LOG_CID, Int64GetDatum(change->command));
	row_set(row, LOG_RELATION, ObjectIdGetDatum(change->relation));
	row_set(row, LOG_OP, CharGetDatum(change->operation));
	row_set(row, LOG_TRACKING, Int32GetDatum(change->tracking));
	if (change->origin != 0)
		row_set(row, LOG_ORIGIN, Int64GetDatum(change->origin));
	row_set(row, LOG_AT, TimestampTzGetDatum(change->at));
	return row_set_text(row, LOG_KEY, change->key) +
		   row_set_text(row, LOG_OLD_KEY, change->old_key) +
		   row_set_json(row, LOG_CHANGED, change->changed) +
		   row_set_text(row, LOG_ACTOR, change->actor) +
		   row_set_text(row, LOG_CHANNEL, change->channel) +
		   row_set_text(row, LOG_SESSION_USER, change->session_user_name);
}

/* Until the extension is upgraded, the session's user is of type name in the log. */
static Datum
value_for_leaf(const LogRow *row, int column, Form_pg_attribute attribute)
{
	if (column == LOG_SESSION_USER && attribute->atttypid == NAMEOID)
		return DirectFunctionCall1(text_name, row->values[column]);
	return row->values[column];
}

HeapTuple
change_row_form(const LogRow *row, const LeafShape *shape, TupleDesc descriptor)
{
	Datum values[MaxHeapAttributeNumber];
	bool nulls[MaxHeapAttributeNumber];

	if (shape->is_in_order)
		return heap_form_tuple(descriptor, (Datum *) row->values, (bool *) row->nulls);
	memset(nulls, true, descriptor->natts * sizeof(bool));
	for (int column = 0; column < LOG_COLUMN_COUNT; column++)
	{
		int number = shape->numbers[column];

		if (number > 0 && !row->nulls[column])
		{
			values[number - 1] = value_for_leaf(row, column, TupleDescAttr(descriptor, number - 1));
			nulls[number - 1] = false;
		}
	}
	return heap_form_tuple(descriptor, values, nulls);
}
