/*
 * filter_cache.h
 *		Filters that were read once, kept for the next record.
 */
#ifndef CASESYNC_FILTER_CACHE_H
#define CASESYNC_FILTER_CACHE_H

#include "filter/filter_tree.h"

/*
 * The filter of that tree, read now or before. The number is that of its subscription: it only says
 * where to look, what counts is the tree. Good until the next call.
 */
extern const FilterNode *filter_cache_read(int64 number, Jsonb *tree);

#endif /* CASESYNC_FILTER_CACHE_H */
