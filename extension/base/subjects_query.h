/*
 * subjects_query.h
 *		Queries for the subjects of a key.
 */
#ifndef CASESYNC_SUBJECTS_QUERY_H
#define CASESYNC_SUBJECTS_QUERY_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Parsed and checked, in the search path of now. */
extern Query *subjects_query_read(const char *source);

#endif /* CASESYNC_SUBJECTS_QUERY_H */
