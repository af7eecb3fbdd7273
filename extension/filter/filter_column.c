/*
 * filter_column.c
 *		How a column of a view is compared, and the SQL for it. See filter_sql.h.
 *
 * Only base types of the server and the code types of casesync are compared as what they are: no
 * code of the view's owner (input functions, domains' checks, operators) is called here or named in
 * the SQL. Must not know trees' logic or agreements.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

#include "filter/filter_sql.h"
#include "base/pg_compat.h"

PG_FUNCTION_INFO_V1(casesync_filter_column_type);

/* What a value becomes for a column: a condition that can be written, or an answer. */
typedef enum TermKind
{
	TERM_COMPARE,
	TERM_NEVER,	 /* false for every column value */
	TERM_ALWAYS, /* true for every column value */
	TERM_UNFIT	 /* unknown */
} TermKind;

typedef struct Term
{
	TermKind kind;
	FilterKind comparison;
	char *argument;
} Term;

static const char *const operator_texts[] = {"", "", "", "=", "<", "<=", ">", ">="};

int
filter_argument_add(FilterArguments *arguments, const char *argument)
{
	if (arguments->count == arguments->room)
	{
		arguments->room = arguments->room * 2 + 16;
		arguments->texts = arguments->texts == NULL
							   ? palloc(sizeof(char *) * arguments->room)
							   : repalloc(arguments->texts, sizeof(char *) * arguments->room);
	}
	arguments->texts[arguments->count++] = unconstify(char *, argument);
	return arguments->count;
}

static const char *
type_of_server(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return "integer";
		case NUMERICOID:
			return "number";
		case FLOAT4OID:
			return "real";
		case FLOAT8OID:
			return "double";
		case BOOLOID:
			return "boolean";
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			return "text";
		case BPCHAROID:
			return "padded";
		case UUIDOID:
			return "uuid";
		case DATEOID:
			return "date";
		case TIMESTAMPOID:
			return "timestamp";
		case TIMESTAMPTZOID:
			return "timestamptz";
		default:
			return NULL;
	}
}

static char *
type_of_casesync(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	if (form->typnamespace == get_namespace_oid("casesync", true) &&
		code_directory_by_name(NameStr(form->typname)) != NULL)
		name = psprintf("code:%s", NameStr(form->typname));
	ReleaseSysCache(tuple);
	return name;
}

/* Of a number that is no collation nobody knows. */
static bool
compares_bytes(Oid collation)
{
	if (!OidIsValid(collation))
		return true;
	return SearchSysCacheExists1(COLLOID, ObjectIdGetDatum(collation)) &&
		   get_collation_isdeterministic(collation);
}

/*
 * filter_column_type(type oid, collation oid) → text: how a column is compared; "any" when as JSON.
 * An equality that is not that of bytes is nothing for texts of others.
 */
Datum
casesync_filter_column_type(PG_FUNCTION_ARGS)
{
	Oid type = PG_GETARG_OID(0);
	Oid collation = PG_GETARG_OID(1);
	const char *name = NULL;

	if (SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
	{
		type = getBaseType(type);
		name = type_of_server(type);
		if (name == NULL)
			name = type_of_casesync(type);
	}
	if (name == NULL || !compares_bytes(collation))
		name = "any";
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* An order that a whole number cannot have with a fraction: on which side of it is the column? */
static Term
integer_term(FilterKind kind, const char *written)
{
	Term term = {TERM_COMPARE, kind, NULL};
	Numeric number;
	Numeric whole;
	bool is_whole;
	bool is_below = kind == FILTER_LT || kind == FILTER_LE;

	if (!filter_value_number(written, &number))
	{
		term.kind = TERM_UNFIT;
		return term;
	}
	whole = DatumGetNumeric(DirectFunctionCall1(numeric_floor, NumericGetDatum(number)));
	is_whole = DatumGetBool(
		DirectFunctionCall2(numeric_eq, NumericGetDatum(number), NumericGetDatum(whole)));
	if (!is_whole)
		term.comparison = is_below ? FILTER_LE : FILTER_GT;
	if (DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(whole),
										 NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		term.kind = is_below ? TERM_ALWAYS : TERM_NEVER;
	else if (DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(whole),
											  NumericGetDatum(int64_to_numeric(PG_INT64_MIN)))))
		term.kind = is_below || kind == FILTER_EQ ? TERM_NEVER : TERM_ALWAYS;
	else if (kind == FILTER_EQ && !is_whole)
		term.kind = TERM_NEVER;
	else
		term.argument = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(whole)));
	return term;
}

/* A day is its first moment. */
static Term
date_term(FilterKind kind, const char *written)
{
	Term term = {TERM_COMPARE, kind, NULL};
	TimestampTz time;

	if (!filter_value_time(written, &time))
	{
		term.kind = TERM_UNFIT;
		return term;
	}
	term.argument = filter_time_text(time, FAMILY_DATE);
	if (time % USECS_PER_DAY == 0)
		return term;
	if (kind == FILTER_EQ)
		term.kind = TERM_NEVER;
	else
		term.comparison = kind == FILTER_LT || kind == FILTER_LE ? FILTER_LE : FILTER_GT;
	return term;
}

static char *
code_argument(const CodeDirectory *directory, const char *written)
{
	char *buffer = palloc(CODE_TEXT_SIZE);
	int16 number;
	const char *canonical;

	if (!code_find(directory, written, strlen(written), &number))
		return NULL;
	canonical = code_canonical(directory, number, buffer);
	return canonical == NULL ? NULL : pstrdup(canonical);
}

/* The argument for types whose values are compared just so; NULL: the value does not fit. */
static char *
plain_argument(const FilterType *type, const char *written)
{
	char uuid[37];
	TimestampTz time;
	Numeric number;
	float8 inexact;
	float4 single;
	bool value;

	switch (type->family)
	{
		case FAMILY_NUMBER:
			return filter_value_number(written, &number) ? pstrdup(written) : NULL;
		case FAMILY_REAL:
			return filter_value_real(written, &single) ? psprintf("%.9g", single) : NULL;
		case FAMILY_DOUBLE:
			return filter_value_double(written, &inexact) ? psprintf("%.17g", inexact) : NULL;
		case FAMILY_BOOLEAN:
			return filter_value_boolean(written, &value) ? pstrdup(value ? "true" : "false") : NULL;
		case FAMILY_UUID:
			return filter_value_uuid(written, uuid) ? pstrdup(uuid) : NULL;
		case FAMILY_TIMESTAMP:
		case FAMILY_TIMESTAMPTZ:
			return filter_value_time(written, &time) ? filter_time_text(time, type->family) : NULL;
		case FAMILY_CODE:
			return code_argument(type->directory, written);
		default:
			return pstrdup(written);
	}
}

static Term
make_term(const FilterType *type, FilterKind kind, const char *written)
{
	Term term = {TERM_COMPARE, kind, NULL};

	if (type->family == FAMILY_INTEGER)
		return integer_term(kind, written);
	if (type->family == FAMILY_DATE)
		return date_term(kind, written);
	term.argument = plain_argument(type, written);
	if (term.argument == NULL)
		term.kind = TERM_UNFIT;
	return term;
}

/* The SQL name of the type that an argument is read as. */
static const char *
cast_name(const FilterType *type)
{
	static const char *const names[] = {
		NULL,	"bigint", "numeric", "real", "double precision", "boolean",
		"text", "bpchar", "uuid",	 "date", "timestamp",		 "timestamptz"};

	if (type->family == FAMILY_CODE)
		return psprintf("casesync.%s", quote_identifier(code_directory_name(type->directory)));
	return names[type->family];
}

/* Any of several values: those that can be compared stand side by side in $1. */
static void
append_equality(StringInfo sql, FilterArguments *arguments, const char *column,
				const FilterType *type, const FilterNode *node)
{
	int first = arguments->count + 1;
	bool is_unfit = false;
	int i;

	for (i = 0; i < node->value_count; i++)
	{
		Term term = make_term(type, FILTER_EQ, node->values[i]);

		if (term.kind == TERM_COMPARE)
			filter_argument_add(arguments, term.argument);
		is_unfit |= term.kind == TERM_UNFIT;
	}
	if (arguments->count == first)
		appendStringInfo(sql, "(%s OPERATOR(pg_catalog.=) ($1[%d])::%s", column, first,
						 cast_name(type));
	else if (arguments->count > first)
		appendStringInfo(sql, "(%s OPERATOR(pg_catalog.=) ANY (($1[%d:%d])::%s[])", column, first,
						 arguments->count, cast_name(type));
	else
		appendStringInfo(sql, "(%s IS NULL AND NULL::boolean", column);
	appendStringInfoString(sql, is_unfit ? " OR NULL::boolean)" : ")");
}

static void
append_range(StringInfo sql, FilterArguments *arguments, const char *column, const FilterType *type,
			 const FilterNode *node)
{
	Term term = make_term(type, node->kind, node->values[0]);
	bool is_text = type->family == FAMILY_TEXT || type->family == FAMILY_PADDED;

	switch (term.kind)
	{
		case TERM_COMPARE:
			appendStringInfo(sql, "(%s%s OPERATOR(pg_catalog.%s) ($1[%d])::%s)", column,
							 is_text ? " COLLATE pg_catalog.\"C\"" : "",
							 operator_texts[term.comparison],
							 filter_argument_add(arguments, term.argument), cast_name(type));
			break;
		case TERM_NEVER:
			appendStringInfo(sql, "(%s IS NULL AND NULL::boolean)", column);
			break;
		case TERM_ALWAYS:
			appendStringInfo(sql, "(%s IS NOT NULL OR NULL::boolean)", column);
			break;
		case TERM_UNFIT:
			appendStringInfoString(sql, "NULL::boolean");
			break;
	}
}

void
filter_column_condition(StringInfo sql, FilterArguments *arguments, const char *column,
						const FilterType *type, const FilterNode *node)
{
	if (node->kind == FILTER_EQ)
		append_equality(sql, arguments, column, type, node);
	else
		append_range(sql, arguments, column, type, node);
}
