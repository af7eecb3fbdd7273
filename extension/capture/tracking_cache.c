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

/* What is amiss with a tracking on a table, and was not done by whoever writes there. */
typedef enum Trouble
{
	TROUBLE_NONE,
	TROUBLE_UNKNOWN, /* there is no such tracking */
	TROUBLE_FOREIGN, /* it is about another table */
	TROUBLE_KEY,	 /* its key is gone */
	TROUBLE_COLUMNS	 /* some column cannot be found */
} Trouble;

typedef struct CacheEntry
{
	CacheKey key; /* first, as the hash table wants it */
	bool is_valid;
	Trouble told; /* what was said last */
	Oid root;	  /* the tracked table */
	MemoryContext context;
	TrackedTable *table; /* in context */
} CacheEntry;

static MemoryContext cache_context = NULL;
static HTAB *cache = NULL;
static Oid tracking_table = InvalidOid;
static uint64 invalidations = 0;
static CacheEntry *last_found = NULL; /* entries are never removed */

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
		entry->told = TROUBLE_NONE;
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
 * The number that a column of the tracked table has in the table being written, 0 if there is none.
 * In a copy that was restored from a dump only names are true: is_missed, if it was renamed before.
 */
static AttrNumber
column_number(const TrackingRow *row, const TrackingColumns *columns, int i, Relation relation,
			  bool *is_missed)
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
	if (number > 0)
		return number;
	*is_missed = true;
	return 0;
}

static void
column_fill(TrackedColumn *column, const char *label, AttrNumber number, Relation relation)
{
	Form_pg_attribute attribute;
	Oid output;
	bool is_varlena;

	column->label = label;
	column->label_length = strlen(label);
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
columns_fill(const TrackingRow *row, const TrackingColumns *columns, Relation relation,
			 bool *is_missed)
{
	TrackedColumn *filled = palloc0(columns->count * sizeof(TrackedColumn));

	for (int i = 0; i < columns->count; i++)
		column_fill(&filled[i], columns->labels[i],
					column_number(row, columns, i, relation, is_missed), relation);
	return filled;
}

static const char *
key_lost(const TrackingRow *row, const TrackedTable *table)
{
	for (int i = 0; i < table->key_count; i++)
		if (table->keys[i].number == 0)
			return row->keys.names[i];
	return NULL;
}

static const TrackingCondition *
condition_fill(const TrackingRow *row, const TrackedTable *table, Relation relation)
{
	AttrNumber *numbers = palloc(table->column_count * sizeof(AttrNumber));

	for (int i = 0; i < table->column_count; i++)
		numbers[i] = table->columns[i].number;
	return tracking_condition_read(row, relation, numbers);
}

static Trouble
table_fill(TrackedTable *table, const TrackingRow *row, Relation relation)
{
	bool is_missed = false;

	table->is_recording = row->is_enabled && !row->is_stopped;
	table->key_is_column = row->key_is_column;
	table->column_count = row->columns.count;
	table->columns = columns_fill(row, &row->columns, relation, &table->misses_columns);
	for (int i = 0; i < table->column_count; i++)
		table->last_number = Max(table->last_number, table->columns[i].number);
	table->key_count = row->keys.count;
	table->keys = columns_fill(row, &row->keys, relation, &is_missed);
	if (table->key_count == 0)
		elog(ERROR, "tracking %d has no key", row->id);
	table->lost_key = key_lost(row, table);
	table->condition = condition_fill(row, table, relation);
	if (!table->is_recording)
		return TROUBLE_NONE;
	if (table->lost_key != NULL)
		return TROUBLE_KEY;
	return table->misses_columns ? TROUBLE_COLUMNS : TROUBLE_NONE;
}

static void
say_unknown(const TrackedTable *table, Relation relation)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s\" are not recorded: there is no tracking %d",
					RelationGetRelationName(relation), table->tracking),
			 errdetail("The table has triggers of casesync, but this database does not have what "
					   "they should record. A copy made without its data is like this."),
			 errhint("Restore the rows of casesync_internal.tracking, or track the table again and "
					 "drop the triggers named casesync_%d_….",
					 table->tracking)));
}

static void
say_foreign(const TrackedTable *table, const TrackingRow *row, Relation relation)
{
	char *name = RelationGetRelationName(relation);

	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s\" are not recorded: tracking %d is not about it", name,
					table->tracking),
			 errdetail("The table has a trigger of casesync, but it is not the tracked table, nor "
					   "any more a partition or child of it."),
			 get_rel_name(row->relation) != NULL
				 ? errhint("SELECT casesync.retrack(%s); drops such triggers. If changes of "
						   "\"%s\" matter, track it by itself.",
						   quote_literal_cstr(qualified_name(row->relation)), name)
				 : errhint("Drop the triggers of \"%s\" named casesync_%d_….", name, row->id)));
}

static void
say_missed(const TrackedTable *table, const TrackingRow *row, Relation relation)
{
	char *name = RelationGetRelationName(relation);
	char *root = quote_literal_cstr(qualified_name(row->relation));

	if (table->lost_key != NULL)
		ereport(
			WARNING,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("changes of table \"%s\" name no subject: its key column \"%s\" is gone", name,
					table->lost_key),
			 errdetail("Only that there were changes is recorded."),
			 errhint("SELECT casesync.untrack(%s); and track it again with another key.", root)));
	else
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("not all tracked columns of table \"%s\" are found", name),
				 errdetail("Tracking %d was restored from a dump and a column was renamed before. "
						   "Any change of a row is recorded.",
						   table->tracking),
				 errhint("SELECT casesync.untrack(%s); and track it again with its new columns.",
						 root)));
}

/* The same of each partition would be no news. */
static bool
was_told(const CacheEntry *entry, Trouble trouble)
{
	HASH_SEQ_STATUS status;
	const CacheEntry *other;
	bool is_told = false;

	hash_seq_init(&status, cache);
	while ((other = hash_seq_search(&status)) != NULL)
		is_told |= other->key.tracking == entry->key.tracking && other->told == trouble;
	return is_told;
}

static void
trouble_say(CacheEntry *entry, Trouble trouble, const TrackingRow *row, Relation relation)
{
	bool is_told = was_told(entry, trouble);

	entry->told = trouble;
	if (is_told || trouble == TROUBLE_NONE)
		return;
	if (trouble == TROUBLE_UNKNOWN)
		say_unknown(entry->table, relation);
	else if (trouble == TROUBLE_FOREIGN)
		say_foreign(entry->table, row, relation);
	else
		say_missed(entry->table, row, relation);
}

static void
entry_fill(CacheEntry *entry, Relation relation)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "casesync tracking", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TrackedTable *table = palloc0(sizeof(TrackedTable));
	Trouble trouble = TROUBLE_UNKNOWN;
	TrackingRow row;

	table->tracking = entry->key.tracking;
	table->gap_mark = palloc0(sizeof(GapMark));
	row.relation = InvalidOid;
	if (tracking_row_read(table->tracking, &row))
		trouble = relation_descends_from(relation, row.relation) ? table_fill(table, &row, relation)
																 : TROUBLE_FOREIGN;
	MemoryContextSwitchTo(caller);

	/* Somebody further up may still be using the old facts. */
	if (entry->context != NULL)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	MemoryContextSetParent(context, cache_context);
	entry->context = context;
	entry->table = table;
	entry->root = row.relation;
	trouble_say(entry, trouble, &row, relation);
}

/*
 * What is read while an invalidation comes in may be old in part: then it is used once, as any
 * statement that had begun before, and read again by the next.
 */
const TrackedTable *
tracking_cache_get(int32 tracking, Relation relation)
{
	CacheEntry *entry = last_found;

	if (entry == NULL || entry->key.tracking != tracking ||
		entry->key.relation != RelationGetRelid(relation))
		entry = last_found = cache_find(tracking, RelationGetRelid(relation));
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
