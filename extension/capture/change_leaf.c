/*
 * change_leaf.c
 *		The ring of leaves: finds the one to write to, and looks whether it is as we made it. Must
 *		not know what a row of it says.
 *
 * A DBA may put indexes, constraints, triggers and columns on a leaf as on any other table. What
 * the shape says is kept until the server tells that the leaf has changed; who changes it waits
 * for all who have it open, or, for an index made concurrently, for all who may not know of it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/own_relation.h"
#include "capture/change_leaf.h"

#define LEAF_COUNT 8

const LogColumnFact log_columns[LOG_COLUMN_COUNT] = {
	[LOG_ID] = {"id", INT8OID, true},
	[LOG_XID] = {"xid", XID8OID, true},
	[LOG_ERA] = {"era", INT4OID, true},
	[LOG_CID] = {"cid", INT8OID, true},
	[LOG_RELATION] = {"relation", OIDOID, true},
	[LOG_OP] = {"op", CHAROID, true},
	[LOG_TRACKING] = {"tracking", INT4OID, true},
	[LOG_KEY] = {"key", TEXTOID, false},
	[LOG_OLD_KEY] = {"old_key", TEXTOID, false},
	[LOG_CHANGED] = {"changed", JSONBOID, false},
	[LOG_ACTOR] = {"actor", TEXTOID, false},
	[LOG_CHANNEL] = {"channel", TEXTOID, false},
	[LOG_SESSION_USER] = {"session_user", TEXTOID, true},
	[LOG_ORIGIN] = {"origin", INT8OID, false},
	[LOG_AT] = {"at", TIMESTAMPTZOID, true},
};

/* What this session knows of the ring; the callback only says that it may be stale. */
static Oid ring_table = InvalidOid;
static int32 ring_number = 0;
static Oid ring_leaf = InvalidOid;
static bool ring_is_valid = false;
static uint64 ring_news = 0;

/* Of one leaf: looking all this up for every row would cost a third of the row. */
static Oid described_leaf = InvalidOid;
static LeafShape shape;
static MemoryContext shape_context = NULL;

static void
leaf_at_invalidation(Datum argument, Oid relation)
{
	if (relation == InvalidOid || relation == ring_table || relation == ring_leaf)
	{
		ring_is_valid = false;
		ring_news++;
	}
	if (relation == InvalidOid || relation == described_leaf || relation == shape.index)
		described_leaf = InvalidOid;
}

void
change_leaf_init(void)
{
	CacheRegisterRelcacheCallback(leaf_at_invalidation, (Datum) 0);
}

/* ---- which one ---- */

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
		Datum datum =
			own_relation_value(tuple, RelationGetDescr(relation), "leaf", INT4OID, &is_null);

		if (!is_null)
			leaf = DatumGetInt32(datum);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	if (leaf < 0 || leaf >= LEAF_COUNT)
		elog(ERROR, "casesync_internal.change_ring names leaf %d", leaf);
	return leaf;
}

static Oid
leaf_get(int32 number)
{
	char name[NAMEDATALEN];

	snprintf(name, sizeof(name), "change_%d", number);
	return own_relation_get(name);
}

/* To read may bring news of a rotation, older or newer than what was read: then it is read anew. */
static Oid
ring_current_leaf(void)
{
	while (!ring_is_valid)
	{
		uint64 news;

		ring_table = own_relation_get("change_ring");
		news = ring_news;
		ring_number = ring_read();
		ring_leaf = leaf_get(ring_number);
		ring_is_valid = news == ring_news;
	}
	return ring_leaf;
}

/*
 * Any leaf but the current one. Backwards, so that the next one stays empty for its turn the
 * longest. Rows may go to any leaf at any time: one is emptied only behind a lock on it.
 */
static Oid
leaf_lock_other(void)
{
	for (int i = 1; i < LEAF_COUNT; i++)
	{
		Oid leaf = leaf_get((ring_number + LEAF_COUNT - i) % LEAF_COUNT);

		if (ConditionalLockRelationOid(leaf, RowExclusiveLock))
			return leaf;
	}
	return InvalidOid;
}

/*
 * VACUUM FULL, CLUSTER, REINDEX or a backup tool may keep the current leaf locked for minutes, or
 * wait for as long behind somebody's transaction: applications go on with another leaf. The lock
 * may have brought news of a rotation, so look again with it held: nobody then starts to write to
 * a leaf that was left behind.
 */
Relation
change_leaf_open(void)
{
	for (;;)
	{
		Oid leaf = ring_current_leaf();
		Oid other;

		if (!ConditionalLockRelationOid(leaf, RowExclusiveLock))
		{
			other = leaf_lock_other();
			if (OidIsValid(other))
				return table_open(other, NoLock);
			LockRelationOid(leaf, RowExclusiveLock);
		}
		if (ring_current_leaf() == leaf)
			return table_open(leaf, NoLock);
		UnlockRelationOid(leaf, RowExclusiveLock);
	}
}

/* ---- what shape it has ---- */

static LogColumn
column_find(Form_pg_attribute attribute)
{
	int column = 0;

	while (column < LOG_COLUMN_COUNT &&
		   strcmp(NameStr(attribute->attname), log_columns[column].name) != 0)
		column++;
	return column;
}

/* The session's user was of type name before 0.3.0: see change_row.c. */
static bool
type_is_known(LogColumn column, Oid type)
{
	return type == log_columns[column].type || (column == LOG_SESSION_USER && type == NAMEOID);
}

/* Can a row without more than we know be formed? A column that may stay NULL is no hindrance. */
static bool
columns_describe(TupleDesc descriptor)
{
	bool is_plain = true;

	shape.is_in_order = descriptor->natts == LOG_COLUMN_COUNT;
	memset(shape.numbers, 0, sizeof(shape.numbers));
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		LogColumn column = column_find(attribute);

		if (attribute->attisdropped || column == LOG_COLUMN_COUNT || column != (LogColumn) i ||
			attribute->atttypid != log_columns[column].type)
			shape.is_in_order = false;
		if (attribute->attisdropped)
			continue;
		if (attribute->atthasdef || attribute->attidentity != '\0')
			is_plain = false;
		if (column < LOG_COLUMN_COUNT)
		{
			shape.numbers[column] = attribute->attnum;
			is_plain &= type_is_known(column, attribute->atttypid);
			is_plain &= !attribute->attnotnull || log_columns[column].is_always_set;
		}
		else
			is_plain &=
				!attribute->attnotnull && get_typtype(attribute->atttypid) != TYPTYPE_DOMAIN;
	}
	return is_plain;
}

/* On (xid, id): nobody else writes with our transaction's number, and our ids rise. */
static bool
index_is_by_id(const IndexInfo *index)
{
	return index->ii_NumIndexKeyAttrs == 2 &&
		   index->ii_IndexAttrNumbers[0] == shape.numbers[LOG_XID] &&
		   index->ii_IndexAttrNumbers[1] == shape.numbers[LOG_ID];
}

/* One plain unique index, which needs no executor; or none at all. */
static bool
index_describe(Relation leaf)
{
	List *indexes = RelationGetIndexList(leaf);
	bool is_plain = list_length(indexes) <= 1;

	shape.index = InvalidOid;
	MemoryContextReset(shape_context);
	if (list_length(indexes) == 1)
	{
		Relation index = index_open(linitial_oid(indexes), RowExclusiveLock);
		MemoryContext caller = MemoryContextSwitchTo(shape_context);

		shape.index_info = BuildIndexInfo(index);
		MemoryContextSwitchTo(caller);
		shape.index = RelationGetRelid(index);
		is_plain = shape.index_info->ii_Expressions == NIL &&
				   shape.index_info->ii_Predicate == NIL && shape.index_info->ii_ReadyForInserts &&
				   shape.index_info->ii_Unique && index->rd_index->indimmediate;
		shape.is_by_id = index->rd_rel->relam == BTREE_AM_OID && index_is_by_id(shape.index_info);
		index_close(index, NoLock);
	}
	list_free(indexes);
	return is_plain;
}

/* Row security does not matter: it says what people may do, not what we write down for them. */
static bool
table_is_plain(Relation leaf)
{
	const TupleConstr *constraints = RelationGetDescr(leaf)->constr;

	return leaf->rd_rel->relkind == RELKIND_RELATION && leaf->rd_rel->relam == HEAP_TABLE_AM_OID &&
		   !leaf->rd_rel->relhastriggers && !leaf->rd_rel->relhasrules &&
		   !leaf->rd_rel->relispartition && (constraints == NULL || constraints->num_check == 0);
}

const LeafShape *
change_leaf_shape(Relation leaf)
{
	if (described_leaf == RelationGetRelid(leaf))
		return &shape;
	if (leaf->rd_rel->relkind != RELKIND_RELATION && leaf->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("casesync_internal.%s is not a table", RelationGetRelationName(leaf)),
				 errhint("Give the table of the log its name back.")));
	if (shape_context == NULL)
		shape_context =
			AllocSetContextCreate(CacheMemoryContext, "casesync leaf", ALLOCSET_SMALL_SIZES);
	shape.is_plain = columns_describe(RelationGetDescr(leaf));
	shape.is_plain = table_is_plain(leaf) && shape.is_plain;
	if (shape.is_plain)
		shape.is_plain = index_describe(leaf);
	described_leaf = RelationGetRelid(leaf);
	return &shape;
}

bool
change_leaf_is_plain(void)
{
	return ring_is_valid && described_leaf == ring_leaf && OidIsValid(described_leaf) &&
		   shape.is_plain;
}
