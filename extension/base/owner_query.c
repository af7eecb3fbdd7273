/*
 * owner_query.c
 *		Runs users' code with its owner's rights and no more: restricted, and queries read-only.
 *
 * It must not know what the queries mean. None of its SQL functions is granted to anybody: only
 * the extension's own functions call them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/late_owner.h"
#include "base/owner_query.h"
#include "base/owner_scope.h"
#include "base/pg_compat.h"
#include "base/row_expression.h"
#include "base/session_lock.h"
#include "base/settings.h"
#include "base/time_budget.h"

PG_FUNCTION_INFO_V1(casesync_authored_query);
PG_FUNCTION_INFO_V1(casesync_owner_plan);
PG_FUNCTION_INFO_V1(casesync_owner_query);

pg_noreturn static void
author_refuse(Oid relation, const char *author, Oid owner)
{
	bool is_view = get_rel_relkind(relation) == RELKIND_VIEW;
	const char *role = GetUserNameFromId(owner, false);

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s \"%s\" belongs to role \"%s\", who has not taken over what \"%s\" wrote",
					is_view ? "view" : "table", get_rel_name(relation), role,
					author == NULL ? "?" : author),
			 is_view ? errhint("SET ROLE %s; SELECT casesync.publish(…);", quote_identifier(role))
					 : errhint("SET ROLE %s; SELECT casesync.retrack('%s');",
							   quote_identifier(role), get_rel_name(relation))));
}

/*
 * With whose rights what an author wrote about a relation runs now: those of its owner, if the
 * author has them today. Asked at each use, since the relation may have gone or become another's;
 * here and nowhere else. The lock keeps both until the end of the transaction.
 */
static Oid
authored_by(Oid relation, const char *author)
{
	Oid owner;
	Oid role = author == NULL ? InvalidOid : get_role_oid(author, true);

	LockRelationOid(relation, AccessShareLock);
	owner = relation_owner(relation);
	switch (get_rel_relkind(relation))
	{
		case RELKIND_VIEW:
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							errmsg("\"%s\" is no table or view", get_rel_name(relation))));
	}
	if (!OidIsValid(role) || !has_privs_of_role(role, owner))
		author_refuse(relation, author, owner);
	return owner;
}

/*
 * Raise the error that users' code has run into. PL/pgSQL's WHEN OTHERS lets a cancel and a failed
 * assertion pass, and users' code can raise both: they would stop more than what they are about.
 * Only a real cancel stays one.
 */
void
rethrow_as_ordinary(MemoryContext context, bool is_late)
{
	ErrorData *error;
	bool is_real;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	session_locks_keep();
	is_real = error->funcname != NULL && strcmp(error->funcname, "ProcessInterrupts") == 0;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && is_real && is_late)
		ereport(ERROR, (errcode(ERRCODE_CASESYNC_TOO_SLOW),
						errmsg("took longer than casesync.render_timeout allows"),
						errhint("Make the view faster, or raise the setting: ALTER DATABASE … SET "
								"casesync.render_timeout = '30s';")));
	if (error->funcname != NULL && strcmp(error->funcname, "check_enable_rls") == 0)
		error->hint =
			pstrdup("Who is hidden by a policy would be taken for somebody who has left. "
					"ALTER TABLE … NO FORCE ROW LEVEL SECURITY; or ALTER ROLE … BYPASSRLS; "
					"for the owner of the view; the view itself says who is in it.");
	if (error->sqlerrcode == ERRCODE_ASSERT_FAILURE ||
		(error->sqlerrcode == ERRCODE_QUERY_CANCELED && !is_real))
		error->sqlerrcode = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	ReThrowError(error);
}

/* The setting is the most: an agreement or caller may ask for less, never for more. */
int
time_allowed(int asked)
{
	if (asked <= 0 || casesync_render_timeout == 0)
		return casesync_render_timeout;
	return Min(asked, casesync_render_timeout);
}

/* One read-only query, and what can be said of its arguments. */
typedef struct OwnerQuery
{
	Oid relation;
	bool is_authored; /* false: for the SQL of 0.2.0, which knows no authors */
	const char *author;
	const char *text;
	const char *condition; /* what $2 stands for; NULL: for nothing */
	Oid type;
	Datum argument;
	int milliseconds;
	Relation open;
} OwnerQuery;

static Node *
argument_node(const OwnerQuery *query, int location)
{
	Param *argument = makeNode(Param);

	argument->paramkind = PARAM_EXTERN;
	argument->paramid = 1;
	argument->paramtype = query->type;
	argument->paramtypmod = -1;
	argument->paramcollid = get_typcollation(query->type);
	argument->location = location;
	return (Node *) argument;
}

static Node *
parameter_resolve(ParseState *state, ParamRef *reference)
{
	const OwnerQuery *query = state->p_ref_hook_state;

	if (reference->number == 1)
		return argument_node(query, reference->location);
	if (reference->number == 2 && query->condition != NULL)
		return condition_in_query(state, query->open, query->condition);
	return NULL; /* an error of the parser */
}

static void
parameters_setup(ParseState *state, void *query)
{
	state->p_paramref_hook = parameter_resolve;
	state->p_ref_hook_state = query;
}

static bool
names_another(Node *node, void *relation)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			   ((RangeTblEntry *) node)->relid != *(Oid *) relation;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, names_another, relation, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, names_another, relation);
}

/*
 * From here on names mean nothing any more. Queries about a view name it, and a name may become
 * another's between writing and reading: a view of another owner's would run its functions with
 * the rights of this one.
 */
static Query *
query_analyze(OwnerQuery *query)
{
	List *statements = raw_parser(query->text, RAW_PARSE_DEFAULT);
	Query *analyzed;

	if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		elog(ERROR, "an owner's query must be one SELECT");
	query->open = table_open(query->relation, NoLock);
	analyzed = parse_analyze_withcb(linitial_node(RawStmt, statements), query->text,
									parameters_setup, query, NULL);
	table_close(query->open, NoLock);
	if (analyzed->commandType != CMD_SELECT || analyzed->utilityStmt != NULL)
		elog(ERROR, "an owner's query must be one SELECT");
	if (get_rel_relkind(query->relation) == RELKIND_VIEW &&
		names_another((Node *) analyzed, &query->relation))
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("view %s was renamed while it was read",
							   quote_qualified_identifier(
								   get_namespace_name(get_rel_namespace(query->relation)),
								   get_rel_name(query->relation)))));
	return analyzed;
}

static ParamListInfo
query_parameters(const OwnerQuery *query)
{
	ParamListInfo parameters = makeParamList(1);

	parameters->params[0].value = query->argument;
	parameters->params[0].isnull = false;
	parameters->params[0].pflags = PARAM_FLAG_CONST;
	parameters->params[0].ptype = query->type;
	return parameters;
}

static PlannedStmt *
query_plan(OwnerQuery *query, ParamListInfo parameters)
{
	List *rewritten = QueryRewrite(query_analyze(query));
	PlannedStmt *plan;
	TupleDesc found;

	if (list_length(rewritten) != 1)
		elog(ERROR, "an owner's query must be one SELECT");
	plan = pg_plan_query(linitial_node(Query, rewritten), query->text, 0, parameters);
	if (!CommandIsReadOnly(plan))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("an owner's query must not write or lock rows")));
	found = ExecCleanTypeFromTL(plan->planTree->targetlist);
	if (found->natts != 2 || TupleDescAttr(found, 0)->atttypid != TEXTOID ||
		TupleDescAttr(found, 1)->atttypid != JSONBOID)
		elog(ERROR, "a query for an owner must return (text, jsonb)");
	return plan;
}

/* Errors point into the query, not into the statement of the client. */
static void
query_context(void *query)
{
	int position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(((const OwnerQuery *) query)->text);
}

static void
query_run(OwnerQuery *query, Tuplestorestate *rows)
{
	ErrorContextCallback context = {error_context_stack, query_context, query};
	ParamListInfo parameters = query_parameters(query);
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	PlannedStmt *plan;
	QueryDesc *running;

	error_context_stack = &context;
	plan = query_plan(query, parameters);
	SetTuplestoreDestReceiverParams(receiver, rows, CurrentMemoryContext, false, NULL, NULL);
	running = CreateQueryDesc(plan, query->text, GetActiveSnapshot(), InvalidSnapshot, receiver,
							  parameters, NULL, 0);
	ExecutorStart(running, 0);
	executor_run_all(running);
	ExecutorFinish(running);
	ExecutorEnd(running);
	FreeQueryDesc(running);
	receiver->rDestroy(receiver);
	error_context_stack = context.previous;
}

/* Also whoever has the relation locked gets no more of the time than there is. */
static void
query_answer(FunctionCallInfo fcinfo, OwnerQuery *query)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext work =
		AllocSetContextCreate(context, "casesync owner's query", ALLOCSET_DEFAULT_SIZES);
	volatile Oid owner = relation_owner(query->relation);
	bool is_late;
	OwnerScope scope;

	owner_must_have_time(owner);
	time_budget_start(time_allowed(query->milliseconds));
	PG_TRY();
	{
		MemoryContextSwitchTo(work);
		if (query->is_authored)
			owner = authored_by(query->relation, query->author);
		owner_scope_enter(&scope, owner, true);
		query_run(query, ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
	}
	PG_CATCH();
	{
		is_late = time_budget_stop();
		if (is_late)
			owner_was_late(owner, time_allowed(query->milliseconds));
		rethrow_as_ordinary(context, is_late);
	}
	PG_END_TRY();
	(void) time_budget_stop();
	owner_scope_leave(&scope);
	MemoryContextSwitchTo(context);
	MemoryContextDelete(work);
}

/*
 * owner_query(author name, relation regclass, query text, argument anyelement, milliseconds
 * integer, condition text) returns setof (text, jsonb)
 *
 * Runs one read-only query as the owner of the relation, with the argument as $1, within the time
 * given (0: casesync.render_timeout, which is also the most).
 *
 * The condition, if any, is what $2 stands for. It may be another's than the owner's, and what its
 * text means may be changed by others at any time (a type or a cast of that name made anew): so it
 * is the tree that was checked that is run, and no text of it is read a second time.
 */
Datum
casesync_authored_query(PG_FUNCTION_ARGS)
{
	OwnerQuery query = {.is_authored = true};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		return (Datum) 0;
	query.relation = PG_GETARG_OID(1);
	query.author = PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0));
	query.text = text_to_cstring(PG_GETARG_TEXT_PP(2));
	query.type = get_fn_expr_argtype(fcinfo->flinfo, 3);
	query.argument = PG_GETARG_DATUM(3);
	query.milliseconds = PG_GETARG_INT32(4);
	if (!PG_ARGISNULL(5))
		query.condition = text_to_cstring(PG_GETARG_TEXT_PP(5));
	query_answer(fcinfo, &query);
	return (Datum) 0;
}

/* owner_query(relation, query, argument, milliseconds): only called by the SQL of 0.2.0. */
Datum
casesync_owner_query(PG_FUNCTION_ARGS)
{
	OwnerQuery query = {.relation = PG_GETARG_OID(0),
						.text = text_to_cstring(PG_GETARG_TEXT_PP(1)),
						.type = get_fn_expr_argtype(fcinfo->flinfo, 2),
						.argument = PG_GETARG_DATUM(2),
						.milliseconds = PG_GETARG_INT32(3)};

	InitMaterializedSRF(fcinfo, 0);
	query_answer(fcinfo, &query);
	return (Datum) 0;
}

static Datum
plan_get(const char *query)
{
	const char *explain = psprintf("EXPLAIN (FORMAT JSON, VERBOSE) %s", query);
	bool is_null;

	if (SPI_execute(explain, false, 1) != SPI_OK_UTILITY || SPI_processed != 1)
		elog(ERROR, "a query gave no plan");
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
}

/*
 * owner_plan(relation regclass, query text) returns json
 *
 * The plan of a query about a relation of the caller's own. Made as its owner, read-only: planning
 * runs functions of a view that are declared IMMUTABLE, and a superuser may publish what others
 * wrote.
 */
Datum
casesync_owner_plan(PG_FUNCTION_ARGS)
{
	Oid relation = PG_GETARG_OID(0);
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MemoryContext context = CurrentMemoryContext;
	volatile Datum plan = (Datum) 0;
	Datum answer;
	OwnerScope scope;

	caller_must_own(relation);
	LockRelationOid(relation, AccessShareLock);
	caller_must_own(relation);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	owner_scope_enter(&scope, relation_owner(relation), true);
	time_budget_start(time_allowed(0));
	PG_TRY();
	{
		plan = plan_get(query);
	}
	PG_CATCH();
	{
		rethrow_as_ordinary(context, time_budget_stop());
	}
	PG_END_TRY();
	(void) time_budget_stop();
	owner_scope_leave(&scope);
	answer = SPI_datumTransfer(plan, false, -1);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}
