/*
 * code_type.c
 *		The code types: input, output, send, receive, casts, and what SQL may ask of directories.
 *
 * Must not know a single code: those are facts of code_directory. Comparison and hash are the
 * server's own int2 functions (see code_type.template.sql).
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "code/code_directory.h"
#include "base/pg_compat.h"

/* No more of a wrong text is repeated in the error, in bytes. */
#define SHOWN_TEXT_MAX 100

/* The codes that share this label, as text; NULL unless there are several. */
static char *
list_namesakes(const CodeDirectory *directory, const char *word)
{
	StringInfoData codes;
	char buffer[CODE_TEXT_SIZE];
	int count = 0;

	initStringInfo(&codes);
	for (int i = 0; i < code_count(directory); i++)
	{
		int16 number = code_first(directory) + i;

		if (code_label_is(directory, number, word, strlen(word)))
			appendStringInfo(&codes, "%s%s", count++ > 0 ? ", " : "",
							 code_text(directory, number, buffer));
	}
	return count > 1 ? codes.data : NULL;
}

/* Why a text was not found, as a sentence; NULL where the message says it all. */
static char *
explain_unknown(const CodeDirectory *directory, const char *word)
{
	char *namesakes;

	if (code_claims_local(word, strlen(word)))
		return psprintf("Local codes run from local:%d to local:%d.", CODE_LOCAL_MIN,
						CODE_LOCAL_MAX);
	namesakes = list_namesakes(directory, word);
	if (namesakes != NULL)
		return psprintf("It is the label of more than one code: %s.", namesakes);
	return NULL;
}

static Datum
code_input(FunctionCallInfo fcinfo, const CodeDirectory *directory)
{
	const char *word = PG_GETARG_CSTRING(0);
	int length = strlen(word);
	int shown = pg_mbcliplen(word, length, SHOWN_TEXT_MAX);
	char *detail;
	int16 number;

	if (code_find(directory, word, length, &number))
		PG_RETURN_INT16(number);

	detail = explain_unknown(directory, word);
	ereturn(fcinfo->context, (Datum) 0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid code for directory %s: \"%.*s%s\"", code_directory_name(directory),
					shown, word, shown < length ? "..." : ""),
			 detail != NULL ? errdetail("%s", detail) : 0,
			 errhint("SELECT * FROM casesync.code_directory WHERE directory = '%s'; shows the "
					 "codes. A local word is translated by casesync.to_code().",
					 code_directory_name(directory))));
}

/* A number that this library does not know was stored by a later one. */
static void
report_unknown(const CodeDirectory *directory, int16 number)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("number %d is no code of directory %s", (int) number,
						   code_directory_name(directory)),
					errhint("It may come from a later version of casesync: install that version's "
							"library.")));
}

static Datum
code_output(FunctionCallInfo fcinfo, const CodeDirectory *directory)
{
	int16 number = PG_GETARG_INT16(0);
	char buffer[CODE_TEXT_SIZE];

	if (!code_exists(directory, number))
		report_unknown(directory, number);
	PG_RETURN_CSTRING(pstrdup(code_canonical(directory, number, buffer)));
}

static Datum
code_receive(FunctionCallInfo fcinfo, const CodeDirectory *directory)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int16 number = (int16) pq_getmsgint(message, sizeof(int16));

	if (!code_exists(directory, number))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid number for directory %s: %d",
							   code_directory_name(directory), (int) number),
						errhint("SELECT number, code FROM casesync.code_directory WHERE directory "
								"= '%s'; shows the numbers.",
								code_directory_name(directory))));
	PG_RETURN_INT16(number);
}

static Datum
code_from_integer(FunctionCallInfo fcinfo, const CodeDirectory *directory)
{
	int32 number = PG_GETARG_INT32(0);

	if (!code_exists(directory, number))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("no code of directory %s has number %d",
							   code_directory_name(directory), (int) number),
						errhint("SELECT number, code FROM casesync.code_directory WHERE directory "
								"= '%s'; shows the numbers.",
								code_directory_name(directory))));
	PG_RETURN_INT16((int16) number);
}

/* What a country means by local:900 in one list says nothing about the other: refuse, not guess. */
static Datum
code_convert(FunctionCallInfo fcinfo, const CodeDirectory *from, const char *to,
			 const int16 *numbers)
{
	int16 number = PG_GETARG_INT16(0);

	if (code_is_local(number))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("code local:%d of directory %s has no counterpart in directory %s",
							   (int) number, code_directory_name(from), to),
						errhint("Decide it in the query: CASE WHEN code = 'local:%d' THEN ... ELSE "
								"code::casesync.%s END.",
								(int) number, to)));
	if (!code_exists(from, number))
		report_unknown(from, number);
	PG_RETURN_INT16(numbers[number - code_first(from)]);
}

/* The SQL functions of each type: which directory it is, and nothing else. */
#define CODE_FUNCTION(name, body)                                                                  \
	PG_FUNCTION_INFO_V1(casesync_##name);                                                          \
	Datum casesync_##name(PG_FUNCTION_ARGS)                                                        \
	{                                                                                              \
		return body;                                                                               \
	}

#define CODE_TYPE(type, index)                                                                     \
	CODE_FUNCTION(type##_in, code_input(fcinfo, code_directory_at(index)))                         \
	CODE_FUNCTION(type##_out, code_output(fcinfo, code_directory_at(index)))                       \
	CODE_FUNCTION(type##_recv, code_receive(fcinfo, code_directory_at(index)))                     \
	CODE_FUNCTION(type##_from_integer, code_from_integer(fcinfo, code_directory_at(index)))

#define CODE_CAST(from, to, ...)                                                                   \
	static const int16 from##_to_##to##_numbers[] = {__VA_ARGS__};                                 \
	CODE_FUNCTION(from##_to_##to, code_convert(fcinfo, code_directory_by_name(#from), #to,         \
											   from##_to_##to##_numbers))

#include "generated/code_types.h"

/* What SQL may ask of the directories. */

PG_FUNCTION_INFO_V1(casesync_standard_codes);
PG_FUNCTION_INFO_V1(casesync_standard_label);
PG_FUNCTION_INFO_V1(casesync_standard_description);
PG_FUNCTION_INFO_V1(casesync_find_code);
PG_FUNCTION_INFO_V1(casesync_code_type_directory);
PG_FUNCTION_INFO_V1(casesync_code);
PG_FUNCTION_INFO_V1(casesync_code_position);

static void
put_directory(ReturnSetInfo *result, const CodeDirectory *directory)
{
	char buffer[CODE_TEXT_SIZE];

	for (int i = 0; i < code_count(directory); i++)
	{
		int16 number = code_first(directory) + i;
		bool nulls[7] = {false};
		Datum values[7] = {
			CStringGetTextDatum(code_directory_name(directory)),
			CStringGetTextDatum(code_directory_id(directory)),
			Int16GetDatum(number),
			CStringGetTextDatum(code_text(directory, number, buffer)),
			CStringGetTextDatum(code_canonical(directory, number, buffer)),
			CStringGetTextDatum(code_label(directory, number)),
			CStringGetTextDatum(code_description(directory, number)),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
casesync_standard_codes(PG_FUNCTION_ARGS)
{
	const CodeDirectory *directory;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; (directory = code_directory_at(i)) != NULL; i++)
		put_directory((ReturnSetInfo *) fcinfo->resultinfo, directory);
	return (Datum) 0;
}

static const CodeDirectory *
get_directory_argument(FunctionCallInfo fcinfo)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const CodeDirectory *directory = code_directory_by_name(name);

	if (directory == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("there is no code directory \"%s\"", name),
						errhint("SELECT DISTINCT directory FROM casesync.code_directory; shows "
								"them.")));
	return directory;
}

Datum
casesync_standard_label(PG_FUNCTION_ARGS)
{
	const char *label = code_label(get_directory_argument(fcinfo), PG_GETARG_INT16(1));

	if (label == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(label));
}

Datum
casesync_standard_description(PG_FUNCTION_ARGS)
{
	const char *description = code_description(get_directory_argument(fcinfo), PG_GETARG_INT16(1));

	if (description == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(description));
}

Datum
casesync_find_code(PG_FUNCTION_ARGS)
{
	text *spelling = PG_GETARG_TEXT_PP(1);
	int16 number;

	if (!code_find(get_directory_argument(fcinfo), VARDATA_ANY(spelling),
				   VARSIZE_ANY_EXHDR(spelling), &number))
		PG_RETURN_NULL();
	PG_RETURN_INT16(number);
}

/* The directory of a code type, or of a domain over one; an error for every other type. */
static const CodeDirectory *
code_directory_of_type(Oid type)
{
	const CodeDirectory *directory = NULL;
	/* A number may be cast to regtype without there being such a type. */
	bool exists = SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type));
	Oid base = exists ? getBaseType(type) : InvalidOid;
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		if (form->typnamespace == get_namespace_oid("casesync", true))
			directory = code_directory_by_name(NameStr(form->typname));
		ReleaseSysCache(tuple);
	}
	if (directory == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type %s is not a code type",
							   format_type_extended(type, -1, FORMAT_TYPE_ALLOW_INVALID)),
						errhint("Write the type of the directory: 'Active'::casesync."
								"enrolment_status, or NULL::casesync.enrolment_status.")));
	return directory;
}

Datum
casesync_code_type_directory(PG_FUNCTION_ARGS)
{
	const CodeDirectory *directory = code_directory_of_type(PG_GETARG_OID(0));

	PG_RETURN_TEXT_P(cstring_to_text(code_directory_name(directory)));
}

/* The type of the argument does not change while a query runs: looked up once. */
static const CodeDirectory *
get_argument_directory(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra =
			(void *) code_directory_of_type(get_fn_expr_argtype(fcinfo->flinfo, 0));
	return fcinfo->flinfo->fn_extra;
}

/* casesync.code(anyelement): the code as it goes over the wire */
Datum
casesync_code(PG_FUNCTION_ARGS)
{
	const CodeDirectory *directory = get_argument_directory(fcinfo);
	int16 number = PG_GETARG_INT16(0);
	char buffer[CODE_TEXT_SIZE];

	if (!code_exists(directory, number))
		report_unknown(directory, number);
	PG_RETURN_TEXT_P(cstring_to_text(code_text(directory, number, buffer)));
}

/* casesync_internal.code_position(anyelement): the number of a code of whatever type */
Datum
casesync_code_position(PG_FUNCTION_ARGS)
{
	get_argument_directory(fcinfo);
	PG_RETURN_INT16(PG_GETARG_INT16(0));
}
