/*
 * owner_scope.h
 *		Being the owner of users' code while it runs.
 */
#ifndef CASESYNC_OWNER_SCOPE_H
#define CASESYNC_OWNER_SCOPE_H

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

/* An error when there is no such relation. */
extern Oid relation_owner(Oid relation);

/* An error unless the current user owns it; one that is gone has no owner to ask. */
extern void caller_must_own(Oid relation);

#endif /* CASESYNC_OWNER_SCOPE_H */
