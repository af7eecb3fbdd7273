/*
 * raise_error.c
 *		Errors that SQL functions report to their caller: without the lines of context that name
 *		functions of casesync, which say nothing to somebody who called one of them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/raise_error.h"

PG_FUNCTION_INFO_V1(casesync_raise_error);

typedef struct Condition
{
	const char *name;
	int code;
} Condition;

/* The conditions that casesync's SQL uses, by the names that PL/pgSQL has for them. */
static const Condition conditions[] = {
	{"active_sql_transaction", ERRCODE_ACTIVE_SQL_TRANSACTION},
	{"data_exception", ERRCODE_DATA_EXCEPTION},
	{"datatype_mismatch", ERRCODE_DATATYPE_MISMATCH},
	{"dependent_objects_still_exist", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"duplicate_object", ERRCODE_DUPLICATE_OBJECT},
	{"feature_not_supported", ERRCODE_FEATURE_NOT_SUPPORTED},
	{"insufficient_privilege", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"invalid_authorization_specification", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"invalid_function_definition", ERRCODE_INVALID_FUNCTION_DEFINITION},
	{"invalid_parameter_value", ERRCODE_INVALID_PARAMETER_VALUE},
	{"invalid_text_representation", ERRCODE_INVALID_TEXT_REPRESENTATION},
	{"invalid_transaction_state", ERRCODE_INVALID_TRANSACTION_STATE},
	{"lock_not_available", ERRCODE_LOCK_NOT_AVAILABLE},
	{"null_value_not_allowed", ERRCODE_NULL_VALUE_NOT_ALLOWED},
	{"object_not_in_prerequisite_state", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},
	{"program_limit_exceeded", ERRCODE_PROGRAM_LIMIT_EXCEEDED},
	{"restrict_violation", ERRCODE_RESTRICT_VIOLATION},
	{"undefined_column", ERRCODE_UNDEFINED_COLUMN},
	{"undefined_object", ERRCODE_UNDEFINED_OBJECT},
	{"undefined_table", ERRCODE_UNDEFINED_TABLE},
	{"unique_violation", ERRCODE_UNIQUE_VIOLATION},
	{"wrong_object_type", ERRCODE_WRONG_OBJECT_TYPE},
};

static int
condition_code(const char *name)
{
	/* Roles may call us by themselves. */
	if (name == NULL)
		elog(ERROR, "an error without a condition");
	for (int i = 0; i < (int) lengthof(conditions); i++)
	{
		if (strcmp(conditions[i].name, name) == 0)
			return conditions[i].code;
	}
	/* An SQLSTATE that was caught and goes on. */
	if (strlen(name) == 5 && strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
		return MAKE_SQLSTATE(name[0], name[1], name[2], name[3], name[4]);
	elog(ERROR, "unknown error condition \"%s\"", name);
}

static bool
line_begins(const char *line, const char *words)
{
	return strncmp(line, words, strlen(words)) == 0;
}

/* The dots tell ours from a function of the site that only has such a name. */
static bool
names_ours(const char *line)
{
	return line_begins(line, "PL/pgSQL function casesync.") ||
		   line_begins(line, "PL/pgSQL function casesync_internal.");
}

/*
 * What the caller's own functions add to the context: all behind the last line that names one of
 * ours, up to the first function of somebody else. A statement's text may take many lines.
 */
static const char *
context_of_caller(const char *context)
{
	const char *rest = context;

	for (const char *line = context; line != NULL && *line != '\0';)
	{
		const char *end = strchr(line, '\n');
		const char *next = end == NULL ? line + strlen(line) : end + 1;

		if (names_ours(line))
			rest = next;
		else if (line_begins(line, "PL/pgSQL function "))
			break;
		line = next;
	}
	return rest;
}

const char *
caller_context(void)
{
	const char *context = GetErrorContextStack();

	/* A statement that calls one of ours, with nothing between. */
	return context == NULL ? "" : context_of_caller(context);
}

/* Not STRICT: most errors lack a detail or a hint. */
static char *
text_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* casesync_internal.raise_error(errcode, message, detail, hint) */
Datum
casesync_raise_error(PG_FUNCTION_ARGS)
{
	int code = condition_code(text_argument(fcinfo, 0));
	char *message = text_argument(fcinfo, 1);
	char *detail = text_argument(fcinfo, 2);
	char *hint = text_argument(fcinfo, 3);
	const char *context = caller_context();

	/* Whoever catches the error restores it. */
	error_context_stack = NULL;
	ereport(ERROR,
			(errcode(code), errmsg("%s", message == NULL ? "" : message),
			 detail == NULL ? 0 : errdetail("%s", detail), hint == NULL ? 0 : errhint("%s", hint),
			 context == NULL || *context == '\0' ? 0 : (errcontext("%s", context))));
	PG_RETURN_VOID();
}
