/*
 * tracking_cache.h
 *		What is tracked on a table, as this session knows it.
 */
#ifndef CASESYNC_TRACKING_CACHE_H
#define CASESYNC_TRACKING_CACHE_H

#include "access/transam.h"
#include "fmgr.h"
#include "utils/relcache.h"

#include "capture/tracking_condition.h"

typedef struct TrackedColumn
{
	const char *label; /* its name in the log */
	int label_length;
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
	bool is_recording;	  /* false: untracked, stopped by stop_capture(), or not known here */
	const char *lost_key; /* a key column that is gone; NULL: none. Then changes name nobody */
	bool misses_columns;  /* some tracked column cannot be found by its name */
	const TrackingCondition *condition; /* NULL: every row matters */
	bool key_is_column;
	int column_count;
	TrackedColumn *columns;
	AttrNumber last_number; /* of columns: the highest */
	int key_count;
	TrackedColumn *keys;
	GapMark *gap_mark; /* for change_capture to write */
} TrackedTable;

extern void tracking_cache_init(void);

/*
 * The facts about one tracking on one table. What is amiss is no error, since the application did
 * not do it: a WARNING says it once a session, and what can be recorded is. The facts stay in
 * memory until the transaction ends, whatever happens to them.
 */
extern const TrackedTable *tracking_cache_get(int32 tracking, Relation relation);

/*
 * The tracked table that the relation is or descends from, as SQL text with its schema; NULL when
 * the tracking does not exist or is about something else.
 */
extern char *tracking_root_name(int32 tracking, Relation relation);

#endif /* CASESYNC_TRACKING_CACHE_H */
