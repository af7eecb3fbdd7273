/*
 * worker_function.h
 *		The function that does the work of a function which only prepares the call.
 */
#ifndef CASESYNC_WORKER_FUNCTION_H
#define CASESYNC_WORKER_FUNCTION_H

#include "postgres.h"

#include "fmgr.h"

typedef struct WorkerFunction
{
	FmgrInfo function;
	Oid owner; /* of the function that was asked */
} WorkerFunction;

/*
 * Of x(a, b) that is x_SUFFIX of casesync_internal with the same result, and the same arguments
 * after one of the type `first`, if that is given. Found once for each place that calls.
 */
extern WorkerFunction *worker_function_get(FmgrInfo *asked, const char *suffix, Oid first);

#endif /* CASESYNC_WORKER_FUNCTION_H */
