/*
 * reading.h
 *		How texts that a DBA writes about rows are read: by whose names and rights, and how their
 *		errors look.
 */
#ifndef CASESYNC_READING_H
#define CASESYNC_READING_H

#include "postgres.h"

#include "utils/elog.h"
#include "utils/relcache.h"

#include "base/owner_scope.h"

/* What is being read, for the context of error messages. */
typedef struct Reading
{
	const char *what; /* the parameter of track() */
	const char *source;
	ErrorContextCallback *outer; /* who called, not asked by PostgreSQL itself */
	const char *hint;			 /* where a function or operator is missing; NULL: PostgreSQL's */
} Reading;

/* Callback of an error context; argument is a Reading. */
extern void reading_context(void *argument);

/* Each opens a level of settings and returns it, for AtEOXact_GUC(). */
extern int reading_path_enter(const char *path);
extern int reading_style_enter(void);

/* An error unless the caller owns the relation; it is open then, and its owner the current user. */
extern Relation reading_scope_enter(OwnerScope *scope, Oid oid);

#endif /* CASESYNC_READING_H */
