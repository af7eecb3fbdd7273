/*
 * known_caller.c
 *		SQL functions that work with the extension's rights and know who asked. It must not know
 *		what they do.
 *
 * SECURITY DEFINER hides who calls: the session's user and the role that it has set may be those
 * of somebody mightier, who was made to call a function of somebody else. So a function that
 * decides by its caller is declared with casesync_known_caller: x(a, b) then calls, as its own
 * owner, x_for(caller regrole, a, b) of casesync_internal, which nobody is given.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(casesync_known_caller);

/* Who does the work, found once for each place that calls. */
typedef struct Worker
{
	FmgrInfo function;
	Oid owner;
} Worker;

static Oid
worker_find(const char *name, const oidvector *arguments)
{
	Oid types[FUNC_MAX_ARGS];
	Oid function;

	if (arguments->dim1 >= FUNC_MAX_ARGS)
		elog(ERROR, "function %s has too many arguments", name);
	types[0] = REGROLEOID;
	memcpy(types + 1, arguments->values, arguments->dim1 * sizeof(Oid));
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum(psprintf("%s_for", name)),
							   PointerGetDatum(buildoidvector(types, arguments->dim1 + 1)),
							   ObjectIdGetDatum(get_namespace_oid("casesync_internal", false)));
	if (!OidIsValid(function))
		elog(ERROR, "function %s_for of casesync is missing", name);
	return function;
}

static Worker *
worker_get(FmgrInfo *asked)
{
	HeapTuple tuple;
	Form_pg_proc form;
	Worker *worker = asked->fn_extra;
	Oid function;

	if (worker != NULL)
		return worker;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(asked->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "function with OID %u does not exist", asked->fn_oid);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	function = worker_find(NameStr(form->proname), &form->proargtypes);
	if (get_func_rettype(function) != form->prorettype || form->proretset)
		elog(ERROR, "function %s_for has another result", NameStr(form->proname));
	worker = MemoryContextAllocZero(asked->fn_mcxt, sizeof(Worker));
	worker->owner = form->proowner;
	ReleaseSysCache(tuple);
	fmgr_info_cxt(function, &worker->function, asked->fn_mcxt);
	asked->fn_extra = worker;
	return worker;
}

/* Any function that casesync declares so: see above. */
Datum
casesync_known_caller(PG_FUNCTION_ARGS)
{
	Worker *worker = worker_get(fcinfo->flinfo);
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Oid caller;
	int security;
	Datum result;

	GetUserIdAndSecContext(&caller, &security);
	InitFunctionCallInfoData(*call, &worker->function, fcinfo->nargs + 1, fcinfo->fncollation, NULL,
							 NULL);
	call->args[0].value = ObjectIdGetDatum(caller);
	call->args[0].isnull = false;
	memcpy(&call->args[1], &fcinfo->args[0], fcinfo->nargs * sizeof(NullableDatum));
	SetUserIdAndSecContext(worker->owner, security | SECURITY_LOCAL_USERID_CHANGE);
	result = FunctionCallInvoke(call);
	SetUserIdAndSecContext(caller, security); /* an error restores it by itself */
	fcinfo->isnull = call->isnull;
	return result;
}
