/*
 * change_row.h
 *		A Change as a row of the log.
 */
#ifndef CASESYNC_CHANGE_ROW_H
#define CASESYNC_CHANGE_ROW_H

#include "access/htup.h"

#include "capture/change.h"
#include "capture/change_leaf.h"

/* Values by what they are, not by where a leaf has them. */
typedef struct LogRow
{
	Datum values[LOG_COLUMN_COUNT];
	bool nulls[LOG_COLUMN_COUNT];
} LogRow;

/* What the row refers to is copied into the current memory context; returns how many bytes. */
extern Size change_row_fill(LogRow *row, const Change *change);

/* The row for a leaf of this shape, in the current memory context. */
extern HeapTuple change_row_form(const LogRow *row, const LeafShape *shape, TupleDesc descriptor);

#endif /* CASESYNC_CHANGE_ROW_H */
