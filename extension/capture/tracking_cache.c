/*
 * tracking_cache.c
 *		What is tracked on a table, per session. Must not know triggers or the log.
 *
 * Keyed by tracking and table, since a partition may number its columns in its own way. The
 * callback only marks entries stale; an entry becomes valid last, when all of it is known.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/own_relation.h"
#include "capture/tracking_cache.h"
#include "capture/tracking_row.h"

typedef struct CacheKey
{
	int32 tracking;
	Oid relation;
} CacheKey;

typedef struct CacheEntry
{
	CacheKey key; /* first, as the hash table wants it */
	bool is_valid;
	Oid root; /* the tracked table */
	MemoryContext context;
	TrackedTable *table; /* in context */
} CacheEntry;

static MemoryContext cache_context = NULL;
static HTAB *cache = NULL;
static Oid tracking_table = InvalidOid;
static uint64 invalidations = 0;

static void
cache_at_invalidation(Datum argument, Oid relation)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	invalidations++;
	if (cache == NULL)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relation == InvalidOid || relation == tracking_table ||
			relation == entry->key.relation || relation == entry->root)
			entry->is_valid = false;
	}
}

void
tracking_cache_init(void)
{
	CacheRegisterRelcacheCallback(cache_at_invalidation, (Datum) 0);
}

static CacheEntry *
cache_find(int32 tracking, Oid relation)
{
	CacheKey key;
	CacheEntry *entry;
	bool is_found;

	if (cache == NULL)
	{
		HASHCTL control;

		cache_context =
			AllocSetContextCreate(CacheMemoryContext, "casesync trackings", ALLOCSET_SMALL_SIZES);
		control.keysize = sizeof(CacheKey);
		control.entrysize = sizeof(CacheEntry);
		control.hcxt = cache_context;
		cache =
			hash_create("casesync trackings", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&key, 0, sizeof(key));
	key.tracking = tracking;
	key.relation = relation;
	entry = hash_search(cache, &key, HASH_ENTER, &is_found);
	if (!is_found)
	{
		entry->is_valid = false;
		entry->root = InvalidOid;
		entry->context = NULL;
		entry->table = NULL;
	}
	return entry;
}

/*
 * The trigger's argument is only a number, which anybody who may make triggers can write: it counts
 * only on the table that the tracking is about, or a part of it.
 */
static bool
relation_descends_from(Relation relation, Oid root)
{
	Oid oid = RelationGetRelid(relation);

	if (oid == root)
		return true;
	if (!OidIsValid(root) || get_rel_relkind(root) == '\0')
		return false;
	if (relation->rd_rel->relispartition)
		return list_member_oid(get_partition_ancestors(oid), root);
	return list_member_oid(find_all_inheritors(root, NoLock, NULL), oid);
}

static void
row_get(int32 tracking, TrackingRow *row)
{
	if (!tracking_row_read(tracking, row))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no tracking %d is defined in this database", tracking),
						errdetail("A trigger of casesync is there, but not what it should record."),
						errhint("Restore the rows of casesync_internal.tracking, or track the "
								"table again and drop "
								"the triggers named casesync_%d_….",
								tracking)));
}

static char *
qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

char *
tracking_root_name(int32 tracking, Relation relation)
{
	TrackingRow row;

	if (!tracking_row_read(tracking, &row) || !relation_descends_from(relation, row.relation))
		return NULL;
	return qualified_name(row.relation);
}

/* get_attname() gives dropped columns a name too; here they have none. */
static char *
live_column_name(Oid relation, AttrNumber number)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(number));
	Form_pg_attribute attribute;
	char *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	if (!attribute->attisdropped)
		name = pstrdup(NameStr(attribute->attname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * The number that a column of the tracked table has in the table being written, 0 if it was
 * dropped. A name that cannot be found is an error: what it should record would be lost.
 */
static AttrNumber
column_number(const TrackingRow *row, const TrackingColumns *columns, int i, Relation relation)
{
	char *name = columns->names[i];
	AttrNumber number;

	if (row->has_numbers)
	{
		name = live_column_name(row->relation, columns->numbers[i]);
		if (name == NULL)
			return 0;
	}
	number = get_attnum(RelationGetRelid(relation), name);
	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("tracked column \"%s\" of table \"%s\" does not exist", name,
						RelationGetRelationName(relation)),
				 errdetail("Tracking %d was restored from a dump and the column was renamed or "
						   "dropped since.",
						   row->id),
				 errhint("SELECT casesync.untrack(%s); and track it again with its new columns.",
						 quote_literal_cstr(qualified_name(row->relation)))));
	return number;
}

static void
column_fill(TrackedColumn *column, const char *label, AttrNumber number, Relation relation)
{
	Form_pg_attribute attribute;
	Oid output;
	bool is_varlena;

	column->label = label;
	column->number = number;
	if (number == 0)
		return;
	attribute = TupleDescAttr(RelationGetDescr(relation), number - 1);
	column->length = attribute->attlen;
	column->is_by_value = attribute->attbyval;
	column->is_json = attribute->atttypid == JSONOID || attribute->atttypid == JSONBOID;
	column->base_type = getBaseType(attribute->atttypid);
	getTypeOutputInfo(attribute->atttypid, &output, &is_varlena);
	fmgr_info_cxt(output, &column->output, CurrentMemoryContext);
}

static TrackedColumn *
columns_fill(const TrackingRow *row, const TrackingColumns *columns, Relation relation)
{
	TrackedColumn *filled = palloc0(columns->count * sizeof(TrackedColumn));

	for (int i = 0; i < columns->count; i++)
		column_fill(&filled[i], columns->labels[i], column_number(row, columns, i, relation),
					relation);
	return filled;
}

static void
keys_check(const TrackingRow *row, const TrackedTable *table)
{
	if (table->key_count == 0)
		elog(ERROR, "tracking %d has no key", row->id);
	for (int i = 0; i < table->key_count; i++)
		if (table->keys[i].number == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("key column \"%s\" of tracked table \"%s\" was dropped",
							row->keys.names[i], get_rel_name(row->relation)),
					 errdetail("Without it the changes of tracking %d name no subject.", row->id),
					 errhint("SELECT casesync.untrack(%s); and track it again with another key.",
							 quote_literal_cstr(qualified_name(row->relation)))));
}

static TrackedTable *
table_fill(const TrackingRow *row, Relation relation)
{
	TrackedTable *table = palloc0(sizeof(TrackedTable));

	table->tracking = row->id;
	table->gap_mark = palloc0(sizeof(GapMark));
	table->is_recording = row->is_enabled && !row->is_stopped;
	table->key_is_column = row->key_is_column;
	table->column_count = row->columns.count;
	table->columns = columns_fill(row, &row->columns, relation);
	table->key_count = row->keys.count;
	table->keys = columns_fill(row, &row->keys, relation);
	if (table->is_recording)
		keys_check(row, table);
	return table;
}

static void
relation_must_descend(Relation relation, const TrackingRow *row)
{
	char *name = RelationGetRelationName(relation);

	if (relation_descends_from(relation, row->relation))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("tracking %d is not about table \"%s\"", row->id, name),
			 errdetail("The table has a trigger of casesync, but it is not the tracked table, nor "
					   "any more a partition or child of it."),
			 get_rel_name(row->relation) != NULL
				 ? errhint("SELECT casesync.retrack(%s); drops such triggers. If changes of "
						   "\"%s\" matter, track it by itself.",
						   quote_literal_cstr(qualified_name(row->relation)), name)
				 : errhint("Drop the triggers of \"%s\" named casesync_%d_….", name, row->id)));
}

static void
entry_fill(CacheEntry *entry, Relation relation)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "casesync tracking", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TrackingRow row;
	TrackedTable *table;

	row_get(entry->key.tracking, &row);
	relation_must_descend(relation, &row);
	table = table_fill(&row, relation);
	MemoryContextSwitchTo(caller);

	/* Somebody further up may still be using the old facts. */
	if (entry->context != NULL)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	MemoryContextSetParent(context, cache_context);
	entry->context = context;
	entry->table = table;
	entry->root = row.relation;
}

/*
 * What is read while an invalidation comes in may be old in part: then it is used once, as any
 * statement that had begun before, and read again by the next.
 */
const TrackedTable *
tracking_cache_get(int32 tracking, Relation relation)
{
	CacheEntry *entry = cache_find(tracking, RelationGetRelid(relation));

	if (!entry->is_valid)
	{
		uint64 before;

		tracking_table = own_relation_get("tracking");
		before = invalidations;
		entry_fill(entry, relation);
		entry->is_valid = before == invalidations;
	}
	return entry->table;
}
