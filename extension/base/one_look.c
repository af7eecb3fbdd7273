/*
 * one_look.c
 *		SQL functions whose statements all see the same, and what they themselves have written. It
 *		must not know what they look at.
 *
 * In READ COMMITTED each statement has a snapshot of its own, and two of them are two truths. A
 * function that decides is declared with casesync_one_look: x(a, b) then calls x_in_one_look(a, b)
 * of casesync_internal as in REPEATABLE READ, but with a snapshot that is taken at the call: so
 * locks that were waited for before are seen behind. Others' functions in views, too, see no more.
 * Who changes a row there that has been changed since gets an error (40001), as in REPEATABLE READ:
 * the caller takes another look.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(casesync_one_look);

/* Who does the work, found once for each place that calls. */
static FmgrInfo *
looker_get(FmgrInfo *asked)
{
	HeapTuple tuple;
	Form_pg_proc form;
	FmgrInfo *looker = asked->fn_extra;
	Oid function;

	if (looker != NULL)
		return looker;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(asked->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "function with OID %u does not exist", asked->fn_oid);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum(psprintf("%s_in_one_look", NameStr(form->proname))),
							   PointerGetDatum(&form->proargtypes),
							   ObjectIdGetDatum(get_namespace_oid("casesync_internal", false)));
	if (!OidIsValid(function))
		elog(ERROR, "function %s_in_one_look of casesync is missing", NameStr(form->proname));
	if (get_func_rettype(function) != form->prorettype || form->proretset)
		elog(ERROR, "function %s_in_one_look has another result", NameStr(form->proname));
	ReleaseSysCache(tuple);
	looker = MemoryContextAllocZero(asked->fn_mcxt, sizeof(FmgrInfo));
	fmgr_info_cxt(function, looker, asked->fn_mcxt);
	asked->fn_extra = looker;
	return looker;
}

/* Any function that casesync declares so: see above. */
Datum
casesync_one_look(PG_FUNCTION_ARGS)
{
	FmgrInfo *looker = looker_get(fcinfo->flinfo);
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	int isolation = XactIsoLevel;
	Datum result = (Datum) 0;

	InitFunctionCallInfoData(*call, looker, fcinfo->nargs, fcinfo->fncollation, NULL, NULL);
	memcpy(call->args, fcinfo->args, fcinfo->nargs * sizeof(NullableDatum));

	/*
	 * The server goes on with the snapshot that was taken last as long as the transaction is said
	 * to have only one; the copy on the stack keeps what it shows from being vacuumed.
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	PG_TRY();
	{
		XactIsoLevel = XACT_REPEATABLE_READ;
		result = FunctionCallInvoke(call);
	}
	PG_FINALLY();
	{
		XactIsoLevel = isolation;
	}
	PG_END_TRY();
	PopActiveSnapshot();
	fcinfo->isnull = call->isnull;
	return result;
}
