/*
 * worker_function.c
 *		Finds the function that does another one's work, by its name. Must not call it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/worker_function.h"

static Oid
worker_find(const Form_pg_proc form, const char *suffix, Oid first)
{
	const char *name = psprintf("%s_%s", NameStr(form->proname), suffix);
	const oidvector *arguments = &form->proargtypes;
	Oid types[FUNC_MAX_ARGS];
	int more = OidIsValid(first) ? 1 : 0;
	Oid function;

	if (arguments->dim1 + more > FUNC_MAX_ARGS)
		elog(ERROR, "function %s has too many arguments", NameStr(form->proname));
	types[0] = first;
	memcpy(types + more, arguments->values, arguments->dim1 * sizeof(Oid));
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
							   PointerGetDatum(buildoidvector(types, arguments->dim1 + more)),
							   ObjectIdGetDatum(get_namespace_oid("casesync_internal", false)));
	if (!OidIsValid(function))
		elog(ERROR, "function %s of casesync is missing", name);
	if (get_func_rettype(function) != form->prorettype || form->proretset)
		elog(ERROR, "function %s has another result", name);
	return function;
}

WorkerFunction *
worker_function_get(FmgrInfo *asked, const char *suffix, Oid first)
{
	WorkerFunction *worker = asked->fn_extra;
	HeapTuple tuple;
	Form_pg_proc form;
	Oid function;

	if (worker != NULL)
		return worker;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(asked->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "function with OID %u does not exist", asked->fn_oid);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	function = worker_find(form, suffix, first);
	worker = MemoryContextAllocZero(asked->fn_mcxt, sizeof(WorkerFunction));
	worker->owner = form->proowner;
	ReleaseSysCache(tuple);
	fmgr_info_cxt(function, &worker->function, asked->fn_mcxt);
	asked->fn_extra = worker;
	return worker;
}
