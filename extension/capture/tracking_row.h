/*
 * tracking_row.h
 *		One row of casesync_internal.tracking, read without rights and without SQL.
 */
#ifndef CASESYNC_TRACKING_ROW_H
#define CASESYNC_TRACKING_ROW_H

#include "access/attnum.h"

/* Columns of the tracked table: how the log calls them, and how to find them. */
typedef struct TrackingColumns
{
	int count;
	char **labels;		 /* in the log */
	char **names;		 /* in the tracked table, when last looked up */
	AttrNumber *numbers; /* likewise */
} TrackingColumns;

typedef struct TrackingRow
{
	int32 id;
	Oid relation;
	bool is_enabled;
	bool is_stopped;
	bool key_is_column;
	const char *condition; /* NULL: every row matters */
	bool has_numbers; /* the numbers are of this very table, not of the one it was dumped from */
	TrackingColumns columns;
	TrackingColumns keys;
} TrackingRow;

/* Reads into the current memory context; false when there is no such tracking. */
extern bool tracking_row_read(int32 tracking, TrackingRow *row);

#endif /* CASESYNC_TRACKING_ROW_H */
