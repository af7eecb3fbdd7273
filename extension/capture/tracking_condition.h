/*
 * tracking_condition.h
 *		The condition of a tracking: which rows of its table matter.
 */
#ifndef CASESYNC_TRACKING_CONDITION_H
#define CASESYNC_TRACKING_CONDITION_H

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "capture/tracking_row.h"

typedef struct TrackingCondition TrackingCondition;

/*
 * Reads the condition for the relation, in which the columns of the row have these numbers. NULL
 * when there is none, or when it cannot be read as the table is now: then every row counts, so that
 * nothing is lost. Lives in the current memory context.
 */
extern TrackingCondition *tracking_condition_read(const TrackingRow *row, Relation relation,
												  const AttrNumber *numbers);

/* Whether it is true for a row. */
extern bool tracking_condition_holds(const TrackingCondition *condition, TupleTableSlot *row);

#endif /* CASESYNC_TRACKING_CONDITION_H */
