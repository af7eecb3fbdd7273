/*
 * change_log.c
 *		Writes rows to a leaf of the log: table and index, nothing else. Must not know triggers or
 *		trackings, when it is called, nor which leaf it is.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/owner_scope.h"
#include "capture/change_leaf.h"
#include "capture/change_log.h"

/* So many go to the server's insertion at once: some pages of the leaf. */
#define ROWS_AT_ONCE 128

/* The leaf's one index, which takes plain columns. */
static void
tuple_index(HeapTuple tuple, const LeafShape *shape, Relation leaf, Relation index)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < shape->index_info->ii_NumIndexAttrs; i++)
		values[i] = heap_getattr(tuple, shape->index_info->ii_IndexAttrNumbers[i],
								 RelationGetDescr(leaf), &nulls[i]);
	index_insert(index, values, nulls, &tuple->t_self, leaf,
				 shape->is_by_id ? UNIQUE_CHECK_NO : UNIQUE_CHECK_YES, false, shape->index_info);
}

static void
row_insert(const LogRow *row, CommandId command, const LeafShape *shape, Relation leaf,
		   Relation index)
{
	HeapTuple tuple = change_row_form(row, shape, RelationGetDescr(leaf));

	heap_insert(leaf, tuple, command, 0, NULL);
	if (index != NULL)
		tuple_index(tuple, shape, leaf, index);
	heap_freetuple(tuple);
}

/* One WAL record for each page that is filled. A slot frees its row when it gets the next one. */
static void
rows_insert_together(const LogRow *rows, int count, CommandId command, const LeafShape *shape,
					 Relation leaf, Relation index, TupleTableSlot **slots)
{
	HeapTuple tuples[ROWS_AT_ONCE];

	for (int i = 0; i < count; i++)
	{
		tuples[i] = change_row_form(&rows[i], shape, RelationGetDescr(leaf));
		ExecStoreHeapTuple(tuples[i], slots[i], true);
	}
	heap_multi_insert(leaf, slots, count, command, 0, NULL);
	for (int i = 0; i < count; i++)
	{
		tuples[i]->t_self = slots[i]->tts_tid;
		if (index != NULL)
			tuple_index(tuples[i], shape, leaf, index);
	}
}

static void
rows_insert_in_parts(const LogRow *rows, int count, CommandId command, const LeafShape *shape,
					 Relation leaf, Relation index)
{
	TupleTableSlot *slots[ROWS_AT_ONCE];
	int slot_count = Min(count, ROWS_AT_ONCE);

	for (int i = 0; i < slot_count; i++)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(leaf), &TTSOpsHeapTuple);
	for (int done = 0; done < count; done += ROWS_AT_ONCE)
		rows_insert_together(&rows[done], Min(count - done, ROWS_AT_ONCE), command, shape, leaf,
							 index, slots);
	for (int i = 0; i < slot_count; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
}

static void
rows_insert_directly(const LogRow *rows, int count, CommandId command, const LeafShape *shape,
					 Relation leaf)
{
	Relation index = OidIsValid(shape->index) ? index_open(shape->index, RowExclusiveLock) : NULL;

	if (count == 1)
		row_insert(rows, command, shape, leaf, index);
	else
		rows_insert_in_parts(rows, count, command, shape, leaf, index);
	if (index != NULL)
		index_close(index, NoLock);
}

/* Whose index, constraint or trigger it is that fails is what the DBA has to find. */
static void
foreign_context(void *leaf)
{
	errcontext("casesync's log of changes: table %s has columns, indexes, constraints or triggers "
			   "that are not casesync's",
			   (const char *) leaf);
}

static int
row_insert_by_statement(const LogRow *row, const LeafShape *shape, const char *leaf)
{
	StringInfoData columns;
	StringInfoData places;
	Oid types[LOG_COLUMN_COUNT];
	Datum values[LOG_COLUMN_COUNT];
	char nulls[LOG_COLUMN_COUNT];
	int count = 0;

	initStringInfo(&columns);
	initStringInfo(&places);
	for (int column = 0; column < LOG_COLUMN_COUNT; column++)
	{
		if (shape->numbers[column] == 0)
			continue;
		types[count] = log_columns[column].type;
		values[count] = row->values[column];
		nulls[count] = row->nulls[column] ? 'n' : ' ';
		count++;
		appendStringInfo(&columns, "%s%s", count == 1 ? "" : ", ",
						 quote_identifier(log_columns[column].name));
		appendStringInfo(&places, "%s$%d", count == 1 ? "" : ", ", count);
	}
	return SPI_execute_with_args(
		psprintf("INSERT INTO %s (%s) VALUES (%s)", leaf, columns.data, places.data), count, types,
		values, nulls, false, 0);
}

/*
 * Somebody has put more on the leaf than an insertion of ours serves. So the server does it, with
 * the rights of the leaf's owner, as it does for foreign keys: indexes, defaults, constraints and
 * triggers of any kind are his.
 */
static void
row_insert_by_server(const LogRow *row, const LeafShape *shape, Relation leaf)
{
	char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(leaf)),
											RelationGetRelationName(leaf));
	ErrorContextCallback context = {error_context_stack, foreign_context, name};
	OwnerScope scope;
	int result;

	error_context_stack = &context;
	SPI_connect();
	owner_scope_enter(&scope, leaf->rd_rel->relowner, false);
	result = row_insert_by_statement(row, shape, name);
	if (result < 0)
		elog(ERROR, "insertion failed: %s", SPI_result_code_string(result));
	if (result != SPI_OK_INSERT || SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s did not take a change", name),
				 errdetail("A trigger or rule on it keeps rows out: the change would be lost."),
				 errhint("Drop them: SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass;",
						 quote_literal_cstr(name))));
	owner_scope_leave(&scope);
	SPI_finish();
	error_context_stack = context.previous;
}

/* What the leaf is may change under a trigger of its owner's, so it is asked for each row. */
static void
rows_insert_by_server(const LogRow *rows, int count, Relation leaf)
{
	for (int i = 0; i < count; i++)
		row_insert_by_server(&rows[i], change_leaf_shape(leaf), leaf);
}

/* At commit there may be no snapshot any more, which long values and statements want. */
void
change_log_write(const LogRow *rows, int count, CommandId command)
{
	Relation leaf = change_leaf_open();
	const LeafShape *shape = change_leaf_shape(leaf);
	bool has_snapshot = ActiveSnapshotSet();

	if (!has_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	if (shape->is_plain)
		rows_insert_directly(rows, count, command, shape, leaf);
	else
		rows_insert_by_server(rows, count, leaf);
	if (!has_snapshot)
		PopActiveSnapshot();
	table_close(leaf, NoLock); /* keep the lock until commit */
}
