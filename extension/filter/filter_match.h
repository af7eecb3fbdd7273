/*
 * filter_match.h
 *		Evaluates a filter on one record and the agreed columns beside it.
 *
 * Knows nothing of agreements: it sees only what one lets pass.
 */
#ifndef CASESYNC_FILTER_MATCH_H
#define CASESYNC_FILTER_MATCH_H

#include "filter/filter_tree.h"

typedef enum FilterTruth
{
	TRUTH_FALSE,
	TRUTH_TRUE,
	TRUTH_UNKNOWN
} FilterTruth;

/* Either container may be NULL. */
extern FilterTruth filter_evaluate(const FilterNode *node, JsonbContainer *record,
								   JsonbContainer *columns);

#endif /* CASESYNC_FILTER_MATCH_H */
