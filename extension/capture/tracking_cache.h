/*
 * tracking_cache.h
 *		What is tracked on a table, as this session knows it.
 */
#ifndef CASESYNC_TRACKING_CACHE_H
#define CASESYNC_TRACKING_CACHE_H

#include "access/transam.h"
#include "fmgr.h"
#include "utils/relcache.h"

typedef struct TrackedColumn
{
	const char *label; /* its name in the log */
	AttrNumber number; /* in the table that is written; 0 = dropped */
	int16 length;
	bool is_by_value;
	bool is_json;
	Oid base_type; /* beneath domains */
	FmgrInfo output;
} TrackedColumn;

/* The (sub)transaction that has last said of a table that its changes are not recorded. */
typedef struct GapMark
{
	FullTransactionId transaction;
	SubTransactionId subtransaction;
} GapMark;

typedef struct TrackedTable
{
	int32 tracking;
	bool is_recording; /* false: untracked, or stopped by stop_capture() */
	bool key_is_column;
	int column_count;
	TrackedColumn *columns;
	int key_count;
	TrackedColumn *keys;
	GapMark *gap_mark; /* for change_capture to write */
} TrackedTable;

extern void tracking_cache_init(void);

/*
 * The facts about one tracking on one table, which is the tracked one or descends from it; any
 * other is an error. They stay in memory until the transaction ends, whatever happens to them.
 */
extern const TrackedTable *tracking_cache_get(int32 tracking, Relation relation);

/*
 * The tracked table that the relation is or descends from, as SQL text with its schema; NULL when
 * the tracking does not exist or is about something else.
 */
extern char *tracking_root_name(int32 tracking, Relation relation);

#endif /* CASESYNC_TRACKING_CACHE_H */
