/*
 * owner_query.c
 *		Runs users' code with its owner's rights and no more: restricted, and queries read-only.
 *
 * It must not know what the queries mean. None of its SQL functions is granted to anybody: only
 * the extension's own functions call them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/owner_query.h"
#include "base/pg_compat.h"
#include "base/session_lock.h"
#include "base/settings.h"
#include "base/time_budget.h"

PG_FUNCTION_INFO_V1(casesync_authored_query);
PG_FUNCTION_INFO_V1(casesync_owner_plan);
PG_FUNCTION_INFO_V1(casesync_owner_query);
PG_FUNCTION_INFO_V1(casesync_owner_call);

void
owner_scope_enter(OwnerScope *scope, Oid owner, bool is_read_only)
{
	GetUserIdAndSecContext(&scope->user, &scope->security_context);
	scope->is_read_only = XactReadOnly;
	SetUserIdAndSecContext(owner, scope->security_context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
	scope->settings_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* The end of a failed subtransaction puts this back by itself. */
	if (is_read_only)
		XactReadOnly = true;
}

void
owner_scope_leave(OwnerScope *scope)
{
	session_locks_keep();
	XactReadOnly = scope->is_read_only;
	AtEOXact_GUC(false, scope->settings_level);
	SetUserIdAndSecContext(scope->user, scope->security_context);
}

Oid
relation_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
caller_must_own(Oid relation)
{
	char *name = get_rel_name(relation);
	char *owner;

	if (name == NULL || relation_is_owned_by(relation, GetUserId()))
		return;
	owner = GetUserNameFromId(relation_owner(relation), false);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of table \"%s\"", name),
			 errdetail("It belongs to role \"%s\".", owner),
			 errhint("SET ROLE %s;", quote_identifier(owner))));
}

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

static Oid
function_owner(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("function with OID %u does not exist", function)));
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Raise the error that users' code has run into. PL/pgSQL's WHEN OTHERS lets a cancel and a failed
 * assertion pass, and users' code can raise both: they would stop more than what they are about.
 * Only a real cancel stays one.
 */
static void
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
	if (error->sqlerrcode == ERRCODE_ASSERT_FAILURE ||
		(error->sqlerrcode == ERRCODE_QUERY_CANCELED && !is_real))
		error->sqlerrcode = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	ReThrowError(error);
}

/* The setting is the most: an agreement or caller may ask for less, never for more. */
static int
time_allowed(int asked)
{
	if (asked <= 0 || casesync_render_timeout == 0)
		return casesync_render_timeout;
	return Min(asked, casesync_render_timeout);
}

/* Hand the rows of the query that SPI has just run to the caller's result set. */
static void
return_rows(ReturnSetInfo *result)
{
	TupleDesc found = SPI_tuptable->tupdesc;
	uint64 row;

	if (found->natts != 2 || TupleDescAttr(found, 0)->atttypid != TEXTOID ||
		TupleDescAttr(found, 1)->atttypid != JSONBOID)
		elog(ERROR, "a query for an owner must return (text, jsonb)");
	for (row = 0; row < SPI_processed; row++)
	{
		Datum values[2];
		bool nulls[2];

		heap_deform_tuple(SPI_tuptable->vals[row], found, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * Queries about a view name it ("FROM name "), and a name may become another's between writing and
 * reading. A view of another owner's would run its functions with the rights of this one.
 */
static void
name_must_be_of(Oid relation, const char *query)
{
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
												  get_rel_name(relation));

	if (get_rel_relkind(relation) == RELKIND_VIEW &&
		strstr(query, psprintf("FROM %s ", name)) == NULL)
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("view %s was renamed while it was read", name)));
}

static void
query_run(Oid relation, const char *query, Oid type, Datum argument)
{
	SPIPlanPtr plan;
	int outcome;

	name_must_be_of(relation, query);
	plan = SPI_prepare(query, 1, &type);
	if (plan == NULL)
		elog(ERROR, "an owner's query cannot be prepared: %s", SPI_result_code_string(SPI_result));
	name_must_be_of(relation, query);
	outcome = SPI_execute_plan(plan, &argument, NULL, true, 0);
	if (outcome != SPI_OK_SELECT)
		elog(ERROR, "unexpected outcome of an owner's query: %s", SPI_result_code_string(outcome));
}

/* One read-only query, and what can be said of its argument. */
typedef struct OwnerQuery
{
	Oid relation;
	Oid owner;
	const char *text;
	Oid type;
	Datum argument;
	int milliseconds;
} OwnerQuery;

static void
query_answer(FunctionCallInfo fcinfo, const OwnerQuery *query)
{
	MemoryContext context = CurrentMemoryContext;
	OwnerScope scope;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	owner_scope_enter(&scope, query->owner, true);
	time_budget_start(time_allowed(query->milliseconds));
	PG_TRY();
	{
		query_run(query->relation, query->text, query->type, query->argument);
	}
	PG_CATCH();
	{
		rethrow_as_ordinary(context, time_budget_stop());
	}
	PG_END_TRY();
	(void) time_budget_stop();
	owner_scope_leave(&scope);
	return_rows((ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
}

/*
 * owner_query(author name, relation regclass, query text, argument anyelement, milliseconds
 * integer) returns setof (text, jsonb)
 *
 * Runs one read-only query as the owner of the relation, with the argument as $1, within the time
 * given (0: casesync.render_timeout, which is also the most).
 */
Datum
casesync_authored_query(PG_FUNCTION_ARGS)
{
	OwnerQuery query;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		return (Datum) 0;
	query.relation = PG_GETARG_OID(1);
	query.owner = authored_by(query.relation, PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0)));
	query.text = text_to_cstring(PG_GETARG_TEXT_PP(2));
	query.type = get_fn_expr_argtype(fcinfo->flinfo, 3);
	query.argument = PG_GETARG_DATUM(3);
	query.milliseconds = PG_GETARG_INT32(4);
	query_answer(fcinfo, &query);
	return (Datum) 0;
}

/* owner_query(relation, query, argument, milliseconds): only called by the SQL of 0.2.0. */
Datum
casesync_owner_query(PG_FUNCTION_ARGS)
{
	OwnerQuery query = {PG_GETARG_OID(0),
						relation_owner(PG_GETARG_OID(0)),
						text_to_cstring(PG_GETARG_TEXT_PP(1)),
						get_fn_expr_argtype(fcinfo->flinfo, 2),
						PG_GETARG_DATUM(2),
						PG_GETARG_INT32(3)};

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

/*
 * In a restricted operation nothing can be put off to the commit, when the session is the bridge's
 * again; so deferrable constraints are immediate from here on, or a function that writes to a table
 * with one could do nothing.
 */
static void
constraints_immediate(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not make constraints immediate");
	SPI_finish();
}

static Datum
function_run(Oid function, Datum argument, bool *is_null)
{
	FmgrInfo call;
	LOCAL_FCINFO(call_info, 1);
	Datum answer;

	constraints_immediate();
	fmgr_info(function, &call);
	InitFunctionCallInfoData(*call_info, &call, 1, InvalidOid, NULL, NULL);
	call_info->args[0].value = argument;
	call_info->args[0].isnull = false;
	answer = FunctionCallInvoke(call_info);
	*is_null = call_info->isnull;
	constraints_immediate();
	return answer;
}

Datum
owner_function_call(Oid function, Oid owner, Datum argument, bool *is_null)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Datum answer = (Datum) 0;
	OwnerScope scope;

	owner_scope_enter(&scope, owner, false);
	time_budget_start(time_allowed(0));
	PG_TRY();
	{
		answer = function_run(function, argument, is_null);
	}
	PG_CATCH();
	{
		rethrow_as_ordinary(context, time_budget_stop());
	}
	PG_END_TRY();
	(void) time_budget_stop();
	owner_scope_leave(&scope);
	return answer;
}

/* owner_call(function regprocedure, argument anyelement): only called by the SQL of 0.2.0. */
Datum
casesync_owner_call(PG_FUNCTION_ARGS)
{
	Oid function = PG_GETARG_OID(0);
	Oid owner = function_owner(function);
	Oid *types;
	int count;
	bool is_null;
	Datum answer;

	(void) get_func_signature(function, &types, &count);
	if (count != 1 || types[0] != get_fn_expr_argtype(fcinfo->flinfo, 1) ||
		get_func_rettype(function) != TEXTOID || get_func_prokind(function) != PROKIND_FUNCTION ||
		get_func_retset(function))
		ereport(ERROR, (errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
						errmsg("function with OID %u is no apply function", function)));
	answer = owner_function_call(function, owner, PG_GETARG_DATUM(1), &is_null);
	if (is_null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(answer);
}
