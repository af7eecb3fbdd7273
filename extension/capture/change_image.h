/*
 * change_image.h
 *		What a row looked like before and after: comparison, differences, subject key.
 */
#ifndef CASESYNC_CHANGE_IMAGE_H
#define CASESYNC_CHANGE_IMAGE_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"

#include "capture/tracking_cache.h"

typedef struct ChangeImage
{
	TupleTableSlot *old_row; /* NULL unless an update */
	TupleTableSlot *new_row; /* the row inserted or deleted, else the new one */
} ChangeImage;

/*
 * Between begin and end, values are written in one way whatever the session's settings are. An
 * error in between needs no end.
 */
extern int change_image_begin(void);
extern void change_image_end(int level);

/*
 * Marks the tracked columns that differ, byte by byte; true when any does, or, where not all
 * tracked columns can be found, when anything in the row does.
 */
extern bool change_image_compare(const ChangeImage *image, const TrackedTable *table,
								 bool *is_changed);

/* {"column": [old, new]}; long values are left out: {"column": null}. */
extern Jsonb *change_image_differences(const ChangeImage *image, const TrackedTable *table,
									   const bool *is_changed);

/*
 * The subject key of a row: the key column's text, or NULL; of an expression the JSON object of
 * the columns that it names, to be evaluated later.
 */
extern char *change_image_key(const TrackedTable *table, TupleTableSlot *row);

#endif /* CASESYNC_CHANGE_IMAGE_H */
