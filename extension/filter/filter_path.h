/*
 * filter_path.h
 *		Finds what stands at a path of a record: names joined by dots, lists walked through.
 *
 * Knows nothing of filters' trees or of agreements: the record it is given has been projected.
 */
#ifndef CASESYNC_FILTER_PATH_H
#define CASESYNC_FILTER_PATH_H

#include "utils/jsonb.h"

#include "record/data_object.h"

/* Called with each scalar found and what the standard says of its attribute; true ends the walk. */
typedef bool (*FilterVisitor)(void *context, const DataAttribute *attribute,
							  const JsonbValue *scalar);

/* True when a visit ended the walk. */
extern bool filter_path_visit(JsonbContainer *record, const char *path, FilterVisitor visitor,
							  void *context);

/* The same for a value itself: a scalar, a list of them, an identifier. */
extern bool filter_value_visit(const JsonbValue *value, const char *name, FilterVisitor visitor,
							   void *context);

#endif /* CASESYNC_FILTER_PATH_H */
