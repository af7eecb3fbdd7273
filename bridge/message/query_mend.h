/*
 * query_mend.h
 *		The filter of a search or a subscription in forms of the table, into the standard's own.
 */
#ifndef QUERY_MEND_H
#define QUERY_MEND_H

#include <jansson.h>

#include "message/odd_form.h"

/* The names under which criteria have a filter and its kind. */
typedef struct QueryNames
{
	const char *query;
	const char *type;
} QueryNames;

extern void query_mend(json_t *criteria, const QueryNames *names, const char *path,
					   OddForms *found);

#endif
