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

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "base/worker_function.h"

PG_FUNCTION_INFO_V1(casesync_known_caller);

/* Any function that casesync declares so: see above. */
Datum
casesync_known_caller(PG_FUNCTION_ARGS)
{
	WorkerFunction *worker = worker_function_get(fcinfo->flinfo, "for", REGROLEOID);
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
