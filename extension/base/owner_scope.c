/*
 * owner_scope.c
 *		Who users' code runs as and whom a relation belongs to. Must not know what is run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/owner_scope.h"
#include "base/pg_compat.h"
#include "base/session_lock.h"

/*
 * Of dates the order of day and month stays: by it texts are read, and it is the database's own.
 * So does the time zone.
 */
void
plain_style_set(void)
{
	static const char *const styles[][2] = {
		{"datestyle", "ISO"},	 {"intervalstyle", "postgres"},	  {"extra_float_digits", "1"},
		{"bytea_output", "hex"}, {"xmlbinary", "base64"},		  {"quote_all_identifiers", "off"},
		{"array_nulls", "on"},	 {"transform_null_equals", "off"}};

	for (int i = 0; i < lengthof(styles); i++)
		(void) set_config_option(styles[i][0], styles[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* Our functions have plans of their own; users' code has those of its session. */
static void
plain_plans_set(void)
{
	static const char *const settings[] = {"plan_cache_mode",	"jit",
										   "enable_seqscan",	"enable_sort",
										   "enable_bitmapscan", "enable_incremental_sort"};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i], NULL, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

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
	plain_style_set();
	plain_plans_set();

	if (!is_read_only)
		return;
	/* The end of a failed subtransaction puts this back by itself. */
	XactReadOnly = true;
	/* Who is hidden by a policy would be taken for gone: PostgreSQL raises an error instead. */
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
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
