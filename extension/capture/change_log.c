/*
 * change_log.c
 *		Appends a Change to the current leaf of the log: table and index, nothing else. Must not
 *		know triggers or trackings.
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
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "nodes/execnodes.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/own_relation.h"
#include "capture/change_log.h"

#define LEAF_COUNT 8

typedef enum LogColumn
{
	LOG_ID,
	LOG_XID,
	LOG_ERA,
	LOG_CID,
	LOG_RELATION,
	LOG_OP,
	LOG_TRACKING,
	LOG_KEY,
	LOG_OLD_KEY,
	LOG_CHANGED,
	LOG_ACTOR,
	LOG_CHANNEL,
	LOG_SESSION_USER,
	LOG_ORIGIN,
	LOG_AT,
	LOG_COLUMN_COUNT
} LogColumn;

static const char *const column_names[LOG_COLUMN_COUNT] = {
	[LOG_ID] = "id",
	[LOG_XID] = "xid",
	[LOG_ERA] = "era",
	[LOG_CID] = "cid",
	[LOG_RELATION] = "relation",
	[LOG_OP] = "op",
	[LOG_TRACKING] = "tracking",
	[LOG_KEY] = "key",
	[LOG_OLD_KEY] = "old_key",
	[LOG_CHANGED] = "changed",
	[LOG_ACTOR] = "actor",
	[LOG_CHANNEL] = "channel",
	[LOG_SESSION_USER] = "session_user",
	[LOG_ORIGIN] = "origin",
	[LOG_AT] = "at",
};

/* What this session knows of the ring; the callback only says that it may be stale. */
static Oid ring_table = InvalidOid;
static Oid current_leaf = InvalidOid;
static bool current_leaf_is_valid = false;
static uint64 ring_news = 0;

/*
 * Column numbers in described_leaf, 0 = the leaf has no such column; and its index, if it has just
 * the plain one that we make. Looking these up for every row would cost a third of the row.
 */
static Oid described_leaf = InvalidOid;
static AttrNumber column_numbers[LOG_COLUMN_COUNT];
static Oid leaf_index = InvalidOid; /* InvalidOid: ask the server for the indexes */
static IndexInfo *leaf_index_info = NULL;
static MemoryContext leaf_context = NULL;

static void
log_at_invalidation(Datum argument, Oid relation)
{
	if (relation == InvalidOid || relation == ring_table || relation == current_leaf)
	{
		current_leaf_is_valid = false;
		ring_news++;
	}
	if (relation == InvalidOid || relation == described_leaf || relation == leaf_index)
		described_leaf = InvalidOid;
}

void
change_log_init(void)
{
	CacheRegisterRelcacheCallback(log_at_invalidation, (Datum) 0);
}

/* The number of the leaf to write to; the ring without a row stands at leaf 0. */
static int32
ring_read(void)
{
	Relation relation = table_open(ring_table, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple = systable_getnext(scan);
	int32 leaf = 0;

	if (HeapTupleIsValid(tuple))
	{
		bool is_null;
		Datum datum = own_relation_value(tuple, RelationGetDescr(relation), "leaf", &is_null);

		if (!is_null)
			leaf = DatumGetInt32(datum);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	if (leaf < 0 || leaf >= LEAF_COUNT)
		elog(ERROR, "casesync_internal.change_ring names leaf %d", leaf);
	return leaf;
}

/* To read may bring news of a rotation, older or newer than what was read: then it is read anew. */
static Oid
ring_current_leaf(void)
{
	char name[NAMEDATALEN];

	while (!current_leaf_is_valid)
	{
		uint64 news;

		ring_table = own_relation_get("change_ring");
		news = ring_news;
		snprintf(name, sizeof(name), "change_%d", ring_read());
		current_leaf = own_relation_get(name);
		current_leaf_is_valid = news == ring_news;
	}
	return current_leaf;
}

/*
 * Opens the current leaf. Waiting for its lock may have brought news of a rotation, so look
 * again with the lock held: nobody then starts to write to a leaf that was left behind.
 */
static Relation
leaf_open(void)
{
	for (;;)
	{
		Oid leaf = ring_current_leaf();
		Relation relation = table_open(leaf, RowExclusiveLock);

		if (ring_current_leaf() == leaf)
			return relation;
		table_close(relation, RowExclusiveLock);
	}
}

static void
leaf_describe_columns(TupleDesc descriptor)
{
	memset(column_numbers, 0, sizeof(column_numbers));
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		for (int column = 0; column < LOG_COLUMN_COUNT; column++)
			if (!attribute->attisdropped &&
				strcmp(NameStr(attribute->attname), column_names[column]) == 0)
				column_numbers[column] = attribute->attnum;
	}
}

/*
 * Only the one plain unique index of ours is written to directly. Somebody may have added another,
 * or one over an expression, which needs an executor: then the server's own way is taken.
 */
static void
leaf_describe_index(Relation leaf)
{
	List *indexes = RelationGetIndexList(leaf);

	leaf_index = InvalidOid;
	MemoryContextReset(leaf_context);
	if (list_length(indexes) == 1)
	{
		Relation index = index_open(linitial_oid(indexes), RowExclusiveLock);
		MemoryContext caller = MemoryContextSwitchTo(leaf_context);

		leaf_index_info = BuildIndexInfo(index);
		MemoryContextSwitchTo(caller);
		if (leaf_index_info->ii_Expressions == NIL && leaf_index_info->ii_Predicate == NIL &&
			leaf_index_info->ii_ReadyForInserts && leaf_index_info->ii_Unique)
			leaf_index = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	list_free(indexes);
}

static void
leaf_describe(Relation leaf)
{
	if (described_leaf == RelationGetRelid(leaf))
		return;
	if (leaf_context == NULL)
		leaf_context =
			AllocSetContextCreate(CacheMemoryContext, "casesync leaf", ALLOCSET_SMALL_SIZES);
	leaf_describe_columns(RelationGetDescr(leaf));
	leaf_describe_index(leaf);
	described_leaf = RelationGetRelid(leaf);
}

/* One row under construction. */
typedef struct LogRow
{
	Datum *values;
	bool *nulls;
	NameData session_user_name;
} LogRow;

static void
row_set(LogRow *row, LogColumn column, Datum value)
{
	int number = column_numbers[column];

	if (number > 0)
	{
		row->values[number - 1] = value;
		row->nulls[number - 1] = false;
	}
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

/* The leaf's one index, which takes plain columns. */
static void
row_index(const LogRow *row, HeapTuple tuple, Relation leaf)
{
	Relation index = index_open(leaf_index, RowExclusiveLock);
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < leaf_index_info->ii_NumIndexAttrs; i++)
	{
		int number = leaf_index_info->ii_IndexAttrNumbers[i];

		values[i] = row->values[number - 1];
		nulls[i] = row->nulls[number - 1];
	}
	index_insert(index, values, nulls, &tuple->t_self, leaf, UNIQUE_CHECK_YES, false,
				 leaf_index_info);
	index_close(index, NoLock);
}

void
change_log_append(const Change *change)
{
	Relation leaf = leaf_open();
	int natts = RelationGetDescr(leaf)->natts;
	LogRow row;
	HeapTuple tuple;

	leaf_describe(leaf);
	row.values = palloc0(natts * sizeof(Datum));
	row.nulls = palloc(natts * sizeof(bool));
	memset(row.nulls, true, natts * sizeof(bool));
	row_fill(&row, change);
	tuple = heap_form_tuple(RelationGetDescr(leaf), row.values, row.nulls);

	if (OidIsValid(leaf_index))
	{
		simple_heap_insert(leaf, tuple);
		row_index(&row, tuple, leaf);
	}
	else
		CatalogTupleInsert(leaf, tuple);
	table_close(leaf, NoLock); /* keep the lock until commit: no emptying under our row */
}
