/*
 * reading.c
 *		What all texts about rows have in common when they are read. Must not know what is in them.
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "base/pg_compat.h"
#include "base/raise_error.h"
#include "base/reading.h"

/*
 * Errors of the parser point into the text that was given, not into the call of track(), and name
 * none of the functions between the two.
 */
void
reading_context(void *argument)
{
	const Reading *reading = argument;
	ErrorContextCallback *here = error_context_stack;
	int position = geterrposition();
	const char *caller;

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(reading->source);
	}
	/* The parser's own hint, to add casts, is of no use where another's operator was meant. */
	if (geterrcode() == ERRCODE_UNDEFINED_FUNCTION && reading->hint != NULL)
		errhint("%s", reading->hint);
	errcontext("parameter \"%s\"", reading->what);
	error_context_stack = reading->outer;
	caller = caller_context();
	error_context_stack = here;
	if (*caller != '\0')
		errcontext("%s", caller);
}

/* Names in the text mean what they mean to the caller of track(). */
int
reading_path_enter(const char *path)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	return level;
}

/* Constants are written out so that they mean the same in every session. */
int
reading_style_enter(void)
{
	int level = NewGUCNestLevel();

	plain_style_set();
	return level;
}

/*
 * Reading a key runs code: the planner evaluates immutable functions of constants. With the owner's
 * rights, since a superuser may track what an owner made; and only for who owns the relation, since
 * with these rights nobody else may run what he likes.
 */
Relation
reading_scope_enter(OwnerScope *scope, Oid oid)
{
	Relation relation;

	caller_must_own(oid); /* before it is locked */
	relation = table_open(oid, AccessShareLock);
	caller_must_own(oid);
	owner_scope_enter(scope, relation->rd_rel->relowner, true);
	return relation;
}
