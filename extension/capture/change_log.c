/*
 * change_log.c
 *		Appends a Change to a leaf of the log: table and index, nothing else. Must not know
 *		triggers or trackings, nor which leaf it is.
 *
 * The rows are formed here and not by SQL, so that applications need no rights on the log.
 * Columns are found by name: a pooled session may keep this library for days while the
 * extension is upgraded, so a column we do not know stays NULL and one that is gone is skipped.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/owner_scope.h"
#include "capture/change_leaf.h"
#include "capture/change_log.h"

void
change_log_init(void)
{
	change_leaf_init();
}

/* One row under construction. */
typedef struct LogRow
{
	Datum values[LOG_COLUMN_COUNT];
	bool nulls[LOG_COLUMN_COUNT];
	NameData session_user_name;
} LogRow;

static void
row_set(LogRow *row, LogColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static void
row_set_text(LogRow *row, LogColumn column, const char *content)
{
	if (content != NULL)
		row_set(row, column, CStringGetTextDatum(content));
}

static void
row_fill(LogRow *row, const Change *change)
{
	row_set(row, LOG_ID, Int64GetDatum(change->id));
	row_set(row, LOG_XID, FullTransactionIdGetDatum(change->xid));
	row_set(row, LOG_ERA, Int32GetDatum(change->era));
	row_set(row, LOG_CID, Int64GetDatum(change->command));
	row_set(row, LOG_RELATION, ObjectIdGetDatum(change->relation));
	row_set(row, LOG_OP, CharGetDatum(change->operation));
	row_set(row, LOG_TRACKING, Int32GetDatum(change->tracking));
	row_set_text(row, LOG_KEY, change->key);
	row_set_text(row, LOG_OLD_KEY, change->old_key);
	if (change->changed != NULL)
		row_set(row, LOG_CHANGED, JsonbPGetDatum(change->changed));
	row_set_text(row, LOG_ACTOR, change->actor);
	row_set_text(row, LOG_CHANNEL, change->channel);
	namestrcpy(&row->session_user_name, change->session_user_name);
	row_set(row, LOG_SESSION_USER, NameGetDatum(&row->session_user_name));
	if (change->origin != 0)
		row_set(row, LOG_ORIGIN, Int64GetDatum(change->origin));
	row_set(row, LOG_AT, TimestampTzGetDatum(change->at));
}

static HeapTuple
row_form(const LogRow *row, const LeafShape *shape, TupleDesc descriptor)
{
	Datum *values = palloc0(descriptor->natts * sizeof(Datum));
	bool *nulls = palloc(descriptor->natts * sizeof(bool));

	memset(nulls, true, descriptor->natts * sizeof(bool));
	for (int column = 0; column < LOG_COLUMN_COUNT; column++)
	{
		int number = shape->numbers[column];

		if (number > 0)
		{
			values[number - 1] = row->values[column];
			nulls[number - 1] = row->nulls[column];
		}
	}
	return heap_form_tuple(descriptor, values, nulls);
}

/* The leaf's one index, which takes plain columns. */
static void
tuple_index(HeapTuple tuple, const LeafShape *shape, Relation leaf)
{
	Relation index = index_open(shape->index, RowExclusiveLock);
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < shape->index_info->ii_NumIndexAttrs; i++)
		values[i] = heap_getattr(tuple, shape->index_info->ii_IndexAttrNumbers[i],
								 RelationGetDescr(leaf), &nulls[i]);
	index_insert(index, values, nulls, &tuple->t_self, leaf, UNIQUE_CHECK_YES, false,
				 shape->index_info);
	index_close(index, NoLock);
}

static void
row_insert_directly(const LogRow *row, const LeafShape *shape, Relation leaf)
{
	HeapTuple tuple = row_form(row, shape, RelationGetDescr(leaf));

	simple_heap_insert(leaf, tuple);
	if (OidIsValid(shape->index))
		tuple_index(tuple, shape, leaf);
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

void
change_log_append(const Change *change)
{
	Relation leaf = change_leaf_open();
	const LeafShape *shape = change_leaf_shape(leaf);
	LogRow row;

	memset(row.nulls, true, sizeof(row.nulls));
	row_fill(&row, change);
	if (shape->is_plain)
		row_insert_directly(&row, shape, leaf);
	else
		row_insert_by_server(&row, shape, leaf);
	table_close(leaf, NoLock); /* keep the lock until commit */
}
