/*
 * change_difference.h
 *		What an update changed, as jsonb.
 */
#ifndef CASESYNC_CHANGE_DIFFERENCE_H
#define CASESYNC_CHANGE_DIFFERENCE_H

#include "utils/jsonb.h"

/* One column that differs; a text that is NULL was or is NULL. */
typedef struct Difference
{
	const char *label;
	int label_length;
	bool is_long; /* too long for the log: only that it differs */
	const char *old_text;
	const char *new_text;
} Difference;

/* {"column": [old, new], "long": null}, in the current memory context. Sorts the differences. */
extern Jsonb *change_difference_json(Difference *differences, int count);

#endif /* CASESYNC_CHANGE_DIFFERENCE_H */
