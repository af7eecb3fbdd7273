/*
 * filter_sql.h
 *		SQL for one comparison of a filter with a column of its own type.
 *
 * Knows columns and their types; nothing of trees' logic or of agreements.
 */
#ifndef CASESYNC_FILTER_SQL_H
#define CASESYNC_FILTER_SQL_H

#include "lib/stringinfo.h"

#include "filter/filter_tree.h"
#include "filter/filter_value.h"

/* The values of a condition, in the order of $1. Text of a partner goes here and nowhere else. */
typedef struct FilterArguments
{
	int count;
	int room;
	char **texts;
} FilterArguments;

/* Adds an argument; returns its place, from 1 on. */
extern int filter_argument_add(FilterArguments *arguments, const char *argument);

/*
 * Appends a condition on a column (already quoted) of a type other than FAMILY_ANY. An ordinary
 * index on the column serves it; texts in ranges are compared by their bytes, which takes an index
 * with COLLATE "C".
 */
extern void filter_column_condition(StringInfo sql, FilterArguments *arguments, const char *column,
									const FilterType *type, const FilterNode *node);

#endif /* CASESYNC_FILTER_SQL_H */
