/*
 * owner_call.c
 *		Calls a user's function with its owner's rights, and leaves nothing of it for the commit.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/owner_query.h"
#include "base/owner_scope.h"
#include "base/time_budget.h"

PG_FUNCTION_INFO_V1(casesync_owner_call);

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
