/*
 * apply_function.c
 *		Calls an apply function: found by its exact name and argument, and only while it is what it
 *		was named as. Must not know what it is given or what its answer means.
 *
 * Kept by the names of schema, function and owner: an OID does not outlive a dump, and columns of
 * type regprocedure keep pg_upgrade from working. Never by a text that is read as a signature: a
 * blank or a synonym in it would name a function whose owner did not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/owner_query.h"
#include "base/pg_compat.h"

PG_FUNCTION_INFO_V1(casesync_apply_call);

/* An apply function as the handler has it. */
typedef struct ApplyFunction
{
	const char *schema;
	const char *name;
	const char *owner;
} ApplyFunction;

pg_noreturn static void function_refuse(const ApplyFunction *wanted, int code, const char *why);

static void
function_refuse(const ApplyFunction *wanted, int code, const char *why)
{
	ereport(ERROR,
			(errcode(code), errmsg("apply function %s(casesync.inbound) %s",
								   quote_qualified_identifier(wanted->schema, wanted->name), why)));
}

static Oid
argument_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("inbound"),
						   ObjectIdGetDatum(get_namespace_oid("casesync", false)));
}

static HeapTuple
function_find(const ApplyFunction *wanted)
{
	Oid argument = argument_type();
	Oid schema = get_namespace_oid(wanted->schema, true);
	HeapTuple tuple =
		SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(wanted->name),
						PointerGetDatum(buildoidvector(&argument, 1)), ObjectIdGetDatum(schema));

	if (!HeapTupleIsValid(tuple))
		function_refuse(wanted, ERRCODE_UNDEFINED_FUNCTION, "does not exist");
	return tuple;
}

/* Else whoever makes objects in a schema before it could have them used. */
static bool
has_search_path(HeapTuple tuple)
{
	bool is_null;
	Datum settings = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &is_null);
	Datum *elements;
	int count;

	if (is_null)
		return false;
	deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  NULL, &count);
	for (int i = 0; i < count; i++)
		if (strncmp(TextDatumGetCString(elements[i]), "search_path=", 12) == 0)
			return true;
	return false;
}

static void
function_check(const ApplyFunction *wanted, HeapTuple tuple)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);

	if (function->prokind != PROKIND_FUNCTION || function->proretset ||
		function->prorettype != TEXTOID || OidIsValid(function->provariadic))
		function_refuse(wanted, ERRCODE_INVALID_FUNCTION_DEFINITION, "does not return one text");
	if (function->proowner != get_role_oid(wanted->owner, true))
		function_refuse(wanted, ERRCODE_INSUFFICIENT_PRIVILEGE,
						"has another owner than when it was named: its owner must name it anew");
	if (!function->prosecdef)
		function_refuse(wanted, ERRCODE_INSUFFICIENT_PRIVILEGE, "is not SECURITY DEFINER");
	if (!has_search_path(tuple))
		function_refuse(wanted, ERRCODE_INVALID_FUNCTION_DEFINITION,
						"has no search_path of its own");
}

/* casesync_internal.apply_call(schema name, function name, owner name, event casesync.inbound) */
Datum
casesync_apply_call(PG_FUNCTION_ARGS)
{
	ApplyFunction wanted = {NameStr(*PG_GETARG_NAME(0)), NameStr(*PG_GETARG_NAME(1)),
							NameStr(*PG_GETARG_NAME(2))};
	HeapTuple tuple = function_find(&wanted);
	Oid function;
	Oid owner;
	bool is_null;
	Datum answer;

	function_check(&wanted, tuple);
	function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	if (get_fn_expr_argtype(fcinfo->flinfo, 3) != argument_type())
		elog(ERROR, "an apply function is called with a casesync.inbound");
	answer = owner_function_call(function, owner, PG_GETARG_DATUM(3), &is_null);
	if (is_null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(answer);
}
