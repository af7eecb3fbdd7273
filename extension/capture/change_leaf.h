/*
 * change_leaf.h
 *		The leaves of the log: which one to write to, and what shape it has.
 */
#ifndef CASESYNC_CHANGE_LEAF_H
#define CASESYNC_CHANGE_LEAF_H

#include "access/attnum.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

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

typedef struct LogColumnFact
{
	const char *name;
	Oid type;
	bool is_always_set;
} LogColumnFact;

extern const LogColumnFact log_columns[LOG_COLUMN_COUNT];

/* A leaf as this session knows it. */
typedef struct LeafShape
{
	AttrNumber numbers[LOG_COLUMN_COUNT]; /* 0 = the leaf has no such column */
	bool is_in_order;					  /* nothing but our columns and types, in our order */
	bool is_plain;		   /* as we make it: rows can be put into table and index as they are */
	Oid index;			   /* its one index, if it is plain */
	IndexInfo *index_info; /* likewise */
	bool is_by_id;		   /* its index is the one we made, in which no row meets another */
} LeafShape;

extern void change_leaf_init(void);

/*
 * Opens the leaf to write to, locked until the transaction ends: no emptying under our row. Waits
 * only when somebody keeps all leaves locked.
 */
extern Relation change_leaf_open(void);

/*
 * Whether a row would go into a leaf that is as we made it, as far as this session knows without
 * looking: false until it has written there, and after news.
 */
extern bool change_leaf_is_plain(void);

/* Its shape, good until the next leaf is opened. */
extern const LeafShape *change_leaf_shape(Relation leaf);

#endif /* CASESYNC_CHANGE_LEAF_H */
