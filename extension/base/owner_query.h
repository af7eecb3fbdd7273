/*
 * owner_query.h
 *		Users' code (views, conditions, key expressions, apply functions) run as its owner.
 */
#ifndef CASESYNC_OWNER_QUERY_H
#define CASESYNC_OWNER_QUERY_H

#include "postgres.h"

/*
 * Calls a function of one argument and result; the caller has made sure that it has them. Within
 * the time of casesync.render_timeout, and with nothing left to be done at the commit.
 */
extern Datum owner_function_call(Oid function, Oid owner, Datum argument, bool *is_null);

/* How many milliseconds users' code may run: casesync.render_timeout, or less where asked for. */
extern int time_allowed(int asked);

/*
 * In a PG_CATCH: the error that users' code has run into goes on, as one that PL/pgSQL's WHEN
 * OTHERS catches unless somebody really cancels. is_late: the time was up.
 */
extern void rethrow_as_ordinary(MemoryContext context, bool is_late);

#endif /* CASESYNC_OWNER_QUERY_H */
