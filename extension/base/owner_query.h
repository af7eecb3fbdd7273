/*
 * owner_query.h
 *		Users' code (views, conditions, key expressions, apply functions) run as its owner.
 */
#ifndef CASESYNC_OWNER_QUERY_H
#define CASESYNC_OWNER_QUERY_H

#include "postgres.h"

/* What must be put back when the owner's code has returned. */
typedef struct OwnerScope
{
	Oid user;
	int security_context;
	int settings_level;
	bool is_read_only;
} OwnerScope;

/*
 * Become `owner` until owner_scope_leave, in a restricted operation: nothing of it may outlive the
 * call. Read-only scopes also forbid writing. An error in between is undone by the
 * (sub)transaction.
 */
extern void owner_scope_enter(OwnerScope *scope, Oid owner, bool is_read_only);
extern void owner_scope_leave(OwnerScope *scope);

/*
 * How values and names are written, and constants read, whatever the session has set; undone with
 * the caller's level of settings. Each owner scope has it.
 */
extern void plain_style_set(void);

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

/* An error when there is no such relation. */
extern Oid relation_owner(Oid relation);

/* An error unless the current user owns it; one that is gone has no owner to ask. */
extern void caller_must_own(Oid relation);

#endif /* CASESYNC_OWNER_QUERY_H */
