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

#include "access/xact.h"
#include "fmgr.h"
#include "utils/snapmgr.h"

#include "base/worker_function.h"

PG_FUNCTION_INFO_V1(casesync_one_look);

/* Any function that casesync declares so: see above. */
Datum
casesync_one_look(PG_FUNCTION_ARGS)
{
	WorkerFunction *looker = worker_function_get(fcinfo->flinfo, "in_one_look", InvalidOid);
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	int isolation = XactIsoLevel;
	Datum result = (Datum) 0;

	InitFunctionCallInfoData(*call, &looker->function, fcinfo->nargs, fcinfo->fncollation, NULL,
							 NULL);
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
