/*
 * subjects_query.c
 *		Reads a query for subjects (track()'s parameter of this name): parses it, checks it and
 *		writes it out again. Must not store or run anything.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/ruleutils.h"

#include "base/pg_compat.h"
#include "base/reading.h"
#include "base/subjects_query.h"

PG_FUNCTION_INFO_V1(casesync_subjects_query);
PG_FUNCTION_INFO_V1(casesync_subjects_of);

static const char *const query_hint =
	"The key, $1, is of type text; cast it to what it is compared with: "
	"$1::integer, $1::uuid.";

pg_noreturn static void subjects_refuse(const char *detail);

static void
subjects_refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("\"subjects\" is not a plain query"), errdetail("%s", detail),
			 errhint("Write one SELECT of one column, with $1 for the key as text: subjects => "
					 "'SELECT person_id FROM enrolment WHERE programme_id = $1::integer'.")));
}

static int
visible_columns(const Query *query)
{
	ListCell *cell;
	int count = 0;

	foreach (cell, query->targetList)
		if (!lfirst_node(TargetEntry, cell)->resjunk)
			count++;
	return count;
}

static Query *
subjects_analyze(const char *source)
{
	List *statements = raw_parser(source, RAW_PARSE_DEFAULT);
	Oid types[] = {TEXTOID};
	Query *query;

	if (list_length(statements) != 1)
		subjects_refuse("It is not exactly one statement.");
	if (!IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		subjects_refuse("It is not a SELECT.");
	query = parse_analyze_fixedparams(linitial_node(RawStmt, statements), source, types, 1, NULL);
	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL)
		subjects_refuse("It is not a SELECT.");
	if (query->hasModifyingCTE || query->rowMarks != NIL)
		subjects_refuse("It writes or locks rows.");
	if (visible_columns(query) != 1)
		subjects_refuse("It gives more than one column.");
	if (contain_volatile_functions((Node *) query))
		subjects_refuse("It calls a volatile function.");
	return query;
}

Query *
subjects_query_read(const char *source)
{
	Reading reading = {"subjects", source, error_context_stack, query_hint};
	ErrorContextCallback context = {NULL, reading_context, &reading};
	Query *query;

	error_context_stack = &context;
	query = subjects_analyze(reading.source);
	error_context_stack = reading.outer;
	return query;
}

static Datum
subjects_read(const char *source, const char *path)
{
	int level = reading_path_enter(path);
	Query *query = subjects_query_read(source);

	AtEOXact_GUC(true, level);
	level = reading_style_enter();
	source = pg_get_querydef(query, false);
	AtEOXact_GUC(true, level);
	return CStringGetTextDatum(source);
}

/* casesync_internal.subjects_query(relation, query, path): parsing it evaluates literals. */
Datum
casesync_subjects_of(PG_FUNCTION_ARGS)
{
	OwnerScope scope;
	Relation relation = reading_scope_enter(&scope, PG_GETARG_OID(0));
	Datum query =
		subjects_read(text_to_cstring(PG_GETARG_TEXT_PP(1)), text_to_cstring(PG_GETARG_TEXT_PP(2)));

	owner_scope_leave(&scope);
	table_close(relation, NoLock);
	PG_RETURN_DATUM(query);
}

/* casesync_internal.subjects_query(query, path): only called by the SQL of 0.2.0. */
Datum
casesync_subjects_query(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(subjects_read(text_to_cstring(PG_GETARG_TEXT_PP(0)),
								  text_to_cstring(PG_GETARG_TEXT_PP(1))));
}
