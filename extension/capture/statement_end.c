/*
 * statement_end.c
 *		Tells the changes of a statement that it is over. Must not know what a change is.
 *
 * The server fires triggers after each row in two places: when the executor finishes a query, and
 * in COPY. What a foreign key does in a query of its own fires with the statement that caused it.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "tcop/utility.h"

#include "capture/change_batch.h"
#include "capture/statement_end.h"

static ExecutorStart_hook_type earlier_start = NULL;
static ExecutorFinish_hook_type earlier_finish = NULL;
static ProcessUtility_hook_type earlier_utility = NULL;

/* A query of a foreign key: it reads tables of applications only, and fires nothing. */
static bool
is_inner_query(int flags)
{
	return (flags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
}

static void
start_query(QueryDesc *query, int flags)
{
	if (!is_inner_query(flags))
		change_batch_settle();
	if (earlier_start != NULL)
		earlier_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static void
finish_query_plainly(QueryDesc *query)
{
	if (earlier_finish != NULL)
		earlier_finish(query);
	else
		standard_ExecutorFinish(query);
}

static void
finish_query(QueryDesc *query)
{
	StatementMark mark;

	if (is_inner_query(query->estate->es_top_eflags))
	{
		finish_query_plainly(query);
		return;
	}
	mark = change_batch_begin();
	PG_TRY();
	{
		finish_query_plainly(query);
	}
	PG_CATCH();
	{
		change_batch_abandon();
		PG_RE_THROW();
	}
	PG_END_TRY();
	change_batch_end(mark);
}

static void
do_utility_plainly(PlannedStmt *statement, const char *source, bool is_read_only,
				   ProcessUtilityContext context, ParamListInfo parameters,
				   QueryEnvironment *environment, DestReceiver *receiver,
				   QueryCompletion *completion)
{
	if (earlier_utility != NULL)
		earlier_utility(statement, source, is_read_only, context, parameters, environment, receiver,
						completion);
	else
		standard_ProcessUtility(statement, source, is_read_only, context, parameters, environment,
								receiver, completion);
}

static void
do_utility(PlannedStmt *statement, const char *source, bool is_read_only,
		   ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
		   DestReceiver *receiver, QueryCompletion *completion)
{
	StatementMark mark;

	change_batch_settle();
	if (!IsA(statement->utilityStmt, CopyStmt))
	{
		do_utility_plainly(statement, source, is_read_only, context, parameters, environment,
						   receiver, completion);
		return;
	}
	mark = change_batch_begin();
	PG_TRY();
	{
		do_utility_plainly(statement, source, is_read_only, context, parameters, environment,
						   receiver, completion);
	}
	PG_CATCH();
	{
		change_batch_abandon();
		PG_RE_THROW();
	}
	PG_END_TRY();
	change_batch_end(mark);
}

void
statement_end_init(void)
{
	earlier_start = ExecutorStart_hook;
	ExecutorStart_hook = start_query;
	earlier_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_query;
	earlier_utility = ProcessUtility_hook;
	ProcessUtility_hook = do_utility;
}
