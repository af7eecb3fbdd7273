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

static void
query_run(const char *query, Oid type, Datum argument)
{
	int outcome = SPI_execute_with_args(query, 1, &type, &argument, NULL, true, 0);

	if (outcome != SPI_OK_SELECT)
		elog(ERROR, "unexpected outcome of an owner's query: %s", SPI_result_code_string(outcome));
}

/*
 * owner_query(relation regclass, query text, argument anyelement, milliseconds integer)
 * returns setof (text, jsonb)
 *
 * Runs one read-only query as the owner of the relation, with the argument as $1, within the time
 * given (0: casesync.render_timeout, which is also the most).
 */
Datum
casesync_owner_query(PG_FUNCTION_ARGS)
{
	Oid owner = relation_owner(PG_GETARG_OID(0));
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MemoryContext context = CurrentMemoryContext;
	OwnerScope scope;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	owner_scope_enter(&scope, owner, true);
	time_budget_start(time_allowed(PG_GETARG_INT32(3)));
	PG_TRY();
	{
		query_run(query, get_fn_expr_argtype(fcinfo->flinfo, 2), PG_GETARG_DATUM(2));
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
	return (Datum) 0;
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
